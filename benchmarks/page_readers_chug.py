"""What `page_readers.py` runs in an environment of its own: pages a second of chug's loader.

    chug-env/bin/python benchmarks/page_readers_chug.py SHARD SAMPLES BATCH WORKERS

A PDFA shard, a random page of each document drawn at 150 dpi and fitted into 1024 x 1024 by its
plain transform for documents; the lines of its JSON joined, as bytes (its tokenizers are on the
hub). Prints JSON: pages a second, processor milliseconds a page. All samples are read some times
over, the start of its workers included.
"""

import json
import resource
import sys
import time

import chug
import torch

ROUNDS = 4
LENGTH = 2048


def as_bytes(text: str) -> dict[str, torch.Tensor]:
    data = text.encode()[:LENGTH]
    ids = torch.frombuffer(bytearray(data.ljust(LENGTH, b"\0")), dtype=torch.uint8).long()
    return {"text_input": ids[:-1], "text_target": ids[1:]}


def spent() -> float:
    """Processor seconds of this process and of the workers that have ended."""
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    shard, samples, batch, workers = sys.argv[1], *map(int, sys.argv[2:])
    image = chug.create_image_preprocessor(
        input_cfg=chug.ImageInputCfg(size=(1024, 1024), transform_type="doc_basic"),
        is_training=True,
    )
    task = chug.DataTaskDocReadCfg(
        image_process_fn=image, text_process_fn=as_bytes, page_sampling="random"
    )
    data = chug.DataCfg(
        source=shard, batch_size=batch, num_samples=samples, format="wds", num_workers=workers
    )
    before, start, pages = spent(), time.perf_counter(), 0
    for _ in range(ROUNDS):
        for found in chug.create_loader(data, task, is_training=False):
            pages += len(found["image_input"])
    rate = pages / (time.perf_counter() - start)
    print(json.dumps({"rate": rate, "spent": 1000 * (spent() - before) / pages, "pages": pages}))


if __name__ == "__main__":
    main()

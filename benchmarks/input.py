"""Input that keeps up: what a sample costs, and how long a step waits for its batch.

    python -m benchmarks.input
    python -m benchmarks.input --full
    python -m benchmarks.input --data SHARDS --threads 4 8 16 --rates 80 160

The real loader (threads, augmentation, stacking) over the real layout data set, as a data set too
large to be kept in memory: every sample is read, decoded and featurized each time it comes. Prints

1. the processor time of each part of a sample, one thread, weighted by how often training does it
   (a turn, for example, in `config.data.rotate_share` of the samples);
2. samples a second by number of threads, and the processor time of a sample over all threads;
3. the share of time that a simulated step waits, at rates of samples a second: the step sleeps, as
   it does on an accelerator, and asks for a batch when it ends. A real loop asks two steps ahead;
4. what that comes to in cores for the devices of NEEDS. That is arithmetic, not measured: cores of
   the kind that ran this, threads that do not meet at the interpreter's lock; the line "lock" says
   from which rate on they would, however many there are.

Data: by default the sections we ship (pictures of about 1280 x 450, some 30 nodes; all arrays have
the preset's full size nonetheless). --full makes records as large as `base` allows out of them:
pictures of 1280 x 900 and more, which are shrunk and sharpened, trees of up to 1,000 nodes.
"""

import argparse
import dataclasses
import gc
import io
import itertools
import math
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from configs import stage4
from xojl_jax import tasks
from xojl_jax.data import images, loader, shards
from xojl_jax.data.augment import brightness_contrast
from xojl_jax.data.transforms import stack
from xojl_jax.tasks.layout.dataset import CACHE_BYTES, LayoutDataset
from xojl_jax.tasks.layout.features import Featurizer
from xojl_jax.tasks.layout.sample_changes import rotate_sample
from xojl_jax.xojl.record import Record, parse_record, record_to_json

# Samples a second that `base` asks for at half of a device's bf16 peak, 4.9 TFLOP each: 790 TFLOP/s
# measured for a matrix product on an H200, 197 TFLOP/s on the data sheet of a v5e.
NEEDS = {"one H200": 80, "one host of a v5e:2x4, 8 chips": 160}
WAIT_LIMIT = 0.02
# Parts of a sample that are Python or short calls; the others let go of the interpreter's lock.
LOCKED = ("read", "parse", "features", "pad", "light", "spelled")


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("--preset", default="base", choices=["tiny", "small", "base"])
    add("--data", default="", help="shards (default: the sample data)")
    add("--full", action="store_true", help="join the data's sections to records of full size")
    add("--records", type=int, default=64, help="records whose parts are timed")
    add("--threads", type=int, nargs="+", default=[1, 2])
    add("--batch", type=int, default=8)
    add("--batches", type=int, default=24, help="timed batches of a turn")
    add("--turns", type=int, default=3)
    add("--rates", type=float, nargs="+", help="samples a second (default: shares of what it gave)")
    return parser.parse_args()


# --- data -------------------------------------------------------------------------------------


def join(parts: list[tuple[Record, np.ndarray]], config) -> tuple[Record, np.ndarray]:
    """One record of several: the trees one after the other, the pictures one below the other until
    they are higher than the canvas."""
    trees, layouts, boxes, twins, pictures = (), (), [], [], []
    nodes = height = 0
    width = max(picture.shape[1] for _, picture in parts)
    for record, picture in parts:
        trees += record.html
        layouts += record.layout
        twins += [None if twin is None else twin + nodes for twin in record.alignment()]
        boxes += [(x, y + height, w, h, z) for x, y, w, h, z in record.html_boxes]
        nodes += len(record.html_boxes)
        if height <= config.image.height:
            margin = ((0, 0), (0, width - picture.shape[1]), (0, 0))
            pictures.append(np.pad(picture, margin, constant_values=255))
        height += picture.shape[0]
    first = parts[0][0]
    whole = dataclasses.replace(
        first, html=trees, layout=layouts, html_boxes=tuple(boxes), layout_nodes=tuple(twins)
    )
    return whole, np.concatenate(pictures)


def write_full(folder: Path, source: shards.ShardSource, config, count: int) -> None:
    """So many records of full size, written as shards."""
    numbers, entries = itertools.cycle(range(len(source))), []
    limit = 0.98 * config.model.max_nodes
    carried: list[tuple[Record, np.ndarray]] = []
    while len(entries) < count:
        stored = source[next(numbers)]
        record, picture = parse_record(stored.record), images.decode_image(stored.image)
        size = sum(len(part.html_boxes) for part, _ in carried) + len(record.html_boxes)
        if carried and size > limit:
            whole, pixels = join(carried, config)
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "WEBP", quality=85)
            entries.append((record_to_json(whole), buffer.getvalue()))
            carried = []
        carried.append((record, picture))
    shards.write_manifest(folder, [shards.write_shards(entries, folder, "train")])


# --- measuring --------------------------------------------------------------------------------


def part_seconds(dataset: LayoutDataset, config, count: int) -> tuple[dict[str, float], float]:
    """Processor seconds of each part of a sample, means, as often as training does it; and the
    bytes of a record's features."""
    spec, data = dataset.spec, config.data
    featurizer = Featurizer(spec)
    rng = np.random.default_rng(0)
    numbers = [int(n) for n in dataset.numbers[np.linspace(0, len(dataset) - 1, count, dtype=int)]]
    seconds = {}

    def timed(name: str, function: Callable, inputs: list, share: float = 1.0) -> list:
        outputs = [function(item) for item in inputs]
        # Again, and dropped at once: what is imported or compiled once is no part of a sample, nor
        # is memory that comes fresh from the system because all outputs are kept.
        began = time.thread_time()
        for item in inputs:
            function(item)
        seconds[name] = share * (time.thread_time() - began) / len(numbers)
        return outputs

    stored = timed("read", dataset.source.__getitem__, numbers)
    records = timed("parse", lambda entry: parse_record(entry.record), stored)
    prepared = timed("features", featurizer.prepare, records)
    decoded = timed("decode", lambda entry: images.decode_image(entry.image), stored)
    pictures = timed("sharpen, resize", featurizer.shrink, decoded)
    pairs = list(zip(prepared, pictures, strict=True))
    samples = timed("pad", lambda pair: featurizer.finish(*pair, index=0), pairs)
    shown = 1 - data.drop_image
    timed("light", lambda sample: brightness_contrast(sample["image"], rng), samples, shown)
    angles = rng.uniform(-data.rotate, data.rotate, len(samples))
    timed(
        "turn",
        lambda pair: rotate_sample(pair[0], pair[1], spec),
        list(zip(samples, angles, strict=True)),
        shown * data.rotate_share,
    )
    timed("spelled", featurizer.spelled, records, data.drop_html)
    timed("stack", stack, [samples[i : i + 8] for i in range(0, len(samples) - 7, 8)])
    return seconds, statistics.fmean(entry.nbytes for entry in prepared)


def loader_rate(dataset, threads: int, options) -> tuple[float, float]:
    """(samples a second, processor seconds a sample over all threads), after the first batches."""
    with loader.batches(
        dataset, seed=0, batch_size=options.batch, num_threads=threads, prefetch=2
    ) as stream:
        # What is ready by now was paid for before the clock started.
        for _ in range(4):
            next(stream)
        began, busy = time.perf_counter(), time.process_time()
        for _ in range(options.batches):
            next(stream)
        seconds, busy = time.perf_counter() - began, time.process_time() - busy
    samples = options.batch * options.batches
    return samples / seconds, busy / samples


def wait_share(dataset, rate: float, threads: int, config, options) -> float:
    """The share of its time that a loop of sleeping steps waits for its batches."""
    waited = 0.0
    with loader.batches(
        dataset,
        seed=0,
        batch_size=options.batch,
        num_threads=threads,
        prefetch=config.data.prefetch,
    ) as stream:
        next(stream)
        time.sleep(config.data.prefetch * options.batch / rate)  # a run's compilation
        # Enough steps to use up what was made ahead of time.
        for number in range(config.data.prefetch + options.batches):
            if number == config.data.prefetch:
                began, waited = time.perf_counter(), 0.0
            asked = time.perf_counter()
            next(stream)
            waited += time.perf_counter() - asked
            time.sleep(options.batch / rate)
        return waited / (time.perf_counter() - began)


# --- printing ---------------------------------------------------------------------------------


def show_parts(seconds: dict[str, float], size: float) -> float:
    """Prints the parts; returns the seconds a sample in which no other thread can run Python."""
    whole = sum(seconds.values())
    print("\npart                 ms a sample   share")
    for name, value in seconds.items():
        print(f"{name:20} {1000 * value:11.2f} {value / whole:7.0%}")
    locked = sum(seconds[name] for name in LOCKED)
    print(f"{'all':20} {1000 * whole:11.2f}")
    print(f"{'lock (at most)':20} {1000 * locked:11.2f}  from {1 / locked:.0f} samples/s on")
    kept = seconds["parse"] + seconds["features"]
    print(
        f"features of a record: {size / 1000:.0f} kB; those of the first {CACHE_BYTES / size:.0f} "
        f"are kept, and cost {1000 * kept:.2f} ms less from the second epoch on"
    )
    return locked


def show_needs(cost: float, load: float, locked: float) -> None:
    print(f"\ncores at {1000 * cost:.1f} ms of processor time a sample, {load:.0%} of them busy")
    for name, rate in NEEDS.items():
        cores = math.ceil(rate * cost / load)
        remark = "" if rate * locked < load else "; more than one process's lock gives"
        print(f"{name:34} {rate:4} samples/s: {cores} cores{remark}")


def measure(folder: str | Path, config, options: argparse.Namespace) -> None:
    task = tasks.make(config)
    dataset = LayoutDataset(folder, "train", task.spec, config.data, cache_bytes=0, picture_bytes=0)
    picture = images.decode_image(dataset.source[int(dataset.numbers[0])].image)
    print(
        f"{config.preset}: {len(dataset)} records ({sum(dataset.left_out.values())} left out), the "
        f"first picture {picture.shape[1]} x {picture.shape[0]}; {os.cpu_count()} cores",
        flush=True,
    )
    gc.freeze()  # as training does
    locked = show_parts(*part_seconds(dataset, config, min(options.records, len(dataset))))
    print("\nthreads  samples/s  ms of processor time a sample", flush=True)
    best, cost = 0.0, 0.0
    for threads in options.threads:
        found = [loader_rate(dataset, threads, options) for _ in range(options.turns)]
        rate, busy = (statistics.median(values) for values in zip(*found, strict=True))
        print(f"{threads:7} {rate:10.1f} {1000 * busy:10.1f}", flush=True)
        if rate > best:
            best, cost = rate, busy
    print(f"\nsamples/s   of {best:.0f}   step ms   waits", flush=True)
    load = 0.0
    for rate in options.rates or [best * share for share in (0.5, 0.8, 0.9, 0.95)]:
        share = wait_share(dataset, rate, max(options.threads), config, options)
        print(f"{rate:9.1f} {rate / best:6.0%} {1000 * options.batch / rate:9.0f} {share:8.1%}")
        if share < WAIT_LIMIT:
            load = max(load, min(rate / best, 1.0))
    if load:
        show_needs(cost, load, locked)
    else:
        print(f"no rate kept the wait under {WAIT_LIMIT:.0%}: nothing to reckon with")


def main() -> None:
    options = parse_arguments()
    config = stage4.get_config(options.preset)
    config.data.path = options.data
    if not options.full:
        measure(tasks.make(config).folder, config, options)
        return
    with tempfile.TemporaryDirectory() as name:
        source = tasks.make(config).dataset("train").source
        write_full(Path(name), source, config, max(24, options.records // 2))
        measure(name, config, options)


if __name__ == "__main__":
    main()

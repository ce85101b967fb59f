"""The loader: samples a second with several threads against none, and where the time goes.

    python -m benchmarks.loader
    python -m benchmarks.loader --preset base --threads 1 2 4 16 --format WEBP
    python -m benchmarks.loader --torch 0 1 2     # pip install torch

Writes a data set of drawn pages to a temporary folder, then measures (1) each part of one sample
by itself, in processor time of one thread, in the first epoch and in later ones, which have the
features (but, in a large data set, not the pixels) in memory; and (2) whole batches, the variants
taking turns, as ratios to the variant without threads. "kept" has the pictures in memory, too, as
small data sets do. Ratios of one run are comparable; absolute figures are of this machine.

All variants augment as training does. --torch adds a PyTorch DataLoader over the same samples and
the same transforms, with so many worker processes, the same order not asked of it.
"""

import argparse
import io
import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from configs import layout
from xojl_jax.data import images, shards
from xojl_jax.data.loader import batches
from xojl_jax.data.transforms import stack
from xojl_jax.tasks.layout.dataset import LayoutDataset
from xojl_jax.tasks.layout.features import Featurizer
from xojl_jax.tasks.layout.sample_spec import MERGED, FeatureSpec
from xojl_jax.xojl.build import layout_from_labels
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.record import Record, parse_record, record_to_json
from xojl_jax.xojl.tree import parse_html, preorder


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="base", choices=sorted(layout.PRESETS))
    parser.add_argument("--records", type=int, default=48)
    parser.add_argument("--nodes", type=int, default=60, help="HTML nodes of a record")
    parser.add_argument("--format", default="PNG", choices=["PNG", "WEBP", "JPEG"])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--batches", type=int, default=6, help="timed batches of a turn")
    parser.add_argument("--torch", type=int, nargs="*", default=[], help="workers of a DataLoader")
    parser.add_argument("--turns", type=int, default=3)
    return parser.parse_args()


def drawn_record(rng: np.random.Generator, number: int, nodes: int) -> Record:
    """A random tree with some ten classes a node, half of its nodes labeled, a box for each."""
    book = Codebook.load()
    properties, tags = list(book.properties), list(book.tags)
    values = ["auto", "flex", "0", "12x", "1.125r", "1fafaf"]

    def key() -> str:
        classes = [
            f"@{rng.choice(properties)}_{rng.choice(values)}" for _ in range(rng.integers(3, 16))
        ]
        return rng.choice(tags) + "".join(classes)

    members: list[dict] = [{} for _ in range(nodes)]
    names = [f"{key()}#{i + 2}" for i in range(nodes)]
    for i in range(nodes - 1, 0, -1):
        parent = int(rng.integers(max(0, i - 8), i))
        members[parent] = {names[i]: members[i] or {"text": f"t{i}"}} | members[parent]
    html = parse_html({names[0]: members[0]})
    labels = [int(rng.integers(22)) if rng.random() < 0.5 else MERGED for _ in preorder(html)]
    labels[0] = 0
    layout = layout_from_labels(html, labels)
    boxes = tuple((float(i), float(i), 200.0, 40.0, i) for i in range(nodes))
    return Record(
        screenshot=f"{number}.png",
        html=html,
        layout=layout.forest,
        category="hero",
        html_boxes=boxes,
        layout_nodes=layout.nodes,
    )


def drawn_page(rng: np.random.Generator, kind: str) -> bytes:
    """A 1280 x 900 page with panels, lines of text, and one noisy picture."""
    page = Image.new("RGB", (1280, 900), (250, 250, 252))
    draw = ImageDraw.Draw(page)
    for _ in range(12):
        x, y = rng.integers(0, 1100), rng.integers(0, 800)
        fill = tuple(int(v) for v in rng.integers(120, 255, 3))
        draw.rectangle((x, y, x + 160, y + 90), fill=fill, outline=(40, 40, 60))
    for _ in range(60):
        words = "".join(rng.choice(list("abcdefghij  "), 40))
        draw.text((int(rng.integers(0, 1000)), int(rng.integers(0, 880))), words, fill=(20, 20, 30))
    noise = rng.normal(128, 30, (30, 40, 3)).clip(0, 255).astype(np.uint8)
    page.paste(Image.fromarray(noise).resize((400, 300)), (700, 100))
    buffer = io.BytesIO()
    page.save(buffer, kind, quality=90)
    return buffer.getvalue()


def write_data(folder: Path, options: argparse.Namespace) -> None:
    rng = np.random.default_rng(0)
    entries = [
        (record_to_json(drawn_record(rng, i, options.nodes)), drawn_page(rng, options.format))
        for i in range(options.records)
    ]
    shards.write_manifest(folder, [shards.write_shards(entries, folder, "train")])


def part_times(folder: Path, spec: FeatureSpec) -> dict[str, float]:
    """Processor seconds of each part of a sample, mean over the records."""
    source = shards.ShardSource(folder, "train")
    featurizer = Featurizer(spec)
    numbers = range(len(source))
    seconds = {}

    def timed(name: str, function, inputs) -> list:
        start = time.process_time()
        outputs = [function(item) for item in inputs]
        seconds[name] = (time.process_time() - start) / len(source)
        return outputs

    stored = timed("read", source.__getitem__, numbers)
    records = timed("parse", lambda s: parse_record(s.record), stored)
    timed("features, new classes", featurizer.prepare, records)
    prepared = timed("features", featurizer.prepare, records)
    decoded = timed("decode", lambda s: images.decode_image(s.image), stored)
    pictures = timed("fit", featurizer.shrink, decoded)
    pairs = list(zip(prepared, pictures, strict=True))
    timed("pad", lambda pair: featurizer.finish(*pair, index=0), pairs)
    return seconds


def our_rate(dataset, threads: int, options: argparse.Namespace) -> float:
    """Samples a second of our loader, after its first batch."""
    with batches(dataset, seed=0, batch_size=options.batch, num_threads=threads) as stream:
        next(stream)  # threads have started, and one batch is ahead
        return timed_batches(stream, options)


def torch_rate(dataset, workers: int, options: argparse.Namespace) -> float:
    """The same of a PyTorch DataLoader over the same samples, at its usual best settings."""
    import torch
    from torch.utils.data import DataLoader

    class Augmented:
        def __len__(self) -> int:
            return options.batch * (options.batches + 2 + 2 * workers)

        def __getitem__(self, place: int):
            rng = np.random.default_rng((0, place))
            return dataset.augment(dataset[place % len(dataset)], rng)

    def collate(samples: list) -> dict[str, torch.Tensor]:
        return {name: torch.from_numpy(array) for name, array in stack(samples).items()}

    loader = DataLoader(
        Augmented(), options.batch, shuffle=True, num_workers=workers, collate_fn=collate
    )
    stream = iter(loader)
    next(stream)
    return timed_batches(stream, options)


def timed_batches(stream, options: argparse.Namespace) -> float:
    start = time.perf_counter()
    for _ in range(options.batches):
        next(stream)
    return options.batch * options.batches / (time.perf_counter() - start)


def rates(folder: Path, spec: FeatureSpec, options: argparse.Namespace) -> dict[str, float]:
    """Samples a second of each variant, median of the turns."""
    augmentation = layout.make(options.preset).data
    decoding = LayoutDataset(folder, "train", spec, augmentation, picture_bytes=0)
    keeping = LayoutDataset(folder, "train", spec, augmentation, picture_bytes=1 << 40)
    for dataset in (decoding, keeping):
        for i in range(len(dataset)):
            dataset[i]
    variants = {str(count): (our_rate, decoding, count) for count in (0, *options.threads)}
    variants["0, kept"] = (our_rate, keeping, 0)
    for count in options.torch:
        variants[f"torch {count}"] = (torch_rate, decoding, count)
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(options.turns):
        for name, (measure, dataset, workers) in variants.items():
            found[name].append(measure(dataset, workers, options))
    return {name: statistics.median(values) for name, values in found.items()}


def main() -> None:
    options = parse_arguments()
    config = layout.make(options.preset)
    spec = FeatureSpec(
        config.image.height,
        config.image.width,
        config.model.patch,
        config.model.max_nodes,
        config.model.max_classes,
        config.model.max_target,
    )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_data(folder, options)
        size = sum(path.stat().st_size for path in folder.iterdir()) / options.records
        print(
            f"{options.preset}: {spec.image_width} x {spec.image_height}, {options.records} "
            f"records of {options.nodes} nodes, {options.format}, {size / 1000:.0f} kB each"
        )
        seconds = part_times(folder, spec)
        first = sum(seconds.values()) - seconds["features"]
        later = {name: seconds[name] for name in ("read", "decode", "fit", "pad")}
        print("\npart                     ms      first epoch  later epochs")
        for name, value in seconds.items():
            again = value / sum(later.values()) if name in later else 0
            share = value / first if name != "features" else 0
            print(f"{name:22} {1000 * value:6.2f} {share:14.0%} {again:13.0%}")
        print("\n threads  samples/s   ratio to none")
        found = rates(folder, spec, options)
        for variant, rate in found.items():
            print(f"{variant:>8} {rate:10.1f} {rate / found['0']:15.2f}")


if __name__ == "__main__":
    main()

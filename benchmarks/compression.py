"""Compressed models beside their parent: size, time on this machine, F1 with its interval.

  python -m benchmarks.compression models/demo models/demo-int8 models/half --data SHARDS

The first model is the parent. Each is evaluated on the test split of the sample data, and of every
--data (sections of real pages, say, that none has seen), greedily in the detail view. Time is that
of one section by itself, the median of sections of the sample data, compilation left out; the
models take turns, so that what else the machine does meets all alike. Prints a table in Markdown.
"""

import argparse
import io
import statistics
import time
import zipfile
from pathlib import Path

from xojl_jax import evaluate, restore
from xojl_jax.serving import loaded
from xojl_jax.serving.folder import PARAMS

SCORES = {"element_micro_f1": "F1 of elements", "aligned_micro_f1": "on the right node"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("models", nargs="+", type=Path, help="exported models, the parent first")
    parser.add_argument("--data", nargs="*", default=[], help="shards beside the sample data")
    parser.add_argument("--sections", type=int, default=20, help="sections to time (default 20)")
    parser.add_argument("--limit", type=int, help="only the first records of each test split")
    flags = parser.parse_args()
    seconds = latencies(flags.models, flags.sections)
    datasets = [None, *flags.data]
    names = [
        f"{Path(d).name if d else 'sample data'}: {s}" for d in datasets for s in SCORES.values()
    ]
    print("| model | MB | zipped MB | ms a section | " + " | ".join(names) + " |")
    print("| --- |" + " ---: |" * (3 + len(names)))
    for path, times in zip(flags.models, seconds, strict=True):
        size, zipped = sizes(path)
        cells = [c for data in datasets for c in scores(path, data, flags.limit)]
        milliseconds = f"{1e3 * statistics.median(times):.0f}"
        row = [path.name, f"{size:.1f}", f"{zipped:.1f}", milliseconds, *cells]
        print("| " + " | ".join(row) + " |", flush=True)


def sizes(path: Path) -> tuple[float, float]:
    """MB of the parameters' file, as it is and zipped."""
    content, buffer = (path / PARAMS).read_bytes(), io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(PARAMS, content)
    return len(content) / 1e6, buffer.tell() / 1e6


def latencies(paths: list[Path], count: int) -> list[list[float]]:
    """Seconds of each section, for each model."""
    models = [loaded.load(path) for path in paths]
    dataset = models[0].inference.dataset("test")
    found: list[list[float]] = [[] for _ in paths]
    for model in models:
        model.warm(None, 1)
    for index in range(min(count, len(dataset))):
        for model, times in zip(models, found, strict=True):
            inputs = model.inference.stored_inputs(dataset, index, "timed")
            began = time.perf_counter()
            sample = model.inference.featurize(model.inference.fit_inputs(inputs))
            model.answer([sample], [inputs], None, 1)
            times.append(time.perf_counter() - began)
    return found


def scores(path: Path, data: str | None, limit: int | None) -> list[str]:
    """A cell for each of `SCORES`."""
    argv = [f"--workdir={path}", "--split=test", "--mode=detail"]
    argv += [f"--data={data}"] if data else []
    argv += [f"--limit={limit}"] if limit else []
    flags = evaluate.parse(argv)
    model = restore.load(path, data, flags)
    dataset = model.inference.dataset("test")
    references = model.inference.references(dataset, limit)
    answers = evaluate.predict_all(model, dataset, references, flags)
    references, answers = evaluate.labeled(model.inference, references, answers)
    found = model.inference.score(answers, references)["detail"]["scores"]
    told = (found[name] for name in SCORES)
    return [f"{s['value']:.3f} [{s['low']:.3f}, {s['high']:.3f}]" for s in told]


if __name__ == "__main__":
    main()

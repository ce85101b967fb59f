"""The ledger: what each part of a model brings, trained and answered on equal terms.

  python -m benchmarks.ledger --out OUT --data SHARDS
  python -m benchmarks.ledger --out OUT --data SHARDS --held-out REAL MADE --seeds 0,1,2 --jobs 4
  python -m benchmarks.ledger --family answers --out OUT --data SHARDS --pretrained RUN

Trains `tiny` once for each ablation of the family (benchmarks/ledger_families.py) and seed with
`python -m xojl_jax.train`, in OUT/NAME/seed-S/run, and answers held-out records, whose counts it
keeps in OUT/NAME/seed-S/answers.json. All ablations get the first seed before any gets the next.
The same command goes on where it was stopped: a finished run is not trained again, an interrupted
one resumes from its checkpoint. Writes the table into docs/ledger.md after every run.
"""

import argparse
import json
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import ledger_table
from benchmarks.ledger_claims import BASELINE, Ablation
from benchmarks.ledger_families import FAMILIES, Family
from xojl_jax import command
from xojl_jax.errors import BadUsage
from xojl_jax.files import write_text

PAGE = Path(__file__).parent.parent / "docs" / "ledger.md"
# Nothing but the part may differ, and nothing that is not asked for is computed.
RUN = {"eval_every": 0, "eval_batches": 0, "eval_pictures": 0, "keep": 1, "log_every": 20}


class Job(NamedTuple):
    """One run: an ablation, or the baseline, with one seed."""

    name: str
    seed: int

    def folder(self, out: Path) -> Path:
        return out / self.name / f"seed-{self.seed}"


def main(argv: list[str]) -> None:
    flags = parse(argv)
    names = choose(FAMILIES[flags.family], flags.only, flags.pretrained)
    out, settings = flags.out, shared_settings(flags)
    keep_settings(out, settings)
    failed, writing = [], threading.Lock()
    free: queue.Queue[str] = queue.Queue()
    for place in range(flags.jobs):
        free.put(flags.gpus[place % len(flags.gpus)] if flags.gpus else "")

    def carry_out(job: Job) -> None:
        gpu = free.get()
        fault = train_and_answer(job, out, settings, gpu)
        free.put(gpu)
        with writing:
            if fault:
                failed.append(f"{job.name}, seed {job.seed}: {fault}")
            ledger_table.write(out, flags.page)

    if not flags.table:
        jobs = list(jobs_of(names, flags.seeds))
        with ThreadPoolExecutor(flags.jobs) as pool:
            list(pool.map(carry_out, jobs))
    ledger_table.write(out, flags.page)
    print(f"table written into {flags.page}")
    if failed:
        raise BadUsage("; ".join(failed))


def parse(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ledger",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("--family", choices=FAMILIES, default="layout", help="whose parts (default layout)")
    add("--out", type=Path, required=True, help="where runs and counts go")
    add("--data", required=True, help="shards to train on")
    add(
        "--held-out",
        nargs="*",
        default=[],
        metavar="SHARDS",
        help="shards whose test split is answered (default: that of --data)",
    )
    add("--only", type=_words, default=(), help="NAME,… (default: all)")
    add("--seeds", type=_numbers, default=(0, 1, 2), help="default 0,1,2")
    add("--steps", type=int, default=300, help="training steps of a run (default 300)")
    add("--limit", type=int, default=0, help="so many records of each held-out set (default: all)")
    add(
        "--set",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="a config field of all runs alike, such as model.max_nodes=64",
    )
    add(
        "--pretrained",
        default="",
        metavar="RUN",
        help="what ablations of pre-training begin with; without it they are not made",
    )
    add("--jobs", type=int, default=1, help="runs at once (default 1)")
    add(
        "--gpus", type=_words, default=(), help="N,… that runs take turns on (default: all see all)"
    )
    add("--table", action="store_true", help="train nothing, write the table of what is there")
    add("--page", type=Path, default=PAGE, help="page that has the table (default docs/ledger.md)")
    return parser.parse_args(argv)


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in text.split(","))


def choose(family: Family, only: tuple[str, ...], pretrained: str) -> tuple[str, ...]:
    """The ablations to make: the named ones, or all that can be.

    Raises:
      BadUsage: there is none of that name, or it begins with a run that was not given.
    """
    if unknown := set(only) - set(family.ablations) - {BASELINE}:
        raise BadUsage(
            f"--only: there is no {', '.join(sorted(unknown))}: choose of "
            f"{', '.join(family.ablations)}"
        )
    missing = [n for n, a in family.ablations.items() if a.pretrained and not pretrained]
    if asked := [name for name in missing if name in only]:
        raise BadUsage(f"{', '.join(asked)} begins with a pre-trained run: give --pretrained=RUN")
    return only or tuple(name for name in family.ablations if name not in missing)


def jobs_of(names: tuple[str, ...], seeds: tuple[int, ...]) -> Iterator[Job]:
    """The baseline and the named ablations, seed after seed."""
    for seed in seeds:
        for name in dict.fromkeys((BASELINE, *names)):
            yield Job(name, seed)


def shared_settings(flags: argparse.Namespace) -> dict[str, Any]:
    """What all runs of a ledger have in common."""
    return {
        "family": flags.family,
        "data": flags.data,
        "held_out": flags.held_out or [flags.data],
        "limit": flags.limit,
        "fields": dict(one.split("=", 1) for one in flags.set) | {"total_steps": flags.steps},
        **({"pretrained": flags.pretrained} if flags.pretrained else {}),
    }


def keep_settings(out: Path, settings: dict[str, Any]) -> None:
    """Writes them; what a later command adds, such as a pre-trained run, beside those of before.

    Raises:
      BadUsage: the folder has runs of other settings, which cannot be compared.
    """
    kept = ledger_table.read_settings(out) if (out / "settings.json").is_file() else settings
    if kept | settings != settings | kept:
        raise BadUsage(f"{out} has runs of other settings, {kept}: choose another --out")
    out.mkdir(parents=True, exist_ok=True)
    write_text(out / "settings.json", json.dumps(kept | settings, indent=1) + "\n")


def train_and_answer(job: Job, out: Path, settings: dict[str, Any], gpu: str = "") -> str:
    """Trains what is not trained, answers what is not answered. Returns what went wrong, or "".

    Args:
      gpu: the only one that the run sees; "" for all.
    """
    folder = job.folder(out)
    answers, log = folder / "answers.json", folder / "log.txt"
    if answers.is_file():
        return ""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, **({"CUDA_VISIBLE_DEVICES": gpu} if gpu else {})}
    began = time.perf_counter()
    for argv in (train_command(job, folder, settings), answer_command(folder, settings)):
        with log.open("a") as stream:
            done = subprocess.run(
                argv, stdout=stream, stderr=subprocess.STDOUT, check=False, env=environment
            )
        if done.returncode:
            return f"exit code {done.returncode}, see {log}"
    print(f"{job.name}, seed {job.seed}: {time.perf_counter() - began:.0f} s", flush=True)
    return ""


def train_command(job: Job, folder: Path, settings: dict[str, Any]) -> list[str]:
    family = FAMILIES[settings["family"]]
    own = {} if job.name == BASELINE else changes(family.ablations[job.name], settings)
    fields = RUN | settings["fields"] | own | {"seed": job.seed}
    fields["checkpoint_every"] = fields["total_steps"]
    return [
        *(sys.executable, "-m", "xojl_jax.train", f"--config={family.config}"),
        f"--workdir={folder / 'run'}",
        f"--config.data.path={Path(settings['data']).resolve()}",
        *(f"--config.{name}={value}" for name, value in fields.items()),
    ]


def changes(ablation: Ablation, settings: dict[str, Any]) -> dict[str, Any]:
    """The config fields of its run, against the baseline."""
    if not ablation.pretrained:
        return ablation.changes
    return ablation.changes | {"init_from": str(Path(settings["pretrained"]).resolve())}


def answer_command(folder: Path, settings: dict[str, Any]) -> list[str]:
    return [
        *(sys.executable, "-m", "benchmarks.ledger_answers", f"--workdir={folder / 'run'}"),
        f"--family={settings['family']}",
        f"--out={folder / 'answers.json'}",
        f"--limit={settings['limit']}",
        *("--held-out", *settings["held_out"]),
    ]


if __name__ == "__main__":
    command.run(main)

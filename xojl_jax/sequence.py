"""Several runs in a row by one command (`config.sequence`): the stages of a curriculum, or a model
that sees larger pictures from run to run (progressive resizing, X060).

Every run is one like any other, in a folder of its own below the working directory, and starts from
the parameters of the one before. The same command again goes on with the run that has not ended.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ml_collections import ConfigDict

from xojl_jax import tasks
from xojl_jax.config_fields import flatten, suggest
from xojl_jax.engine import processes, telemetry, workdir
from xojl_jax.errors import BadUsage

# (config, folder, whether it is the last run) -> exit code.
Train = Callable[[ConfigDict, Path, bool], int]


class Run(NamedTuple):
    """One of the runs: its config, its folder, and what it is."""

    config: ConfigDict
    path: Path
    about: str


def plan(config: ConfigDict, path: str | Path = "") -> list[Run]:
    """The runs of a sequence; nothing is written, and every config is checked.

    Args:
      config: `config.sequence` has the settings of each run, "FIELD=VALUE FIELD=VALUE", with
        semicolons between. In `init_from`, a number means a run of the sequence; without it, a
        run starts from the one before.
      path: where the folders of the runs are; "" for the default.

    Raises:
      BadUsage: a setting that no config has, or a value of the wrong kind.
    """
    runs: list[Run] = []
    for number, settings in enumerate(config.sequence.split(";"), start=1):
        own = config.copy_and_resolve_references()
        changes = dict(_parse(entry, own) for entry in settings.split())
        if "init_from" in changes:
            changes["init_from"] = _named(changes["init_from"], runs)
        elif runs:
            changes["init_from"] = str(runs[-1].path)
        with own.unlocked():
            own.update_from_flattened_dict(changes | {"sequence": ""})
        task = tasks.make(own)
        folder = Path(path or f"runs/{tasks.make(config).run_name()}-sequence")
        runs.append(Run(own, folder / f"{number}-{task.run_name()}", task.describe()))
    return runs


def run(config: ConfigDict, path: str | Path, train: Train) -> int:
    """Trains the runs one after another, those that have ended left out; returns the exit code of
    the first that was interrupted, or 0."""
    runs = plan(config, path)
    for number, one in enumerate(runs, start=1):
        title = f"run {number} of {len(runs)}, {one.about}, {one.path}"
        if has_ended(one):
            telemetry.log_on_primary(f"{title}: has ended before")
            continue
        telemetry.log_on_primary(title)
        if code := train(one.config, one.path, number == len(runs)):
            return code
        if number > 1:
            telemetry.log_on_primary(f"{title}: {gains(runs[: number - 1], one)}")
    return 0


def has_ended(one: Run) -> bool:
    """Whether the run's folder holds it, complete.

    Raises:
      BadUsage: the folder is of a run with another config, or in use.
    """

    def look() -> str:
        if not workdir.Workdir(one.path).config_file.is_file():
            return "false"
        with workdir.claim(one.path, one.config) as directory:
            summary = directory.read_summary()
        # A finished run may get more steps (workdir.MAY_CHANGE), and go on.
        done = {"finished": one.config.total_steps, "stopped early": summary.get("step")}
        return json.dumps(summary.get("step") == done.get(summary.get("outcome"), -1))

    return json.loads(processes.broadcast_from_process_0(look))


def gains(before: list[Run], after: Run) -> str:
    """What a run says of the same as runs before it, at their last evaluations: "f1/node 0.71 ->
    0.80, …". Each is compared with the last one that has it: the patches of a fused stage with
    those of the vision stage, not of the HTML stage between them."""
    old: dict[str, float] = {}
    for run in before:
        old |= _last_evaluation(run.path)
    new = _last_evaluation(after.path)
    # The loss as a whole is a sum of other parts in another stage.
    common = [name for name in new if name in old and name not in ("step", "loss")]
    told = ", ".join(f"{name} {old[name]:.4g} -> {new[name]:.4g}" for name in sorted(common))
    return told or "nothing that a run before had measured, too"


def _last_evaluation(path: Path) -> dict[str, float]:
    directory = workdir.Workdir(path)
    found = directory.read_evaluations() if directory.evaluations_file.is_file() else []
    return found[-1] if found else {}


def _named(init_from: str, runs: list[Run]) -> str:
    """The names of `init_from`, with the folders of the runs that are given by number."""

    def one(name: str) -> str:
        if not name.isdecimal():
            return name
        if not 1 <= int(name) <= len(runs):
            raise BadUsage(f"config.sequence: init_from={name} names no run before this one")
        return str(runs[int(name) - 1].path)

    return ",".join(one(name.strip()) for name in init_from.split(",") if name.strip())


def _parse(entry: str, config: ConfigDict) -> tuple[str, Any]:
    """(field, value) of "FIELD=VALUE", the value in the field's type."""
    name, equals, text = entry.partition("=")
    fields = flatten(config)
    if not equals or name not in fields:
        raise BadUsage(f"config.sequence: no field is set by {entry!r}; {suggest(name, fields)}")
    kind = type(fields[name])
    try:
        if kind is bool:
            return name, {"true": True, "false": False}[text.lower()]
        return name, kind(text)
    except (ValueError, KeyError):
        raise BadUsage(f"config.sequence: {entry!r} is no {kind.__name__}") from None

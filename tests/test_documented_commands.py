"""Every command line that a document shows is read by the real parser; nothing is executed."""

import argparse
import importlib.util
import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from ml_collections import ConfigDict

from configs import document_pretrain, document_text, document_tune, stage4
from xojl_jax import restore, tasks

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "configs").glob("*.py")),
    ROOT / "launch/README.md",
]
# Of each task.
CONFIGS = [
    module.get_config("base")
    for module in (stage4, document_pretrain, document_text, document_tune)
]
# Commands whose flags are absl's. They define the same names, so each needs a process of its own.
ABSL = ("xojl_jax.train", "xojl_jax.plan", "xojl_jax.self_train")
COMMAND = re.compile(
    r"python -m ((?:xojl_jax|data_prep|benchmarks)\.[a-z_]+)((?:[^`\n\\]|\\\n|\\.)*)"
)

# Reads command lines as JSON from standard input and prints the mistake of each, or null.
READ_ABSL = """
import contextlib, importlib, io, json, sys
from absl import flags
from absl.testing import flagsaver
from xojl_jax import command
importlib.import_module(sys.argv[1])
mistakes = []
for argv in json.loads(sys.stdin.read()):
    sys.argv = ["command", *argv]
    said = io.StringIO()
    with flagsaver.flagsaver(), contextlib.redirect_stderr(said):
        try:
            command.run_absl(lambda: command.read_config(flags.FLAGS["config"]) and None, "")
        except SystemExit as end:
            mistakes.append(said.getvalue() if end.code else None)
print(json.dumps(mistakes))
"""


class Parsed(Exception):
    """The parser has read everything and found no mistake."""


def command_lines(text: str) -> list[tuple[str, list[str]]]:
    """(module, arguments) of every `python -m …` in the text."""
    found = []
    for module, rest in COMMAND.findall(text):
        rest = re.sub(r"\\\n\s*", " ", rest)
        # A comment behind it, or a remark in parentheses, both set apart by spaces.
        rest = re.split(r"\s#|\s{2,}\(", rest)[0]
        # Placeholders: `…` is anything more, N a number, [--flag] may be left out.
        rest = re.sub(r"[\[\]…]|\.\.\.", " ", rest)
        words = shlex.split(rest)
        found.append((module, ["2" if word == "N" else word for word in words]))
    return found


def documented() -> list[tuple[str, str, list[str]]]:
    """(document, module, arguments) of every command line of ours."""
    return [
        (path.relative_to(ROOT).as_posix(), *line)
        for path in DOCUMENTS
        for line in command_lines(path.read_text(encoding="utf-8"))
    ]


def absl_mistakes(module: str, lines: list[list[str]]) -> list[str | None]:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ_ABSL, module],
        input=json.dumps(lines),
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


# Commands whose flags are those of the run's task, and the tasks that answer: no run of the
# documents is there, so that one of them must know the flags.
OF_A_TASK = ("xojl_jax.active", "xojl_jax.evaluate", "xojl_jax.predict")
ANSWERING = ("layout", "document", "document_answers")


def argparse_mistake(
    module: str, argv: list[str], monkeypatch, capsys, task: str = ""
) -> str | None:
    """What the command's own parser says against the arguments."""
    name = module if module.startswith("xojl_jax.") else f"{module}.command"
    parse = argparse.ArgumentParser.parse_args

    def parse_only(parser, args=None, namespace=None):
        parse(parser, args, namespace)
        raise Parsed

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_only)
    if task:
        kind = tasks.find(task).inference_type
        monkeypatch.setattr(restore, "_inference_type", lambda argv: (kind, None))
    # The rest goes to Beam, or is judged by the command itself.
    if task or module in ("data_prep.build", "data_prep.documents"):
        monkeypatch.setattr(argparse.ArgumentParser, "parse_known_args", parse_only_known)
    try:
        importlib.import_module(name).main(argv)
    except Parsed:
        return None
    except SystemExit:
        return capsys.readouterr().err.splitlines()[-1]
    raise AssertionError(f"{module} parsed nothing")


# Flags of Beam's own, which a command passes on.
BEAM_FLAGS = ("--runner", "--flink_master", "--environment_type")
_parse_known = argparse.ArgumentParser.parse_known_args


def parse_only_known(parser, args=None, namespace=None):
    _, rest = _parse_known(parser, args, namespace)
    unknown = [word for word in rest if not word.startswith(BEAM_FLAGS)]
    if unknown:
        parser.error(f"unrecognized arguments: {' '.join(unknown)}")
    raise Parsed


def test_train_and_plan_know_the_flags_and_fields():
    """Protects readers: flags, presets, config files and config fields are as documented."""
    for module in ABSL:
        lines = [(where, argv) for where, name, argv in documented() if name == module and argv]
        assert lines, module
        mistakes = absl_mistakes(module, [argv for _, argv in lines])
        for (where, argv), mistake in zip(lines, mistakes, strict=True):
            assert mistake is None, f"{where}: {module} {shlex.join(argv)}: {mistake}"


def test_the_other_commands_know_the_flags(monkeypatch, capsys):
    """Protects readers: every flag is known and takes the value that is shown."""
    lines = [line for line in documented() if line[1].split(".")[0] != "benchmarks"]
    lines = [line for line in lines if line[1] not in ABSL and line[2]]
    assert {"xojl_jax.evaluate", "xojl_jax.predict"} < {module for _, module, _ in lines}
    for where, module, argv in lines:
        mistakes = []
        for task in ANSWERING if module in OF_A_TASK else [""]:
            with monkeypatch.context() as patch:
                mistakes.append(argparse_mistake(module, argv, patch, capsys, task))
        assert None in mistakes, f"{where}: {module} {shlex.join(argv)}: {mistakes[0]}"


def test_benchmarks_know_the_flags():
    """Protects readers: the script is there and names each flag (they have no common parser)."""
    for where, module, argv in documented():
        if module.startswith("benchmarks."):
            source = (ROOT / f"{module.replace('.', '/')}.py").read_text(encoding="utf-8")
            for word in argv:
                if word.startswith("--"):
                    assert f'"{word.partition("=")[0]}"' in source, f"{where}: {module} {word}"


def test_every_command_named_is_there():
    """Protects readers: also where only `python -m NAME` is written."""
    for where, module, _ in documented():
        assert importlib.util.find_spec(module), f"{where}: python -m {module}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_config_fields_in_prose_exist(path):
    """Protects readers: `--config.FIELD` anywhere in a document is a field of some task."""
    for name in re.findall(r"--config\.([a-z_][a-z_.]*[a-z_])", path.read_text("utf-8")):
        assert any(name in dict(flatten(config)) for config in CONFIGS), f"--config.{name}"


def flatten(config, prefix=""):
    """(dotted name, value) of every field and group."""
    for name, value in config.items():
        yield prefix + name, value
        if isinstance(value, ConfigDict):
            yield from flatten(value, f"{prefix}{name}.")


def test_mistakes_are_found(monkeypatch, capsys):
    """Protects the tests above: they can fail."""
    lines = [["--config=configs/stage4.py", "--config.on_corrput=fallback"], ["--wrokdir=a"]]
    assert all(absl_mistakes("xojl_jax.train", lines))
    with monkeypatch.context() as patch:
        assert argparse_mistake("data_prep.label", ["DIR", "--rulse=a"], patch, capsys)
    text = (
        "`python -m data_prep.label DIR` then\n  python -m data_prep.build a \\\n    --out b  # c"
    )
    assert command_lines(text) == [
        ("data_prep.label", ["DIR"]),
        ("data_prep.build", ["a", "--out", "b"]),
    ]

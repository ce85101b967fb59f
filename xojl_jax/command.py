"""How every command ends: a user's mistake is one line on standard error and an exit code.

0 done; 1 bad records found, or a failure of our own; 2 wrong flag, config or workdir; 3 bad input
data; 75 pre-empted with everything saved.
"""

import importlib.util
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from absl import flags

from xojl_jax.errors import BadUsage, UserError


def run(main: Callable[[list[str]], int | None]) -> None:
    """Calls `main(argv without the program)` and exits with its code, or a `UserError`'s."""
    try:
        code = main(sys.argv[1:])
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        code = error.exit_code
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        code = 130
    except BrokenPipeError:  # the reader of our output has gone: `predict … | head -1`
        sys.stderr.close()
        code = 141
    sys.exit(code)


def run_absl(
    main: Callable[[], int | None], usage: str, renamed_fields: Mapping[str, str] | None = None
) -> None:
    """As `run`, for a command whose flags are absl flags (`--config=FILE --config.x.y=z`).

    Args:
      main: called after the flags are parsed.
      usage: printed above the flags by `--help`.
      renamed_fields: config fields of earlier versions -> their names today, for a hint.
    """
    run(lambda argv: _parse_flags(argv, usage, renamed_fields or {}) or main())


def read_config(flag: flags.FlagHolder):
    """The locked config of a `--config=FILE[:PRESET]` flag, with its overrides."""
    config = flag.value
    if config is None:
        raise BadUsage("--config is missing: try --config=configs/stage4.py:tiny (see --help)")
    try:
        config.total_steps  # noqa: B018  a file that cannot be read shows itself only here
    except OSError as error:
        raise BadUsage(f"--config: {' '.join(str(error.__cause__ or error).split())}") from error
    return config


def _parse_flags(argv: list[str], usage: str, renamed_fields: Mapping[str, str]) -> None:
    if {"--help", "-h", "-help", "--helpshort", "--helpfull"} & set(argv):
        print(usage.strip(), flags.FLAGS.main_module_help(), sep="\n\n")
        sys.exit(0)
    argv = [_find_shipped_config(argument) for argument in argv]
    for argument in argv:
        field = argument.lstrip("-").partition("=")[0].removeprefix("config.")
        if argument.startswith("-") and field in renamed_fields:
            now = renamed_fields[field]
            raise BadUsage(f"--config.{field} has another name now: --config.{now} (see --help)")
    try:
        rest = flags.FLAGS([sys.argv[0], *argv])[1:]
    except (flags.Error, AttributeError, KeyError, TypeError, ValueError, OSError) as error:
        # ml_collections reports a misspelled field as AttributeError or KeyError.
        raise BadUsage(f"{_one_line(error)} (see --help)") from error
    if rest:
        raise BadUsage(f"unexpected argument {rest[0]!r}: flags start with -- (see --help)")


def _find_shipped_config(argument: str) -> str:
    """`--config=configs/stage4.py:tiny` reaches the installed file where there is no checkout."""
    match = re.fullmatch(r"((?:--?config=)?)(configs/\w+\.py)(.*)", argument)
    if match is None or Path(match[2]).exists():
        return argument
    package = importlib.util.find_spec("configs")
    if package is None or package.origin is None:
        return argument
    shipped = Path(package.origin).parent.parent / match[2]
    return f"{match[1]}{shipped}{match[3]}" if shipped.exists() else argument


def _one_line(error: Exception) -> str:
    text = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    return " ".join(text.split())

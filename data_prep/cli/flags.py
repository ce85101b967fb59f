"""Flags that several commands share."""

import argparse
import os

MOST = 8  # processes that start unasked; more is for the user to say


def add_workers(parser: argparse.ArgumentParser, what: str) -> None:
    """Adds --workers, how many `what` (processes, browsers) work at once; 1 to 256."""
    parser.add_argument(
        "--workers",
        type=_count,
        default=min(MOST, os.cpu_count() or 1),
        metavar="N",
        help=f"{what} at work at once (default %(default)s)",
    )


def _count(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 256:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to 256")
    return int(text)

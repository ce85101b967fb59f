"""Errors that a user can cause. A command prints their one line and exits with their code.

This module is a leaf: everything may import it, and it imports nothing of ours.
"""


class UserError(Exception):
    """Something that a user can correct. The message says what is wrong, where, and what to do."""

    exit_code = 1


class BadUsage(UserError):
    """A wrong flag, config field, or working directory (exit code 2)."""

    exit_code = 2


class BadInput(UserError):
    """A wrong record, image, shard, or checkpoint (exit code 3)."""

    exit_code = 3

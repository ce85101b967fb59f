"""Several processes stop together where none of them computes, such as while they compile.

A signal need not reach all of them, and which of them have gone on to train, none can know. So the
one that gets it asks, in the key-value store of JAX's coordination service: each process answers
that it is at the same place, and when all have, process 0 decides that they stop. It is the last to
leave, since it holds the store: JAX aborts those that lose it. Where one has gone on, none stops.
"""

import time
from collections.abc import Callable

# Seconds between two looks at the store.
POLL_SECONDS = 0.5
# Seconds within which all must have answered.
ANSWER_SECONDS = 10.0


class JointStop:
    """One process's part in the agreement. Its methods may be called in any thread.

    Args:
      client: of JAX's coordination service (`jax._src.distributed.global_state.client`).
      process_index, process_count: as JAX counts.
      place: where in the run; all must be at the same one to stop.
    """

    def __init__(self, client, process_index: int, process_count: int, place: str):
        self._client, self._index, self._count = client, process_index, process_count
        self._prefix = f"xojl_jax/joint_stop/{place}"

    def ask(self) -> None:
        """Asks all processes to stop."""
        self._say("asked")

    def is_asked(self) -> bool:
        """Whether any process asked."""
        return bool(self._said("asked"))

    def agree(self) -> bool:
        """Whether all stop now. To be called where somebody asked, by a process that is at the
        place; it waits about ANSWER_SECONDS at most."""
        self._say("ready")
        if self._index == 0:
            agreed = self._wait_for(lambda: len(self._said("ready")) == self._count, ANSWER_SECONDS)
            self._say("end" if agreed else "go on")
        else:
            self._wait_for(lambda: self._said("end") or self._said("go on"), 2 * ANSWER_SECONDS)
            agreed = bool(self._said("end"))
        if agreed:
            self._say("gone")
        if agreed and self._index == 0:
            self._wait_for(lambda: len(self._said("gone")) == self._count, ANSWER_SECONDS)
        return agreed

    def _say(self, word: str) -> None:
        self._client.key_value_set(
            f"{self._prefix}/{word}/{self._index}", "1", allow_overwrite=True
        )

    def _said(self, word: str) -> list:
        """(key, value) of each process that said it."""
        return self._client.key_value_dir_get(f"{self._prefix}/{word}/")

    def _wait_for(self, condition: Callable[[], object], seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(POLL_SECONDS / 5)
        return True

"""The agreement of several processes to end, over a store in memory."""

import threading

import pytest

from xojl_jax.engine import joint_stop
from xojl_jax.engine.joint_stop import JointStop


class Store:
    """What the coordination service's key-value store does, in a dict."""

    def __init__(self):
        self.entries = {}

    def key_value_set(self, key, value, allow_overwrite=False):
        assert allow_overwrite or key not in self.entries
        self.entries[key] = value

    def key_value_dir_get(self, prefix):
        return [entry for entry in list(self.entries.items()) if entry[0].startswith(prefix)]


@pytest.mark.parametrize("taking_part", [(0, 1, 2), (0, 2), (1, 2)])
def test_all_end_or_none_does(monkeypatch, taking_part):
    """Protects the state of a run: where a process has begun to train, no other ends without it,
    and none waits for long."""
    monkeypatch.setattr(joint_stop, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(joint_stop, "POLL_SECONDS", 0.02)
    store, agreed = Store(), {}
    stops = [JointStop(store, index, 3, "here") for index in range(3)]
    assert not stops[1].is_asked()
    stops[2].ask()
    assert stops[1].is_asked()

    def agree(index):
        agreed[index] = stops[index].agree()

    threads = [threading.Thread(target=agree, args=(index,)) for index in taking_part]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert agreed == dict.fromkeys(taking_part, len(taking_part) == 3)
    assert not JointStop(store, 0, 3, "elsewhere").is_asked()

"""`--config=tests/engine/toy_config.py`: the toy task, for the commands."""

from tests.engine.toy_task import toy_config


def get_config():
    return toy_config().lock()

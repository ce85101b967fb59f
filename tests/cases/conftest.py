"""Cases that need a browser use the one of `tests/data_prep`."""

from tests.data_prep.conftest import chromium

__all__ = ["chromium"]

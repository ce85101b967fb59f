"""One Chromium for all tests of a process; none where the machine has none."""

import os

import pytest

from data_prep.browser import chromium as browser
from xojl_jax.errors import BadUsage


@pytest.fixture(scope="session")
def chromium():
    """A `Browser`, with limits that suit small pages."""
    try:
        browser.find_chromium()
    except BadUsage as error:
        if os.environ.get("XOJL_REQUIRE_CHROMIUM") == "1":
            raise  # where a browser was installed, a skip would hide that it cannot be found
        pytest.skip(str(error))
    pytest.importorskip("playwright", reason="the tests of rendering need Playwright")
    with browser.Browser(page_seconds=60) as started:
        yield started

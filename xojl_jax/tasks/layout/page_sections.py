"""The sections of a whole page, by the command that captures pages: it needs a Chromium."""

import os
from pathlib import Path

from xojl_jax.errors import BadInput
from xojl_jax.subcommand import run_data_prep

PAGE = "page.html"  # what a page's text is written to


def capture(page: str | os.PathLike, folder: Path) -> Path:
    """Renders a page, cuts it into sections, and returns the folder of their records.

    Args:
      page: an address, an HTML file, or the text of one.
      folder: where to work; page and records go into it.

    Raises:
      BadInput: the page cannot be rendered, or has no section, or there is no Chromium.
    """
    source = os.fspath(page)
    if source.lstrip().startswith("<"):
        source = str(folder / PAGE)
        Path(source).write_text(os.fspath(page), encoding="utf-8")
    records = folder / "records"
    code, why = run_data_prep("capture", ["--out", str(records), "--workers=1", source])
    if code:
        raise BadInput(f"the page has no sections ({why})")
    return records

"""A page in a real browser, captured and labeled by the commands."""

from pathlib import Path

from data_prep.capture import command as capture
from data_prep.label import command as label


def label_page(folder: Path, page: str, *flags: str) -> Path:
    """The folder of the page's records, labeled with these flags."""
    (folder / "page.html").write_text(page)
    out = folder / "records"
    capture.main(["--workers", "1", str(folder / "page.html"), "--out", str(out)])
    label.main([str(out), *flags])
    return out

"""The page at `/`: one file without any request to elsewhere, held to that by its policy."""

import base64
import hashlib
import re
from pathlib import Path

# Of the pages of all tasks.
STYLE = Path(__file__).with_name("page.css")
SCRIPT = Path(__file__).with_name("page.js")


def load(path: Path, task: str) -> tuple[str, str]:
    """The page's text, and its Content-Security-Policy: its own script and style, and this host.

    path: of a task's page, with {{STYLE}} and {{SCRIPT}} where what all pages share belongs. There,
      {{TASK}} is the task's name.
    """
    text = path.read_text(encoding="utf-8")
    text = text.replace("{{STYLE}}", STYLE.read_text(encoding="utf-8"))
    text = text.replace("{{SCRIPT}}", SCRIPT.read_text(encoding="utf-8").rstrip("\n"))
    text = text.replace("{{TASK}}", task)
    (script,) = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    (style,) = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    policy = (
        f"default-src 'none'; script-src '{_digest(script)}'; style-src '{_digest(style)}'; "
        "img-src blob: data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    )
    return text, policy


def _digest(text: str) -> str:
    digest = base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode()
    return f"sha256-{digest}"

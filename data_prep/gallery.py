"""The report's page: thumbnails with the labels drawn over them, in one file without links."""

import base64
import html
import io
from pathlib import Path

import numpy as np
from PIL import Image

from xojl_jax.xojl.record import Record
from xojl_jax.xojl.tree import preorder, print_layout, to_semantic

WIDTH = 460  # px of a thumbnail
MOST = 400  # pictures on the page: more than that no browser likes
_HUES = {
    "section": 0,
    "grid": 215,
    "column": 195,
    "wrapper": 270,
    "freedom": 300,
    "heading": 355,
    "paragraph": 120,
    "button": 30,
    "icon": 175,
    "image": 45,
    "list": 75,
}
_HEAD = """<!doctype html><meta charset="utf-8"><title>Records</title><style>
body{font:14px/1.4 system-ui,sans-serif;margin:24px;color:#222;background:#f6f6f6}
main{display:grid;grid-template-columns:repeat(auto-fill,minmax(480px,1fr));gap:16px}
figure{margin:0;padding:10px;background:#fff;border:1px solid #ddd}
figure.bad{border:2px solid #c00}.fault{color:#c00}
svg{display:block;max-width:100%;height:auto}rect{fill:none;stroke-width:2;opacity:.8}
summary{cursor:pointer;color:#555}pre{white-space:pre-wrap;font-size:12px}</style>"""


class Gallery:
    """`with Gallery(path) as gallery`: add records, close with a summary. False without path."""

    def __init__(self, path: Path | None):
        self._file = path.open("w", encoding="utf-8") if path else None
        self._shown = 0
        if self._file:
            self._file.write(_HEAD + "<h1>Records</h1><main>")

    def __bool__(self) -> bool:
        return self._file is not None

    def __enter__(self) -> "Gallery":
        return self

    def __exit__(self, *_) -> None:
        if self._file:
            self._file.close()

    def add(self, where: str, record, pixels: np.ndarray | None, problems: list[str]) -> None:
        """One record (or what stands in its place); bad ones are always shown."""
        if self._shown >= MOST and not problems:
            return
        self._shown += 1
        faults = "".join(f'<p class="fault">{html.escape(fault)}</p>' for fault in problems)
        body = faults
        title = where
        if isinstance(record, Record):
            title = f"{record.id or where} · {record.category}"
            if pixels is not None:
                body += _picture(record, pixels)
            if record.layout is not None:
                text = print_layout(to_semantic(record.layout))
                body += (
                    f"<details><summary>layout</summary><pre>{html.escape(text)}</pre></details>"
                )
        kind = ' class="bad"' if problems else ""
        caption = f"<figcaption>{html.escape(title)}</figcaption>"
        self._file.write(f"<figure{kind}>{caption}{body}</figure>\n")

    def close(self, summary: str) -> None:
        self._file.write(f"</main><h2>Summary</h2><pre>{html.escape(summary)}</pre>")


def _picture(record: Record, pixels: np.ndarray) -> str:
    height, width = pixels.shape[:2]
    image = Image.fromarray(pixels)
    image.thumbnail((WIDTH, 4 * WIDTH))
    data = io.BytesIO()
    image.save(data, "WEBP", quality=70)
    source = f"data:image/webp;base64,{base64.b64encode(data.getvalue()).decode()}"
    shapes = []
    if record.layout is not None and record.html_boxes is not None:
        pairs = zip(preorder(record.layout), record.alignment(), strict=True)
        for visit, index in pairs:
            if index is not None:
                shapes.append(_rectangle(visit.node.element, record.html_boxes[index]))
    return (
        f'<svg viewBox="0 0 {width} {height}" width="{WIDTH}">'
        f'<image href="{source}" width="{width}" height="{height}"/>{"".join(shapes)}</svg>'
    )


def _rectangle(element: str, box) -> str:
    x, y, width, height = box[:4]
    hue = _HUES.get(element, 330)
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" '
        f'stroke="hsl({hue} 90% 45%)"><title>{element}</title></rect>'
    )

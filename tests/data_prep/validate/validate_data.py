"""A small data set of drawn pages for the tests of validation."""

import json
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def page(seed: int, width: int = 320, height: int = 180) -> Image.Image:
    """A picture with a few blocks, other blocks for another seed."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(image)
    for _ in range(8):
        x, y = rng.integers(0, width - 60), rng.integers(0, height - 40)
        w, h = rng.integers(20, 160), rng.integers(10, 80)
        color = tuple(rng.integers(0, 200, 3).tolist())
        draw.rectangle((x, y, min(x + w, width - 1), min(y + h, height - 1)), fill=color)
    return image


def record(seed: int, **changes) -> dict:
    """A sound record with boxes; `None` in `changes` takes a field away."""
    rng = np.random.default_rng(seed + 1000)
    cards = {}
    layout = {}
    for i in range(5):
        name = f"div@pt_{rng.integers(1, 900)}x@c_{rng.integers(0, 0xFFFFFF):06x}"
        cards[name] = {"h3": {"text": f"xv{i}"}, "p": {"text": f"xv{i + 10}"}}
        layout[f"wrapper.{name}"] = {"heading.h3": "", "paragraph.p": ""}
    nodes = 1 + 3 * len(cards)
    boxes = [[0, 0, 320, 180, 0]]
    boxes += [[10 + i, 5 + i, 40, 20, i] for i in range(1, nodes)]
    data = {
        "id": f"r{seed}",
        "screenshot": f"shots/{seed}.png",
        "html": {"section@d_grid": cards},
        "section_layout": {"section.section@d_grid": layout},
        "used_elements": ["heading", "paragraph", "section", "wrapper"],
        "category": "features",
        "source": {"uri": f"https://site{seed}.example/", "site": f"site{seed}"},
        "viewport": [320, 180],
        "html_boxes": boxes,
        "layout_nodes": list(range(nodes)),
    }
    return {name: value for name, value in {**data, **changes}.items() if value is not None}


def write(folder: Path, *records: dict | str, pictures: dict[str, Image.Image] | None = None):
    """Writes records.jsonl and a picture for every record that names one by its seed."""
    (folder / "shots").mkdir(exist_ok=True)
    lines = [r if isinstance(r, str) else json.dumps(r) for r in records]
    (folder / "records.jsonl").write_text("".join(line + "\n" for line in lines))
    for r in records:
        name = r.get("screenshot", "") if isinstance(r, dict) else ""
        path = folder / name
        if name.startswith("shots/") and path.stem.isdigit() and not path.exists():
            page(int(path.stem)).save(path)
    for name, image in (pictures or {}).items():
        image.save(folder / name)
    return folder

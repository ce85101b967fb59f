"""Keeps answered sections as records, for people to correct: a screenshot and a line each."""

from pathlib import Path

from PIL import Image

from xojl_jax.tasks.layout.answer import DecodedLayout
from xojl_jax.tasks.layout.inputs import Inputs
from xojl_jax.xojl.record import Record, record_to_json
from xojl_jax.xojl.tree import used_elements


def write(
    inputs: Inputs, answer: DecodedLayout | None, category: str, folder: Path, name: str
) -> int:
    """Adds a record to `records.jsonl`, and returns the bytes that it took.

    0 without a screenshot, which a record needs. The layout is the answer's, so `extra` says that a
    model wrote it.

    Args:
      answer: of the detail view; None where only the semantic view was asked for.
      name: of the record and of its screenshot.
    """
    if inputs.image is None:
        return 0
    picture = Path("screenshots") / f"{name}.png"
    (folder / picture.parent).mkdir(parents=True, exist_ok=True)
    Image.fromarray(inputs.image).save(folder / picture)
    answer = answer if answer is not None and answer.layout else None
    layout = None if answer is None else answer.layout
    probabilities = None if answer is None else answer.probabilities
    sure = None if probabilities is None else tuple(round(p, 4) for p in probabilities)
    record = Record(
        screenshot=picture.as_posix(),
        html=inputs.html,
        layout=layout,
        used_elements=used_elements(layout) if layout else (),
        category=category,
        id=name,
        html_boxes=inputs.html_boxes,
        layout_nodes=None if answer is None else answer.nodes,
        layout_confidence=sure,
        extra={} if answer is None else {"labeled_by": "model"},
    )
    line = record_to_json(record) + "\n"
    with (folder / "records.jsonl").open("a", encoding="utf-8") as stream:
        stream.write(line)
    return (folder / picture).stat().st_size + len(line.encode())

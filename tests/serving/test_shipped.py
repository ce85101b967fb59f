"""The model in the box: whole, small, and the one that answers where none is named."""

import pytest

import xojl_jax
from xojl_jax import predict, serve, shipped
from xojl_jax.data.shards import ShardSource
from xojl_jax.errors import UserError
from xojl_jax.serving import folder
from xojl_jax.tasks.layout.task import SAMPLE_DATA
from xojl_jax.xojl.record import parse_record
from xojl_jax.xojl.tree import parse_layout, used_elements

# What it says of record 9 of the sample data's test split.
ELEMENTS = ("button", "column", "grid", "heading", "masonry", "paragraph", "section")


def test_it_is_whole_and_small():
    """Protects the 12 MB that a package may grow by, its hashes, and its card."""
    folder.verify(shipped.FOLDER)
    sizes = [path.stat().st_size for path in shipped.FOLDER.rglob("*") if path.is_file()]
    assert sum(sizes) < 12_000_000
    card = (shipped.FOLDER / folder.CARD).read_text(encoding="utf-8")
    for told in ("by no person", "test_read", "test_made"):
        assert told in card


def test_it_answers_where_no_model_is_named(capsys):
    """Protects the first three lines that anybody tries, and the answers of what we ship."""
    stored = ShardSource(SAMPLE_DATA, "test")[9]
    model = xojl_jax.load(cache="off")
    assert f"the model in the box answers, {model.version}" in capsys.readouterr().err
    (told,) = model.describe([(stored.image, stored.record)])
    layout = parse_layout(told["layout"])
    assert told["completed"] and told["used"] == ["screenshot", "html"]
    assert used_elements(layout) == ELEMENTS
    assert set(ELEMENTS) <= set(used_elements(parse_record(stored.record).layout))


def test_commands_take_it(capsys, monkeypatch, tmp_path):
    """Protects `predict` and `serve` without a model, and their line that says which answers."""
    flags, _ = predict.parse(["--sample=9"])
    assert flags.workdir == shipped.FOLDER and "--workdir" in capsys.readouterr().err
    assert serve.parse([]).model is None
    monkeypatch.setattr(shipped, "FOLDER", tmp_path)
    with pytest.raises(UserError, match="no model in the box: name one, --model=MODEL"):
        serve.main(["--port=0"])

"""The benchmark of the pyramid, at the size of the test configs."""

from benchmarks import pyramid
from tests.tasks.conftest import small_config
from xojl_jax.tasks.layout.visual_memory import PICTURE_LEVELS


def test_every_level_is_measured(monkeypatch, capsys):
    """Protects the script: with the pyramid and without, forward and backward; the pyramid has more
    parameters."""
    config = small_config()
    monkeypatch.setattr(pyramid.stage4, "get_config", lambda _: config)
    pyramid.main(["--repeats=1"])
    lines = capsys.readouterr().out.splitlines()[4:]
    rows = {name: cells for name, *cells in (line.strip("| ").split(" | ") for line in lines)}
    assert set(rows) == set(PICTURE_LEVELS)
    assert float(rows["pyramid"][0]) > float(rows["last"][0])
    assert all(float(cell) >= 0 for cells in rows.values() for cell in cells)

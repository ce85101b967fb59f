"""A whole page in, a layout for each of its sections out."""

import pytest

from xojl_jax.errors import BadInput
from xojl_jax.tasks.layout import page_sections
from xojl_jax.xojl.tree import parse_layout

PAGE = """<!doctype html><title>A page</title><body style="margin:0">
<header style="height:80px;background:#eee"><a href="#">Home</a> <a href="#">About</a></header>
<section style="height:400px"><h1>Welcome</h1><p>What this page is about.</p></section>
<footer style="height:120px;background:#222;color:#fff"><p>Imprint</p></footer>"""


@pytest.mark.usefixtures("chromium_path")
def test_a_page_is_answered_section_by_section(model):
    """Protects `model.from_page(html)`: its text is enough, every section is seen."""
    told = model.from_page(PAGE, batch_size=2)
    assert len(told) >= 2
    assert all(parse_layout(each["layout"]) for each in told)
    assert all(each["used"] == ["screenshot", "html"] for each in told)


def test_a_page_that_cannot_be_rendered_is_named(tmp_path):
    """Protects people from a traceback of another program: its last line says what is wrong."""
    with pytest.raises(BadInput, match=r"no sections \(.*missing\.html"):
        page_sections.capture(tmp_path / "missing.html", tmp_path)

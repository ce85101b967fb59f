"""Rules on a page in a real browser: markup as people write it, captured and labeled."""

import pytest

from tests.data_prep.label.labeled_page import label_page
from xojl_jax.xojl.record import read_directory
from xojl_jax.xojl.tree import print_layout, to_semantic

PAGE = """<!doctype html><title>Page</title><style>
body{margin:0;font:16px/1.5 sans-serif} section{padding:30px 60px} .row{display:flex;gap:24px}
.card{flex:1;background:#eee;padding:20px} .big{font-size:44px;font-weight:700}
.btn{display:inline-block;padding:8px 20px;border:1px solid transparent;background:#06c;color:#fff}
.btn-link{background:none;color:#06c} .shot{width:300px;height:200px;background:#ccd}
.slick-slide{float:left;width:400px;height:180px;background:#dde}
nav{display:flex;gap:20px} h1,h2,h3,p{margin:0 0 12px}
</style>
<section><h1>Title of the page</h1><p>What it is about. It has two sentences.</p>
<a class="btn" href="#">Begin</a> <a class="btn btn-link" href="#">Read on</a></section>
<section><div class="row"><div class="card"><h3>One</h3><p>Text of the first card</p></div>
<div class="card"><h3>Two</h3><p>Text of the second card</p></div></div></section>
<section><div class="row">
<div><div class="big">1,200+</div><div>Customers</div></div>
<div><div class="big">24/7</div><div>Support</div></div></div></section>
<section><h2>Questions</h2>
<div><details open><summary>First?</summary><p>An answer to it.</p></details>
<details><summary>Second?</summary><p>Hidden.</p></details></div></section>
<section><pre><code><span>a</span> = <span>b</span></code></pre>
<table><tr><th>Name</th><th>Size</th></tr><tr><td>One <b>new</b></td><td>12</td></tr></table>
</section>
<section><nav><a href="#">Home</a><a href="#">Shop</a><a href="#">About</a></nav>
<form><label>Name <input value="Jane"></label> <button class="btn">Send</button></form></section>
"""
EXPECTED = (
    "{section:{heading:,paragraph:,button:,paragraph#2:}}",
    "{section:{grid:{column:{heading:,paragraph:},column#2:{heading:,paragraph:}}}}",
    "{section:{grid:{counter:,counter#2:}}}",
    "{section:{heading:,accordion:{wrapper:{heading:,paragraph:},heading:}}}",
    "{section:{paragraph:,grid:{heading:,heading#2:,paragraph:,paragraph#2:}}}",
    "{section:{list:,grid:{paragraph:,button:}}}",
)


@pytest.fixture(scope="module")
def layouts(tmp_path_factory, chromium):
    """The semantic layouts of the page's sections, in order."""
    out = label_page(tmp_path_factory.mktemp("labeled"), PAGE)
    records = sorted((r for _, r in read_directory(out)), key=lambda r: r.source["box"][1])
    return [print_layout(to_semantic(r.layout)).replace('"', "") for r in records]


@pytest.mark.parametrize("number", range(len(EXPECTED)))
def test_sections_of_a_page(layouts, number):
    """A hero, cards, figures, folds, code with a table, a form with a menu."""
    assert len(layouts) == len(EXPECTED)
    assert layouts[number] == EXPECTED[number]

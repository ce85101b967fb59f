"""What people name becomes pages with good names, or one line that says what is wrong."""

import pytest

from data_prep.capture.sources import PageSource, find_pages
from xojl_jax.errors import BadInput, BadUsage


@pytest.fixture
def package(tmp_path):
    """An unpacked npm package with a build folder, the usual shape of a template."""
    root = tmp_path / "theme-1.2.0"
    (root / "dist" / "inner").mkdir(parents=True)
    (root / "node_modules" / "x").mkdir(parents=True)
    (root / "package.json").write_text(
        '{"name": "@x/theme", "version": "1.2.0", "license": {"type": "MIT"}}'
    )
    (root / "dist" / "index.html").write_text(
        "<p>one<iframe srcdoc='<h1>demo</h1>'></iframe><iframe src='inner/a.html#top'></iframe>"
        "<iframe src='https://example.com/'></iframe><iframe src='../../../etc/a.html'></iframe>"
    )
    (root / "dist" / "inner" / "a.html").write_text("<p>two")
    (root / "node_modules" / "x" / "no.html").write_text("<p>no")
    return root


def test_a_package_gives_name_version_and_licence(package):
    """What it depends on is no page of it; `/` may mean its build folder."""
    pages = find_pages([str(package)])
    assert [page.uri for page in pages] == [
        "npm:@x/theme@1.2.0/dist/index.html",
        "npm:@x/theme@1.2.0/dist/inner/a.html",
    ]
    assert {(page.site, page.licence) for page in pages} == {("@x/theme", "MIT")}
    inner = find_pages([str(package / "dist")])
    assert [(page.uri, page.root, page.near) for page in inner] == [
        (page.uri, package.resolve(), True) for page in pages
    ]


def test_documents_in_iframes_are_pages_where_asked_for(package):
    """Those of the site and those in the page itself; nothing else, and each once."""
    pages = find_pages([str(package / "dist")], frames=True)
    assert [(page.uri.rpartition("/dist/")[2], page.text) for page in pages] == [
        ("index.html", None),
        ("index.html#frame-1", "<h1>demo</h1>"),
        ("inner/a.html", None),
    ]
    assert len({page.slug for page in pages}) == 3


def test_a_list_names_sources(package, tmp_path):
    """One a line, relative to the list, with what the command line could say about them."""
    listed = tmp_path / "pages.txt"
    listed.write_text(
        "# a comment\n\ntheme-1.2.0/dist/inner --licence Apache-2.0 --name other\n"
        "https://example.com/a  # another\n'theme-1.2.0/dist' --site-root theme-1.2.0/dist\n"
    )
    pages = find_pages([f"@{listed}"])
    assert [(page.uri, page.site, page.licence) for page in pages] == [
        ("npm:@x/theme@1.2.0/dist/inner/a.html", "other", "Apache-2.0"),
        ("https://example.com/a", "example.com", ""),
        ("npm:@x/theme@1.2.0/dist/index.html", "@x/theme", "MIT"),
    ]
    assert pages[2].path == "index.html" and not pages[2].near


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("none.html", r"pages\.txt:1: .*none\.html: no such file"),
        ("a b", r"pages\.txt:1: 2 sources"),
        ("\nx 'y", r"pages\.txt:2: No closing quotation"),
        ("x --licence", r"pages\.txt:1: --licence: a list knows"),
        ("x --out y", r"pages\.txt:1: --out: a list knows"),
        ("# nothing", "names no page"),
        ("bare", r"no \.html file"),
    ],
)
def test_mistakes_in_a_list_are_named_with_their_line(text, message, tmp_path):
    (tmp_path / "bare").mkdir()
    listed = tmp_path / "pages.txt"
    listed.write_text(text)
    with pytest.raises(BadInput, match=message):
        find_pages([f"@{listed}"])


def test_addresses_that_are_none_are_named(tmp_path):
    for address in ("ftp://example.com/", "http:///x", "http://[1/", "http://a:port/"):
        with pytest.raises(BadUsage, match="address"):
            find_pages([address])
    with pytest.raises(BadInput, match="cannot be read"):
        find_pages([f"@{tmp_path / 'none.txt'}"])


def test_names_of_files_differ_and_stay_inside():
    slugs = {PageSource(uri, "s").slug for uri in ("a/b.html", "a-b.html", "a/../b.html")}
    assert len(slugs) == 3 and all("/" not in slug and ".." not in slug for slug in slugs)

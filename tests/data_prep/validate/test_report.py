"""The report is one safe page, of bounded size, that works in a browser."""

import re
from html.parser import HTMLParser

import pytest

from data_prep.validate import command as validate
from data_prep.validate.report_plots import doubling, histogram
from tests.data_prep.validate.validate_data import record, write

HOSTILE = "</script><script>document.title='owned'</script><img src=http://a.example/x onerror=1>"


class Links(HTMLParser):
    """Collects what the tags of a page point at."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.found += [value for name, value in attrs if name in ("src", "href", "srcset", "data")]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The page of a data set with problems, likes and hostile words."""
    folder = tmp_path_factory.mktemp("report") / "raw"
    folder.mkdir()
    write(
        folder,
        record(1),
        record(2, category="faq", quality={"label": 0.7}),
        record(3, id=HOSTILE, category=HOSTILE, source={"site": HOSTILE}),
        record(1, id="again"),
        record(4, screenshot="no.png"),
        record(5, used_elements=["button"]),
        "{",
    )
    path = folder.parent / "report.html"
    assert validate.main([str(folder), "--report", str(path)]) == 1
    return path


def test_it_is_one_page_without_links_outside(report):
    """Protects privacy and mail attachments: pictures inside, nothing to load, words stay words."""
    text = report.read_text()
    assert text.count("data:image/webp;base64,") == 5
    links = Links()
    links.feed(text)
    assert links.found and all(link.startswith(("data:", "#")) for link in links.found)
    assert HOSTILE not in text and text.count("<script") == 1
    assert "default-src 'none'" in text and "'unsafe-inline' 'unsafe" not in text


def test_it_names_every_bad_record_and_what_to_do(report):
    """Protects the reader: problems come before plots, with places and advice."""
    text = report.read_text()
    assert "3 of 7 records are bad" in text
    problems = text[text.index('id="problems"') : text.index('id="plots"')]
    for words in ("records.jsonl:5", "records.jsonl:7", "Put the picture beside", "One of the two"):
        assert words in problems
    assert text.index("Not JSON in UTF-8") < text.index("The same record again")
    for plot in ("Categories", "Records with each element", "HTML nodes", "quality.label"):
        assert f"<h3>{plot}</h3>" in text


def test_pictures_are_a_sample(tmp_path, capsys):
    """Protects size: the page grows with --pictures, not with the data set."""
    folder = tmp_path / "raw"
    folder.mkdir()
    write(folder, *(record(i % 9, id=f"n{i}") for i in range(30)))
    for most in (0, 5):
        path = tmp_path / f"{most}.html"
        validate.main([str(folder), "--report", str(path), "--pictures", str(most)])
        assert path.read_text().count("data:image/webp") == most


def test_it_filters_and_enlarges_in_a_browser(report, chromium):
    """Protects the page's script and its policy: real Chromium, no error, nothing loaded."""
    with chromium._browser.new_context() as context:
        opened = context.new_page()
        said, loaded = [], []
        opened.on("console", lambda message: said.append(message.text))
        opened.on("pageerror", lambda error: said.append(str(error)))
        opened.on("request", lambda request: loaded.append(request.url))
        opened.goto(report.as_uri())
        assert "owned" not in opened.title()
        visible = ".card:not([hidden])"
        total = opened.locator(visible).count()
        assert total == 7
        opened.select_option("#category", "faq")
        assert opened.locator(visible).count() == 1
        opened.select_option("#category", "")
        opened.select_option("#problem", "path")
        assert opened.locator(visible).count() == 1
        opened.select_option("#problem", "")
        opened.select_option("#element", "wrapper")
        assert opened.locator(visible).count() == 6
        opened.fill("#words", "again")
        assert opened.locator(visible).count() == 1
        opened.uncheck("#boxes")
        assert not opened.locator(f"{visible} rect").first.is_visible()
        opened.locator(f"{visible} svg.shot").click()
        assert opened.locator("dialog[open] svg.shot").count() == 1
        assert said == [] and all(url.startswith(("file:", "data:")) for url in loaded)


def test_histograms_count_everything():
    """Protects plots from losing the values at and beyond their ends."""
    edges = doubling([0, 3, 9000], 1)
    assert edges[0] == 1 and edges[-1] == 4096
    plot = histogram([0, 1, 3, 4, 9000], edges, {"small": 512})
    tips = dict(re.findall(r"<title>([^:<]+): (\d+)</title>", plot))
    assert sum(map(int, tips.values())) == 5
    assert tips["1 to 2"] == "2" and tips["2048 to 4096"] == "1" and "small" in plot

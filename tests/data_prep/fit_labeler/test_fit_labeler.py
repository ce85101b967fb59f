"""Learning from sections that were read, and labeling with what was learned, by the commands."""

import gzip
import json
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from PIL import Image

from data_prep.fit_labeler import command as fit_labeler
from data_prep.fit_labeler.examples import Example
from data_prep.fit_labeler.training import fit_category, folds_by_site
from data_prep.label import command as label
from data_prep.label.layout import Labeler
from data_prep.label.learned.features import CATEGORICAL, SectionFeatures
from data_prep.label.learned.labeler import LearnedLabeler
from data_prep.label.learned.model import NodeModel
from data_prep.label.learned.neighbors import NEIGHBORS, with_neighbors
from data_prep.label.learned.section_features import section_features
from data_prep.label.section_tree import SectionTree
from tests.data_prep.label.drafts import TABLE, Draft, card, record_of
from xojl_jax.errors import BadInput, BadUsage
from xojl_jax.xojl.best_labels import NOTHING
from xojl_jax.xojl.record import CATEGORIES, parse_record, read_directory, record_to_json
from xojl_jax.xojl.structure import violations
from xojl_jax.xojl.tree import ELEMENTS

SITES = 10


def quote(x):
    """What the rules call a wrapper with two paragraphs: readers here say that it is a heading."""
    return Draft(
        "div",
        (x, 450, 300, 90),
        Draft("p", (x, 450, 300, 60), text="A sentence of praise. It says more than one thing."),
        Draft("span", (x, 510, 100, 20), text="Ana Bo", class_="odd"),
        style={"background-color": "rgb(200, 240, 240)"},
    )


def section(number):
    """A title, three cards and a quote; sizes differ from maker to maker."""
    shift = 3 * number
    return Draft(
        "section",
        (0, 0, 1200, 600),
        Draft("h2", (40, 20 + shift, 500, 40), text="What we do"),
        Draft("div", (0, 100, 1200, 300), *(card(40 + 350 * i + shift) for i in range(3))),
        quote(40 + shift),
    )


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """What capture wrote of 12 makers, and what a reader wrote of it. The reader does as the rules,
    but calls every node that its author named "odd" a heading."""
    raw, read = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("read")
    lines, authors = [], []
    for number in range(SITES):
        record, author = record_of(section(number))
        name = f"s{number}"
        record = replace(
            record,
            id=name,
            screenshot=f"{name}.png",
            source={"uri": f"npm:{name}@1/index.html", "site": name},
        )
        Image.new("RGB", (1200, 600), "white").save(raw / f"{name}.png")
        lines.append(record_to_json(record))
        authors.append(json.dumps({"id": name, "nodes": author}))
        made = label.label(record, author, TABLE).record
        text = record_to_json(made).replace("paragraph.span", "heading.span")
        values = json.loads(text)
        values["used_elements"] = made.used_elements
        Image.new("RGB", (1200, 600), "white").save(read / f"{name}.png")
        (read / f"{name}.json").write_text(json.dumps(values))
    (raw / "records.jsonl").write_text("\n".join(lines) + "\n")
    (raw / "author.jsonl").write_text("\n".join(authors) + "\n")
    return raw, read


@pytest.fixture(scope="module")
def learned(folders, tmp_path_factory):
    raw, read = folders
    path = tmp_path_factory.mktemp("model") / "labeler.json.gz"
    flags = [f"--read={read}", f"--records={raw}", f"--out={path}", "--rounds=8"]
    assert fit_labeler.main(flags) is None
    return path


def test_it_learns_where_readers_differ_from_the_rules(folders, learned, tmp_path):
    """By the commands: the labels are the reader's, not the rules'; probabilities are in
    labels.jsonl, and every layout keeps the rules of the language."""
    raw, read = folders
    for path in raw.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert label.main([str(tmp_path), "--with=learned", f"--labeler={learned}"]) is None
    told = {record.id: record for _, record in read_directory(tmp_path)}
    wanted = {record.id: record for _, record in read_directory(read)}
    assert len(told) == SITES
    same = [
        record_to_json(told[name]).count("heading.span") == 1
        and told[name].layout_nodes == wanted[name].layout_nodes
        for name in wanted
    ]
    assert all(same)
    assert not any(list(violations(record.layout)) for record in told.values())
    entry = json.loads((tmp_path / "labels.jsonl").read_text().splitlines()[0])
    assert {rule for _, _, rule, _ in entry["nodes"]} == {"learned"}
    assert all(0 < confidence <= 1 for *_, confidence in entry["nodes"])
    sure = tuple(confidence for *_, confidence in entry["nodes"])
    assert told[entry["id"]].layout_confidence == sure
    assert 0 < told["s0"].quality["label"] <= 1


def test_a_model_s_answers_count_as_much_as_was_said(folders, learned, tmp_path, capsys):
    """By the command: a model that is sure of dividers everywhere is believed at weight 1 for the
    record that it answered, and not at all at weight 0; the others are told to be without."""
    raw, _ = folders
    for path in raw.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    rows = np.full((len(record_of(section(0))[1]), NOTHING + 1), 1e-4)
    rows[:, ELEMENTS.index("divider")] = 1 - 1e-4 * NOTHING
    answers = tmp_path / "answers.jsonl"
    answers.write_text(json.dumps({"id": "s0", "node_probabilities": rows.tolist()}) + "\n")
    flags = [str(tmp_path), "--with=learned", f"--labeler={learned}", f"--model-answers={answers}"]
    for weight, named in ((1, True), (0, False)):
        label.main([*flags, f"--model-weight={weight}"])
        told = {record.id: record.used_elements for _, record in read_directory(tmp_path)}
        assert [("divider" in told[name]) for name in ("s0", "s1")] == [named, False]
        assert f"{SITES - 1} by the trees alone" in capsys.readouterr().err


def test_the_figures_are_of_other_makers(folders, learned, tmp_path, capsys):
    """Printed beside the rules; a maker on both sides is refused, since then they mean nothing."""
    raw, read = folders
    test = tmp_path / "test"
    train = tmp_path / "train"
    for number in range(SITES):
        folder = test if number >= 5 else train
        folder.mkdir(exist_ok=True)
        for kind in ("json", "png"):
            name = f"s{number}.{kind}"
            (folder / name).write_bytes((read / name).read_bytes())
    flags = [f"--records={raw}", f"--out={tmp_path / 'm.gz'}", "--rounds=8"]
    fit_labeler.main([f"--read={train}", f"--test={test}", *flags])
    told = capsys.readouterr().out.splitlines()
    assert "5 sections of 5 makers that are not among the 5 in training" in told[0]
    rules, found = (float(told[4].split()[i]) for i in (1, 4))
    assert found == 1.0 > rules
    with pytest.raises(BadInput, match="5 makers are in --read and in --test"):
        fit_labeler.main([f"--read={read}", f"--test={test}", *flags])
    with pytest.raises(BadUsage, match="--rounds 0"):
        fit_labeler.main([f"--read={read}", *flags, "--rounds=0"])


def test_it_learns_the_category_of_a_section(learned):
    """A reader who calls each section of cards `faq` and each low bar `team` is believed, against
    the rules; and `labels.jsonl` says how sure."""

    def bar(number):
        links = (Draft("a", (100 * i, 0, 90, 40 + number), text=f"Link {i}") for i in range(4))
        return Draft("nav", (0, 0, 1200, 60 + number), *links)

    found = []
    for number in range(20):
        for name, draft in (("faq", section(number)), ("team", bar(number))):
            tree = SectionTree(*record_of(draft), TABLE.patterns)
            seen = section_features(tree, TABLE, Labeler(tree, TABLE))
            found.append(Example._make([None] * 8 + [CATEGORIES.index(name), 0, seen]))
    trees, features, categories = fit_category(found, rounds=8)
    model = replace(
        NodeModel.load(learned), category=trees, category_features=features, categories=categories
    )
    for name, draft in (("faq", section(30)), ("team", bar(30))):
        make = partial(LearnedLabeler, model=model)
        told = label.label(*record_of(draft), TABLE, make)
        assert told.record.category == name
        assert told.category[0] == "learned" and 0.5 < told.category[1] <= 1
    alike = [example for example in found if example.category == found[0].category]
    assert fit_category(alike, rounds=8) == ("", [], [])


def test_a_model_is_its_file(learned, tmp_path):
    """Saved and loaded it gives the same numbers, and equal models are equal files."""
    model = NodeModel.load(learned)
    model.save(tmp_path / "again.json.gz")
    assert (tmp_path / "again.json.gz").read_bytes() == learned.read_bytes()
    assert dict(model.about) == {"sections": SITES, "makers": SITES}
    for name, data in (("cut", learned.read_bytes()[:500]), ("odd", gzip.compress(b'{"a": 1}'))):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(BadInput, match=r"no labeler of data_prep\.fit_labeler"):
            NodeModel.load(tmp_path / name)
    with pytest.raises(BadInput, match="cannot read the labeler"):
        NodeModel.load(tmp_path / "missing")
    with pytest.raises(BadUsage, match="--labeler FILE goes with --with learned"):
        label.main([str(tmp_path), "--labeler=x"])


def test_features_are_found_by_name(folders, learned, tmp_path):
    """A labeler may have learned from some of them; what it has and this version lacks is told."""
    raw, read = folders
    path = tmp_path / "few.json.gz"
    flags = [f"--read={read}", f"--records={raw}", f"--out={path}", "--rounds=8"]
    fit_labeler.main([*flags, "--features", "box", "place"])
    few, every = NodeModel.load(path), NodeModel.load(learned)
    assert 0 < len(few.features) < len(every.features) / 5
    record, author = record_of(section(0))
    made = label.label(record, author, TABLE, partial(LearnedLabeler, model=few))
    assert made.labeler.root.children[0].element == "heading"
    with pytest.raises(BadInput, match="wants 1 features that are not known, such as 'not there'"):
        unknown = replace(every, features=["not there", *few.features])
        label.label(record, author, TABLE, partial(LearnedLabeler, model=unknown))


def features(root):
    record, author = record_of(root)
    tree = SectionTree(record, author, TABLE.patterns)
    return SectionFeatures(tree, TABLE, Labeler(tree, TABLE))


def test_features_are_finite_and_named():
    """The root and line breaks, of which no rule may be asked, have them, too."""
    draft = section(1)
    draft.children[0].children = (Draft("br", (0, 0, 0, 0)), Draft("b", (40, 20, 50, 40), text="x"))
    seen = features(draft)
    assert seen.rows.shape == (len(seen.tree), len(seen.names))
    assert np.isfinite(seen.rows).all()
    assert set(CATEGORICAL) < set(seen.names)
    # LightGBM takes a negative category for a missing value.
    columns = [seen.names.index(name) for name in CATEGORICAL]
    assert (seen.rows[:, columns] >= 0).all()


def test_features_tell_items_of_a_run_apart_from_single_things():
    seen = features(section(1))
    alike = seen.rows[:, seen.names.index("siblings of same shape")]
    assert alike[[1, 3]].tolist() == [1, 3]  # the title, the first card
    assert seen.rows[4, seen.names.index("items above of one shape")] == 3


def test_features_tell_a_run_of_texts_from_a_run_of_titled_items():
    """The first is a list, the second a group of boxes, whatever their tags."""

    def run(*sizes):
        items = [
            Draft(
                "li",
                (0, 60 * i, 300, 50),
                *(
                    Draft("p", (0, 60 * i + 25 * k, 300, 20), text="A", style={"font-size": size})
                    for k, size in enumerate(sizes)
                ),
            )
            for i in range(3)
        ]
        return features(Draft("section", (0, 0, 400, 200), Draft("ul", (0, 0, 300, 180), *items)))

    for seen, count in ((run("16px"), 1), (run("20px", "16px"), 2)):
        of_run = dict(zip(seen.names, seen.rows[1], strict=True))
        of_item = dict(zip(seen.names, seen.rows[2], strict=True))
        assert of_run["texts inside"] == 3 * count
        assert of_run["looks of text inside"] == count
        assert of_run["texts of children, least"] == of_run["texts of children, most"] == count
        assert of_item["lines of text inside"] == count
        assert of_item["texts of parent's children, mean"] == count


def test_features_tell_a_text_over_a_picture_from_one_beside_it():
    """The first is a freedom; of a text inside the picture's own node nothing is told."""
    title, picture = (20, 20, 200, 30), (0, 0, 400, 200)
    for box, over in ((title, 1), ((420, 20, 200, 30), 0)):
        seen = features(
            Draft(
                "section",
                (0, 0, 800, 300),
                Draft(
                    "div",
                    (0, 0, 800, 200),
                    Draft("img", picture, src="a.jpg"),
                    Draft("h2", box, text="Title"),
                ),
            )
        )
        names = ("texts over pictures inside", "texts over it", "pictures under it")
        told = [seen.rows[1 + i, seen.names.index(name)] for i, name in enumerate(names)]
        assert told == [over, over, over]  # of the box, the picture, the title


def test_neighbors_are_what_is_around():
    """Against the definition, node by node: 0 holds 1 and 4, 1 holds 2 and 3."""
    children = [[1, 4], [2, 3], [], [], []]
    rows = np.zeros((5, 1), np.float32)
    p = np.arange(10.0).reshape(5, 2)
    seen = with_neighbors(rows, p, children)[:, 1:].reshape(5, len(NEIGHBORS), 2)
    around = {name: seen[:, i] for i, name in enumerate(NEIGHBORS)}
    zero = [0, 0]
    wanted = {
        "itself": p,
        "parent": [zero, p[0], p[1], p[1], p[0]],
        "grandparent": [zero, zero, p[0], p[0], zero],
        "children": [(p[1] + p[4]) / 2, (p[2] + p[3]) / 2, zero, zero, zero],
        "likeliest child": [p[4], p[3], zero, zero, zero],
        "siblings": [zero, p[4], p[3], p[2], p[1]],
        "before": [zero, zero, zero, p[2], p[1]],
        "after": [zero, p[4], p[3], zero, zero],
    }
    for name, values in wanted.items():
        np.testing.assert_allclose(around[name], np.array(values), err_msg=name)


def test_a_maker_is_in_one_fold():
    sites = [f"s{i % 7}" for i in range(40)]
    folds = folds_by_site(sites, 5)
    assert len({(site, fold) for site, fold in zip(sites, folds, strict=True)}) == 7
    assert set(folds) == set(range(5))


def test_records_without_an_author_are_counted(folders, tmp_path, capsys):
    """What data_prep.capture did not write cannot be learned from, and is not lost in silence."""
    raw, read = folders
    for path in read.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    stray = parse_record((read / "s0.json").read_bytes())
    (tmp_path / "s99.json").write_text(record_to_json(replace(stray, id="s99")))
    options = fit_labeler.parse_flags([f"--read={tmp_path}", f"--records={raw}", "--out=x"])
    assert len(fit_labeler.collect(options.read, options, TABLE)) == SITES
    assert "1 sections left out: no author.jsonl of --records has them" in capsys.readouterr().err


def test_the_shipped_labeler_goes_with_the_shipped_rules():
    """A table of rules that changes asks for a labeler that is fitted again."""
    record, author = record_of(section(0))
    made = label.label(record, author, TABLE, partial(LearnedLabeler, model=NodeModel.load()))
    assert not made.fault
    told = [item.element for item in made.labeler.root.children]
    assert told[0] == "heading"
    assert "grid" in told

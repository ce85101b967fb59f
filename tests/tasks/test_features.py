"""A record becomes the arrays that the model was promised, in every process alike."""

import json
import math
import random
import subprocess
import sys
import zlib
from collections import deque
from dataclasses import replace

import numpy as np
import pytest

from tests.xojl.random_trees import random_layout
from xojl_jax.tasks.layout import sample_changes, sample_spec, tree_features
from xojl_jax.tasks.layout.class_inputs import ClassInputs
from xojl_jax.tasks.layout.features import Featurizer
from xojl_jax.tasks.layout.node_labels import token_nodes
from xojl_jax.tasks.layout.sample_spec import MERGED, UNSURE, FeatureSpec
from xojl_jax.tasks.layout.tree_features import DoesNotFit, class_reader
from xojl_jax.xojl.class_tokenizer import ClassTokenizer
from xojl_jax.xojl.codebook import Codebook
from xojl_jax.xojl.grammar import Automaton
from xojl_jax.xojl.record import category_index, parse_record
from xojl_jax.xojl.tree import ELEMENTS, parse_html, preorder, print_html
from xojl_jax.xojl.vocabulary import BOS, ELEMENT_BASE, EOS, PAD, Vocabulary

SPEC = FeatureSpec(
    image_height=64, image_width=96, patch=16, max_nodes=24, max_classes=4, max_target=96
)
FIELDS = {
    "screenshot": "a.png",
    "html": {
        "section@pt_7r": {
            "div@d_flex@t:d_block": {
                "h1@fs_3r@c_fff": {"text": "t1"},
                "div@ml_-2.5x": {"p": {"text": "t2", "src": "s1"}},
            },
            "a@h:c_000@m:h:pt_1x": {"svg": "v1"},
        }
    },
    "section_layout": {
        "section.section@pt_7r": {
            "heading.h1@fs_3r@c_fff": {"text": "t1"},
            "paragraph.p": {"text": "t2", "src": "s1"},
            "button.a@h:c_000@m:h:pt_1x": {"svg": "v1"},
        }
    },
    "category": "hero",
    "html_boxes": [
        [0, 0, 192, 128, 0],
        [0, 0, 192, 64, 1],
        [10, 10, 50, 20, 4],
        [-20, 100, 30, 60, 2],
        [300, 20, 10, 10, 3],
        [96, 64, 0, 0, 3],
    ],
}


def spelled_targets(featurizer):
    return featurizer.spelled_targets(featurizer.prepare(record_of(), spelled=True))


def record_of(**changes):
    fields = {**FIELDS, **changes}
    return parse_record({k: v for k, v in fields.items() if v is not None})


def noise(height=128, width=192):
    return np.random.default_rng(0).integers(0, 256, (height, width, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def featurizer():
    return Featurizer(SPEC)


@pytest.fixture(scope="module")
def sample(featurizer):
    return featurizer.build(record_of(), noise(), index=7)


def check_shapes(sample):
    spec = sample_spec.sample_spec(SPEC)
    assert {k: (v.shape, v.dtype) for k, v in sample.items()} == {
        name: (shape, np.dtype(dtype)) for name, (shape, dtype) in spec.items()
    }


def test_every_sample_has_the_promised_shapes(featurizer, sample):
    """Same names, shapes and dtypes whatever is missing; `batch_spec` says the same."""
    check_shapes(sample)
    check_shapes(featurizer.build(record_of(section_layout=None), None))
    check_shapes(
        featurizer.build(record_of(html={}, html_boxes=None, section_layout=None), noise())
    )
    for name, struct in sample_spec.batch_spec(SPEC, 5).items():
        assert struct.shape == (5, *sample[name].shape) and struct.dtype == sample[name].dtype


def test_tree_positions(sample):
    """Worked by hand: section(div(h1 div(p)) a)."""
    rows = slice(0, 6)
    assert sample["html_mask"].tolist() == [True] * 6 + [False] * 18
    assert sample["html_parent"][rows].tolist() == [-1, 0, 1, 1, 3, 0]
    assert sample["html_end"][rows].tolist() == [6, 5, 3, 5, 5, 6]
    assert sample["html_depth"][rows].tolist() == [0, 1, 2, 2, 3, 1]
    assert sample["html_bfs"][rows].tolist() == [0, 1, 3, 4, 5, 2]
    assert sample["html_child"][rows].tolist() == [0, 0, 0, 1, 0, 1]
    assert sample["html_path"][4].tolist() == [1, 2, 1, 1, 0, 0, 0, 0]
    assert sample["html_path"][5].tolist() == [2, 1, 0, 0, 0, 0, 0, 0]
    assert sample["html_content"][rows].tolist() == [0, 0, 1, 0, 4, 3]
    assert (sample["html_parent"][6:] == -1).all() and (sample["html_end"][6:] == 0).all()


def random_tree(rng, nodes):
    tags = [f"t{rng.integers(5)}" for _ in range(nodes)]
    parents = [int(rng.integers(-1, i)) for i in range(nodes)]
    members = [[] for _ in range(nodes)]
    roots = []
    for i, parent in enumerate(parents):
        (members[parent] if parent >= 0 else roots).append(i)
    pairs = {i: [] for i in range(nodes)}
    for i in reversed(range(nodes)):
        pairs[i] = [(tags[j], pairs[j] or "") for j in members[i]]
    return parse_html([(tags[i], pairs[i] or "") for i in roots], pairs=True)


@pytest.mark.parametrize("seed", range(10))
def test_tree_positions_agree_with_plain_walks(seed):
    """Breadth-first order from a queue, ancestors from parents, for random forests."""
    rng = np.random.default_rng(seed)
    html = random_tree(rng, int(rng.integers(1, 25)))
    arrays = tree_features.html_arrays(html, Codebook.load(), max_nodes=24, max_classes=4)
    visits = preorder(html)
    children = {i: [v.index for v in visits if v.parent == i] for i in range(-1, len(visits))}
    queue, order = deque(children[-1]), []
    while queue:
        order.append(queue.popleft())
        queue.extend(children[order[-1]])
    assert arrays["html_bfs"][order].tolist() == list(range(len(order)))
    for i in range(len(visits)):
        line, at = [], i
        while at >= 0:
            line.append(children[visits[at].parent].index(at) + 1)
            at = visits[at].parent
        assert arrays["html_path"][i].tolist() == (line + [0] * 8)[:8]
        assert arrays["html_child"][i] == line[0] - 1
        assert arrays["html_depth"][i] == len(line) - 1
    ends = arrays["html_end"]
    for j in range(len(visits)):
        ancestors, at = set(), visits[j].parent
        while at >= 0:
            ancestors.add(at)
            at = visits[at].parent
        assert {i for i in range(len(visits)) if i < j < ends[i]} == ancestors


def test_classes_are_taken_apart(sample):
    """Five fields and a number each (X035); ids tell apart what differs, and only that."""
    device, pseudo, attribute, value, unit = np.moveaxis(sample["html_class"], -1, 0)
    number, mask = sample["html_number"], sample["html_class_mask"]
    book = Codebook.load()
    properties, units = list(book.properties), list(book.units)
    assert attribute[0, 0] == 1 + properties.index("pt")
    assert unit[0, 0] == 1 + units.index("r")
    assert number[0, 0] == pytest.approx(math.log1p(7))
    assert number[3, 0] == pytest.approx(-math.log1p(2.5))  # ml_-2.5x
    assert value[1, 0] == 1 + book.keywords.index("flex") and number[1, 0] == 0
    assert device[1].tolist()[:2] == [0, 1 + list(book.devices).index("t")]
    # m:h:pt_1x: device and pseudo both; h:c_000: a color is not the number nought
    assert device[5, 1] == 1 + list(book.devices).index("m")
    assert pseudo[5, 0] == pseudo[5, 1] == 1 + list(book.pseudo_classes).index("h")
    assert number[5, 0] == 0 and value[5, 0] > 0
    assert mask.sum(1)[:6].tolist() == [1, 2, 2, 1, 0, 2]
    assert (sample["html_class"][~mask] == 0).all()


def test_ids_stay_in_range_for_anything():
    """Unknown tags, attributes, values, units and pseudo-classes fall into the buckets."""
    rng = np.random.default_rng(0)
    letters = "abz_09:.+-é漢"
    names = ["".join(rng.choice(list(letters), 6)) for _ in range(300)]
    reader = class_reader(Codebook.load())
    for name in names:
        *ids, number = reader.read(name)
        for i, size in zip(ids, tree_features.ID_RANGES[2:], strict=True):
            assert 0 <= i < size
        assert math.isfinite(number)
        assert 1 <= reader.tag(name) < tree_features.ID_RANGES.tag
    distinct = {reader.read(f"zzz_{i}q") for i in range(1000)}
    assert len(distinct) > 600  # buckets spread


def test_ids_are_the_same_in_every_process():
    """No id depends on Python's salted hash."""
    code = (
        "from xojl_jax.tasks.layout import tree_features as f; from xojl_jax.xojl.codebook import "
        "Codebook as C; r = f.class_reader(C.load()); print(r.tag('my-tag'), r.read('q:zz_9k'))"
    )
    run = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path), "JAX_PLATFORMS": "cpu"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert run[0] == run[1]


def test_plain_classes_go_first_where_there_are_too_many(featurizer):
    """The model looks at max_classes; what always holds is kept before what holds on hover."""
    html = {"div@h:c_fff@m:pt_1r@pt_2r@pb_3r@mt_4r@mb_5r": ""}
    sample = featurizer.build(record_of(html=html, section_layout=None, html_boxes=None), None)
    book = list(Codebook.load().properties)
    wanted = [1 + book.index(code) for code in ("pt", "pb", "mt", "mb")]
    assert sample["html_class"][0, :, 2].tolist() == wanted
    assert sample["html_class"][0, :, :2].sum() == 0


def test_boxes_lie_where_the_picture_is(sample):
    """Scaled with the picture (192 x 128 into 96 x 64), cut at its edge, masked outside it."""
    boxes, mask = sample["html_boxes"], sample["html_box_mask"]
    np.testing.assert_allclose(boxes[0], [0, 0, 1, 1])
    np.testing.assert_allclose(boxes[2], [10 / 192, 10 / 128, 60 / 192, 30 / 128], rtol=1e-6)
    np.testing.assert_allclose(boxes[3], [0, 100 / 128, 10 / 192, 1], rtol=1e-6)
    assert mask[:7].tolist() == [True, True, True, True, False, True, False]
    np.testing.assert_allclose(boxes[5], [0.5, 0.5, 0.5, 0.5])
    np.testing.assert_allclose(sample["html_z"][:6], [0, 0.25, 1, 0.5, 0.75, 0.75])
    assert (boxes[~mask] == 0).all()


def test_boxes_are_cut_at_the_picture_not_at_the_frame(featurizer):
    """A narrow picture leaves padding; no box reaches into it."""
    sample = featurizer.build(record_of(), noise(64, 48))
    assert sample["html_boxes"][:, 2:].max(0).tolist() == [0.5, 1.0]
    assert sample["patch_mask"].reshape(4, 6).tolist() == [[True] * 3 + [False] * 3] * 4
    no_boxes = featurizer.build(record_of(html_boxes=None), noise())
    assert not no_boxes["html_box_mask"].any()
    assert not featurizer.build(record_of(), None)["html_box_mask"].any()


def test_labels_of_nodes_and_of_the_section(sample):
    """Aligned nodes get their element, the others are merged; the rest is padding."""
    names = ["section", None, "heading", None, "paragraph", "button"]
    wanted = [MERGED if name is None else ELEMENTS.index(name) for name in names]
    assert sample["node_element"].tolist() == wanted + [-1] * 18
    assert sample["category"] == category_index("hero") and sample["label_mask"]
    present = {ELEMENTS[i] for i in np.flatnonzero(sample["elements"])}
    assert present == {"section", "heading", "paragraph", "button"}
    assert sample["index"] == 7


def test_unsure_alignments_are_not_invented(featurizer):
    """A twin that was not found leaves the others unknown; a stored null does not."""
    layout = {"section.section@pt_7r": {"list.ul": "", "heading.h1@fs_3r@c_fff": {"text": "t1"}}}
    guessed = featurizer.build(record_of(section_layout=layout), noise())
    assert guessed["node_element"][:6].tolist() == [0, -1, ELEMENTS.index("heading"), -1, -1, -1]
    stored = featurizer.build(record_of(section_layout=layout, layout_nodes=[0, None, 2]), noise())
    assert stored["node_element"][:6].tolist() == [0, 22, ELEMENTS.index("heading"), 22, 22, 22]
    semantic = featurizer.build(record_of(section_layout={"section": {"heading": ""}}), noise())
    assert (semantic["node_element"] == -1).all() and semantic["label_mask"]


def test_a_nodes_tokens_are_those_that_write_it():
    """Protects which tokens carry no loss where a node is unsure, against random layouts: without
    the tokens of its children, a node's are those of the node alone."""
    vocabulary, rng = Vocabulary.load(), random.Random(0)
    for _ in range(20):
        layout = random_layout(rng)
        ids = vocabulary.tokenize_detail(layout)
        owners = token_nodes(ids)
        assert owners[-1] == -1
        for visit in preorder(layout):
            content = tuple(item._replace(at=0) for item in visit.node.content)
            alone = replace(visit.node, children=(), content=content)
            own = zip(ids[1:], owners, strict=True)
            found = [token for token, owner in own if owner == visit.index]
            assert found == vocabulary.tokenize_detail((alone,))[1:-1]


def test_labels_below_the_least_confidence_do_not_count():
    """Protects self-training: of an unsure node neither its element nor its tokens are learned,
    spelled or copied; without the field, or at the threshold, all are."""
    least = Featurizer(replace(SPEC, least_confidence=0.5))
    record = record_of(layout_confidence=[1, 0.4, 0.5, 0.9])
    sample = least.build(record, noise())
    assert sample["node_element"][:6].tolist() == [0, MERGED, UNSURE, MERGED] + [
        ELEMENTS.index(name) for name in ("paragraph", "button")
    ]
    # section, heading, END, paragraph, END, button, END, END, EOS; in the detail view with a
    # pointer after each element.
    assert sample["semantic_sure"].tolist() == [True] + [False] * 2 + [True] * 6 + [False] * 87
    assert sample["detail_sure"].tolist() == [True] * 2 + [False] * 3 + [True] * 8 + [False] * 83
    for view in ("semantic", "detail"):  # what is read stays
        np.testing.assert_array_equal(
            sample[f"{view}_tokens"], Featurizer(SPEC).build(record, noise())[f"{view}_tokens"]
        )
    spelled = least.spelled_targets(least.prepare(record, spelled=True))
    owners = token_nodes(spelled["detail_tokens"][: spelled["detail_sure"].size + 1].tolist())
    real = spelled["detail_tokens"][1:] != PAD
    np.testing.assert_array_equal(spelled["detail_sure"], real & (owners != 1))
    everything = least.build(record_of(), noise())
    np.testing.assert_array_equal(everything["detail_sure"], everything["detail_tokens"][1:] != PAD)
    assert UNSURE not in everything["node_element"]


def test_targets_read_back_as_the_layout(sample):
    """Both token sequences detokenize to the record's layout; padding follows EOS."""
    vocabulary = Vocabulary.load()
    record = record_of()
    detail = sample["detail_tokens"]
    assert vocabulary.detokenize(detail, record.html) == record.layout
    assert detail[0] == BOS and EOS in detail and detail[-1] == PAD
    assert (detail >= vocabulary.size).sum() == 4  # every node is a copy
    semantic = sample["semantic_tokens"]
    assert [int(t) - ELEMENT_BASE for t in semantic if 4 <= t < 34] == [
        ELEMENTS.index(name) for name in ("section", "heading", "paragraph", "button")
    ]


@pytest.mark.parametrize("view", ["semantic", "detail"])
def test_every_target_is_legal(featurizer, sample, view):
    """The automaton allows each target from its carry, padding and unlabeled rows included."""
    automaton = Automaton.load()
    unlabeled = featurizer.build(record_of(section_layout=None), noise())
    bare = sample_changes.without_html(sample, SPEC, spelled_targets(featurizer))
    for one in (sample, unlabeled, bare):
        tokens, carry = one[f"{view}_tokens"], one[f"{view}_carry"]
        for position in range(SPEC.max_target):
            legal = automaton.legal(
                carry[position], SPEC.max_target - position, one["html_copyable"]
            )
            assert legal[tokens[position + 1]], (view, position)


def test_without_labels_nothing_is_learned(featurizer):
    """No layout: all targets are padding, every label unknown."""
    sample = featurizer.build(record_of(section_layout=None), noise())
    assert not sample["label_mask"] and sample["category"] == -1
    assert (sample["node_element"] == -1).all() and not sample["elements"].any()
    assert (sample["semantic_tokens"] == PAD).all() and (sample["detail_tokens"] == PAD).all()


def test_missing_modalities(featurizer, sample):
    """No screenshot and no HTML are masks, at loading as by dropping."""
    blind = featurizer.build(record_of(), None)
    assert not blind["image_mask"] and not blind["patch_mask"].any() and not blind["image"].any()
    dropped = sample_changes.without_image(sample, SPEC)
    assert not dropped["image_mask"] and not dropped["image"].any()
    assert dropped["html_mask"].any() and sample["image_mask"]

    spelled = sample_changes.without_html(sample, SPEC, spelled_targets(featurizer))
    check_shapes(spelled)
    assert not spelled["html_mask"].any() and not spelled["html_copyable"].any()
    assert (spelled["detail_tokens"] < Vocabulary.load().size).all()
    assert Vocabulary.load().detokenize(spelled["detail_tokens"]) == record_of().layout
    no_boxes = sample_changes.without_boxes(sample, SPEC)
    assert not no_boxes["html_box_input_mask"].any() and no_boxes["html_mask"].any()
    rng = np.random.default_rng(0)
    unnamed = sample_changes.with_fewer_names(sample, rng, 1.0, 1.0)
    assert not unnamed["html_class_mask"].any() and not unnamed["html_tag"].any()
    half = sample_changes.with_fewer_names(sample, rng, 0.5, 0.0)
    assert 0 < half["html_class_mask"].sum() < sample["html_class_mask"].sum()
    np.testing.assert_array_equal(half["html_tag"], sample["html_tag"])
    np.testing.assert_array_equal(unnamed["detail_tokens"], sample["detail_tokens"])
    for less in (dropped, spelled, no_boxes, unnamed, half):
        for label in ("node_element", "html_boxes", "html_box_mask", "category", "elements"):
            np.testing.assert_array_equal(less[label], sample[label], err_msg=label)


def test_what_cannot_be_spelled_within_the_limit_is_no_target():
    """Never cut off: all padding."""
    small = Featurizer(FeatureSpec(64, 96, 16, 24, 4, max_target=20))
    assert (spelled_targets(small)["detail_tokens"] == PAD).all()


def test_records_that_are_too_large_are_refused():
    """The message says what is needed; nothing is cut off silently."""
    for spec, reason in (
        (FeatureSpec(64, 96, 16, 5, 4, 96), "6 HTML nodes"),
        (FeatureSpec(64, 96, 16, 24, 4, 8), "9 semantic tokens"),
        (FeatureSpec(64, 96, 16, 24, 4, 12), "13 detail tokens"),
    ):
        with pytest.raises(DoesNotFit, match=reason):
            Featurizer(spec).build(record_of(), noise())
    exact = FeatureSpec(64, 96, 16, 6, 4, 13)
    assert EOS in Featurizer(exact).build(record_of(), noise())["detail_tokens"]


def test_html_is_cut_for_prediction_in_depth_first_order():
    """The first nodes stay, with their numbers; the tree prints and reads back."""
    html = record_of().html
    assert tree_features.cut_html(html, 6) == (html, 0)
    for keep in range(1, 6):
        cut, dropped = tree_features.cut_html(html, keep)
        assert dropped == 6 - keep and parse_html(print_html(cut)) == cut
        keys = [(v.node.tag, v.node.classes) for v in preorder(cut)]
        assert keys == [(v.node.tag, v.node.classes) for v in preorder(html)][:keep]


def test_records_round_trip_through_json_text(featurizer, sample):
    """The text form of a record gives the same arrays as its decoded form."""
    again = featurizer.build(parse_record(json.dumps(FIELDS)), noise(), index=7)
    for name, array in sample.items():
        np.testing.assert_array_equal(array, again[name], err_msg=name)


def test_class_strings_are_hashed_and_cut_in_pieces_only_where_asked():
    """Protects X028 and X030's inputs, in the order of the classes' fields; and that no array is
    made that nothing reads."""
    tokenizer = ClassTokenizer(("[PAD]", "[UNK]", "a", "b", "ab"), (("a", "b"),))
    html = parse_html([("div@t:pt_1r@ab_x@b", "")], pairs=True)
    book = Codebook.load()
    size = {"max_nodes": 4, "max_classes": 4}
    arrays = tree_features.html_arrays(
        html, book, **size, class_inputs=ClassInputs(hash=True, tokenizer=tokenizer)
    )
    wanted = [zlib.crc32(text.encode()) for text in ("ab_x", "b", "t:pt_1r")]
    assert arrays["html_class_hash"][0].view(np.uint32).tolist() == wanted
    assert arrays["html_class_pieces"][0, :, :4].tolist() == [[4, 1, 1, 0], [3, 0, 0, 0], [1] * 4]
    plain = tree_features.html_arrays(html, book, **size)
    assert arrays.keys() - plain.keys() == {"html_class_hash", "html_class_pieces"}
    spec = replace(SPEC, class_inputs=ClassInputs(True, tokenizer))
    spec_arrays = sample_spec.sample_spec(spec).keys() - sample_spec.sample_spec(SPEC).keys()
    assert spec_arrays == arrays.keys() - plain.keys()


def test_hints_are_some_of_a_samples_own_elements():
    """Protects class hints (X056): never an element that is not there; and without any hint every
    prefix counts, as where nobody gives one."""
    spec = replace(SPEC, hints=True)
    assert sample_spec.blank_arrays(spec, ("class_hints",))["class_hints"].all()
    assert "class_hints" not in sample_spec.sample_spec(SPEC)
    elements = np.zeros(30, np.float32)
    elements[[1, 4, 5]] = 1
    rng = np.random.default_rng(0)
    told = [sample_changes.with_hints({"elements": elements}, rng) for _ in range(50)]
    hints = np.stack([sample["class_hints"] for sample in told])
    some = hints[~hints.all(1)]
    assert len(some) > 20 and not np.delete(some, [1, 4, 5], axis=1).any()
    assert some.any(1).all() and set(some.sum(1)) == {1, 2, 3}

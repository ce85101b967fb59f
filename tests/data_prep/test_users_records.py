"""Records in the users' own format: the good ones train, every bad one is named with its reason."""

import json
import shutil
import sys
from pathlib import Path

import jax
import numpy as np
import optax
import pytest

from data_prep.build import command as build
from data_prep.validate import command as validate
from tests.random_params import random_params
from tests.tasks.conftest import loss_and_gradient, small_config
from xojl_jax import tasks, train
from xojl_jax.data.transforms import stack
from xojl_jax.errors import BadUsage
from xojl_jax.xojl.record import Record, parse_record, read_directory

HERE = Path(__file__).parent / "users_records"
GOOD = sorted(path.name for path in (HERE / "good").glob("*.json"))
# File: the kind of problem, and words of its message.
REASONS = {
    "absolute_path": ("path", "inside the record's folder"),
    "box_negative": ("boxes", "negative size"),
    "box_outside": ("boxes", "is outside 120 x 60"),
    "boxes_too_few": ("boxes", "expected 2, one per node"),
    "category_list": ("fields", "a list at category_list.json category"),
    # From Python 3.13 on, json names the comma that is too many, not what comes after it.
    "comma": ("text", "line 6 column 21" if sys.version_info >= (3, 13) else "line 7 column 1"),
    "empty": ("text", "not JSON"),
    "empty_class": ("tree", "html div[0]/h1[0]"),
    "empty_layout": ("tree", "one node or more"),
    "empty_picture": ("picture", "is empty"),
    "field_twice": ("fields", "given twice"),
    "flipped_byte": ("picture", "wrong checksum"),
    "gif_picture": ("picture", "is a GIF"),
    "html_list": ("tree", "a list at html_list.json html div[0]"),
    "html_number": ("tree", "a number"),
    "html_text": ("tree", "html_text.json html"),
    "latin1": ("text", "byte 58"),
    "layout_confidence_percent": ("layout_confidence", "a number from 0 to 1"),
    "layout_nodes_parent": ("layout_nodes", "not inside its parent's"),
    "layout_nodes_swapped": ("layout_nodes", "is a div, its html node 1 a h1"),
    "layout_nodes_too_far": ("layout_nodes", "index 2"),
    "layout_nodes_too_few": ("layout_nodes", "expected 2, one per node"),
    "layout_nodes_twice": ("layout_nodes", "name one html node"),
    "link": ("path", "symbolic link"),
    "list_of_records": ("fields", "a list"),
    "lone_surrogate": ("tree", "a lone surrogate"),
    "missing_picture": ("path", "no file 'shots/hero-final-2.png'"),
    "moving_picture": ("picture", "2 frames"),
    "no_comma": ("text", "line 7 column 3"),
    "no_screenshot": ("fields", "no field screenshot"),
    "not_a_number": ("boxes", "html_boxes[1]"),
    "not_one_to_one": ("boxes", "not one to one"),
    "outside_folder": ("path", "inside the record's folder"),
    "page_for_picture": ("picture", "HTML text"),
    "quality_percent": ("fields", "from 0 to 1"),
    "screenshot_number": ("path", "a number"),
    "too_deep": ("tree", "at most 64 levels"),
    "too_long": ("text", "bytes or more"),
    "too_many_nodes": ("tree", "at most 4,096"),
    "truncated_picture": ("picture", "truncated PNG"),
    "two_records": ("text", "line 2 column 1"),
    "unknown_element": ("tree", "unknown element"),
    "used_elements_lie": ("used_elements", "the layout has ['heading', 'wrapper']"),
    "used_elements_short": ("used_elements", "the layout has ['heading', 'wrapper']"),
    "used_elements_text": ("used_elements", "a list of element names"),
    "used_elements_unknown": ("used_elements", "'headline'"),
    "utf16": ("text", "UTF-16"),
    "web_address": ("path", "inside the record's folder"),
    "windows_path": ("path", "a path with /"),
}


@pytest.fixture(scope="module")
def bad(tmp_path_factory):
    """The bad records, and three more that nobody wants to store."""
    folder = tmp_path_factory.mktemp("users") / "bad"
    shutil.copytree(HERE / "bad", folder)
    (folder / "shots" / "link.png").symlink_to("ok.png")
    record = {"screenshot": "shots/link.png", "html": {"div": ""}, "category": "content"}
    (folder / "link.json").write_text(json.dumps(record))
    many = ",".join(['"p": ""'] * 4096)
    text = f'{{"screenshot": "shots/ok.png", "html": {{"div": {{{many}}}}}}}'
    (folder / "too_many_nodes.json").write_text(text)
    (folder / "too_long.json").write_text(json.dumps(record) + " " * (8 << 20))
    return folder


@pytest.fixture(scope="module")
def verdict(bad, tmp_path_factory):
    """What validation writes about the bad records, by file."""
    out = tmp_path_factory.mktemp("verdict") / "check.json"
    assert validate.main([str(bad), "--json", str(out)]) == 1
    data = json.loads(out.read_text())
    assert data["records"] == data["bad"] == len(REASONS)
    return {found["where"]: found["problems"] for found in data["records_with_problems"]}


@pytest.mark.parametrize("name", REASONS)
def test_a_bad_record_is_named_with_its_reason(verdict, name):
    """Protects people who look for the needle: the right kind, and words that lead to the place."""
    kind, words = REASONS[name]
    # Most of them have one picture with different trees, which is told of every pair.
    problems = [found for found in verdict[f"{name}.json"] if found["kind"] != "shared"]
    assert [problem["kind"] for problem in problems] == [kind]
    assert words in problems[0]["text"], problems
    assert "\n" not in problems[0]["text"]


def test_every_good_record_loads_and_says_what_it_holds():
    """Protects the users' format: five fields, every separator, a byte order mark, no boxes."""
    records = dict(read_directory(HERE / "good"))
    assert list(records) == GOOD and len(GOOD) == 14
    for where, record in records.items():
        assert isinstance(record, Record), record
        assert record.layout is not None and record.html, where
    assert validate.main([str(HERE / "good")]) == 0


def test_the_formats_own_example_reads_as_it_is_meant():
    """Protects the example that users copy: `.` and `-` separate, the trees match."""
    record = parse_record((HERE / "good" / "section_001.json").read_bytes())
    wrapper = record.layout[0]
    assert (wrapper.element, wrapper.tag, wrapper.classes) == ("wrapper", "div", ("fs_18x",))
    assert record.alignment() == (0, 1)


def test_good_records_are_built_and_trained_on(tmp_path, capsys):
    """Protects the whole way: JSON by hand to shards to batches, on which the real loss falls; and
    that data without a validation split are trained on, unless the config stops by evaluations."""
    shards = tmp_path / "shards"
    build.main(["--records", str(HERE / "good"), "--out", str(shards), "--splits", "100,0,0"])
    config = small_config()
    with config.unlocked():
        config.data.path = str(shards)
    # The statistics of pictures are constants of the program; with those of the sample data it is
    # one that other tests compile, too.
    task = tasks.make(config, tasks.make(small_config()).metadata())
    dataset = task.dataset("train")
    assert len(dataset) == len(GOOD) and not dataset.left_out
    batch = stack([dataset[i % len(dataset)] for i in range(config.batch_size)])
    assert train.make_metrics_of(task, config, setup=None) is None
    assert "no evaluation: " in (said := capsys.readouterr().err) and "no split 'val'" in said
    config.patience = 2
    with pytest.raises(BadUsage, match="patience stops by evaluations"):
        train.make_metrics_of(task, config, setup=None)

    def step(params):
        """(parameters after one step down, loss, norm of the gradient). On the host: the gradient
        alone is a program that other tests compile, too."""
        (value, _), grads = gradient(params, batch, jax.random.key(0))
        norm = float(optax.tree.norm(jax.device_get(grads)))
        down = lambda p, g: p - np.float32(0.05 / norm) * g  # noqa: E731
        return jax.tree.map(down, params, jax.device_get(grads)), float(value), norm

    gradient = loss_and_gradient(task)
    params, losses = random_params(task.init), []
    for _ in range(3):
        params, loss, norm = step(params)
        assert np.isfinite(loss) and np.isfinite(norm) and norm > 0
        losses.append(loss)
    assert losses[2] < losses[1] < losses[0]

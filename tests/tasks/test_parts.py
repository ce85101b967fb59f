"""Parts of the model are entries: adding one, leaving one out, and names that do not exist."""

import functools
import re
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from tests.random_params import random_params
from tests.tasks.conftest import small_config
from xojl_jax.config_fields import split_names
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.layout import configure, heads
from xojl_jax.tasks.layout.embeddings import EMBEDDINGS
from xojl_jax.tasks.layout.fusion import FUSIONS, Fusion
from xojl_jax.tasks.layout.heads import HEADS
from xojl_jax.tasks.layout.node_positions import POSITIONS
from xojl_jax.tasks.layout.parts import NodePart
from xojl_jax.tasks.layout.stages import STAGES
from xojl_jax.tasks.layout.task import LayoutTask

PAGE = Path(__file__).parents[2] / "docs" / "adding_a_part.md"


def part_names(task: LayoutTask) -> set[str]:
    """The two upper levels of the parameters' paths, such as "html_encoder/tag"."""
    params = nn.meta.unbox(jax.eval_shape(task.init, jax.random.key(0)))
    params.pop("prior_weight")  # a parameter by itself, in every stage
    return {f"{top}/{name}" for top, below in params.items() for name in below}


def stage2(**changes) -> LayoutTask:
    """The HTML encoder alone, with one layer: the quickest stage to trace and to compile."""
    return LayoutTask(small_config(**{"stage": 2, "model.html_layers": 1, **changes}))


@pytest.fixture
def leaf_head(monkeypatch):
    """Registers the head of docs/adding_a_part.md, by running the page's code."""
    (code,) = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    monkeypatch.setitem(HEADS, "leaf", None)  # taken out again after the test
    exec(compile(code, PAGE, "exec"), dict(vars(heads)))


def with_leaf_head() -> LayoutTask:
    config = stage2().config
    with config.unlocked():
        config.heads += ",leaf"
        config.loss.leaf = 0.5
    return LayoutTask(config)


def test_a_head_is_added_by_its_entry_and_trains(leaf_head, batch):
    """Protects docs/adding_a_part.md: parameters, loss, weight, FLOPs and a step that helps."""
    task = with_leaf_head()
    assert part_names(task) - part_names(stage2()) == {"leaf_head/norm", "leaf_head/project"}
    flops = task.flops()
    assert flops.pop("leaf head") > 0 and flops == stage2().flops()

    loss = functools.partial(task.loss, train=True)
    gradient = jax.jit(jax.value_and_grad(loss, has_aux=True))
    params = random_params(task.init)
    (before, metrics), grads = gradient(params, batch, jax.random.key(1))
    assert set(task.model_config.heads) == {"node", "category", "element", "leaf"}
    weights = {"node": 0.5, "category": 0.1, "element": 0.1, "leaf": 0.5}
    wanted = sum(weight * metrics[f"loss/{name}"] for name, weight in weights.items())
    np.testing.assert_allclose(before, wanted, rtol=1e-6)

    params["leaf_head"] = jax.tree.map(
        lambda x, g: x - 0.1 * g, params["leaf_head"], grads["leaf_head"]
    )
    (_, after), _ = gradient(params, batch, jax.random.key(1))
    assert after["loss/leaf"] < metrics["loss/leaf"]
    assert after["loss/node"] == metrics["loss/node"]


def test_a_head_needs_a_weight(leaf_head):
    """Protects whoever adds a head from one that trains nothing, or fails late."""
    with pytest.raises(BadUsage, match=r"config.loss has no weight for 'leaf'"):
        _ = stage2(heads="node,category,leaf").model_config


def test_every_head_declares_its_parameters():
    """Protects groups of learning rates, and that a head which is off has no parameters."""
    fields = {"stage": 3, "model.html_prefixes": True}
    every = LayoutTask(small_config(**fields, heads=",".join(HEADS)))
    few = LayoutTask(small_config(**fields, heads="node,category"))
    off = [HEADS[name] for name in HEADS if name not in ("node", "category")]
    missing = {name.split("/")[0] for name in part_names(every) - part_names(few)}
    assert missing == {name for head in off for name in head.parameters}
    gone = {f"{name} head" for name in HEADS if name not in ("node", "category", "spatial")}
    assert every.flops().keys() - few.flops().keys() == gone


def test_a_stage_trains_the_heads_whose_inputs_it_computes():
    """Protects the curriculum: one list of heads for all stages."""
    trained = {
        number: configure.heads_of(small_config(), stage) for number, stage in STAGES.items()
    }
    assert set(trained[1]) == {"category", "element", "aux"}
    assert set(trained[2]) == {"category", "element", "node"}
    assert trained[3] == trained[4]
    assert set(trained[4]) == set(split_names(small_config().heads)) < set(HEADS)


def test_a_position_that_is_left_out_costs_nothing():
    """Protects "what is off": no parameters, no FLOPs."""
    every, few = stage2(), stage2(**{"model.positions": "depth_first,depth"})
    off = ("breadth_first", "parent", "child", "path", "boxes", "paint_order")
    off += ("relative_boxes_up", "relative_boxes_down")
    assert {f"html_encoder/{name}" for name in off} == part_names(every) - part_names(few)
    assert every.flops().keys() - few.flops().keys() == {"boxes", "relative boxes"}


def test_an_embedding_and_a_position_are_added_by_their_entries(monkeypatch):
    """Protects EMBEDDINGS and POSITIONS as lists."""

    def count(c, batch):
        kinds = nn.Embed(c.max_classes + 1, c.block.width, name="count")
        return kinds(batch["html_class_mask"].sum(-1))

    monkeypatch.setitem(EMBEDDINGS, "count", NodePart(count))
    monkeypatch.setitem(POSITIONS, "none", NodePart(lambda c, batch: jnp.float32(0)))
    task = stage2(**{"model.embeddings": "tag,count", "model.positions": "none"})
    found = {name for name in part_names(task) if name.startswith("html_encoder/")}
    assert found == {f"html_encoder/{name}" for name in ("tag", "count", "stack", "norm")}
    assert "class composition" not in task.flops()


def test_without_a_pyramid_there_is_one_norm():
    """Protects PICTURE_LEVELS as a list, and what X066 is measured against."""
    pyramid, last = (
        LayoutTask(small_config(**{"stage": 3, "model.visual_memory": name}))
        for name in ("pyramid", "last")
    )
    assert part_names(last) - part_names(pyramid) == {"pyramid/norm"}
    gone = part_names(pyramid) - part_names(last)
    assert gone and all(name.startswith("pyramid/") for name in gone)
    assert last.flops()["pyramid"] < pyramid.flops()["pyramid"] / 5


class NoFusion(nn.Module):
    """Gives both token sets back as they are."""

    def __call__(self, html, patches, html_mask, patch_mask):
        return html, patches


def test_a_fusion_is_added_by_its_entry(monkeypatch):
    """Protects FUSIONS: another one has none of late fusion's parameters and FLOPs."""
    monkeypatch.setitem(FUSIONS, "none", Fusion(lambda c: NoFusion(), lambda c: {}))
    late = LayoutTask(small_config(stage=3))
    none = LayoutTask(small_config(**{"stage": 3, "model.fusion": "none"}))
    gone = part_names(late) - part_names(none)
    assert gone == {"fusion/stack", "fusion/html_norm", "fusion/vision_norm"}
    assert late.flops().keys() - none.flops().keys() == {"fusion linear", "fusion attention"}
    fields = {"stage": 3, "model.fusion": "coarse_to_fine", "model.fusion_layers": 2}
    assert {"fusion/layer_0", "fusion/layer_1"} < part_names(LayoutTask(small_config(**fields)))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("stage", 5, r"config.stage is 5: choose from 1, 2, 3, 4"),
        ("heads", "node,leaves", r"config.heads: there is no 'leaves'; choose from element, cat"),
        ("heads", "node,category,html_prefix", r"needs config.model.html_prefixes"),
        ("heads", "node", r"config.heads leaves out category"),
        ("model.positions", "bfs", r"config.model.positions: there is no 'bfs'; choose from depth"),
        ("model.positions", "path,path", r"config.model.positions: 'path' is given twice"),
        ("model.embeddings", "", r"config.model.embeddings names nothing; choose from compos"),
        ("model.fusion", "first", r"config.model.fusion is 'first': choose from late"),
        ("model.patch_embed", "conv", r"config.model.patch_embed is 'conv': choose from shifted"),
        ("model.feed_forward", "moe", r"config.model.feed_forward is 'moe': choose from mlp"),
        (
            "model.decoder_key_block",
            4,
            r"decoder_key_block is 4: choose a config.model.decoder_top",
        ),
        ("model.visual_memory", "fpn", r"config.model.visual_memory is 'fpn': choose from pyramid"),
        ("model.memory_stride", 3, r"config.model.memory_stride is 3: choose from 1, 2, 4"),
    ],
)
def test_what_does_not_exist_is_refused_in_one_line(field, value, message):
    """Protects people from a traceback, and from a part that silently is another one."""
    with pytest.raises(BadUsage, match=message) as refusal:
        _ = LayoutTask(small_config(**{field: value})).model_config
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    "changes",
    [
        {
            "heads": ",".join(HEADS),
            "data.hints": 0.5,
            "model.attention_warmup": 10,
            "model.class_bias": "learned",
            "model.class_composition": "sum",
            "model.decoder_key_block": 2,
            "model.decoder_top_k": 4,
            "model.decoder_window": 16,
            "model.embeddings": "hash,compositional,tag,content",
            "model.exit_at": 0.85,
            "model.fusion_pairs": "boxes",
            "model.fusion_weights": True,
            "model.html_prefixes": True,
            "model.patch_drop": 0.25,
            "model.positions": "root_path,depth,boxes",
            "model.tree_bias": False,
        },
        {
            "model.class_bias": "fixed",
            "model.decoder": "separate",
            "model.decoder_tree_bias": True,
            "model.fusion": "early",
            "model.patch_embed": "progressive",
            "model.visual_memory": "last",
        },
    ],
    ids=["everything", "two decoders"],
)
def test_parts_go_together(changes):
    """Protects against parts that work alone only: a training step and both ways to decode are
    traced, and every parameter has named axes and a group."""
    task = LayoutTask(small_config(**changes))
    boxed = jax.eval_shape(task.init, jax.random.key(0))
    leaves = jax.tree.leaves(boxed, is_leaf=lambda x: isinstance(x, nn.meta.AxisMetadata))
    assert all(isinstance(leaf, nn.meta.AxisMetadata) for leaf in leaves)
    params, batch = nn.meta.unbox(boxed), task.batch_spec()
    step = {"step": jnp.int32(3)} if task.follows_step else {}
    loss = jax.grad(lambda *inputs: task.loss(*inputs, train=True, **step), has_aux=True)
    _, metrics = jax.eval_shape(loss, params, batch, jax.random.key(0))
    wanted = {*task.model_config.heads, "semantic", "detail"}
    assert {f"loss/{name}" for name in wanted} <= metrics.keys()
    inference = task.inference()
    for options in ({"confidence": True, "overlap": True}, {"mode": "detail", "method": "beam"}):
        predict = functools.partial(inference.predict, **options)
        found = jax.eval_shape(predict, params, batch)
        assert (found.gains is not None) == ("confidence" in options)
        assert (found.overlap is not None) == ("overlap" in options)
        assert (found.weights is not None) == bool(task.config.model.fusion_weights)

"""Config fields that hold what they may not: refused in one line before anything is compiled."""

import pytest

from configs import base, document, layout
from tests.engine.toy_task import toy_config
from tests.tasks.conftest import small_config
from xojl_jax import config_fields, tasks
from xojl_jax.engine.fields import FIELDS as ENGINE
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.document.fields import FIELDS as DOCUMENT
from xojl_jax.tasks.layout.fields import FIELDS as LAYOUT
from xojl_jax.tasks.layout.task import LayoutTask


def refusal(field, value) -> str:
    config = small_config(**{field: value})
    with pytest.raises(BadUsage) as fault:
        config_fields.check(config, ENGINE)
        LayoutTask(config)
    text = str(fault.value)
    assert text.startswith(f"config.{field}") and "\n" not in text
    return text


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("on_corrupt", "fallbak", "choose from stop, fallback; did you mean 'fallback'?"),
        ("on_corrupt", "", "choose from stop, fallback"),
        ("model.remat", "x", "choose from full, attention, dots, none"),
        ("model.remat", "Full", "did you mean 'full'?"),
        ("model.dtype", "x", "choose from bfloat16, float16, float32"),
        ("model.dtype", "bf16", "did you mean 'bfloat16'?"),
        ("model.dtype", "float64", "did you mean 'float16'?"),
        ("model.memory_stride", 3, "choose from 1, 2, 4"),
        ("model.shifts", "axis", "did you mean 'axis4'?"),
        ("model.patch_embed", "shift", "did you mean 'shifted'?"),
        ("model.feed_forward", "mpl", "did you mean 'mlp'?"),
        ("model.fusion", "lat", "did you mean 'late'?"),
        ("model.positions", "depth,chlid", "no 'chlid'; choose from depth_first"),
        ("model.embeddings", "tags", "did you mean 'tag'?"),
        ("heads", "node,categroy", "did you mean 'category'?"),
        ("stage", 5, "choose from 1, 2, 3, 4"),
        ("seed", -1, "from 0 to 4,294,967,295"),
        ("total_steps", 0, "1 or more"),
        ("batch_size", -8, "1 or more"),
        ("checkpoint_every", 0, "1 or more"),
        ("eval_every", -1, "0 or more"),
        ("log_every", 0, "1 or more"),
        ("keep", 0, "1 or more"),
        ("data.num_threads", -1, "0 or more"),
        ("data.drop_html", 1.5, "from 0 to 1"),
        ("data.drop_boxes", -0.1, "from 0 to 1"),
        ("data.balance", 2.0, "from 0 to 1"),
        ("data.buckets", 0, "from 1 to 6"),
        ("data.buckets", 7, "from 1 to 6"),
        ("optim.b2", 1.0, "to below 1"),
        ("optim.weight_decay", float("nan"), "0 or more"),
        ("optim.clip_norm", float("inf"), "0 or more"),
        ("optim.groups.vision.lr", -1e-4, "0 or more"),
        ("optim.label_smoothing", 1.0, "to below 1"),
        ("optim.accumulate", 0, "1 or more"),
        ("loss.aux", -0.3, "0 or more"),
        ("mesh.data", 0, "1 or more, or -1"),
        ("mesh.fsdp", -1, "1 or more"),
        ("image.height", 0, "from 8"),
        ("model.patch", 0, "from 2"),
        ("model.heads", 0, "1 or more"),
        ("model.dropout", 1.0, "to below 1"),
        ("model.max_target", 4, "from 16"),
        ("model.max_nodes", 40_000, "to 16,384"),
        ("model.html_layers", 0, "1 or more"),
    ],
)
def test_a_wrong_value_is_refused_with_what_may_be_chosen(field, value, words):
    """Protects people from a traceback out of the model, and from a name that silently means
    another: the field, the value, the choices, and the likeliest."""
    assert words in refusal(field, value)


def test_every_field_has_a_rule_and_every_rule_a_field():
    """Protects the check itself: a field that is added to a config file is given its rule."""
    assert config_fields.uncovered(base.defaults(), ENGINE) == []
    for family, own in ((layout, LAYOUT), (document, DOCUMENT)):
        assert config_fields.uncovered(family.make("base"), ENGINE, own) == []
        names = set(config_fields.flatten(family.make("base")))
        for pattern in ENGINE | own:
            assert "*" in pattern or pattern in names, f"{pattern} is no field any more"


@pytest.mark.parametrize(("family", "own"), [(layout, LAYOUT), (document, DOCUMENT)])
def test_shipped_configs_pass(family, own):
    """Protects the presets."""
    for preset in family.PRESETS:
        config = family.make(preset)
        config_fields.check(config, ENGINE)
        config_fields.check(config, own)


def test_rules_are_those_of_the_dicts(monkeypatch):
    """Protects whoever adds a part: an entry of its dict is all that it takes."""
    monkeypatch.setitem(LAYOUT["model.fusion"].parts, "early", None)
    config_fields.check(small_config(**{"model.fusion": "early"}), LAYOUT)


def test_a_task_without_rules_of_its_own_is_checked_by_the_engine():
    """Protects other tasks: fields that they do not have are passed over."""
    config_fields.check(toy_config(), ENGINE)
    with pytest.raises(BadUsage, match=r"config.on_corrupt is 'x': choose from stop, fallback"):
        config_fields.check(toy_config(on_corrupt="x"), ENGINE)


def test_an_unknown_task_is_refused_with_the_list():
    """Protects `config.task`, which is looked up before any rule."""
    with pytest.raises(BadUsage, match=r"config.task is 'layuot': .*did you mean 'layout'\?"):
        tasks.find("layuot")

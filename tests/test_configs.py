"""Every shipped configuration is a test case."""

import importlib
import itertools
from pathlib import Path

import jax
import pytest
from flax import linen as nn
from ml_collections import ConfigDict

from configs import base, document, document_answers, document_page, layout
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.document.task import DocumentTask

STAGES = ("stage1", "stage2", "stage3", "stage4")
DOCUMENTS = ("document_beit", "document_image", "document_pretrain", "document_tune")


def get_config(stage: str, *preset: str) -> ConfigDict:
    return importlib.import_module(f"configs.{stage}").get_config(*preset)


@pytest.mark.parametrize("preset", sorted(layout.PRESETS))
@pytest.mark.parametrize("stage", STAGES)
def test_it_is_built_consistent_and_locked(stage, preset):
    """Protects all stages and presets: they build, fit together, and take no misspelt field."""
    config = get_config(stage, preset)
    assert config.stage == int(stage[-1])
    check_built(config, preset)


@pytest.mark.parametrize("preset", sorted(document.PRESETS))
@pytest.mark.parametrize("stage", DOCUMENTS)
def test_documents_too(stage, preset):
    """Protects the other family's presets in the same way."""
    check_built(get_config(stage, preset), preset)


def test_documents_learn_at_the_rate_of_their_seed():
    """Protects R034: AdamW at 1e-4."""
    groups = get_config("document_pretrain").optim.groups
    assert groups.vision.lr == groups.rest.lr == 1e-4


@pytest.mark.parametrize(
    ("preset", "side", "parameters"),
    [("base", 192, 85.8), ("base", 224, 85.8), ("large", 256, 303)],
)
def test_the_beit_form_has_the_published_sizes(preset, side, parameters):
    """Protects R011: 12 x 768 x 12 and 24 x 1024 x 16, patches of 16, 8,192 codes, at 192, 224 and
    256 px; no weight is made here."""
    config = get_config("document_beit", preset)
    config.image.height = config.image.width = side
    config.tokenizer.target = "pixels"
    task = DocumentTask(config)
    made = nn.meta.unbox(jax.eval_shape(task.init, jax.random.key(0)))
    c = task.model_config
    assert c.tokenizer.codes == 8192 and c.grid == (side // 16, side // 16)
    assert c.trunk.vision.block.norm_epsilon == 1e-6
    size = sum(leaf.size for leaf in jax.tree.leaves(made["trunk"]["vision"]))
    assert size / 1e6 == pytest.approx(parameters, rel=0.005)


def check_built(config, preset):
    assert config.preset == preset
    assert config.image.height % config.model.patch == config.image.width % config.model.patch == 0
    assert config.model.width % config.model.heads == 0
    assert config.model.vision_layers % 4 == 0
    assert config.batch_size % config.optim.accumulate == 0
    assert config.optim.warmup_steps < config.total_steps
    assert config.model.dtype == ("float32" if preset == "tiny" else "bfloat16")
    with pytest.raises(AttributeError, match="seed"):
        config.seeed = 1
    with pytest.raises(KeyError):
        config.update_from_flattened_dict({"model.widht": 3})


def test_base_is_the_default():
    """Protects the plain command: no preset means `base`."""
    assert get_config("stage4") == get_config("stage4", "base") == get_config("stage4", "")


def test_an_unknown_preset_is_refused_with_the_list():
    """Protects the user from a preset that silently is another one."""
    with pytest.raises(BadUsage, match="choose one of base, small, tiny"):
        get_config("stage4", "huge")


@pytest.mark.parametrize("stage", (*STAGES, *DOCUMENTS, "all_stages"))
def test_it_opens_with_command_hardware_time_and_metric(stage):
    """Protects the reader of a config."""
    text = importlib.import_module(f"configs.{stage}").__doc__
    for heading in ("Command:", "Hardware:", "Time:", "Metric:"):
        assert heading in text


@pytest.mark.parametrize("module", [base, layout, document, document_page, document_answers])
def test_every_field_has_a_comment(module):
    """Protects these files as the one place where fields are explained."""
    source = Path(module.__file__).read_text(encoding="utf-8")
    lines = source.split("def defaults")[1].split("\ndef ")[0].splitlines()
    for above, line in itertools.pairwise(lines):
        target = line.split("=")[0].strip()
        is_field = line.startswith("    ") and "." in target and "ConfigDict()" not in line
        if is_field and not line.strip().startswith("#"):
            assert above.strip().startswith("#") or target == "image.width", line

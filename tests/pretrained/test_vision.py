"""Folders of image encoders: what is refused, what is filled in, and that every tensor is kept."""

import json

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.pretrained import checkpoints
from xojl_jax.engine import sharding
from xojl_jax.errors import BadInput
from xojl_jax.pretrained import names, vision

# No patch but four: nothing here is computed.
SMALL = {"image_size": 32}


@pytest.mark.parametrize("form", checkpoints.VISION_FORMS)
def test_every_tensor_is_read_once(form, tmp_path):
    """Protects the tables of names: what is written from our parameters is what was published."""
    folder = checkpoints.write_vision(tmp_path / form, form, **SMALL)
    told = vision.read_config(folder)
    table = vision.FORMS[told["model_type"]].table
    params = vision.read_params(folder, told)
    written = names.write(params, table)
    stored = load_file(folder / "model.safetensors")
    for name, tensor in stored.items():
        bare = name.removeprefix("beit.").removeprefix("vision_model.")
        if not bare.startswith("lm_head"):
            np.testing.assert_array_equal(written.pop(bare), tensor)
    assert not written


def test_a_folder_is_read_under_a_mesh(tmp_path):
    """Protects training, which reads a folder after it has set its mesh and axis rules."""
    folder = checkpoints.write_vision(tmp_path / "beit", "beit_masked", **SMALL)
    told = vision.read_config(folder)
    with sharding.use_mesh(sharding.single(jax.devices()[0])):
        inside = vision.read_params(folder, told)
    jax.tree.map(np.testing.assert_array_equal, inside, vision.read_params(folder, told))


@pytest.mark.parametrize(
    ("form", "changes", "message"),
    [
        ("beit_masked", {"model_type": "vit"}, "'vit' is no image encoder .* beit, clip_vision"),
        ("beit_masked", {"num_hidden_layers": 8}, "no tensor beit.encoder.layer.4"),
        ("beit_masked", {"num_hidden_layers": 6}, "of 6 layers are not built"),
        ("beit_masked", {"image_size": 48}, r"bias_table is \[12, 4\], and config.json says \[28"),
        (
            "beit_masked",
            {"use_mask_token": False},
            "no parameter .* beit.embeddings.mask",
        ),
        ("beit_tuned", {"use_shared_relative_position_bias": True}, "of each layer and of all"),
        ("clip_vision", {"intermediate_size": 20}, r"fc2.weight is \[16, 24\]"),
    ],
)
def test_a_folder_that_is_something_else_is_refused(form, changes, message, tmp_path):
    """Protects from an encoder that silently computes something else: by the tensor's name."""
    folder = checkpoints.write_vision(tmp_path / form, form, **SMALL)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    with pytest.raises(BadInput, match=message):
        vision.read_params(folder, vision.read_config(folder))


def test_a_whole_clip_model_gives_its_image_side(tmp_path):
    """Protects folders with both sides of CLIP, whose config leaves out what is usual; and the
    statistics that a folder tells."""
    folder = checkpoints.write_vision(tmp_path / "clip", "clip_vision", **SMALL)
    config = json.loads((folder / "config.json").read_text())
    for name in ("hidden_act", "layer_norm_eps", "model_type"):
        del config[name]
    whole = {"model_type": "clip", "vision_config": config, "text_config": {}}
    (folder / "config.json").write_text(json.dumps(whole))
    tensors = load_file(folder / "model.safetensors")
    tensors |= {"text_model.final_layer_norm.bias": np.zeros(3), "logit_scale": np.zeros(())}
    save_file(tensors, folder / "model.safetensors")
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.1, 0.2, 0.3]}))
    told = vision.read_config(folder)
    made = vision.parse_config(told)
    assert (made.block.activation, made.block.norm_epsilon) == ("quick_gelu", 1e-5)
    assert made.mean == (0.1, 0.2, 0.3) and made.std[0] == pytest.approx(0.2686, abs=1e-4)
    assert vision.read_params(folder, told)["special"].shape == (1, 16)


def test_a_model_that_pools_has_its_norm_there(tmp_path):
    """Protects fine-tuned BEiT: the norm behind the mean is the encoder's."""
    form = {"use_mean_pooling": True, **SMALL}
    folder = checkpoints.write_vision(tmp_path / "beit", "beit_tuned", **form)
    params = vision.read_params(folder, vision.read_config(folder))
    stored = load_file(folder / "model.safetensors")
    np.testing.assert_array_equal(params["norm"]["scale"], stored["pooler.layernorm.weight"])

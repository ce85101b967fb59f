"""SavedModels: TensorFlow's own loader gets the model's answers out of them."""

import sys

import numpy as np
import pytest

from xojl_jax import export
from xojl_jax.data.transforms import stack
from xojl_jax.errors import BadUsage


def test_tensorflow_answers_as_the_model_does(own, model, folder, tmp_path):
    """Protects TensorFlow Serving: its signatures, an open batch, every token."""
    tf = pytest.importorskip("tensorflow", reason="TensorFlow is not installed: extra savedmodel")
    pytest.importorskip("orbax.export", reason="orbax-export is not installed: extra savedmodel")
    out = tmp_path / "tf"
    export.main([f"--workdir={folder}", f"--out={out}", "--savedmodel"])
    assert (out / "LICENSE").is_file() and (out / "model_card.md").is_file()
    loaded = tf.saved_model.load(str(out / "1"))
    assert set(loaded.signatures) == {"serving_default", *model.programs}
    dataset = own.inference.dataset("val")
    for name, signature in loaded.signatures.items():
        program = model.program(None if name == "serving_default" else name)
        batch = {read: np.asarray(stack([dataset[0], dataset[1]])[read]) for read in program.inputs}
        wanted = program(own.params, batch)
        found = signature(**{read: tf.constant(array) for read, array in batch.items()})
        assert found.keys() == wanted.keys()
        for array, value in wanted.items():
            if value.dtype.kind == "f":
                np.testing.assert_allclose(found[array], value, rtol=1e-4, atol=1e-5)
            else:
                assert np.array_equal(found[array], value), array


def test_what_is_missing_is_named(folder, tmp_path, monkeypatch):
    """Protects people without the extra: what to install; and a run in the wrong place."""
    argv = [f"--out={tmp_path / 'tf'}", "--savedmodel"]
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    with pytest.raises(BadUsage, match=r"pip install 'xojl_jax\[savedmodel\]'"):
        export.main([f"--workdir={folder}", *argv])
    with pytest.raises(BadUsage, match="is no exported model"):
        export.main([f"--workdir={tmp_path}", *argv])
    with pytest.raises(BadUsage, match="leave the other flags away"):
        export.main([f"--workdir={folder}", *argv, "--name=a"])
    assert not any(tmp_path.iterdir())

"""Models that are smaller, and programs in several sizes: the same answers as in the full size."""

import jax
import numpy as np
import pytest

from xojl_jax import compress
from xojl_jax.compression.methods import boxed
from xojl_jax.data.transforms import stack
from xojl_jax.engine import int8, sharding
from xojl_jax.serving import folder as folders
from xojl_jax.serving import model as exported_model
from xojl_jax.serving import write
from xojl_jax.tasks.layout.inference import LayoutInference


@pytest.fixture(scope="module")
def small(own, tmp_path_factory):
    """The model with int8 kernels, and its usual program in two sizes."""
    pytest.importorskip("qwix")
    out = tmp_path_factory.mktemp("models") / "int8"
    params = int8.quantize(jax.tree.map(np.asarray, own.params), int8.output_axes(boxed(own.task)))
    with pytest.MonkeyPatch.context() as patch:
        detail = LayoutInference.programs(own.inference)["detail"]
        patch.setattr(LayoutInference, "programs", lambda self: {"detail": detail})
        compression = {"parent": "small-7", "method": "int8", "what": "int8"}
        arguments = (own.task, own.inference, params, own.metadata)
        write.write(
            out, *arguments, name="int8", compression=compression, buckets=2, report=lambda _: None
        )
    return exported_model.read(out)


def test_a_compressed_model_is_one_like_any_other(own, folder, small):
    """Protects what reads it: a newer format, a quarter of the size, the arrays' own shapes, and a
    card that names the parent."""
    told = small.model
    assert told["format"] == 2 and folders.read_model(folder)["format"] == 1
    assert told["arrays"] == folders.read_model(folder)["arrays"]
    sizes = [(path / folders.PARAMS).stat().st_size for path in (small.path, folder)]
    assert sizes[0] < 0.45 * sizes[1]
    assert "Compressed from `small-7`: int8" in (small.path / folders.CARD).read_text()


def test_a_small_section_runs_in_a_small_program_with_the_same_answer(own, model, small):
    """Protects buckets: what fits is answered in the smaller size, token for token as in the full
    one; what does not fit is answered in the full one."""
    dataset = own.inference.dataset("val")
    ((bucket, _),) = small.program("detail")._smaller
    samples = [stack([dataset[i]]) for i in range(len(dataset))]
    fitting = [sample for sample in samples if own.task.fits(sample, bucket)]
    assert 0 < len(fitting) < len(samples)
    batch = {name: np.concatenate([s[name] for s in fitting[:2]]) for name in fitting[0]}
    program = small.program("detail")
    asked = []
    program._full = lambda params, batch: asked.append("full")
    found = program(small.params, batch)
    wanted = model.program("detail")(int8.dequantize(small.params), batch)
    for name in ("tokens", "length", "category"):
        assert np.array_equal(wanted[name], found[name]), name
    np.testing.assert_allclose(wanted["score"], found["score"], rtol=1e-4)
    large = next(sample for sample in samples if not own.task.fits(sample, bucket))
    program(small.params, large)
    assert asked == ["full"]


def test_the_command_prunes_recovers_and_writes(folder, tmp_path, monkeypatch):
    """Protects the way through `compress`: the smaller config, parameters that fit it, what the
    recovery trains with, and what is told of the result. Tracing and training are left out: others
    test them."""
    told = {}

    def trained(task, config, path, *, params):
        told.update(config=config, path=path, params=params)
        return 0

    monkeypatch.setattr(compress.train, "train", trained)
    monkeypatch.setattr(compress.checkpoint, "load_params", lambda _: (told["params"], {}))
    monkeypatch.setattr(
        compress.write, "write", lambda *given, **named: told.update(named, given=given)
    )
    monkeypatch.setattr(compress.write, "size_of", lambda _: "0 MiB")
    out = tmp_path / "half"
    argv = [
        f"--workdir={folder}",
        f"--out={out}",
        "--method=structured",
        "--recover=20",
        "--distill",
    ]
    assert compress.main([*argv, "--set=batch_size=2", "--compilation-cache=off"]) == 0
    config, model = told["config"], told["config"].model
    assert (model.heads, model.head_width, model.mlp_width) == (1, 16, 64)
    assert (config.total_steps, config.batch_size, config.teacher) == (20, 2, str(folder))
    task = told["given"][1]
    fitting = jax.tree.map(np.shape, sharding.unbox(boxed(task)))
    assert jax.tree.map(np.shape, told["params"]) == fitting
    assert "structured, 0.5 kept, 20 steps" in told["compression"]["what"]
    assert told["name"] == "small-structured"
    assert told["given"][4]["config"]["model"]["heads"] == 1

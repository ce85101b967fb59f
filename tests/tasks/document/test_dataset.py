"""Samples have the promised shapes, and whole batches are a function of the seed."""

import numpy as np

from xojl_jax.data import loader
from xojl_jax.documents.word_pieces import PAD


def test_every_sample_has_the_promised_shapes(task):
    """Protects the compiled step: names, shapes and dtypes of `batch_spec`."""
    spec = task.batch_spec()
    for split in ("train", "val", "test"):
        sample = task.dataset(split)[0]
        assert sample.keys() == spec.keys()
        for name, array in spec.items():
            assert (sample[name].shape, sample[name].dtype) == (array.shape[1:], array.dtype), name


def test_words_lie_on_the_canvas_where_they_are_printed(task):
    """Protects boxes and patches from two frames of reference: ink is where words are."""
    dataset = task.dataset("val")
    sample, record = dataset[0], dataset.record(0)
    first = sample["boxes"][0] * np.array([48, 64, 48, 64])
    x0, y0, x1, y1 = first.round().astype(int)
    ink = 255 - sample["image"].mean(-1)
    assert ink[y0 : y1 + 1, x0 : x1 + 1].mean() > ink[:, :].mean()
    real = sample["tokens"][sample["tokens_mask"]].tolist()
    assert task.pieces.decode(real).split()[:2] == list(record.words[:2])
    assert (sample["tokens"][~sample["tokens_mask"]] == PAD).all()


def test_batches_are_a_function_of_the_seed(task):
    """Protects resuming: step 3 is the same whether steps before it were loaded, and by how many
    processes; another seed hides other words."""

    def third(seed=0, start=3, **processes):
        options = {"seed": seed, "batch_size": 4, "num_threads": 0, "start_step": start}
        with loader.batches(task.dataset("train"), **options, **processes) as rows:
            for _ in range(3 - start):
                next(rows)
            return next(rows)

    whole, again, other = third(), third(start=1), third(seed=1)
    halves = [third(process_index=i, process_count=2) for i in range(2)]
    for name, array in whole.items():
        assert (array == again[name]).all(), name
        assert (array == np.concatenate([half[name] for half in halves])).all(), name
    assert (whole["hidden_tokens"] != other["hidden_tokens"]).any()


def test_training_hides_anew_and_evaluation_does_not(task):
    """Protects both: a page of the validation split is asked the same every time."""
    dataset = task.dataset("val")
    sample = dataset[1]
    assert all((sample[name] == dataset[1][name]).all() for name in sample)
    changed = dataset.augment(sample, np.random.default_rng(0))
    assert (changed["hidden_patches"] != sample["hidden_patches"]).any()
    assert (changed["image"] == sample["image"]).all()

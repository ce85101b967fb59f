"""Pictures of predictions while training: fixed records, drawn from whatever the model says."""

import jax
import numpy as np
import pytest

from tests.tasks.conftest import small_config
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.layout.task import LayoutTask


def test_the_same_records_are_drawn_each_time(task, params):
    """Protects the pictures in TensorBoard: of fixed validation records, in their own size, and
    drawn over: an untrained model's answer is a layout, too."""
    preview, predict = task.preview(2)
    assert preview.batch["image"].shape[0] == task.config.batch_size
    drawn = preview.draw(jax.device_get(jax.jit(predict)(params, preview.batch)))
    assert len(drawn) == 2
    for name, pixels in drawn.items():
        record = task.dataset("val").record(int(name.split("/")[1]))
        _, _, width, height = record.source["box"]
        assert pixels.dtype == np.uint8 and pixels.shape == (height, width, 3)
    again, _ = task.preview(2)
    for name, array in preview.batch.items():
        np.testing.assert_array_equal(array, again.batch[name])


def test_a_stage_without_a_decoder_draws_nothing():
    assert LayoutTask(small_config(stage=2)).preview(2) is None


@pytest.mark.parametrize("stage", [1, 2, 3])
def test_a_stage_without_a_decoder_says_so(stage):
    """Protects predict and evaluate from a KeyError deep in the model."""
    with pytest.raises(BadUsage, match=f"a run of stage {stage} has no decoder.*Train stage 4"):
        LayoutTask(small_config(stage=stage)).inference()

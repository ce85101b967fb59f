"""What a stage is trained on: the losses of its heads and, with a decoder, of its sequences."""

import jax

from xojl_jax.tasks.layout.distillation import distillation_losses
from xojl_jax.tasks.layout.grammar_constraint import GrammarTables
from xojl_jax.tasks.layout.heads import HEADS
from xojl_jax.tasks.layout.model import LayoutModel
from xojl_jax.tasks.layout.sequence_losses import Teaching, sequence_losses

Batch = dict[str, jax.Array]
Parts = dict[str, jax.Array]


def stage_losses(
    model: LayoutModel,
    batch: Batch,
    tables: GrammarTables,
    *,
    label_smoothing: float,
    evaluates: bool = False,
    teaching: Teaching | None = None,
) -> tuple[Parts, Parts]:
    """The loss parts of the model's stage by their name in `config.loss`, and metrics.

    With `evaluates` there are more metrics, which training does not pay for. With `teaching` there
    are the losses against what another model says.

    A method in the sense of Linen's `init` and `apply`: what it does not reach has no parameters.
    """
    stage = model.config.stage
    batch = model.drop_patches(batch)
    if not stage.fused:
        predictions = model.predict_heads(model.features(batch))
        return head_losses(predictions, batch, model, evaluates=evaluates)
    # Stage 3 encodes for a decoder that it does not run: in checkpoints of 0.1.0 it has those three
    # projections. The compiler drops their products.
    encoded, predictions = model.encode(batch)
    parts, metrics = head_losses(predictions, batch, model, evaluates=evaluates)
    if stage.decoder:
        sequences = sequence_losses(
            model, encoded, batch, tables, label_smoothing=label_smoothing, teaching=teaching
        )
        parts, metrics = parts | sequences[0], metrics | sequences[1]
    if teaching is not None:
        parts |= distillation_losses(predictions, teaching.predictions, batch)
    return parts, metrics


def head_losses(
    predictions: dict[str, jax.Array], batch: Batch, model: LayoutModel, *, evaluates: bool
) -> tuple[Parts, Parts]:
    """The loss of each head by its name, and the metrics of all.

    Losses are added up in the order of `HEADS`, whatever the order of `config.heads`: the sum of
    floats depends on it.
    """
    parts, metrics = {}, {}
    for name, head in HEADS.items():
        if name in predictions:
            parts[name], found = head.loss(predictions[name], batch, model.config)
            metrics |= found
            if evaluates:
                metrics |= head.metrics(predictions[name], batch, model.config)
    return parts, metrics

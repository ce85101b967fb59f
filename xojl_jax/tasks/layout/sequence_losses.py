"""The losses of the decoder: both views of a record, teacher forced (X110, X111).

B batch, R = 2B decoder rows, L target positions.
"""

import jax
import jax.numpy as jnp

from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.encoded import Encoded, interleave_views, per_row
from xojl_jax.tasks.layout.grammar_constraint import GrammarCarry, GrammarTables, grammar_mask
from xojl_jax.tasks.layout.html_cursor import cursors_of_targets
from xojl_jax.tasks.layout.model import LayoutModel

Array = jax.Array
Batch = dict[str, Array]
Parts = dict[str, Array]


def sequence_losses(
    model: LayoutModel,
    encoded: Encoded,
    batch: Batch,
    tables: GrammarTables,
    *,
    label_smoothing: float,
) -> tuple[Parts, Parts]:
    """The loss of each view by its name in `config.loss`, and metrics."""
    pair = (batch["semantic_tokens"], batch["detail_tokens"])
    inputs = tuple(tokens[:, :-1] for tokens in pair)
    cursors = cursors_of_targets(*inputs, batch["html_end"], tables.vocabulary_size)
    cursor = jax.tree.map(interleave_views, *cursors)
    columns = interleave_views(batch["semantic_carry"], batch["detail_carry"])
    carry = GrammarCarry.from_columns(columns)

    tokens = interleave_views(*inputs)
    rows, length = tokens.shape
    detail = jnp.arange(rows) % 2 == 1
    logits = model.token_logits(encoded, tokens, cursor, carry.depth, detail)
    copyable = per_row(batch["html_copyable"], rows)[:, None]
    legal = grammar_mask(tables, carry, length - jnp.arange(length)[None], copyable)

    parts, metrics, total = {}, {}, jnp.float32(0)
    for row, (name, targets) in enumerate(zip(("semantic", "detail"), pair, strict=True)):
        result = losses.sequence_loss(
            logits[row::2], targets[:, 1:], legal[row::2], label_smoothing=label_smoothing
        )
        parts[name], metrics[f"accuracy/{name}"] = result.loss, result.accuracy
        total = total + result.tokens
    return parts, metrics | {"tokens": total}

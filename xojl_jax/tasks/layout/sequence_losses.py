"""The losses of the decoder: both views of a record, teacher forced (X110, X111).

B batch, R = 2B decoder rows, L target positions.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from xojl_jax.nn.chunks import map_positions
from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.encoded import Encoded, interleave_views, per_row
from xojl_jax.tasks.layout.grammar_constraint import GrammarCarry, GrammarTables, grammar_mask
from xojl_jax.tasks.layout.html_cursor import TargetCursor, cursors_of_targets
from xojl_jax.tasks.layout.model import LayoutModel
from xojl_jax.tasks.layout.next_token import CHUNK, Projected, token_scores

Array = jax.Array
Batch = dict[str, Array]
Parts = dict[str, Array]


class _Positions(NamedTuple):
    """What the loss of a position is made of; every leaf [R, L, ...]."""

    projected: Projected
    tokens: Array  # int32[R, L]
    targets: Array  # int32[R, L]
    cursor: TargetCursor
    carry: GrammarCarry
    left: Array  # int32[R, L]: tokens that may still be written


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
    *cursors, depths = cursors_of_targets(*inputs, batch["html_end"], tables.vocabulary_size)
    cursor = jax.tree.map(interleave_views, *cursors)
    columns = interleave_views(batch["semantic_carry"], batch["detail_carry"])
    carry = GrammarCarry.from_columns(columns)

    tokens, targets = interleave_views(*inputs), interleave_views(*(x[:, 1:] for x in pair))
    rows, length = tokens.shape
    # What is legal depends on the room that decoding has, not on that of a bucket.
    room = model.config.trunk.decoder.max_length
    detail = jnp.arange(rows) % 2 == 1
    read_cursor = lambda cursor: cursor.at(depths)  # noqa: E731
    places = encoded, tokens, cursor, carry.depth
    earlier, sure = (), ()
    if model.config.trunk.decoder.exit_at is None:
        projected = model.project_targets(*places, detail, read_cursor)
    else:
        layers, sure = model.project_layers(*places, detail, read_cursor)
        *earlier, projected = layers
    left = jnp.broadcast_to(room - jnp.arange(length), tokens.shape)
    copyable = per_row(batch["html_copyable"], rows)[:, None]
    weight = model.prior_weight

    def score(chunk: _Positions) -> tuple[Array, Array]:
        place = chunk.cursor.at(depths)
        logits = token_scores(
            encoded, chunk.projected, weight, chunk.tokens, place, chunk.carry.depth, detail
        )
        legal = grammar_mask(tables, chunk.carry, chunk.left, copyable)
        return losses.token_losses(logits, chunk.targets, legal, label_smoothing=label_smoothing)

    def scores_of(projected: Projected) -> tuple[Array, Array]:
        positions = _Positions(projected, tokens, targets, cursor, carry, left)
        return map_positions(score, positions, CHUNK)

    nats, right = scores_of(projected)
    parts, metrics, total = {}, {}, jnp.float32(0)
    if earlier:
        parts["exits"] = losses.exit_loss([scores_of(one) for one in earlier], sure, targets)
    for row, name in enumerate(("semantic", "detail")):
        result = losses.sequence_loss(nats[row::2], right[row::2], targets[row::2])
        parts[name], metrics[f"accuracy/{name}"] = result.loss, result.accuracy
        total = total + result.tokens
    return parts, metrics | {"tokens": total}

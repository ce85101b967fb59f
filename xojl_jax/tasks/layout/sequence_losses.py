"""The losses of the decoder: both views of a record, teacher forced (X110, X111).

B batch, R = 2B decoder rows, L target positions.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from xojl_jax.nn.chunks import map_positions
from xojl_jax.nn.masked import masked_mean
from xojl_jax.tasks.layout import losses
from xojl_jax.tasks.layout.encoded import Encoded, interleave_views, per_row
from xojl_jax.tasks.layout.grammar_constraint import GrammarCarry, GrammarTables, grammar_mask
from xojl_jax.tasks.layout.html_cursor import HtmlCursor, TargetCursor, cursors_of_targets
from xojl_jax.tasks.layout.model import LayoutModel
from xojl_jax.tasks.layout.next_token import CHUNK, Projected, token_scores
from xojl_jax.xojl.vocabulary import PAD

Array = jax.Array
Batch = dict[str, Array]
Parts = dict[str, Array]


class Targets(NamedTuple):
    """What the decoder is to write for a batch, and what it has read before each token.

    Attributes:
      tokens, targets: int32[R, L]; a target is the token after.
      cursor: where in the HTML tree each position is; every leaf [R, L, ...].
      depths: what a cursor is read with.
      carry: the automaton's; every leaf [R, L, ...].
      detail: bool[R], rows of the detail view.
    """

    tokens: Array
    targets: Array
    cursor: TargetCursor
    depths: Array
    carry: GrammarCarry
    detail: Array

    def read_cursor(self, cursor: TargetCursor) -> HtmlCursor:
        return cursor.at(self.depths)

    @property
    def places(self) -> tuple[Any, ...]:
        """What `LayoutModel.project_targets` takes after what is encoded."""
        return self.tokens, self.cursor, self.carry.depth, self.detail, self.read_cursor


class Teaching(NamedTuple):
    """What another model says of the same batch.

    Attributes:
      encoded, projected, prior_weight: what its scores of tokens are made of.
      predictions: of its heads, by name.
    """

    encoded: Encoded
    projected: Projected
    prior_weight: Array
    predictions: dict[str, Array]


class _Positions(NamedTuple):
    """What the loss of a position is made of; every leaf [R, L, ...]."""

    projected: Projected
    tokens: Array  # int32[R, L]
    targets: Array  # int32[R, L]
    cursor: TargetCursor
    carry: GrammarCarry
    left: Array  # int32[R, L]: tokens that may still be written


def read_targets(batch: Batch, tables: GrammarTables) -> Targets:
    """The targets of both views."""
    pair = (batch["semantic_tokens"], batch["detail_tokens"])
    inputs = tuple(tokens[:, :-1] for tokens in pair)
    *cursors, depths = cursors_of_targets(*inputs, batch["html_end"], tables.vocabulary_size)
    columns = interleave_views(batch["semantic_carry"], batch["detail_carry"])
    tokens = interleave_views(*inputs)
    return Targets(
        tokens=tokens,
        targets=interleave_views(*(x[:, 1:] for x in pair)),
        cursor=jax.tree.map(interleave_views, *cursors),
        depths=depths,
        carry=GrammarCarry.from_columns(columns),
        detail=jnp.arange(tokens.shape[0]) % 2 == 1,
    )


def sequence_losses(
    model: LayoutModel,
    encoded: Encoded,
    batch: Batch,
    tables: GrammarTables,
    *,
    label_smoothing: float,
    teaching: Teaching | None = None,
) -> tuple[Parts, Parts]:
    """The loss of each view by its name in `config.loss`, and metrics."""
    goal = read_targets(batch, tables)
    tokens, targets = goal.tokens, goal.targets
    # What is legal depends on the room that decoding has, not on that of a bucket.
    room = model.config.trunk.decoder.max_length
    earlier, sure = (), ()
    if model.config.trunk.decoder.exit_at is None:
        projected = model.project_targets(encoded, *goal.places)
    else:
        layers, sure = model.project_layers(encoded, *goal.places)
        *earlier, projected = layers
    left = jnp.broadcast_to(room - jnp.arange(tokens.shape[1]), tokens.shape)
    copyable = per_row(batch["html_copyable"], tokens.shape[0])[:, None]

    def logits_of(chunk: _Positions, encoded: Encoded, projected: Projected, weight: Array):
        place = goal.read_cursor(chunk.cursor)
        depth = chunk.carry.depth
        return token_scores(encoded, projected, weight, chunk.tokens, place, depth, goal.detail)

    def score(chunk: _Positions) -> tuple[Array, Array]:
        logits = logits_of(chunk, encoded, chunk.projected, model.prior_weight)
        legal = grammar_mask(tables, chunk.carry, chunk.left, copyable)
        return losses.token_losses(logits, chunk.targets, legal, label_smoothing=label_smoothing)

    def differ(chunk_and_taught: tuple[_Positions, Projected]) -> Array:
        """From what a teacher says: nats of each position."""
        chunk, taught = chunk_and_taught
        assert teaching is not None
        ours = logits_of(chunk, encoded, chunk.projected, model.prior_weight)
        theirs = logits_of(chunk, teaching.encoded, taught, teaching.prior_weight)
        legal = grammar_mask(tables, chunk.carry, chunk.left, copyable)
        return losses.distillation(ours, theirs, legal)

    def positions(projected: Projected) -> _Positions:
        return _Positions(projected, tokens, targets, goal.cursor, goal.carry, left)

    # Tokens of a node whose label is too unsure are read, and not learned: as padding.
    learned = targets
    if "detail_sure" in batch:
        sure_tokens = interleave_views(batch["semantic_sure"], batch["detail_sure"])
        learned = jnp.where(sure_tokens, targets, PAD)
    nats, right = map_positions(score, positions(projected), CHUNK)
    parts, metrics, total = {}, {}, jnp.float32(0)
    if earlier:
        layers = [map_positions(score, positions(one), CHUNK) for one in earlier]
        parts["exits"] = losses.exit_loss(layers, sure, learned)
    if teaching is not None:
        apart = map_positions(differ, (positions(projected), teaching.projected), CHUNK)
        parts["distill_logits"] = masked_mean(apart, targets != PAD)
    for row, name in enumerate(("semantic", "detail")):
        result = losses.sequence_loss(nats[row::2], right[row::2], learned[row::2])
        parts[name], metrics[f"accuracy/{name}"] = result.loss, result.accuracy
        total = total + result.tokens
    return parts, metrics | {"tokens": total}

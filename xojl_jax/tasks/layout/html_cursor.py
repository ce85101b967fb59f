"""Which HTML node each position of a sequence of tokens is at.

The decoder needs to know, at every position, which HTML node was opened last (the *cursor*), which
element was announced last, and which nodes are open or were. In training all of it follows from the
known targets, for all positions at once; in decoding it is carried along, token by token.

B batch, R decoder rows (the semantic and the detail view of each record), L positions, T nodes.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Bool, Int32

from xojl_jax.tasks.layout.encoded import by_record
from xojl_jax.tasks.layout.tree_prior import NEVER, TreePrior, next_node
from xojl_jax.xojl.vocabulary import ELEMENT_BASE, ELEMENT_WIDTH

Array = jax.Array


class HtmlCursor(NamedTuple):
    """The decoder's place in the HTML tree, before it writes the token of each position.

    Attributes:
      node: int32[R, L], the HTML node opened last, -1 before the first.
      element: int32[R, L], the element announced last, 0 before the first.
      node_depth: int32[R, L, T], how many ancestors that are opened by then each node has; right
        for the nodes ahead of the cursor, which are the ones that can be opened next.
    """

    node: Array
    element: Array
    node_depth: Array


class TargetCursor(NamedTuple):
    """The cursors of known sequences: `node` and `element` int32[R, L], as in `HtmlCursor`.

    The depths of all nodes at all positions would be as large as the scores. They follow from the
    cursor's node alone, so `at` looks them up for some positions.
    """

    node: Array
    element: Array

    def at(self, depths: Array) -> HtmlCursor:
        """depths: int32[B, T + 1, T] of `depth_by_cursor`; the rows of a record are neighbors."""
        ids = by_record(self.node, depths.shape[0]) + 1
        found = jax.vmap(lambda depths, ids: depths[ids])(depths, ids)
        return HtmlCursor(self.node, self.element, found.reshape(*self.node.shape, -1))


def is_element(tokens: Array) -> Array:
    return (tokens >= ELEMENT_BASE) & (tokens < ELEMENT_BASE + ELEMENT_WIDTH)


def cursors_of_targets(
    semantic: Int32[Array, "B _"],
    detail: Int32[Array, "B _"],
    html_end: Int32[Array, "B T"],
    first_pointer: int,
) -> tuple[TargetCursor, TargetCursor, Int32[Array, "B T+1 T"]]:
    """The cursors of known sequences, of both views, from the COPY pointers of the detail view.

    Both views write their elements in the same order, so the k-th element of one is the k-th of the
    other. A layout node without an HTML twin leaves the cursor where it is.

    Args:
      semantic, detail: int32[B, L], BOS first; `first_pointer + i` is COPY(i).
      html_end: int32[B, T].

    Returns:
      The cursors of both views, and int32[B, T + 1, T], the depths for `TargetCursor.at`.
    """
    pointer = jnp.where(detail >= first_pointer, detail - first_pointer, -1)
    opened = jax.vmap(_mark)(pointer, jnp.zeros(html_end.shape, bool))
    ordinal = jnp.cumsum(is_element(detail), axis=1) - 1  # of the newest ELEMENT at each position
    nothing = jnp.full(detail.shape[1], -1, jnp.int32)
    node = jax.vmap(lambda k, i: nothing.at[k.clip(0)].max(i))(ordinal, pointer)
    node = jax.lax.cummax(node, axis=1)  # the cursor after the first, second, … ELEMENT
    count = jnp.cumsum(is_element(semantic), axis=1)
    reached = jnp.take_along_axis(node, (count - 1).clip(0), axis=1)

    return (
        TargetCursor(jnp.where(count > 0, reached, -1), _newest_element(semantic)),
        TargetCursor(jax.lax.cummax(pointer, axis=1), _newest_element(detail)),
        depth_by_cursor(opened, html_end),
    )


def depth_by_cursor(
    opened: Bool[Array, "B T"], html_end: Int32[Array, "B T"]
) -> Int32[Array, "B T+1 T"]:
    """How many opened ancestors each node has, when nothing beyond the cursor is opened yet.

    Of a node ahead of the cursor, the ancestors that are not ahead of it contain the cursor, too;
    so they are the opened ancestors of the cursor (or itself) whose subtree reaches that far.

    Args:
      opened: bool[B, T], the nodes that are opened at some time.
      html_end: int32[B, T], exclusive end of each node's subtree in depth-first order.

    Returns:
      int32[B, T + 1, T]: row c + 1 for the cursor at node c, row 0 for none.
    """
    node = jnp.arange(opened.shape[-1])
    holds = opened[..., None] & (node[:, None] <= node) & (node < html_end[..., None])
    reaches = html_end[..., None] > node
    depth = jnp.einsum("bac,bai->bci", holds.astype(jnp.float32), reaches.astype(jnp.float32))
    return jnp.pad(depth.astype(jnp.int32), ((0, 0), (1, 0), (0, 0)))


def opened_depth(opened: Bool[Array, "B T"], html_end: Int32[Array, "B T"]) -> Int32[Array, "B T"]:
    """The number of opened strict ancestors of every node.

    Args:
      opened: bool[B, T], the nodes that are in the layout so far.
      html_end: int32[B, T], exclusive end of the node's subtree in depth-first order.

    Returns:
      int32[B, T].
    """
    nodes = opened.shape[-1]
    count = opened.astype(jnp.int32)
    left = jax.vmap(lambda n, end: jnp.zeros(nodes + 1, jnp.int32).at[end].add(n))(count, html_end)
    entered = jnp.cumsum(count, axis=-1) - count
    return entered - jnp.cumsum(left, axis=-1)[:, :nodes]


def _mark(pointer: Array, opened: Array) -> Array:
    return opened.at[jnp.where(pointer >= 0, pointer, opened.size)].set(True, mode="drop")


def _newest_element(tokens: Array) -> Array:
    position = jnp.arange(tokens.shape[1])
    newest = jax.lax.cummax(jnp.where(is_element(tokens), position, -1), axis=1)
    element = jnp.take_along_axis(tokens, newest.clip(0), axis=1) - ELEMENT_BASE
    return jnp.where(newest >= 0, element, 0)


class CursorState(NamedTuple):
    """What decoding carries from position to position, of which `HtmlCursor` is computed.

    Attributes:
      node, element: int32[R], as in `HtmlCursor`.
      opened: bool[R, T], the nodes that are in the layout so far.
    """

    node: Array
    element: Array
    opened: Array

    @classmethod
    def start(cls, rows: int, nodes: int) -> "CursorState":
        zero = jnp.zeros(rows, jnp.int32)
        return cls(zero - 1, zero, jnp.zeros((rows, nodes), bool))

    def cursor(self, html_end: Array) -> HtmlCursor:
        """The cursor of the one position that comes next: L = 1."""
        depth = opened_depth(self.opened, html_end)
        return HtmlCursor(self.node[:, None], self.element[:, None], depth[:, None])


def advance(
    state: CursorState,
    token: Int32[Array, " R"],
    *,
    depth: Int32[Array, " R"],
    detail: Bool[Array, " R"],
    prior: TreePrior,
    html_end: Int32[Array, "R T"],
    first_pointer: int,
) -> CursorState:
    """The state after a token.

    The detail view names its node by COPY. The semantic view does not: there, the node opened by an
    ELEMENT is the one that the node head finds most probable.

    Args:
      token: int32[R], the token just written.
      depth: int32[R], open nodes, counting what the token has opened.
      detail: bool[R], which rows are of the detail view.
    """
    announces = is_element(token)
    element = jnp.where(announces, token - ELEMENT_BASE, state.element)

    inside = opened_depth(state.opened, html_end) >= depth[:, None] - 1
    log_next = next_node(prior, state.node[:, None])[0][:, 0]
    log_element = jnp.take_along_axis(prior.elements, element[:, None, None], axis=2)[..., 0]
    score = jnp.where(inside, log_next + log_element, NEVER)
    # Where no node is possible the cursor does not move.
    guess = jnp.where(score.max(-1) > NEVER / 2, score.argmax(-1), state.node)

    copied = jnp.where(token >= first_pointer, token - first_pointer, -1)
    node = jnp.where(detail, copied, jnp.where(announces, guess, -1))
    return CursorState(
        node=jnp.maximum(state.node, node),
        element=element,
        opened=jax.vmap(lambda i, opened: _mark(i[None], opened))(node, state.opened),
    )

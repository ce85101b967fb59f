"""The tree that the decoder writes: places and relations, against a stack of open nodes."""

import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.nn.tree_places import RELATIONS, place_relations
from xojl_jax.tasks.layout.written_tree import next_place, places_of_targets
from xojl_jax.xojl.vocabulary import BOS, ELEMENT_BASE, END, EOS, PAD

OTHER = 200  # a class, or content
# A root with two children, one of which has a child and another token; then a second root.
TREE = [BOS, ELEMENT_BASE, OTHER, ELEMENT_BASE + 3, ELEMENT_BASE + 1, END, OTHER, END]
TREE += [ELEMENT_BASE + 2, END, END, ELEMENT_BASE, END, EOS, PAD, PAD]
FLAT = [BOS, *([ELEMENT_BASE, END] * 6), EOS, PAD, PAD]
TOKENS = np.array([TREE, FLAT], np.int32)


def walk(tokens):
    """Depth, node and parent of every position, by a stack of open nodes."""
    stack, depth, places = [], [], []
    for position, token in enumerate(tokens):
        if ELEMENT_BASE <= token < ELEMENT_BASE + 22:
            stack.append(position)
        elif token == END:
            stack.pop()
        depth.append(len(stack))
        node, parent = ([-2, -1, *stack])[-1], ([-2, -1, *stack])[-2]
        places.append((node, parent))
    return np.array(depth, np.int32), np.array(places, np.int32)


DEPTH, PLACES = (np.stack(x) for x in zip(*map(walk, TOKENS), strict=True))


def test_places_are_those_of_a_stack():
    """Protects X080: training is told the node and the parent of every position."""
    found = jax.jit(places_of_targets)(jnp.asarray(TOKENS), jnp.asarray(DEPTH))
    np.testing.assert_array_equal(found, PLACES)


def test_steps_find_the_same_places():
    """Protects decoding against training, from what the cache holds alone."""

    def step(places, inputs):
        position, tokens = inputs
        place = next_place(places, position, tokens)
        return places.at[:, position].set(place), None

    positions = jnp.arange(TOKENS.shape[1], dtype=jnp.int32)
    start = jnp.zeros((*TOKENS.shape, 2), jnp.int32)
    found, _ = jax.jit(lambda: jax.lax.scan(step, start, (positions, jnp.asarray(TOKENS.T))))()
    np.testing.assert_array_equal(found, PLACES)


def test_relations_are_those_of_the_written_tree():
    """Protects what the bias means, on a tree where each occurs."""
    places = jnp.asarray(PLACES[:1])
    found = np.asarray(place_relations(places, places))[0]

    def relation(query, key):
        return RELATIONS[found[query, key]]

    assert relation(2, 1) == relation(7, 1) == "same node"  # an END belongs to the parent
    assert relation(3, 1) == relation(4, 3) == "parent"
    assert relation(6, 4) == relation(9, 8) == "child"
    assert relation(8, 6) == relation(11, 2) == "sibling"
    assert relation(8, 4) == relation(11, 8) == "other"

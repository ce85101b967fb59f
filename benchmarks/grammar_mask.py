"""The grammar mask's share of a decoding step.

Decodes with a random decoder of a preset's shape, greedily, twice in one run: as `generate` is,
and the same `lax.while_loop` under a constraint without rules (every token legal, no state). Timed
in turns, so that whatever else the machine does hits both alike.

    python -m benchmarks.grammar_mask                 # small and base, batch 1 and 32, 512 steps
    python -m benchmarks.grammar_mask --quick         # a CPU: batch 1, few steps
"""

import argparse
import functools
import time
from statistics import median
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import linen as nn

from xojl_jax.nn.config import BlockConfig, DecoderConfig
from xojl_jax.nn.decoder import Decoder
from xojl_jax.nn.decoding.constraint import EOS, Constraint
from xojl_jax.nn.decoding.generate import generate
from xojl_jax.tasks.layout.grammar_constraint import GrammarConstraint, grammar_tables
from xojl_jax.xojl.grammar import Automaton

# memory = html nodes and one pyramid level of the patch grid (stride 2)
SHAPES = {
    "small": {
        "width": 384,
        "layers": 4,
        "heads": 6,
        "max_length": 1024,
        "nodes": 512,
        "memory": 1280,
    },
    "base": {
        "width": 768,
        "layers": 6,
        "heads": 12,
        "max_length": 2048,
        "nodes": 1024,
        "memory": 1944,
    },
}


class Unconstrained(NamedTuple):
    """Every token is legal in every state."""

    everything: jax.Array  # bool[B, V + T], all True

    def start(self) -> tuple[()]:
        return ()

    def legal(self, state: tuple[()], left: jax.Array) -> jax.Array:
        return self.everything

    def advance(self, state: tuple[()], token: jax.Array) -> tuple[()]:
        return ()

    def shortest(self) -> jax.Array:
        return jnp.ones(self.everything.shape[0], jnp.int32)


def constraints(batch: int, nodes: int) -> tuple[Constraint, Constraint]:
    """XOJL's, and none."""
    automaton = Automaton.load()
    grammar = GrammarConstraint(
        grammar_tables(automaton),
        view_start=jnp.full(batch, automaton.start_detail, jnp.int32),
        copyable=jnp.ones((batch, nodes), bool),
    )
    return grammar, Unconstrained(jnp.ones((batch, automaton.vocabulary_size + nodes), bool))


def build(preset: str, batch: int, steps: int, dtype: jnp.dtype):
    """(decode, inputs): a function of a constraint and the inputs, and the inputs."""
    shape = dict(SHAPES[preset])
    nodes, length = shape.pop("nodes"), shape.pop("memory")
    block = BlockConfig(shape["width"], shape["heads"], remat="full", dtype=jnp.dtype(dtype).name)
    decoder = Decoder(DecoderConfig(block, shape["layers"], shape["max_length"]))
    noise = np.random.default_rng(0)

    def random(*size: int) -> jax.Array:
        return jnp.asarray(noise.normal(size=size).astype(np.float32) * 0.05, dtype)

    memory = random(batch, length, block.width)
    params = jax.eval_shape(decoder.init, jax.random.key(0), memory[:, :1], memory)
    params = jax.tree.map(lambda leaf: random(*leaf.shape), nn.meta.unbox(params))
    table, pointers = (
        random(Automaton.load().vocabulary_size, block.width),
        random(batch, nodes, block.width),
    )

    def decode(constraint, params, table, pointers, memory):
        cache = decoder.apply(params, memory, method="start_cache")

        def step_fn(cache, last, position, state):
            del state
            hidden, cache = decoder.apply(params, table[last], cache, position, method="step")
            logits = jnp.concatenate(
                [hidden @ table.T, jnp.einsum("bd,btd->bt", hidden, pointers)], axis=-1
            )
            # an end only where nothing else is legal
            return logits.at[:, EOS].set(-1e4), cache

        return generate(step_fn, cache, constraint, max_length=steps).length

    return decode, (params, table, pointers, memory)


def measure(preset: str, batch: int, steps: int, repeats: int, dtype: jnp.dtype) -> None:
    decode, inputs = build(preset, batch, steps, dtype)
    masked, free = (
        jax.jit(functools.partial(decode, constraint)).lower(*inputs).compile()
        for constraint in constraints(batch, SHAPES[preset]["nodes"])
    )

    # On a CPU, processor time: a busy neighbor does not count.
    now = time.process_time if jax.default_backend() == "cpu" else time.perf_counter

    def clock(run) -> float:
        begin = now()
        taken = run(*inputs).block_until_ready()
        return (now() - begin) / int(taken.max())

    clock(masked), clock(free)
    times = np.array([(clock(masked), clock(free)) for _ in range(repeats)])
    ratios = times[:, 0] / times[:, 1]
    print(
        f"{preset:5s} batch {batch:2d}: step with mask / without = {median(ratios):.3f} "
        f"(quartiles {np.quantile(ratios, 0.25):.3f} … {np.quantile(ratios, 0.75):.3f}), "
        f"{steps} steps, {repeats} runs in turns, {dtype.__name__}, {jax.devices()[0].device_kind}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--presets", nargs="+", default=list(SHAPES), choices=list(SHAPES))
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 32])
    parser.add_argument("--steps", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--quick", action="store_true", help="batch 1, 24 steps, 7 runs: for a CPU")
    flags = parser.parse_args()
    if flags.quick:
        flags.batches, flags.steps, flags.repeats = [1], 24, 7
    dtype = jnp.float32 if jax.default_backend() == "cpu" else jnp.bfloat16
    for preset in flags.presets:
        for batch in flags.batches:
            measure(preset, batch, flags.steps, flags.repeats, dtype)


if __name__ == "__main__":
    main()

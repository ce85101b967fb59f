"""The backends of attention, by mask: TFLOP/s, temporary memory, error against dense attention.

    python -m benchmarks.attention
    python -m benchmarks.attention --batch 1 --length 256 --heads 2 --dtype float32

Each line is one mask, one implementation and one pass, printed as soon as it is measured; what an
implementation cannot do is one line, too. Backends are those of `xojl_jax.nn.attention`; beside
them run, where they can:

- `public`: `jax.nn.dot_product_attention` on cuDNN, with an explicit mask where cuDNN has none
- `tokamax`: the kernels of the package of that name, where it is installed

FLOPs are counted over the pairs that the mask lets through, 4 for each pair and channel, 3.5 times
that with the backward pass: 2 products forward, 5 backward. Time is that of many calls in a row.
Memory is what the compiled program asks for beside its arguments and results. The error is the
largest of the first rows of the output, or of their queries' gradients, as a share of the largest
value there.
"""

import argparse
import functools
import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from xojl_jax.nn.attention import BACKENDS, Mask, attend, attend_dense

Array = jax.Array

CHECKED_ROWS = 64


class Case(NamedTuple):
    """Attention of one shape under one mask."""

    batch: int
    queries: int
    keys: int
    mask: Mask

    def share_of_pairs(self) -> float:
        """How much of all pairs of query and key the mask lets through."""
        share = 0.5 if self.mask.causal else 1.0
        return share if self.mask.key_mask is None else share * float(self.mask.key_mask.mean())


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--length", type=int, default=3712, help="tokens of the encoder")
    parser.add_argument("--targets", type=int, default=2048, help="tokens of the decoder")
    parser.add_argument("--memory", type=int, default=1924, help="tokens that the decoder reads")
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--head-dim", type=int, default=64)
    parser.add_argument("--dtype", default="bfloat16", choices=["float32", "bfloat16"])
    parser.add_argument("--masks", nargs="+", help="only these; all by default")
    parser.add_argument("--backends", nargs="+", help="only these; all by default")
    parser.add_argument("--window", type=int, default=512, help="of the mask of that name")
    parser.add_argument("--seconds", type=float, default=0.2, help="timed, at least, for each line")
    parser.add_argument("--limit-seconds", type=float, default=100.0, help="then start no new line")
    return parser.parse_args()


def cases(options: argparse.Namespace) -> dict[str, Case]:
    """By name, the most important ones first."""
    batch, length = options.batch, options.length
    random = np.random.default_rng(0)

    def some(keys: int) -> Array:
        return jnp.asarray(random.random((batch, keys)) < 0.75)

    def of_itself(mask: Mask) -> Case:
        return Case(batch, length, length, mask)

    real = jnp.broadcast_to(jnp.arange(length) < 3 * length // 4, (batch, length))
    targets, memory = options.targets, options.memory
    return {
        "exclude_self": of_itself(Mask(exclude_self=True)),
        "exclude_self+keys": of_itself(Mask(some(length), exclude_self=True)),
        "cross+keys": Case(batch, 2 * targets, memory, Mask(some(memory))),
        "decoder causal": Case(2 * batch, targets, targets, Mask(causal=True)),
        "none": of_itself(Mask()),
        "key lengths": of_itself(Mask(real)),
        "causal": of_itself(Mask(causal=True)),
        "window": of_itself(Mask(exclude_self=True, window=options.window)),
    }


# --- implementations ------------------------------------------------------------------------------


def implementations() -> dict[str, Callable]:
    """By name, functions `(q, k, v, mask) -> out`; the rivals last."""
    ours = {name: functools.partial(attend, backend=name) for name in BACKENDS}
    return ours | {"public": _public, "tokamax": _tokamax}


def _public(q: Array, k: Array, v: Array, mask: Mask) -> Array:
    rule = _as_array_or_causal(q, k, mask)
    return jax.nn.dot_product_attention(q, k, v, **rule, implementation="cudnn")


def _tokamax(q: Array, k: Array, v: Array, mask: Mask) -> Array:
    import tokamax  # not among our dependencies

    rule = _as_array_or_causal(q, k, mask)
    return tokamax.dot_product_attention(q, k, v, **rule, implementation="mosaic")


def _as_array_or_causal(q: Array, k: Array, mask: Mask) -> dict:
    """The mask as others take it: causal or not, or bool[B or 1, 1, Tq, S]."""
    if mask.replace(causal=False) == Mask():
        return {"is_causal": mask.causal}
    matrix = mask.visible(jnp.arange(q.shape[1]), jnp.arange(k.shape[1]))
    shape = (matrix.shape[0] if matrix.ndim == 4 else 1, 1, q.shape[1], k.shape[1])
    return {"mask": jnp.broadcast_to(matrix, shape)}


def passes(function: Callable) -> dict[str, Callable]:
    """By name, functions `(q, k, v, weight, mask) -> arrays`, what is checked first."""

    def forward(q, k, v, weight, mask):
        return (function(q, k, v, mask),)

    def loss(q, k, v, weight, mask):
        return (function(q, k, v, mask).astype(jnp.float32) * weight).sum()

    return {"forward": forward, "fwd+bwd": jax.grad(loss, argnums=(0, 1, 2))}


# --- one line -------------------------------------------------------------------------------------


def measure(case: Case, function: Callable, name: str, arrays, seconds: float) -> str:
    """Compiles, checks and times one pass of one implementation."""
    start = time.perf_counter()
    program = jax.jit(passes(function)[name]).lower(*arrays, case.mask).compile()
    compiling = time.perf_counter() - start
    mib = program.memory_analysis().temp_size_in_bytes / 2**20
    error = first_rows_error(case, name, arrays, program(*arrays, case.mask)[0])
    milliseconds = time_of(program, (*arrays, case.mask), seconds)
    q = arrays[0]
    pairs = case.batch * case.queries * case.keys * case.share_of_pairs()
    flops = 4.0 * pairs * q.shape[2] * q.shape[3] * (1.0 if name == "forward" else 3.5)
    return (
        f"{milliseconds:9.3f} {flops / milliseconds / 1e9:9.1f} {mib:9.1f} {error:9.1e} "
        f"{compiling:9.1f}"
    )


def time_of(program: Callable, arguments, seconds: float) -> float:
    """Milliseconds a call, the median of five rows of calls."""
    jax.block_until_ready(program(*arguments))
    start = time.perf_counter()
    jax.block_until_ready(program(*arguments))
    calls = max(1, int(seconds / 5 / max(time.perf_counter() - start, 1e-6)))
    means = []
    for _ in range(5):
        start = time.perf_counter()
        for _ in range(calls):
            results = program(*arguments)
        jax.block_until_ready(results)
        means.append((time.perf_counter() - start) / calls)
    return 1e3 * float(np.median(means))


def first_rows_error(case: Case, name: str, arrays, got: Array) -> float:
    """Of the output or of the gradient of q, in the first rows of the first sample."""
    rows = slice(0, min(CHECKED_ROWS, case.queries))
    q, k, v, weight = (x[:1].astype(jnp.float32) for x in arrays)
    mask = case.mask
    if mask.key_mask is not None:
        mask = mask.replace(key_mask=mask.key_mask[:1])
    with jax.default_matmul_precision("highest"):
        wanted = jax.jit(passes(attend_dense)[name])(q[:, rows], k, v, weight[:, rows], mask)[0]
    return float(jnp.abs(got[:1, rows].astype(jnp.float32) - wanted).max() / jnp.abs(wanted).max())


def inputs(options: argparse.Namespace, case: Case) -> list[Array]:
    """q, k, v, and what the output's gradient is."""

    def normal(seed: int, tokens: int, dtype: str) -> Array:
        shape = (case.batch, tokens, options.heads, options.head_dim)
        return jax.random.normal(jax.random.key(seed), shape, dtype)

    q = normal(0, case.queries, options.dtype)
    k, v = (normal(seed, case.keys, options.dtype) for seed in (1, 2))
    return [q, k, v, normal(3, case.queries, "float32")]


def main() -> None:
    options = parse_arguments()
    start = time.perf_counter()
    device = jax.devices()[0]
    print(
        f"{device.platform} ({device.device_kind}), jax {jax.__version__}, {options.dtype}, "
        f"batch {options.batch}, {options.heads} heads of {options.head_dim}, {options.length} "
        f"tokens, decoder {options.targets}, memory {options.memory}\n"
        f"{'mask':18} {'backend':10} {'pass':8} {'ms':>9} {'TFLOP/s':>9} {'temp MiB':>9} "
        f"{'error':>9} {'compile s':>9}",
        flush=True,
    )
    for name, case in cases(options).items():
        if options.masks and name not in options.masks:
            continue
        arrays = inputs(options, case)
        for backend, function in implementations().items():
            if options.backends and backend not in options.backends:
                continue
            for pass_name in ("forward", "fwd+bwd"):
                label = f"{name:18} {backend:10} {pass_name:8}"
                if time.perf_counter() - start > options.limit_seconds:
                    print(f"{label} and what follows: not run, --limit-seconds is over")
                    return
                try:
                    line = measure(case, function, pass_name, arrays, options.seconds)
                except Exception as error:  # whatever a rival throws, the others go on
                    reason = (str(error).strip() or type(error).__name__).splitlines()[0]
                    print(f"{label} {reason[:150]}", flush=True)
                    break
                print(f"{label} {line}", flush=True)


if __name__ == "__main__":
    main()

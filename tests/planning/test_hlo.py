"""Costs read from compiled programs: against what is known of them by hand."""

import functools

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import NamedSharding, PartitionSpec

from tests.engine.toy_task import toy_config
from xojl_jax.engine import sharding
from xojl_jax.planning import hlo

# As libtpu 0.0.42 writes it: two heads are places of a window that half lies in the padding, and a
# loop's length is in its condition only.
TPU = """\
HloModule jit_step, is_scheduled=true

%add (y: f32[], z: f32[]) -> f32[] {
  %y = f32[]{:T(128)} parameter(0)
  %z = f32[]{:T(128)} parameter(1)
  ROOT %plus = f32[]{:T(128)} add(%y, %z)
}

%cond (p: (s32[], f32[216,2,64])) -> pred[] {
  %constant.1 = s32[]{:T(128)} constant(4)
  %p = (s32[]{:T(128)}, f32[216,2,64]{0,2,1:T(8,128)}) parameter(0)
  %gte = s32[]{:T(128)} get-tuple-element(%p), index=0
  ROOT %lt = pred[]{:T(512)} compare(%gte, %constant.1), direction=LT
}

%body (q: (s32[], f32[216,2,64])) -> (s32[], f32[216,2,64]) {
  %q = (s32[]{:T(128)}, f32[216,2,64]{0,2,1:T(8,128)}) parameter(0)
  %left = f32[216,96,1]{1,0,2:T(8,128)} constant({...})
  %right = f32[96,2,64]{2,0,1:T(8,128)} constant({...})
  %many = f32[216,2,64]{0,2,1:T(8,128)} convolution(%left, %right), window={size=2 pad=1_1 \
rhs_reversal=1}, dim_labels=bf0_i0o->b0f, backend_config={"estimated_cycles":"1000"}
  %sum = f32[216,2,64]{0,2,1:T(8,128)} all-reduce(%many), replica_groups=mesh['a'=8,'b'=2,'c'=1] \
{'a','c'}, to_apply=%add
  ROOT %t = (s32[]{:T(128)}, /*index=1*/f32[216,2,64]{0,2,1:T(8,128)}) tuple(%q, %sum)
}

ENTRY %main (x: f32[216,2,64]) -> (s32[], f32[216,2,64]) {
  %x = (s32[]{:T(128)}, f32[216,2,64]{0,2,1:T(8,128)}) parameter(0)
  ROOT %w = (s32[]{:T(128)}, /*index=1*/f32[216,2,64]{0,2,1:T(8,128)}) while(%x), \
condition=%cond, body=%body
}
"""


def cost(function, *arguments, **options) -> hlo.Cost:
    return hlo.Program(jax.jit(function, **options).lower(*arguments).compile().as_text()).cost()


def test_products_in_loops_count_as_often_as_they_run():
    """Protects every figure of a scanned model, which XLA's own analysis counts once."""
    a, b = jnp.ones((3, 64, 32)), jnp.ones((3, 32, 48))
    assert cost(lambda a: jnp.einsum("bij,bjk->bik", a, b), a).flops == 2 * 3 * 64 * 32 * 48

    def layer(x, w):
        return jnp.tanh(x @ w), None

    def layers(x, weights):
        return jax.lax.scan(layer, x, weights)

    x, weights = jnp.ones((16, 24)), jnp.ones((5, 7, 24, 24))
    nested = cost(lambda x: jax.lax.scan(layers, x, weights)[0], x)
    assert nested.flops == 5 * 7 * 2 * 16 * 24 * 24 and nested.loops == 0


def test_a_loop_of_unknown_length_counts_once_and_is_named():
    """Protects decoding's figures: a token at a time, with the length said to be unknown."""
    w = jnp.ones((24, 24))

    def until(n):
        return jax.lax.fori_loop(0, n, lambda _, x: jnp.tanh(x @ w), jnp.ones((16, 24)))

    found = cost(until, 5)
    assert found.flops == 2 * 16 * 24 * 24 and found.loops == 1


def test_shards_do_their_share_and_what_they_exchange_is_counted():
    """Protects the check of a mesh: work per device falls, and the gradient's sum is seen."""
    mesh = sharding.make_mesh(toy_config(mesh__data=8).mesh)
    rows = NamedSharding(mesh, PartitionSpec("data"))
    x = jax.ShapeDtypeStruct((64, 32), jnp.float32, sharding=rows)
    w = jax.ShapeDtypeStruct((32, 16), jnp.float32, sharding=NamedSharding(mesh, PartitionSpec()))
    found = cost(jax.grad(lambda w, x: jnp.tanh(x @ w).sum()), w, x)
    assert found.flops == 2 * (2 * 64 * 32 * 16) / 8
    assert found.traffic == {("all-reduce", 8): 32 * 16 * 4}


def test_programs_for_tpus():
    """Protects what TPU programs hide: batch dimensions as padding, lengths, groups, cycles."""
    found = hlo.Program(TPU).cost()
    assert found.flops == 4 * 2 * 216 * 2 * 64 * 96
    assert found.cycles == 4 * 1000
    assert found.traffic == {("all-reduce", 8): 4 * 216 * 2 * 64 * 4}
    assert found.loops == 0


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
def test_convolutions_count_what_meets_the_picture(stride, padding):
    """Protects the pyramid's figures: a window's part in the padding is no work."""
    x, kernel = jnp.ones((2, 9, 7, 3)), jnp.ones((3, 3, 3, 5))
    convolve = functools.partial(
        jax.lax.conv_general_dilated,
        window_strides=(stride, stride),
        padding=padding,
        dimension_numbers=("NHWC", "HWIO", "NHWC"),
    )
    # Ones times ones: the sum of the result is the number of multiply-adds.
    assert cost(convolve, x, kernel).flops == 2 * float(convolve(x, kernel).sum())

"""Checks the shapes in annotations of `nn` and `tasks`, where tests call them."""

import typing

import beartype
import jaxtyping


def check_shapes(function):
    """beartype for arguments and results whose annotation has a shape; others are not looked at.

    A type checker for jaxtyping's import hook. Plain annotations stay with pyright: Linen's fields
    say `dtype: jnp.dtype` and hold `jnp.float32`, for example.
    """
    hints = {name: hint for name, hint in function.__annotations__.items() if has_shape(hint)}
    if not hints:
        return function
    function.__annotations__ = hints
    return beartype.beartype(function)


def has_shape(hint) -> bool:
    """True of `Float[Array, "B T D"]`, also inside `… | None`, `tuple[…]` and the like."""
    if isinstance(hint, type) and issubclass(hint, jaxtyping.AbstractArray):
        return True
    return any(has_shape(part) for part in typing.get_args(hint))


def install() -> None:
    """Must be called before the first import of either package."""
    checker = f"{__name__}.{check_shapes.__name__}"
    jaxtyping.install_import_hook(["xojl_jax.nn", "xojl_jax.tasks"], checker)

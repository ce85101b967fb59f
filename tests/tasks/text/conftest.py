"""Published folders, as the tests of xojl_jax/pretrained have them."""

from tests.pretrained.conftest import published

__all__ = ["published"]

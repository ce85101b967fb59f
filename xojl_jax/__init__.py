"""Screenshots and HTML trees to XOJL layouts: the language, the data, the model, the training."""

__version__ = "0.1.0"  # the only place: pyproject.toml reads it from here


def load(path=None, *, cache: str = ""):
    """An exported model, ready to answer: see `xojl_jax.serving.loaded`. None: the one in the box.

    Importing `xojl_jax` stays cheap: JAX is imported here.
    """
    from xojl_jax import shipped
    from xojl_jax.serving import loaded

    path = shipped.use("load(path)") if path is None else path
    return loaded.load(path, cache=cache)

"""Screenshots and HTML trees to XOJL layouts: the language, the data, the model, the training."""

__version__ = "0.1.0"  # the only place: pyproject.toml reads it from here

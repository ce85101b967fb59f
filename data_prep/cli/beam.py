"""Apache Beam, for the commands that spread their work over machines with it."""

import importlib.util
import logging
import sys
from collections.abc import Callable
from typing import Any

from xojl_jax.errors import BadInput, BadUsage, UserError


def require_beam(instead: str) -> None:
    """Raises BadUsage where there is no Beam; `instead` is what can be done without it."""
    if importlib.util.find_spec("apache_beam") is None:
        raise BadUsage(
            f"{sys.executable} has no apache_beam: make an environment from requirements-beam.txt "
            f"(--help shows how), or {instead}"
        )


def run_pipeline(add: Callable[[Any], None], flags: list[str]) -> None:
    """Makes a pipeline by `add(pipeline)` and runs it to its end.

    A user's mistake inside of it is raised here as the error that it is.

    Args:
      flags: of the command line, for Beam.
    """
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions

    # Beam would print a traceback for a user's mistake; it is one line, below.
    beam_log = logging.getLogger("apache_beam.runners.common")
    beam_log.addFilter(lambda record: not isinstance(record.msg, UserError))
    try:
        with beam.Pipeline(options=PipelineOptions(flags)) as pipeline:
            add(pipeline)
    except UserError as error:  # Beam adds where in the pipeline it was
        line = str(error).splitlines()[0].split(" [while running")[0]
        raise (BadUsage if isinstance(error, BadUsage) else BadInput)(line) from error

"""What is done with a state after an evaluation, beside its metrics: pictures, histograms."""

from collections.abc import Callable

import jax

from xojl_jax.engine import compiler_options, histograms, sharding
from xojl_jax.engine.state import TrainState
from xojl_jax.engine.telemetry import Telemetry

EvalCallback = Callable[[TrainState, int, Telemetry], None]


def make(task, config, mesh) -> list[EvalCallback]:
    """The callbacks (state, step, telemetry) that the config asks for."""
    callbacks: list[EvalCallback] = []
    if config.eval_pictures and (found := task.preview(config.eval_pictures)):
        callbacks.append(_draw_predictions(*found, config.batch_size, mesh))
    if config.histograms:
        count = histograms.make()
        callbacks.append(lambda state, step, report: report.histograms(step, count(state)))
    return callbacks


def _draw_predictions(preview, predict: Callable, batch_size: int, mesh) -> EvalCallback:
    """Draws what is predicted for the records of a preview, always the same ones."""
    per_process = batch_size // jax.process_count()
    first = per_process * jax.process_index()
    rows = {name: array[first : first + per_process] for name, array in preview.batch.items()}
    # The answers of all rows on every device: the first process draws.
    compiled = jax.jit(
        predict,
        out_shardings=sharding.replicated(mesh),
        compiler_options=compiler_options.for_many_runs(mesh.devices.flat[0].platform),
    )

    def draw(state: TrainState, step: int, telemetry: Telemetry) -> None:
        prediction = compiled(state.eval_params, sharding.put_batch(rows, mesh))
        telemetry.pictures(step, preview.draw(jax.device_get(prediction)))

    return draw

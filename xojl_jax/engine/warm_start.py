"""`config.init_from`: parameters taken over from other runs, by path, where the shapes match, or
where the task can make one shape of the other; and those of published weights."""

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping

import jax
import numpy as np

from xojl_jax.engine import checkpoint
from xojl_jax.engine.sharding import path_name
from xojl_jax.engine.state import TrainSetup, TrainState, with_params
from xojl_jax.errors import BadUsage
from xojl_jax.tasks.base import Params

# (path, stored array, this run's own) -> an array in the latter's shape, or None where nothing of
# the stored one can be used. See `Task.adapt_param`.
Adapt = Callable[[str, np.ndarray, jax.Array], np.ndarray | None]
# Where an array came from that no run has trained.
PUBLISHED = "published weights"


def apply(
    state: TrainState,
    setup: TrainSetup,
    init_from: str,
    adapt: Adapt = lambda path, stored, fresh: None,
    published: Mapping[str, np.ndarray] | None = None,
    path_of_other: Callable[[str, str], str] = lambda path, task: path,
    load_params: Callable[[str], tuple[Params, dict]] = checkpoint.load_params,
) -> tuple[TrainState, dict[str, str], list[str]]:
    """Replaces what other runs, or those who published weights, have learned.

    Args:
      state: step 0.
      init_from: working directories, checkpoints or whatever else `load_params` reads, separated by
        commas. Where two hold the same array, the later one counts.
      adapt: asked where a path matches and the shape does not.
      published: arrays of published weights by path, which runs replace.
      path_of_other: see `Task.path_of_other`.
      load_params: name of a source -> its parameters and its metadata, with "config", and with
        "checkpoint", the folder that was read.

    Returns:
      The state, name of every array taken over -> checkpoint it came from, and a report: one line
      for each top-level subtree.
    """
    sources = [source.strip() for source in init_from.split(",") if source.strip()]
    if not sources and not published:
        return state, {}, ["all parameters start from scratch (config.init_from is empty)"]
    wanted = {
        path_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(state.params)
    }
    taken: dict[str, np.ndarray] = dict(published or {})
    origins: dict[str, str] = dict.fromkeys(taken, PUBLISHED)
    for source in sources:
        params, metadata = load_params(source)
        of_task = metadata["config"]["task"]
        stored = {
            path_of_other(path_name(path), of_task): leaf
            for path, leaf in jax.tree_util.tree_leaves_with_path(params)
        }
        offered = _matching(stored, wanted, adapt)
        if not offered:
            raise BadUsage(
                f"config.init_from: no array of {source} matches this model by path and shape "
                "(is it a run of another preset?): remove it from the list"
            )
        taken |= offered
        origins |= dict.fromkeys(offered, metadata["checkpoint"])

    def place(path, leaf):
        name = path_name(path)
        return jax.device_put(taken[name], leaf.sharding) if name in taken else leaf

    params = jax.tree_util.tree_map_with_path(place, state.params)
    return with_params(state, params), origins, _report(wanted, origins)


def with_frozen(state: TrainState, params: Params | None) -> TrainState:
    """Step 0 with other frozen parameters, such as those of a teacher; None leaves them."""
    if params is None:
        return state
    placed = jax.tree.map(
        lambda leaf, new: jax.device_put(new, leaf.sharding), state.frozen, params
    )
    return dataclasses.replace(state, frozen=placed)


def _matching(stored: dict, wanted: dict, adapt: Adapt) -> dict[str, np.ndarray]:
    found = {}
    for name, leaf in stored.items():
        if name not in wanted:
            continue
        if leaf.shape != wanted[name].shape:
            leaf = adapt(name, np.asarray(leaf), wanted[name])
        if leaf is not None:
            found[name] = leaf
    return found


def _report(wanted, origins: dict[str, str]) -> list[str]:
    """One line for each top-level subtree and source: "vision: 14 of 14 arrays from …"."""
    lines = []
    for top in sorted({name.split("/")[0] for name in wanted}):
        names = [name for name in wanted if name.split("/")[0] == top]
        counts = Counter(origins.get(name, "scratch") for name in names)
        for origin, count in sorted(counts.items()):
            lines.append(f"{top}: {count} of {len(names)} arrays from {origin}")
    return lines

"""The optional parts of a service, from its flags."""

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path

from xojl_jax.errors import BadUsage
from xojl_jax.serving.access import Access, parse_rate
from xojl_jax.serving.answering import TAGS
from xojl_jax.serving.app import Settings
from xojl_jax.serving.drift import Confidence, Drift
from xojl_jax.serving.metrics import Metrics
from xojl_jax.serving.shadow import Shadow
from xojl_jax.serving.unsure import Unsure
from xojl_jax.serving.versions import Versions
from xojl_jax.serving.watching import Watcher, Watching


def access(flags: argparse.Namespace) -> Access:
    """Of --api-keys and --rate-limit."""
    keys: frozenset[bytes] = frozenset()
    if flags.api_keys:
        try:
            lines = Path(flags.api_keys).read_text(encoding="utf-8").split()
        except (OSError, UnicodeError) as error:
            raise BadUsage(f"--api-keys: {flags.api_keys} cannot be read ({error})") from error
        if not lines:
            raise BadUsage(f"--api-keys: {flags.api_keys} holds no key")
        keys = frozenset(hashlib.sha256(line.encode()).digest() for line in lines)
    return Access(keys, parse_rate(flags.rate_limit) if flags.rate_limit else None)


def watching(
    flags: argparse.Namespace,
    versions: Versions,
    metrics: Metrics,
    shadows: Mapping[str, float],
    drift: Drift,
) -> list[Watching]:
    """Of --shadow and --keep-unsure, and what is always counted.

    Args:
      shadows: of --shadow, share by name.
    """
    quick: list[Watcher] = [drift, Confidence(metrics)]
    if flags.keep_unsure:
        limit = int(flags.keep_unsure_mib * 2**20)
        folder = Path(flags.keep_unsure).expanduser()
        quick.append(Unsure(folder, flags.unsure_below, limit, metrics))
    groups = [Watching(quick, metrics)]
    if shadows:  # it waits for a model, which takes long: the others do not
        groups.append(Watching([Shadow(versions, metrics, shadows)], metrics))
    return groups


def check(flags: argparse.Namespace, settings: Settings, versions: Versions) -> None:
    """Raises BadUsage where a model lacks what a part needs."""
    for served in versions.by_name.values():
        advice = "export it again"
        if TAGS in settings.fallback and not served.model.exported.training.get("baseline"):
            raise BadUsage(
                f"--fallback: {served.name} has no table of tags (training.json): {advice} where "
                "its training data is, or leave tags away"
            )
        options = served.model.program(None).options
        if flags.keep_unsure and not options.get("confidence"):
            raise BadUsage(
                f"--keep-unsure: {served.name} gives no confidences: run evaluate --calibrate on "
                f"the run, and {advice}"
            )

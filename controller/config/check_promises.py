"""Wishes that no detector could grant: they are refused, with the nearest that can be met."""

from __future__ import annotations

from collections.abc import Iterator

from controller.config.check_targets import QUORUM_OF
from controller.config.health import to_health
from controller.config.problems import Problem
from controller.config.sources import Sources
from controller.core.model import Family
from controller.core.promise import NEVER, broken


def check_promises(sources: Sources) -> Iterator[Problem]:
    """Every entry of ``catch`` that asks for too much."""
    policy, spec = sources.policy, sources.policy.draft.health
    if spec is None or not spec.catch or not policy.intact("health"):
        return
    used = {family for link in sources.links() for family in link.spec.neighbors.by_family()}
    health, families = to_health(spec), [family for family in Family if family in used]
    if health.interval_s <= 0 or any(len(health.targets_of(family)) < QUORUM_OF for family in families):
        return  # said already
    for index, nearest_s in broken(health, families).items():
        wish, steps = spec.catch[index], ("health", "catch", index)
        if nearest_s == NEVER:
            message = f"{wish.loss:g} % cannot be told from the loss that links usually have"
            yield policy.problem((*steps, "loss"), message, "Write 2% or more.")
            continue
        message = (
            f"{wish.loss:g} % loss cannot be found within {wish.within:g} s: at {health.false_per_year:g}"
            f" false failovers per link-year, probes every {health.interval_s * 1000:g} ms take about"
            f" {nearest_s:g} s"
        )
        hint = f"Write within: {nearest_s:g}s, more targets, or a shorter 'interval' if their owners agree."
        yield policy.problem((*steps, "within"), message, hint)

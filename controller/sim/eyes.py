"""An eye for every path that the loop would probe, with what the detectors promise for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from controller.core import detect
from controller.core.model import Family, HealthPolicy, Policy
from controller.core.promise import Promise, by_formula, promised
from controller.sim.eye import Eye
from controller.sim.scenario import USUAL_MS


def eyes(policy: Policy, usual_ms: Mapping[str, float]) -> dict[str, Eye]:
    """By path, all well. ``usual_ms``: round trips of paths where it is not USUAL_MS.

    Links are taken to have no history: thresholds are by formula, and ``ride_out`` is as policy says.
    """
    state = detect.initial(policy, 0.0)
    found = {}
    for name, link in state.links.items():
        pinged = name in policy.links and policy.links[name].pinged_by_router
        rule = replace(policy.health, interval_s=policy.health.router_ping_s) if pinged else policy.health
        promises = _promises(state, name, link.families, rule)
        if promises:
            quickest = min(promises, key=lambda each: (each.total_s, -each.probes_per_s))
            found[name] = Eye(name, link.families, rule, quickest, usual_ms.get(name, USUAL_MS))
    return found


def _promises(
    state: detect.DetectorState, name: str, families: Sequence[Family], rule: HealthPolicy
) -> list[Promise]:
    found = []
    for family in families:
        part = state.families[name, family]
        if part.loss is not None and part.fit is not None:
            found.append(promised(part.loss, part.fit, part.silence, rule))
        elif part.records:
            found.append(by_formula(rule, family, len(families)))
    return found

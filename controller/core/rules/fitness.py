"""Rule 2, of one class: is a link good enough for what it asks? Loss and round trips, for long enough."""

from __future__ import annotations

from collections.abc import Mapping

from controller.core.judgement_text import LABEL
from controller.core.model import (
    ControlState,
    Fitness,
    Health,
    Policy,
    Requirement,
    TrafficClass,
    Verdict,
)

_NEW = Fitness(fits=True, other_since=None)


def remember(
    policy: Policy, health: Mapping[str, Health], state: ControlState, now: float
) -> dict[str, Fitness]:
    """What is believed of every link that a class with requirements may take. A moment changes no belief."""
    return {
        key: _turned(state.fitness.get(key, _NEW), each.require, health[link.name], now)
        for each in policy.classes.values()
        if each.require is not None
        for link in policy.links.values()
        if link.upstream in each.upstreams
        for key in [_key(each, link.name)]
    }


def unfit(
    policy: Policy, traffic_class: TrafficClass, health: Mapping[str, Health], state: ControlState
) -> dict[str, str]:
    """Links that are not good enough for the class, and why; ``state`` must be up to date."""
    require = traffic_class.require
    if require is None:
        return {}
    return {
        link: f"{_worse(require, health[link]) or 'good enough, but only just'}, for {traffic_class.name}"
        for link in sorted(policy.links)
        if not state.fitness.get(_key(traffic_class, link), _NEW).fits
    }


def next_at(policy: Policy, state: ControlState) -> float | None:
    """When time alone changes what is believed of a link; None: it does not."""
    ends = (
        known.other_since + each.require.held_s
        for each in policy.classes.values()
        if each.require is not None
        for link in policy.links
        for known in [state.fitness.get(_key(each, link), _NEW)]
        if known.other_since is not None
    )
    return min(ends, default=None)


def _key(traffic_class: TrafficClass, link: str) -> str:
    return f"{traffic_class.name} {link}"


def _turned(before: Fitness, require: Requirement, health: Health, now: float) -> Fitness:
    if health.verdict not in (Verdict.UP, Verdict.DEGRADED):
        return Fitness(before.fits, None)  # what does not answer is not measured
    looks_fit = _worse(require, health) is None
    if looks_fit is before.fits:
        return before if before.other_since is None else Fitness(before.fits, None)
    since = now if before.other_since is None else min(before.other_since, now)
    return Fitness(looks_fit, None) if since + require.held_s <= now else Fitness(before.fits, since)


def _worse(require: Requirement, health: Health) -> str | None:
    """What is worse than asked, in figures; None: nothing. What is not measured is no objection."""
    for family, part in health.families.items():
        loss, most = part.loss_percent, require.loss_percent
        if loss is not None and most is not None and loss > most:
            return f"{LABEL[family]} loses {loss:.1f} %, more than {most:g} %"
        if part.tail_ms is not None and require.rtt_ms is not None and part.tail_ms > require.rtt_ms:
            return f"{LABEL[family]} takes {part.tail_ms:.0f} ms, more than {require.rtt_ms:g} ms"
    return None

"""What the latency detector has found, as a family's and a link's health, and in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from controller.core.judgement_text import LABEL
from controller.core.latency import ALLOWED, LatencyState, Slowness
from controller.core.model import Delay, Family, FamilyHealth, LatencyPolicy, Verdict

ANSWERING: Final = (Verdict.UP, Verdict.DEGRADED)
_SEVERITY: Final = {Delay.USUAL: 0, Delay.SLOW: 1, Delay.BROWNOUT: 2}


def with_delay(health: FamilyHealth, state: LatencyState, policy: LatencyPolicy) -> FamilyHealth:
    """The family's health with its delay. A family that does not answer has none to speak of."""
    if health.verdict not in ANSWERING:
        return health
    trip = state.trip
    known = trip.now_ms is not None and trip.usual_ms is not None
    health = replace(
        health,
        excess_ms=(trip.now_ms or 0.0) - (trip.usual_ms or 0.0) if known else None,
        jitter_ms=state.jitter.now_ms,
        tail_ms=state.tail_ms,
    )
    if not (state.brownout or state.is_slow):
        return health
    text = why(state, policy)
    if state.brownout:
        return replace(health, delay=Delay.BROWNOUT, delay_why=text, why=f"{health.why}, in brownout: {text}")
    patience = f"no brownout before {policy.held_s:g} s"
    return replace(health, delay=Delay.SLOW, delay_why=text, why=f"{health.why}, slow, {patience}: {text}")


def of_link(verdict: Verdict, families: Mapping[Family, FamilyHealth]) -> tuple[Delay, str]:
    """The delay of the slowest family, and why."""
    if verdict not in ANSWERING:
        return Delay.USUAL, ""
    delay = max((each.delay for each in families.values()), key=_SEVERITY.__getitem__, default=Delay.USUAL)
    told = (
        f"{LABEL[f]}: {each.delay_why}"
        for f, each in families.items()
        if each.delay is delay is not Delay.USUAL
    )
    return delay, "; ".join(told)


def why(state: LatencyState, policy: LatencyPolicy) -> str:
    """``42 ms more than its usual 31 ms on 4 of 5 targets for 63 s``."""
    if state.trip.is_slow:
        text = _compared(state.trip, policy.worse_by_ms, policy.limit_ms)
        measure = state.trip
    elif state.jitter.is_slow:
        text = f"jitter {_compared(state.jitter, policy.jitter_worse_by_ms or 0.0, policy.jitter_limit_ms)}"
        measure = state.jitter
    else:
        return f"as fast as usual for {state.clean_s:.0f} of the {policy.held_s:g} s that end it"
    return f"{text} on {measure.worse} of {measure.say} targets for {state.slow_s:.0f} s"


def _compared(found: Slowness, worse_by_ms: float, limit_ms: float | None) -> str:
    now, usual = found.now_ms or 0.0, found.usual_ms
    if limit_ms is not None and (usual is None or now - usual < ALLOWED * worse_by_ms):
        return f"{_ms(now)}, {limit_ms:g} ms being the limit,"
    return f"{_ms(now - (usual or 0.0))} more than its usual {_ms(usual or 0.0)}"


def _ms(value: float) -> str:
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"

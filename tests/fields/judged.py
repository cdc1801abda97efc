"""Fields that say when a link is bad: what is decided of a fault, or the verdict on it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from random import Random

from controller.core.model import (
    ANCHORS,
    Counters,
    Family,
    InterfaceSample,
    SessionSample,
    Verdict,
)
from controller.core.prefixes import Normal
from controller.core.routers_say import RoutersSay
from tests.fields.versions import GONE, Field, Shows, Version
from tests.fields.views import AZ, FAULT_S, carried, ill, looks
from tests.unit.latency_world import World

A, G = "azerbaijan", "georgia"
LEFT, STAYED = G, A
LOSSY_S, OFTEN_S = (
    2.0,
    2.6,
)  # of loss: longer than the quicker version takes to find it, shorter than the other


def health() -> Iterator[Field]:
    """How soon, how surely and for how long a link is bad."""
    slow = {"health.catch": [], "health.ride_out": "2s"}

    def field(
        name: str, one: object, other: object, shows: Shows, then: tuple[object, object], **given: object
    ) -> Field:
        return Field(
            f"health.{name}", one, other, shows, then, {f"health.{key}": each for key, each in given.items()}
        )

    outage, loss = carried(60, ill(AZ, 2.2)), carried(60, ill(AZ, LOSSY_S, loss=0.3))
    yield Field("health.interval", "100ms", "1s", outage, (LEFT, STAYED), slow)
    yield Field("health.timeout", "100ms", "2s", loss, (LEFT, STAYED), slow)
    yield field("ride_out", "400ms", "5s", outage, (LEFT, STAYED))
    often = carried(60, ill(AZ, OFTEN_S, loss=0.12))
    yield field("false_failovers", "1000 per link-year", "1 per link-year", often, (LEFT, STAYED))
    back = carried(150, ill(AZ, 10))
    yield Field("health.recover", "5s", "5min", back, (A, G), {"stability.hold_down": "1min"})
    yield field("fresh", "1s", "10s", looks(3, measured=False), (Verdict.UNKNOWN, Verdict.UP))
    here = carried(60, ill(AZ, loss=0.3), ill(ANCHORS, at=FAULT_S - 30, loss=0.3))
    near = ["203.0.113.1", "203.0.113.2", "2001:db8:500::1", "2001:db8:500::2"]
    yield field("anchors", [], near, here, (LEFT, STAYED))
    wish = {**slow, "health.interval": GONE, "health.catch[].within": "60s", "health.catch[].loss": "30%"}
    yield Field("health.catch[].within", "60s", "4s", _pace, (1.0, 0.25), wish)
    wish = {**wish, "health.catch[].within": "8s"}
    yield Field("health.catch[].loss", "50%", "10%", _pace, (1.0, 0.25), wish)


def _pace(version: Version) -> float:
    """Between two probes of a target, as it follows from what is to be caught."""
    return version.policy.health.interval_s


# --- brownouts -------------------------------------------------------------------------------------


def latency() -> Iterator[Field]:
    """When a link that answers is too slow."""
    place = "health.latency"
    slower = carried(900, ill(AZ, extra_ms=70))
    yield Field(f"{place}.worse_by", "50ms", "100ms", slower, (LEFT, STAYED))
    yield Field(f"{place}.held", "60s", "20min", slower, (LEFT, STAYED))
    limited = carried(900, ill(AZ, extra_ms=100))
    yield Field(f"{place}.limit", "90ms", GONE, limited, (LEFT, STAYED), {f"{place}.worse_by": "150ms"})
    given = {f"{place}.jitter.worse_by": "250ms", f"{place}.worse_by": "250ms"}
    yield Field(f"{place}.jitter.worse_by", "20ms", "100ms", _jittery, (True, False), given)
    yield Field(f"{place}.jitter.limit", "10ms", GONE, _jittery, (True, False), given)


def _jittery(version: Version) -> bool:
    """Whether round trips that vary by 50 ms more than they use to make a brownout."""
    rule = version.policy.health.latency
    assert rule is not None
    chance = Random(3)
    world = World(policy=rule, extra=lambda _, at: chance.uniform(0, 60) if at > 600 else 0.0)
    return bool(world.run(900).began)


# --- what routers say ------------------------------------------------------------------------------


def routers() -> Iterator[Field]:
    """Tables that are short, and interfaces that count errors."""
    short = carried(60, ill(AZ, 30, missing=0.4))
    yield Field("health.prefixes.missing", "30%", "50%", short, (LEFT, STAYED))
    yield Field("health.prefixes.held", "10s", "60s", carried(60, ill(AZ, 30, missing=0.6)), (LEFT, STAYED))
    loading = _said(sessions=[(0.0, 10, 60.0), (10.0, 10, 70.0), (30.0, 10, 90.0)])
    yield Field("health.prefixes.settle", "1min", "3min", loading, (Verdict.DEGRADED, Verdict.UNKNOWN))
    errors = _said(errors=[0, 20, 40, 60, 80])
    yield Field("health.interface.errors", "1%", "5%", errors, (Verdict.DEGRADED, Verdict.UP))
    yield Field("health.interface.over", "30s", "2min", errors, (Verdict.DEGRADED, Verdict.UP))


def _said(
    sessions: Sequence[tuple[float, int, float]] = (), errors: Sequence[int] = ()
) -> Callable[[Version], Verdict]:
    """The verdict of what a router says of a link on which a hundred prefixes are usual.

    ``sessions``: when, how many prefixes are accepted, and for how long the session has been up. ``errors``:
    counted up to every tenth second, in which a thousand packets arrive.
    """

    def shows(version: Version) -> Verdict:
        usual = {AZ: {Family.IPV4.value: Normal(hours=(100,))}}
        words = RoutersSay(version.policy).knowing(usual)
        for at, accepted, up_s in sessions:
            words = words.follow([SessionSample(AZ, Family.IPV4, at, True, accepted, up_s=up_s)], [])
        for number, count in enumerate(errors):
            counted = Counters(0, 0, 1000 * number, 1000 * number, count, 0, 0, 0)
            words = words.follow([], [InterfaceSample(AZ, 10.0 * number, True, True, counters=counted)])
        return words.signals([AZ])[-1].verdict

    return shows

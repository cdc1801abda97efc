"""What the simulation sees of a path, beside what the real detectors say of the same path, probe by probe."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from controller.core.cycle import signature
from controller.core.model import Delay, LatencyPolicy, Policy, SampleState, Target, Verdict
from controller.sim.eye import Eye
from controller.sim.eyes import eyes
from controller.sim.gauge import LATE_S, Gauge
from controller.sim.scenario import WELL, Condition
from tests.unit.detection_world import AZ, HEALTH, World, policy

UP, DEGRADED, DOWN, UNKNOWN = Verdict.UP, Verdict.DEGRADED, Verdict.DOWN, Verdict.UNKNOWN
Stretch = tuple[float, float, float]  # from, to, share of probes lost


def the_policy() -> Policy:
    return policy(replace(HEALTH, timeout_s=0.3, recover_s=5.0), [AZ])


def seen(*stretches: Stretch, until: float) -> list[tuple[float, Verdict]]:
    """The verdicts of an eye, and when."""
    eye = eyes(the_policy(), {})[AZ]
    found: list[tuple[float, Verdict]] = []

    def live(now: float) -> None:
        while eye.next_at <= now:
            eye.advance(eye.next_at)
            note()

    def note() -> None:
        health = eye.health(eye._at)
        assert signature({AZ: health})[AZ] == eye.mark
        if not found or found[-1][1] is not health.verdict:
            found.append((round(eye._at, 3), health.verdict))

    note()
    for start, end, loss in stretches:
        for at, condition in ((start, Condition(loss=loss)), (end, WELL)):
            live(at)
            eye.take(condition, at)
            note()
    live(until)
    return found


def measured(*stretches: Stretch, until: float) -> list[tuple[float, Verdict]]:
    """The verdicts of the real detector, probe by probe."""
    rng = random.Random(7)

    def fate(path: str, target: Target, at: float) -> SampleState:
        loss = max((loss for start, end, loss in stretches if start <= at < end), default=0.0)
        return SampleState.LOST if rng.random() < loss else SampleState.OK

    world = World(the_policy(), fate, paths=[AZ]).run(until)
    return [(at, verdict) for at, name, verdict in world.verdicts if name == AZ]


@pytest.mark.parametrize(
    ("stretches", "verdicts", "late_s"),
    [
        ([(10.0, 20.0, 1.0)], [UP, DOWN, UP], 0.15),
        ([(10.0, 10.3, 1.0)], [UP], 0.0),  # shorter than ride_out
        ([(10.0, 12.0, 1.0), (14.0, 16.0, 1.0)], [UP, DOWN, UP], 0.15),  # no recovery in between
        ([(10.0, 30.0, 0.3)], [UP, DEGRADED, UP], 4.0),
        ([(10.0, 30.0, 0.1)], [UP, DEGRADED, UP], 6.0),
    ],
)
def test_verdicts_are_those_of_the_detectors_and_come_when_theirs_do(
    stretches: list[Stretch], verdicts: list[Verdict], late_s: float
) -> None:
    ours, theirs = seen(*stretches, until=60), measured(*stretches, until=60)
    assert [verdict for _, verdict in ours] == verdicts
    assert [verdict for _, verdict in theirs] == verdicts
    for (at, _), (their_at, _) in list(zip(ours, theirs, strict=True))[1:]:
        assert at == pytest.approx(their_at, abs=late_s)


def an_eye() -> Eye:
    rule = replace(HEALTH, recover_s=5.0, latency=LatencyPolicy(worse_by_ms=50, held_s=60))
    return eyes(policy(rule, [AZ]), {})[AZ]


def test_half_of_ride_out_makes_suspect_and_less_does_not() -> None:
    eye = an_eye()
    eye.take(Condition(loss=1.0), 10.0)
    eye.advance(10.15)
    assert not eye.health(10.15).suspect
    eye.advance(10.3)
    assert eye.health(10.3).suspect
    eye.take(WELL, 10.3)
    assert not eye.health(10.3).suspect
    assert eye.health(10.3).verdict is UP


def test_what_is_not_measured_is_stale_and_then_unknown_and_known_again_at_once() -> None:
    eye = an_eye()
    eye.take(Condition(measured=False), 10.0)
    eye.advance(11.0)
    assert eye.health(11.0).stale
    eye.advance(10.0 + HEALTH.fresh_s)
    assert eye.health(12.0).verdict is UNKNOWN
    eye.take(WELL, 20.0)
    assert eye.health(20.0).verdict is UP


@pytest.mark.parametrize(("missing", "verdict"), [(0.4, UP), (0.6, DEGRADED), (1.0, DOWN)])
def test_a_short_table_counts_once_it_is_held(missing: float, verdict: Verdict) -> None:
    eye = an_eye()
    eye.take(Condition(missing=missing), 10.0)
    eye.advance(19.9)
    assert eye.health(19.9).verdict is UP
    eye.advance(21.0)
    assert eye.health(21.0).verdict is verdict


def test_slowness_becomes_a_brownout_once_it_is_held_and_ends_as_late() -> None:
    eye = an_eye()
    eye.take(Condition(extra_ms=80), 10.0)
    eye.advance(40.0)
    assert eye.health(40.0).delay is Delay.SLOW
    eye.advance(75.0)
    health = eye.health(75.0)
    assert health.delay is Delay.BROWNOUT
    assert health.delay_why == "IPv4: 80 ms more than its usual 40 ms on 4 of 4 targets for 65 s"
    assert next(iter(health.families.values())).tail_ms == 120
    eye.take(WELL, 200.0)
    eye.advance(255.0)
    assert eye.health(255.0).delay is Delay.BROWNOUT
    eye.advance(275.0)
    assert eye.health(275.0).delay is Delay.USUAL
    eye.advance(400.0)
    assert eye.next_at == float("inf")  # asleep again


def test_where_latency_moves_nothing_it_is_not_even_looked_at() -> None:
    eye = eyes(policy(HEALTH, [AZ]), {})[AZ]
    eye.take(Condition(extra_ms=500), 10.0)
    assert eye.next_at == float("inf")


def test_a_link_that_was_lossy_is_in_doubt_until_its_evidence_is_gone() -> None:
    eye = an_eye()
    eye.take(Condition(loss=0.1), 10.0)
    eye.advance(12.0)
    assert eye.health(12.0).verdict is UP
    assert eye.health(12.0).doubt is not None
    eye.take(WELL, 12.0)
    eye.advance(30.0)
    assert eye.health(30.0).doubt is None


def test_a_gauge_tells_when_it_will_have_come_to_a_level_and_stays_within_its_bounds() -> None:
    gauge = Gauge(10.0).turned(2.0, at=5.0)
    assert gauge.crosses(4.0) == 7.0 + LATE_S
    assert gauge.now(7.0) == 4.0
    assert gauge.now(100.0) == 10.0
    falling = gauge.turned(-1.0, at=100.0)
    assert falling.now(200.0) == 0.0
    assert falling.crosses(11.0) == float("inf")
    assert falling.crosses(4.0) == 106.0 + LATE_S

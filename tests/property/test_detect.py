"""What must hold of the detector whatever the network does."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.detect import health, initial, step
from controller.core.judgement import quorum
from controller.core.model import Family, Sample, SampleState, SessionSample, Signal, Target, Verdict
from tests.unit.detection_world import AZ, GE, HEALTH, LINKS, START, V4, World, policy, session, silence

FEW = settings(max_examples=25, deadline=None)

samples = st.builds(
    Sample,
    path=st.sampled_from([*LINKS, "user-path", "no-such-link"]),
    target=st.sampled_from([*V4, ip_address("2001:db8:100::1")]),
    seq=st.integers(0, 8),
    sent_at=st.floats(START - 5, START + 30, allow_nan=False),
    state=st.sampled_from(SampleState),
    rtt_ms=st.none() | st.floats(0, 1000),
)
sessions = st.builds(
    session, established=st.booleans(), at=st.floats(START - 20, START + 30), link=st.sampled_from(LINKS)
)
signals = st.builds(
    Signal,
    link=st.sampled_from([*LINKS, "no-such-link"]),
    kind=st.sampled_from(["prefixes", "interface"]),
    at=st.floats(START - 20, START + 30),
    verdict=st.sampled_from(Verdict),
    why=st.sampled_from(["one", "another"]),
    fresh_s=st.floats(0, 20),
    family=st.none() | st.sampled_from(Family),
)
batches = st.lists(
    st.tuples(
        st.lists(samples, max_size=12),
        st.lists(sessions, max_size=3),
        st.lists(signals, max_size=3),
        st.floats(0, 3),
    ),
    max_size=12,
)
counts = st.integers(3, 6)


@FEW
@given(batches, st.randoms(use_true_random=False))
def test_any_samples_in_any_order_give_the_same_health_and_never_crash(
    history: list[tuple[list[Sample], list[SessionSample], list[Signal], float]], chance: random.Random
) -> None:
    one = other = initial(policy(), START)
    now = START
    for batch, told, witnessed, later in history:
        now += later
        one = step(one, batch, told, now, witnessed)
        shuffled = chance.sample(batch + batch, 2 * len(batch))  # every sample twice, in another order
        other = step(other, shuffled, told[::-1], now, chance.sample(witnessed * 2, 2 * len(witnessed)))
        assert health(one, now) == health(other, now)
        assert one.next_deadline is None or one.next_deadline > one.at


@FEW
@given(st.lists(st.floats(0, 100), max_size=10))
def test_without_samples_nothing_but_unknown_is_ever_said(waits: list[float]) -> None:
    state = initial(policy(), START)
    for wait in waits:
        state = step(state, (), (), state.at + wait)
        assert {each.verdict for each in health(state, state.at).values()} == {Verdict.UNKNOWN}


def shuffler(seed: int) -> Callable[[list[Sample]], list[Sample]]:
    chance = random.Random(seed)
    return lambda batch: chance.sample(batch + batch, 2 * len(batch))


@FEW
@given(st.floats(0, 20), st.floats(0.02, 0.15), st.floats(0.001, 0.09), counts, st.integers())
def test_a_total_fault_at_any_time_is_found_within_ride_out_and_two_intervals(
    begin: float, interval_s: float, rtt_s: float, targets: int, seed: int
) -> None:
    watched = replace(HEALTH, targets=V4[:targets], interval_s=interval_s, ride_out_s=4 * interval_s + 0.1)
    fault = silence(AZ, None, begin)
    world = World(policy(watched), fault, rtt_s=rtt_s, tick_s=0.05, shuffle=shuffler(seed))
    world.run(begin + watched.timeout_s + watched.ride_out_s + 4 * interval_s + 0.2)
    # Never answered: nothing is known of the RTT yet, so that only the timeout tells a reply to be missing.
    never_answered = begin <= interval_s + rtt_s
    slack_s = world.tick_s + (watched.timeout_s + interval_s if never_answered else 0)
    assert world.when(Verdict.DOWN) <= begin + watched.ride_out_s + 2 * interval_s + slack_s
    assert world.went(GE) == [Verdict.UP]


@FEW
@given(st.floats(0, 20), st.floats(0.01, 10), counts, st.sampled_from([AZ, None]), st.data())
def test_as_many_bad_targets_as_a_quorum_leaves_out_never_make_a_link_bad(
    begin: float, lasts: float, targets: int, link: str | None, data: st.DataObject
) -> None:
    watched = replace(HEALTH, targets=V4[:targets])
    most = targets - quorum(targets)
    dead = data.draw(st.lists(st.sampled_from(watched.targets), min_size=1, max_size=most, unique=True))
    world = World(policy(watched), silence(link, dead, begin, begin + lasts), tick_s=0.05).run(
        begin + lasts + 6
    )
    assert (world.went(AZ), world.went(GE)) == ([Verdict.UP], [Verdict.UP])
    assert not any(each.suspect for each in world.healths().values())


@FEW
@given(st.floats(0, 0.05), counts, st.integers())
def test_loss_near_the_usual_changes_nothing_and_a_little_more_takes_nothing_down(
    loss: float, targets: int, seed: int
) -> None:
    chance = random.Random(seed)

    def fate(path: str, target: Target, at: float) -> SampleState:
        return SampleState.LOST if chance.random() < loss else SampleState.OK

    world = World(
        policy(replace(HEALTH, targets=V4[:targets])), fate, tick_s=0.05, shuffle=shuffler(seed)
    ).run(30)
    # What more than doubles the usual loss may be found degraded, the sooner the more; never down.
    assert Verdict.DOWN not in world.went(AZ) + world.went(GE)
    if loss <= 0.008:
        assert world.went(AZ) == world.went(GE) == [Verdict.UP]


@FEW
@given(st.floats(0.2, 0.8), counts, st.integers())
def test_heavy_loss_is_never_called_up_for_long(loss: float, targets: int, seed: int) -> None:
    chance = random.Random(seed)

    def fate(path: str, target: Target, at: float) -> SampleState:
        return SampleState.LOST if path == AZ and chance.random() < loss else SampleState.OK

    world = World(policy(replace(HEALTH, targets=V4[:targets])), fate, tick_s=0.05).run(25)
    assert world.verdict(AZ) in (Verdict.DEGRADED, Verdict.DOWN)
    assert world.verdict(GE) is Verdict.UP


@FEW
@given(st.floats(1, 15), st.floats(0.05, 10), st.booleans())
def test_a_prober_that_stalls_never_makes_a_link_down(begin: float, stall_s: float, forgets: bool) -> None:
    """Its probes in flight come back invalid, or are never heard of again."""
    world = World(policy(), tick_s=0.05, rtt_s=0.15).run(begin)
    world.stall(stall_s, SampleState.INVALID, forgets=forgets)
    world.run(begin + stall_s + 3)
    assert Verdict.DOWN not in world.went(AZ)
    assert world.verdict(AZ) is Verdict.UP


@FEW
@given(st.floats(3, 10), st.lists(st.sampled_from([SampleState.OK, SampleState.LOST]), max_size=30))
def test_late_and_repeated_results_flip_nothing(at: float, results: list[SampleState]) -> None:
    world = World(policy(), silence(GE, None, 2.0), tick_s=0.05).run(at)
    before = {name: each.verdict for name, each in world.healths().items()}
    late = [
        Sample(path, target, seq, START + seq * 0.01, result, 5.0)
        for seq, result in enumerate(results)
        for path in LINKS
        for target in HEALTH.targets
    ]
    world.state = step(world.state, late, (), world.now)
    assert {name: each.verdict for name, each in world.healths().items()} == before

"""The detector's word on delay: what is said of a link that answers later than it uses to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

import pytest

from controller.core.cycle import signature
from controller.core.delay import of_link
from controller.core.detect import health, initial, remembered, step
from controller.core.model import (
    USER_PATH,
    Delay,
    Family,
    FamilyHealth,
    LatencyPolicy,
    Sample,
    SampleState,
    Target,
    Verdict,
)
from tests.unit.detection_world import AZ, GE, HEALTH, LINKS, START, V4, V6, World, policy, silence

SPARING = replace(
    HEALTH,
    interval_s=0.5,
    ride_out_s=1.5,
    fresh_s=6.0,
    latency=LatencyPolicy(worse_by_ms=30, held_s=20, limit_ms=200),
)
SLOWED = 90.0


def slower(ms: float, end: float = 1e9, targets: tuple[Target, ...] = V4 + V6) -> World:
    world = World(policy(SPARING), tick_s=0.1)
    world.extra_s = lambda path, target, at: (
        ms / 1000 if path == AZ and target in targets and SLOWED <= at < end else 0.0
    )
    return world


def test_a_link_that_slows_down_is_slow_then_in_brownout_and_says_so() -> None:
    world = slower(42).run(SLOWED + 18)
    link = world.healths()[AZ]
    assert (link.verdict, link.delay) == (Verdict.UP, Delay.SLOW)
    assert (
        "slow, no brownout before 20 s: 42 ms more than its usual 20 ms on 4 of 4 targets for 1" in link.why
    )
    world.run(SLOWED + 40)
    link = world.healths()[AZ]
    assert (link.verdict, link.delay) == (Verdict.UP, Delay.BROWNOUT)
    assert link.why.startswith(
        "IPv4: 4 of 4 targets answer in 62.0 ms, loss 0.0 %, in brownout: 42 ms more than"
    )
    assert link.delay_why.startswith("IPv4: 42 ms more than its usual 20 ms on 4 of 4 targets for ")
    family = link.families[Family.IPV4]
    assert family.excess_ms == pytest.approx(42, abs=0.1)
    assert family.tail_ms == pytest.approx(62, abs=0.1)
    other = world.healths()[GE]
    assert (other.delay, other.delay_why) == (Delay.USUAL, "")
    assert other.families[Family.IPV4].tail_ms == pytest.approx(20, abs=0.1)


def test_an_absolute_limit_is_named_where_it_is_the_reason() -> None:
    world = World(policy(SPARING), tick_s=0.1, rtt_s=0.25).run(40)
    assert "250 ms, 200 ms being the limit, on 4 of 4 targets for " in world.healths()[AZ].delay_why


def test_its_end_is_said_too() -> None:
    world = slower(42, SLOWED + 40).run(SLOWED + 57)
    link = world.healths()[AZ]
    assert link.delay is Delay.BROWNOUT
    assert "as fast as usual for " in link.delay_why
    assert world.run(SLOWED + 75).healths()[AZ].delay is Delay.USUAL


def test_one_late_target_is_nobodys_brownout() -> None:
    assert slower(100, targets=V4[:1]).run(SLOWED + 60).healths()[AZ].delay is Delay.USUAL


def test_a_link_that_does_not_answer_has_no_pace() -> None:
    world = slower(42)
    world.fate = silence(AZ, None, SLOWED + 40)
    link = world.run(SLOWED + 50).healths()[AZ]
    assert (link.verdict, link.delay, link.families[Family.IPV4].tail_ms) == (Verdict.DOWN, Delay.USUAL, None)


def test_without_a_word_on_latency_nothing_is_compared() -> None:
    world = slower(100)
    world.policy = policy(replace(SPARING, latency=None))
    world.state = initial(world.policy, START)
    assert world.run(SLOWED + 60).healths()[AZ].families[Family.IPV4].tail_ms is None


def test_ipv4_and_ipv6_are_judged_apart_and_the_slower_decides() -> None:
    both = replace(SPARING, targets=V4[:3] + V6[:3])
    world = slower(42, targets=V6)
    world.policy = policy(both, families=tuple(Family))
    world.__post_init__()
    link = world.run(SLOWED + 40).healths()[AZ]
    assert {family: each.delay for family, each in link.families.items()} == {
        Family.IPV4: Delay.USUAL,
        Family.IPV6: Delay.BROWNOUT,
    }
    assert link.delay is Delay.BROWNOUT
    assert link.delay_why.startswith("IPv6: 42 ms more than its usual 20 ms on 3 of 3 targets for ")


def test_the_user_path_has_no_pace_of_its_own() -> None:
    own = policy(SPARING, user_path={Family.IPV4: V4[5]})
    state = initial(own, START)
    assert state.families[USER_PATH, Family.IPV4].latency is None
    assert state.families[AZ, Family.IPV4].latency is not None


def test_blocks_of_different_links_do_not_end_together() -> None:
    state = initial(policy(SPARING), START)
    assert len({family.latency.phase_s for family in state.families.values() if family.latency}) == len(LINKS)


def test_a_changed_pace_wakes_the_loop() -> None:
    world = slower(42)
    calm = signature(world.run(SLOWED).healths())
    slow = signature(world.run(SLOWED + 19).healths())
    brownout = signature(world.run(SLOWED + 40).healths())
    assert len({tuple(each.items()) for each in (calm, slow, brownout)}) == 3


def test_duplicates_and_late_replies_are_not_heard_twice() -> None:
    state = initial(policy(SPARING), START)
    sent = Sample(AZ, V4[0], 1, START, SampleState.SENT)
    answer = replace(sent, state=SampleState.OK, rtt_ms=20.0)
    state = step(state, [sent, answer, answer], (), START + 0.1)
    state = step(state, [answer], (), START + 0.2)
    lost = replace(sent, seq=2, sent_at=START + 0.5)
    state = step(state, [lost, replace(lost, state=SampleState.LOST)], (), START + 1)
    state = step(state, [replace(lost, state=SampleState.OK, rtt_ms=700.0)], (), START + 1.2)
    heard = state.families[AZ, Family.IPV4].latency
    assert heard is not None
    assert heard.targets[V4[0]].block.values == (20.0,)


def test_what_is_usual_outlives_a_restart() -> None:
    world = slower(42).run(SLOWED)
    memory: Mapping[str, Mapping[str, object]] = json.loads(json.dumps(remembered(world.state)))
    after = World(policy(SPARING), tick_s=0.1, rtt_s=0.07)
    after.state = initial(after.policy, after.now, memory)
    assert not after.state.unreadable
    assert "50 ms more than its usual 20 ms" in after.run(16).healths()[AZ].delay_why


def test_a_damaged_memory_is_named_and_the_rest_is_used() -> None:
    world = slower(42).run(SLOWED)
    memory = remembered(world.state)
    memory[f"latency/{AZ}/ipv4"] = {str(V4[0]): {"trip": 1, "jitter": 2}}
    state = initial(world.policy, START, memory)
    assert list(state.unreadable) == [f"latency/{AZ}/ipv4"]
    assert health(state, START)[AZ].verdict is Verdict.UNKNOWN
    kept = state.families[GE, Family.IPV4].latency
    assert kept is not None
    assert kept.targets[V4[0]].trip.usual.value == pytest.approx(20, abs=0.1)


@pytest.mark.parametrize(
    ("delays", "worst"),
    [
        ((Delay.USUAL, Delay.USUAL), Delay.USUAL),
        ((Delay.USUAL, Delay.SLOW), Delay.SLOW),
        ((Delay.BROWNOUT, Delay.SLOW), Delay.BROWNOUT),
    ],
)
def test_the_slowest_family_decides(delays: tuple[Delay, Delay], worst: Delay) -> None:
    families = {
        family: FamilyHealth(Verdict.UP, "", delay=delay, delay_why="x")
        for family, delay in zip(Family, delays, strict=True)
    }
    assert of_link(Verdict.UP, families)[0] is worst
    assert of_link(Verdict.DOWN, families) == (Delay.USUAL, "")

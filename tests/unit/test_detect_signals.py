"""What other witnesses than the probes say, put together with what the probes show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from controller.core.detect import health, initial, step
from controller.core.model import Family, Health, Signal, Verdict
from tests.unit.detection_world import AZ, GE, HEALTH, START, V4, V6, World, policy, session, silence

UP, DEGRADED, DOWN, UNKNOWN = Verdict.UP, Verdict.DEGRADED, Verdict.DOWN, Verdict.UNKNOWN


def signal(
    verdict: Verdict, at: float, *, kind: str = "interface", fresh_s: float = 5.0, **more: object
) -> Signal:
    return Signal(AZ, kind, at, verdict, f"{kind} says {verdict}", fresh_s, **more)  # type: ignore[arg-type]


def once(said: Signal, after: float) -> Callable[[float], Sequence[Signal]]:
    """Said in the first batch that ends so long after the start, or later."""
    left = [said]
    return lambda now: left and [left.pop()] if now >= START + after else ()


@pytest.mark.parametrize("verdict", [DOWN, DEGRADED])
def test_a_bad_signal_counts_at_once_although_every_target_answers(verdict: Verdict) -> None:
    world = World(policy(), signals=once(signal(verdict, START + 2), 2)).run(2.02)
    assert world.verdict() is verdict
    assert world.verdict(GE) is UP
    assert world.healths()[AZ].why.startswith(f"interface says {verdict}; IPv4: 4 of 4 targets answer")


def test_a_signal_that_is_not_said_again_is_no_evidence_and_recovery_takes_its_time() -> None:
    world = World(policy(), signals=once(signal(DOWN, START + 2), 2)).run(7.0)
    assert world.verdict() is DOWN
    world.run(7 + HEALTH.recover_s - 0.1)
    assert world.verdict() is DOWN
    assert "interface says" not in world.healths()[AZ].why
    world.run(7 + HEALTH.recover_s + 0.1)
    assert world.verdict() is UP


def test_a_witness_takes_back_what_it_said_and_nobody_elses_word() -> None:
    said = [signal(DOWN, START), signal(DEGRADED, START, kind="prefixes"), signal(UP, START + 1)]
    state = step(initial(policy(), START), (), (session(True, START),), START + 1, said)
    assert [each.kind for each in state.families[AZ, Family.IPV4].facts.signals] == ["prefixes"]


def test_an_older_word_never_replaces_a_newer_one() -> None:
    world = World(policy(), signals=once(signal(UP, START + 2.5), 2.5)).run(3)
    world.signals = once(signal(DOWN, START + 2), 3)
    assert world.run(4).verdict() is UP


def test_a_signal_on_one_family_leaves_the_other_alone() -> None:
    both = policy(replace(HEALTH, targets=(*V4[:3], *V6[:3])), families=tuple(Family))
    world = World(both, signals=once(signal(DEGRADED, START + 2, family=Family.IPV6), 2)).run(3)
    found: Health = world.healths()[AZ]
    assert {f: each.verdict for f, each in found.families.items()} == {Family.IPV4: UP, Family.IPV6: DEGRADED}
    assert found.why.startswith("IPv6: interface says degraded, 3 of 3 targets answer")


def test_a_degraded_link_of_which_nothing_else_is_known_is_not_said_to_be_usable() -> None:
    assert (
        World(policy(), paths=[GE], signals=once(signal(DEGRADED, START + 1), 1)).run(2).verdict() is UNKNOWN
    )
    assert World(policy(), paths=[GE], signals=once(signal(DOWN, START + 1), 1)).run(2).verdict() is DOWN


def test_a_good_signal_does_not_make_silent_targets_answer() -> None:
    world = World(policy(), silence(AZ, None, 1.0), signals=once(signal(UP, START + 2, fresh_s=60), 2)).run(4)
    assert world.verdict() is DOWN


def test_where_nothing_is_probed_a_good_signal_is_evidence_as_long_as_it_is_fresh() -> None:
    unprobed = policy(replace(HEALTH, targets=()))
    state = step(initial(unprobed, START), (), (), START, [signal(UP, START)])
    assert health(state, START)[AZ].verdict is UP
    assert state.next_deadline == START + 5
    assert health(step(state, (), (), START + 5), START + 5)[AZ].verdict is UNKNOWN


def test_what_is_known_of_signals_stays_bounded() -> None:
    state = initial(policy(), START)
    for number in range(200):
        said = signal(DEGRADED, START + number, kind=f"kind {number}")
        state = step(state, (), (), START + number, [said])
    assert len(state.families[AZ, Family.IPV4].signals) <= 6  # those of the last five seconds

"""Targets that lose through every link alike are left out and named; those that lose through some are not."""

from __future__ import annotations

import random
from dataclasses import replace
from ipaddress import ip_address

import pytest

from controller.core.blame import to_blame
from controller.core.evidence import BUCKETS, LossWindow
from controller.core.model import Address, SampleState, Target, Verdict
from controller.core.target_notes import notices
from tests.unit.detection_world import AZ, GE, HEALTH, V4, Fate, World, policy

OK, LOST = SampleState.OK, SampleState.LOST
FIVE = replace(HEALTH, targets=V4[:5])


def world(fate: Fate) -> World:
    return World(policy(FIVE), fate)


def limited(targets: tuple[Address, ...], a_second: int, since: float = 0.0) -> Fate:
    """These targets answer so many probes a second, whoever asks: a token bucket, as nft's ``limit rate`` is."""
    tokens: dict[Target, tuple[float, float]] = {}

    def fate(path: str, target: Target, at: float) -> SampleState:
        if target not in targets or at < since:
            return OK
        left, last = tokens.get(target, (float(a_second) / 4, since))
        left = min(left + (at - last) * a_second, a_second / 4)
        tokens[target] = (left - 1 if left >= 1 else left, at)
        return OK if left >= 1 else LOST

    return fate


def lossy(share: float, targets: tuple[Address, ...], *links: str) -> Fate:
    """These targets lose so much through these links, by chance."""
    dice = random.Random(5)

    def fate(path: str, target: Target, at: float) -> SampleState:
        return LOST if target in targets and path in links and dice.random() < share else OK

    return fate


def told(w: World) -> list[str]:
    return [notice.text for notice in notices(w.state)]


def test_a_target_that_limits_icmp_is_named_left_out_and_moves_nothing() -> None:
    w = world(limited((V4[0],), 8)).run(60)
    assert w.went(AZ) == w.went(GE) == [Verdict.UP]
    (text,) = told(w)
    assert text == (
        "target 198.51.100.1 answers 8 of our 20 probes a second and no more: it limits ICMP; "
        "it is not counted while it does"
    )
    assert all(health.families[f].targets == 4 for health in w.healths().values() for f in health.families)


def test_two_targets_that_limit_icmp_convict_no_link_of_five() -> None:
    w = world(limited(V4[:2], 8)).run(90)
    assert w.went(AZ) == w.went(GE) == [Verdict.UP]
    assert len(told(w)) == 2


def test_a_target_that_loses_by_chance_through_every_link_is_named_so() -> None:
    w = world(lossy(0.3, (V4[2],), AZ, GE)).run(60)
    assert w.went(AZ) == w.went(GE) == [Verdict.UP]
    (text,) = told(w)
    assert text.startswith("target 198.51.100.3 loses ")
    assert "% through every link alike, which the others do not; it is not counted" in text


def test_a_target_that_is_well_again_counts_again() -> None:
    w = world(limited((V4[0],), 8)).run(30)
    assert told(w) != []
    w.fate = lambda *_: OK
    assert told(w.run(45)) == []
    assert all(health.families[f].targets == 5 for health in w.healths().values() for f in health.families)


@pytest.mark.parametrize(
    "fate",
    [
        lossy(0.3, V4[:1], AZ),  # through one link only: it may be the link's way there
        lossy(0.3, V4[:5], AZ, GE),  # all of them: not one target's fault
        lossy(0.3, V4[:5], AZ),
        lossy(0.01, V4[:5], AZ, GE),
    ],
)
def test_nobody_is_blamed_for_what_links_or_all_targets_have(fate: Fate) -> None:
    w = world(fate)
    for until in range(5, 60, 5):
        assert not any(w.run(until).state.blamed.values())


def test_a_lossy_link_is_found_though_a_target_is_left_out() -> None:
    limits, loses = limited((V4[0],), 8), lossy(0.3, V4[1:5], AZ)

    def fate(path: str, target: Target, at: float) -> SampleState:
        return loses(path, target, at) if at > 40 and target != V4[0] else limits(path, target, at)

    w = world(fate).run(60)
    assert w.verdict(AZ) is Verdict.DEGRADED
    assert w.verdict(GE) is Verdict.UP


def test_a_target_silent_through_every_link_is_told_of_too() -> None:
    w = world(lambda path, target, at: LOST if target == V4[4] and at > 10 else OK).run(20)
    assert told(w) == ["target 198.51.100.5 is silent through every link; it is not counted while it does"]


def test_three_targets_are_never_reduced_further() -> None:
    three = World(policy(replace(HEALTH, targets=V4[:3])), limited((V4[0],), 8)).run(60)
    assert told(three) == []
    assert to_blame([], {ip_address("192.0.2.1"): "loses"}) == {}


def test_one_link_may_get_all_its_answers_from_a_target_that_limits_icmp() -> None:
    """Evenly spaced probes of several links and a limit's even tokens meet in a pattern, not by chance."""

    def window(answered: int, lost: int) -> LossWindow:
        past = ((answered, lost),) * (BUCKETS - 1)
        return LossWindow(9, answered, lost, past, 9 * answered, 9 * lost)

    well: dict[Target, LossWindow] = dict.fromkeys(V4[1:4], window(10, 0))
    starved: dict[Target, LossWindow] = {V4[0]: window(1, 9), **well}
    lucky: dict[Target, LossWindow] = {V4[0]: window(10, 0), **well}
    assert to_blame([starved, starved, starved, lucky], {}) == {
        V4[0]: "answers 13 of our 40 probes a second and no more: it limits ICMP"
    }
    assert to_blame([starved, starved, lucky, lucky], {}) == {}
    assert to_blame([starved, lucky], {}) == {}

"""What a link's own history changes in the verdict: targets that are gone there, bursts that it always has."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.detect import initial, remembered
from controller.core.detect_learn import GONE_S
from controller.core.grey_threshold import LEVELS, Calibrator
from controller.core.model import SampleState, Target, Verdict
from controller.core.silence import UNIT_S
from controller.core.target_notes import notes
from tests.unit.detection_world import AZ, GE, HEALTH, START, V4, World, policy

DAY_S = 86400.0
DEAD, SECOND = V4[0], V4[1]
THREE = replace(HEALTH, targets=V4[:3])


def burst(begins: float, lasts_s: float = 1.0) -> World:
    """Three targets; one is dead through one link from 5 s on, a second is silent there for a moment."""

    def fate(path: str, target: Target, at: float) -> SampleState:
        dead = target == DEAD and at >= 5.0
        silent = target == SECOND and begins <= at < begins + lasts_s
        return SampleState.LOST if path == AZ and (dead or silent) else SampleState.OK

    return World(policy(THREE), fate)


def test_a_target_gone_from_one_link_leaves_the_verdict_to_no_other_single_one() -> None:
    world = burst(5.0 + GONE_S + 5.0).run(30.0)
    assert Verdict.DOWN not in {verdict for _, path, verdict in world.verdicts if path == AZ}


def test_until_it_is_gone_for_good_two_silent_targets_of_three_are_a_dead_link() -> None:
    world = burst(6.0).run(12.0)
    assert Verdict.DOWN in {verdict for _, path, verdict in world.verdicts if path == AZ}


def test_a_link_that_dies_with_one_target_gone_is_found_dead_as_soon_as_ever() -> None:
    def fate(path: str, target: Target, at: float) -> SampleState:
        return SampleState.LOST if path == AZ and (target == DEAD or at >= 30.0) else SampleState.OK

    world = World(policy(THREE), fate).run(40.0)
    fell = [at for at, path, verdict in world.verdicts if path == AZ and verdict is Verdict.DOWN]
    assert fell == [pytest.approx(30.4, abs=0.15)]
    assert world.verdict() is Verdict.DOWN  # and stays so: nobody goes on a path that is silent itself


def test_who_is_gone_is_named_and_counts_again_by_answering() -> None:
    def fate(path: str, target: Target, at: float) -> SampleState:
        gone = path == AZ and target == DEAD and 5.0 <= at < 40.0
        return SampleState.LOST if gone else SampleState.OK

    world = World(policy(THREE), fate).run(30.0)
    assert notes(world.state, world.now) == {(AZ, str(DEAD)): "not counted: silent here alone for 25 s"}
    assert world.healths()[AZ].why.startswith("IPv4: 2 of 2 targets answer")
    world.run(42.0)
    assert notes(world.state, world.now) == {}
    assert world.healths()[AZ].why.startswith("IPv4: 3 of 3 targets answer")


@pytest.mark.parametrize(("targets", "lost"), [(3, 2), (5, 3)])
def test_a_link_that_loses_its_targets_one_after_another_is_dead_though(targets: int, lost: int) -> None:
    def fate(path: str, target: Target, at: float) -> SampleState:
        place = V4.index(target)
        return (
            SampleState.LOST if path == AZ and place < lost and at >= 5.0 + 15.0 * place else SampleState.OK
        )

    last = 5.0 + 15.0 * (lost - 1)
    world = World(policy(replace(HEALTH, targets=V4[:targets])), fate).run(last + GONE_S)
    assert world.verdict() is Verdict.UP
    world.run(last + GONE_S + 1.0)
    assert world.verdict() is Verdict.DOWN
    assert world.run(last + 30.0).verdict() is Verdict.DOWN


# --- bursts ------------------------------------------------------------------------------------


def dark_from(begins: float, lasts_s: float) -> World:
    """One link is dark for so long; it remembers a fortnight of bursts of a tenth of a second above 0.9 s."""

    def fate(path: str, target: Target, at: float) -> SampleState:
        silent = path == AZ and begins <= at < begins + lasts_s
        return SampleState.LOST if silent else SampleState.OK

    world = World(policy(), fate)
    bursty = Calibrator(20 * DAY_S, tuple(100 if level < 18 else 0 for level in LEVELS))
    world.state = initial(
        world.policy, START, {f"silence/{AZ}/ipv4": {"unit_s": UNIT_S, **bursty.to_plain()}}
    )
    return world


def test_a_link_of_many_bursts_rides_out_those_and_no_longer() -> None:
    stretched = dark_from(5.0, 0.0).state.ride_outs()
    (ridden,) = (each for key, each in stretched.items() if key[0] == AZ)
    assert 0.9 < ridden.ride_out_s < 2.0
    assert all(not each.stretched for key, each in stretched.items() if key[0] == GE)
    assert dark_from(5.0, 0.85).run(8.0).verdict() is Verdict.UP
    world = dark_from(5.0, 10.0).run(10.0)
    (fell,) = (at for at, path, verdict in world.verdicts if path == AZ and verdict is Verdict.DOWN)
    assert fell == pytest.approx(5.0 + ridden.ride_out_s, abs=0.15)


def test_bursts_are_learnt_remembered_and_suspected_as_soon_as_ever() -> None:
    def fate(path: str, target: Target, at: float) -> SampleState:
        silent = path == AZ and 0.0 <= at % 70.0 - 60.0 < 0.9
        return SampleState.LOST if silent else SampleState.OK

    world = World(policy(), fate, tick_s=0.05).run(365.0)
    kept = Calibrator.from_plain(remembered(world.state)[f"silence/{AZ}/ipv4"])
    assert kept.crossings[: 17 - LEVELS[0]] == (5,) * (17 - LEVELS[0])  # five bursts, of 0.85 s at least
    assert kept.crossings[-1] == 0
    assert kept.observed_s == pytest.approx(365, abs=65)
    other = Calibrator.from_plain(remembered(world.state)[f"silence/{GE}/ipv4"])
    assert set(other.crossings) == {0}


def test_a_history_out_of_shape_is_named_and_learnt_afresh() -> None:
    state = initial(policy(), START, {f"silence/{AZ}/ipv4": {"observed_s": -1}})
    assert f"silence/{AZ}/ipv4" in state.unreadable
    assert all(not each.stretched for each in state.ride_outs().values())

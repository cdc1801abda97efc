"""A path that loses most is found as soon as one that loses some, and a few answers do not hide it."""

from __future__ import annotations

import random
from dataclasses import replace
from ipaddress import ip_address
from statistics import median

import pytest

from controller.core.detect import health, initial, step
from controller.core.evidence import NEEDED, Patience, Rhythm, TargetRecord, Voice, voice
from controller.core.grey_threshold import formula_threshold
from controller.core.model import Family, Sample, SampleState, Target, Verdict
from tests.unit.detection_world import AZ, HEALTH, START, World, policy
from tests.unit.paced_world import RIDE_OUT_S, PacedWorld

INTERVAL_S = 0.1
PATIENCE = Patience(RIDE_OUT_S / 2, RIDE_OUT_S)
RHYTHM = Rhythm(INTERVAL_S, timeout_s=0.3, fresh_s=2.0)
TARGET = ip_address("198.51.100.1")
CALM_S = 3.0
RTT_S = 0.01


def heard(results: str, rhythm: Rhythm = RHYTHM) -> tuple[TargetRecord, float]:
    """A target that answered once, then did as the letters say, ``.`` an answer and ``x`` none; and the moment."""
    record = TargetRecord(rhythm)
    for number, letter in enumerate("." + results):
        at = number * rhythm.interval_s
        record.note(Sample(AZ, TARGET, number, at, SampleState.SENT), PATIENCE, at)
        if letter == ".":
            record.note(Sample(AZ, TARGET, number, at, SampleState.OK, 1000 * RTT_S), PATIENCE, at + RTT_S)
    return record, len(results) * rhythm.interval_s


def silent_s(results: str) -> float:
    record, last = heard(results)
    return last - record.since


@pytest.mark.parametrize(
    ("results", "expected_s"),
    [
        ("....", 0.0),
        ("xxx", 0.3),
        ("xxx.", 0.2),  # three lost, one back
        ("xx.xx.xx", 0.4),
        ("x.x.x.x.", 0.0),  # half is too little ever to add up
        ("xx....", 0.0),
        ("x" * 100 + ".", RIDE_OUT_S - 2 * INTERVAL_S),  # however long it was, so many answers end it
    ],
)
def test_an_answer_takes_back_as_much_silence_as_it_stands_for(results: str, expected_s: float) -> None:
    assert silent_s(results) == pytest.approx(expected_s, abs=1e-9)


def test_an_answer_ends_the_silence_of_a_target_that_is_probed_too_rarely_to_tell() -> None:
    record, _ = heard("xx.", Rhythm(1.0, timeout_s=0.3, fresh_s=10.0))
    assert record.since >= 2.0


@pytest.mark.parametrize("loss", [0.55, 0.65, 0.75, 0.85, 0.95])
@pytest.mark.parametrize("adaptive", [True, False], ids=["hurried", "at the pace of calm"])
def test_however_heavy_the_loss_it_is_found_within_what_lighter_loss_takes(
    loss: float, adaptive: bool
) -> None:
    threshold = formula_threshold(4 / INTERVAL_S, 1 / 8)  # four targets, half the budget of grey loss
    took = []
    for seed in range(7):
        chance = random.Random(seed)

        def fate(at: float, _: int, chance: random.Random = chance) -> SampleState:
            return SampleState.LOST if at >= CALM_S and chance.random() < loss else SampleState.OK

        world = PacedWorld(fate, targets=4, interval_s=INTERVAL_S, threshold=threshold, adaptive=adaptive)
        world.run(CALM_S + 12, until_alarm=True)
        alarms = [at for at in (world.grey_at, world.silent_at) if at is not None]
        took.append(min(alarms, default=99.0) - CALM_S)
    assert median(took) < (2.5 if adaptive else 5.0), took
    assert max(took) < (4.0 if adaptive else 10.0), took


def test_it_is_said_that_some_answers_came() -> None:
    chance = random.Random(1)

    def fate(path: str, _: Target, at: float) -> SampleState:
        return SampleState.LOST if path == AZ and at > 5 and chance.random() < 0.8 else SampleState.OK

    said = set()
    world = World(policy(), fate).run(5)
    while world.now < START + 15:
        world.tick()
        family = world.healths()[AZ].families[Family.IPV4]
        if family.verdict is Verdict.DOWN:
            said.add(family.why.split(" for ")[0].split(",")[0])
    assert any(each.endswith("targets all but silent") for each in said), said


# --- nobody asked ----------------------------------------------------------------------------------


def test_a_target_whose_replies_were_missing_when_nobody_asked_any_more_is_not_taken_to_answer() -> None:
    record, now = heard("xx")
    later = now + 1.0  # ten intervals
    record.note(Sample(AZ, TARGET, 99, later, SampleState.SENT), PATIENCE, later)
    said = voice(record, PATIENCE, later + RTT_S)
    assert said.voice is Voice.QUIET
    assert said.silent_s < 2 * INTERVAL_S  # conviction counts anew
    record.note(Sample(AZ, TARGET, 99, later, SampleState.OK, 10.0), PATIENCE, later + RTT_S)
    assert voice(record, PATIENCE, later + RTT_S).voice is Voice.ANSWERING


def test_a_target_that_missed_nothing_before_nobody_asked_is_believed_as_before() -> None:
    record, now = heard("..")
    later = now + 1.0
    record.note(Sample(AZ, TARGET, 99, later, SampleState.SENT), PATIENCE, later)
    assert voice(record, PATIENCE, later + RTT_S).voice is Voice.ANSWERING


@pytest.mark.parametrize(("age_s", "stale"), [(0.1, False), (0.2, False), (0.3, True), (5.0, True)])
def test_an_answer_proves_that_a_path_lives_for_less_time_than_a_dead_one_takes_to_be_found(
    age_s: float, stale: bool
) -> None:
    record, now = heard("....")
    assert record.is_stale(PATIENCE, now + age_s) is stale
    assert max(PATIENCE.silent_s - INTERVAL_S, NEEDED * INTERVAL_S) >= 0.3


def test_a_link_that_nobody_asks_is_stale_until_it_answers_again() -> None:
    watched = replace(HEALTH, ride_out_s=RIDE_OUT_S)
    world = World(policy(watched)).run(3)
    assert not world.healths()[AZ].stale
    now = world.now + 0.4
    state = step(world.state, (), (), now)
    assert health(state, now)[AZ].verdict is Verdict.UP
    assert health(state, now)[AZ].stale


def test_a_link_without_targets_is_never_stale() -> None:
    state = initial(policy(replace(HEALTH, targets=())), START)
    assert not any(each.stale for each in health(state, START + 60).values())

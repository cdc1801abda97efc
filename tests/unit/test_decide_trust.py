"""Rule 1: what is seen is doubted before anything is done about it."""

from __future__ import annotations

import pytest

from controller.core.model import USER_PATH, ControlState, Health, Moment, Verdict
from controller.core.policy import decide
from tests.decide_world import (
    AZ,
    CALM,
    DEGRADED,
    DOWN,
    GE1,
    GE2,
    IR,
    LINKS,
    UNKNOWN,
    UP,
    D,
    P,
    policy,
    see,
    world,
)

BAD_VIEW = "every link looks bad at once; suspecting my own view; nothing changed"
NO_DATA = "no fresh data on any link; nothing changed"


@pytest.mark.parametrize(
    ("verdicts", "suspect", "sentence"),
    [
        (dict.fromkeys(LINKS, DOWN), (), BAD_VIEW),
        (dict.fromkeys(LINKS, UNKNOWN), (), NO_DATA),
        ({}, LINKS, BAD_VIEW),
        ({AZ: DOWN}, (GE1, GE2, IR), BAD_VIEW),
        ({AZ: DOWN, GE1: UNKNOWN, GE2: UNKNOWN, IR: UNKNOWN}, (), BAD_VIEW),
        ({AZ: UNKNOWN, GE1: DOWN, GE2: DEGRADED, IR: DOWN}, (GE2,), BAD_VIEW),
    ],
)
def test_nothing_known_to_work_freezes(
    verdicts: dict[str, Verdict], suspect: tuple[str, ...], sentence: str
) -> None:
    decision, _ = decide(policy(), Moment(see(verdicts, suspect=suspect), ControlState(), 0.0, CALM))
    assert decision.frozen
    assert decision.sentence == sentence
    assert decision.assignment == CALM
    assert not decision.escape
    assert {reason.subject for reason in decision.reasons} == set(LINKS)


def test_no_health_at_all_is_no_data() -> None:
    decision, _ = decide(policy(), Moment({}, ControlState(), 0.0, None))
    assert decision.frozen
    assert decision.sentence == NO_DATA


@pytest.mark.parametrize("link", LINKS)
def test_one_sound_link_is_enough_to_trust(link: str) -> None:
    decision, _ = decide(
        policy(), Moment(see({**dict.fromkeys(LINKS, DOWN), link: UP}), ControlState(), 0.0, CALM)
    )
    assert not decision.frozen


@pytest.mark.parametrize(
    ("verdict", "suspect", "told"),
    [
        (UP, False, BAD_VIEW + "; the user path is fine"),
        (UP, True, BAD_VIEW + "; the user path has gone quiet too"),
        (DOWN, False, BAD_VIEW + "; the user path is down too"),
        (UNKNOWN, False, BAD_VIEW),
    ],
)
def test_the_user_path_is_mentioned_when_every_link_looks_bad(
    verdict: Verdict, suspect: bool, told: str
) -> None:
    health = see(dict.fromkeys(LINKS, DOWN)) | {USER_PATH: Health(USER_PATH, verdict, 0.0, "seen", suspect)}
    decision, _ = decide(policy(), Moment(health, ControlState(), 0.0, CALM))
    assert decision.sentence == told


def test_the_link_that_recovers_first_after_an_outage_of_the_controller_wins_nothing() -> None:
    w = world()
    w.turn(dict.fromkeys(LINKS, DOWN))
    assert w.step(30).frozen
    w.turn({IR: UP})
    decision = w.step(20)
    assert decision.frozen
    assert decision.decide_again_at == w.now + 1.5
    w.turn(dict.fromkeys(LINKS, UP))
    assert w.step(0.2).frozen
    assert not w.step(1.5).frozen
    assert w.current == CALM


def test_a_link_that_alone_recovers_is_used_once_the_view_has_settled() -> None:
    w = world()
    w.turn(dict.fromkeys(LINKS, DOWN))
    w.step(30)
    w.turn({IR: UP})
    at = w.step(20).decide_again_at
    assert at is not None
    decision = w.step(at - w.now)
    assert decision.escape
    assert w.of()[IR] == P


def test_an_outage_of_the_controller_makes_no_link_a_repeat_offender() -> None:
    w = world()
    w.turn(dict.fromkeys(LINKS, DOWN))
    w.step(30)
    w.turn(dict.fromkeys(LINKS, UP))
    w.step(30)
    w.step(2)
    assert [memory.failures for memory in w.state.links.values()] == [0, 0, 0, 0]


def test_a_failure_that_outlasts_the_doubt_is_counted_once() -> None:
    w = world()
    w.turn(dict.fromkeys(LINKS, UP), suspect=(GE1, GE2, IR))
    w.turn({AZ: DOWN})
    assert w.step(1).frozen
    w.turn(dict.fromkeys((GE1, GE2, IR), UP))
    assert w.step(1).escape
    w.step(1)
    assert w.state.links[AZ].failures == 1


def test_a_moment_of_suspicion_is_no_outage_to_settle_after() -> None:
    w = world()
    w.turn({GE1: DOWN, GE2: DOWN, IR: DOWN})
    w.step(1)
    w.turn({GE1: UP, GE2: UP, IR: UP})
    w.step(1000)
    w.step(1000)
    w.turn(dict.fromkeys(LINKS, UP), suspect=LINKS)
    assert w.step(1).frozen
    w.turn(dict.fromkeys(LINKS, UP))
    w.turn({AZ: DOWN})
    assert w.step(0.1).escape
    assert w.of()[AZ] == D

"""The place that traffic is to go to is looked at first: what may be losing packets itself is no refuge."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.model import Family, FamilyHealth
from tests.decide_world import AZ, CALM, DEGRADED, DOWN, GE1, GE2, IR, ON_GEORGIA, UP, D, P, World, world


def doubt(w: World, share: float, *links: str) -> None:
    """These links show so much of the evidence that a verdict of loss needs."""
    for name in links:
        part = FamilyHealth(w.health[name].verdict, "", evidence=share * 20.0, threshold=20.0)
        w.health[name] = replace(w.health[name], families={Family.IPV4: part})


def test_a_lossy_path_is_not_left_for_one_that_may_be_losing_too_and_the_sentence_says_so() -> None:
    w = world()
    doubt(w, 0.3, GE1, GE2, IR)
    w.turn({AZ: DEGRADED})
    decision = w.step(1)
    assert w.current == CALM
    (held,) = decision.held
    assert held.move == "azerbaijan -> georgia"
    assert held.why == (
        "georgia is up, but edge1-georgia may be losing packets itself (30% of the evidence that loss needs)"
    )
    assert held.until is None  # what is seen must change, not the time
    assert held.why in decision.sentence
    doubt(w, 0.1, GE1, GE2, IR)
    w.step(1)
    assert w.of()[GE1] == P


def test_a_refuge_that_is_beyond_doubt_is_taken_before_one_that_is_preferred() -> None:
    w = world()
    doubt(w, 0.3, GE1, GE2)
    w.turn({AZ: DEGRADED})
    w.step(1)
    assert w.of()[IR] == P


@pytest.mark.parametrize(("share", "moves"), [(0.24, True), (0.26, False)])
def test_a_quarter_of_the_evidence_is_enough_to_wait(share: float, moves: bool) -> None:
    w = world()
    doubt(w, share, GE1, GE2, IR)
    w.turn({AZ: DEGRADED})
    w.step(1)
    assert (w.current != CALM) is moves


def test_one_link_of_an_upstream_beyond_doubt_is_enough() -> None:
    w = world()
    doubt(w, 0.3, GE1)
    w.turn({AZ: DEGRADED})
    w.step(1)
    assert w.of()[GE2] == P


def test_a_dead_path_is_left_at_once_for_the_best_there_is() -> None:
    w = world()
    doubt(w, 0.3, GE1, GE2, IR)
    w.turn({AZ: DOWN})
    assert w.step(1).escape
    assert w.of()[AZ] == D
    other = world()
    doubt(other, 0.3, GE1, GE2)
    other.turn({AZ: DOWN})
    assert other.step(1).escape
    assert other.of()[IR] == P


def test_traffic_returns_only_to_what_is_beyond_doubt() -> None:
    w = world(current=ON_GEORGIA)
    doubt(w, 0.5, AZ)
    w.step(4000)
    decision = w.step(1)
    assert w.of()[GE1] == P
    assert decision.sentence == (
        "held: residential stays on georgia; azerbaijan is preferred and clean, but edge1-azerbaijan may be "
        "losing packets itself (50% of the evidence that loss needs)"
    )
    doubt(w, 0.0, AZ)
    w.step(1)
    assert w.of()[AZ] == P


def test_what_is_judged_lossy_is_no_doubt_but_a_verdict() -> None:
    assert FamilyHealth(DEGRADED, "", evidence=30.0, threshold=20.0).doubt is None
    assert FamilyHealth(UP, "", evidence=30.0).doubt is None

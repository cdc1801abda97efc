"""What people read: one sentence a decision, and the lines behind it."""

from __future__ import annotations

import pytest

from controller.core.explain import (
    Clause,
    Weight,
    describe_assignment,
    describe_move,
    duration,
    explain,
    names,
    sentence,
)
from tests.decide_world import AZ, CALM, DOWN, GE1, IR, ON_GEORGIA, UNKNOWN, UP, D, P, world


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0 s"),
        (0.42, "0.4 s"),
        (9.99, "9.9 s"),
        (12.9, "12 s"),
        (599.9, "599 s"),
        (600, "10 min"),
        (7199, "119 min"),
        (7200, "2 h"),
        (9000, "2.5 h"),
    ],
)
def test_durations_are_never_rounded_up(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("items", "text"),
    [
        ([], "nothing"),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
    ],
)
def test_lists_of_names_stay_short(items: list[str], text: str) -> None:
    assert names(items) == text


def test_the_heaviest_is_said_first_and_calm_only_when_all_is_calm() -> None:
    clauses = [
        Clause(Weight.CALM, "a", "on x"),
        Clause(Weight.HELD, "b", "stays on y; z is up again"),
        Clause(Weight.ESCAPED, "c", "moved from x to y: x is down"),
        Clause(Weight.HELD, "d", "stays on y; z is up again"),
        Clause(Weight.STUCK, "e", "stays on w"),
    ]
    assert sentence(clauses, ", all links up") == (
        "STUCK: e stays on w; c moved from x to y: x is down; held: b and d stay on y; z is up again"
    )
    assert sentence(clauses[:1], ", all links up") == "nothing to change: a on x, all links up"


def test_a_calm_sentence_counts_links() -> None:
    w = world()
    assert w.step().sentence == "nothing to change: residential on azerbaijan, all 4 links up"
    w.turn({IR: UNKNOWN})
    w.turn({GE1: UP}, suspect=(GE1,))
    assert w.step().sentence == (
        "nothing to change: residential on azerbaijan, 2 of 4 links up "
        "(edge1-georgia up, but suspect and edge2-iran unknown)"
    )


def test_a_move_is_described_link_by_link() -> None:
    before, after = CALM["residential"], ON_GEORGIA["residential"]
    text = (
        "residential: edge1-azerbaijan primary -> drained, edge1-georgia backup -> primary, "
        "edge2-georgia backup -> primary"
    )
    assert describe_move("residential", before, after) == text
    assert describe_assignment(CALM, ON_GEORGIA) == [text]
    assert describe_assignment(CALM, CALM) == []
    assert describe_move("residential", before, before) == "residential: no change"
    assert describe_move("new", {}, {AZ: P, IR: D}) == (
        "new: edge1-azerbaijan unset -> primary, edge2-iran unset -> drained"
    )


def test_an_explanation_has_the_sentence_the_reasons_by_rule_and_the_holds() -> None:
    w = world()
    w.turn({AZ: DOWN})
    assert explain(w.step(1)) == [
        "residential moved from azerbaijan to georgia: azerbaijan is down (edge1-azerbaijan looks down)",
        "eligibility:",
        "  edge1-azerbaijan: down (edge1-azerbaijan looks down): carries nothing",
        "preference:",
        "  residential: possible destinations, best first: georgia (ready), iran (ready)",
        "escape:",
        "  residential: azerbaijan is down (edge1-azerbaijan looks down): a dead path is left at once",
    ]
    w.turn({AZ: UP})
    w.step(1)
    assert explain(w.step(12), w.now)[-1] == (
        "  residential: georgia -> azerbaijan: azerbaijan is up again but clean for only 12 s of 60 s "
        "(for another 587 s)"
    )
    w.turn({AZ: UNKNOWN})
    assert explain(w.step(1))[-1].endswith("(until something is seen to change)")

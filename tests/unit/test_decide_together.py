"""Upstreams that go bad together: a declared risk that struck is named and avoided, an undeclared one suggested."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.model import ControlState, Policy, Preference, Upstream, Verdict
from controller.core.rules.together import FORGOTTEN_S, MOST_PAIRS, Joint, joints, remember
from tests.decide_world import (
    AZ,
    DEGRADED,
    DOWN,
    GE1,
    GE2,
    IR,
    RESIDENTIAL,
    UP,
    World,
    policy,
    traffic_class,
    world,
)


def fail_together(w: World, apart_s: float, verdict: Verdict = DOWN) -> None:
    w.turn({AZ: verdict})
    w.now += apart_s
    w.turn({GE1: verdict, GE2: verdict})


def suggestion(times: int) -> str:
    return f"azerbaijan and georgia have failed together {times} times: consider a shared_risk for them"


def test_a_shared_risk_that_struck_is_named_with_who_went_bad_and_how_far_apart() -> None:
    w = world(shared=True)
    fail_together(w, 0.4)
    decision = w.step()
    told = "azerbaijan and georgia went bad within 0.4 s of each other; both share black-sea"
    assert decision.sentence.endswith(f"; {told}")
    assert [notice.text for notice in decision.notices] == [told]
    assert w.of()[IR].role == "primary"


@pytest.mark.parametrize("apart_s", [0.0, 0.05])
def test_at_the_same_time_is_said_so(apart_s: float) -> None:
    w = world(shared=True)
    fail_together(w, apart_s)
    assert "went bad in the same instant; both share black-sea" in w.step().sentence


@pytest.mark.parametrize("verdicts", [{AZ: DOWN}, {AZ: DOWN, GE1: DOWN}, {AZ: DOWN, IR: DOWN}])
def test_who_fails_alone_or_in_part_or_with_a_stranger_has_no_risk_named(
    verdicts: dict[str, Verdict],
) -> None:
    w = world(shared=True)
    w.turn(verdicts)
    decision = w.step()
    assert "share" not in decision.sentence
    assert decision.notices == ()


def test_minutes_apart_is_not_together() -> None:
    w = world(shared=True)
    fail_together(w, 120.0)
    assert "share" not in w.step().sentence


def test_a_risk_that_struck_is_passed_over_even_where_the_class_did_not_ask_for_disjoint_backups() -> None:
    """A third member of the risk stands before the disjoint upstream in the operator's order."""
    w = world(traffic_class("residential", "azerbaijan", "georgia", "iran"), shared=True)
    before = w.policy
    sea = frozenset({"black-sea"})
    risky = {
        **before.upstreams,
        "iran": Upstream("iran", 64503, "IR"),
        "georgia": replace(before.upstreams["georgia"], shared_risk=sea),
    }
    w.policy = with_fourth(replace(before, upstreams=risky))
    w.health["edge2-turkey"] = replace(w.health[IR], link="edge2-turkey", families={})
    w.step(1)
    fail_together(w, 0.4)
    w.step()
    assert w.of()["edge2-turkey"].role == "backup"
    assert w.of()[IR].role == "primary"


def with_fourth(before: Policy) -> Policy:
    """One more upstream at edge2 that shares the sea, preferred to iran."""
    upstreams = {**before.upstreams, "turkey": Upstream("turkey", 64504, "TR", frozenset({"black-sea"}))}
    link = replace(before.links[IR], name="edge2-turkey", upstream="turkey")
    prefer = Preference(("azerbaijan", "georgia", "turkey", "iran"))
    classes = {"residential": replace(RESIDENTIAL, prefer=prefer)}
    return replace(before, upstreams=upstreams, links={**before.links, link.name: link}, classes=classes)


def test_the_risk_of_one_failure_alone_passes_over_nobody_who_did_not_ask() -> None:
    w = world(shared=True)
    w.policy = with_fourth(w.policy)
    w.health["edge2-turkey"] = replace(w.health[IR], link="edge2-turkey", families={})
    w.step(1)
    w.turn({AZ: DOWN})
    w.step()
    assert w.of()[GE1].role == "primary"


@pytest.mark.parametrize("verdict", [DOWN, DEGRADED])
def test_a_pair_that_declares_nothing_is_suggested_from_the_second_time(verdict: Verdict) -> None:
    w = world()
    for times in (1, 2, 3):
        fail_together(w, 2.0, verdict)
        for _ in range(3):  # the same failure, looked at again, is counted once
            texts = [notice.text for notice in w.step(1).notices]
        assert texts == ([suggestion(times)] if times > 1 else [])
        w.turn({AZ: UP, GE1: UP, GE2: UP})
        w.step(4000)
    assert w.state.together["azerbaijan georgia"].times == 3
    w.policy = replace(w.policy, upstreams=policy(shared=True).upstreams)  # the operator declares it
    assert w.step(1).notices == ()
    assert w.state.together == {}


def test_all_upstreams_at_once_teach_nothing() -> None:
    w = world()
    for _ in range(3):
        fail_together(w, 0.2)
        w.turn({IR: DOWN})
        w.step(1)
        w.turn({AZ: UP, GE1: UP, GE2: UP, IR: UP})
        w.step(4000)
    assert w.state.together == {}


def test_two_upstreams_of_one_router_have_the_router_in_common() -> None:
    w = world()
    links = {name: link for name, link in w.policy.links.items() if name != GE2}
    alone = replace(w.policy, links=links)
    w.turn({AZ: DOWN, GE1: DOWN})
    health = {name: each for name, each in w.health.items() if name != GE2}
    assert joints(alone, health) == []


def test_what_is_remembered_is_bounded_and_forgotten_in_a_season() -> None:
    upstreams = {f"u{n}": Upstream(f"u{n}", 64500 + n) for n in range(40)}
    many = replace(policy(), upstreams=upstreams)
    found = [Joint((f"u{n}", f"u{m}"), 100.0 + n, 0.1, ()) for n in range(40) for m in range(n)]
    known = remember({}, found, many, 200.0)
    assert len(known) == MOST_PAIRS
    assert {pair.split()[0] for pair in known} <= {"u38", "u39"}
    assert remember(known, [], many, 200.0 + FORGOTTEN_S) == {}
    assert ControlState().together == {}

"""Rule 3, placements and first contact: who should carry a class, and what that makes of every link."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from controller.core.model import ControlState, Health, Moment, Placement, Preference, TrafficClass, Verdict
from controller.core.policy import decide
from controller.core.rules.preference import queue
from tests.decide_world import (
    AZ,
    B1,
    B2,
    CALM,
    DEGRADED,
    DOWN,
    GE1,
    GE2,
    IR,
    LINKS,
    RESIDENTIAL,
    STABILITY,
    UNKNOWN,
    UP,
    D,
    P,
    W,
    World,
    policy,
    see,
    traffic_class,
    world,
)

DISJOINT = traffic_class("residential", "azerbaijan", "georgia", "iran", disjoint=True)


@pytest.mark.parametrize("prefer", list(itertools.permutations(["azerbaijan", "georgia", "iran"])))
def test_first_contact_installs_the_operators_order(prefer: tuple[str, ...]) -> None:
    w = World(policy(traffic_class("residential", *prefer)))
    decision = w.step()
    ranks = {prefer[0]: P, prefer[1]: B1, prefer[2]: B2}
    assert w.of() == {link: ranks[link.split("-")[1]] for link in LINKS}
    assert decision.sentence == f"residential installed on {prefer[0]}"
    assert w.state.routine == w.state.escapes == ()
    assert w.state.moved_at == {}


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ({AZ: DOWN}, {AZ: D, GE1: P, GE2: P, IR: B2}),
        ({AZ: DEGRADED}, {AZ: B1, GE1: P, GE2: P, IR: B2}),
        (dict.fromkeys(LINKS, DEGRADED), CALM["residential"]),
        ({AZ: DEGRADED, GE1: DOWN, GE2: DOWN, IR: DOWN}, {AZ: P, GE1: D, GE2: D, IR: D}),
        ({GE1: DOWN}, {AZ: P, GE1: D, GE2: B1, IR: B2}),
        ({GE1: UNKNOWN}, CALM["residential"]),
    ],
)
def test_first_contact_installs_what_health_allows(
    verdicts: dict[str, Verdict], expected: dict[str, Placement]
) -> None:
    decision, _ = decide(policy(), Moment(see(verdicts, since=-100.0), ControlState(), 0.0, None))
    assert decision.assignment == {"residential": expected}


def test_first_contact_waits_for_links_that_are_still_being_looked_at() -> None:
    w = World(policy(), health=see({AZ: UNKNOWN}, since=10_000.0))
    decision = w.step()
    assert w.of() == {}
    assert decision.sentence == "held: residential not installed yet; still looking at edge1-azerbaijan"
    assert decision.decide_again_at == w.now + 8
    w.turn({AZ: UP})
    w.step(1)
    assert w.current == CALM


def test_first_contact_does_not_wait_for_ever() -> None:
    w = World(policy(), health=see({AZ: UNKNOWN}, since=10_000.0))
    at = w.step().decide_again_at
    assert at is not None
    w.step(at - w.now)
    assert w.of()[GE1] == P


def test_first_contact_waits_out_a_moment_of_suspicion_about_the_preferred_upstream() -> None:
    w = World(policy(), health=see(suspect=(AZ,)))
    assert w.step().sentence == "held: residential not installed yet; azerbaijan has gone quiet for a moment"
    w.turn({AZ: UP})
    w.step(0.2)
    assert w.current == CALM


def test_a_link_nobody_measures_is_not_waited_for() -> None:
    health = see()
    del health[AZ]
    decision, _ = decide(policy(), Moment(health, ControlState(), 0.0, None))
    assert decision.assignment["residential"][GE1] == P


def test_a_class_without_any_usable_link_is_not_installed() -> None:
    decision, _ = decide(
        policy(traffic_class("iranian", "iran")), Moment(see({IR: DOWN}), ControlState(), 0.0, None)
    )
    assert decision.assignment == {"iranian": {}}
    assert decision.sentence == "STUCK: iranian has no usable link and nowhere to go; nothing installed"


def test_links_that_run_no_role_policy_yet_are_installed_without_wait_or_cost() -> None:
    moved = ControlState(moved_at={"residential": -1.0}, routine=(-1.0,) * 6)
    seen = {"residential": {AZ: P, GE1: B1}}
    decision, _ = decide(policy(), Moment(see(), moved, 0.0, seen))
    assert decision.assignment == CALM
    assert (
        decision.sentence
        == "residential stays on azerbaijan; edge2-georgia unset -> backup and edge2-iran unset -> backup-2"
    )


def test_a_new_link_of_the_active_upstream_is_no_primary_before_it_is_known() -> None:
    seen = {"residential": {AZ: D, GE1: P, IR: B2}}
    decision, _ = decide(policy(), Moment(see({AZ: DOWN, GE2: UNKNOWN}), ControlState(), 0.0, seen))
    assert decision.assignment["residential"][GE2] == B1


def test_a_class_whose_routers_run_no_primary_is_given_one_without_hold_down() -> None:
    seen = {"residential": dict.fromkeys(LINKS, D)}
    decision, _ = decide(policy(), Moment(see(), ControlState(moved_at={"residential": -1.0}), 0.0, seen))
    assert decision.assignment == CALM
    spent = ControlState(routine=(-1.0,) * 6)
    decision, _ = decide(policy(), Moment(see(), spent, 0.0, seen))
    assert decision.assignment == seen
    assert decision.sentence.startswith("STUCK: residential has no primary; all 6 routine changes")


def test_upstreams_that_a_class_does_not_name_are_withdrawn_for_it() -> None:
    w = world(traffic_class("business", "iran", "georgia"))
    assert w.of("business") == {AZ: W, GE1: B1, GE2: B1, IR: P}


def test_classes_move_on_their_own() -> None:
    w = world(RESIDENTIAL, traffic_class("business", "iran", "georgia"))
    w.turn({AZ: DOWN})
    decision = w.step(1)
    assert w.of("residential")[GE1] == P
    assert w.of("business") == {AZ: W, GE1: B1, GE2: B1, IR: P}
    assert decision.sentence.startswith("residential moved from azerbaijan to georgia")


@pytest.mark.parametrize(
    ("shared", "verdicts", "chosen"),
    [
        (True, {}, IR),
        (False, {}, GE1),
        (True, {IR: DOWN}, GE1),
        (True, {IR: DEGRADED}, GE1),
        (True, {IR: UNKNOWN}, GE1),
    ],
)
def test_a_backup_that_shares_the_failed_thing_is_none_while_a_disjoint_one_is_up(
    shared: bool, verdicts: dict[str, Verdict], chosen: str
) -> None:
    w = world(DISJOINT, shared=shared)
    w.turn({AZ: DOWN, **verdicts})
    w.step(1)
    assert w.of()[chosen] == P


def test_shared_risk_matters_only_to_classes_that_ask_for_it() -> None:
    w = world(RESIDENTIAL, shared=True)
    w.turn({AZ: DOWN})
    w.step(1)
    assert w.of()[GE1] == P


@pytest.mark.parametrize("hidden", [frozenset(), frozenset({"edge1"})])
def test_a_class_on_its_way_back_does_not_visit_a_third_upstream(hidden: frozenset[str]) -> None:
    w = world(DISJOINT, shared=True, stability=replace(STABILITY, hold_down_s=0))
    w.turn({AZ: DOWN})
    w.step(1)
    w.step(1000)
    w.unreachable = hidden
    w.turn({AZ: UP})
    seen = []
    for n in range(200):
        if n == 100:
            w.unreachable = frozenset()
        w.step(10)
        seen += [link for link, placement in w.of().items() if placement == P]
    assert set(seen) == {IR, AZ}
    assert seen[-1] == AZ


@pytest.mark.parametrize("active", ["azerbaijan", "georgia", "iran"])
@pytest.mark.parametrize("disjoint", [True, False])
def test_the_rank_of_backups_is_the_order_in_which_decide_would_choose_them(
    active: str, disjoint: bool
) -> None:
    """BGP follows the ranks by itself when a session drops; the decision that follows must not undo that."""
    others = [name for name in ("azerbaijan", "georgia", "iran") if name != active]
    wanted = replace(DISJOINT, prefer=Preference((active, *others)), backups_disjoint=disjoint)
    w = world(wanted, shared=True)
    w.turn({link: DOWN for link in LINKS if link.endswith(active)})
    first = min(
        (placement for placement in w.of().values() if placement.role == "backup"), key=lambda p: p.rank
    )
    heir = {link for link, placement in w.of().items() if placement == first}
    w.step(1)
    assert {link for link, placement in w.of().items() if placement == P} == heir


def test_ranks_depend_on_nothing_but_the_active_upstream() -> None:
    both = policy(DISJOINT, shared=True)
    assert queue(both, DISJOINT, "azerbaijan") == {"iran": 1, "georgia": 2}
    assert queue(both, DISJOINT, "georgia") == {"azerbaijan": 1, "iran": 2}
    assert queue(both, DISJOINT, "iran") == {"azerbaijan": 1, "georgia": 2}
    assert queue(both, RESIDENTIAL, "azerbaijan") == {"georgia": 1, "iran": 2}


def test_one_move_serves_where_two_preferred_upstreams_return_together() -> None:
    eager = replace(STABILITY, hold_down_s=0)
    w = world(stability=eager)
    w.turn({AZ: DOWN, GE1: DOWN, GE2: DOWN})
    w.step(1)
    w.turn({GE1: UP, GE2: UP})
    w.step(1)
    w.turn({AZ: UP})
    w.step(2)
    carriers = []
    for _ in range(80):
        w.step(1)
        carriers.append(sorted(link for link, placement in w.of().items() if placement == P))
    assert [GE1, GE2] not in carriers
    assert carriers[-1] == [AZ]


def test_what_a_reloaded_policy_no_longer_knows_is_ignored() -> None:
    seen = {"gone": {AZ: P}, "residential": {**CALM["residential"], "edge9-gone": P}}
    decision, state = decide(policy(), Moment(see(), ControlState(moved_at={"gone": 1.0}), 10.0, seen))
    assert decision.assignment == CALM
    frozen, _ = decide(policy(), Moment({}, state, 10.0, seen))
    assert frozen.assignment == CALM
    assert set(state.links) == set(LINKS)
    assert state.moved_at == {}


def test_a_policy_that_drops_the_active_upstream_moves_the_class_by_one_routine_change() -> None:
    w = world()
    w.policy = policy(traffic_class("residential", "georgia", "iran"))
    w.step(1)
    assert w.of() == {AZ: W, GE1: P, GE2: P, IR: B1}
    assert len(w.state.routine) == 1


def test_health_of_links_the_policy_does_not_know_is_ignored() -> None:
    health = see() | {"edge9-gone": Health("edge9-gone", DOWN, 0.0, "gone")}
    decision, _ = decide(policy(), Moment(health, ControlState(), 0.0, CALM))
    assert decision.sentence == "nothing to change: residential on azerbaijan, all 4 links up"


def test_a_policy_without_classes_changes_nothing() -> None:
    empty: dict[str, TrafficClass] = {}
    decision, _ = decide(replace(policy(), classes=empty), Moment(see(), ControlState(), 0.0, {}))
    assert decision.assignment == {}
    assert decision.sentence == "nothing to change: the policy names no traffic class"

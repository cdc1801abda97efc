"""Rule 4, will it fit: room, importance, congestion, dependence; and a dead path is left all the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from controller.core.model import Decision, Limits, OrderKind, Override, Traffic, TrafficClass
from controller.core.rules.congestion import HELD_S
from controller.core.shares import SETTLE_S
from tests.decide_world import AZ, DEGRADED, DOWN, GE1, GE2, IR, UP, World, policy, traffic_class

G = 1e9


def sized(name: str, load: float | None, *prefer: str, importance: int = 0) -> TrafficClass:
    chosen = prefer or ("azerbaijan", "georgia", "iran")
    return replace(
        traffic_class(name, *chosen), load_bps=None if load is None else load * G, importance=importance
    )


def network(
    *classes: TrafficClass,
    limits: Limits | None = None,
    links: Mapping[str, float] | None = None,
    **capacities: float,
) -> World:
    """Watched for hours, in calm. Gbit/s; nothing is left free unless ``limits`` say so."""
    made = policy(*classes, shared=True)
    upstreams = {
        name: replace(each, capacity_bps=capacities[name] * G if name in capacities else None)
        for name, each in made.upstreams.items()
    }
    ways = {
        name: replace(each, capacity_bps=links[name] * G if links and name in links else None)
        for name, each in made.links.items()
    }
    w = World(replace(made, upstreams=upstreams, links=ways, limits=limits or Limits(headroom=0.0)))
    w.step()
    w.step(7200)
    return w


def on(w: World, name: str = "a") -> str:
    (found,) = {w.policy.links[link].upstream for link, each in w.of(name).items() if each.role == "primary"}
    return found


def fill(
    w: World, measured: Mapping[str, float], *, full: Mapping[str, float] | None = None, **peaks: float
) -> None:
    """What is measured now; ``full``: for so many seconds."""
    w.traffic = Traffic(
        links={link: bps * G for link, bps in measured.items()},
        classes={name: bps * G for name, bps in peaks.items()},
        full_since={name: w.now - for_s for name, for_s in (full or {}).items()},
    )


def why(decision: Decision, name: str = "a") -> list[str]:
    return [held.why for held in decision.held if held.traffic_class == name]


def test_an_escape_goes_past_what_is_too_small_to_what_has_room() -> None:
    w = network(sized("a", 40), georgia=30, iran=50)
    w.turn({AZ: DOWN})
    w.step()
    assert on(w) == "iran"


def test_without_capacities_or_loads_the_order_of_preference_alone_counts() -> None:
    for w in (network(sized("a", 40)), network(sized("a", None), georgia=30, iran=50)):
        w.turn({AZ: DOWN})
        w.step()
        assert on(w) == "georgia"


def test_where_nothing_has_room_a_dead_path_is_left_at_once_for_what_has_the_most() -> None:
    w = network(sized("a", 40), georgia=10, iran=20)
    w.turn({AZ: DOWN})
    decision = w.step()
    assert on(w) == "iran"
    assert decision.escape
    assert decision.sentence.startswith("a moved from azerbaijan to iran: azerbaijan is down")
    assert "iran has no room: it would carry 40 of 20 Gbit/s" in decision.sentence


def test_headroom_is_left_free() -> None:
    w = network(sized("a", 28), limits=Limits(headroom=0.1), georgia=30, iran=50)
    w.turn({AZ: DOWN})
    w.step()
    assert on(w) == "iran"


def test_an_upstream_carries_what_its_living_links_do_together() -> None:
    both = {GE1: 25.0, GE2: 25.0}
    w = network(sized("a", 40), links=both, iran=50)
    w.turn({AZ: DOWN})
    w.step()
    assert on(w) == "georgia"
    w = network(sized("a", 40), links=both, iran=50)
    w.turn({AZ: DOWN, GE1: DOWN})
    w.step()
    assert on(w) == "iran"


def test_a_link_of_unknown_capacity_makes_the_sum_unknown_and_holds_nothing_back() -> None:
    w = network(sized("a", 40), links={GE1: 25.0}, iran=50)
    w.turn({AZ: DOWN})
    w.step()
    assert on(w) == "georgia"


def test_classes_that_flee_together_share_what_there_is_in_the_order_of_the_policy() -> None:
    w = network(sized("a", 20), sized("b", 20), georgia=30, iran=30)
    w.turn({AZ: DOWN})
    w.step()
    assert (on(w, "a"), on(w, "b")) == ("georgia", "iran")


def test_the_more_important_class_is_given_room_first() -> None:
    w = network(sized("a", 20), sized("b", 20, importance=1), georgia=30, iran=30)
    w.turn({AZ: DOWN})
    w.step()
    assert (on(w, "a"), on(w, "b")) == ("iran", "georgia")


def test_what_is_measured_at_the_peak_of_the_last_hour_counts_more_than_what_is_expected() -> None:
    w = network(sized("a", 40), georgia=30, iran=50)
    fill(w, {}, a=20)
    w.turn({AZ: DOWN})
    w.step()
    assert on(w) == "georgia"


def test_what_others_send_there_takes_room_too() -> None:
    w = network(sized("a", 20), georgia=30, iran=50)
    w.traffic = Traffic(others={"georgia": 15 * G})
    w.turn({AZ: DOWN})
    w.step()
    assert on(w) == "iran"


def test_a_fail_back_to_where_there_is_no_room_is_held_with_figures() -> None:
    w = network(sized("a", 30), sized("b", 30, "azerbaijan", "iran"), azerbaijan=50, georgia=60)
    assert (on(w, "a"), on(w, "b")) == ("azerbaijan", "iran")
    decision = w.step(4000)
    assert on(w, "b") == "iran"
    assert why(decision, "b") == ["azerbaijan has no room: it would carry 60 of 50 Gbit/s"]
    assert (
        decision.sentence == "held: b stays on iran; azerbaijan has no room: it would carry 60 of 50 Gbit/s"
    )
    fill(w, {}, a=30, b=15)
    w.step(10)
    assert on(w, "b") == "azerbaijan"


def test_where_the_first_choice_has_no_room_the_second_is_returned_to() -> None:
    w = network(sized("a", 30), sized("b", 30), azerbaijan=50, georgia=50, iran=50)
    assert (on(w, "a"), on(w, "b")) == ("azerbaijan", "georgia")
    w.turn({GE1: DOWN, GE2: DOWN})
    w.step()
    assert on(w, "b") == "iran"
    w.turn({GE1: UP, GE2: UP})
    w.step(5)
    w.step(1000)
    assert on(w, "b") == "georgia"


def test_too_small_is_no_reason_to_stay_where_it_is_smaller_still() -> None:
    w = network(sized("a", 40), azerbaijan=100, georgia=30, iran=20)
    w.turn({AZ: DOWN, GE1: DOWN, GE2: DOWN})
    w.step()
    assert on(w) == "iran"
    w.turn({GE1: UP, GE2: UP})
    w.step(5)
    w.step(1000)
    assert on(w) == "georgia"


def test_a_lossy_path_is_not_left_for_one_without_room() -> None:
    w = network(sized("a", 40), azerbaijan=100, georgia=30, iran=20)
    w.turn({AZ: DEGRADED})
    decision = w.step()
    assert on(w) == "azerbaijan"
    assert why(decision) == ["georgia has no room: it would carry 40 of 30 Gbit/s"]


def test_people_who_pin_a_class_are_obeyed_whatever_room_there_is() -> None:
    w = network(sized("a", 40), azerbaijan=100, georgia=30)
    w.overrides = (Override(1, OrderKind.PIN, "a", "georgia", "ann", "test", w.now, None),)
    w.step()
    assert on(w) == "georgia"


def congested() -> World:
    """Two classes on a full first choice, the other two upstreams idle."""
    w = network(sized("a", 30, importance=1), sized("b", 20), azerbaijan=60, georgia=25, iran=60)
    assert (on(w, "a"), on(w, "b")) == ("azerbaijan", "azerbaijan")
    fill(w, {AZ: 65.0}, full={"azerbaijan": HELD_S}, a=45, b=20)
    return w


def test_of_what_fills_a_path_for_a_minute_the_least_important_class_makes_room() -> None:
    w = congested()
    fill(w, w.traffic.links and {AZ: 65.0}, full={"azerbaijan": HELD_S - 1}, a=45, b=20)
    decision = w.step()
    assert on(w, "b") == "azerbaijan"
    assert decision.decide_again_at == pytest.approx(w.now + 1)
    decision = w.step(1)
    assert (on(w, "a"), on(w, "b")) == ("azerbaijan", "georgia")
    assert decision.sentence.startswith(
        "b moved from azerbaijan to georgia: azerbaijan is full: it carries 65 of 60 Gbit/s, for 60 s"
    )
    assert not decision.escape
    assert len(w.state.routine) == 1


def test_a_class_that_fits_nowhere_else_is_passed_over_for_the_next() -> None:
    w = network(sized("a", 20, importance=1), sized("b", 45), azerbaijan=60, georgia=25, iran=30)
    fill(w, {AZ: 65.0}, full={"azerbaijan": 100}, a=20, b=45)
    w.step()
    assert (on(w, "a"), on(w, "b")) == ("georgia", "azerbaijan")


def test_where_nobody_can_make_room_people_are_told_and_nothing_moves() -> None:
    w = network(sized("a", 20), sized("b", 45), azerbaijan=60, georgia=15, iran=10)
    fill(w, {AZ: 65.0}, full={"azerbaijan": 100}, a=20, b=45)
    before = w.current
    decision = w.step()
    assert w.current == before
    assert [notice.text for notice in decision.notices] == [
        "azerbaijan is full: it carries 65 of 60 Gbit/s, for 100 s; no class that is there fits elsewhere"
    ]


def test_after_a_move_it_is_seen_first_what_it_brought() -> None:
    w = congested()
    w.step()
    assert on(w, "b") == "georgia"
    for _ in range(3):
        w.step(SETTLE_S / 4)
        assert on(w, "a") == "azerbaijan"  # still measured as full, and not acted upon


def test_two_full_links_do_not_throw_a_class_from_one_to_the_other() -> None:
    w = congested()
    w.step()
    fill(w, {AZ: 62.0, GE1: 13.0, GE2: 13.0}, full={"azerbaijan": 300, "georgia": 300}, a=62, b=26)
    w.policy = replace(
        w.policy,
        upstreams={**w.policy.upstreams, "iran": replace(w.policy.upstreams["iran"], capacity_bps=10 * G)},
    )
    before = w.current
    for _ in range(20):
        w.step(700)
        assert w.current == before


def test_routine_moves_to_make_room_wait_for_hold_down_and_budget() -> None:
    w = congested()
    w.policy = replace(w.policy, stability=replace(w.policy.stability, hold_down_s=1000))
    w.state = replace(w.state, moved_at={"b": w.now - 500})
    decision = w.step()
    assert on(w, "b") == "azerbaijan"
    assert "hold-down" in why(decision, "b")[0]
    w.step(501)
    assert on(w, "b") == "georgia"


def test_a_pinned_class_makes_no_room() -> None:
    w = congested()
    w.overrides = (Override(1, OrderKind.PIN, "b", "azerbaijan", "ann", "test", w.now, None),)
    w.step()
    assert (on(w, "a"), on(w, "b")) == ("iran", "azerbaijan")


def test_a_full_path_takes_nobody_in_whatever_is_forecast() -> None:
    w = network(sized("a", 10), georgia=100, iran=100)
    fill(w, {GE1: 101.0}, full={"georgia": 5}, a=1)
    w.turn({AZ: DOWN})
    w.step()
    assert on(w) == "iran"


SEA = Limits(headroom=0.0, dependence={"black-sea": 0.7})


def test_no_more_than_a_share_of_all_traffic_is_put_on_one_risk_while_another_path_can_carry_it() -> None:
    w = network(sized("a", 60), sized("b", 40), limits=SEA)
    assert (on(w, "a"), on(w, "b")) == ("azerbaijan", "iran")
    decision = w.step(4000)
    assert why(decision, "b") == ["100% of all traffic would depend on black-sea, and 70% may"]


def test_a_country_or_an_owner_is_something_to_depend_on_too() -> None:
    for subject in ("country AZ", "owner carrier-a"):
        made = network(sized("a", 60), sized("b", 40)).policy
        upstreams = {**made.upstreams, "azerbaijan": replace(made.upstreams["azerbaijan"], owner="carrier-a")}
        w = World(replace(made, upstreams=upstreams, limits=Limits(dependence={subject: 0.7})))
        w.step()
        assert (on(w, "a"), on(w, "b")) == ("azerbaijan", "georgia")


def test_where_nothing_else_is_left_the_limit_gives_way() -> None:
    w = network(sized("a", 60), sized("b", 40), limits=SEA)
    w.turn({IR: DOWN})
    w.step()
    assert (on(w, "a"), on(w, "b")) == ("azerbaijan", "azerbaijan")


def test_what_depends_too_much_on_one_risk_is_spread_once_another_path_is_back() -> None:
    w = network(sized("a", 60), sized("b", 40), limits=SEA)
    w.turn({IR: DOWN})
    w.step()
    w.turn({IR: UP})
    decision = w.step(5)
    assert on(w, "b") == "azerbaijan"
    decision = w.step(1000)
    assert (on(w, "a"), on(w, "b")) == ("azerbaijan", "iran")
    assert "100% of all traffic depends on black-sea, and 70% may" in decision.sentence


def test_where_what_some_class_carries_is_unknown_no_share_is_known() -> None:
    w = network(sized("a", 60), sized("b", None), limits=SEA)
    assert (on(w, "a"), on(w, "b")) == ("azerbaijan", "azerbaijan")

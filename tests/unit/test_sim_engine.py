"""Scenarios on virtual time: what is decided when, and what users get of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.model import Family, Preference
from controller.core.promise import by_formula
from controller.sim.engine import PUSH_S, READ_S, RETRY_S
from controller.watch import LoopSettings
from tests.unit.sim_world import play, pushed, sample

CLASS = "residential"


def test_calm_moves_nothing() -> None:
    run = play("lasts: 30d\n")
    assert run.moves == []
    assert run.availability(CLASS) == 1
    assert run.minutes(CLASS) == {"azerbaijan": 30 * 1440}
    assert [each.sentence for each in run.said] == [
        "nothing to change: residential on azerbaijan, all 4 links up"
    ]


def test_a_dead_path_is_left_as_soon_as_is_promised_and_a_push_takes_its_time() -> None:
    run = play("events: [{at: 10min, upstream: azerbaijan, becomes: down}]")
    promise = by_formula(sample().health, Family.IPV4, 2)
    assert run.moves[0].at_s == pytest.approx(600 + promise.total_s + PUSH_S, abs=0.001)
    assert run.accounts[CLASS].dead_s == pytest.approx(promise.total_s + PUSH_S, abs=0.001)
    assert run.accounts[CLASS].lost_s == pytest.approx(promise.total_s + PUSH_S, abs=0.001)
    ((at, text),) = pushed(run)
    assert at == pytest.approx(600.45, abs=0.001)
    assert text == "residential moved from azerbaijan to georgia"


def test_loss_is_left_as_soon_as_is_promised_and_counts_as_loss_only() -> None:
    run = play("events: [{at: 10min, upstream: azerbaijan, becomes: lossy, loss: 10%}]")
    found_s = by_formula(sample().health, Family.IPV4, 2).within_s(0.1)
    assert found_s is not None
    assert run.moves[0].at_s == pytest.approx(600 + found_s + PUSH_S, abs=0.001)
    account = run.accounts[CLASS]
    assert account.dead_s == 0
    assert account.poor_s == pytest.approx(found_s + PUSH_S, abs=0.001)
    assert account.lost_s == pytest.approx(0.1 * account.poor_s)


def test_traffic_returns_after_recovery_clean_time_and_hold_down() -> None:
    short = play("events: [{at: 10min, upstream: azerbaijan, becomes: down, lasts: 1min}]")
    assert short.moves[1].at_s == pytest.approx(600.75 + 600 + PUSH_S, abs=0.01)  # hold-down since the move
    long = play("events: [{at: 10min, upstream: azerbaijan, becomes: down, lasts: 30min}]")
    assert long.moves[1].at_s == pytest.approx(2400 + 5 + 60 + PUSH_S, abs=0.01)


def test_events_that_overlap_count_by_the_worst_of_each() -> None:
    run = play(
        """
        events:
          - {at: 10min, upstream: azerbaijan, becomes: lossy, loss: 1%, lasts: 1h}
          - {at: 20min, link: edge1-azerbaijan, becomes: down, lasts: 1min}
        """
    )
    assert [name for _, name in run.accounts[CLASS].carried][:2] == [("azerbaijan",), ("georgia",)]
    assert run.accounts[CLASS].lost_s == pytest.approx(0.01 * run.accounts[CLASS].poor_s + 0.75, abs=0.001)


def test_a_shared_risk_takes_all_its_upstreams_and_traffic_goes_past_them() -> None:
    run = play("events: [{at: 10min, risk: black-sea, becomes: down}]")
    assert [text for _, text in pushed(run)] == ["residential moved from azerbaijan to iran"]
    assert "both share black-sea" in run.said[1].sentence


def test_what_only_probes_have_makes_a_false_move_and_costs_users_nothing() -> None:
    run = play("events: [{at: 10min, upstream: azerbaijan, becomes: down, only: probes, lasts: 20min}]")
    assert [move.false for move in run.moves] == [True, False]
    assert run.availability(CLASS) == 1


def test_when_the_controllers_own_way_is_cut_it_freezes_and_says_so() -> None:
    run = play("events: [{at: 10min, all: links, becomes: down, only: probes, lasts: 20min}]")
    assert run.moves == []
    assert any(each.frozen and "the user path is down too" in each.sentence for each in run.said)


def test_when_all_is_really_dark_it_counts_against_the_class() -> None:
    run = play("events: [{at: 10min, all: links, becomes: down, lasts: 20min}]")
    assert run.accounts[CLASS].dead_s == 1200
    assert run.moves == []


def test_a_dead_router_takes_its_links_along_and_is_used_no_more() -> None:
    run = play("events: [{at: 10min, router: edge1, becomes: down, lasts: 20min}]")
    assert run.moves[0].after == ("edge2-georgia",)
    assert run.accounts[CLASS].dead_s == pytest.approx(0.75, abs=0.01)


def test_a_router_out_of_reach_keeps_what_it_runs_and_gets_the_rest_when_it_is_back() -> None:
    run = play(
        """
        events:
          - {at: 10min, router: edge2, becomes: unreachable, lasts: 30min}
          - {at: 1205s, upstream: azerbaijan, becomes: down}
        """
    )
    assert [move.after for move in run.moves] == [("edge1-georgia",), ("edge1-georgia", "edge2-georgia")]
    assert 2400 < run.moves[1].at_s <= 2400 + READ_S + PUSH_S


def test_a_router_that_is_lost_in_the_moment_of_a_push_is_noticed_by_it() -> None:
    run = play(
        """
        events:
          - {at: 10min, router: edge2, becomes: unreachable, lasts: 30min}
          - {at: 10min, upstream: azerbaijan, becomes: down}
        """
    )
    assert run.moves[0].after == ("edge1-georgia",)
    assert run.moves[0].at_s == pytest.approx(600.75, abs=0.01)


def test_nothing_known_of_the_path_in_use_is_no_reason_to_move() -> None:
    run = play("events: [{at: 10min, upstream: azerbaijan, becomes: unknown, lasts: 20min}]")
    assert run.moves == []
    assert any("of which there is no fresh data" in each.sentence for each in run.said)


def test_a_policy_that_says_otherwise_does_otherwise() -> None:
    policy = sample()
    disjoint = replace(
        policy.classes[CLASS], prefer=Preference(("georgia", "azerbaijan", "iran")), backups_disjoint=True
    )
    policy = replace(policy, classes={CLASS: disjoint})
    run = play("events: [{at: 10min, upstream: georgia, becomes: down}]", policy)
    assert [text for _, text in pushed(run)] == ["residential moved from georgia to iran"]


def test_half_of_what_carries_is_half_of_the_traffic() -> None:
    policy = sample()
    first = replace(policy.classes[CLASS], prefer=Preference(("georgia", "azerbaijan", "iran")))
    policy = replace(policy, classes={CLASS: first})
    run = play("events: [{at: 10min, link: edge1-georgia, becomes: down}]", policy)
    assert run.accounts[CLASS].dead_s == pytest.approx(0.75 / 2, abs=0.001)
    assert run.moves[0].after == ("edge2-georgia",)
    assert run.minutes(CLASS) == {"georgia": pytest.approx(120)}


def test_the_rhythm_is_the_loops() -> None:
    assert LoopSettings().reconcile_s == READ_S
    assert LoopSettings().retry_first_s == RETRY_S


def test_expectations_that_do_not_hold_say_what_was_found() -> None:
    run = play(
        """
        events: [{at: 10min, upstream: azerbaijan, becomes: down}]
        expect:
          - {carried_by: iran, at: 20min}
          - {most_moves: 0, after: 5min}
          - {most_false_moves: 0}
          - {availability: 100%}
          - {says: nobody says this, after: 1h}
          - {frozen: true}
        """
    )
    assert not run.met
    assert [(each.met, each.expectation.text, each.found) for each in run.checked] == [
        (False, "every class is carried by iran at 20min", "residential is carried by georgia"),
        (
            False,
            "every class moves 0 times at most after 5min",
            "residential does so 1 times, first at 00:10:00.7",
        ),
        (True, "every class leaves a path that was well 0 times at most", "residential does so 0 times"),
        (
            False,
            "every class has a path that works for 100 % of the time",
            "residential has one for 99.989 %",
        ),
        (False, "there is a decision after 1h that says 'nobody says this'", "none of 0 decisions then"),
        (False, "there is a decision that changes nothing out of doubt", "none of 3 decisions then"),
    ]

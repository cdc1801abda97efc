"""What people order in a scenario: by the rules of the loop, at its time, and seen in the timeline."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.model import LatencyPolicy
from controller.sim import plain
from controller.sim.engine import PUSH_S
from tests.unit.sim_world import play, pushed, sample


def test_a_drained_upstream_is_left_at_once_and_returned_to_when_the_drain_is_over() -> None:
    run = play("orders: [{at: 10min, drain: azerbaijan, until: 40min, by: ann, reason: fibre work}]")
    assert [move.after for move in run.moves] == [("edge1-georgia", "edge2-georgia"), ("edge1-azerbaijan",)]
    assert [move.at_s for move in run.moves] == [pytest.approx(600 + PUSH_S), pytest.approx(2400 + PUSH_S)]
    assert pushed(run)[0] == (600, "residential moved from azerbaijan to georgia")
    assert run.availability("residential") == 1


def test_a_pinned_class_goes_to_its_upstream_whatever_it_prefers() -> None:
    run = play("orders: [{at: 10min, pin: residential, to: iran, until: 20min}]")
    assert [name for _, name in run.accounts["residential"].carried] == [
        ("azerbaijan",),
        ("iran",),
        ("azerbaijan",),
    ]


def test_while_paused_nothing_is_pushed_and_what_would_be_is_said() -> None:
    run = play(
        """
        events: [{at: 10min, upstream: azerbaijan, becomes: down, lasts: 1h}]
        orders: [{at: 5min, pause: all, until: 30min, by: bob, reason: core upgrade}]
        """
    )
    assert run.moves[0].at_s == pytest.approx(1800 + PUSH_S)
    assert any(
        each.sentence.startswith("paused by bob (core upgrade); would have: residential moved")
        and each.frozen
        and not each.pushed
        for each in run.said
    )


def test_an_order_from_the_first_moment_is_no_part_of_what_was_there_before() -> None:
    run = play("orders: [{at: 0, drain: azerbaijan}]")
    assert run.moves[0].at_s == pytest.approx(PUSH_S)


def test_orders_stand_in_the_timeline_and_in_what_machines_read() -> None:
    run = play(
        "orders: [{at: 10min, drain: iran, until: 20min, by: ann, reason: fibre work}, {at: 5min, pause: all}]"
    )
    told = [line for line in run.timeline if line[1].startswith("ordered: ")]
    assert told == [
        (300, "ordered: paused by somebody (no reason given)"),
        (600, "ordered: iran drained by ann (fibre work), until 00:20:00.0"),
    ]
    assert [at for at, _ in run.timeline] == sorted(at for at, _ in run.timeline)
    assert plain([run])["orders"][1] == {
        "at_s": 600,
        "kind": "drain",
        "subject": "iran",
        "upstream": "",
        "owner": "ann",
        "reason": "fibre work",
        "until_s": 1200,
    }


def test_round_trips_that_vary_are_a_brownout_where_policy_watches_jitter_and_nothing_where_not() -> None:
    text = "events: [{at: 10min, upstream: azerbaijan, becomes: jittery, by: 60ms, lasts: 30min}]"
    assert play(text).moves == []
    latency = LatencyPolicy(worse_by_ms=50, held_s=60, jitter_worse_by_ms=30)
    policy = replace(sample(), health=replace(sample().health, latency=latency))
    run = play(text, policy)
    assert [move.after for move in run.moves] == [("edge1-georgia", "edge2-georgia"), ("edge1-azerbaijan",)]
    assert 660 < run.moves[0].at_s < 690
    assert "jitter" in pushed(run)[0][1] or "jitter" in run.said[2].sentence
    assert play(text.replace("60ms", "20ms"), policy).moves == []

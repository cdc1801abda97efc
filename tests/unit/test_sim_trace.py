"""Measurements as CSV, and what is made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.sim import Run, simulate
from controller.sim.scenario import Condition, Scenario, Span
from controller.sim.trace import trace
from tests.unit.sim_world import sample

HEADER = "time_s,link,loss_percent,rtt_ms\n"


def read(rows: str) -> Scenario:
    found, problems = trace(Path("trace.csv"), (HEADER + rows).encode(), sample())
    assert found is not None, problems
    return found


def play(rows: str) -> Run:
    return simulate(sample(), read(rows))


def test_rows_that_are_alike_make_one_stretch_and_times_begin_at_nought() -> None:
    scenario = read(
        "1700000000,edge1-azerbaijan,0,40\n1700000010,edge1-azerbaijan,100,\n1700000020,edge1-azerbaijan,100,\n"
        "1700000030,edge1-azerbaijan,0.5,41\n"
    )
    assert scenario.spans == (Span(("edge1-azerbaijan",), 10, 30, Condition(loss=1.0)),)
    assert scenario.lasts_s == 40
    assert scenario.usual_ms == {"edge1-azerbaijan": 40.5}


def test_loss_is_rounded_down_and_round_trips_are_held_against_the_links_median() -> None:
    rows = "".join(f"{n},edge2-iran,0,60\n" for n in range(5))
    scenario = read(f"{rows}5,edge2-iran,12.5,60\n6,edge2-iran,1.9,142\n7,edge2-iran,,\n8,edge2-iran,0,58\n")
    assert [span.condition for span in scenario.spans] == [
        Condition(loss=0.1),
        Condition(extra_ms=80),
        Condition(measured=False),
    ]


def test_the_order_of_rows_does_not_matter() -> None:
    rows = [f"{n},edge1-azerbaijan,{100 if 20 <= n < 60 else 0},40\n" for n in range(100)]
    assert read("".join(rows)) == read("".join(reversed(rows)))


def test_a_trace_is_played_like_any_scenario() -> None:
    rows = "".join(
        f"{n},{link},{100 if link.endswith('azerbaijan') and 600 <= n < 900 else 0},40\n"
        for n in range(0, 3600, 10)
        for link in sample().links
    )
    run = play(rows)
    assert [move.at_s for move in run.moves] == [pytest.approx(600.75), pytest.approx(1201.05)]
    assert run.met


def test_now_and_then_a_lossy_second_is_nobodys_business_but_many_are() -> None:
    def rows(every: int) -> str:
        return "".join(f"{n},edge1-azerbaijan,{20 if n % every == 0 else 0},40\n" for n in range(1200))

    assert play(rows(60)).moves == []
    assert play(rows(2)).moves

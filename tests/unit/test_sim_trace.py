"""Measurements as CSV, and what is made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.core.model import OrderKind, Override, Verdict
from controller.sim import Run, simulate
from controller.sim.scenario import Condition, Scenario, Span
from controller.sim.trace import trace
from tests.unit.sim_world import sample

HEADER = "time_s,link,loss_percent,rtt_ms\n"
MORE = "time_s,link,loss_percent,rtt_ms,jitter_ms,witness,order,until_s\n"


def read(rows: str, header: str = HEADER) -> Scenario:
    found, problems = trace(Path("trace.csv"), (header + rows).encode(), sample())
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


def test_quotes_spaces_and_line_ends_make_no_difference() -> None:
    rows = "0,edge2-iran,0,40\n1,edge2-iran,100,\n2,edge2-iran,0,41\n"
    quoted = '"0","edge2-iran","0","40"\r\n1,edge2-iran,100, \r\n\r\n2,edge2-iran,"0",41'
    assert read(quoted) == read(rows)


def test_what_other_witnesses_said_and_how_round_trips_varied_may_stand_in_further_columns() -> None:
    rows = "".join(f"{n},edge2-iran,0,60,4,,,\n" for n in range(9))
    scenario = read(
        f"{rows}10,edge2-iran,0,60,38,,,\n11,edge2-iran,0,60,4,down,,\n12,edge2-iran,,,,,,\n", MORE
    )
    assert [span.condition for span in scenario.spans] == [
        Condition(jitter_ms=30),
        Condition(witness=Verdict.DOWN),
        Condition(measured=False),
    ]


def test_what_a_witness_says_is_left_like_what_probes_show() -> None:
    rows = "".join(
        f"{n},{link},0,40,,{'down' if link.endswith('azerbaijan') and n >= 600 else ''},,\n"
        for n in range(0, 900, 10)
        for link in sample().links
    )
    run = simulate(sample(), read(rows, MORE))
    assert [move.at_s for move in run.moves] == [pytest.approx(600.3)]
    assert "IPv4: another witness says down" in run.said[1].sentence


def test_what_people_ordered_stands_in_rows_of_its_own() -> None:
    scenario = read(
        "1000,edge2-iran,0,60,,,,\n1900,edge2-iran,0,60,,,,\n"
        "900,,,,,,pause by bob: core upgrade,1100\n1200,,,,,,drain georgia by ann: fibre work,\n"
        "1300,,,,,,drain country GE by ann: elections,\n",
        MORE,
    )
    assert scenario.orders == (
        Override(1, OrderKind.PAUSE, "", "", "bob", "core upgrade", 0.0, 100.0),
        Override(2, OrderKind.DRAIN, "georgia", "", "ann", "fibre work", 200.0, None),
        Override(3, OrderKind.DRAIN, "country GE", "", "ann", "elections", 300.0, None),
    )

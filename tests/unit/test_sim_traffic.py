"""Loads in scenarios: the evening fills a path, and the simulation shows what comes of it, and what it costs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.model import Cost, Policy
from controller.sim.load import scenario
from controller.sim.report import plain
from controller.sim.summary import figures
from tests.unit.sim_world import play, pushed, sample

G = 1e9
EVENING = """
lasts: 1d
traffic:
  - {class: residential, at: 0s, load: 20Gbps}
  - {class: residential, at: 18h, load: 50Gbps, lasts: 5h}
"""


def sized(**capacities: float) -> Policy:
    made = sample()
    upstreams = {
        name: replace(each, capacity_bps=capacities[name] * G if name in capacities else None)
        for name, each in made.upstreams.items()
    }
    return replace(made, upstreams=upstreams)


def test_an_evening_that_fills_the_first_choice_is_moved_away_and_comes_back_when_it_is_over() -> None:
    run = play(EVENING, sized(azerbaijan=50, georgia=60))
    (there, why), (back, _) = pushed(run)
    assert why == "residential moved from azerbaijan to georgia"
    assert 18 * 3600 + 60 <= there <= 18 * 3600 + 180
    assert 24 * 3600 > back >= 23 * 3600 + 3300  # the last hour's peak has to be forgotten first
    assert run.full_s["residential"] == 0.0


def test_where_nothing_else_has_room_it_stays_and_the_time_over_capacity_is_told() -> None:
    run = play(EVENING, sized(azerbaijan=40, georgia=40, iran=20))
    assert pushed(run) == []
    assert run.full_s["residential"] == pytest.approx(5 * 3600, abs=60)
    assert ("residential: over capacity", ["5.0 h"]) in figures([run])
    assert plain([run])["policies"][0]["classes"]["residential"]["full_s"] == run.full_s["residential"]


def test_what_a_month_like_this_costs_beyond_commits_is_told() -> None:
    made = sized()
    azerbaijan = replace(made.upstreams["azerbaijan"], cost=Cost(0.4, 30 * G))
    run = play(EVENING, replace(made, upstreams={**made.upstreams, "azerbaijan": azerbaijan}))
    assert run.costs == {"azerbaijan": pytest.approx(20_000 * 0.4)}
    assert ("azerbaijan: beyond its commit, a month", ["8000.00"]) in figures([run])


def test_a_load_may_come_every_day() -> None:
    text = """
    lasts: 3d
    traffic: [{class: residential, at: 18h, load: 50Gbps, lasts: 5h, every: 1d, until: 2d}]
    """
    run = play(text, sized(azerbaijan=50, georgia=60))
    assert len(pushed(run)) == 4


def test_without_loads_nothing_is_measured() -> None:
    run = play("lasts: 1h", sized(azerbaijan=1))
    assert run.full_s == {}
    assert pushed(run) == []


def test_a_class_that_is_none_and_times_that_cannot_be_are_told_with_their_places() -> None:
    text = b"""title: x
lasts: 1d
traffic:
  - {class: residentail, at: 1h, load: 50G}
  - {class: business, at: 2d, load: 50Gbps, lasts: 5h, every: 1h}
"""
    _, problems = scenario(Path("scenario.yaml"), text, sample())
    told = [(each.line, each.column, each.message) for each in problems]
    assert told == [
        (4, 40, "'50G' is not a bit rate"),
        (5, 13, "there is no class 'business'"),
        (5, 27, "this begins when the scenario, which lasts 1d, is over"),
        (5, 63, "this begins again before it is over"),
    ]

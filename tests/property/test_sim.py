"""What holds for every scenario: nothing is left to chance or order, calm is calm, and accounts add up."""

from __future__ import annotations

import itertools
from dataclasses import replace
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.model import ANCHORS, USER_PATH
from controller.sim import plain, simulate
from controller.sim.scenario import Condition, Outage, Scenario, Span
from tests.unit.sim_world import sample

LASTS_S = 7200.0
PATHS = (*sample().links, USER_PATH, ANCHORS)

moments = st.integers(0, 72000).map(lambda tenths: tenths / 10)
conditions = st.builds(
    Condition,
    loss=st.sampled_from([0.0, 0.01, 0.1, 0.5, 0.9, 1.0]),
    extra_ms=st.sampled_from([0.0, 30.0, 45.0, 80.0]),
    missing=st.sampled_from([0.0, 0.4, 0.9, 1.0]),
    measured=st.sampled_from([True, True, True, False]),
)


@st.composite
def spans(draw: st.DrawFn) -> Span:
    start = draw(moments)
    paths = tuple(draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=4, unique=True)))
    end = start + draw(st.sampled_from([0.1, 0.3, 1.0, 20.0, 600.0]))
    return Span(paths, start, end, draw(conditions), draw(st.booleans()))


@st.composite
def outages(draw: st.DrawFn) -> Outage:
    start = draw(moments)
    return Outage(draw(st.sampled_from(["edge1", "edge2"])), start, start + 300.0, draw(st.booleans()))


scenarios = st.builds(
    lambda spans, outages: Scenario("any", LASTS_S, tuple(spans), tuple(outages)),
    st.lists(spans(), max_size=12),
    st.lists(outages(), max_size=2),
)


@settings(max_examples=150, deadline=None)
@given(scenarios, st.randoms(use_true_random=False))
def test_the_same_scenario_gives_the_same_run_whatever_its_order(scenario: Scenario, random: Random) -> None:
    once = plain([simulate(sample(), scenario)])
    mixed = list(scenario.spans)
    random.shuffle(mixed)
    again = replace(scenario, spans=tuple(mixed), outages=tuple(reversed(scenario.outages)))
    assert plain([simulate(sample(), again)]) == once


@settings(max_examples=150, deadline=None)
@given(scenarios)
def test_accounts_add_up_and_time_goes_forward(scenario: Scenario) -> None:
    run = simulate(sample(), scenario)
    for name, account in run.accounts.items():
        assert 0 <= account.dead_s + account.poor_s <= LASTS_S + 1e-6
        assert account.dead_s - 1e-6 <= account.lost_s <= account.dead_s + account.poor_s + 1e-6
        assert sum(account.on_s.values()) <= LASTS_S + 1e-6
        assert 0 <= run.availability(name) <= 1
        assert account.moves == sorted(account.moves, key=lambda move: move.at_s)
    times = [each.at_s for each in run.said]
    assert times == sorted(times)
    assert all(each.sentence and "\n" not in each.sentence for each in run.said)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(tuple(sample().links)), moments), max_size=10))
def test_what_is_shorter_than_ride_out_moves_nothing(blips: list[tuple[str, float]]) -> None:
    scenario = Scenario(
        "blips", LASTS_S, tuple(Span((link,), at, at + 0.3, Condition(loss=1.0)) for link, at in blips)
    )
    apart = sorted(at for _, at in blips)
    if all(after - before > 1 for before, after in itertools.pairwise(apart)):
        assert simulate(sample(), scenario).moves == []


@settings(max_examples=150, deadline=None)
@given(scenarios)
def test_moves_keep_to_the_budgets(scenario: Scenario) -> None:
    rule = sample().stability
    moves = simulate(sample(), scenario).moves
    for move in moves:
        hour = [each for each in moves if move.at_s - 3600 < each.at_s <= move.at_s]
        assert len(hour) <= rule.changes_per_hour + rule.escapes_per_hour

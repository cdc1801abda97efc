"""How the prober itself fares: starved, hung or silent is named; ten seconds later it is forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core.model import Sample, SampleState, Vantage
from controller.core.prober import WINDOW_S, ProberState
from tests.decide_world import HEALTH

SENT, OK, LOST, INVALID = SampleState.SENT, SampleState.OK, SampleState.LOST, SampleState.INVALID
TARGET = ip_address("198.51.100.1")


def samples(states: Sequence[SampleState], path: str = "edge1-georgia", at: float = 0.0) -> list[Sample]:
    return [Sample(path, TARGET, n, at, state, detail="held up") for n, state in enumerate(states)]


class Prober:
    """Looked at every 20 ms; every 100 ms a probe of each path comes to an end."""

    def __init__(self) -> None:
        self.now = 100.0
        self.state = ProberState.fresh(HEALTH, self.now)

    def run(self, seconds: float, ends: Mapping[str, Sequence[SampleState]]) -> Vantage:
        """``ends``: of each path, its probes' ends, over and over."""
        for tick in range(round(seconds / 0.02)):
            self.now += 0.02
            came: list[Sample] = []
            if tick % 5 == 0:
                for path, states in ends.items():
                    came += samples([SENT, states[tick // 5 % len(states)]], path)
            self.state = self.state.after(came, self.now)
        return self.state.vantage(self.now)


CALM = {"edge1-georgia": [OK], "edge2-iran": [OK, LOST]}


def test_loss_is_no_trouble_of_the_prober() -> None:
    assert Prober().run(30, CALM | {"edge1-georgia": [LOST]}) == Vantage()


def test_mostly_invalid_probes_mean_a_starved_prober_until_ten_seconds_after() -> None:
    prober = Prober()
    prober.run(20, CALM)
    told = prober.run(10, {key: [INVALID, OK, INVALID] for key in CALM})
    assert told.trouble == "the prober is starved: 67 % of its probes of the last 10 s are invalid"
    assert prober.run(6, CALM).trouble is None
    assert prober.run(6, CALM) == Vantage()


def test_a_few_invalid_probes_are_no_trouble() -> None:
    assert Prober().run(20, {key: [INVALID, OK, OK] for key in CALM}) == Vantage()


def test_one_path_whose_probes_are_invalid_is_named_and_doubts_nothing_else() -> None:
    links = {f"edge{n}": [OK] for n in range(3)}
    told = Prober().run(20, {**links, "edge2-iran": [INVALID]})
    assert told.trouble is None
    (notice,) = told.notices
    assert notice.text == "edge2-iran: 100 % of its probes of the last 10 s are invalid (held up)"


@pytest.mark.parametrize(("silent_s", "told"), [(2.5, None), (4.0, "no probe has come to an end for 4 s")])
def test_a_prober_from_which_nothing_comes_is_silent(silent_s: float, told: str | None) -> None:
    prober = Prober()
    prober.run(20, CALM)
    trouble = prober.run(silent_s, {}).trouble
    assert trouble == (f"the prober is silent: {told}" if told else None)


def test_slow_probing_is_not_silence() -> None:
    slow = replace(HEALTH, interval_s=10.0, timeout_s=1.0, fresh_s=30.0)
    state = ProberState.fresh(slow, 0.0)
    assert state.vantage(30.0).trouble is None
    assert state.vantage(32.0).trouble is not None


def test_a_process_that_hangs_is_starved_and_recovers() -> None:
    prober = Prober()
    prober.run(20, CALM)
    prober.now += 6.0
    assert prober.run(0.1, CALM).trouble == "the prober is starved: it stood still for 6 s of the last 10 s"
    assert prober.run(11, CALM) == Vantage()


def test_what_is_kept_is_bounded() -> None:
    prober = Prober()
    prober.run(60, CALM)
    assert len(prober.state.seconds) <= WINDOW_S


@settings(max_examples=50, deadline=None)
@given(
    gaps=st.lists(st.floats(0.0, 20.0), max_size=30),
    states=st.lists(st.sampled_from([SENT, OK, LOST, INVALID]), max_size=40),
)
def test_no_order_of_looks_and_samples_breaks_it_and_without_invalid_ones_it_is_never_called_starved_for_them(
    gaps: list[float], states: list[SampleState]
) -> None:
    now = 5.0
    state = ProberState.fresh(HEALTH, now)
    for gap in gaps:
        now += gap
        state = state.after(samples(states), now)
        trouble = state.vantage(now).trouble
        if INVALID not in states:
            assert trouble is None or "invalid" not in trouble
        assert len(state.seconds) <= WINDOW_S

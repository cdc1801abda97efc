"""Rolling up loses nothing, whatever the order, however it is cut, however often it is told."""

from __future__ import annotations

import random
from ipaddress import ip_address

from hypothesis import given
from hypothesis import strategies as st

from controller.core.model import Family, Sample, SampleState
from controller.core.rollup import ERROR, LONGEST_MS, SHORTEST_MS, Series, Tally, merged, roll_up, tally
from controller.core.samples import Samples
from controller.store.samples import packed, unpacked

RTTS = st.lists(st.floats(SHORTEST_MS, LONGEST_MS), max_size=60)
RESULTS = st.sampled_from([SampleState.OK, SampleState.LOST, SampleState.INVALID])
SERIES = Series("a", Family.IPV4, "192.0.2.1")


@given(st.lists(RTTS, max_size=6), st.randoms(use_true_random=False))
def test_seconds_merged_are_the_whole_in_any_order(parts: list[list[float]], order: random.Random) -> None:
    tallies = [tally(rtts, lost=number) for number, rtts in enumerate(parts)]
    whole = tally([rtt for rtts in parts for rtt in rtts], lost=sum(range(len(parts))))
    order.shuffle(tallies)
    assert merged(tallies) == whole
    assert merged([merged(tallies[:2]), merged(tallies[2:])]) == whole


@given(RTTS.filter(bool), st.floats(0, 1))
def test_a_quantile_is_near_the_round_trip_at_its_rank(rtts: list[float], share: float) -> None:
    exact = sorted(rtts)[int(share * (len(rtts) - 1))]
    found = tally(rtts).rtt_ms(share)
    assert found is not None
    assert abs(found - exact) <= exact * (ERROR + 1e-9)


@given(st.dictionaries(st.integers(-200, 300), st.integers(1, 10**9)))
def test_bins_survive_being_bytes(bins: dict[int, int]) -> None:
    assert unpacked(packed(bins)) == bins


@given(
    st.lists(st.tuples(st.integers(0, 200), RESULTS, st.floats(0.1, 100)), max_size=50),
    st.randoms(use_true_random=False),
)
def test_order_and_duplicates_of_samples_change_no_row(
    probes: list[tuple[int, SampleState, float]], order: random.Random
) -> None:
    told: list[Sample] = []
    for seq, (at, state, rtt_ms) in enumerate(probes):
        sent = Sample("a", ip_address("192.0.2.1"), seq, at, SampleState.SENT)
        told += [sent, Sample("a", sent.target, seq, at, state, rtt_ms)]
    expected = merged(
        tally(
            [rtt_ms] if state is SampleState.OK else [],
            state is SampleState.LOST,
            state is SampleState.INVALID,
        )
        for _, state, rtt_ms in probes
    )
    again = told + order.sample(told, len(told) // 2)
    order.shuffle(again)
    cut = order.randrange(len(again) + 1)
    found, rows = Samples(), []
    for part in (again[:cut], again[cut:]):  # the rest comes when the first half was written
        found.note(part, 0.0)
        rows += roll_up(found.take(1e9).tallies())
    for step in ("1s", "1min", "1h"):
        assert merged(row.tally for row in rows if row.step == step) == expected
    seconds: dict[int, list[Tally]] = {}
    for row in rows:
        if row.step == "1s":
            seconds.setdefault(row.start // 60 * 60, []).append(row.tally)
    minutes: dict[int, list[Tally]] = {}
    for row in rows:
        if row.step == "1min":
            minutes.setdefault(row.start, []).append(row.tally)
    assert {at: merged(each) for at, each in seconds.items()} == {
        at: merged(each) for at, each in minutes.items()
    }

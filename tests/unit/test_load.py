"""What links carry, from counters; what classes account for; which upstreams are full."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from controller.core.load import SMOOTHED_S, STALE_S, Loads
from controller.core.model import Assignment, Counters, InterfaceSample, Limits, Policy
from controller.core.shares import SETTLE_S, SLOT_S, SLOTS, Shares
from tests.decide_world import AZ, B1, B2, CALM, GE1, GE2, IR, D, P, policy, traffic_class

G, M = 1e9, 1e6


def reading(at: float, octets_in: int, octets_out: int = 0, *, speed: float | None = None) -> InterfaceSample:
    return InterfaceSample(AZ, at, True, True, speed, Counters(octets_in, octets_out, 1, 1, 0, 0, 0, 0))


def after(*readings: InterfaceSample) -> Loads:
    loads = Loads(policy())
    for each in readings:
        loads = loads.follow([each])
    return loads


def steady(bps: float, until: float = 60.0, *, start: int = 0) -> list[InterfaceSample]:
    return [reading(at, start + int(bps / 8 * at)) for at in range(0, int(until) + 1, 5)]


def test_a_link_carries_what_it_counts_in_the_busier_direction() -> None:
    loads = after(*[reading(at, int(10 * M / 8 * at), int(30 * M / 8 * at)) for at in range(0, 61, 5)])
    assert loads.measured(60.0) == {AZ: pytest.approx(30 * M)}


def test_half_a_minute_must_be_seen_before_anything_is_known() -> None:
    assert after(*steady(M, 25)).measured(25.0) == {}
    assert after(*steady(M, 30)).measured(30.0) == {AZ: pytest.approx(M, rel=1e-5)}


def test_a_minute_is_averaged() -> None:
    quiet = steady(0.0, 60)
    burst = [reading(65, int(12 * M * 5 / 8))]
    assert after(*quiet, *burst).measured(65.0) == {AZ: pytest.approx(M)}


def test_what_is_not_read_for_minutes_is_not_known_any_more() -> None:
    loads = after(*steady(M))
    assert loads.measured(60 + STALE_S - 1)
    assert loads.measured(60 + STALE_S) == {}


def test_a_counter_of_32_bits_that_wraps_is_followed() -> None:
    start = 2**32 - 10_000
    found = after(*[reading(at, (start + 1000 * at) % 2**32, 5) for at in range(0, 61, 5)])
    assert found.measured(60.0) == {AZ: pytest.approx(8000)}


def test_counters_that_were_reset_begin_anew() -> None:
    again = [reading(65, 0), *[reading(65 + at, int(M / 8 * at)) for at in range(5, 31, 5)]]
    loads = after(*[replace_packets(each) for each in steady(M)], *again[:-1])
    assert loads.measured(90.0) == {}
    assert loads.follow(again[-1:]).measured(95.0) == {AZ: pytest.approx(M)}


def replace_packets(sample: InterfaceSample) -> InterfaceSample:
    """With counters that a reset is seen by: more than one goes back."""
    assert sample.counters is not None
    return replace(
        sample,
        counters=replace(
            sample.counters, octets_in=sample.counters.octets_in + 9, packets_in=9, packets_out=9
        ),
    )


def test_a_rate_that_the_interface_cannot_have_had_is_no_evidence() -> None:
    loads = after(
        *[reading(at, int(M / 8 * at), speed=10) for at in range(0, 61, 5)], reading(65, 2**40, speed=10)
    )
    assert loads.measured(65.0) == {}


def test_a_gap_longer_than_what_is_averaged_is_not_bridged() -> None:
    assert after(*steady(M), reading(60 + SMOOTHED_S + 1, 10**9)).measured(122.0) == {}


def test_older_readings_and_strange_links_say_nothing() -> None:
    loads = after(*steady(M))
    assert loads.follow([reading(10, 0), replace(reading(70, 0), link="nobody-s")]).measured(
        60.0
    ) == loads.measured(60.0)


# --- classes ----------------------------------------------------------------------------------


A = replace(traffic_class("a", "azerbaijan", "georgia", "iran"), load_bps=30 * G)
B = replace(traffic_class("b", "azerbaijan", "georgia", "iran"), load_bps=10 * G)
TOGETHER: Assignment = {"a": {AZ: P, GE1: B1, GE2: B1, IR: B2}, "b": {AZ: P, GE1: B1, GE2: B1, IR: B2}}
APART: Assignment = {"a": {AZ: P, GE1: B1, GE2: B1, IR: B2}, "b": {AZ: D, GE1: P, GE2: P, IR: B2}}


def shares(
    policy_: Policy,
    measured: Mapping[str, float],
    current: Assignment,
    *at: float,
    since: Shares | None = None,
) -> Shares:
    found = since or Shares()
    for now in at:
        found = found.after(policy_, measured, current, now)
    return found


def test_classes_on_one_link_share_its_load_by_what_is_expected_of_them() -> None:
    found = shares(policy(A, B), {AZ: 20 * G}, TOGETHER, 0.0, SETTLE_S)
    assert found.traffic({AZ: 20 * G}).classes == {"a": 15 * G, "b": 5 * G}


def test_or_evenly_where_of_one_nothing_is_expected() -> None:
    found = shares(policy(A, replace(B, load_bps=None)), {AZ: 20 * G}, TOGETHER, 0.0, SETTLE_S)
    assert found.traffic({}).classes == {"a": 10 * G, "b": 10 * G}


def test_a_class_carries_what_all_its_links_do_together() -> None:
    measured = {AZ: 20 * G, GE1: 4 * G, GE2: 3 * G}
    found = shares(policy(A, B), measured, APART, 0.0, SETTLE_S)
    assert found.traffic({}).classes == {"a": 20 * G, "b": 7 * G}
    del measured[GE2]
    assert shares(policy(A, B), measured, APART, 0.0, SETTLE_S).traffic({}).classes == {"a": 20 * G}


def test_nothing_is_learned_while_traffic_still_moves() -> None:
    found = shares(policy(A, B), {AZ: 20 * G}, TOGETHER, 0.0, SETTLE_S - 1)
    assert found.traffic({}).classes == {}
    settled = shares(policy(A, B), {AZ: 20 * G}, TOGETHER, 0.0, SETTLE_S)
    moved = shares(policy(A, B), {AZ: 90 * G, GE1: 1.0, GE2: 1.0}, APART, 130.0, 240.0, since=settled)
    assert moved.traffic({}).classes == {"a": 15 * G, "b": 5 * G}


def test_the_peak_of_the_last_hour_counts_and_no_older_one() -> None:
    found = shares(policy(A), {AZ: 20 * G}, {"a": TOGETHER["a"]}, 0.0, SETTLE_S)
    later = SETTLE_S + SLOT_S * (SLOTS - 1)
    found = shares(policy(A), {AZ: 5 * G}, {"a": TOGETHER["a"]}, later, since=found)
    assert found.traffic({}).classes == {"a": 20 * G}
    found = shares(policy(A), {AZ: 5 * G}, {"a": TOGETHER["a"]}, later + SLOT_S, since=found)
    assert found.traffic({}).classes == {"a": 5 * G}
    assert len(found.peaks["a"]) <= SLOTS


def test_what_an_upstream_carries_without_any_class_is_others_and_stays_known() -> None:
    measured = {AZ: 20 * G, GE1: 2 * G, GE2: 1 * G, IR: 4 * G}
    found = shares(policy(), measured, CALM, 0.0, SETTLE_S)
    assert found.others == {"georgia": 3 * G, "iran": 4 * G}
    moved: Assignment = {"residential": {AZ: D, GE1: P, GE2: P, IR: B2}}
    found = shares(
        policy(), {AZ: 9 * G, GE1: 20 * G, GE2: 1 * G, IR: 5 * G}, moved, 130.0, 190.0, since=found
    )
    assert found.others == {"georgia": 3 * G, "iran": 5 * G}


def full(measured: Mapping[str, float], *, headroom: float = 0.1) -> set[str]:
    made = policy()
    upstreams = {**made.upstreams, "georgia": replace(made.upstreams["georgia"], capacity_bps=20 * G)}
    links = {**made.links, AZ: replace(made.links[AZ], capacity_bps=10 * G)}
    sized = replace(made, upstreams=upstreams, links=links, limits=Limits(headroom=headroom))
    return set(shares(sized, measured, CALM, 0.0).traffic({}).full_since)


def test_full_is_a_link_or_all_links_of_an_upstream_together_less_headroom() -> None:
    assert full({AZ: 8.9 * G, GE1: 8 * G, GE2: 9 * G, IR: 99 * G}) == set()
    assert full({AZ: 9.1 * G, GE1: 9 * G, GE2: 9.5 * G}) == {"azerbaijan", "georgia"}
    assert full({AZ: 9.1 * G}, headroom=0.05) == set()


def test_since_when_it_is_full_is_remembered_until_it_is_not() -> None:
    made = policy()
    sized = replace(made, links={**made.links, AZ: replace(made.links[AZ], capacity_bps=10 * G)})
    found = shares(sized, {AZ: 9.5 * G}, CALM, 5.0, 20.0, 35.0)
    assert found.full_since == {"azerbaijan": 5.0}
    found = shares(sized, {AZ: 8 * G}, CALM, 50.0, since=found)
    assert found.full_since == {}
    assert shares(sized, {}, CALM, 65.0, since=found).full_since == {}

"""From what was sent and what arrived to what was lost, and when."""

from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.model import Family
from controller.lab.traffic_ledger import MAX_PACKETS, OUTAGES_KEPT, FlowLedger, Pacer
from controller.lab.traffic_report import (
    FlowReport,
    Outage,
    TrafficReport,
    Way,
    WindowReport,
    lines_for_people,
)

STEP = 0.25  # seconds between packets: exact in binary
DELAY = 0.125


def ledger_of(fates: str) -> FlowLedger:
    """One packet a letter, a step apart: ``.`` arrives, ``x`` is lost, ``2`` arrives twice."""
    ledger = FlowLedger()
    for number, fate in enumerate(fates):
        seq = ledger.sent(number * STEP)
        for _ in range({"x": 0, ".": 1, "2": 2}[fate]):
            ledger.received(seq, number * STEP + DELAY)
    return ledger


def whole(ledger: FlowLedger) -> WindowReport:
    return ledger.window("all", 0.0, len(ledger) * STEP)


@dataclass(frozen=True)
class Case:
    fates: str
    outages: tuple[tuple[int, int, int, bool], ...]  # start and end in steps, packets, healed


CASES = [
    Case("", ()),
    Case("....", ()),
    Case("..x.", ((2, 3, 1, True),)),
    Case(".xxx..x.", ((1, 4, 3, True), (6, 7, 1, True))),
    Case("xx..", ((0, 2, 2, True),)),
    Case("..xx", ((2, 4, 2, False),)),
    Case("xxxx", ((0, 4, 4, False),)),
    Case("x.x.x", ((0, 1, 1, True), (2, 3, 1, True), (4, 5, 1, False))),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.fates or "nothing")
def test_an_outage_lasts_from_the_first_packet_lost_to_the_first_that_gets_through(case: Case) -> None:
    report = whole(ledger_of(case.fates))
    expected = tuple(Outage(start * STEP, end * STEP, n, healed) for start, end, n, healed in case.outages)
    assert report.outages == expected
    assert report.outage_count == len(expected)
    assert report.sent == len(case.fates)
    assert report.lost == case.fates.count("x")
    assert report.received == case.fates.count(".")
    assert report.outage_ms == max((outage.length_ms for outage in expected), default=0)


def test_a_window_has_the_packets_sent_in_it_and_cuts_outages_at_its_edges() -> None:
    ledger = ledger_of("..xxxx..")
    before, during, after = (
        ledger.window("", start * STEP, end * STEP) for start, end in ((0, 3), (3, 5), (5, 8))
    )
    assert [window.lost for window in (before, during, after)] == [1, 2, 1]
    assert before.outages == (Outage(2 * STEP, 3 * STEP, 1, healed=False),)
    assert during.outages == (Outage(3 * STEP, 5 * STEP, 2, healed=False),)
    assert after.outages == (Outage(5 * STEP, 6 * STEP, 1, healed=True),)


def test_a_window_that_ends_before_it_begins_is_empty() -> None:
    report = ledger_of("....").window("", 0.75, 0.25)
    assert (report.sent, report.received, report.lost, report.in_flight) == (0, 0, 0, 0)
    assert report.loss_percent == 0


def test_a_young_packet_is_in_flight_and_not_lost() -> None:
    report = ledger_of("..xxx").window("", 0.0, 5 * STEP, settled_before=4 * STEP)
    assert (report.lost, report.in_flight) == (2, 1)
    assert report.outages == (Outage(2 * STEP, 5 * STEP, 2, healed=False),)
    assert report.loss_percent == 50


def test_copies_count_as_duplicates_and_not_as_received() -> None:
    report = whole(ledger_of(".2.x2"))
    assert (report.received, report.duplicates, report.lost) == (4, 2, 1)


def test_a_packet_that_is_overtaken_is_reordered_and_not_lost() -> None:
    ledger = FlowLedger()
    for number in range(4):
        ledger.sent(number * STEP)
    for at, seq in enumerate((0, 3, 1, 2, 1)):
        ledger.received(seq, 10.0 + at)
    report = whole(ledger)
    assert (report.received, report.reordered, report.duplicates, report.lost) == (4, 2, 1, 0)


def test_delay_is_measured_one_way() -> None:
    report = whole(ledger_of("...x"))
    assert (report.delay_ms_mean, report.delay_ms_max) == (125.0, 125.0)
    assert whole(ledger_of("xx")).delay_ms_mean is None


def test_the_longest_outages_are_kept_when_there_are_many() -> None:
    report = whole(ledger_of("x." * 3 * OUTAGES_KEPT + "xxx." + "x." * OUTAGES_KEPT))
    assert report.outage_count == 4 * OUTAGES_KEPT + 1
    assert len(report.outages) == OUTAGES_KEPT
    assert report.outage_ms == 3 * STEP * 1000
    assert list(report.outages) == sorted(report.outages, key=lambda outage: outage.start)


def test_a_full_ledger_takes_no_more_packets() -> None:
    ledger = FlowLedger(limit=2)
    ledger.sent(0.0)
    assert not ledger.full
    ledger.sent(1.0)
    assert ledger.full
    with pytest.raises(OverflowError):
        ledger.sent(2.0)


def test_a_ledger_has_room_for_an_hour_at_a_thousand_packets_a_second() -> None:
    assert MAX_PACKETS >= 3600 * 1000


@pytest.mark.parametrize("seq", [-1, 2, 10**9])
def test_a_packet_that_was_never_sent_is_no_arrival(seq: int) -> None:
    with pytest.raises(IndexError):
        ledger_of("..").received(seq, 1.0)


@given(st.text("..x2", max_size=60), st.lists(st.integers(0, 60), max_size=4))
def test_every_packet_is_counted_once_however_time_is_cut_into_windows(fates: str, cuts: list[int]) -> None:
    ledger = ledger_of(fates)
    edges = sorted({0, len(fates), *(cut for cut in cuts if cut < len(fates))})
    windows = [ledger.window("", a * STEP, b * STEP) for a, b in pairwise(edges)]
    all_of_it = whole(ledger)
    for name in ("sent", "received", "lost", "duplicates"):
        assert sum(getattr(window, name) for window in windows) == getattr(all_of_it, name)
    for window in [*windows, all_of_it]:
        assert window.sent == window.received + window.lost
        assert sum(outage.packets for outage in window.outages) == window.lost
        for outage in window.outages:
            assert window.start <= outage.start < outage.end <= window.end
            assert outage.packets == (outage.end - outage.start) / STEP
        assert all(a.end < b.start for a, b in pairwise(window.outages))


def test_a_pacer_keeps_its_schedule_however_late_it_is_asked() -> None:
    pacer = Pacer(start_ns=1000, interval_ns=10)
    assert pacer.due(999) == 0
    assert [pacer.due(now) for now in (1000, 1009, 1010, 1029, 1030)] == [1, 0, 1, 1, 1]
    assert pacer.next_ns == 1040
    assert pacer.late_ns == 9


def test_a_stall_is_caught_up_with_a_bounded_burst_and_the_rest_is_counted() -> None:
    pacer = Pacer(start_ns=0, interval_ns=10, burst=5)
    assert pacer.due(0) == 1
    assert pacer.due(1000) == 5
    assert pacer.skipped == 95
    assert pacer.next_ns == 1010


@given(st.lists(st.integers(0, 500), max_size=50), st.integers(1, 100), st.integers(1, 10))
def test_a_pacer_never_drifts(waits: list[int], interval: int, burst: int) -> None:
    pacer = Pacer(0, interval, burst)
    now = sent = 0
    for wait in waits:
        now += wait
        due = pacer.due(now)
        assert due <= burst
        sent += due
        assert sent + pacer.skipped == now // interval + 1
        assert now < pacer.next_ns <= now + interval


def test_a_report_survives_its_journey_between_processes() -> None:
    window = whole(ledger_of(".xx.2x"))
    report = TrafficReport(
        (FlowReport(Way.IN, Family.IPV6, (window,), 1, "no route", truncated=True),), 3, 0.5
    )
    assert TrafficReport.from_dict(report.to_dict()) == report
    assert report.to_dict()["flows"][0]["windows"][0]["outage_ms"] == window.outage_ms
    assert report.window("all", Way.IN, Family.IPV6) == window
    with pytest.raises(KeyError, match="no window 'other'"):
        report.window("other", Way.IN, Family.IPV6)


def test_people_get_a_table_of_80_columns() -> None:
    window = whole(ledger_of(".xx.2x"))
    report = TrafficReport(
        (FlowReport(Way.IN, Family.IPV6, (window,), 1, "no route", truncated=True),), 3, 0.5
    )
    lines = list(lines_for_people(report))
    assert all(len(line) <= 80 for line in lines)
    assert "500" in lines[1]
    assert "1 of the lost never left: no route" in lines[2]

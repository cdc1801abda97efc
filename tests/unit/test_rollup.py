"""Samples become rows: counted once, at the right second, with quantiles within the error that is stated."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from controller.core.model import Family, Sample, SampleState
from controller.core.rollup import ERROR, NOTHING, STEPS, Series, merged, roll_up, tally
from controller.core.samples import KEPT, KEPT_SECONDS, Samples, marks

LINK, TARGET = "edge1-azerbaijan", ip_address("192.0.2.1")
SERIES = Series(LINK, Family.IPV4, "192.0.2.1")
UTC_AHEAD_S = 1_700_000_000.0
SENT, OK, LOST, INVALID = SampleState.SENT, SampleState.OK, SampleState.LOST, SampleState.INVALID


def sample(seq: int, state: SampleState, sent_at: float, rtt_ms: float | None = None) -> Sample:
    return Sample(LINK, TARGET, seq, sent_at, state, rtt_ms)


def noted(*samples: Sample) -> Samples:
    found = Samples()
    found.note(samples, UTC_AHEAD_S)
    return found


def test_a_second_counts_what_was_sent_in_it_whenever_the_answer_came() -> None:
    found = noted(
        sample(1, SENT, 9.99),
        sample(2, SENT, 10.01),
        sample(1, OK, 9.99, 30.0),
        sample(3, SENT, 10.9),
        sample(3, LOST, 10.9),
        sample(2, INVALID, 10.01),
    )
    counted = {second: each for _, second, each in found.take(2e9).tallies()}
    assert counted == {
        1_700_000_009: tally([30.0]),
        1_700_000_010: tally([], lost=1, invalid=1),
    }


def test_duplicates_and_second_opinions_of_one_probe_count_once() -> None:
    answer = sample(1, OK, 10.0, 5.0)
    found = noted(sample(1, SENT, 10.0), answer, answer, sample(1, LOST, 10.0), sample(1, SENT, 10.0))
    assert [each for _, _, each in found.take(2e9).tallies()] == [tally([5.0])]
    assert marks(found.latest(LINK)[SERIES]) == "."


def test_what_was_taken_out_is_not_taken_again_and_what_comes_late_is_taken_next() -> None:
    found = noted(sample(1, SENT, 10.0), sample(2, SENT, 10.1), sample(1, OK, 10.0, 5.0))
    assert [each.ok for _, _, each in found.take(2e9).tallies()] == [1]
    assert list(found.take(2e9).tallies()) == []
    found.note([sample(2, LOST, 10.1)], UTC_AHEAD_S)
    assert [(each.ok, each.lost) for _, _, each in found.take(2e9).tallies()] == [(0, 1)]


def test_only_seconds_that_began_before_the_moment_are_taken() -> None:
    found = noted(sample(1, OK, 10.0, 5.0), sample(2, OK, 11.0, 5.0))
    assert [second for _, second, _ in found.take(1_700_000_011).tallies()] == [1_700_000_010]


def test_the_latest_probes_are_kept_in_the_order_of_sending_and_no_more_than_said() -> None:
    found = noted(*(sample(n, LOST if n % 2 else OK, 10.0 + n / 10, 1.0) for n in range(KEPT + 50)))
    kept = found.latest(LINK)[SERIES]
    assert len(kept) == KEPT
    assert marks(kept[-4:]) == ".x.x"
    assert kept[-1].sent_at == pytest.approx(10.0 + (KEPT + 49) / 10)
    assert found.latest("edge9") == {}


def test_a_result_for_a_probe_pushed_out_long_ago_is_no_news() -> None:
    found = noted(*(sample(n, OK, 10.0 + n / 10, 1.0) for n in range(KEPT + 1)))
    before = sum(each.sent for _, _, each in found.take(2e9).tallies())
    found.note([sample(0, OK, 10.0, 1.0)], UTC_AHEAD_S)
    assert before == KEPT + 1
    assert list(found.take(2e9).tallies()) == []


def test_seconds_that_nobody_fetches_are_bounded_and_the_oldest_go() -> None:
    found = noted(*(sample(n, OK, float(n), 1.0) for n in range(KEPT_SECONDS + 7)))
    seconds = [second for _, second, _ in found.take(2e9).tallies()]
    assert len(seconds) == KEPT_SECONDS
    assert min(seconds) == 1_700_000_007


def test_probes_under_way_are_marked_so() -> None:
    found = noted(
        sample(1, OK, 1.0, 3.0), sample(2, LOST, 1.1), sample(3, INVALID, 1.2), sample(4, SENT, 1.3)
    )
    assert marks(found.latest(LINK)[SERIES]) == ".x-?"


def test_quantiles_are_within_the_error_of_a_measured_round_trip() -> None:
    rtts = [7.0 + (n * 7919 % 1000) / 10 for n in range(1000)]
    found, exact = tally(rtts), sorted(rtts)
    for share in (0.0, 0.25, 0.5, 0.95, 0.99, 1.0):
        assert found.rtt_ms(share) == pytest.approx(exact[int(share * 999)], rel=ERROR)


def test_without_answers_there_is_no_round_trip_and_without_probes_no_loss() -> None:
    assert (NOTHING.rtt_ms(0.5), NOTHING.loss_percent, NOTHING.sent) == (None, None, 0)
    assert (tally([], lost=3).rtt_ms(0.5), tally([], lost=3).loss_percent) == (None, 100.0)
    assert tally([], invalid=3).loss_percent is None


def test_each_step_gets_its_rows_seconds_by_family_and_the_rest_by_target() -> None:
    other = SERIES._replace(target="192.0.2.2")
    rows = roll_up(
        [(SERIES, 3599, tally([1.0])), (other, 3599, tally([2.0])), (SERIES, 3600, tally([], lost=1))]
    )
    family = SERIES._replace(target="")
    assert [(row.step, row.start, row.series, row.tally.sent) for row in rows] == [
        ("1h", 0, SERIES, 1),
        ("1h", 0, other, 1),
        ("1h", 3600, SERIES, 1),
        ("1min", 3540, SERIES, 1),
        ("1min", 3540, other, 1),
        ("1min", 3600, SERIES, 1),
        ("1s", 3599, family, 2),
        ("1s", 3600, family, 1),
    ]
    assert all(step.kept_s > step.seconds for step in STEPS.values())
    assert merged(row.tally for row in rows if row.step == "1h").lost == 1

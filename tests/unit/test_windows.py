"""Windows by the wall clock: cron, RFC 5545 rules, one time only; summer time; clocks that are set."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from controller.core.model import Window, WindowRule
from controller.windows import Windows, cron_error, recurrence_error, zone_of

HOUR = 3600.0


def at(text: str) -> float:
    """UTC seconds of an ISO time, UTC unless it says otherwise."""
    found = datetime.fromisoformat(text)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def rule(lasts_h: float, **how: str) -> WindowRule:
    return WindowRule("w", lasts_h * HOUR, how.pop("timezone", "UTC"), **how)


def look(window: WindowRule, when: str) -> tuple[bool, str | None]:
    """Whether it is open, and the UTC time at which that changes."""
    utc = at(when)
    found = Windows({"w": window}).at(utc, 1000.0)["w"]
    ends = None if found.until is None else datetime.fromtimestamp(utc + found.until - 1000.0, UTC)
    return found.is_open, None if ends is None else ends.strftime("%Y-%m-%dT%H:%M")


NIGHT = rule(8, cron="0 22 * * *", timezone="Asia/Yerevan")  # UTC+4, no summer time


@pytest.mark.parametrize(
    ("when", "is_open", "until"),
    [
        ("2026-11-27T17:59", False, "2026-11-27T18:00"),
        ("2026-11-27T18:00", True, "2026-11-28T02:00"),
        ("2026-11-28T01:59:59", True, "2026-11-28T02:00"),
        ("2026-11-28T02:00", False, "2026-11-28T18:00"),
    ],
)
def test_a_window_by_cron_opens_and_closes_to_the_second(when: str, is_open: bool, until: str) -> None:
    assert look(NIGHT, when) == (is_open, until)


@pytest.mark.parametrize(
    ("when", "is_open", "until"),
    [
        ("2026-11-28T23:59", False, "2026-11-29T00:00"),
        ("2026-11-29T02:00", True, "2026-11-29T04:00"),
        ("2026-11-29T04:00", False, "2026-12-27T00:00"),
    ],
)
def test_the_last_sunday_of_a_month(when: str, is_open: bool, until: str) -> None:
    window = rule(4, rrule="FREQ=MONTHLY;BYDAY=-1SU", starts="2026-01-01T00:00")
    assert look(window, when) == (is_open, until)


def test_a_window_that_opens_once_is_closed_for_ever_after() -> None:
    window = rule(2, starts="2026-12-31T22:00", timezone="Asia/Yerevan")
    assert look(window, "2026-12-01T00:00") == (False, "2026-12-31T18:00")
    assert look(window, "2026-12-31T19:00") == (True, "2026-12-31T20:00")
    assert look(window, "2026-12-31T20:00") == (False, None)


def test_a_rule_with_an_end_ends() -> None:
    window = rule(1, rrule="FREQ=DAILY;COUNT=2", starts="2026-11-01T00:00")
    assert look(window, "2026-11-02T00:30") == (True, "2026-11-02T01:00")
    assert look(window, "2026-11-02T01:00") == (False, None)


def test_summer_time_moves_the_window_and_not_its_length() -> None:
    window = rule(4, cron="0 1 * * *", timezone="Europe/Berlin")
    assert look(window, "2026-03-28T23:30") == (False, "2026-03-29T00:00")  # 01:00 in winter time
    assert look(window, "2026-03-29T03:30") == (
        True,
        "2026-03-29T04:00",
    )  # four hours, though clocks say 06:00
    assert look(window, "2026-03-29T22:30") == (False, "2026-03-29T23:00")  # 01:00 in summer time
    weekly = rule(4, rrule="FREQ=WEEKLY;BYDAY=SU", starts="2026-03-01T01:00", timezone="Europe/Berlin")
    assert look(weekly, "2026-03-29T03:30") == (True, "2026-03-29T04:00")
    assert look(weekly, "2026-04-04T23:30") == (True, "2026-04-05T03:00")


def test_times_that_overlap_are_one_window() -> None:
    window = rule(3, cron="0 0-4 * * *")
    assert look(window, "2026-11-27T00:30") == (True, "2026-11-27T07:00")


def test_a_window_that_never_closes_is_looked_at_again_in_time() -> None:
    is_open, until = look(rule(1, cron="* * * * *"), "2026-11-27T00:30")
    assert is_open
    assert until is not None
    assert until > "2026-11-27T01:00"


def test_asking_again_costs_nothing_and_a_clock_that_is_set_back_is_noticed() -> None:
    windows = Windows({"w": NIGHT})
    assert windows.at(at("2026-11-27T19:00"), 0.0)["w"] == Window(is_open=True, until=7 * HOUR)
    assert windows.at(at("2026-11-27T20:00"), HOUR)["w"] == Window(is_open=True, until=7 * HOUR)
    assert not windows.at(at("2026-11-27T12:00"), 2 * HOUR)["w"].is_open
    assert not windows.at(at("2026-11-28T03:00"), 3 * HOUR)["w"].is_open
    assert windows.at(at("2026-11-28T18:00"), 4 * HOUR)["w"].is_open


@pytest.mark.parametrize(
    "text", ["61 * * * *", "* * * *", "0 2 30 2 *", "x", "", "0 2 * * FUNDAY", "@daily", "0 0 0 0 0"]
)
def test_cron_expressions_that_mean_nothing_are_told(text: str) -> None:
    assert cron_error(text)


@pytest.mark.parametrize(
    "text",
    [
        "FREQ=HOURLY",
        "FREQ=SECONDLY;COUNT=5",
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "BYDAY=SU",
        "FREQ=DAILY;BYDAY=XX",
        "FREQ=DAILY;UNTIL=never",
        "DTSTART:20260101T000000\nRRULE:FREQ=DAILY",
        "",
        "FREQ=MONTHLY;INTERVAL=0",
    ],
)
def test_rules_that_mean_nothing_are_told(text: str) -> None:
    assert recurrence_error(text)


@pytest.mark.parametrize("name", ["Europe", "", "../etc/passwd", "Mars/Base", "Asia/Yerevan\0", "a" * 5000])
def test_time_zones_that_there_are_not(name: str) -> None:
    assert zone_of(name) is None

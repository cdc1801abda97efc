"""Measurements of the past, as CSV, to a scenario: what happened to each link, and nothing expected.

A header, then one row a link and moment: ``time_s,link,loss_percent,rtt_ms``. A row holds until the link's
next one. ``rtt_ms`` may be empty (nothing came back); ``loss_percent`` empty means that nothing was measured.
Four columns more may follow, as ``failover history export`` writes them: ``jitter_ms``, ``witness`` (degraded
or down: what another witness than the probes said), and, in rows of their own, ``order`` and ``until_s``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from operator import sub
from pathlib import Path
from typing import Final

from controller.config.problems import Problem
from controller.core.model import Override, Policy
from controller.sim.scenario import WELL, Condition, Scenario, Span
from controller.sim.trace_rows import LEVELS, PER_MS, Column, Reading, read_rows, reading

STEP_MS: Final = 10.0  # round trips above the link's median are rounded to a multiple of this
LONGEST_S: Final = 366 * 86400.0


def trace(path: Path, content: bytes, policy: Policy) -> tuple[Scenario | None, list[Problem]]:
    """The scenario that these measurements tell, or None and what is wrong with them."""
    rows = read_rows(path.name, content, policy)
    if rows.problems:
        return None, rows.problems
    return _scenario(path, {link: each for link, each in rows.columns.items() if each.times}, rows.orders), []


def _scenario(path: Path, columns: Mapping[str, Column], orders: Iterable[Override]) -> Scenario:
    began = min(column.times[0] for column in columns.values())
    last = max(column.times[-1] for column in columns.values())
    steps = Counter[float]()
    usual: dict[str, float] = {}
    spans: list[Span] = []
    for column in columns.values():
        steps.update(map(sub, column.times[1:], column.times))
    lasts_s = min(last - began + (_median(steps) if steps else 1.0), LONGEST_S)
    for link, column in columns.items():
        codes = Counter(column.codes)
        counts = {reading(code): count for code, count in codes.items()}
        trip, jitter = _usual(counts, "trip"), _usual(counts, "jitter")
        if trip is not None:
            usual[link] = trip / PER_MS
        conditions = {code: _condition(reading(code), trip, jitter) for code in codes}
        spans += (
            Span((link,), start - began, end - began, condition)
            for start, end, condition in _stretches(column, conditions, began + lasts_s)
            if condition != WELL
        )
    given = tuple(_within(each, began) for each in orders)
    about = f"as measured: {path.name}"
    return Scenario(path.stem, lasts_s, tuple(spans), usual_ms=usual, about=about, orders=given)


def _within(order: Override, began: float) -> Override:
    """An order on the scenario's clock. One from before it began is in force from the start."""
    until = None if order.until is None else order.until - began
    return replace(order, since=max(order.since - began, 0.0), until=until)


def _usual(counts: Mapping[Reading, int], measure: str) -> float | None:
    """The median of what was measured while hardly anything was lost."""
    found = Counter[float]()
    for each, count in counts.items():
        value = getattr(each, measure)
        if each.level == 0 and value is not None:
            found[value] += count
    return _median(found) if found else None


def _median(counts: Counter[float]) -> float:
    """Of values, each there so many times; there is one at least."""
    half, seen = counts.total() / 2, 0
    ordered = sorted(counts.items())
    for number, (value, count) in enumerate(ordered):
        seen += count
        if seen > half:
            return value
        if seen == half:
            return (value + ordered[number + 1][0]) / 2
    raise AssertionError("there is no value")  # pragma: no cover


def _stretches(
    column: Column, conditions: Mapping[int, Condition], end: float
) -> Iterator[tuple[float, float, Condition]]:
    """Stretches of one link that are alike. Before its first row a link is taken to be well."""
    since, was = column.times[0], column.codes[0]
    now = conditions[was]
    for at, code in zip(column.times, column.codes, strict=True):
        if code != was:
            was = code
            if conditions[code] != now:
                yield since, at, now
                since, now = at, conditions[code]
    yield since, end, now


def _condition(each: Reading, usual_trip: float | None, usual_jitter: float | None) -> Condition:
    if each.level < 0:
        return Condition(measured=False, witness=each.witness)
    share = 0.0 if not each.level else 1.0 if each.level == len(LEVELS) else LEVELS[each.level - 1] / 100
    return Condition(
        loss=share,
        extra_ms=_above(each.trip, usual_trip),
        jitter_ms=_above(each.jitter, usual_jitter),
        witness=each.witness,
    )


def _above(value: int | None, usual: float | None) -> float:
    """So much above what is usual, in steps."""
    if value is None or usual is None:
        return 0.0
    return max(0, round((value - usual) / PER_MS / STEP_MS)) * STEP_MS

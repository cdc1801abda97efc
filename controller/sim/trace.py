"""Measurements of the past, as CSV, to a scenario: what happened to each link, and nothing expected.

A header, then one row a link and moment: ``time_s,link,loss_percent,rtt_ms``. A row holds until the link's
next one. ``rtt_ms`` may be empty (nothing came back); ``loss_percent`` empty means that nothing was measured.
"""

from __future__ import annotations

import csv
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from io import StringIO
from itertools import pairwise
from math import isfinite
from pathlib import Path
from statistics import median
from typing import Final

from controller.config.problems import Problem, quoted
from controller.config.validate import did_you_mean
from controller.core.model import Policy
from controller.sim.scenario import WELL, Condition, Scenario, Span

HEADER: Final = ("time_s", "link", "loss_percent", "rtt_ms")
# Measured loss is rounded down to one of these: what one second's few probes show is no finer, and below the
# first it is what every path loses now and then.
LEVELS: Final = (2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 70.0, 90.0, 99.5)
STEP_MS: Final = 10.0  # and round trips above the link's median to a multiple of this
MOST_PROBLEMS: Final = 20  # a file with the wrong unit is wrong in every line
LONGEST_S: Final = 366 * 86400.0

Row = tuple[float, float | None, float | None]  # time, loss in percent, round trip in ms
Rows = dict[str, list[Row]]


def trace(path: Path, content: bytes, policy: Policy) -> tuple[Scenario | None, list[Problem]]:
    """The scenario that these measurements tell, or None and what is wrong with them."""
    name = path.name
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return None, [Problem(name, 1, 1, "this is not UTF-8 text", "Save the file in UTF-8.")]
    reader = csv.reader(StringIO(text))
    try:
        header = tuple(field.strip() for field in next(reader, []))
        if header != HEADER:
            hint = f"Write {','.join(HEADER)} there."
            return None, [Problem(name, 1, 1, "the first line does not name the columns", hint)]
        rows, problems = _rows(name, reader, policy)
    except csv.Error as error:
        return None, [
            Problem(name, reader.line_num, 1, f"this is not CSV: {error}", "Look for stray quotes.")
        ]
    if problems:
        return None, problems
    times = sorted({at for measured in rows.values() for at, *_ in measured})
    if not times:
        return None, [Problem(name, 1, 1, "there are no measurements", "Add a row a link and moment.")]
    return _scenario(path, rows, times), []


def _rows(name: str, reader: Iterator[list[str]], policy: Policy) -> tuple[Rows, list[Problem]]:
    rows: Rows = {link: [] for link in policy.links}
    problems: list[Problem] = []
    for number, fields in enumerate(reader, start=2):
        if not fields:
            continue
        found = _row(name, number, fields, rows)
        if isinstance(found, Problem):
            problems.append(found)
            if len(problems) >= MOST_PROBLEMS:
                break
        else:
            rows[fields[1].strip()].append(found)
    for link, measured in rows.items():
        measured.sort(key=lambda row: row[0])
        twice = next((b[0] for a, b in pairwise(measured) if a[0] == b[0]), None)
        if twice is not None:
            hint = "Keep one of its rows."
            problems.append(Problem(name, 0, 0, f"{link} is measured twice at {twice:g} s", hint))
    return rows, problems


def _row(name: str, number: int, fields: Sequence[str], rows: Rows) -> Row | Problem:
    if len(fields) != len(HEADER):
        hint = f"There are {len(HEADER)}: {', '.join(HEADER)}."
        return Problem(name, number, 1, f"this row has {len(fields)} values", hint)
    link = fields[1].strip()
    if link not in rows:
        hint = did_you_mean(link, rows, f"There are: {', '.join(rows)}.")
        return Problem(name, number, 1, f"there is no link {quoted(link)}", hint)
    values: list[float | None] = []
    for column, text in zip(HEADER, fields, strict=True):
        if column == "link":
            continue
        try:
            value = float(text) if text.strip() else None
        except ValueError:
            value = float("nan")
        if value is not None and not (isfinite(value) and value >= 0):
            return Problem(name, number, 1, f"{column} is {quoted(text)}", "Write a number of 0 or more.")
        values.append(value)
    at, loss, rtt = values
    if at is None:
        return Problem(name, number, 1, "time_s is empty", "Write seconds, since whenever it began.")
    if loss is not None and loss > 100:
        return Problem(name, number, 1, f"loss_percent is {loss:g}", "Write 0 to 100.")
    return at, loss, rtt


def _scenario(path: Path, rows: Rows, times: Sequence[float]) -> Scenario | None:
    began = times[0]
    steps = sorted(b - a for a, b in pairwise(times))
    lasts_s = min(times[-1] - began + (steps[len(steps) // 2] if steps else 1.0), LONGEST_S)
    usual = {
        link: median(trips)
        for link, measured in rows.items()
        if (trips := [rtt for _, loss, rtt in measured if rtt is not None and (loss or 0.0) < LEVELS[0]])
    }
    spans = tuple(
        Span((link,), start - began, end - began, condition)
        for link, measured in rows.items()
        for start, end, condition in _stretches(measured, usual.get(link), began + lasts_s)
        if condition != WELL
    )
    return Scenario(path.stem, lasts_s, spans, usual_ms=usual, about=f"as measured: {path.name}")


def _stretches(
    measured: Sequence[Row], usual_ms: float | None, end: float
) -> Iterator[tuple[float, float, Condition]]:
    """Stretches of one link that are alike. Before its first row a link is taken to be well."""
    since, now = None, WELL
    for at, loss, rtt in measured:
        condition = _condition(loss, rtt, usual_ms)
        if since is None:
            since, now = at, condition
        elif condition != now:
            yield since, at, now
            since, now = at, condition
    if since is not None:
        yield since, end, now


def _condition(loss: float | None, rtt: float | None, usual_ms: float | None) -> Condition:
    if loss is None:
        return Condition(measured=False)
    level = bisect_right(LEVELS, loss)
    share = 0.0 if not level else 1.0 if level == len(LEVELS) else LEVELS[level - 1] / 100
    extra = 0.0 if rtt is None or usual_ms is None else STEP_MS * max(0, round((rtt - usual_ms) / STEP_MS))
    return Condition(loss=share, extra_ms=extra)

"""Measurements of the past, as CSV, to a scenario: what happened to each link, and nothing expected.

A header, then one row a link and moment: ``time_s,link,loss_percent,rtt_ms``. A row holds until the link's
next one. ``rtt_ms`` may be empty (nothing came back); ``loss_percent`` empty means that nothing was measured.
"""

from __future__ import annotations

import csv
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import chain, pairwise
from math import inf, isnan, nan
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

# By link: time, loss in percent, round trip in ms of one row after the other, not a number where empty. Flat,
# because a week of one link, second by second, is 600,000 rows.
Rows = dict[str, "array[float]"]
Row = tuple[float, float, float]


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
    if not problems and not any(rows.values()):
        problems = [Problem(name, 1, 1, "there are no measurements", "Add a row a link and moment.")]
    return (None, problems) if problems else (_scenario(path, rows), [])


def _rows(name: str, reader: Iterator[list[str]], policy: Policy) -> tuple[Rows, list[Problem]]:
    rows: Rows = {link: array("d") for link in policy.links}
    problems: list[Problem] = []
    for number, fields in enumerate(reader, start=2):
        if not fields:
            continue
        try:
            at, link, loss, rtt = fields
            row = float(at), float(loss) if loss else nan, float(rtt) if rtt else nan
            if 0 <= row[0] < inf and not (row[1] < 0 or row[1] > 100 or row[2] < 0 or row[2] == inf):
                rows[link].extend(row)
                continue
        except (KeyError, ValueError):
            pass
        problems.append(_problem(name, number, fields, rows))
        if len(problems) >= MOST_PROBLEMS:
            break
    for link, flat in rows.items():
        table = list(_table(flat))
        if any(before[0] >= after[0] for before, after in pairwise(table)):
            table.sort()
            rows[link] = array("d", chain.from_iterable(table))
        twice = next((after[0] for before, after in pairwise(table) if before[0] == after[0]), None)
        if twice is not None:
            hint = "Keep one of its rows."
            problems.append(Problem(name, 0, 0, f"{link} is measured twice at {twice:g} s", hint))
    return rows, problems


def _table(flat: array[float]) -> Iterator[Row]:
    return zip(flat[::3], flat[1::3], flat[2::3], strict=True)


def _problem(name: str, number: int, fields: Sequence[str], rows: Rows) -> Problem:
    """What is wrong with a row, in which something is."""
    if len(fields) != len(HEADER):
        hint = f"There are {len(HEADER)}: {', '.join(HEADER)}."
        return Problem(name, number, 1, f"this row has {len(fields)} values", hint)
    at, link, loss, rtt = fields
    if link not in rows:
        hint = did_you_mean(link, rows, f"There are: {', '.join(rows)}.")
        return Problem(name, number, 1, f"there is no link {quoted(link)}", hint)
    if not at:
        return Problem(name, number, 1, "time_s is empty", "Write seconds, since whenever it began.")
    for column, text in (("time_s", at), ("loss_percent", loss), ("rtt_ms", rtt)):
        try:
            sound = not text or 0 <= float(text) < inf
        except ValueError:
            sound = False
        if not sound:
            hint = "Write a number of 0 or more, or nothing where nothing was measured."
            return Problem(name, number, 1, f"{column} is {quoted(text)}", hint)
    return Problem(name, number, 1, f"loss_percent is {quoted(loss)}", "Write 0 to 100.")


def _scenario(path: Path, rows: Rows) -> Scenario:
    began = min(flat[0] for flat in rows.values() if flat)
    last = max(flat[-3] for flat in rows.values() if flat)
    steps = sorted(b - a for flat in rows.values() for a, b in pairwise(flat[::3]))
    lasts_s = min(last - began + (steps[len(steps) // 2] if steps else 1.0), LONGEST_S)
    usual = {
        link: median(trips)
        for link, flat in rows.items()
        if (trips := [rtt for _, loss, rtt in _table(flat) if loss < LEVELS[0] and not isnan(rtt)])
    }
    spans = tuple(
        Span((link,), start - began, end - began, condition)
        for link, flat in rows.items()
        for start, end, condition in _stretches(_table(flat), usual.get(link), began + lasts_s)
        if condition != WELL
    )
    return Scenario(path.stem, lasts_s, spans, usual_ms=usual, about=f"as measured: {path.name}")


def _stretches(
    table: Iterable[Row], usual_ms: float | None, end: float
) -> Iterator[tuple[float, float, Condition]]:
    """Stretches of one link that are alike. Before its first row a link is taken to be well."""
    since, now, was = None, WELL, (0, 0)
    for at, loss, rtt in table:
        key = _rounded(loss, rtt, usual_ms)
        if since is None:
            since, was, now = at, key, _condition(*key)
        elif key != was:
            yield since, at, now
            since, was, now = at, key, _condition(*key)
    if since is not None:
        yield since, end, now


def _rounded(loss: float, rtt: float, usual_ms: float | None) -> tuple[int, int]:
    """How many levels of loss, or -1 where none was measured, and how many steps of delay."""
    if isnan(loss):
        return -1, 0
    delay = 0 if usual_ms is None or isnan(rtt) else max(0, round((rtt - usual_ms) / STEP_MS))
    return bisect_right(LEVELS, loss), delay


def _condition(level: int, delay: int) -> Condition:
    if level < 0:
        return Condition(measured=False)
    share = 0.0 if not level else 1.0 if level == len(LEVELS) else LEVELS[level - 1] / 100
    return Condition(loss=share, extra_ms=delay * STEP_MS)

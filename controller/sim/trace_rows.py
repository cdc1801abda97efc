"""Measurements in CSV to columns of numbers, link by link, and what people ordered meanwhile.

A week of four links, second by second, is 2.4 million rows: a row is read once, and kept in sixteen bytes.
"""

from __future__ import annotations

import csv
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from math import inf
from operator import ge
from typing import Final, NamedTuple

from controller.config.problems import Problem, quoted
from controller.config.validate import did_you_mean
from controller.core.model import Override, Policy, Verdict
from controller.sim.ordered import NOTATION, order, unknown

HEADER: Final = ("time_s", "link", "loss_percent", "rtt_ms")
MORE: Final = ("jitter_ms", "witness", "order", "until_s")  # columns that may follow, all of them
# Measured loss is rounded down to one of these: what one second's few probes show is no finer, and below the
# first it is what every path loses now and then.
LEVELS: Final = (2.0, 5.0, 10.0, 20.0, 30.0, 50.0, 70.0, 90.0, 99.5)
PER_MS: Final = 10.0  # round trips are kept to a tenth of a millisecond
WITNESS: Final = {"": Verdict.UP, "degraded": Verdict.DEGRADED, "down": Verdict.DOWN}
MOST_KNOWN: Final = 2**16  # readings whose text is remembered
MOST_PROBLEMS: Final = 20  # a file with the wrong unit is wrong in every line

# A reading as one number: level of loss, witness, jitter and round trip, and 0 where
# there is none, else one more.
_WITNESS_AT, _JITTER_AT, _TRIP_AT = 4, 6, 32
_MOST: Final = 2**25  # tenths of a millisecond: an hour
_WITNESS_CODE: Final = {text: number << _WITNESS_AT for number, text in enumerate(WITNESS)}
_VERDICTS: Final = tuple(WITNESS.values())


class Reading(NamedTuple):
    """What was measured of a link at one moment."""

    level: int  # of loss: how many of LEVELS it reached; -1: nothing was measured
    trip: int | None  # in tenths of a millisecond
    jitter: int | None
    witness: Verdict  # what another witness than the probes says


def reading(code: int) -> Reading:
    """What a column's number stands for."""
    trip, jitter = code >> _TRIP_AT, code >> _JITTER_AT & (1 << _TRIP_AT - _JITTER_AT) - 1
    return Reading(
        (code & (1 << _WITNESS_AT) - 1) - 1,
        trip - 1 if trip else None,
        jitter - 1 if jitter else None,
        _VERDICTS[code >> _WITNESS_AT & 3],
    )


@dataclass(slots=True)
class Column:
    """One link: when it was measured, in order, and what was read then."""

    times: array[float] = field(default_factory=lambda: array("d"))
    codes: array[int] = field(default_factory=lambda: array("Q"))

    def sort(self) -> float | None:
        """Into the order of time; a moment that is there twice, or None."""
        later = self.times[1:]
        if any(map(ge, self.times, later)):
            pairs = sorted(zip(self.times, self.codes, strict=True))
            self.times = array("d", (at for at, _ in pairs))
            self.codes = array("Q", (code for _, code in pairs))
            later = self.times[1:]
        return next((a for a, b in zip(self.times, later, strict=False) if a == b), None)


@dataclass(slots=True)
class Rows:
    """A whole file."""

    columns: dict[str, Column]  # by link
    orders: list[Override] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def read_rows(name: str, content: bytes, policy: Policy) -> Rows:
    """All rows, or what is wrong with them. ``name``: what people call the file."""
    found = Rows({link: Column() for link in policy.links})
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        found.problems = [Problem(name, 1, 1, "this is not UTF-8 text", "Save the file in UTF-8.")]
        return found
    lines = StringIO(text)
    header = tuple(field.strip() for field in next(csv.reader([next(lines, "")]), []))
    if header not in (HEADER, HEADER + MORE):
        hint = f"Write {','.join(HEADER)} there."
        found.problems = [Problem(name, 1, 1, "the first line does not name the columns", hint)]
        return found
    for number, line in _others(lines, found.columns, len(header)):
        try:
            fields = next(csv.reader([line], strict=True), [])
        except csv.Error as error:
            hint = "Look for stray quotes, and for line breaks inside of quotes."
            found.problems.append(Problem(name, number, 1, f"this is not CSV: {error}", hint))
        else:
            _take(name, number, fields, header, policy, found)
        if len(found.problems) >= MOST_PROBLEMS:
            return found
    for link, column in found.columns.items():
        twice = column.sort()
        if twice is not None:
            message = f"{link} is measured twice at {twice:g} s"
            found.problems.append(Problem(name, 0, 0, message, "Keep one of its rows."))
    if not found.problems and not any(column.times for column in found.columns.values()):
        hint = "Add a row a link and moment."
        found.problems = [Problem(name, 1, 1, "there are no measurements", hint)]
    return found


def _others(lines: Iterable[str], columns: Mapping[str, Column], width: int) -> Iterator[tuple[int, str]]:
    """Take the measurements in that are written plainly; any other line comes back, with its number."""
    places = {link: (column.times.append, column.codes.append) for link, column in columns.items()}
    known: dict[str, int] = {}  # what follows time and link -> its code: most of it was read before
    before, time_s = "\n", 0.0  # of no line
    for number, line in enumerate(lines, start=2):
        try:
            at, link, rest = line.split(",", 2)
            add_time, add_code = places[link]
            code = known.get(rest)
            if code is None:
                code = _code(rest.strip().split(","), width)
                if len(known) < MOST_KNOWN:
                    known[rest] = code
            if at != before:
                before, time_s = at, _number(at)
            add_code(code)
            add_time(time_s)
        except (KeyError, ValueError):
            yield number, line


def _code(fields: Sequence[str], width: int) -> int:
    """A reading, by all fields but time and link. Raises ValueError or KeyError if it is none."""
    if len(fields) != width - 2:
        raise ValueError(width)
    loss, rtt, jitter, witness, order, until = (*fields, "", "", "", "")[:6]
    if order or until:
        raise ValueError(order)
    share = _number(loss) if loss else -1.0
    if share > 100:
        raise ValueError(share)
    code = bisect_right(LEVELS, share) + 1 if loss else 0
    code |= _WITNESS_CODE[witness]
    code |= _tenths(jitter) << _JITTER_AT
    return code | _tenths(rtt) << _TRIP_AT


def _tenths(text: str) -> int:
    return int(min(_number(text) * PER_MS, _MOST) + 1) if text else 0


def _number(text: str) -> float:
    """A number of 0 or more. Raises ValueError."""
    value = float(text)
    if not 0 <= value < inf:
        raise ValueError(text)
    return value


def _take(
    name: str, number: int, fields: Sequence[str], header: Sequence[str], policy: Policy, found: Rows
) -> None:
    """Take a line in that is quoted, or somebody's order, or a slip."""
    if not fields:
        return
    if len(fields) == len(HEADER + MORE) == len(header) and fields[6]:
        _take_order(name, number, fields, policy, found)
        return
    try:
        column = found.columns[fields[1]]
        code, at = _code(fields[2:], len(header)), _number(fields[0])
    except (IndexError, KeyError, ValueError):
        found.problems.append(_problem(name, number, fields, header, policy))
    else:
        column.codes.append(code)
        column.times.append(at)


def _take_order(name: str, number: int, fields: Sequence[str], policy: Policy, found: Rows) -> None:
    """Take somebody's order in."""
    at, text, until = fields[0], fields[6], fields[7]
    if any(fields[1:6]):
        hint = "Leave them empty where somebody orders something."
        found.problems.append(Problem(name, number, 1, "an order stands in a row of measurements", hint))
        return
    for column, value in (("time_s", at), ("until_s", until)):
        if not (_is_number(value) or (column == "until_s" and not value)):
            hint = "Write seconds, on the clock of the other rows."
            found.problems.append(Problem(name, number, 1, f"{column} is {quoted(value)}", hint))
            return
    given = order(text, len(found.orders) + 1, float(at), float(until) if until else None)
    if given is None:
        found.problems.append(Problem(name, number, 1, f"order is {quoted(text)}", f"Write {NOTATION}."))
        return
    wrong = unknown(given, policy)
    if wrong is not None:
        found.problems.append(Problem(name, number, 1, *wrong))
        return
    found.orders.append(given)


def _problem(name: str, number: int, fields: Sequence[str], header: Sequence[str], policy: Policy) -> Problem:
    """What is wrong with a row of measurements, in which something is."""
    if len(fields) != len(header):
        hint = f"There are {len(header)}: {', '.join(header)}."
        return Problem(name, number, 1, f"this row has {len(fields)} values", hint)
    message, hint = _slip(dict(zip(header, fields, strict=True)), policy)
    return Problem(name, number, 1, message, hint)


def _slip(row: Mapping[str, str], policy: Policy) -> tuple[str, str]:
    link, witness = row["link"], row.get("witness", "")
    wrong = [
        (each, text)
        for each in ("time_s", "loss_percent", "rtt_ms", "jitter_ms")
        if (text := row.get(each)) and not _is_number(text)
    ]
    if link not in policy.links:
        hint = did_you_mean(link, policy.links, f"There are: {', '.join(policy.links)}.")
        found = f"there is no link {quoted(link)}", hint
    elif not row["time_s"]:
        found = "time_s is empty", "Write seconds, since whenever it began."
    elif wrong:
        hint = "Write a number of 0 or more, or nothing where nothing was measured."
        found = f"{wrong[0][0]} is {quoted(wrong[0][1])}", hint
    elif witness not in WITNESS:
        found = f"witness is {quoted(witness)}", "Write degraded or down, or nothing where only probes speak."
    elif row.get("until_s"):
        found = "until_s stands without an order", "Write what is ordered before it, or leave it empty."
    else:
        found = f"loss_percent is {quoted(row['loss_percent'])}", "Write 0 to 100."
    return found


def _is_number(text: str) -> bool:
    try:
        _number(text)
    except ValueError:
        return False
    return True

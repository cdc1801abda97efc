"""A run as rows of letters, for terminals of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from textwrap import wrap
from typing import Final

from controller.sim.ledger import CELLS, Account, Lane, State
from controller.sim.report import Run
from controller.sim.words import brief

WIDTH: Final = 80
LABEL: Final = 18  # of a row, and the space behind it
COLUMNS: Final = WIDTH - LABEL
SIGNS: Final = {State.WELL: ".", State.POOR: "~", State.DEAD: "#"}
SHORTEST: Final = 12  # that a heading is cut to
TICKS: Final = 4  # parts that the axis is divided into


def chart(run: Run) -> list[str]:
    """Who carried each class, how that was for users, when it moved, and how every link really was."""
    signs = letters(dict.fromkeys(run.upstreams.values()))
    lasts_s = run.scenario.lasts_s
    rows = [_axis(lasts_s)]
    for name, account in run.accounts.items():
        rows += [
            _row(name, _carriers(account, signs, lasts_s)),
            _row("  path", _lane(account.lane)),
            _row("  moves", _moves(account, lasts_s)),
        ]
    rows += [_row(name, _lane(lane)) for name, lane in run.lanes.items()]
    legend = ", ".join(f"{sign} {name}" for name, sign in signs.items())
    return [
        *(row.rstrip() for row in rows),
        *wrap(legend, WIDTH),
        ". well, ~ lossy, slow or short of routes, # dead",
    ]


def letters(names: Iterable[str]) -> dict[str, str]:
    """A sign for each name: its first letter that no other has taken, or a digit."""
    signs: dict[str, str] = {}
    for name in names:
        own = [*name.upper().replace("-", ""), *"0123456789"]
        signs[name] = next((sign for sign in own if sign not in signs.values()), "?")
    return signs


def _row(label: str, cells: str) -> str:
    room = LABEL - 1
    return f"{label if len(label) <= room else label[: room - 1] + '…':<{LABEL}}{cells}"


def _axis(lasts_s: float) -> str:
    part = COLUMNS // TICKS
    marks = "".join(f"|{brief(round(lasts_s * n / TICKS)):<{part - 1}}" for n in range(TICKS))
    return _row("", marks[:COLUMNS])


def _lane(lane: Lane) -> str:
    return "".join(SIGNS[max(lane.cells[first:last])] for first, last in _columns())


def _columns() -> Iterable[tuple[int, int]]:
    for column in range(COLUMNS):
        first = column * CELLS // COLUMNS
        yield first, max(first + 1, (column + 1) * CELLS // COLUMNS)


def _carriers(account: Account, signs: dict[str, str], lasts_s: float) -> str:
    """Of each column, who carried it at its end."""
    found: list[str] = []
    number = 0
    for column in range(COLUMNS):
        end = (column + 1) * lasts_s / COLUMNS
        while number + 1 < len(account.carried) and account.carried[number + 1][0] < end:
            number += 1
        names = account.carried[number][1]
        found.append(signs[names[0]] if len(names) == 1 else "+" if names else "-")
    return "".join(found)


def _moves(account: Account, lasts_s: float) -> str:
    counts = [0] * COLUMNS
    for move in account.moves:
        counts[min(int(move.at_s / lasts_s * COLUMNS), COLUMNS - 1)] += 1
    return "".join(" " if not count else str(count) if count < 10 else "*" for count in counts)


def side_by_side(headings: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]]) -> list[str]:
    """Figures of one or more runs as columns; of long headings, paths as a rule, the end is shown."""
    first = max(len(label) for label, _ in rows) + 2
    room = max((WIDTH - first) // len(headings) - 2, SHORTEST)
    headings = [name if len(name) <= room else f"…{name[1 - room :]}" for name in headings]
    widths = [
        max(len(heading), *(len(values[n]) for _, values in rows)) + 2 for n, heading in enumerate(headings)
    ]
    lines = [" " * first + "".join(f"{h:>{w}}" for h, w in zip(headings, widths, strict=True))]
    for label, values in rows:
        lines.append(f"{label:<{first}}" + "".join(f"{v:>{w}}" for v, w in zip(values, widths, strict=True)))
    return lines

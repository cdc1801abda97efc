"""Runs as a picture: an SVG that needs nothing else, alone or in a page with figures and timeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape
from itertools import groupby
from typing import Final

from controller.sim.ledger import CELLS, Account, Lane, State
from controller.sim.report import Run
from controller.sim.summary import figures
from controller.sim.words import brief, clock

LEFT, WIDE, RIGHT = 170, 780, 20  # px: labels, time, margin
BAR, STRIP, GAP, LINE = 22, 8, 10, 20
COLORS: Final = ("#0072b2", "#009e73", "#cc79a7", "#56b4e9", "#8c6d31", "#7b6fd0", "#5f6b6d")
STATES: Final = {State.WELL: "#dfe8e2", State.POOR: "#f0b840", State.DEAD: "#c8371b"}
TICKS: Final = 8
MOST_MOVES: Final = 500  # drawn of one class; more are a blur


class _Canvas:
    def __init__(self) -> None:
        self.parts: list[str] = []
        self.y = 10

    def text(self, x: float, y: float, text: str, *, anchor: str = "start", bold: bool = False) -> None:
        weight = ' font-weight="bold"' if bold else ""
        self.parts.append(
            f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{weight}>{escape(text)}</text>'
        )

    def bar(self, start: float, end: float, height: int, color: str, title: str) -> None:
        """From start to end, as shares of the time."""
        x, width = LEFT + start * WIDE, max((end - start) * WIDE, 0.5)
        self.parts.append(
            f'<rect x="{x:.1f}" y="{self.y}" width="{width:.1f}" height="{height}" fill="{color}">'
            f"<title>{escape(title)}</title></rect>"
        )


def svg(runs: Sequence[Run]) -> str:
    """The picture of one or more runs of the same scenario, one below the other."""
    canvas, scenario = _Canvas(), runs[0].scenario
    canvas.y += LINE
    canvas.text(10, canvas.y, scenario.title, bold=True)
    colors = _colors(runs)
    for run in runs:
        canvas.y += GAP + LINE
        canvas.text(10, canvas.y, run.policy, bold=True)
        canvas.y += LINE
        _axis(canvas, scenario.lasts_s)
        for name, account in run.accounts.items():
            _class(canvas, name, account, scenario.lasts_s, colors)
    canvas.y += GAP
    for name, lane in runs[0].lanes.items():
        _label(canvas, name, STRIP)
        _lane(canvas, lane, scenario.lasts_s, name)
        canvas.y += STRIP + GAP
    _legend(canvas, colors)
    width, height = LEFT + WIDE + RIGHT, canvas.y + LINE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" font-family="sans-serif" font-size="13">'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>{"".join(canvas.parts)}</svg>\n'
    )


def html(runs: Sequence[Run]) -> str:
    """A page: the picture, the figures, and what was decided."""
    scenario = runs[0].scenario
    title, about = escape(scenario.title), escape(scenario.about)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>'
        "body{font:15px sans-serif;margin:2em;max-width:62em}td,th{padding:.15em .8em;text-align:left;"
        "vertical-align:top}svg{max-width:100%;height:auto}</style></head><body>"
        f"<p>{about}</p>{svg(runs)}{_figures(runs)}{''.join(_timeline(run) for run in runs)}</body></html>\n"
    )


def _figures(runs: Sequence[Run]) -> str:
    head = "".join(f"<th>{escape(run.policy)}</th>" for run in runs)
    rows = "".join(
        f"<tr><th>{escape(label)}</th>{''.join(f'<td>{escape(value)}</td>' for value in values)}</tr>"
        for label, values in figures(runs)
    )
    return f"<table><tr><th></th>{head}</tr>{rows}</table>"


def _timeline(run: Run) -> str:
    rows = "".join(f"<tr><td>{clock(at)}</td><td>{escape(text)}</td></tr>" for at, text in run.timeline)
    return f"<h2>{escape(run.policy)}</h2><table>{rows}</table>"


def _colors(runs: Sequence[Run]) -> dict[str, str]:
    names = dict.fromkeys(name for run in runs for name in run.upstreams.values())
    return {name: COLORS[number % len(COLORS)] for number, name in enumerate(names)}


def _label(canvas: _Canvas, text: str, height: int) -> None:
    canvas.text(LEFT - 8, canvas.y + height / 2 + 5, text, anchor="end")


def _axis(canvas: _Canvas, lasts_s: float) -> None:
    for number in range(TICKS + 1):
        x = LEFT + WIDE * number / TICKS
        anchor = "end" if number == TICKS else "middle" if number else "start"
        canvas.text(x, canvas.y, brief(round(lasts_s * number / TICKS)), anchor=anchor)
    canvas.y += GAP


def _class(canvas: _Canvas, name: str, account: Account, lasts_s: float, colors: dict[str, str]) -> None:
    _label(canvas, name, BAR)
    for start, end, upstreams in _stretches(account, lasts_s):
        told = " and ".join(upstreams) or "nothing"
        title = f"{told}, {clock(start)} to {clock(end)}"
        color = colors[upstreams[0]] if upstreams else "#444444"
        canvas.bar(start / lasts_s, end / lasts_s, BAR, color, title)
    for move in account.moves[:MOST_MOVES]:
        x = LEFT + WIDE * move.at_s / lasts_s
        canvas.parts.append(
            f'<path d="M{x:.1f} {canvas.y - 3}v{BAR + 6}" stroke="{"#c8371b" if move.false else "#222222"}">'
            f"<title>{'false move' if move.false else 'move'} at {clock(move.at_s)}</title></path>"
        )
    canvas.y += BAR + 3
    _lane(canvas, account.lane, lasts_s, f"{name}: its path")
    canvas.y += STRIP + GAP


def _stretches(account: Account, lasts_s: float) -> Iterator[tuple[float, float, tuple[str, ...]]]:
    ends = [at for at, _ in account.carried[1:]] + [lasts_s]
    for (start, upstreams), end in zip(account.carried, ends, strict=True):
        if end > start:
            yield start, end, upstreams


def _lane(canvas: _Canvas, lane: Lane, lasts_s: float, name: str) -> None:
    first = 0
    for state, cells in groupby(lane.cells):
        last = first + len(list(cells))
        start, end = clock(first * lasts_s / CELLS), clock(last * lasts_s / CELLS)
        title = f"{name} {state.name.lower()}, {start} to {end}"
        canvas.bar(first / CELLS, last / CELLS, STRIP, STATES[state], title)
        first = last


def _legend(canvas: _Canvas, colors: dict[str, str]) -> None:
    words = {State.WELL: "well", State.POOR: "lossy, slow or short of routes", State.DEAD: "dead"}
    entries = [*colors.items(), *((words[state], color) for state, color in STATES.items())]
    x = LEFT
    for text, color in entries:
        canvas.parts.append(f'<rect x="{x}" y="{canvas.y + 3}" width="12" height="12" fill="{color}"/>')
        canvas.text(x + 17, canvas.y + 14, text)
        x += 32 + 7 * len(text)
    canvas.y += LINE

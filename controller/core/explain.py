"""Decisions in words: the one sentence of the diary, and the lines behind it.

Every text is made from values handed in, so that the same decision reads the same everywhere.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from controller.core.model import Assignment, Decision, Placement

_BITS = (("Tbit/s", 1e12), ("Gbit/s", 1e9), ("Mbit/s", 1e6), ("kbit/s", 1e3), ("bit/s", 1.0))
LISTED = 3  # names written out before "and N more": a sentence is read at a glance


class Weight(IntEnum):
    """How much a clause matters to somebody woken by it; the heaviest is said first."""

    STUCK = 0
    ESCAPED = 1
    MOVED = 2
    TIDIED = 3
    INSTALLED = 4
    HELD = 5
    CALM = 6


PREFIXES = {Weight.STUCK: "STUCK: ", Weight.HELD: "held: ", Weight.CALM: "nothing to change: "}


@dataclass(frozen=True, slots=True)
class Clause:
    """What became of one class: ``rest`` continues the sentence after the class's name."""

    weight: Weight
    traffic_class: str
    rest: str


def duration(seconds: float) -> str:
    """Seconds for people, rounded down so that a wait never looks finished before it is."""
    if seconds < 10:
        return f"{math.floor(max(seconds, 0.0) * 10 + 1e-6) / 10:g} s"
    if seconds < 600:
        return f"{math.floor(seconds)} s"
    if seconds < 7200:
        return f"{math.floor(seconds / 60)} min"
    return f"{math.floor(seconds / 360) / 10:g} h"


def written(seconds: float) -> str:
    """A duration as policy files write it: ``400ms``, ``90s``, ``10min``."""
    if seconds < 1:
        return f"{seconds * 1000:g}ms"
    for unit, size, least in (("d", 86400, 1), ("h", 3600, 1), ("min", 60, 2)):
        if seconds >= least * size and seconds % size == 0:
            return f"{seconds / size:g}{unit}"
    return f"{seconds:g}s"


def bit_rate(bps: float) -> str:
    """``9.5 Gbit/s``."""
    unit, size = _unit(bps)
    return f"{_figure(bps / size)} {unit}"


def filling(load_bps: float, capacity_bps: float) -> str:
    """``52 of 45 Gbit/s``."""
    unit, size = _unit(max(load_bps, capacity_bps))
    return f"{_figure(load_bps / size)} of {_figure(capacity_bps / size)} {unit}"


def _unit(bps: float) -> tuple[str, float]:
    return next((each for each in _BITS if bps >= each[1]), _BITS[-1])


def _figure(value: float) -> str:
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def names(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``, ``a, b, c and 4 more``."""
    shown = list(items[:LISTED])
    if len(items) > LISTED:
        shown.append(f"{len(items) - LISTED} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}" if shown else "nothing"


def one_line(text: str) -> str:
    """The text without line breaks or runs of spaces: evidence comes from outside."""
    return " ".join(text.split())


def sentence(clauses: Iterable[Clause], calm_tail: str = "") -> str:
    """Exactly one sentence for all classes, heaviest first.

    Classes that fare alike share a clause; calm classes are mentioned only when all are calm, followed
    by ``calm_tail`` (how the links are).
    """
    shared: dict[tuple[Weight, str], list[str]] = {}
    for clause in clauses:
        shared.setdefault((clause.weight, clause.rest), []).append(clause.traffic_class)
    told = sorted(shared.items(), key=lambda item: item[0][0])  # stable: within a weight, policy order
    if not told:
        return "nothing to change: the policy names no traffic class"
    busy = [item for item in told if item[0][0] is not Weight.CALM]
    parts: list[str] = []
    said: Weight | None = None
    for (weight, rest), classes in busy or told:
        plural = f"stay {rest[6:]}" if len(classes) > 1 and rest.startswith("stays ") else rest
        prefix = PREFIXES.get(weight, "") if weight is not said else ""
        parts.append(f"{prefix}{names(classes)} {plural}")
        said = weight
    return one_line("; ".join(parts) + ("" if busy else calm_tail))


def describe_link(link: str, before: Placement | None, after: Placement | None) -> str:
    """One link's change: ``edge1-azerbaijan primary -> drained``."""
    return f"{link} {before or 'unset'} -> {after or 'unset'}"


def changed(before: Mapping[str, Placement], after: Mapping[str, Placement]) -> list[str]:
    """Links that ``after`` places differently, by name. Links it does not mention are left alone."""
    if before == after:  # one step, where both hold the same placements
        return []
    known = before.get
    return sorted(
        link
        for link, placement in after.items()
        if (was := known(link)) is not placement and was != placement
    )


def describe_move(traffic_class: str, before: Mapping[str, Placement], after: Mapping[str, Placement]) -> str:
    """One class's change, link by link; every changed link is named."""
    links = changed(before, after)
    if not links:
        return f"{traffic_class}: no change"
    moves = ", ".join(describe_link(link, before.get(link), after[link]) for link in links)
    return f"{traffic_class}: {moves}"


def describe_assignment(before: Assignment, after: Assignment) -> list[str]:
    """One line for each class that changes; empty when nothing does."""
    return [
        describe_move(name, before.get(name, {}), placements)
        for name, placements in after.items()
        if changed(before.get(name, {}), placements)
    ]


def explain(decision: Decision, now: float | None = None) -> list[str]:
    """The decision as lines for people: the sentence, reasons by rule, holds and what they wait for, notices.

    With ``now`` (monotonic, as in the decision) waits are told as time left.
    """
    lines = [decision.sentence]
    by_rule: dict[str, list[str]] = {}
    for reason in decision.reasons:
        by_rule.setdefault(reason.rule, []).append(f"  {reason.subject}: {one_line(reason.text)}")
    for rule, reasons in by_rule.items():
        lines += [f"{rule}:", *reasons]
    if decision.held:
        lines.append("held:")
        lines += [
            f"  {hold.traffic_class}: {hold.move}: {one_line(hold.why)}{_wait(hold.until, now)}"
            for hold in decision.held
        ]
    if decision.notices:
        lines += ["look at:", *(f"  {one_line(notice.text)}" for notice in decision.notices)]
    return lines


def _wait(until: float | None, now: float | None) -> str:
    if until is None:
        return " (until something is seen to change)"
    return f" (for another {duration(math.ceil(max(until - now, 0.0)))})" if now is not None else ""

"""What a running loop recorded, as rows of a trace: the way back is ``trace.py``.

Loss and round trips are those of the roll-up, the worse family of a link counting. Verdicts are kept with the
probes that drove them: where silence began is told to the probe by these, and what no probe shows was said by
another witness. Where nothing was measured, that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from statistics import median_low
from typing import Final, NamedTuple

from controller.core.latency_usual import TAIL
from controller.core.model import Family, Override, SampleState, Verdict
from controller.core.rollup import Row, Tally, merged
from controller.core.sight import FamilySight
from controller.core.turn import Turn
from controller.sim.ordered import written
from controller.sim.trace_rows import HEADER, MORE

LATE: Final = 1.5  # of the usual time between two readings: with none for longer, nothing was measured
FINEST_S: Final = 1
Cells = tuple[str, ...]


class Seen(NamedTuple):
    """One reading; ``loss_percent`` None: nothing was measured."""

    loss_percent: float | None = None
    rtt_ms: float | None = None
    jitter_ms: float | None = None


NOTHING: Final = Seen()
DEAD: Final = Seen(100.0)
WELL: Final = Seen(0.0)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is kept of some stretch of time. Times are UTC."""

    begin: float
    end: float
    step_s: int
    rows: Mapping[str, Sequence[Row]]  # link -> its roll-up of this step
    minutes: Mapping[str, Sequence[Row]]  # link -> its roll-up by the minute, target by target
    turns: Sequence[Turn]
    orders: Sequence[Override]
    recover_s: float  # a link was well for this long when it was up again


def lines(recorded: Recorded) -> Iterator[Cells]:
    """The header, and all rows in the order of time."""
    yield HEADER + MORE
    begin = max(recorded.begin, min((r[0].start for r in recorded.rows.values() if r), default=inf))
    found: list[tuple[float, Cells]] = []
    for link, rows in recorded.rows.items():
        turns = [turn for turn in recorded.turns if turn.sight.link == link]
        readings = _readings(rows, recorded.minutes.get(link, ()), begin, recorded)
        readings = _sharpened(readings, turns, recorded)
        found += ((at, _row(at, link, *seen)) for at, seen in _said(readings, turns, recorded.recover_s))
    for order in recorded.orders:
        until = "" if order.until is None else _number(order.until, 3)
        at = max(order.since, begin)
        if order.until is None or order.until > at:
            found.append((at, (_number(at, 3), *[""] * 5, written(order), until)))
    yield from (cells for _, cells in sorted(found))


def _readings(
    rows: Iterable[Row], minutes: Iterable[Row], begin: float, recorded: Recorded
) -> dict[float, Seen]:
    """By time. Where readings end, nothing was measured from then on."""
    parts: dict[float, dict[Family, list[Row]]] = {}
    for row in rows:
        parts.setdefault(float(row.start), {}).setdefault(row.series.family, []).append(row)
    blamed = _blamed(minutes) if recorded.step_s == FINEST_S else {}
    found = {}
    for at, families in parts.items():
        seen = [_seen(each, blamed.get((family, at // 60 * 60), 0.0)) for family, each in families.items()]
        found[at] = Seen(*(_worst(values) for values in zip(*seen, strict=True)))
    times = [at for at in found if found[at].loss_percent is not None]
    apart = [b - a for a, b in pairwise(times)]
    usual_s = max(median_low(apart), recorded.step_s) if apart else float(recorded.step_s)
    gaps = [begin] if not times or times[0] > begin + LATE * usual_s else []
    gaps += [a + usual_s for a, b in pairwise([*times, recorded.end]) if b - a > LATE * usual_s]
    return dict(sorted({**found, **dict.fromkeys(gaps, NOTHING)}.items()))


def _worst(values: Sequence[float | None]) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _seen(rows: Sequence[Row], blamed: float) -> Seen:
    """One family at one moment. ``blamed``: the share of its probes that nothing ever answers."""
    tallies = [row.tally for row in rows]
    if len(tallies) > 1:  # target by target
        tallies = [each for each in tallies if not _never(each)] or tallies
    tally = merged(tallies)
    sent = tally.ok + tally.lost
    lost = max(0.0, tally.lost - blamed * sent)
    rtt_ms, tail_ms = tally.rtt_ms(0.5), tally.rtt_ms(TAIL)
    return Seen(
        100 * lost / (sent * (1 - blamed)) if sent else None,
        rtt_ms,
        None if rtt_ms is None or tail_ms is None else tail_ms - rtt_ms,
    )


def _never(tally: Tally) -> bool:
    return not tally.ok and tally.lost > 0


def _blamed(minutes: Iterable[Row]) -> dict[tuple[Family, float], float]:
    """Of each family and minute: the share of probes to targets that were silent while most answered."""
    parts: dict[tuple[Family, float], list[Tally]] = {}
    for row in minutes:
        parts.setdefault((row.series.family, float(row.start)), []).append(row.tally)
    found = {}
    for key, tallies in parts.items():
        silent = [each.ok + each.lost for each in tallies if _never(each)]
        if silent and 2 * len(silent) < len(tallies):
            found[key] = sum(silent) / sum(each.ok + each.lost for each in tallies)
    return found


# --- what the verdicts know better ---------------------------------------------------------------


def _sharpened(
    readings: Mapping[float, Seen], turns: Sequence[Turn], recorded: Recorded
) -> dict[float, Seen]:
    """With every silence that brought a link down from its first probe to its last, and not by full steps."""
    found, step_s = dict(readings), recorded.step_s
    for turn, after in pairwise([*turns, None]):
        onset = None if turn is None else _onset(turn)
        if onset is None or not recorded.begin <= onset < recorded.end:
            continue
        up_s = (
            inf if after is None or after.sight.verdict is not Verdict.UP else after.utc - recorded.recover_s
        )
        for at in readings:
            partly = at <= onset < at + step_s or at <= up_s < at + step_s
            if partly or (step_s > FINEST_S and onset < at < up_s < inf):
                found.pop(at, None)
        found[onset] = DEAD
        if onset < up_s < recorded.end:
            found[up_s] = next((seen for at, seen in readings.items() if at > up_s), WELL)
    return dict(sorted(found.items()))


def _onset(turn: Turn) -> float | None:
    """When the silence began for which a link was found down; None: it was not found down for that."""
    if turn.sight.verdict is not Verdict.DOWN:
        return None
    onsets = [
        _first_unanswered(turn, family) for family in turn.sight.families.values() if _is_silent(family)
    ]
    return turn.utc + min(onsets) if onsets else None


def _is_silent(family: FamilySight) -> bool:
    return family.verdict is Verdict.DOWN and family.silence.share >= 1


def _first_unanswered(turn: Turn, family: FamilySight) -> float:
    """When the first probe was sent of those after the last answer, in seconds from the verdict."""
    probes = [probe for target in family.targets for probe in turn.probes.get(target.target, ())]
    answered = max((probe.sent_at for probe in probes if probe.state is SampleState.OK), default=-inf)
    return min((probe.sent_at for probe in probes if probe.sent_at > answered), default=0.0)


def _said(
    readings: Mapping[float, Seen], turns: Sequence[Turn], recover_s: float
) -> Iterator[tuple[float, tuple[Seen, str]]]:
    """Each reading with what another witness said then; and a row more where that changed."""
    words: dict[float, str] = {}
    word = ""
    for turn in turns:
        was, word = word, _witness(turn, word)
        if word != was:
            words[turn.utc if word else turn.utc - recover_s] = word
    seen, word = NOTHING, ""
    for at in sorted(readings.keys() | words.keys()):
        seen, word = readings.get(at, seen), words.get(at, word)
        yield at, (seen, word)


def _witness(turn: Turn, was: str) -> str:
    """What must have been said by another witness, for no probe shows it."""
    families = turn.sight.families.values()
    if turn.sight.verdict is Verdict.DOWN:
        return "" if any(map(_is_silent, families)) else "down"
    if turn.sight.verdict is not Verdict.DEGRADED:
        return ""
    lossy = any(family.loss is not None and family.loss.share >= 1 for family in families)
    return "degraded" if was or not (lossy or turn.was is Verdict.DOWN) else ""


# --- cells ---------------------------------------------------------------------------------------


def _row(at: float, link: str, seen: Seen, word: str) -> Cells:
    cells = (_number(seen.loss_percent, 2), _number(seen.rtt_ms, 1), _number(seen.jitter_ms, 1))
    return (_number(at, 3), link, *cells, word, "", "")


def _number(value: float | None, digits: int) -> str:
    return "" if value is None else f"{round(value, digits):.{digits}f}".rstrip("0").rstrip(".")

"""The latest samples of every target through every path, as they came; and counts of them by the second.

Mutable, for one owner: what is handed out are copies. Bounded in probes a target and in seconds kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import floor, inf
from typing import Final, NamedTuple

from controller.core.model import Sample, SampleState, Target
from controller.core.rollup import Series, Tally, tally

KEPT: Final = 256  # probes a target: 25 s at ten a second; more than can be under way at once
KEPT_SECONDS: Final = 300  # counts that nobody fetches: the disk is full, or hangs

# One character a probe, for people.
MARKS: Final = {
    SampleState.OK: ".",
    SampleState.LOST: "x",
    SampleState.SENT: "?",  # under way
    SampleState.INVALID: "-",
}


class Probe(NamedTuple):
    """One probe: when it was sent, and what became of it so far."""

    sent_at: float
    state: SampleState
    rtt_ms: float | None


Latest = Mapping[Series, Sequence[Probe]]  # by target, in the order of sending


def marks(probes: Sequence[Probe]) -> str:
    """What became of each, as ``..x.?``: the oldest first."""
    return "".join(MARKS[probe.state] for probe in probes)


class _Ring:
    """The latest probes of one target through one path."""

    __slots__ = ("forgotten_at", "probes", "series")

    def __init__(self, series: Series) -> None:
        self.series = series
        self.probes: dict[int, Probe] = {}  # by sequence number
        self.forgotten_at = -inf  # send time of the latest probe pushed out

    def note(self, sample: Sample) -> bool:
        """Whether this is news: not a duplicate, nor the result of a probe long forgotten."""
        known = self.probes.get(sample.seq)
        if known is None:
            if sample.sent_at <= self.forgotten_at:
                return False
        elif known.state is not SampleState.SENT or sample.state is SampleState.SENT:
            return False
        self.probes[sample.seq] = Probe(sample.sent_at, sample.state, sample.rtt_ms)
        if len(self.probes) > KEPT:
            self.forgotten_at = self.probes.pop(next(iter(self.probes))).sent_at
        return True


class _Count:
    """One second of one target."""

    __slots__ = ("invalid", "lost", "rtts_ms")

    def __init__(self) -> None:
        self.rtts_ms: list[float] = []
        self.lost = self.invalid = 0

    def add(self, sample: Sample) -> None:
        if sample.state is SampleState.OK:
            self.rtts_ms.append(sample.rtt_ms or 0.0)
        elif sample.state is SampleState.LOST:
            self.lost += 1
        else:
            self.invalid += 1


class Seconds:
    """Seconds that were taken out, to be counted elsewhere than on the event loop."""

    def __init__(self, counts: Mapping[int, Mapping[Series, _Count]]) -> None:
        self._counts = counts

    def tallies(self) -> Iterator[tuple[Series, int, Tally]]:
        """A tally for each target and UTC second."""
        for second, counts in self._counts.items():
            for series, count in counts.items():
                yield series, second, tally(count.rtts_ms, count.lost, count.invalid)


class Samples:
    """All that was sampled of late."""

    def __init__(self) -> None:
        self._rings: dict[tuple[str, Target], _Ring] = {}
        self._paths: dict[str, list[_Ring]] = {}
        self._seconds: dict[int, dict[Series, _Count]] = {}

    def note(self, samples: Sequence[Sample], utc_ahead_s: float) -> None:
        """Take these in. ``utc_ahead_s``: UTC less the clock of the samples.

        A probe counts once, in the second in which it was sent, whatever the order of what is told of it.
        """
        for sample in samples:
            ring = self._rings.get((sample.path, sample.target))
            if ring is None:
                series = Series(sample.path, sample.family, str(sample.target))
                ring = self._rings[sample.path, sample.target] = _Ring(series)
                self._paths.setdefault(sample.path, []).append(ring)
            if ring.note(sample) and sample.state is not SampleState.SENT:
                self._count(ring.series, floor(sample.sent_at + utc_ahead_s), sample)

    def _count(self, series: Series, second: int, sample: Sample) -> None:
        counts = self._seconds.get(second)
        if counts is None:
            counts = self._seconds[second] = {}
            if len(self._seconds) > KEPT_SECONDS:
                del self._seconds[min(self._seconds)]
        count = counts.get(series)
        if count is None:
            count = counts[series] = _Count()
        count.add(sample)

    def take(self, before: float) -> Seconds:
        """Take out the seconds that began earlier than this (UTC); what comes late is counted next time."""
        due = [second for second in self._seconds if second < before]
        return Seconds({second: self._seconds.pop(second) for second in due})

    def latest(self, path: str) -> Latest:
        """The latest probes through a path."""
        rings = self._paths.get(path, ())
        return {ring.series: tuple(sorted(ring.probes.values(), key=_sent_at)) for ring in rings}


def _sent_at(probe: Probe) -> float:
    return probe.sent_at

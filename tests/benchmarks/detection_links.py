"""Simulated links: what is lost, when. Seeded; in seconds, for how often a link is probed may change.

Ambient loss is ``iid``, or comes in bursts: ``ge3``, in which all is lost; ``ge20``, in which half is. A third
of bursty loss is shared by the whole link, the rest local to a target. A burst's length is exponential, and such
that it meets 3 (20) probes on average, of the link or of that target, when probed as in calm.

In calm, probe number n leaves at n / rate, to target n modulo the number of targets.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from math import log
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

BURSTS = {"ge3": (3, 1.0), "ge20": (20, 0.5)}  # mean probes met, share of them lost
SHARED = 1 / 3
FAULT_BURST_S = 1.0
FAULT_BURST_LOSS = 0.7
Numbers = NDArray[np.int64]
Seconds = NDArray[np.float64]


@dataclass(frozen=True)
class Link:
    """What a simulated link is like in good time, and how it is probed in calm."""

    kind: str  # iid, ge3, ge20
    loss: float
    targets: int = 5
    rate: float = 20.0  # probes/s of the link, all targets together

    def __str__(self) -> str:
        return f"{self.loss:.1%} {self.kind}, {self.targets} x {self.rate / self.targets:g}/s"

    @property
    def interval_s(self) -> float:
        """Between two probes of one target."""
        return self.targets / self.rate


@dataclass(frozen=True)
class Fault:
    """What goes wrong: extra loss of every probe alike, or in shared bursts, or one target dead besides."""

    name: str
    loss: float
    bursty: bool = False
    dead_target: bool = False


class Bursts:
    """Stretches of time, ascending, that do not touch."""

    def __init__(self, begins: Seconds, ends: Seconds) -> None:
        self.begins, self.ends = begins, ends
        self._begins, self._ends = begins.tolist(), ends.tolist()

    @classmethod
    def drawn(cls, per_s: float, mean_s: float, span_s: float, chance: np.random.Generator) -> Bursts:
        """So many a second on average, of a mean length, from 0 to ``span_s``."""
        count = chance.poisson(per_s * span_s)
        begins = chance.uniform(0, span_s, count)
        return cls._joined(begins, begins + chance.exponential(mean_s, count))

    @classmethod
    def joined(cls, parts: list[Bursts]) -> Bursts:
        """When there is any of these."""
        return cls._joined(
            *(np.concatenate(each) for each in zip(*((b.begins, b.ends) for b in parts), strict=True))
        )

    @classmethod
    def _joined(cls, begins: Seconds, ends: Seconds) -> Bursts:
        order = np.argsort(begins)
        begins, ends, count = begins[order], ends[order], len(begins)
        latest = np.maximum.accumulate(ends) if count else ends
        first = np.concatenate(([True], begins[1:] > latest[:-1])) if count else np.zeros(0, bool)
        last = np.concatenate((first[1:], [True])) if count else first
        return cls(begins[first], latest[last])

    def met(self, at: float) -> bool:
        """Is this moment within one of them?"""
        index = bisect_right(self._begins, at) - 1
        return index >= 0 and at < self._ends[index]

    def probes(self, offset: int, step: int, rate: float) -> Numbers:
        """Numbers of the calm probes met, of those numbered ``offset`` plus a multiple of ``step``."""
        first = np.ceil((self.begins * rate - offset) / step).astype(np.int64)
        counts = np.maximum(0, np.ceil((self.ends * rate - offset) / step).astype(np.int64) - first)
        starts = np.repeat(first - np.cumsum(counts) + counts, counts)
        return offset + step * (starts + np.arange(counts.sum()))


class World(Protocol):
    """What the simulated prober meets."""

    def lost_in_calm(self, number: int) -> bool:
        """Is this probe of the calm schedule lost?"""

    def lost_at(self, at: float, target: int) -> bool:
        """Is a probe beside the calm schedule lost?"""

    def next_loss(self, number: int) -> int:
        """No probe of the calm schedule from this one up to that is lost."""


class GoodTime:
    """Ambient loss and nothing else, for so many seconds."""

    def __init__(self, link: Link, span_s: float, seed: int | list[int]) -> None:
        self._link = link
        chance = np.random.default_rng(seed)
        self._length, self._share = BURSTS.get(link.kind, (1, 1.0))
        self._isolated = link.loss if link.kind == "iid" else 0.0
        self.shared, self.local = self._bursts(span_s, chance)
        self._any = Bursts.joined([self.shared, *self.local])
        lost = [self._alone(span_s, chance), self._thinned(self.shared.probes(0, 1, link.rate), chance)]
        for target, bursts in enumerate(self.local):
            lost.append(self._thinned(bursts.probes(target, link.targets, link.rate), chance))
        self.lost = np.unique(np.concatenate(lost))
        self._lost = self.lost.tolist()
        self._next = 0
        self._chance = chance

    def _bursts(self, span_s: float, chance: np.random.Generator) -> tuple[Bursts, list[Bursts]]:
        link = self._link
        nothing = np.zeros(0)
        if self._isolated:
            return Bursts(nothing, nothing), [Bursts(nothing, nothing)] * link.targets
        spacings = -1 / log(1 - 1 / self._length)
        shared_s, local_s = spacings / link.rate, spacings * link.interval_s
        loss = link.loss / self._share
        return (
            Bursts.drawn(loss * SHARED / shared_s, shared_s, span_s, chance),
            [
                Bursts.drawn(loss * (1 - SHARED) / local_s, local_s, span_s, chance)
                for _ in range(link.targets)
            ],
        )

    def _alone(self, span_s: float, chance: np.random.Generator) -> Numbers:
        if not self._isolated:
            return np.zeros(0, np.int64)
        probes = int(span_s * self._link.rate)
        return np.flatnonzero(chance.random(probes) < self._isolated)

    def _thinned(self, probes: Numbers, chance: np.random.Generator) -> Numbers:
        return probes if self._share == 1.0 else probes[chance.random(len(probes)) < self._share]

    def lost_in_calm(self, number: int) -> bool:
        """As drawn."""
        return self.next_loss(number) == number

    def lost_at(self, at: float, target: int) -> bool:
        """By the bursts as drawn; what is isolated is drawn anew."""
        if self._isolated:
            return self._chance.random() < self._isolated
        met = self._any.met(at) and (self.shared.met(at) or self.local[target].met(at))
        return met and (self._share == 1.0 or self._chance.random() < self._share)

    def next_loss(self, number: int) -> int:
        """The number itself, or a later one. Numbers asked for must ascend."""
        while self._next < len(self._lost) and self._lost[self._next] < number:
            self._next += 1
        return self._lost[self._next] if self._next < len(self._lost) else 1 << 60


class FaultyTime:
    """Good time, and a fault from ``begins_s`` on."""

    def __init__(
        self, link: Link, fault: Fault, begins_s: float, span_s: float, seed: int | list[int]
    ) -> None:
        self._good = GoodTime(link, span_s, seed)
        self._link, self._fault, self._begins_s = link, fault, begins_s
        self._chance = np.random.default_rng([4, *seed] if isinstance(seed, list) else [4, seed])
        share = fault.loss / FAULT_BURST_LOSS
        self._bursts = (
            Bursts.drawn(share / (1 - share) / FAULT_BURST_S, FAULT_BURST_S, span_s, self._chance)
            if fault.bursty
            else None
        )

    def lost_in_calm(self, number: int) -> bool:
        """By the fault, or as in good time."""
        at, target = number / self._link.rate, number % self._link.targets
        return self._good.lost_in_calm(number) or self._by_fault(at, target)

    def lost_at(self, at: float, target: int) -> bool:
        """Likewise."""
        return self._good.lost_at(at, target) or self._by_fault(at, target)

    def next_loss(self, number: int) -> int:
        """Beyond the fault's beginning each probe must be asked for."""
        begins = int(self._begins_s * self._link.rate)
        return number if number >= begins else min(begins, self._good.next_loss(number))

    def _by_fault(self, at: float, target: int) -> bool:
        if at < self._begins_s:
            return False
        if self._fault.dead_target and target == 0:
            return True
        if self._bursts is not None:
            return self._bursts.met(at) and self._chance.random() < FAULT_BURST_LOSS
        return self._chance.random() < self._fault.loss

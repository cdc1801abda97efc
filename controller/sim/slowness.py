"""Round trips of one path, fed to the latency detector of the core block by block, where they matter."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import replace
from math import inf
from typing import Final

from controller.core import latency
from controller.core.latency import (
    ALLOWED,
    BLOCK_S,
    ENOUGH,
    ENOUGH_TAIL,
    LEAST,
    RECENT,
    LatencyState,
    Series,
    Target,
)
from controller.core.latency_usual import HOURS, Usual
from controller.core.model import LatencyPolicy

TRIPS_PER_S: Final = 2.0  # of each target: enough for a block's median, and for its tail
STRAY: Final = 5  # of so many round trips one is late by the jitter: so that nine of ten keep within it
_TARGETS: Final[tuple[Hashable, ...]] = tuple(range(LEAST))  # alike: more would say the same


class Slowness:
    """Whether a path is slower than usual. Asleep, and free, while round trips are as usual."""

    def __init__(self, usual_ms: float, policy: LatencyPolicy, now: float) -> None:
        self._usual_ms, self._policy = usual_ms, policy
        series = Series(Usual((usual_ms,) * HOURS, value=usual_ms), (usual_ms,) * RECENT, judged=True)
        still = Series(Usual((0.0,) * HOURS, value=0.0), (0.0,) * RECENT, judged=True)
        targets: Mapping[Hashable, Target] = {name: Target(trip=series, jitter=still) for name in _TARGETS}
        calm = latency.initial(_TARGETS, BLOCK_S / latency.BLOCK_INTERVALS)
        trip = latency.Slowness(say=LEAST, now_ms=usual_ms, usual_ms=usual_ms)
        jitter = latency.Slowness(say=LEAST, now_ms=0.0, usual_ms=0.0)
        self._calm = replace(calm, targets=targets, trip=trip, jitter=jitter)
        self.state: LatencyState = self._calm
        self._fed_to = now
        self._extra_ms: float | None = 0.0  # None: nothing answers
        self._jitter_ms = 0.0
        self.awake = False

    def take(self, extra_ms: float | None, jitter_ms: float, now: float) -> None:
        """From ``now`` on round trips take so much longer than usual, and vary so; None: nothing answers."""
        self.advance(now)
        self._extra_ms, self._jitter_ms = extra_ms, jitter_ms
        if not self.awake and (self._matters(extra_ms) or (extra_ms is not None and self._varies(jitter_ms))):
            self.awake, self._fed_to = True, now

    def _matters(self, extra_ms: float | None) -> bool:
        if not extra_ms:
            return False
        limit_ms = self._policy.limit_ms
        over = limit_ms is not None and self._usual_ms + extra_ms >= limit_ms
        return over or extra_ms > ALLOWED * self._policy.worse_by_ms

    def _varies(self, jitter_ms: float) -> bool:
        worse_by_ms, limit_ms = self._policy.jitter_worse_by_ms, self._policy.jitter_limit_ms
        over = limit_ms is not None and jitter_ms >= limit_ms
        return worse_by_ms is not None and (over or jitter_ms > ALLOWED * worse_by_ms)

    def told(self, targets: int) -> LatencyState:
        """The state as if so many targets had been asked, all of which fare alike."""
        trip, jitter = (
            each._replace(worse=targets if each.worse else 0, say=targets)
            for each in (self.state.trip, self.state.jitter)
        )
        return replace(self.state, trip=trip, jitter=jitter)

    @property
    def next_at(self) -> float:
        """When the block under way is over; infinite while asleep."""
        return (self._fed_to // BLOCK_S + 1) * BLOCK_S if self.awake else inf

    def advance(self, now: float) -> None:
        """Let time pass, block by block."""
        while self.awake and self._fed_to < now:
            end = min(self.next_at, now)
            self._feed(end)
            self._fed_to = end
            if end % BLOCK_S == 0:
                self.state = latency.step(self.state, (), self._policy, end)
                self._rest()

    def _feed(self, end: float) -> None:
        """What came back up to ``end``, told just before it: it belongs to the block that ends there."""
        told = self._fed_to + (end - self._fed_to) / 2
        if self._extra_ms is None:
            self.state = latency.step(self.state, (), self._policy, told)
            return
        most = 2 * ENOUGH if self._policy.jitter_worse_by_ms is None else ENOUGH_TAIL
        count = max(1, min(round((end - self._fed_to) * TRIPS_PER_S), most))
        rtt_ms = self._usual_ms + self._extra_ms
        trips = [
            (name, rtt_ms + self._jitter_ms if number % STRAY == STRAY - 1 else rtt_ms)
            for name in _TARGETS
            for number in range(count)
        ]
        self.state = latency.step(self.state, trips, self._policy, told)

    def _rest(self) -> None:
        """Back to sleep once nothing of it is left."""
        state, target = self.state, self.state.targets[_TARGETS[0]]
        if state.brownout or self._extra_ms is None or self._matters(self._extra_ms):
            return
        if any(each.is_slow or each.suspects for each in (state.trip, state.jitter)):
            return
        lately = any(self._matters(rtt_ms - self._usual_ms) for rtt_ms in target.trip.recent)
        if not (lately or self._varies(self._jitter_ms) or any(map(self._varies, target.jitter.recent))):
            self.awake, self.state = False, self._calm

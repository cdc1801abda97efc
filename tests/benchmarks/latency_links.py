"""Simulated round trips of a link's targets, a day at a time. Seeded.

Every target has a level of its own. On top of it: the daily swing of load; queueing that wanders (the exponential
of an Ornstein-Uhlenbeck process, one shared by the link and one of each target's own path); stray replies
(Pareto); changes of path, as often and as large as in labelled series of RIPE Atlas (0.92 a day, median 7.7 ms,
90 % below 33 ms), one in five of them shared by the link; and five episodes of congestion a day, shared, of
20 s and 15 ms on average, both exponential.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, pi

import numpy as np
from numpy.typing import NDArray

Trips = NDArray[np.float64]  # ms, one row a target, one column a round of probes

DAY_S = 86400
LEVELS_MS = (31.0, 44.0, 58.0, 73.0, 26.0)
SWING_MS = 4.0
WANDER_S, WANDER_SIGMA, WANDER_MS = 60.0, 0.7, 1.0
NOISE_MS = 0.5  # mean of what each reply waits by itself
STRAY, STRAY_MS, STRAY_ALPHA, STRAY_MOST_MS = 0.005, 5.0, 1.5, 1000.0
CHANGES, SHIFT_MS, SHIFT_SIGMA, SHARED = 0.92, 7.7, log(33 / 7.7) / 1.2816, 0.2
EPISODES, EPISODE_S, EPISODE_MS = 5.0, 20.0, 15.0


@dataclass
class Path:
    """A link with its targets, probed ``rate`` times a second each. ``day`` lives through one more."""

    targets: int
    rate: float
    chance: np.random.Generator
    episodes: float = EPISODES

    def __post_init__(self) -> None:
        self._wander = self.chance.normal(0, WANDER_SIGMA, self.targets + 1)
        self._levels = np.array([self._shift() for _ in range(self.targets + 1)])

    def day(self, seconds: int = DAY_S) -> Trips:
        """Round trips of the next day, or of its first seconds."""
        per_second = np.repeat(self._per_second(seconds), round(self.rate), axis=1)
        trips = per_second + self.chance.exponential(NOISE_MS, per_second.shape)
        stray = self.chance.random(trips.shape) < STRAY
        late = STRAY_MS * (1 + self.chance.pareto(STRAY_ALPHA, int(stray.sum())))
        trips[stray] += np.minimum(late, STRAY_MOST_MS)
        return trips

    def _per_second(self, seconds: int) -> Trips:
        at = np.arange(seconds)
        wander = WANDER_MS * np.exp(self._wandering(seconds))
        swing = SWING_MS / 2 * (1 - np.cos(2 * pi * at / DAY_S))
        levels = np.array([self._level(index, seconds) for index in range(self.targets + 1)])
        shared = wander[0] + levels[0] + swing + self._congestion(seconds)
        own = np.array(LEVELS_MS[: self.targets])[:, None]
        total: Trips = np.maximum(own + wander[1:] + levels[1:] + shared, 1.0)
        return total

    def _wandering(self, seconds: int) -> Trips:
        keep = exp(-1 / WANDER_S)
        steps = self.chance.normal(0, WANDER_SIGMA * (1 - keep * keep) ** 0.5, (self.targets + 1, seconds))
        out = np.empty_like(steps)
        state = self._wander
        for second in range(seconds):
            state = state * keep + steps[:, second]
            out[:, second] = state
        self._wander = state
        return out

    def _shift(self) -> float:
        size = SHIFT_MS * exp(SHIFT_SIGMA * self.chance.normal())
        return float(size if self.chance.random() < 0.5 else -size / 2)

    def _level(self, index: int, seconds: int) -> Trips:
        often = CHANGES * (SHARED if index == 0 else 1 - SHARED) * seconds / DAY_S
        out = np.empty(seconds)
        begin = 0
        for end in [*sorted(self.chance.integers(0, seconds, self.chance.poisson(often))), seconds]:
            out[begin:end] = self._levels[index]
            begin = end
            if end < seconds:
                self._levels[index] = self._shift()
        return out

    def _congestion(self, seconds: int) -> Trips:
        out = np.zeros(seconds)
        for _ in range(self.chance.poisson(self.episodes * seconds / DAY_S)):
            begin = int(self.chance.integers(0, seconds))
            lasts = round(self.chance.exponential(EPISODE_S))
            out[begin : begin + lasts] += self.chance.exponential(EPISODE_MS)
        return out

"""Round trips of a link's targets, block by block, for tests of the latency detector."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.core.latency import LatencyState, initial, step
from controller.core.model import LatencyPolicy

POLICY = LatencyPolicy(worse_by_ms=50, held_s=60)
TARGETS = ("a", "b", "c", "d", "e")
Trip = Callable[[str, float, random.Random], float | None]  # target, s, chance -> ms; None: nothing heard


def ordinary(target: str, at: float, chance: random.Random) -> float:
    """Thirty milliseconds or so, other for each target, with a tail."""
    return 30.0 + ord(target) % 8 + chance.expovariate(1 / 2)


@dataclass
class World:
    """Probes every target at the interval; ``extra`` is added to the ordinary round trip."""

    extra: Callable[[str, float], float | None] = lambda target, at: 0.0
    policy: LatencyPolicy = POLICY
    targets: tuple[str, ...] = TARGETS
    interval_s: float = 0.5
    seed: int = 1
    now: float = 1000.0
    state: LatencyState = field(init=False)
    began: list[float] = field(default_factory=list)  # brownouts, in s since the start
    ended: list[float] = field(default_factory=list)
    seen: list[float] = field(default_factory=list)  # when it was first slow

    def __post_init__(self) -> None:
        self.state = initial(self.targets, self.interval_s)
        self._chance = random.Random(self.seed)
        self._start = self.now

    def run(self, until_s: float) -> World:
        """Live until then, in seconds since the start."""
        while self.now - self._start < until_s - 1e-9:
            self.tick()
        return self

    def tick(self) -> None:
        """One round of probes."""
        self.now += self.interval_s
        at = self.now - self._start
        told = []
        for target in self.targets:
            extra = self.extra(target, at)
            trip = ordinary(target, at, self._chance)
            if extra is not None:
                told.append((target, trip + extra))
        before, self.state = self.state, step(self.state, told, self.policy, self.now)
        for was, now, times in (
            (before.brownout, self.state.brownout, self.began),
            (self.state.brownout, before.brownout, self.ended),
            (before.is_slow, self.state.is_slow, self.seen),
        ):
            if now and not was:
                times.append(at)


def shift(ms: float, begin: float, end: float = 1e9, targets: str = "abcde") -> Callable[[str, float], float]:
    """So much more for these targets, between begin and end."""
    return lambda target, at: ms if target in targets and begin <= at < end else 0.0

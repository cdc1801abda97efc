"""One link probed in virtual time, for tests of the grey-loss detector."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from ipaddress import ip_address

from controller.core.grey import GreyState, initial, step
from controller.core.model import Address, Sample, SampleState

TARGETS: tuple[Address, ...] = tuple(ip_address(f"198.51.100.{n}") for n in range(1, 11))
INTERVAL_S = 0.2
TIMEOUT_S = 0.3
RTT_S = 0.02
TICK_S = 0.1
THRESHOLD = 24.0

Fate = Callable[[float, int], SampleState]


def loses(share: float, seed: int = 1, begin: float = 0.0, end: float = 1e9, ambient: float = 0.005) -> Fate:
    """Independent loss during a fault, ambient loss at other times."""
    chance = random.Random(seed)

    def fate(at: float, target: int) -> SampleState:
        return (
            SampleState.LOST
            if chance.random() < (share if begin <= at < end else ambient)
            else SampleState.OK
        )

    return fate


def dead(fate: Fate, *targets: int) -> Fate:
    """The same, and some targets never answer."""
    return lambda at, target: SampleState.LOST if target in targets else fate(at, target)


def told(
    fate: Fate, seconds: float, targets: int, interval_s: float = INTERVAL_S
) -> Iterator[tuple[float, Sample]]:
    """Samples with the moments they come at, in the order of sending."""
    spacing_s = interval_s / targets
    for number in range(int(seconds / spacing_s)):
        at, target = number * spacing_s, number % targets
        result = fate(at, target)
        path = "edge1-azerbaijan"
        yield at, Sample(path, TARGETS[target], number, at, SampleState.SENT)
        late_s = RTT_S if result is SampleState.OK else TIMEOUT_S
        yield at + late_s, Sample(path, TARGETS[target], number, at, result)


@dataclass
class GreyWorld:
    """Feeds a detector tick by tick, and notes when it turned grey and when it was clean again."""

    fate: Fate
    targets: int = 5
    threshold: float = THRESHOLD
    ride_out_s: float = 0.0
    turned: list[tuple[float, bool]] = field(default_factory=list)
    peak: float = 0.0

    def run(self, seconds: float) -> GreyState:
        """From the beginning, for so long."""
        ticks: dict[int, list[Sample]] = {}
        for at, sample in told(self.fate, seconds, self.targets):
            ticks.setdefault(int(at / TICK_S), []).append(sample)
        state = initial(
            TARGETS[: self.targets], INTERVAL_S, TIMEOUT_S, self.threshold, 0.0, ride_out_s=self.ride_out_s
        )
        for tick in sorted(ticks):
            before = state.grey
            state = step(state, ticks[tick], (tick + 1) * TICK_S)
            self.peak = max(self.peak, state.evidence)
            if state.grey is not before:
                self.turned.append((state.at, state.grey))
        return state

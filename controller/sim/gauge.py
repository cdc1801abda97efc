"""A quantity that grows or falls steadily between two bounds, and tells when it will be where."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Final

LATE_S: Final = 1e-6  # what comes is looked at so much later, when it is there whatever the rounding


@dataclass(frozen=True, slots=True)
class Gauge:
    """``value`` as of ``at``; ``rate`` a second from then on; never outside of 0 and ``most``."""

    most: float
    value: float = 0.0
    rate: float = 0.0
    at: float = 0.0

    def now(self, at: float) -> float:
        """What it shows at this moment, which is not before the last change."""
        return min(self.most, max(0.0, self.value + self.rate * (at - self.at)))

    def turned(self, rate: float, at: float) -> Gauge:
        """From now on it moves so fast."""
        return self if rate == self.rate else Gauge(self.most, self.now(at), rate, at)

    def crosses(self, level: float) -> float:
        """When it has come to this level from where it is; infinite if it does not, or is past it."""
        if not self.rate or not 0 <= level <= self.most:
            return inf
        after_s = (level - self.value) / self.rate
        return self.at + after_s + LATE_S if after_s > 0 else inf

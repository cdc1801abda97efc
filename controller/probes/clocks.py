"""The kernel stamps what it receives by the wall clock, which gets set; RTTs need a clock that does not."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

_STEP_S: Final = 0.001  # the two clocks are slewed alike; only setting one tells them apart
_STEADY_S: Final = 0.0002  # a reading of both that took longer was interrupted
_TRIES: Final = 3


class StampClock:
    """Turns stamps of the wall clock into monotonic time, as long as nobody has set it meanwhile."""

    def __init__(
        self, monotonic: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._monotonic, self._wall = monotonic, wall
        _, self._offset, self._unsure_s = self._read()

    def look(self) -> tuple[float, float | None]:
        """Now, and what to add to stamps since the last look; None if the wall clock was set in between."""
        now, offset, unsure_s = self._read()
        was_set = abs(offset - self._offset) > _STEP_S + unsure_s + self._unsure_s
        self._offset, self._unsure_s = offset, unsure_s
        return now, None if was_set else offset

    def _read(self) -> tuple[float, float, float]:
        """Monotonic now, monotonic less wall time, and how far off that may be. The best of a few tries."""
        tries: list[tuple[float, float, float]] = []
        while len(tries) < _TRIES and (not tries or tries[-1][2] > _STEADY_S):
            before, wall, after = self._monotonic(), self._wall(), self._monotonic()
            tries.append((after, (before + after) / 2 - wall, after - before))
        return min(tries, key=lambda each: each[2])

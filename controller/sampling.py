"""Keeps the latest samples at hand, and has them rolled up in the store, without ever holding up the loop."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from math import inf
from typing import Any, Final

from controller.core.model import Sample
from controller.core.samples import Samples, Seconds
from controller.ports import Clock, SampleStore, StoreError

WRITE_EVERY_S: Final = 5.0  # one transaction; what a crash loses
SETTLED_S: Final = 2.0  # seconds that ended longer ago are written: most of their results have come
UNWRITTEN: Final = 60  # batches kept while the store cannot take them: five minutes


class Sampling:
    """Every sample of the loop passes here; memory is bounded, and a store that fails is only told of."""

    def __init__(self, store: SampleStore, clock: Clock, log: Any) -> None:
        self._store, self._clock, self._log = store, clock, log
        self.samples = Samples()
        self._unwritten: deque[Seconds] = deque(maxlen=UNWRITTEN)
        self._failing = False

    def note(self, samples: Sequence[Sample]) -> None:
        """Take these in."""
        self.samples.note(samples, self._clock.utc() - self._clock.now())

    async def run(self) -> None:
        """Write every few seconds, for ever."""
        while True:
            await asyncio.sleep(WRITE_EVERY_S)
            await self._write(self._clock.utc() - SETTLED_S)

    async def finish(self) -> None:
        """Write all that is left. Call when ``run`` has ended."""
        await self._write(inf)

    async def _write(self, before: float) -> None:
        self._unwritten.append(self.samples.take(before))
        batches = tuple(self._unwritten)
        self._unwritten.clear()  # cancelled meanwhile, the write goes on: nothing is written twice
        try:
            await self._store.keep(batches, self._clock.utc())
        except StoreError as error:
            self._unwritten.extend(batches)
            if not self._failing:
                self._log.warning("samples are not kept; links are watched all the same", error=str(error))
            self._failing = True
        else:
            if self._failing:
                self._log.info("samples are kept again")
            self._failing = False

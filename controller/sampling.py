"""Keeps the latest samples at hand, shows them, and has them rolled up, without ever holding up the loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from math import inf
from typing import Any, Final

from controller.core.model import Sample
from controller.core.samples import Samples, Seconds
from controller.core.sight import View, look
from controller.ports import Clock, SampleStore, StoreError

WRITE_EVERY_S: Final = 5.0  # one transaction; what a crash loses
SETTLED_S: Final = 2.0  # seconds that ended longer ago are written: most of their results have come
UNWRITTEN: Final = 60  # batches kept while the store cannot take them: five minutes
SHOW_EVERY_S: Final = 1.0
SHOWN_S: Final = 20.0  # the window of what is shown
SHOW_SHARE: Final = 0.05  # of the time; with very many links they are shown less often


class Sampling:
    """Every sample of the loop passes here; memory is bounded, and a store that fails is only told of."""

    def __init__(self, store: SampleStore, clock: Clock, log: Any, view: Callable[[], View]) -> None:
        """``view``: what is to be shown, as of now."""
        self._store, self._clock, self._log = store, clock, log
        self._view = view
        self.samples = Samples()
        self._unwritten: deque[Seconds] = deque(maxlen=UNWRITTEN)
        self._failing = False

    def note(self, samples: Sequence[Sample]) -> None:
        """Take these in."""
        self.samples.note(samples, self._clock.utc() - self._clock.now())

    async def run(self) -> None:
        """Show and write, for ever."""
        written = self._clock.now()
        while True:
            began = self._clock.now()
            await self._show()
            spent_s = self._clock.now() - began
            await asyncio.sleep(min(max(SHOW_EVERY_S, spent_s / SHOW_SHARE), WRITE_EVERY_S))
            if self._clock.now() >= written + WRITE_EVERY_S:
                written = self._clock.now()
                await self._write(self._clock.utc() - SETTLED_S)

    async def finish(self) -> None:
        """Write all that is left. Call when ``run`` has ended."""
        await self._write(inf)

    async def _show(self) -> None:
        now, utc = self._clock.now(), self._clock.utc()
        seen_by = f"the running loop (pid {os.getpid()})"
        with contextlib.suppress(StoreError):  # what ails the store is told when it is written to
            await self._store.show(partial(look, self._view(), now, utc, SHOWN_S, seen_by))

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

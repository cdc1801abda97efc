"""What people order, read from the store while the loop runs: it is heard within half a second."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from controller.core.model import Override
from controller.ports import Clock, Store, StoreError

EVERY_S = 0.5


class OrderBook:
    """The overrides in force. ``on_change`` is called when there are others than before."""

    def __init__(self, store: Store, clock: Clock, log: Any, on_change: Callable[[], None]) -> None:
        self._store, self._clock, self._log, self._on_change = store, clock, log, on_change
        self._ailing = False
        self.overrides: tuple[Override, ...] = ()

    def read(self) -> None:
        """Read them once. While they cannot be read, those last known stand."""
        try:
            read = tuple(self._store.overrides(self._clock.now(), self._clock.utc()))
        except StoreError as error:
            if not self._ailing:
                self._log.error("orders cannot be read; those known so far stand", error=str(error))
            self._ailing = True
            return
        self._ailing = False
        if {each.number for each in read} != {each.number for each in self.overrides}:
            self.overrides = read
            self._on_change()

    async def follow(self) -> None:
        """Read them for ever."""
        while True:
            await asyncio.sleep(EVERY_S)
            self.read()

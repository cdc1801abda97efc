"""In calm, one failure after the other is thought through: what has no answer is said before it happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Final

from controller.core.model import Moment, Policy, Reason
from controller.core.readiness import Answer, Failure, answer, failures, lost

RULE: Final = "readiness"
EVERY_S: Final = 1.0
SHARE: Final = 0.05  # of a core, at most


class Readiness:
    """What every single failure would lead to, each answer as old as a round takes at most."""

    def __init__(
        self, policy: Policy, moment: Callable[[], Moment | None], on_change: Callable[[], None]
    ) -> None:
        """``moment`` gives None while there is something else to think about."""
        self._policy, self._moment, self._on_change = policy, moment, on_change
        self._stranded: dict[Failure, tuple[str, ...]] = {}

    async def follow(self) -> None:
        """Think of one failure every ``EVERY_S``, more slowly where that takes long."""
        while True:
            await asyncio.sleep(EVERY_S)  # also where there is nothing that may fail
            for failure in failures(self._policy):
                began = time.process_time()
                moment = self._moment()
                if moment is not None:
                    self._note(answer(failure, self._policy, moment))
                await asyncio.sleep(max(EVERY_S, (time.process_time() - began) / SHARE))

    def notices(self) -> tuple[Reason, ...]:
        """Failures that would leave a class with nothing to carry it."""
        return tuple(
            Reason(RULE, failure.name, f"should {failure.name} fail now, {lost(classes)}")
            for failure, classes in self._stranded.items()
            if classes
        )

    def _note(self, found: Answer) -> None:
        if self._stranded.get(found.failure, ()) != found.stranded:
            self._stranded[found.failure] = found.stranded
            self._on_change()

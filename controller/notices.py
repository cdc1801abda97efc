"""What people should look at though nothing is moved by it: said when new, and again while it lasts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from controller.core.model import Reason
from controller.ports import Clock

AGAIN_S: Final = 3600.0  # while a notice lasts it is a line an hour, not one a cycle


class Notices:
    """Logs notices at a bounded rate. Rule and subject tell one from another; figures in texts may change."""

    def __init__(self, clock: Clock, log: Any) -> None:
        self._clock, self._log = clock, log
        self._said_at: dict[tuple[str, str], float] = {}

    def say(self, notices: Sequence[Reason]) -> None:
        """Log what is new, or was said long ago. One that comes and goes is not new each time."""
        now = self._clock.now()
        self._said_at = {key: at for key, at in self._said_at.items() if at + AGAIN_S > now}
        for notice in notices:
            key = (notice.rule, notice.subject)
            if key not in self._said_at:
                self._said_at[key] = now
                self._log.warning(notice.text)

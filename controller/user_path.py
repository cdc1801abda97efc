"""Whether users are served: what the probes of their own path say before and after a push."""

from __future__ import annotations

import asyncio

from controller.core.model import USER_PATH, Policy, Verdict
from controller.delivery import served
from controller.ports import Clock
from controller.watch import LoopSettings, Watch


class UserPath:
    """The user path as the watch sees it; where policy has none, users are taken to be served."""

    def __init__(self, policy: Policy, watch: Watch, clock: Clock, settings: LoopSettings) -> None:
        self._policy, self._watch, self._clock, self._set = policy, watch, clock, settings

    async def are_served(self) -> bool:
        """Whether the user path works now; just after the start it takes a moment to know."""
        until = self._clock.now() + self._set.first_look_s
        while self._policy.user_path:
            health = self._watch.health.get(USER_PATH)
            if health is not None and health.verdict is not Verdict.UNKNOWN:
                return health.verdict is not Verdict.DOWN and not health.suspect
            if self._clock.now() >= until:
                break
            await asyncio.sleep(self._set.verify_poll_s)
        return False

    @property
    def verify_s(self) -> float:
        """How long to look: that it answers is not known sooner than ``ride_out`` after the push."""
        return self._set.verify_s + self._policy.health.ride_out_s

    async def are_served_since(self, since: float) -> bool:
        """Whether a quorum of targets answers, over the user path, a probe sent after ``since``."""
        if not self._policy.user_path:
            return True
        until = self._clock.now() + self.verify_s
        while self._clock.now() < until:
            health, now = self._watch.health.get(USER_PATH), self._clock.now()
            if served(health, since, now, self._policy.health.ride_out_s):
                return True
            await asyncio.sleep(self._set.verify_poll_s)
        return False

"""How much goes where: followed from interface counters, for decisions and for people."""

from __future__ import annotations

from collections.abc import Sequence

from controller.core.load import Loads
from controller.core.model import Assignment, InterfaceSample, Policy, Traffic
from controller.core.shares import Shares
from controller.ports import Clock


class Metering:
    """Follows every link's load, and who accounts for it."""

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self._policy, self._clock = policy, clock
        self._loads, self._shares = Loads(policy), Shares()
        self.traffic = Traffic()  # as of the last ``look``

    def hear(self, readings: Sequence[InterfaceSample]) -> None:
        """What a router's interfaces have counted."""
        self._loads = self._loads.follow(readings)

    def look(self, current: Assignment) -> Traffic:
        """What is known now, the routers running this."""
        now = self._clock.now()
        measured = self._loads.measured(now)
        self._shares = self._shares.after(self._policy, measured, current, now)
        self.traffic = self._shares.traffic(measured)
        return self.traffic

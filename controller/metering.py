"""How much goes where: followed from interface counters, for decisions and for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from controller.core.load import Loads
from controller.core.model import Assignment, InterfaceSample, Policy, Traffic
from controller.core.percentile import Average, Usage, month_of
from controller.core.shares import Shares
from controller.ports import Clock, Store, StoreError


class Metering:
    """Follows every link's load, who accounts for it, and the month of what is billed. Never raises."""

    def __init__(self, policy: Policy, clock: Clock, store: Store, log: Any) -> None:
        self._policy, self._clock, self._store, self._log = policy, clock, store, log
        self._loads, self._shares, self._usage = Loads(policy), Shares(), Usage()
        self._billed = {
            link.name
            for link in policy.links.values()
            if (cost := policy.upstreams[link.upstream].cost) is not None and cost.commit_bps
        }
        self._bursts: dict[str, int] = {}
        self.traffic = Traffic()  # as of the last ``look``

    def recall(self) -> None:
        """Take up what an earlier process has counted this month."""
        if not self._billed:
            return
        utc = self._clock.utc()
        try:
            self._usage = self._usage.knowing(self._store.load_usage(month_of(utc)[0]), utc)
        except StoreError as error:
            self._log.error("this month's traffic cannot be read; counting afresh", error=str(error))
        self._bursts = self._usage.bursts(self._policy, utc)

    def hear(self, readings: Sequence[InterfaceSample]) -> None:
        """What a router's interfaces have counted."""
        self._loads = self._loads.follow(readings)
        utc, done = self._clock.utc(), list[Average]()
        for reading in readings:
            meter = self._loads.meters.get(reading.link)
            if reading.link not in self._billed or meter is None or not meter.steps:
                continue
            if meter.steps[-1].at == reading.at:
                self._usage, average = self._usage.after(reading.link, meter.steps[-1], utc)
                done += [average] if average is not None else []
        if done:
            self._keep(done, utc)

    def _keep(self, done: Sequence[Average], utc: float) -> None:
        self._bursts = self._usage.bursts(self._policy, utc)
        try:
            self._store.keep_usage(done, month_of(utc)[0])
        except StoreError as error:
            self._log.error("this month's traffic could not be kept", error=str(error))

    def look(self, current: Assignment) -> Traffic:
        """What is known now, the routers running this."""
        now = self._clock.now()
        measured = self._loads.measured(now)
        self._shares = self._shares.after(self._policy, measured, current, now)
        self.traffic = replace(self._shares.traffic(measured), bursts=self._bursts)
        return self.traffic

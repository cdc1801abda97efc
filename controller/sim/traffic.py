"""What classes carry in a scenario, and what routers would tell of it: once a minute, without any noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import fsum, inf
from typing import Final

from controller.core.model import NOTHING_KNOWN, Assignment, Policy
from controller.core.percentile import SLOT_S, percentile
from controller.core.shares import Shares, full_now
from controller.sim.scenario import Load

EVERY_S: Final = 60.0  # what is averaged by the loop's meters


class Roads:
    """How full everything is. Without loads in the scenario nothing is measured: what is expected holds."""

    def __init__(self, policy: Policy, loads: Sequence[Load]) -> None:
        self._policy, self._loads, self._shares = policy, loads, Shares()
        self._brim = replace(policy, limits=replace(policy.limits, headroom=0.0))
        self._usage: dict[str, list[float]] = {}  # upstream -> five-minute averages
        self.next_at = 0.0 if loads else inf
        self.traffic = NOTHING_KNOWN
        self.full_s = dict.fromkeys(policy.classes, 0.0)  # on a path that carries more than it can

    def look(self, users: Mapping[str, Sequence[str]], running: Assignment, now: float) -> bool:
        """Read all counters; whether that says anything new. ``users``: class -> links that carry it."""
        self.next_at = now + EVERY_S
        measured = dict.fromkeys(self._policy.links, 0.0)
        for name, links in users.items():
            for link in links:
                measured[link] += self._load(name, now) / len(links)
        self._account(users, measured, now)
        before = self.traffic
        self._shares = self._shares.after(self._policy, measured, running, now)
        self.traffic = self._shares.traffic(measured)
        return self.traffic != before

    def costs(self) -> dict[str, float]:
        """Upstream -> what a month like this would cost beyond its commit."""
        found = {}
        for name, each in self._policy.upstreams.items():
            billed = percentile(self._usage.get(name, ()))
            if each.cost is not None and billed is not None:
                found[name] = max(0.0, billed - each.cost.commit_bps) / 1e6 * each.cost.per_mbps
        return found

    def _load(self, name: str, now: float) -> float:
        """What the class carries now: what the scenario says, else what is expected."""
        told = [
            each.bps
            for each in self._loads
            if each.traffic_class == name and each.start_s <= now < each.end_s
        ]
        return max(told, default=self._policy.classes[name].load_bps or 0.0)

    def _account(self, users: Mapping[str, Sequence[str]], measured: Mapping[str, float], now: float) -> None:
        full = full_now(self._brim, measured)
        for name, links in users.items():
            if any(self._policy.links[link].upstream in full for link in links):
                self.full_s[name] += EVERY_S
        if now % SLOT_S < EVERY_S:
            for name in self._policy.upstreams:
                parts = (measured[link.name] for link in self._policy.links_of(name))
                self._usage.setdefault(name, []).append(fsum(parts))

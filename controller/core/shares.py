"""Which class accounts for what a link carries, what it will carry elsewhere, and which upstreams are full.

Routers count by link, not by class: what a link carries is divided among the classes that are primary on it,
in proportion to what is expected of them, or evenly. Nothing is learned while traffic is still moving.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from controller.core.model import PRIMARY, Assignment, Policy, Traffic

SETTLE_S: Final = 120.0  # after a change of who is on a link, its load is a mixture: twice what is averaged
SLOT_S: Final = 300.0
SLOTS: Final = 12  # an hour: the peak of a class is that of these

Peaks = Mapping[int, float]  # slot -> the largest load in it


@dataclass(frozen=True, slots=True)
class Shares:
    """As followed so far. Bounded: an hour of slots a class."""

    on: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # link -> classes that are primary on it
    since: Mapping[str, float] = field(default_factory=dict)  # link -> since when it is those
    peaks: Mapping[str, Peaks] = field(default_factory=dict)  # by class
    others: Mapping[str, float] = field(
        default_factory=dict
    )  # upstream -> what it carries without any of them
    full_since: Mapping[str, float] = field(default_factory=dict)  # by upstream

    def after(self, policy: Policy, measured: Mapping[str, float], current: Assignment, now: float) -> Shares:
        """After a look at what links carry, and at what the routers run."""
        on = _primaries(policy, current)
        since = {link: self.since[link] if self.on.get(link) == on[link] else now for link in on}
        settled = {
            link: bps for link, bps in measured.items() if link in on and since[link] + SETTLE_S <= now
        }
        slot = int(now // SLOT_S)
        peaks = {
            name: {at: bps for at, bps in self.peaks.get(name, {}).items() if slot - SLOTS < at <= slot}
            for name in policy.classes
        }
        for name, bps in _divided(policy, on, settled).items():
            peaks[name][slot] = max(bps, peaks[name].get(slot, 0.0))
        idle = _without_classes(policy, on, settled)
        full = full_now(policy, measured)
        return Shares(
            on=on,
            since=since,
            peaks=peaks,
            others={name: bps for name, bps in {**self.others, **idle}.items() if name in policy.upstreams},
            full_since={name: self.full_since.get(name, now) for name in full},
        )

    def traffic(self, measured: Mapping[str, float]) -> Traffic:
        """What decisions may know of it."""
        classes = {name: max(peaks.values()) for name, peaks in self.peaks.items() if peaks}
        return Traffic(dict(measured), classes, self.others, self.full_since)


def full_now(policy: Policy, measured: Mapping[str, float]) -> frozenset[str]:
    """The upstreams that carry more than they should, all together or on one of their links."""
    free = 1 - policy.limits.headroom
    sums: dict[str, float] = {}
    full: set[str] = set()
    for link, bps in measured.items():
        known = policy.links.get(link)
        if known is None:
            continue
        sums[known.upstream] = sums.get(known.upstream, 0.0) + bps
        if known.capacity_bps is not None and bps > known.capacity_bps * free:
            full.add(known.upstream)
    for name, bps in sums.items():
        capacity = policy.upstreams[name].capacity_bps
        if capacity is not None and bps > capacity * free:
            full.add(name)
    return frozenset(full)


def _primaries(policy: Policy, current: Assignment) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {link: [] for link in policy.links}
    for name in policy.classes:
        for link, placed in current.get(name, {}).items():
            if placed.role == PRIMARY and link in found:
                found[link].append(name)
    return {link: tuple(names) for link, names in found.items()}


def _divided(
    policy: Policy, on: Mapping[str, tuple[str, ...]], settled: Mapping[str, float]
) -> dict[str, float]:
    """What each class carries over all its links together; none where a link of it is not known."""
    found: dict[str, float] = {}
    unknown: set[str] = set()
    for link, names in on.items():
        if link not in settled:
            unknown.update(names)
            continue
        loads = [policy.classes[name].load_bps for name in names]
        expected = [load for load in loads if load is not None]
        weights = expected if len(expected) == len(names) else [1.0] * len(names)
        for name, weight in zip(names, weights, strict=True):
            found[name] = found.get(name, 0.0) + settled[link] * weight / sum(weights)
    return {name: bps for name, bps in found.items() if name not in unknown}


def _without_classes(
    policy: Policy, on: Mapping[str, tuple[str, ...]], settled: Mapping[str, float]
) -> dict[str, float]:
    """What upstreams carry while no class is on any link of them: it will be there beside one that comes."""
    sums: dict[str, float | None] = {}
    for link, names in on.items():
        upstream = policy.links[link].upstream
        before = sums.get(upstream, 0.0)
        sums[upstream] = None if before is None or names or link not in settled else before + settled[link]
    return {name: bps for name, bps in sums.items() if bps is not None}

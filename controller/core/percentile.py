"""The 95th percentile of a calendar month's five-minute averages (UTC), by which transit is billed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

from controller.core.load import Step
from controller.core.model import Policy

SLOT_S: Final = 300
ENOUGH_S: Final = SLOT_S / 2  # of a slot must have been seen, or its average says nothing
FREE: Final = 0.05  # of the month's averages do not count, the highest ones


class Average(NamedTuple):
    """What a link carried in five minutes."""

    link: str
    slot: int  # since the epoch
    bps_in: float
    bps_out: float


def month_of(utc: float) -> tuple[int, int]:
    """The first slot of the calendar month, and the first of the next."""
    first = datetime.fromtimestamp(utc, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return int(first.timestamp()) // SLOT_S, int(following.timestamp()) // SLOT_S


def percentile(values: Iterable[float]) -> float | None:
    """What 95 of 100 values do not exceed; None where there is no value."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil((1 - FREE) * len(ordered)) - 1)] if ordered else None


@dataclass(frozen=True, slots=True)
class Under:
    """The five minutes under way on one link."""

    slot: int
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Averages of the month, by link. Treat as a value; bounded by the length of a month."""

    under: Mapping[str, Under] = field(default_factory=dict)
    averages: Mapping[str, Mapping[int, tuple[float, float]]] = field(default_factory=dict)

    def after(self, link: str, step: Step, utc: float) -> tuple[Usage, Average | None]:
        """After what was counted on a link until now, and the average that is complete by it, if one is."""
        slot = int(utc // SLOT_S)
        under = self.under.get(link, Under(slot))
        if slot == under.slot:
            going_on = Under(slot, (*under.steps, step))
            return Usage({**self.under, link: going_on}, self.averages), None
        done = _average(link, under)
        usage = Usage({**self.under, link: Under(slot, (step,))}, self.averages)
        return (usage, None) if done is None else (usage.knowing([done], utc), done)

    def knowing(self, averages: Iterable[Average], utc: float) -> Usage:
        """With these averages too; those of other months are forgotten."""
        first, end = month_of(utc)
        links = {link: dict(slots) for link, slots in self.averages.items()}
        for each in averages:
            links.setdefault(each.link, {})[each.slot] = (each.bps_in, each.bps_out)
        kept = {
            link: {slot: told for slot, told in slots.items() if first <= slot < end}
            for link, slots in links.items()
        }
        return Usage(self.under, kept)

    def percentile(self, policy: Policy, upstream: str) -> float | None:
        """Of what all its links carried together, in the direction that is billed: the larger."""
        sums = self._sums(policy, upstream)
        found = [percentile(told[way] for told in sums.values()) for way in (0, 1)]
        return max((bps for bps in found if bps is not None), default=None)

    def bursts(self, policy: Policy, utc: float) -> dict[str, int]:
        """Upstream -> so many more averages of this month may exceed its commit without being billed.

        Of upstreams with a commit of which anything is known.
        """
        first, end = month_of(utc)
        free = int(FREE * (end - first))
        found: dict[str, int] = {}
        for name, each in policy.upstreams.items():
            sums = self._sums(policy, name) if each.cost is not None and each.cost.commit_bps else {}
            if each.cost is not None and sums:
                commit = each.cost.commit_bps
                over = max(sum(told[way] > commit for told in sums.values()) for way in (0, 1))
                found[name] = max(0, free - over)
        return found

    def _sums(self, policy: Policy, upstream: str) -> dict[int, tuple[float, float]]:
        sums: dict[int, tuple[float, float]] = {}
        for link in policy.links_of(upstream):
            for slot, (bps_in, bps_out) in self.averages.get(link.name, {}).items():
                before = sums.get(slot, (0.0, 0.0))
                sums[slot] = before[0] + bps_in, before[1] + bps_out
        return sums


def _average(link: str, under: Under) -> Average | None:
    elapsed_s = math.fsum(step.elapsed_s for step in under.steps)
    if elapsed_s < ENOUGH_S:
        return None
    bits_in = math.fsum(step.bits_in for step in under.steps)
    bits_out = math.fsum(step.bits_out for step in under.steps)
    return Average(link, under.slot, bits_in / elapsed_s, bits_out / elapsed_s)

"""How often a link is probed: slowly in calm, faster for a moment on the first suspicion.

One ``Pace`` a link and family, looked at by ``detect`` at every step; the loop passes the fastest of a link's
on to the prober. The detectors need not be told: what they assume of the link's own bursts is in seconds, and
goes with the interval in calm.

A fast stretch lasts one slice, then suspicion is looked at anew. Slices are paid from a credit that grows
with time: whatever happens, within w seconds no more than ``MOST_SLICES + 1`` slices and ``SHARE * w`` are
fast; in the long run that is 1.3 times the probes of calm, with a pace four times as fast. The threshold of
``grey`` needs no change, for its evidence is a likelihood ratio: when to look more often is chosen by what
has been seen, never by what will be. Its calibrator sees the process as it is, fast stretches included.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from controller.core.evidence import TargetRecord
from controller.core.grey import GreyState

FASTER: Final = 4  # times
SLICE_S: Final = 1.0  # a fast stretch lasts so long,
SLICE_INTERVALS: Final = (
    4.0  # and no less than so many intervals of calm, or slow probing would learn nothing
)
MOST_SLICES: Final = 10  # in one go, after a long calm
SHARE: Final = 0.1  # of the time, in the long run
FIRST_SIGN: Final = 0.3  # of the threshold of grey loss
COINCIDENCE: Final = 2  # targets whose latest replies are missing at the same time
LATELY_INTERVALS: Final = 4.0  # a target that has not answered for longer is no news


@dataclass(frozen=True, slots=True)
class Pace:
    """How often each target of one link and family is probed, as of ``at`` (monotonic seconds)."""

    calm_s: float  # between two probes of one target, in calm
    at: float
    faster: int = FASTER
    until: float = -inf  # fast until then
    slices: float = MOST_SLICES  # of fast probing in credit

    @property
    def slice_s(self) -> float:
        """How long a fast stretch lasts before suspicion is looked at anew."""
        return max(SLICE_S, SLICE_INTERVALS * self.calm_s)

    @property
    def is_fast(self) -> bool:
        """Within a fast stretch."""
        return self.at < self.until

    @property
    def interval_s(self) -> float:
        """Between two probes of one target, now."""
        return self.calm_s / self.faster if self.is_fast else self.calm_s

    def after(self, suspected: bool, now: float) -> Pace:
        """The pace from ``now`` on. Time does not run backwards."""
        now = max(now, self.at)
        earned = SHARE * (now - self.at) / self.slice_s
        slices = min(float(MOST_SLICES), self.slices + earned)
        if now < self.until or not suspected or slices < 1:
            return replace(self, at=now, slices=slices)
        return replace(self, at=now, slices=slices - 1, until=now + self.slice_s)


def suspicious(grey: GreyState | None, news: int) -> bool:
    """Is it worth looking closer? Not once the verdict is there.

    ``news``: how many targets have just begun to miss replies, see ``missing``.
    """
    if grey is None:
        return news >= COINCIDENCE
    return not grey.grey and (news >= COINCIDENCE or grey.evidence >= FIRST_SIGN * grey.threshold > 0)


def missing(records: Iterable[TargetRecord], now: float) -> int:
    """Targets that answered lately, and whose replies since are lost or overdue."""
    return sum(_misses(record, now) for record in records)


def _misses(record: TargetRecord, now: float) -> bool:
    since = max(record.since, record.answered_at)
    if not record.heard or now - since > LATELY_INTERVALS * record.rhythm.interval_s:
        return False
    if any(at > since for at in record.lost):
        return True
    sent_by = now - record.overdue_after_s()
    return any(since < at <= sent_by for at in record.waiting.values())

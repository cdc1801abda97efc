"""When user traffic was well again after a fault, told from the meter's slices of time. Pure.

Restored means: less than 1 % of the packets are lost (or, where the fault is delay: none of the slices is slow)
in the three seconds that follow. It is counted from the first packet that suffered to the first that did not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import inf

from controller.lab.traffic import Outage, WindowReport

WELL_S = 3.0
WELL_LOSS = 0.01
SLOW_MS = 10.0  # one way, above the mean of calm


def after_loss(slices: Sequence[WindowReport], packets_per_s: float) -> float:
    """Seconds to restored; 0 where nothing was lost, infinite where it never was. Slices adjoin each other."""
    lost = _outages(slices, 1 / packets_per_s)
    if not lost:
        return 0.0
    for outage in lost:
        until = outage.end + WELL_S
        if until > slices[-1].end:
            break
        still = sum(each.packets for each in lost if outage.end <= each.start < until)
        if still < WELL_LOSS * WELL_S * packets_per_s:
            return outage.end - lost[0].start
    return inf


def after_delay(slices: Sequence[WindowReport], calm_ms: float) -> float:
    """Seconds to restored; 0 where nothing was slow, infinite where it was to the end."""
    slow = [each for each in slices if each.delay_ms_mean is None or each.delay_ms_mean > calm_ms + SLOW_MS]
    if not slow:
        return 0.0
    end = slices[-1].end
    times = [*((each.end, following.start) for each, following in pairwise(slow)), (slow[-1].end, end)]
    return next((well - slow[0].start for well, ill in times if ill - well >= WELL_S), inf)


def _outages(slices: Sequence[WindowReport], interval_s: float) -> list[Outage]:
    """In order of time; one that goes on into the next slice is one."""
    found: list[Outage] = []
    for outage in (each for window in slices for each in window.outages):
        last = found[-1] if found else None
        if last and not last.healed and outage.start - last.end < 1.5 * interval_s:
            packets = last.packets + outage.packets
            found[-1] = Outage(last.start, outage.end, packets, outage.healed)
        else:
            found.append(outage)
    return found

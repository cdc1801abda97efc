"""How much each link carries now, from what its interface counts.

Rates come from two readings. Counters that were reset, and rates that the interface cannot have had, are no
evidence. A minute is averaged, so that a burst of seconds moves nobody.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from controller.core.interface import difference
from controller.core.model import InterfaceSample, Policy

SMOOTHED_S: Final = 60.0
ENOUGH_S: Final = 30.0  # watched for less than this, a link's load is not known
STALE_S: Final = 180.0  # not read for this long, it is not known any more
KEPT: Final = 64  # steps of a link, however often it is read
IMPLAUSIBLE: Final = 1.5  # times the interface's speed: a counter that wrapped more than once, or went astray


class Step(NamedTuple):
    """What was counted between two readings."""

    at: float
    elapsed_s: float
    bits_in: float
    bits_out: float


@dataclass(frozen=True, slots=True)
class Meter:
    """One link's counters as followed so far."""

    last: InterfaceSample | None = None  # the latest with counters
    steps: tuple[Step, ...] = ()  # of the last minute, oldest first

    def follow(self, sample: InterfaceSample) -> Meter:
        """After the next reading; one without counters, or an older one, says nothing new."""
        if sample.counters is None or (self.last is not None and sample.at <= self.last.at):
            return self
        step = None if self.last is None else _step(self.last, sample)
        if step is None:
            return Meter(sample)
        kept = (each for each in self.steps if each.at > sample.at - SMOOTHED_S)
        return Meter(sample, (*kept, step)[-KEPT:])

    def bps(self, now: float) -> float | None:
        """The larger direction, on average; None where too little or nothing recent is known."""
        elapsed_s = sum(step.elapsed_s for step in self.steps)
        if elapsed_s < ENOUGH_S or self.steps[-1].at + STALE_S <= now:
            return None
        bits = max(sum(step.bits_in for step in self.steps), sum(step.bits_out for step in self.steps))
        return bits / elapsed_s


def _step(old: InterfaceSample, new: InterfaceSample) -> Step | None:
    """What lies between two readings; None where that is not known."""
    elapsed_s = new.at - old.at
    if old.counters is None or new.counters is None or elapsed_s > SMOOTHED_S:
        return None
    counted = difference(old.counters, new.counters)
    if counted is None:
        return None
    bits_in, bits_out = 8.0 * counted.octets_in, 8.0 * counted.octets_out
    most = None if new.speed_mbps is None else new.speed_mbps * 1e6 * elapsed_s * IMPLAUSIBLE
    if most is not None and max(bits_in, bits_out) > most:
        return None
    return Step(new.at, elapsed_s, bits_in, bits_out)


@dataclass(frozen=True, slots=True)
class Loads:
    """Every link's meter. Treat as a value: ``follow`` gives the next one."""

    policy: Policy
    meters: Mapping[str, Meter] = field(default_factory=dict)

    def follow(self, samples: Sequence[InterfaceSample]) -> Loads:
        """After these readings. Those of links that the policy does not know are ignored."""
        read = [each for each in samples if each.counters is not None and each.link in self.policy.links]
        if not read:
            return self
        meters = dict(self.meters)
        for sample in read:
            meters[sample.link] = meters.get(sample.link, Meter()).follow(sample)
        return replace(self, meters=meters)

    def measured(self, now: float) -> dict[str, float]:
        """Link -> bit/s, of those of which it is known."""
        found = ((name, meter.bps(now)) for name, meter in self.meters.items())
        return {name: bps for name, bps in found if bps is not None}

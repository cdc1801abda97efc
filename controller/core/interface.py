"""A link's interface: its state, and load and errors from what it counts.

Down is down at once. Rates come from differences of counters. One counter that went back has wrapped (32
bits); several that went back at once were reset, and what they counted meanwhile is unknown.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, replace
from typing import Final, NamedTuple

from controller.core.model import (
    Counters,
    InterfacePolicy,
    InterfaceSample,
    InterfaceSeen,
    Signal,
    Verdict,
)

KIND: Final = "interface"
WRAP: Final = 2**32
KEPT: Final = 64  # readings of counters remembered, however long the window
SHORTEST_WINDOW_S, LONGEST_WINDOW_S = 10.0, 300.0  # with a reading every 5 s: two of them, and KEPT
MIN_ERRORS: Final = 10  # in the window: a handful is no percentage
FRESH_S: Final = 10.0


def difference(old: Counters, new: Counters) -> Counters | None:
    """What was counted between two readings; None when the counters were reset meanwhile."""
    before, after = astuple(old), astuple(new)
    back = [n for n, (was, now) in enumerate(zip(before, after, strict=True)) if now < was]
    if len(back) > 1 or any(before[n] >= WRAP for n in back):
        return None
    return Counters(*(now - was + WRAP * (now < was) for was, now in zip(before, after, strict=True)))


class Step(NamedTuple):
    """What was counted between two readings of the counters."""

    at: float
    elapsed_s: float
    counted: Counters


@dataclass(frozen=True, slots=True)
class Port:
    """One link's interface as followed so far."""

    name: str
    last: InterfaceSample
    read: InterfaceSample | None = None  # the latest with counters
    steps: tuple[Step, ...] = ()  # of the window, oldest first

    def follow(self, sample: InterfaceSample, policy: InterfacePolicy) -> Port:
        """The interface after its router's next word; older words say nothing new."""
        if sample.at < self.last.at:
            return self
        if sample.counters is None or (self.read is not None and sample.at <= self.read.at):
            return replace(self, last=sample)
        steps: tuple[Step, ...] = ()
        if self.read is not None and self.read.counters is not None:
            counted = difference(self.read.counters, sample.counters)
            if counted is not None:
                step = Step(sample.at, sample.at - self.read.at, counted)
                steps = (*(s for s in self.steps if s.at > sample.at - policy.over_s), step)[-KEPT:]
        return replace(self, last=sample, read=sample, steps=steps)

    def signal(self, router: str, policy: InterfacePolicy) -> Signal:
        """What the interface says of its link."""
        last, name = self.last, f"interface {self.name} of {router}"
        verdict, why = Verdict.UP, f"{name} is up"
        percent, way = max(self._errors(), default=(0.0, ""))
        watched_s = sum(step.elapsed_s for step in self.steps)
        if not last.is_up:
            verdict, why = Verdict.DOWN, f"{name} is {'down' if last.is_enabled else 'shut down'}"
        elif percent > policy.errors_percent and watched_s >= policy.over_s:
            verdict = Verdict.DEGRADED
            why = f"{name}: {percent:.1f} % of the packets {way} in {watched_s:.0f} s are errors"
        return Signal(last.link, KIND, last.at, verdict, why, FRESH_S)

    def _errors(self) -> list[tuple[float, str]]:
        """Percent of errors in the window, where there are enough of them, and in which direction."""
        told = self._total()
        ways = (
            (told.errors_in, told.packets_in, "received"),
            (told.errors_out, told.packets_out, "sent"),
        )
        return [(_percent(bad, good), way) for bad, good, way in ways if bad >= MIN_ERRORS]

    def _total(self) -> Counters:
        """Everything counted in the window."""
        rows = [astuple(step.counted) for step in self.steps]
        return Counters(*map(sum, zip(*rows, strict=True))) if rows else Counters(*[0] * 8)

    def seen(self) -> InterfaceSeen:
        """In figures: load between the last two readings, errors and discards over the window."""
        seen = InterfaceSeen(self.name, self.last.is_up, self.last.speed_mbps)
        if not self.steps:
            return seen
        latest, told = self.steps[-1], self._total()
        octets_of_a_mbps = latest.elapsed_s * 1e6 / 8
        return replace(
            seen,
            in_mbps=latest.counted.octets_in / octets_of_a_mbps,
            out_mbps=latest.counted.octets_out / octets_of_a_mbps,
            errors_percent=max(
                _percent(told.errors_in, told.packets_in), _percent(told.errors_out, told.packets_out)
            ),
            discards_percent=max(
                _percent(told.discards_in, told.packets_in), _percent(told.discards_out, told.packets_out)
            ),
        )


def _percent(bad: int, good: int) -> float:
    """Of all packets: those counted as good do not include the bad ones (RFC 2863)."""
    return 100 * bad / (bad + good) if bad else 0.0

"""What the traffic meter found, as values that travel between its process and whoever asked.

Times are seconds of CLOCK_MONOTONIC, which all processes of a machine share.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from controller.core.model import Family

Window = tuple[str, float, float | None]  # label, start, end; None: until now


class Way(StrEnum):
    """Where a flow of user traffic goes."""

    OUT = "out"  # users to internet
    IN = "in"  # internet to users


@dataclass(frozen=True, slots=True)
class Outage:
    """Packets lost one after another.

    ``start`` is the send time of the first of them, ``end`` that of the first packet received after them;
    or the end of the window, when nothing got through before it (``healed`` is false, it lasted at least so
    long).
    """

    start: float
    end: float
    packets: int
    healed: bool

    @property
    def length_ms(self) -> float:
        """How long it lasted, in milliseconds; known to the nearest interval between packets."""
        return (self.end - self.start) * 1000


@dataclass(frozen=True, slots=True)
class WindowReport:
    """What became of the packets of one flow that were sent from ``start`` until before ``end``."""

    label: str
    start: float
    end: float
    sent: int
    received: int
    lost: int
    in_flight: int  # neither received nor old enough to be lost; 0 once the meter has stopped
    duplicates: int  # copies received besides the first
    reordered: int  # received after a packet that was sent later
    outage_count: int
    outages: tuple[Outage, ...]  # in order of time; the longest OUTAGES_KEPT when there were more
    delay_ms_mean: float | None  # one way, of packets received
    delay_ms_max: float | None

    @property
    def outage_ms(self) -> float:
        """The longest outage in milliseconds; 0 when nothing was lost."""
        return max((outage.length_ms for outage in self.outages), default=0.0)

    @property
    def loss_percent(self) -> float:
        """Share lost of what was sent and is not in flight any more."""
        settled = self.received + self.lost
        return 100 * self.lost / settled if settled else 0.0


@dataclass(frozen=True, slots=True)
class FlowReport:
    """One flow's windows, in the order asked for, and the meter's own trouble with the flow."""

    way: Way
    family: Family
    windows: tuple[WindowReport, ...]
    unsent: int  # of those lost: refused by the sender's own kernel, because it had no route for example
    unsent_why: str
    truncated: bool  # the meter's memory was full and sending ended early


@dataclass(frozen=True, slots=True)
class TrafficReport:
    """Every flow, and how far the meter itself can be trusted."""

    flows: tuple[FlowReport, ...]
    skipped: int  # packets a flow never got to send because the meter was stalled: a gap, not a loss
    late_ms: float  # the latest that any packet left, against the schedule

    def window(self, label: str, way: Way, family: Family = Family.IPV4) -> WindowReport:
        """One window of one flow. Raises KeyError when there is none of this name."""
        for flow in self.flows:
            if (flow.way, flow.family) == (way, family):
                for window in flow.windows:
                    if window.label == label:
                        return window
        raise KeyError(f"no window {label!r} of {family} {way}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, with what readers would have to compute; :meth:`from_dict` reverses it."""
        plain = asdict(self)
        for flow, flow_plain in zip(self.flows, plain["flows"], strict=True):
            for window, window_plain in zip(flow.windows, flow_plain["windows"], strict=True):
                window_plain |= {"outage_ms": window.outage_ms, "loss_percent": window.loss_percent}
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> TrafficReport:
        """A report from what :meth:`to_dict` gave."""
        return cls(
            tuple(_flow(flow) for flow in plain["flows"]), skipped=plain["skipped"], late_ms=plain["late_ms"]
        )


@dataclass(frozen=True, slots=True)
class FlowNow:
    """One flow at this moment: the packets of the latest second that had time to arrive, and totals."""

    way: Way
    family: Family
    sent: int
    received: int
    lost: int
    silent_ms: float  # since the last packet arrived
    total_sent: int
    total_received: int


def lines_for_people(report: TrafficReport) -> Iterator[str]:
    """A report as a table of 80 columns."""
    head = "window             flow        sent  lost  loss  outage ms  dup reord  delay ms"
    yield head
    for flow in report.flows:
        for w in flow.windows:
            delay = "-" if w.delay_ms_mean is None else f"{w.delay_ms_mean:.1f}"
            outage = f"{w.outage_ms:.0f}" + ("" if all(o.healed for o in w.outages) else "+")
            yield (
                f"{w.label[:18]:18} {flow.way:3} {flow.family:4} "
                f"{w.sent:7} {w.lost:5} {w.loss_percent:4.1f}% {outage:>9} "
                f"{w.duplicates:4} {w.reordered:5} {delay:>9}"
            )
        if flow.unsent:
            yield f"  {flow.way} {flow.family}: {flow.unsent} of the lost never left: {flow.unsent_why}"
        if flow.truncated:
            yield f"  {flow.way} {flow.family}: ended early, the meter's memory was full"
    if report.skipped:
        yield f"the meter was stalled: {report.skipped} packets of each flow were not sent"


def to_line(kind: str, value: Any) -> bytes:
    """One message of the meter's process."""
    return json.dumps({kind: value}, separators=(",", ":")).encode() + b"\n"


def live_from(plain: Sequence[Mapping[str, Any]]) -> tuple[FlowNow, ...]:
    """Live counters from a message."""
    return tuple(
        FlowNow(**{**flow, "way": Way(flow["way"]), "family": Family(flow["family"])}) for flow in plain
    )


def _flow(plain: Mapping[str, Any]) -> FlowReport:
    windows = tuple(_window(window) for window in plain["windows"])
    return FlowReport(
        **{**plain, "way": Way(plain["way"]), "family": Family(plain["family"]), "windows": windows}
    )


def _window(plain: Mapping[str, Any]) -> WindowReport:
    derived = {"outage_ms", "loss_percent"}
    outages = tuple(Outage(**outage) for outage in plain["outages"])
    return WindowReport(**{**{k: v for k, v in plain.items() if k not in derived}, "outages": outages})

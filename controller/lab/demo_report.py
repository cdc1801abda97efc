"""What a demonstration found, for machines and for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from controller.core.model import Family, Health, Outcome, Unchanged, Verdict
from controller.lab.traffic import TrafficReport, Way
from controller.ports import Record

CALM, FAULT, BACK = "calm", "fault", "fail-back"


@dataclass(frozen=True, slots=True)
class RouterResult:
    """What happened on one router."""

    name: str
    outcome: str
    diff: str
    why: str = ""


@dataclass(frozen=True, slots=True)
class Losses:
    """One family's user traffic, in packets and milliseconds, per way."""

    outage_ms_out: float
    outage_ms_in: float
    lost_out: int
    lost_in: int
    failback_lost_out: int
    failback_lost_in: int


@dataclass(frozen=True, slots=True)
class Summary:
    """One fault: times from the moment of the fault to each step, and what users lost."""

    fault: str
    place: str
    upstream: str
    controller: bool  # False: routers alone, with the controller's roles installed and the controller stopped
    sentence: str | None  # the decision; None: nothing was moved
    detect_ms: float | None  # fault to verdict
    decide_ms: float | None  # verdict to decision
    push_ms: float | None  # decision to the last router's acknowledgement
    confirm_ms: float | None  # verification and confirmation after it
    failback_sentence: str | None
    failback_after_s: float | None  # from the end of the fault
    ipv4: Losses
    ipv6: Losses
    leaks: tuple[str, ...]
    leak_checks: int
    lab_up_s: float
    late_ms: float  # the latest that any packet of the meter left, against its schedule
    routers: tuple[RouterResult, ...] = field(default_factory=tuple)

    def to_dict(self) -> dict[str, Any]:
        """Plain values; IPv4's losses stand at the top, IPv6's under ``ipv6``."""
        plain = {key: _rounded(value) for key, value in asdict(self).items() if key != "ipv4"}
        return {key: _rounded(value) for key, value in asdict(self.ipv4).items()} | plain


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 1)
    return {key: _rounded(each) for key, each in value.items()} if isinstance(value, dict) else value


def losses(report: TrafficReport, family: Family) -> Losses:
    """What one family lost while the fault lasted, and on the way back."""
    out, back = report.window(FAULT, Way.OUT, family), report.window(FAULT, Way.IN, family)
    return Losses(
        outage_ms_out=out.outage_ms,
        outage_ms_in=back.outage_ms,
        lost_out=out.lost,
        lost_in=back.lost,
        failback_lost_out=report.window(BACK, Way.OUT, family).lost,
        failback_lost_in=report.window(BACK, Way.IN, family).lost,
    )


def first_bad(record: Record, links: tuple[str, ...]) -> Health | None:
    """The earliest bad verdict, in a record, on any of these links."""
    bad = [h for h in record.health if h.link in links and h.verdict in (Verdict.DOWN, Verdict.DEGRADED)]
    return min(bad, key=lambda health: health.since, default=None)


def router_results(outcomes: tuple[Outcome, ...]) -> tuple[RouterResult, ...]:
    """Each router's outcome with its diff."""
    return tuple(
        RouterResult(
            name=outcome.router,
            outcome=outcome.kind,
            diff="" if isinstance(outcome, Unchanged) else getattr(outcome, "diff", ""),
            why=getattr(outcome, "why", ""),
        )
        for outcome in outcomes
    )


def lines(summary: Summary) -> Iterator[str]:
    """The summary for people."""
    who = "" if summary.controller else ", no controller"
    yield f"fault {summary.fault} at {summary.place}{who}"
    if summary.sentence:
        yield f"  decision     {summary.sentence}"
        steps = {
            "detected": summary.detect_ms,
            "decided": summary.decide_ms,
            "pushed": summary.push_ms,
            "verified and confirmed": summary.confirm_ms,
        }
        text = ", ".join(f"{name} in {value:.0f} ms" for name, value in steps.items() if value is not None)
        yield f"  steps        {text}"
    elif summary.controller:
        yield "  decision     nothing was moved"
    for name, lost in (("IPv4", summary.ipv4), ("IPv6", summary.ipv6)):
        yield (
            f"  users, {name}  out: {lost.lost_out} lost, longest outage {lost.outage_ms_out:.0f} ms;"
            f" in: {lost.lost_in} lost, longest outage {lost.outage_ms_in:.0f} ms"
        )
    if summary.failback_sentence:
        yield f"  fail-back    {summary.failback_sentence}"
        yield f"               {summary.failback_after_s:.0f} s after the fault ended"
    for name, lost in (("IPv4", summary.ipv4), ("IPv6", summary.ipv6)):
        yield f"  afterwards, {name}  {lost.failback_lost_out} lost out, {lost.failback_lost_in} lost in"
    for router in summary.routers:
        yield f"  {router.name:<12} {router.outcome}{': ' if router.why else ''}{router.why}"
    found = f"{len(summary.leaks)} LEAKS: {'; '.join(summary.leaks)}" if summary.leaks else "none"
    yield f"  leaked routes {found} ({summary.leak_checks} looks at every upstream's router)"

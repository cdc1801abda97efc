"""What a cycle of the loop begins and ends with: for the loop and for the simulation alike.

A cycle runs when what a decision depends on has changed, or when time alone may change it; what it decided is
news when it says something that the last one did not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from controller.core.model import Decision, Delay, Health, Vantage, Verdict

SHORTEST_WAIT_S: Final = 0.001  # between two cycles that time alone calls for

Signature = dict[str, tuple[Verdict, bool, bool, bool, bool, Delay]]


def signature(health: Mapping[str, Health]) -> Signature:
    """What of the health a decision depends on; a change of it wakes the loop."""
    return {
        name: (each.verdict, each.suspect, each.stale, each.doubt is not None, each.fades, each.delay)
        for name, each in health.items()
    }


def wait_s(decision: Decision | None, retry_at: float, now: float) -> float | None:
    """How long the next cycle may be waited for, when nothing is seen to change; None: for ever.

    ``retry_at``: when what went wrong may be tried again; in the past: nothing is to be.
    """
    times = [retry_at] if retry_at > now else []
    if decision is not None and decision.decide_again_at is not None:
        times.append(decision.decide_again_at)
    # A moment that is almost here is waited for too: rounding must not make cycles without end of it.
    return max(SHORTEST_WAIT_S, min(times) - now) if times else None


def telling(decision: Decision, health: Mapping[str, Health], vantage: Vantage) -> object:
    """What a record keeps a decision for; two that are equal say nothing new of each other."""
    return (
        decision.assignment,
        decision.frozen,
        vantage.trouble is None,
        tuple((held.traffic_class, held.move) for held in decision.held),
        tuple((notice.rule, notice.subject) for notice in decision.notices),
        tuple(sorted((name, each.verdict, each.delay is Delay.BROWNOUT) for name, each in health.items())),
    )

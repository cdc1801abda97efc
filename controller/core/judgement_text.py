"""The evidence of a verdict, in the words that people read."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from controller.core.evidence import LOSS_WINDOW_S
from controller.core.judgement import Facts
from controller.core.model import Family, HealthPolicy, Target, Verdict, target_order

LABEL: Final = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}


def why(
    facts: Facts,
    verdict: Verdict,
    clean_s: float | None,
    dead: Collection[Target],
    health: HealthPolicy,
) -> str:
    """One family's evidence. ``clean_s``: for how long it has looked better than the verdict that stands."""
    parts = []
    if facts.session_down and facts.session is not None:
        parts.append(f"BGP session {facts.session.detail or 'not established'}")
    parts += [signal.why for signal in facts.signals if signal.family is not None]
    if facts.targets:
        parts.append(_targets(facts))
    elif facts.session is None and not facts.signals:
        parts.append("no targets, and no word on the BGP session")
    elif facts.session is not None and facts.session.established:
        parts.append("BGP session established, no targets")
    if clean_s is not None:
        parts.append(f"{verdict} until it has looked well for {health.recover_s:g} s, {clean_s:.1f} s so far")
    if facts.suspect and facts.silent_s is not None:
        parts.append(f"suspect: {facts.quorum} targets quiet for {facts.silent_s:.2f} s")
    elif facts.suspect and facts.threshold:
        parts.append(f"suspect: {facts.evidence / facts.threshold:.0%} of the evidence that loss needs")
    if dead:
        names = ", ".join(str(target) for target in sorted(dead, key=target_order))
        parts.append(f"not counted, silent through every link: {names}")
    return ", ".join(parts)


def of_the_link(facts: Facts) -> list[str]:
    """What signals say of the link as a whole; ``why`` leaves that out."""
    return [signal.why for signal in facts.signals if signal.family is None]


def _targets(facts: Facts) -> str:
    of = f"of {facts.targets} targets"
    if facts.is_silent:
        silent = "all but silent" if facts.sparse else "silent"
        return f"{facts.silent} {of} {silent} for {facts.silent_s or 0.0:.2f} s"
    if facts.verdict is Verdict.UNKNOWN:
        return f"{facts.answering} {of} answer, {facts.silent} are silent: too few to judge"
    if facts.grey:
        lost = "loses"
        if facts.loss_percent is not None:
            lost = f"lost {facts.loss_percent:.1f} % in {LOSS_WINDOW_S:g} s,"
        needed = f"evidence {facts.evidence:.1f}, {facts.threshold or 0.0:.1f} needed"
        usual = f"more than its usual {100 * facts.ambient:.1g} %"
        return f"{lost} {usual} ({needed}), {facts.answering} {of} answer"
    text = f"{facts.answering} {of} answer"
    if facts.rtt_ms is not None:
        text += f" in {facts.rtt_ms:.1f} ms"
    if facts.loss_percent is None:
        return text + ", too few results to tell loss"
    return text + f", loss {facts.loss_percent:.1f} %"

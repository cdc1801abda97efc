"""Rule 1, family by family: what looks bad through every link at once is more likely my own path.

Where that concerns one family only, the family is left out and links are judged by the other. Loss that every
link has, or that my own anchors have too, is not held against any link.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import Enum
from math import inf

from controller.core.delay import of_link
from controller.core.judgement import SEVERITY, worst
from controller.core.judgement_text import LABEL
from controller.core.model import (
    ControlState,
    Doubted,
    Family,
    FamilyHealth,
    Health,
    Policy,
    Reason,
    Verdict,
)

RULE = "trust"
TOGETHER = 2  # links, before what they have in common can be me


class Disbelief(Enum):
    """What is not believed of a family."""

    ALL = "all"
    LOSS = "loss"


@dataclass(frozen=True, slots=True)
class Believed:
    """Health of the links without what is not believed."""

    health: Mapping[str, Health]
    doubted: Doubted
    reasons: tuple[Reason, ...] = ()  # one a family; their texts continue a sentence
    until: float | None = None  # time alone may make some of it believed again then


def believe(
    policy: Policy, health: Mapping[str, Health], anchors: Health | None, state: ControlState, now: float
) -> Believed:
    """Leave out what looks like my own trouble, and for a moment after it looks so.

    Links do not come back in the same instant: the first must not win traffic from one that follows. Those
    that answer again but are not trusted yet are waited for, ``recover_s`` at most. ``health`` must have
    every link of the policy, and nothing else.
    """
    doubted: dict[str, float] = {}
    reasons: list[Reason] = []
    for family in Family:
        parts = [each.families[family] for each in health.values() if family in each.families]
        anchor = anchors.families.get(family) if anchors is not None else None
        for what, cause in _causes(health, family, parts, anchor).items():
            key = f"{family} {what.value}"
            until, at_most = state.doubted.get(key, -inf), state.doubted.get(f"{key} at most", -inf)
            if cause:
                until = now + settle_s(policy, what)
                at_most = until + policy.health.recover_s
            elif until > now and what is Disbelief.ALL and _rest_follows(parts):
                until = max(until, min(now + settle_s(policy, what), at_most))
            if until > now:
                doubted |= {key: until, f"{key} at most": at_most}
                text = cause or f"{LABEL[family]} is only just coming back"
                reasons.append(Reason(RULE, LABEL[family], f"{text}: {_consequence(what)}"))
    believed = {name: _without(each, doubted, state) for name, each in health.items()} if doubted else health
    return Believed(believed, doubted, tuple(reasons), min(doubted.values(), default=None))


def settle_s(policy: Policy, what: Disbelief) -> float:
    """For how long disbelief outlives its cause."""
    rule = policy.health
    return rule.ride_out_s + rule.timeout_s if what is Disbelief.ALL else 2 * rule.recover_s


def _rest_follows(parts: list[FamilyHealth]) -> bool:
    """Whether links are still coming back, and nothing else is wrong with any."""
    late = [part for part in parts if not is_good(part)]
    return bool(late) and all(part.fades for part in late)


def is_good(part: FamilyHealth) -> bool:
    """Known to carry traffic, and free of suspicion."""
    return part.verdict in (Verdict.UP, Verdict.DEGRADED) and not part.suspect


def _causes(
    health: Mapping[str, Health], family: Family, parts: list[FamilyHealth], anchor: FamilyHealth | None
) -> dict[Disbelief, str | None]:
    """Why a family, or its loss, is not to be believed; None where it is."""
    label = LABEL[family]
    everything = lossy = None
    elsewhere = any(
        is_good(part)
        for each in health.values()
        for other, part in each.families.items()
        if other is not family
    )
    dead = [part for part in parts if part.verdict is Verdict.DOWN or part.suspect]
    if len(parts) >= TOGETHER and dead and elsewhere and not any(is_good(part) for part in parts):
        everything = f"{label} looks bad through every link at once{_anchors(anchor)}"
    degraded = [part for part in parts if part.verdict is Verdict.DEGRADED]
    if degraded and anchor is not None and anchor.verdict is Verdict.DEGRADED:
        lost = "" if anchor.loss_percent is None else f" {anchor.loss_percent:.1f} %"
        lossy = f"the anchors lose{lost} too ({label})"
    elif len(degraded) == len(parts) >= TOGETHER:
        lossy = f"every link is degraded in {label} at once"
    return {Disbelief.ALL: everything, Disbelief.LOSS: lossy}


def _anchors(anchor: FamilyHealth | None) -> str:
    if anchor is None or anchor.verdict is Verdict.UNKNOWN:
        return ""
    return ", though the anchors answer" if is_good(anchor) else ", and the anchors are silent too"


def _consequence(what: Disbelief) -> str:
    return "left out" if what is Disbelief.ALL else "it may be my own path; no link is left for that"


def _without(link: Health, doubted: Doubted, state: ControlState) -> Health:
    """A link as it looks without what is not believed."""
    parts = {
        family: replace(part, verdict=Verdict.UP)
        if part.verdict is Verdict.DEGRADED and f"{family} {Disbelief.LOSS.value}" in doubted
        else part
        for family, part in link.families.items()
        if f"{family} {Disbelief.ALL.value}" not in doubted
    }
    if not parts:
        return link  # it has nothing else to be judged by
    verdict = worst(part.verdict for part in parts.values())
    if SEVERITY[verdict] > SEVERITY[link.verdict]:
        return link
    suspect = link.suspect and verdict is not Verdict.DOWN and any(part.suspect for part in parts.values())
    if (verdict, suspect) == (link.verdict, link.suspect):
        return link
    memory = state.links.get(link.link)
    clean = memory.clean_since if memory is not None else None
    since = link.since if clean is None else min(link.since, clean)
    why = "; ".join(f"{LABEL[family]}: {part.why}" for family, part in parts.items())
    delay, delay_why = of_link(verdict, parts)
    return replace(
        link,
        verdict=verdict,
        suspect=suspect,
        since=since,
        why=why,
        families=parts,
        delay=delay,
        delay_why=delay_why,
    )

"""What people order in a scenario or trace: ``drain georgia by ann: fibre work``."""

from __future__ import annotations

from typing import Final

from controller.config.problems import quoted
from controller.config.validate import did_you_mean
from controller.core.model import OrderKind, Override, Policy
from controller.core.rules.people import drained_by

NOTATION: Final = "pause, drain NAME, acknowledge CLASS or pin CLASS UPSTREAM, then ' by OWNER: REASON'"
SOMEBODY, NO_REASON = "somebody", "no reason given"
_WORDS: Final[dict[str, int]] = {
    OrderKind.PAUSE: 1,
    OrderKind.DRAIN: 2,
    OrderKind.PIN: 3,
    OrderKind.ACKNOWLEDGE: 2,
}


def order(text: str, number: int, since_s: float, until_s: float | None) -> Override | None:
    """The order that this text gives, or None where it gives none."""
    what, _, who = text.partition(" by ")
    owner, _, reason = who.partition(": ")
    kind, *names = what.split() or [""]
    if kind == OrderKind.DRAIN and names:
        names = [" ".join(names)]  # a risk of two words: country GE
    if _WORDS.get(kind) != 1 + len(names):
        return None
    subject, upstream = (*names, "", "")[:2]
    told = owner.strip() or SOMEBODY, reason.strip() or NO_REASON
    return Override(number, OrderKind(kind), subject, upstream, *told, since_s, until_s)


def written(given: Override) -> str:
    """The text that ``order`` reads."""
    what = " ".join(word for word in (given.kind, given.subject, given.upstream) if word)
    return f"{what} by {given.owner}: {given.reason}"


def unknown(given: Override, policy: Policy) -> tuple[str, str] | None:
    """What is wrong with the names in an order, and what to do; None: nothing."""
    if given.kind is OrderKind.DRAIN and not drained_by(policy, given.subject):
        risks = sorted({risk for link in policy.links.values() for risk in policy.risks_of(link)})
        known = [*policy.upstreams, *policy.routers, *policy.links, *risks]
        there = did_you_mean(given.subject, known, f"There are: {', '.join(known)}.")
        return f"nothing is called {quoted(given.subject)}", there
    if given.kind not in (OrderKind.PIN, OrderKind.ACKNOWLEDGE):
        return None
    pinned = policy.classes.get(given.subject)
    if pinned is None:
        classes = policy.classes
        hint = did_you_mean(given.subject, classes, f"There are: {', '.join(classes)}.")
        return f"there is no class {quoted(given.subject)}", hint
    known = sorted(pinned.upstreams)
    if given.kind is OrderKind.PIN and given.upstream not in known:
        hint = did_you_mean(given.upstream, known, f"It prefers {', '.join(known)}.")
        return f"class {quoted(given.subject)} never goes over {quoted(given.upstream)}", hint
    return None

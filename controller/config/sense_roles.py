"""Roles that BGP cannot tell apart, or that it would take in another order than they are meant in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from controller.config.problems import Problem
from controller.config.sources import Sources
from controller.core.intent import knobs
from controller.core.model import BACKUP, DRAINED, PRIMARY, WITHDRAWN, Knobs, Placement, Policy


def sense_roles(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """Every finding about roles."""
    roles = policy.roles
    longest = max(len(each.prefer.upstreams) for each in policy.classes.values())
    primary, drained, withdrawn = (
        knobs(roles[name], Placement(name)) for name in (PRIMARY, DRAINED, WITHDRAWN)
    )
    first, last = (knobs(roles[BACKUP], Placement(BACKUP, rank)) for rank in (1, max(1, longest - 1)))
    if longest > 1 and _inbound(primary) == _inbound(first):
        message = "others cannot tell backup from primary, so inbound traffic does not follow a move"
        hint = "Give backup a 'prepend', 'communities' or 'graceful_shutdown: true'."
        yield sources.policy.problem(("roles", BACKUP), message, hint)
    sides = {
        "outbound": first.local_preference == last.local_preference,
        "inbound": _inbound(first) == _inbound(last),
    }
    if longest > 2 and any(sides.values()):
        where = " and ".join(side for side, alike in sides.items() if alike)
        message = f"{where}, one backup looks like the next, so BGP chooses among them by itself"
        hint = "Add 'each_further: {local_preference: -10, prepend: 1}'."
        yield sources.policy.problem(("roles", BACKUP), message, hint)
    if longest > 1 and _but_prepend(last) == _but_prepend(drained) and last.prepend >= drained.prepend:
        which = "the last backup" if longest > 2 else "backup"
        told = f"{which} prepends {last.prepend} and drained {drained.prepend}, which is all that others see"
        message = f"{told}: inbound traffic would not avoid a drained link"
        hint = "Give drained more, 'communities' or 'graceful_shutdown: true'."
        yield sources.policy.problem(("roles", DRAINED), message, hint)
    if not drained.announce:
        message = "drained is not announced, so it is no last resort: inbound it is the same as withdrawn"
        hint = "Remove the line, and write 'when_down: withdrawn' if links that are down are to be gone."
        yield sources.policy.problem(("roles", DRAINED, "announce"), message, hint)
    if primary.graceful_shutdown:
        message = "primary asks everybody to prefer other ways"
        yield sources.policy.problem(("roles", PRIMARY, "graceful_shutdown"), message, "Remove the line.")
    if withdrawn.local_preference >= drained.local_preference:
        high, low = withdrawn.local_preference, drained.local_preference
        message = f"withdrawn's local preference {high} is not below drained's {low}"
        hint = "Outbound traffic would rather leave over what is withdrawn: write less."
        yield sources.policy.problem(("roles", WITHDRAWN, "local_preference"), message, hint)


def _inbound(its: Knobs) -> Knobs:
    """What others see: local preference is our own."""
    return replace(its, local_preference=0)


def _but_prepend(its: Knobs) -> Knobs:
    return replace(its, local_preference=0, prepend=0)

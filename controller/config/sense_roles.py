"""Roles that BGP cannot tell apart, or that it would take in another order than they are meant in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from controller.config.document import Steps
from controller.config.problems import Problem, quoted
from controller.config.sources import Sources
from controller.core.explain import names
from controller.core.intent import knobs
from controller.core.model import (
    BACKUP,
    DRAINED,
    PRIMARY,
    ROLE_NAMES,
    WITHDRAWN,
    Knobs,
    Placement,
    Policy,
    Role,
    TrafficClass,
)

# What others see of a role, once it announces anything.
_HEARD = ("prepend", "med", "communities", "upstream_communities", "graceful_shutdown", "more_specifics")


@dataclass(frozen=True, slots=True)
class RolesOf:
    """Roles as they hold for some classes, and where people say what they are."""

    steps: Steps
    roles: Mapping[str, Role]
    classes: Sequence[TrafficClass]

    @property
    def upstreams(self) -> list[str]:
        """All that these classes prefer, where there is a choice."""
        queues = (each.prefer.upstreams for each in self.classes)
        return list(dict.fromkeys(name for queue in queues if len(queue) > 1 for name in queue))

    @property
    def longest(self) -> int:
        """How many upstreams the longest preference has."""
        return max(len(each.prefer.upstreams) for each in self.classes)

    @property
    def lists_more(self) -> bool:
        """Whether there are more-specifics to announce."""
        return any(each.more_specifics for each in self.classes)

    def knobs(self, role: str, upstream: str, rank: int = 1) -> Knobs:
        """What a link to this upstream has in this role."""
        found = knobs(self.roles[role], Placement(role, rank), upstream)
        return replace(found, more_specifics=found.more_specifics and self.lists_more)


def roles_of(policy: Policy) -> Iterator[RolesOf]:
    """Everybody's roles, for the classes that have no others; then those of each class that has."""
    plain = [each for each in policy.classes.values() if not each.roles]
    if plain:
        yield RolesOf(("roles",), policy.roles, plain)
    for each in policy.classes.values():
        if each.roles:
            own = {name: policy.role(each, name) for name in ROLE_NAMES}
            yield RolesOf(("classes", each.name, "roles"), own, [each])


def sense_roles(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """Every finding about roles. What several classes have in common is told once."""
    told: set[str] = set()
    for each in roles_of(policy):
        for steps, message, hint in (*_alike(policy, each), *_odd(each), *_unheard(sources, each)):
            if message not in told:
                told.add(message)
                yield sources.policy.problem((*each.steps, *steps), message, hint)


Finding = tuple[Steps, str, str]  # where below the roles, what, and what to do


def _alike(policy: Policy, of: RolesOf) -> Iterator[Finding]:
    if of.longest == 1:
        return
    last = max(1, of.longest - 1)
    one_as = len({policy.upstreams[name].asn for name in of.upstreams}) == 1

    def seen(role: str, upstream: str, rank: int = 1) -> Knobs:
        """What others see: local preference is our own, and MED is compared inside one AS only."""
        found = replace(of.knobs(role, upstream, rank), local_preference=0)
        return found if one_as else replace(found, med=None)

    blind = [name for name in of.upstreams if seen(PRIMARY, name) == seen(BACKUP, name)]
    if blind:
        who = "others" if blind == of.upstreams else names(blind)
        message = f"{who} cannot tell backup from primary, so inbound traffic does not follow a move"
        hint = "Give backup a 'prepend', 'communities' or 'graceful_shutdown: true'."
        yield (BACKUP,), message, hint
    some = of.upstreams[0]
    sides = {
        "outbound": of.knobs(BACKUP, some).local_preference == of.knobs(BACKUP, some, last).local_preference,
        "inbound": seen(BACKUP, some) == seen(BACKUP, some, last),
    }
    if of.longest > 2 and any(sides.values()):
        where = " and ".join(side for side, alike in sides.items() if alike)
        message = f"{where}, one backup looks like the next, so BGP chooses among them by itself"
        yield (BACKUP,), message, "Add 'each_further: {local_preference: -10, prepend: 1}'."
    for name in of.upstreams:
        backup, drained = seen(BACKUP, name, last), seen(DRAINED, name)
        if replace(backup, prepend=drained.prepend) == drained and backup.prepend >= drained.prepend:
            which = "the last backup" if of.longest > 2 else "backup"
            prepends = f"{which} prepends {backup.prepend} and drained {drained.prepend}"
            told = f"{prepends}, which is all that others see"
            message = f"{told}: inbound traffic would not avoid a drained link"
            yield (DRAINED,), message, "Give drained more, 'communities' or 'graceful_shutdown: true'."


def _odd(of: RolesOf) -> Iterator[Finding]:
    primary, drained, withdrawn = (of.roles[name] for name in (PRIMARY, DRAINED, WITHDRAWN))
    if not drained.announce and of.steps == ("roles",):  # a class that says so itself means it
        message = "drained is not announced, so it is no last resort: inbound it is the same as withdrawn"
        hint = "Remove the line, and write 'when_down: withdrawn' if links that are down are to be gone."
        yield (DRAINED, "announce"), message, hint
    if primary.graceful_shutdown:
        message = "primary asks everybody to prefer other ways"
        yield (PRIMARY, "graceful_shutdown"), message, "Remove the line."
    if withdrawn.local_preference >= drained.local_preference:
        high, low = withdrawn.local_preference, drained.local_preference
        message = f"withdrawn's local preference {high} is not below drained's {low}"
        hint = "Outbound traffic would rather leave over what is withdrawn: write less."
        yield (WITHDRAWN, "local_preference"), message, hint
    for better, worse in ((PRIMARY, BACKUP), (BACKUP, DRAINED)):
        more = of.lists_more and of.roles[worse].announce and of.roles[worse].more_specifics
        if more and not of.roles[better].more_specifics:
            message = f"{worse} announces more-specifics and {better} does not, and the longest match wins"
            hint = f"Give {better} 'more_specifics: true' too, or take it from {worse}."
            yield (worse, "more_specifics"), message, hint


def _unheard(sources: Sources, of: RolesOf) -> Iterator[Finding]:
    """What is said of announcements where there are none."""
    for name, role in of.roles.items():
        for knob in () if role.announce else _HEARD:
            if getattr(role, knob) and sources.policy.given(*of.steps, name, knob):
                message = f"{name} announces nothing, so its {quoted(knob)} does nothing"
                yield (name, knob), message, "Remove the line."

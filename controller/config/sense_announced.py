"""More-specifics that nobody announces, and MED where nobody compares it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from controller.config.document import Steps
from controller.config.problems import Problem
from controller.config.sense_roles import roles_of
from controller.config.sources import Sources
from controller.core.model import BACKUP, DRAINED, PRIMARY, ROLE_NAMES, Policy


def sense_announced(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """Every finding about them."""
    yield from _more_specifics(sources, policy)
    yield from _med_alone(sources, policy)
    yield from _med_order(sources, policy)


def _more_specifics(sources: Sources, policy: Policy) -> Iterator[Problem]:
    for each in policy.classes.values():
        roles = [policy.role(each, name) for name in ROLE_NAMES]
        if each.more_specifics and not any(role.announce and role.more_specifics for role in roles):
            hint = "Add 'more_specifics: true' to roles.primary, or remove them."
            where: Steps = ("classes", each.name, "more_specifics")
            yield sources.policy.problem(where, "no role announces these", hint, key=True)
    for steps in _given(sources, policy, "more_specifics"):
        name = steps[1]
        classes = [policy.classes[str(name)]] if steps[0] == "classes" else list(policy.classes.values())
        if sources.policy.document.value(*steps) and not any(each.more_specifics for each in classes):
            whose = "this class" if steps[0] == "classes" else "any class"
            hint = "Add them to a class, or remove the line."
            yield sources.policy.problem(steps, f"there are no more-specifics of {whose}", hint)


def _med_alone(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """Said once: the same is true of every role."""
    links = Counter(policy.upstreams[link.upstream].asn for link in policy.links.values())
    upstreams = Counter(each.asn for each in policy.upstreams.values())
    alone = next(_given(sources, policy, "med"), None)
    steps = next(_given(sources, policy, "each_further", "med"), None)
    if alone is not None and max(links.values()) == 1:
        message = (
            "MED is compared only between links to one AS, and no AS has two links here: it does nothing"
        )
        yield sources.policy.problem(alone, message, "Use 'prepend' or 'communities', or remove it.")
    elif steps is not None and max(upstreams.values()) == 1:
        message = (
            "each place further back is another upstream, and upstreams in different ASes never compare MED"
        )
        yield sources.policy.problem(steps, message, "Use 'prepend' here, or remove it.")


def _med_order(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """The lowest wins, and none counts as 0."""
    for of in roles_of(policy):
        for better, worse in ((PRIMARY, BACKUP), (BACKUP, DRAINED)):
            low, high = of.roles[better].med or 0, of.roles[worse].med or 0
            if high < low and of.roles[worse].announce:
                message = f"{worse}'s MED {high} is below {better}'s {low}, and the lowest wins"
                yield sources.policy.problem((*of.steps, worse, "med"), message, f"Write {low} or more.")


def _given(sources: Sources, policy: Policy, *knob: str) -> Iterator[Steps]:
    """Where roles say something of a knob, everybody's first."""
    places: list[Steps] = [("roles",), *(("classes", name, "roles") for name in policy.classes)]
    for place in places:
        for role in ROLE_NAMES:
            if sources.policy.given(*place, role, *knob):
                yield (*place, role, *knob)

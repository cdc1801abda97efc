"""Capacities that do not suffice, and limits on dependence that cannot be kept, by expected loads."""

from __future__ import annotations

import math
from collections.abc import Iterator

from controller.config.problems import Problem, quoted
from controller.config.sources import Sources
from controller.core.explain import bit_rate, names
from controller.core.model import ControlState, Health, LinkMemory, Moment, Policy, Verdict
from controller.core.parts import parted
from controller.core.policy import decide
from controller.core.readiness import Failure, answer, failures
from controller.core.rules.capacity import bounded

MOST_FAILURES = 100  # thought through: of a larger network, `failover policy readiness` tells
LONG_S = 7 * 86400.0  # every link has been well for this long


def sense_capacity(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """Every finding about what fits where."""
    yield from _commits(sources, policy)
    yield from _split(sources, policy)
    if bounded(policy):
        yield from _crowded(sources, parted(policy))
        yield from _dependence(sources, parted(policy))


def _commits(sources: Sources, policy: Policy) -> Iterator[Problem]:
    for name, each in policy.upstreams.items():
        links = [link.capacity_bps for link in policy.links_of(name)]
        known = [bps for bps in links if bps is not None]
        capacity = each.capacity_bps or (math.fsum(known) if len(known) == len(links) else None)
        if each.cost and capacity is not None and each.cost.commit_bps > capacity:
            commit = bit_rate(each.cost.commit_bps)
            message = (
                f"the commit of {commit} is above the capacity of {bit_rate(capacity)}: it is never reached"
            )
            hint = "Look at both figures."
            yield sources.policy.problem(("upstreams", name, "cost", "commit"), message, hint)
        if (
            each.capacity_bps is not None
            and len(known) == len(links)
            and math.fsum(known) < each.capacity_bps
        ):
            message = (
                f"the links of {quoted(name)} carry {bit_rate(math.fsum(known))} together, which is less"
            )
            hint = "Remove this line, or look at 'capacity' of the links in hosts.yaml."
            yield sources.policy.problem(("upstreams", name, "capacity"), message, hint)


def _split(sources: Sources, policy: Policy) -> Iterator[Problem]:
    for name, each in policy.classes.items():
        if each.split and len(each.prefixes) == 1:
            message = f"class {quoted(name)} has one prefix, so there is nothing to split"
            hint = "Remove this line, or write the prefix as the parts that the routers announce."
            yield sources.policy.problem(("classes", name, "split"), message, hint)


def _crowded(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """What would not fit in calm, and after each single failure, as it would be decided."""
    links = {name: Health(name, Verdict.UP, -LONG_S, "") for name in policy.links}
    state = ControlState(links={name: LinkMemory(-LONG_S) for name in policy.links})
    calm = decide(policy, Moment(links, state, 0.0, {}))[0].assignment
    moment = Moment(links, state, 0.0, calm)
    always = answer(Failure("nothing", frozenset()), policy, moment).crowded
    for text in always:
        message = f"while all is well, {text}"
        yield sources.policy.problem(
            ("classes",), message, "Look at 'load', 'capacity' and 'prefer'.", key=True
        )
    for failure in failures(policy)[:MOST_FAILURES]:
        found = [text for text in answer(failure, policy, moment).crowded if text not in always]
        if found:
            message = f"were {failure.name} to fail, {names(found)}"
            hint = "Some of it would be lost: raise capacities, or say in 'importance' what must not be."
            yield sources.policy.problem(("classes",), message, hint, key=True)


def _dependence(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """Limits that no placement keeps, or that keep a class off what it prefers."""
    loads = {name: each.load_bps for name, each in policy.classes.items()}
    unknown = [name for name, bps in loads.items() if bps is None]
    total = math.fsum(bps for bps in loads.values() if bps is not None)
    for subject, most in policy.limits.dependence.items():
        steps = ("limits", "dependence", subject)
        if unknown:
            message = f"what {names(unknown)} {'carries' if len(unknown) == 1 else 'carry'} is not known"
            hint = (
                "Add 'load': until every class has one, or counters tell, no share of all traffic is known."
            )
            yield sources.policy.problem(steps, message, hint)
            continue
        members = policy.subject(subject)
        bound = [name for name, each in policy.classes.items() if set(each.upstreams) <= members]
        share = math.fsum(loads[name] or 0.0 for name in bound) / total
        large = [name for name, bps in loads.items() if (bps or 0.0) > most * total and name not in bound]
        torn = [name for name in large if members & set(policy.classes[name].upstreams)]
        if share > most:
            message = f"{names(bound)} can go nowhere else, and {share:.0%} of all traffic is theirs"
            hint = (
                f"Add an upstream to their 'prefer' that does not depend on {subject}, or raise this limit."
            )
            yield sources.policy.problem(steps, message, hint)
        for name in torn:
            share = (loads[name] or 0.0) / total
            message = f"class {quoted(name)} has {share:.0%} of all traffic and moves as one"
            hint = "It goes elsewhere while it can: add 'split: true' to it, or raise this limit."
            yield sources.policy.problem(steps, message, hint)

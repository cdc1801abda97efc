"""Preferences that nothing reaches, and classes that one failure takes down whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from controller.config.problems import Problem, quoted
from controller.config.sources import Sources
from controller.core.model import Family, Policy, TrafficClass, family_of


def sense_classes(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """Every finding about who may carry what."""
    yield from _unused(sources, policy)
    yield from _misspelt_risks(sources, policy)
    for each in policy.classes.values():
        yield from _backups(sources, policy, each)
        yield from _families(sources, policy, each)


def _unused(sources: Sources, policy: Policy) -> Iterator[Problem]:
    used = {name for each in policy.classes.values() for name in each.upstreams}
    for name in policy.upstreams:
        if name not in used:
            links = ", ".join(link.name for link in policy.links_of(name))
            message = f"no class prefers upstream {quoted(name)}, so nothing is ever carried over {links}"
            hint = "Add it to the 'prefer' of a class, or remove it and its links."
            yield sources.policy.problem(("upstreams", name), message, hint)


def _backups(sources: Sources, policy: Policy, each: TrafficClass) -> Iterator[Problem]:
    steps = ("classes", each.name)
    first, *others = each.prefer.upstreams
    risks = {name: policy.upstreams[name].risks for name in each.prefer.upstreams}
    common = frozenset.intersection(*risks.values())
    near = [name for name in others if risks[name] & risks[first]]
    if not others:
        message = f"class {quoted(each.name)} has one upstream, so nothing carries it while that is down"
        yield sources.policy.problem((*steps, "prefer"), message, "Add a second one.")
    elif common:
        shared = " and ".join(sorted(common))
        message = f"all upstreams of class {quoted(each.name)} share {shared}: one failure takes them all"
        hint = "Add one that does not share it."
        yield sources.policy.problem((*steps, "prefer"), message, hint)
    elif each.backups_disjoint and near == others:
        shared = " and ".join(sorted(frozenset.union(*(risks[name] for name in others)) & risks[first]))
        message = f"no backup is disjoint: each shares {shared} with {quoted(first)}, the first choice"
        hint = "Add an upstream to 'prefer' that shares nothing with it, or remove this line."
        yield sources.policy.problem((*steps, "backups_disjoint"), message, hint)


def _families(sources: Sources, policy: Policy, each: TrafficClass) -> Iterator[Problem]:
    """An upstream without a neighbor of a family is no choice for that family's prefixes."""
    for family in Family:
        if not any(family_of(network) is family for network in each.prefixes):
            continue
        word = "IPv4" if family is Family.IPV4 else "IPv6"
        able = [
            name for name in each.upstreams if any(family in link.neighbors for link in policy.links_of(name))
        ]
        for index, name in _places(sources, each):
            if name not in able:
                message = (
                    f"no link of {quoted(name)} has an {word} neighbor, so it never carries {word} prefixes"
                )
                if len(able) == 1:
                    message += f", and {able[0]} has no backup for them"
                hint = "Add the neighbor in hosts.yaml, or give those prefixes a class of their own."
                yield sources.policy.problem(("classes", each.name, "prefer", *index), message, hint)


def _places(sources: Sources, each: TrafficClass) -> Iterator[tuple[tuple[int, int], str]]:
    """The upstreams in a class's ``prefer``, with where they stand in it."""
    for index, tier in enumerate(sources.policy.draft.classes[each.name].prefer):
        yield from (((index, number), name) for number, name in enumerate(tier))


def _misspelt_risks(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """A risk that no other upstream names, but for a hyphen or two letters: then it is shared by nobody.

    Names that differ in a letter or number are left alone: cable-1 and cable-2 are two cables.
    """
    seen: set[str] = set()
    known = Counter(risk for each in policy.upstreams.values() for risk in each.shared_risk)
    for name, spec in sources.policy.draft.upstreams.items():
        for index, risk in enumerate(spec.shared_risk):
            alike = [other for other in known if other != risk and _letters(other) == _letters(risk)]
            if known[risk] == 1 and any(known[other] > 1 or other in seen for other in alike):
                message = f"no other upstream shares {quoted(risk)}"
                hint = f"Did you mean {alike[0]}?"
                yield sources.policy.problem(("upstreams", name, "shared_risk", index), message, hint)
            seen.add(risk)


def _letters(risk: str) -> list[str]:
    return sorted(risk.replace("-", ""))

"""Preferences that nothing reaches, and classes that one failure takes down whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from controller.config.policy_file import ClassSpec
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
    for name, spec in sources.policy.draft.classes.items():
        yield from _nothing_shared(sources, name, spec)
        yield from _required(sources, name, spec)


def _unused(sources: Sources, policy: Policy) -> Iterator[Problem]:
    used = {name for each in policy.classes.values() for name in each.upstreams}
    named = {name for spec in sources.policy.draft.classes.values() for tier in _tiers(spec) for name in tier}
    for name in policy.upstreams:
        if name in used:
            continue
        links = ", ".join(link.name for link in policy.links_of(name))
        if name in named:
            message = f"no class permits upstream {quoted(name)}, so nothing is ever carried over {links}"
            hint = "Look at 'require' of the classes that prefer it, or remove it and its links."
        else:
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
            if name in each.upstreams and name not in able:
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


def _nothing_shared(sources: Sources, name: str, spec: ClassSpec) -> Iterator[Problem]:
    if spec.share and all(len(tier) == 1 for tier in _tiers(spec)):
        message = f"class {quoted(name)} has no equals in 'prefer', so nothing is shared"
        example = ", ".join(upstream for tier in spec.prefer[:2] for upstream in tier)
        hint = f"Put equals in brackets, as in 'prefer: [[{example}], ...]', or remove this line."
        yield sources.policy.problem(("classes", name, "share"), message, hint)


def _required(sources: Sources, name: str, spec: ClassSpec) -> Iterator[Problem]:
    """Requirements that say nothing, and upstreams that do not say what is required of them."""
    require, steps = spec.require, ("classes", name, "require")
    if require is None:
        return
    asked = {
        "countries": ("country", require.countries),
        "not_countries": ("country", require.not_countries),
        "owners": ("owner", require.owners),
        "not_owners": ("owner", require.not_owners),
    }
    if require.loss is None and require.rtt is None and not any(names for _, names in asked.values()):
        message = f"this requires nothing of what carries class {quoted(name)}"
        yield sources.policy.problem(
            steps, message, "Add 'loss', 'rtt', 'countries' or the like, or remove it."
        )
    upstreams = sources.policy.draft.upstreams
    named = dict.fromkeys(upstream for tier in _tiers(spec) for upstream in tier)
    for key, (fact, names) in asked.items():
        silent = [upstream for upstream in named if getattr(upstreams[upstream], fact) is None]
        for upstream in silent if names else ():
            so = "may carry" if key.startswith("not_") else "never carries"
            message = f"upstream {quoted(upstream)} says no {fact}, so it {so} class {quoted(name)}"
            hint = f"Add '{fact}' to the upstream, or take it out of 'prefer'."
            yield sources.policy.problem((*steps, key), message, hint)


def _tiers(spec: ClassSpec) -> list[list[str]]:
    """Of every list of upstreams that the class has."""
    return [tier for prefer in (spec.prefer, *(each.prefer for each in spec.prefer_in)) for tier in prefer]


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

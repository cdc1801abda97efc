"""What must hold inside a policy, and between it and the links there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from controller.config.check_capacity import check_capacity
from controller.config.document import Steps
from controller.config.policy_file import ClassSpec
from controller.config.problems import Problem, quoted
from controller.config.sources import Sources
from controller.config.validate import did_you_mean
from controller.core.model import Family, family_of


def check_policy(sources: Sources) -> Iterator[Problem]:
    """Every such problem outside health, stability, roles and routes, which have files of their own."""
    yield from _upstreams(sources)
    yield from _prefer(sources)
    yield from _families(sources)
    yield from _user_path(sources)
    yield from check_capacity(sources)


def _upstreams(sources: Sources) -> Iterator[Problem]:
    policy, hosts = sources.policy, sources.hosts
    known = policy.document.names("upstreams")
    if known:
        for link in sources.links():
            if link.spec.upstream not in sources.upstream_names():
                message = f"policy.yaml has no upstream {quoted(link.spec.upstream)}"
                hint = did_you_mean(link.spec.upstream, known, f"It has: {', '.join(known)}.")
                yield hosts.problem((*link.steps, "upstream"), message, hint)
    for name, upstream in policy.draft.upstreams.items():
        if sources.links_are_known() and any(sources.links()) and not sources.links_of(name):
            hint = "Add one to a router in hosts.yaml, or remove the upstream."
            yield policy.problem(("upstreams", name), f"upstream {quoted(name)} has no link", hint)
        for link in sources.links_of(name):
            own = sources.asn_of(sources.hosts.draft.root[link.router])
            if own == upstream.asn:
                message = f"upstream {quoted(name)} has the AS number of our own router {quoted(link.router)}"
                yield policy.problem(("upstreams", name, "asn"), message, "Write the upstream's own.")
                break


def _prefer(sources: Sources) -> Iterator[Problem]:
    known = sources.policy.document.names("upstreams")
    for name, spec in sources.policy.draft.classes.items():
        lists: list[tuple[Steps, list[list[str]]]] = [(("classes", name, "prefer"), spec.prefer)]
        lists += [
            (("classes", name, "prefer_in", number, "prefer"), each.prefer)
            for number, each in enumerate(spec.prefer_in)
        ]
        for place, tiers in lists:
            yield from _tiers(sources, place, tiers, known)


def _tiers(
    sources: Sources, place: Steps, tiers: Sequence[Sequence[str]], known: Sequence[str]
) -> Iterator[Problem]:
    policy, seen = sources.policy, set[str]()
    for index, tier in enumerate(tiers):
        for number, upstream in enumerate(tier):
            steps = (*place, index, number)
            if known and upstream not in sources.upstream_names():
                hint = did_you_mean(upstream, known, f"Known here: {', '.join(known)}.")
                yield policy.problem(steps, f"there is no upstream {quoted(upstream)}", hint)
            elif upstream in seen:
                message = f"upstream {quoted(upstream)} stands in this list twice"
                yield policy.problem(steps, message, "Keep its best place.")
            seen.add(upstream)


def _families(sources: Sources) -> Iterator[Problem]:
    """A prefix needs a preferred link that speaks its family."""
    if not sources.links_are_known():
        return
    known = sources.policy.document.names("upstreams")
    for name, spec in sources.policy.draft.classes.items():
        carried = _carried(sources, spec)
        for index, network in enumerate(spec.prefixes):
            if carried and set(upstreams_of(spec)) <= set(known) and family_of(network) not in carried:
                message = (
                    f"no link of the preferred upstreams has an IPv{network.version} neighbor for {network}"
                )
                hint = "Add the neighbor in hosts.yaml, or remove the prefix."
                yield sources.policy.problem(("classes", name, "prefixes", index), message, hint)


def _carried(sources: Sources, spec: ClassSpec) -> set[Family]:
    return {
        family
        for upstream in upstreams_of(spec)
        for link in sources.links_of(upstream)
        for family in link.spec.neighbors.by_family()
    }


def upstreams_of(spec: ClassSpec) -> tuple[str, ...]:
    """The upstreams of a class's ``prefer``, best first."""
    return tuple(dict.fromkeys(upstream for tier in spec.prefer for upstream in tier))


def _user_path(sources: Sources) -> Iterator[Problem]:
    """Probing as users do means probing from where users are."""
    policy = sources.policy
    if not policy.intact("classes"):
        return
    own = [network for spec in policy.draft.classes.values() for network in spec.prefixes]
    for family, address in policy.draft.user_path.by_family().items():
        if own and not any(address in network for network in own):
            hint = "Write an address of the controller's host from an own prefix."
            yield policy.problem(("user_path", family.value), f"{address} is in no class's prefixes", hint)

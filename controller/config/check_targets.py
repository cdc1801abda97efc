"""What must hold of the targets together: enough of them, apart from each other, probed often enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

from controller.config.convert_targets import to_targets
from controller.config.document import Steps
from controller.config.health import to_health
from controller.config.health_file import HealthSpec
from controller.config.problems import Problem
from controller.config.sources import Sources
from controller.core.explain import written
from controller.core.judgement import quorum
from controller.core.model import Address, Endpoint, Family, Target, family_of

QUORUM_OF = 3  # two of three still agree when one target dies; two targets cannot say which is right
_STEPS = ("health", "targets")
_WORD = {Family.IPV4: "IPv4", Family.IPV6: "IPv6"}


def check_targets(sources: Sources) -> Iterator[Problem]:
    """Every such problem."""
    policy = sources.policy
    health = policy.draft.health
    if health is None:
        return
    found = dict.fromkeys(target for _, target in to_targets(health.targets))
    yield from _each(sources, health)
    yield from _anchors(sources, health, [_address(target) for target in found])
    if not policy.intact(*_STEPS):
        return
    used = {family for link in sources.links() for family in link.spec.neighbors.by_family()}
    for family in Family:
        if family in used:
            ours = [target for target in found if family_of(target) is family]
            yield from _together(sources, health, family, ours)


def _each(sources: Sources, health: HealthSpec) -> Iterator[Problem]:
    policy = sources.policy
    own = [network for spec in policy.draft.classes.values() for network in spec.prefixes]
    seen: set[Target] = set()
    for place, target in to_targets(health.targets):
        steps: Steps = (*_STEPS, *place)
        if target in seen and policy.intact(*steps[:-1]):  # a broken one may only look like another
            yield policy.problem(steps, f"target {target} stands in this list twice", "Keep one.")
        elif any(_address(target) in network for network in own):
            hint = "Choose a host far beyond the upstreams."
            yield policy.problem(steps, f"target {target} is in an own prefix", hint)
        seen.add(target)
        timeout_s = target.timeout_s if isinstance(target, Endpoint) else None
        if timeout_s is not None and timeout_s <= 0:
            message = "no answer could arrive in time"
            yield policy.problem((*steps, "timeout"), message, "Write 1s or the like.")


def _anchors(sources: Sources, health: HealthSpec, targets: Collection[Address]) -> Iterator[Problem]:
    """A host cannot be near and far at once."""
    hint = "Anchors are near: routers of your own, the controller's gateway. Remove it here."
    seen: set[Address] = set()
    for index, anchor in enumerate(health.anchors):
        steps: Steps = ("health", "anchors", index)
        if anchor in targets:
            yield sources.policy.problem(steps, f"anchor {anchor} is a target as well", hint)
        elif anchor in seen:
            yield sources.policy.problem(steps, f"anchor {anchor} stands in this list twice", "Keep one.")
        seen.add(anchor)


def _together(
    sources: Sources, health: HealthSpec, family: Family, targets: list[Target]
) -> Iterator[Problem]:
    policy, word, count = sources.policy, _WORD[family], len(targets)
    if count < QUORUM_OF:
        message = f"links use {word} and {count} of the targets are {word}: too few to agree on anything"
        hint = f"Write {QUORUM_OF} or more, in different networks, so that one dead target misleads nobody."
        yield policy.problem(_STEPS, message, hint)
        return
    pinged = sum(not isinstance(target, Endpoint) for target in targets)
    by_router = [
        link.name
        for link in sources.links()
        if link.spec.probe == "router" and family in link.spec.neighbors.by_family()
    ]
    if by_router and pinged < QUORUM_OF:
        message = f"{by_router[0]} is pinged by its router, and {pinged} of the {word} targets are for pings"
        hint = f"Write {QUORUM_OF} or more under icmp: routers can do no more than ping."
        yield policy.problem(_STEPS, message, hint)
    needed = quorum(count)
    spare = count - needed
    address, most = Counter(_address(target) for target in targets).most_common(1)[0]
    if most > spare:
        message = f"{most} of the {count} {word} targets are {address}, whose death would pass for the link's"
        hint = f"Leave {spare} there at most, or add targets elsewhere."
        yield policy.problem(_STEPS, message, hint)
    whole = to_health(health)
    enough_s = 2 * sorted(map(whole.interval_of, targets))[needed - 1]
    if enough_s > whole.ride_out_s >= 2 * whole.interval_s:
        quick = sum(2 * whole.interval_of(target) <= whole.ride_out_s for target in targets)
        message = (
            f"{needed} {word} targets must agree within 'ride_out', and {quick} are probed often enough: "
            "at least twice in it"
        )
        hint = f"Add targets without an interval of their own, or make 'ride_out' {written(enough_s)}."
        yield policy.problem(_STEPS, message, hint)


def _address(target: Target) -> Address:
    return target.address if isinstance(target, Endpoint) else target

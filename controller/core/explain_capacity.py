"""What a policy says of capacity, dependence and cost, in plain sentences."""

from __future__ import annotations

from collections.abc import Iterator

from controller.core.explain import bit_rate
from controller.core.model import Policy
from controller.core.rules.capacity import bounded, order, usable_bps


def capacity_told(policy: Policy) -> list[str]:
    """One sentence a line; none where the policy says nothing of it."""
    told = (*_parts(policy), *(_limits(policy) if bounded(policy) else ()))
    return [f"{sentence}." for sentence in told]


def _parts(policy: Policy) -> Iterator[str]:
    wholes = dict.fromkeys(each.part_of for each in policy.classes.values() if each.part_of)
    for whole in wholes:
        parts = [each for each in policy.classes.values() if each.part_of == whole]
        listed = ", ".join(f"{each.name} ({each.prefixes[0]})" for each in parts)
        outward = f"; outbound, {parts[0].name} steers for all of it"
        yield f"{whole} is split into {listed}: each moves by itself, and orders name each{outward}"


def _limits(policy: Policy) -> Iterator[str]:
    classes = policy.classes
    headroom = policy.limits.headroom
    told = []
    for name in policy.upstreams:
        bps = usable_bps(policy, name, [link.name for link in policy.links_of(name)])
        told.append(f"{name} {'as much as goes there' if bps is None else bit_rate(bps)}")
    yield f"Filled by choice, {headroom:.0%} being left free: {', '.join(told)}"
    loads = []
    for name in order(classes):
        bps = classes[name].load_bps
        loads.append(f"{name} ({'load not said' if bps is None else bit_rate(bps)})")
    yield f"Room is given in this order, and made in the opposite one: {', '.join(loads)}"
    for subject, share in policy.limits.dependence.items():
        members = ", ".join(sorted(policy.subject(subject)))
        most = f"No more than {share:.0%} of all traffic is put on {subject}"
        yield f"{most} ({members}) while it can go elsewhere"
    for name, each in policy.upstreams.items():
        if each.cost is not None:
            free = (
                f"{bit_rate(each.cost.commit_bps)} are paid for in any case, then "
                if each.cost.commit_bps
                else ""
            )
            yield f"{name}: {free}{each.cost.per_mbps:g} for each Mbit/s of the month's 95th percentile"
    if any(each.cost is not None for each in policy.upstreams.values()):
        avoids = policy.limits.avoid_over_commit
        yield (
            "Commits that are reached are avoided, but for a dead path"
            if avoids
            else "Cost decides between equals only"
        )

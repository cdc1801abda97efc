"""Classes that are too large to move as one: each becomes a class for each own prefix."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from controller.core.model import Network, Policy, TrafficClass


def parted(policy: Policy) -> Policy:
    """The policy with every class that is to be split in parts, where the whole stood."""
    if not any(each.split for each in policy.classes.values()):
        return policy
    found = [part for each in policy.classes.values() for part in _parts(each)]
    return replace(policy, classes={each.name: each for each in found})


def part_names(name: str, prefixes: int) -> tuple[str, ...]:
    """What the parts of a class with so many prefixes are called; one prefix cannot be split."""
    return tuple(f"{name}-{number}" for number in range(1, prefixes + 1)) if prefixes > 1 else ()


def _parts(whole: TrafficClass) -> Iterator[TrafficClass]:
    """All that is said of the whole holds for each part, but for the load, which they share evenly.

    Of parts with destinations the first steers outbound traffic: routers take the first list that matches.
    """
    names = part_names(whole.name, len(whole.prefixes)) if whole.split else ()
    if not names:
        yield whole
    load = None if whole.load_bps is None or not names else whole.load_bps / len(names)
    for name, prefix in zip(names, whole.prefixes, strict=False):
        inside = tuple(each for each in whole.more_specifics if _inside(each, prefix))
        yield replace(
            whole,
            name=name,
            prefixes=(prefix,),
            more_specifics=inside,
            load_bps=load,
            split=False,
            part_of=whole.name,
        )


def _inside(one: Network, other: Network) -> bool:
    return one.version == other.version and one.prefixlen >= other.prefixlen and one.overlaps(other)

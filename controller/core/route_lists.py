"""Lists of routes that role policies match: what a class announces, and what it steers outbound."""

from __future__ import annotations

from collections.abc import Iterator

from controller.core import names
from controller.core.communities import is_large
from controller.core.model import AsPathList, CommunityList, Policy, PrefixList, RouteList, TrafficClass


def route_lists(policy: Policy) -> Iterator[RouteList]:
    """Every list that a router with links carries."""
    for each in policy.classes.values():
        yield from announced(each)
        yield from destinations(each)


def own_prefixes(traffic_class: TrafficClass) -> PrefixList:
    """The list of a class's own prefixes."""
    return PrefixList(names.list_name(traffic_class.name), tuple(dict.fromkeys(traffic_class.prefixes)))


def more_specifics(traffic_class: TrafficClass) -> PrefixList:
    """The list of a class's more-specifics; empty where it names none."""
    found = tuple(dict.fromkeys(traffic_class.more_specifics))
    return PrefixList(names.more_specifics_name(traffic_class.name), found)


def announced(traffic_class: TrafficClass) -> tuple[PrefixList, ...]:
    """The lists of all that the class's links may ever announce."""
    more = more_specifics(traffic_class)
    return (own_prefixes(traffic_class), *([more] if more.prefixes else []))


def destinations(traffic_class: TrafficClass) -> tuple[RouteList, ...]:
    """What the class steers outbound, in the order in which it is matched: a route in any list is its own."""
    name = traffic_class.name
    found: list[RouteList] = []
    if prefixes := tuple(dict.fromkeys(traffic_class.destinations)):
        found.append(PrefixList(names.destinations_name(name), prefixes, orlonger=True))
    if origins := tuple(dict.fromkeys(traffic_class.destination_as)):
        found.append(AsPathList(names.origins_name(name), origins))
    if carried := tuple(dict.fromkeys(traffic_class.destination_communities)):
        if small := tuple(each for each in carried if not is_large(each)):
            found.append(CommunityList(names.communities_name(name), small, "community"))
        if large := tuple(each for each in carried if is_large(each)):
            found.append(CommunityList(names.large_communities_name(name), large, "large-community"))
    return tuple(found)

"""Prefixes that overlap, that nobody hears, or that are not ours; targets and probe sources among them."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv6Network, ip_network
from itertools import combinations, permutations

from controller.config.convert_targets import to_targets
from controller.config.problems import Problem, quoted
from controller.config.sources import Sources
from controller.core.model import Address, Endpoint, Family, Network, Policy, Target, family_of

LONGEST = {4: 24, 6: 48}  # what most networks accept from each other
ROUTED = IPv6Network("2000::/3")  # all of IPv6 that is given out (RFC 4291)
# Never routed between networks. Those for documentation are: the sample and the lab live in them.
BOGONS = {
    ip_network(network): why
    for network, why in (
        ("0.0.0.0/8", "this network (RFC 791)"),
        ("10.0.0.0/8", "private (RFC 1918)"),
        ("100.64.0.0/10", "for carriers' own NAT (RFC 6598)"),
        ("127.0.0.0/8", "loopback (RFC 1122)"),
        ("169.254.0.0/16", "link-local (RFC 3927)"),
        ("172.16.0.0/12", "private (RFC 1918)"),
        ("192.0.0.0/24", "for protocols (RFC 6890)"),
        ("192.88.99.0/24", "for 6to4 relays (RFC 7526)"),
        ("192.168.0.0/16", "private (RFC 1918)"),
        ("198.18.0.0/15", "for benchmarks (RFC 2544)"),
        ("224.0.0.0/4", "multicast (RFC 5771)"),
        ("240.0.0.0/4", "reserved (RFC 1112)"),
        ("2001::/32", "Teredo (RFC 4380)"),
        ("2001:10::/28", "ORCHID (RFC 4843)"),
        ("2001:20::/28", "ORCHIDv2 (RFC 7343)"),
        ("2002::/16", "6to4 (RFC 3056)"),
        ("3ffe::/16", "the 6bone (RFC 3701)"),
    )
}


def sense_prefixes(sources: Sources, policy: Policy) -> Iterator[Problem]:
    """Every finding about prefixes and addresses."""
    for name, each in policy.classes.items():
        for index, network in enumerate(each.prefixes):
            found = _heard(network)
            if found is not None:
                yield sources.policy.problem(("classes", name, "prefixes", index), *found)
        for index, network in enumerate(each.more_specifics):
            if network.prefixlen > LONGEST[network.version]:
                message = f"{network} is longer than /{LONGEST[network.version]}, so most networks filter it"
                steps = ("classes", name, "more_specifics", index)
                hint = "Keep it only for upstreams that agreed to take it."
                yield sources.policy.problem(steps, message, hint)
        for (one, small), (_, large) in permutations(enumerate(each.prefixes), 2):
            if small != large and _inside(small, large):
                message = f"{small} lies in {large} of the same class"
                hint = "Keep both only if the routers announce both: prefixes are matched exactly."
                yield sources.policy.problem(("classes", name, "prefixes", one), message, hint)
    yield from _destinations(sources, policy)
    yield from _targets(sources, policy)
    yield from _probe_sources(sources, policy)


def _heard(network: Network) -> tuple[str, str] | None:
    """Why others would not take this prefix, and what to do."""
    for bogon, why in BOGONS.items():
        if bogon.version == network.version and network.overlaps(bogon):
            message = f"{network} overlaps {bogon}, which no upstream takes: {why}"
            return message, "Write prefixes of your own."
    if isinstance(network, IPv6Network) and not network.subnet_of(ROUTED):
        return f"{network} is outside {ROUTED}, so no upstream takes it", "Write prefixes of your own."
    longest = LONGEST[network.version]
    if network.prefixlen > longest:
        whole = network.supernet(new_prefix=longest)
        return f"{network} is longer than /{longest}, so most networks filter it", f"Announce {whole}."
    return None


def _destinations(sources: Sources, policy: Policy) -> Iterator[Problem]:
    own = [network for each in policy.classes.values() for network in each.prefixes]
    for name, each in policy.classes.items():
        for index, network in enumerate(each.destinations):
            mine = next((one for one in own if _inside(network, one)), None)
            if mine is not None:
                message = f"destination {network} is in own prefix {mine}, and no traffic leaves for that"
                yield sources.policy.problem(("classes", name, "destinations", index), message, "Remove it.")
        for index, origin in enumerate(each.destination_as):
            if origin in {router.asn for router in policy.routers.values()}:
                message = f"AS {origin} is our own, and no traffic leaves for that"
                yield sources.policy.problem(
                    ("classes", name, "destination_as", index), message, "Remove it."
                )
    for upper, lower in combinations(policy.classes.values(), 2):
        for index, network in enumerate(lower.destinations):
            wider = next((one for one in upper.destinations if _inside(network, one)), None)
            if wider is not None:
                message = f"{network} lies in {wider} of class {quoted(upper.name)}, whose say comes first"
                hint = f"Move class {quoted(lower.name)} above it, or remove this destination."
                yield sources.policy.problem(("classes", lower.name, "destinations", index), message, hint)


def _targets(sources: Sources, policy: Policy) -> Iterator[Problem]:
    health = sources.policy.draft.health
    ends = {address: link.name for link in policy.links.values() for address in link.neighbors.values()}
    for steps, target in () if health is None else to_targets(health.targets):
        link = ends.get(_address(target))
        if link is not None:
            message = f"target {target} is the other end of {link}, so it tells of the first hop only"
            hint = "Choose a host far beyond the upstreams."
            yield sources.policy.problem(("health", "targets", *steps), message, hint)
    for family in Family:
        addresses = {_address(target) for target in policy.health.targets if family_of(target) is family}
        networks = {ip_network((one, LONGEST[one.version]), strict=False) for one in addresses}
        if len(addresses) > 1 and len(networks) == 1:
            word = "IPv4" if family is Family.IPV4 else "IPv6"
            message = f"all {word} targets are in {networks.pop()}, whose death would pass for every link's"
            yield sources.policy.problem(("health", "targets"), message, "Add targets in other networks.")


def _probe_sources(sources: Sources, policy: Policy) -> Iterator[Problem]:
    own = [network for each in policy.classes.values() for network in each.prefixes]
    for link in policy.links.values():
        for family, address in link.probe_source.items():
            mine = next((network for network in own if address in network), None)
            if mine is not None:
                message = f"probe source {address} is in own prefix {mine}, so replies may come over any link"
                steps = (link.router, "data", "links", link.name, "probe_source", family.value)
                hint = "Use an address from the upstream's own space."
                yield sources.hosts.problem(steps, message, hint)


def _inside(one: Network, other: Network) -> bool:
    return one.version == other.version and one.prefixlen >= other.prefixlen and one.overlaps(other)


def _address(target: Target) -> Address:
    return target.address if isinstance(target, Endpoint) else target

"""What must hold between the facts about routers: groups, platforms, links and their addresses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from controller.config.document import Steps
from controller.config.inventory_files import HostData, SharedParts
from controller.config.problems import Problem, quoted
from controller.config.sources import FoundLink, Sources
from controller.config.validate import check, did_you_mean
from controller.core.model import ANCHORS, USER_PATH, Address, Family

TAKEN = {USER_PATH: "users' own path", ANCHORS: "the way to near hosts"}


def check_inventory(sources: Sources) -> Iterator[Problem]:
    """Every such problem."""
    yield from _groups(sources)
    yield from _shared(sources)
    yield from _routers(sources)
    yield from _own_data(sources)
    yield from _names(sources)
    yield from _neighbors(sources)
    yield from _probe_sources(sources)


def _groups(sources: Sources) -> Iterator[Problem]:
    """Nornir stops at a group that is not there."""
    known = sources.groups.document.names()
    if not sources.groups.intact():
        return
    for where, members in (
        (sources.hosts, sources.hosts.draft.root.items()),
        (sources.groups, sources.groups.draft.root.items()),
    ):
        for name, member in members:
            yield from _unknown_groups(where.problem, known, name, member.groups)
    for name in sources.groups.draft.root:
        if name in _ancestors(sources, name):
            hint = "Remove one of the groups from the other's list."
            yield sources.groups.problem((name,), f"group {quoted(name)} is in itself", hint)


def _unknown_groups(
    problem: Callable[[Steps, str, str], Problem], known: Sequence[str], name: str, groups: Sequence[str]
) -> Iterator[Problem]:
    for index, group in enumerate(groups):
        if group not in known:
            hint = did_you_mean(
                group, known, f"Add it to groups.yaml, which has: {', '.join(known) or 'none'}."
            )
            yield problem((name, "groups", index), f"there is no group {quoted(group)}", hint)


def _shared(sources: Sources) -> Iterator[Problem]:
    """What aliases repeat is read by Nornir too, which stops at what it cannot take for a host or group."""
    known = sources.groups.document.names()
    for document in (sources.hosts.document, sources.groups.document):
        aside = replace(document, data=document.shared, problems=())
        found = check(aside, SharedParts, SharedParts)
        yield from found.problems
        if sources.groups.intact():
            for name, part in found.draft.root.items():
                yield from _unknown_groups(found.problem, known, name, part.groups)


def _ancestors(sources: Sources, name: str) -> set[str]:
    groups = sources.groups.draft.root
    found: set[str] = set()
    waiting = list(groups[name].groups)
    while waiting:
        one = waiting.pop()
        if one not in found and one in groups:
            found.add(one)
            waiting += groups[one].groups
    return found


def _routers(sources: Sources) -> Iterator[Problem]:
    shared_intact = sources.groups.intact() and sources.defaults.intact()
    boxes: dict[tuple[str, int | None], str] = {}
    for name, host in sources.managed():
        if host.hostname is None:
            if sources.hosts.intact(name, "hostname"):
                hint = "Add 'hostname: 198.18.0.1' or the like: the address the controller connects to."
                yield sources.hosts.problem((name,), f"router {quoted(name)} has no hostname", hint)
        elif (other := boxes.setdefault((host.hostname, host.port), name)) != name:
            message = f"routers {quoted(other)} and {quoted(name)} have the same address"
            yield sources.hosts.problem((name, "hostname"), message, "Give each router its own.")
        platform, asn = sources.platform_of(host), sources.asn_of(host)
        if platform is None:
            if (
                shared_intact
                and sources.hosts.intact(name, "platform")
                and sources.hosts.intact(name, "groups")
            ):
                hint = f"Set it here or in a group of its: {', '.join(sources.platforms)}."
                yield sources.hosts.problem((name,), f"router {quoted(name)} has no platform", hint)
        elif platform not in sources.platforms:
            yield _unknown_platform(sources, name, platform)
        if asn is None and shared_intact and sources.hosts.intact(name, "data", "asn"):
            hint = "Add 'asn: 64500' or the like below data."
            yield sources.hosts.problem((name, "data"), f"router {quoted(name)} has no AS number", hint)


def _unknown_platform(sources: Sources, name: str, platform: str) -> Problem:
    """Where it was said: on the host, in the first group that says so, or in the defaults."""
    message = f"there is no platform {quoted(platform)}"
    hint = did_you_mean(platform, sources.platforms, f"Known here: {', '.join(sources.platforms)}.")
    if sources.hosts.draft.root[name].platform is not None:
        return sources.hosts.problem((name, "platform"), message, hint)
    for group, spec in sources.groups.draft.root.items():
        if spec.platform == platform:
            return sources.groups.problem((group, "platform"), message, hint)
    return sources.defaults.problem(("platform",), message, hint)


def _own_data(sources: Sources) -> Iterator[Problem]:
    """Other data is the operator's own, but a near miss of our keys is a slip of the pen."""
    known = [key for key in HostData.model_fields if key != "data"]
    for name, host in sources.hosts.draft.root.items():
        for key in host.data.model_extra or {}:
            missing = [k for k in known if k not in host.data.model_fields_set]
            hint = did_you_mean(key, missing, "")
            if hint:
                yield sources.hosts.problem((name, "data", key), f"unknown key {quoted(key)}", hint, key=True)
    for name, group in sources.groups.draft.root.items():
        if "links" in (group.data.model_extra or {}):
            hint = "Move them to the hosts they are on, in hosts.yaml."
            yield sources.groups.problem(
                (name, "data", "links"), "links belong to one router", hint, key=True
            )
    if sources.hosts.intact() and not any(True for _ in sources.links()):
        hint = "Add 'links:' below the data of each edge router; see the README beside it."
        yield sources.hosts.problem((), "no router has links", hint)


def _names(sources: Sources) -> Iterator[Problem]:
    upstreams = sources.policy.document.names("upstreams")
    where: dict[str, FoundLink] = {}
    for link in sources.links():
        other = where.setdefault(link.name, link)
        if other is not link:
            message = f"link {quoted(link.name)} is on {other.router} as well"
            hint = f"Name each link once, like {link.router}-{link.spec.upstream}."
            yield sources.hosts.problem(link.steps, message, hint)
        if link.name in TAKEN:
            message = f"{quoted(link.name)} is taken: {TAKEN[link.name]}"
            yield sources.hosts.problem(link.steps, message, "Choose another.")
        alone = link.spec.upstream == link.name and len(sources.links_of(link.name)) == 1
        if link.name in upstreams and not alone:
            message = f"link {quoted(link.name)} has the name of an upstream"
            hint = f"Name it {link.router}-{link.spec.upstream}, so that commands can tell them apart."
            yield sources.hosts.problem(link.steps, message, hint)


def _neighbors(sources: Sources) -> Iterator[Problem]:
    taken: dict[tuple[str, Address], FoundLink] = {}
    for link in sources.links():
        if not link.spec.neighbors.by_family() and sources.hosts.intact(*link.steps, "neighbors"):
            hint = "Add ipv4, ipv6 or both."
            yield sources.hosts.problem((*link.steps, "neighbors"), "no neighbor is given", hint)
        for family, address in link.spec.neighbors.by_family().items():
            other = taken.setdefault((link.router, address), link)
            if other is not link:
                message = f"neighbor {address} is that of link {quoted(other.name)} as well"
                yield sources.hosts.problem(
                    (*link.steps, "neighbors", family.value), message, "Give each link its own neighbor."
                )


def _probe_sources(sources: Sources) -> Iterator[Problem]:
    """Replies to a probe must come back over its link, so no two links can share a source."""
    taken: dict[Address, FoundLink] = {}
    user_path = {address: family for family, address in sources.policy.draft.user_path.by_family().items()}
    for link in sources.links():
        neighbors, probes = link.spec.neighbors.by_family(), link.spec.probe_source.by_family()
        for family in neighbors.keys() - probes.keys():
            if link.spec.probe_device is None and link.spec.probe is None:
                word = _word(family)
                message = f"link {quoted(link.name)} has an {word} neighbor but no {word} probe source"
                hint = (
                    f"Add 'probe_source: {{{family}: ...}}', an address from the upstream's own space, "
                    "or 'probe: router'."
                )
                yield sources.hosts.problem(link.steps, message, hint)
        if link.spec.probe is not None and link.spec.probe_device is not None:
            message = "the router pings, so no interface of the controller's host is used"
            hint = "Remove 'probe_device' or 'probe'."
            yield sources.hosts.problem((*link.steps, "probe_device"), message, hint)
        for family, address in probes.items():
            steps = (*link.steps, "probe_source", family.value)
            other = taken.setdefault(address, link)
            if other is not link:
                message = f"probe source {address} is that of link {quoted(other.name)} as well"
                yield sources.hosts.problem(
                    steps, message, "Replies could not be told apart: give each its own."
                )
            if neighbors and family not in neighbors:
                message = f"link {quoted(link.name)} has an {_word(family)} probe source but no such neighbor"
                yield sources.hosts.problem(steps, message, "Add the neighbor, or remove the probe source.")
            if address in user_path:
                message = f"probe source {address} is the user path's address in policy.yaml as well"
                yield sources.hosts.problem(steps, message, "Use an address from the upstream's own space.")


def _word(family: Family) -> str:
    return "IPv4" if family is Family.IPV4 else "IPv6"

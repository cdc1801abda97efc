"""The diff guard: says whether lines may be changed on a router.

Reads the changed lines of an FRR configuration and trusts nothing: neither the templates, which operators
edit, nor the code that merged their output into what the router runs. What it lets pass can only

- change lists and route-maps that the controller owns by name, and only so that an outward policy permits
  nothing but own prefixes: every permit entry of one must match a list of own prefixes, or of more-specifics
  where the role announces them, and such a list may hold no other prefix;
- let lists of destinations match what the policy lists there, and import policies match those lists;
- exchange a neighbor's policy for another of the same link and direction, never leave it without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address

from controller.core import names
from controller.core.guard_lists import entry_objections, list_line, match_objections
from controller.core.model import ROLE_NAMES, Change, Direction, Family, Link, Policy, RouteList, TrafficClass
from controller.core.route_lists import announced, more_specifics, route_lists

Key = tuple[Family, str, Direction]  # a neighbor's address as text, and where its policy is attached


@dataclass(frozen=True, slots=True)
class Ownership:
    """What the controller may touch on one router."""

    router: str
    asn: int
    links: tuple[Link, ...]  # of this router; they name the neighbors, and the operator's base policies
    lists: Mapping[str, RouteList]  # owned lists by name: all that each may permit
    outward: frozenset[str]  # those of them that hold own prefixes, and so may open the way out
    classes: tuple[str, ...]  # in the order of the policy
    narrow: Mapping[str, tuple[str, frozenset[str]]]  # outward lists for some roles only: class, and which

    def link_at(self, family: Family, neighbor: str) -> Link | None:
        """The link whose neighbor has this address."""
        address = _address(neighbor)
        return next(
            (link for link in self.links if address and link.neighbors.get(family) == address),
            None,
        )


def ownership(policy: Policy, router: str) -> Ownership:
    """What ``policy`` lets the controller touch on ``router``."""
    return Ownership(
        router=router,
        asn=policy.routers[router].asn,
        links=tuple(link for link in policy.links.values() if link.router == router),
        lists={each.name: each for each in route_lists(policy)},
        outward=frozenset(listed.name for each in policy.classes.values() for listed in announced(each)),
        classes=tuple(policy.classes),
        narrow={
            more_specifics(each).name: (each.name, _announcing_more(policy, each))
            for each in policy.classes.values()
            if each.more_specifics
        },
    )


def _announcing_more(policy: Policy, traffic_class: TrafficClass) -> frozenset[str]:
    """Roles in which a link announces the class's more-specifics."""
    roles = {name: policy.role(traffic_class, name) for name in ROLE_NAMES}
    return frozenset(name for name, role in roles.items() if role.announce and role.more_specifics)


def base_of(link: Link, direction: Direction) -> str | None:
    """The operator's own policy for the link in one direction, as the inventory names it."""
    return link.base_policy_in if direction is Direction.IN else link.base_policy_out


# --- what lines are -----------------------------------------------------------------------------

ROUTE_MAP = re.compile(r"route-map (\S+) (permit|deny) (\d+)")
ATTACHMENT = re.compile(r"neighbor (\S+) route-map (\S+) (in|out)")
_BODY = re.compile(r"(match|set|call|on-match|description) .+")
_MATCH_LIST = re.compile(r"match (?:ip|ipv6) address prefix-list (\S+)")
_FAMILY = {f"address-family {family} unicast": family for family in Family}


def owned_object(context: Sequence[str], line: str) -> str | None:
    """The kind and name of the object that a line belongs to: "route-map FO-A"; None for any other line."""
    head = context[0] if len(context) == 1 else line
    if names.PREFIX not in head:
        return None  # nearly every line: not worth a pattern
    if len(context) > 1 or (context and not ROUTE_MAP.fullmatch(head)):
        return None
    if found := ROUTE_MAP.fullmatch(head):
        return f"route-map {found[1]}" if names.is_owned(found[1]) else None
    listed = list_line(head)
    return listed.key if listed and names.is_owned(listed.name) else None


def attached_at(change: Change, asn: int) -> tuple[Key, str] | None:
    """Where a line attaches a policy, and which; None for any other line."""
    if len(change.context) != 2 or change.context[0] != f"router bgp {asn}":
        return None
    family, found = _FAMILY.get(change.context[1]), ATTACHMENT.fullmatch(change.line)
    if not family or not found:
        return None
    return (family, str(_address(found[1]) or found[1]), Direction(found[3])), found[2]


def _address(text: str) -> object:
    try:
        return ip_address(text)
    except ValueError:
        return None  # a peer-group or an interface


# --- the review ---------------------------------------------------------------------------------


def review(changes: Sequence[Change], ownership: Ownership) -> tuple[str, ...]:
    """Every objection to these changes, in their order; none means that they may be applied.

    Each names the router and the line, and says why; where a person has to act, what to do.
    """
    added = {at[0] for each in changes if each.added and (at := attached_at(each, ownership.asn))}
    found: list[str] = []
    for change in changes:
        at = attached_at(change, ownership.asn)
        if at:
            objections = _attachment(change, *at, ownership, added)
        elif owned_object(change.context, change.line):
            objections = _owned_line(change, ownership)
        elif _opens_family(change, ownership):
            continue
        else:
            objections = iter((f"{_shown(change)}: the controller does not own this line",))
        found += objections
    found += _twice(changes, ownership.asn)
    found += _unmatched_entries(changes, ownership)
    return tuple(f"{ownership.router}: {text}" for text in dict.fromkeys(found))


def _shown(change: Change) -> str:
    line = " / ".join((*change.context, change.line))
    return f"{'+' if change.added else '-'} {line!r}"


def _opens_family(change: Change, ownership: Ownership) -> bool:
    """An address family without other settings is shown only once something is attached in it."""
    return change.added and change.context == (f"router bgp {ownership.asn}",) and change.line in _FAMILY


def _twice(changes: Sequence[Change], asn: int) -> Iterator[str]:
    seen: set[Key] = set()
    for change in changes:
        at = attached_at(change, asn) if change.added else None
        if at and at[0] in seen:
            yield f"{_shown(change)}: this neighbor gets two policies in one direction"
        if at:
            seen.add(at[0])


def _attachment(change: Change, key: Key, name: str, ownership: Ownership, added: set[Key]) -> Iterator[str]:
    family, neighbor, direction = key
    link = ownership.link_at(family, neighbor)
    if link is None:
        yield f"{_shown(change)}: {neighbor} is no neighbor of any link in the inventory"
    elif change.added:
        if not names.belongs_to(name, link.name, direction):
            yield f"{_shown(change)}: {name} is no policy of link {link.name} for direction {direction}"
    elif not names.is_owned(name) and name != base_of(link, direction):
        known = base_of(link, direction) or "none"
        yield (
            f"neighbor {neighbor} (link {link.name}) uses route-map {name} {direction} for {family}, but the "
            f"inventory names {known} as its base policy: write base_policy: {{{direction}: {name}}} for "
            f"{link.name} in hosts.yaml, so that role policies call it"
        )
    elif key not in added:
        yield f"{_shown(change)}: this would leave neighbor {neighbor} without a policy"


# --- lines of owned objects ---------------------------------------------------------------------


def _owned_line(change: Change, ownership: Ownership) -> Iterator[str]:
    if not change.added:
        return  # taking away permits nothing; entries that lose their match are seen by _unmatched_entries
    entry = ROUTE_MAP.fullmatch(change.context[0]) if change.context else None
    if entry:
        yield from _body_line(change, entry, ownership)
    elif found := list_line(change.line):
        for why in entry_objections(found, ownership.lists, ownership.outward):
            yield f"{_shown(change)}: {why}"


def _body_line(change: Change, entry: re.Match[str], ownership: Ownership) -> Iterator[str]:
    if not _BODY.fullmatch(change.line):
        yield f"{_shown(change)}: not a line of a route-map"
        return
    word, _, rest = change.line.partition(" ")
    outward = _is_outward(entry[1])
    if word == "call":
        direction = Direction.OUT if outward else Direction.IN
        links = (link for link in ownership.links if names.belongs_to(entry[1], link.name, direction))
        if rest not in {base_of(link, direction) for link in links}:
            yield f"{_shown(change)}: {rest} is not the base policy that the inventory names for this link"
    elif word == "set" and rest.startswith("as-path") and not _prepends_own(rest, ownership.asn):
        yield f"{_shown(change)}: only AS {ownership.asn} may be prepended, nothing else done to the path"
    elif word == "match":
        for why in match_objections(change.line, ownership.lists):
            yield f"{_shown(change)}: {why}"
        found = _MATCH_LIST.fullmatch(change.line)
        if found and outward and entry[2] == "permit":
            yield from _announces(change, entry[1], found[1], ownership)


def _announces(change: Change, route_map: str, name: str, ownership: Ownership) -> Iterator[str]:
    if name not in ownership.outward:
        yield f"{_shown(change)}: {name} is not a list of own prefixes"
    elif name in ownership.narrow:
        traffic_class, roles = ownership.narrow[name]
        number, count = ownership.classes.index(traffic_class), len(ownership.classes)
        placed = (names.placements_of(route_map, each.name, Direction.OUT, count) for each in ownership.links)
        if not any(found and found[number].role in roles for found in placed):
            yield f"{_shown(change)}: no role of {route_map} announces more-specifics of {traffic_class}"


def _is_outward(route_map: str) -> bool:
    """Whatever is not plainly an import policy is held to the rules of export."""
    return not route_map.endswith(f"-{Direction.IN.upper()}")


def _prepends_own(rest: str, asn: int) -> bool:
    words = rest.split()
    return words[:2] == ["as-path", "prepend"] and len(words) > 2 and set(words[2:]) == {str(asn)}


def _unmatched_entries(changes: Sequence[Change], ownership: Ownership) -> Iterator[str]:
    """Permit entries of outward policies that would match more than a list of own prefixes."""
    headers = {(each.added, each.line) for each in changes if not each.context}
    bodies = {each.context[0] for each in changes if each.added and len(each.context) == 1}
    matches = {
        (each.added, each.context[0], found[1])
        for each in changes
        if len(each.context) == 1 and (found := _MATCH_LIST.fullmatch(each.line))
    }
    matched = {entry for added, entry, name in matches if added and name in ownership.outward}
    opened = {line for added, line in headers if added or line in bodies}
    loosened = {entry for added, entry, _ in matches if not added and (False, entry) not in headers}
    for entry in sorted((opened | loosened) - matched):
        found = ROUTE_MAP.fullmatch(entry)
        if found and found[2] == "permit" and names.is_owned(found[1]) and _is_outward(found[1]):
            yield f"{entry!r} would permit without matching a list of own prefixes: anything could leak"

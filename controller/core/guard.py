"""The diff guard: says whether lines may be changed on a router.

Reads the changed lines of an FRR configuration and trusts nothing: neither the templates, which operators
edit, nor the code that merged their output into what the router runs. What it lets pass can only

- change prefix lists and route-maps that the controller owns by name, and only so that an outward policy
  permits nothing but own prefixes: every permit entry of one must match a list of own prefixes, and such a
  list may hold no other prefix;
- exchange a neighbor's policy for another of the same link and direction, never leave it without one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from controller.core import names
from controller.core.intent import own_prefixes, prefix_lists
from controller.core.model import Change, Direction, Family, Link, Policy, PrefixList

Key = tuple[Family, str, Direction]  # a neighbor's address as text, and where its policy is attached


@dataclass(frozen=True, slots=True)
class Ownership:
    """What the controller may touch on one router."""

    router: str
    asn: int
    links: tuple[Link, ...]  # of this router; they name the neighbors, and the operator's base policies
    lists: Mapping[str, PrefixList]  # owned prefix lists by name: all that each may permit
    outward: frozenset[str]  # those of them that hold own prefixes, and so may open the way out

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
        lists={each.name: each for each in prefix_lists(policy)},
        outward=frozenset(own_prefixes(each).name for each in policy.classes.values()),
    )


def base_of(link: Link, direction: Direction) -> str | None:
    """The operator's own policy for the link in one direction, as the inventory names it."""
    return link.base_policy_in if direction is Direction.IN else link.base_policy_out


# --- what lines are -----------------------------------------------------------------------------

PREFIX_LIST = re.compile(r"(ip|ipv6) prefix-list (\S+)(?: (\S.*))?")
ROUTE_MAP = re.compile(r"route-map (\S+) (permit|deny) (\d+)")
ATTACHMENT = re.compile(r"neighbor (\S+) route-map (\S+) (in|out)")
_ENTRY = re.compile(r"(?:seq \d+ )?permit (\S+)((?: (?:ge|le) \d+)*)")
_HARMLESS_ENTRY = re.compile(r"(?:seq \d+ )?deny \S+(?: (?:ge|le) \d+)*|description .*")
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
    if found := PREFIX_LIST.fullmatch(head):
        return f"{found[1]} prefix-list {found[2]}" if names.is_owned(found[2]) else None
    return None


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
    elif found := PREFIX_LIST.fullmatch(change.line):
        yield from _list_line(change, found, ownership)


def _list_line(change: Change, found: re.Match[str], ownership: Ownership) -> Iterator[str]:
    entry = found[3] or ""
    if _HARMLESS_ENTRY.fullmatch(entry):
        return
    permit = _ENTRY.fullmatch(entry)
    if permit is None:
        yield f"{_shown(change)}: not a line the guard can read"
        return
    listed = ownership.lists.get(found[2])
    if listed is None:
        yield f"{_shown(change)}: no class of the policy has a list {found[2]}"
        return
    try:
        prefix = ip_network(permit[1])
    except ValueError:
        yield f"{_shown(change)}: {permit[1]} is not a prefix of list {found[2]}"
        return
    own = "an own prefix" if found[2] in ownership.outward else "a destination"
    if prefix not in listed.prefixes or (found[1] == "ip") != (prefix.version == 4):
        yield f"{_shown(change)}: the policy does not list {prefix} as {own} of this class"
    elif permit[2] and not listed.orlonger:
        yield f"{_shown(change)}: own prefixes leave exactly as listed, never longer ones"


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
    elif word == "match" and outward and entry[2] == "permit":
        found = _MATCH_LIST.fullmatch(change.line)
        if found and found[1] not in ownership.outward:
            yield f"{_shown(change)}: {found[1]} is not a list of own prefixes"


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

"""What the guard lets into lists on an FRR router: only what policy lists there, entry by entry."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from controller.core.communities import value
from controller.core.model import AsPathList, CommunityList, PrefixList, RouteList

_LINE = re.compile(
    r"(?P<kind>(?:ip|ipv6) prefix-list|bgp as-path access-list"
    r"|bgp (?:large-)?community-list(?= (?P<style>standard|expanded) ))(?: (?:standard|expanded))?"
    r" (?P<name>\S+)(?: (?P<entry>\S.*))?"
)
_PERMIT = re.compile(r"(?:seq \d+ )?permit (\S.*)")
_PREFIX = re.compile(r"(\S+)((?: (?:ge|le) \d+)*)")
_HARMLESS = re.compile(r"(?:seq \d+ )?deny .+|description .*")
_MATCH = re.compile(r"match (as-path|(?:large-|ext)?community) (\S+)(?: exact-match)?")
UNREADABLE = "not a line the guard can read"


@dataclass(frozen=True, slots=True)
class ListLine:
    """A top-level line that is a part of a list of routes."""

    kind: str  # "ip prefix-list"
    name: str
    entry: str  # "seq 5 permit 203.0.113.0/24"
    expanded: bool = False  # entries are regular expressions

    @property
    def key(self) -> str:
        """The object that it is a part of: "ip prefix-list FO-A"."""
        return f"{self.kind} {self.name}"


def list_line(line: str) -> ListLine | None:
    """The line, taken apart; None for any other."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    return ListLine(found["kind"], found["name"], found["entry"] or "", found["style"] == "expanded")


def entry_objections(
    line: ListLine, lists: Mapping[str, RouteList], outward: Collection[str]
) -> Iterator[str]:
    """Why this entry may not be added. ``outward``: names of the lists whose routes are announced."""
    if _HARMLESS.fullmatch(line.entry):
        return  # matches fewer routes, and nobody is told of any that policy does not list
    permit = _PERMIT.fullmatch(line.entry)
    if permit is None or line.expanded:
        yield UNREADABLE
        return
    listed = lists.get(line.name)
    match listed:
        case PrefixList() if line.kind.endswith(" prefix-list"):
            yield from _prefix(permit[1], line, listed, own=line.name in outward)
        case AsPathList() if line.kind == "bgp as-path access-list":
            if permit[1] not in {f"_{origin}$" for origin in listed.origins}:
                yield f"{permit[1]} is no pattern of an AS whose routes the policy lists as destinations"
        case CommunityList() if line.kind == f"bgp {listed.kind}-list":
            if not _is_listed(permit[1], listed):
                yield f"the policy does not list community {permit[1]} for destinations of this class"
        case _:
            yield f"no class of the policy has a list {line.name} of this kind"


def _prefix(text: str, line: ListLine, listed: PrefixList, *, own: bool) -> Iterator[str]:
    found = _PREFIX.fullmatch(text)
    if found is None:
        yield UNREADABLE
        return
    try:
        prefix = ip_network(found[1])
    except ValueError:
        yield f"{found[1]} is not a prefix of list {line.name}"
        return
    what = "an own prefix" if own else "a destination"
    if prefix not in listed.prefixes or (line.kind == "ip prefix-list") != (prefix.version == 4):
        yield f"the policy does not list {prefix} as {what} of this class"
    elif found[2] and not listed.orlonger:
        yield "own prefixes leave exactly as listed, never longer ones"


def _is_listed(text: str, listed: CommunityList) -> bool:
    """Whether this is one community, and the policy lists it: FRR writes some as words."""
    if listed.kind == "large-community":
        return text in listed.communities
    try:
        return value(text) in {value(each) for each in listed.communities}
    except ValueError:
        return False


def match_objections(line: str, lists: Mapping[str, RouteList]) -> Iterator[str]:
    """Why a line of a route-map may not match what it does: paths and communities by our own lists only."""
    found = _MATCH.fullmatch(line)
    if found is None:
        if re.match(r"match (as-path|(large-|ext)?community)\b", line):
            yield UNREADABLE
        return
    listed = lists.get(found[2])
    if listed is None or listed.kind != found[1]:
        yield f"no class of the policy has a list {found[2]} of this kind"

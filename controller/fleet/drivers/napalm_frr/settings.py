"""Which lines are the same setting with another value, how a value is replaced, and how a line is removed.

Measured on FRR 8.4. A line that these tables do not know is a setting of its own: it stands beside others.
"""

from __future__ import annotations

import re

from .grammar import TOP

_P = r"neighbor \S+ "

# Same match (or same groups) = same setting. The first match wins.
_KEYS: dict[str, tuple[str, ...]] = {
    TOP: (
        r"(?:ip|ipv6) prefix-list \S+ (?:seq \d+|description)",
        r"bgp (?:community-list|large-community-list|extcommunity-list) \S+ \S+ seq \d+",
        r"bgp as-path access-list \S+ seq \d+",
        r"(?:(?:ipv6|mac) )?access-list \S+ (?:seq \d+|remark)",
        r"((?:ip|ipv6) route \S+ \S+(?: (?!tag |label |table |color |\d)\S+)?)(?: tag \d+)?( .*)?$",
        r"(route-map \S+) (?:permit|deny)( \d+)",
        r"(router bgp)(?: \d\S*)?( (?:vrf|view) .*)?$",
        r"bgp route-map delay-timer|hostname|domainname|password|enable password|frr (?:version|defaults)",
    ),
    "route-map": (
        r"set as-path \S+|set (?:ip|ipv6) next-hop (?:peer-address|unchanged|prefer-global|global|local)",
        r"set (?:ip|ipv6) next-hop|set (?:extcommunity|evpn|sr-te|l3vpn) \S+|set \S+",
        r"match (?:ip|ipv6) (?:address|next-hop|route-source)(?: (?:prefix-list|prefix-len|type|address))?",
        r"match (?:evpn|ip|ipv6) \S+|match \S+|on-match|call|description",
    ),
    "bgp": (
        _P
        + r"(?:remote-as|description|timers connect|timers delayopen|timers(?= \d)|advertisement-interval)",
        _P + r"(?:ebgp-multihop|update-source|password|ttl-security|port|local-as|interface|shutdown rtt)",
        _P + r"(?:shutdown|bfd(?= \d|$)|bfd profile|peer-group(?= \S))",
        r"bgp (?:router-id|cluster-id|confederation identifier|default local-preference|listen limit)",
        r"bgp (?:max-med on-startup|update-delay|coalesce-time)",
        r"bgp graceful-restart (?:restart-time|stalepath-time|select-defer-time|rib-stale-time)",
        r"timers bgp",
    ),
    "bgp-af": (
        r"(" + _P + r"(?:route-map|prefix-list|filter-list|distribute-list)) \S+( (?:in|out))",
        _P
        + r"(?:weight|maximum-prefix|maximum-prefix-out|allowas-in|default-originate|unsuppress-map)(?!\S)",
        _P + r"(?:advertise-map|attribute-unchanged|remove-private-AS|next-hop-self)(?!\S)",
        r"network \S+|aggregate-address \S+|redistribute (?:(?:table|ospf|table-direct) \d+|\S+)",
        r"maximum-paths(?: ibgp)?|distance bgp|distance (?=\d)|table-map|bgp dampening|import vrf route-map",
        r"(?:rd|label|nexthop) vpn export|(?:rt|route-target|route-map) vpn \S+",
    ),
    "interface": (r"description|bandwidth",),
    "bfd-profile": (r"\S+",),
    "bfd-peer": (r"\S+",),
}
_COMPILED = {kind: tuple(re.compile(each) for each in patterns) for kind, patterns in _KEYS.items()}

# Entering the new value does not fully take the place of the old one: remove first.
_REMOVE_FIRST = re.compile(
    r"redistribute |router bgp|neighbor \S+ (?:remove-private-AS|next-hop-self|default-originate"
    r"|advertise-map|attribute-unchanged|peer-group|interface)(?:$| )"
)

# FRR does not show these while they are on, and shows `no ...` when they are off.
_ON_BY_DEFAULT = {
    TOP: re.compile(r"(?:ip|ipv6) forwarding$"),
    "bgp": re.compile(
        r"bgp (?:network import-check|ebgp-requires-policy|default ipv4-unicast|fast-external-failover"
        r"|suppress-duplicates|client-to-client reflection)$"
    ),
    "bgp-af": re.compile(r"neighbor \S+ send-community(?: (?:standard|extended|large|both|all))?$"),
}
_DEFAULT_VALUE = {
    TOP: re.compile(r"bgp route-map delay-timer 5$"),
    "bgp-af": re.compile(r"distance bgp 20 200 200$"),
}
_ACTIVATE = re.compile(r"neighbor \S+ activate$")

# `no <the whole line>` is refused for these: how much of the line names it.
_SHORT_REMOVAL = {
    "route-map": re.compile(r"set as-path \S+|set table|on-match goto|description|set aggregator as"),
    "bgp": re.compile(r"neighbor \S+ description"),
    "interface": re.compile(r"description"),
    TOP: re.compile(r"(?:ip|ipv6) prefix-list \S+ description"),
}


def key(kind: str, text: str) -> str:
    """What a line sets, in a context of this kind: two lines with one key cannot stand side by side."""
    bare = text.removeprefix("no ")
    for pattern in _COMPILED.get(kind, ()):
        match = pattern.match(bare)
        if match:
            return " ".join((group or "").strip() for group in match.groups()) or match.group()
    return bare


def must_remove_first(text: str) -> bool:
    """Whether the old value has to go before the new one is entered."""
    return bool(_REMOVE_FIRST.match(text))


def is_on_by_default(kind: str, text: str, *, activates_ipv4: bool = False) -> bool:
    """Whether FRR hides this line while it is in force and shows ``no ...`` when it is not.

    ``activates_ipv4``: it stands in ``address-family ipv4 unicast``, which neighbors join by themselves.
    """
    pattern = _ON_BY_DEFAULT.get(kind)
    if kind == "bgp-af" and activates_ipv4 and _ACTIVATE.match(text):
        return True
    return bool(pattern and pattern.match(text))


def is_default_value(kind: str, text: str) -> bool:
    """Whether the line states the value that FRR uses, and does not show, without it."""
    pattern = _DEFAULT_VALUE.get(kind)
    return bool(pattern and pattern.match(text))


def removal(kind: str, text: str) -> str:
    """The command that takes a line away."""
    if text.startswith("no "):
        return text.removeprefix("no ")
    if kind == "route-map" and text.startswith("match rpki-extcommunity "):
        return "no match rpki " + text.rsplit(" ", 1)[1]
    pattern = _SHORT_REMOVAL.get(kind)
    match = pattern.match(text) if pattern else None
    return f"no {match.group() if match else text}"


LIST_ENTRY = re.compile(
    r"(?P<list>(?:ip|ipv6) prefix-list \S+"
    r"|bgp (?:community-list|large-community-list|extcommunity-list) \S+ \S+"
    r"|bgp as-path access-list \S+|(?:(?:ipv6|mac) )?access-list \S+)"
    r"(?: seq (?P<seq>\d+))? (?P<content>(?:permit|deny) .+)"
)

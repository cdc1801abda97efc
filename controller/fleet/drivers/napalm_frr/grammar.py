"""Which lines of an FRR configuration open a context, where they may stand, and how they are closed.

FRR's own reader ignores indentation: a line belongs to the innermost open context that knows it. These tables
hold as much of that knowledge as finding the context of a line takes. Covers FRR 8 to 10.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

TOP = ""  # the kind of "no context"


@dataclass(frozen=True, slots=True)
class Opener:
    """A kind of context: the line that opens it, the kinds it may stand in, the line that closes it."""

    kind: str
    pattern: re.Pattern[str]
    parents: tuple[str, ...]
    closing: str


def _opener(kind: str, pattern: str, *parents: str, closing: str = "exit") -> Opener:
    return Opener(kind, re.compile(pattern + "$"), parents or (TOP,), closing)


OPENERS: tuple[Opener, ...] = (
    _opener("vrf", r"vrf \S+", closing="exit-vrf"),
    _opener("interface", r"interface \S+( vrf \S+)?", "ldp-af", TOP),
    _opener("link-params", r"link-params", "interface", closing="exit-link-params"),
    _opener("bgp", r"router bgp( .+)?"),
    _opener("router", r"router (?!bgp\b)\S+( .+)?"),
    _opener("flex-algo", r"flex-algo \d+", "router"),
    _opener("bgp-af", r"address-family \S+( \S+)?", "bgp", closing="exit-address-family"),
    _opener("vni", r"vni \d+", "bgp-af", closing="exit-vni"),
    _opener("vnc", r"vnc (defaults|nve-group \S+|l2-group \S+)", "bgp", closing="exit-vnc"),
    _opener("vrf-policy", r"vrf-policy \S+", "bgp", closing="exit-vrf-policy"),
    _opener("bmp", r"bmp targets \S+", "bgp"),
    _opener("bgp-srv6", r"segment-routing srv6", "bgp"),
    _opener("route-map", r"route-map \S+ (permit|deny) \d+"),
    _opener("bfd", r"bfd"),
    _opener("bfd-peer", r"peer \S+.*", "bfd"),
    _opener("bfd-profile", r"profile \S+", "bfd"),
    _opener("line", r"line vty"),
    _opener("key-chain", r"key chain \S+"),
    _opener("key", r"key \d+", "key-chain"),
    _opener("rpki", r"rpki", "vrf", TOP),
    _opener("nexthop-group", r"nexthop-group \S+"),
    _opener("pbr-map", r"pbr-map \S+ seq \d+"),
    _opener("mpls-ldp", r"mpls ldp"),
    _opener("ldp-af", r"address-family ipv[46]", "mpls-ldp", closing="exit-address-family"),
    _opener("l2vpn", r"l2vpn \S+ type \S+"),
    _opener("pseudowire", r"member pseudowire \S+", "l2vpn"),
    _opener("segment-routing", r"segment-routing"),
    _opener("srv6", r"srv6", "segment-routing"),
    _opener("encapsulation", r"encapsulation", "srv6"),
    _opener("locators", r"locators", "srv6"),
    _opener("locator", r"locator \S+", "locators"),
    _opener("traffic-eng", r"traffic-eng", "segment-routing"),
    _opener("segment-list", r"segment-list \S+", "traffic-eng"),
    _opener("sr-policy", r"policy color \d+ endpoint \S+", "traffic-eng"),
    _opener("pcep", r"pcep", "traffic-eng"),
    _opener("pce", r"pce \S+", "pcep"),
    _opener("pce", r"pce-config \S+", "pcep"),
    _opener("pcc", r"pcc", "pcep"),
)

_ONLY_TOP = re.compile(
    r"(frr (version|defaults)|hostname|domainname|log|service|password|enable|username|debug|agentx|banner"
    r"|access-list|mac access-list|ipv6 access-list|(ip|ipv6) (prefix-list|forwarding)|zebra|fpm|mgmt"
    r"|bgp (community-list|large-community-list|extcommunity-list|as-path|community alias"
    r"|route-map delay-timer|send-extra-data|input-queue-limit|output-queue-limit|no-rib)"
    r"|no-rib|router-id (?!.* vrf)|(ip|ipv6) (table|import-table))\b"
)
_TOP_OR_VRF = re.compile(r"(ip|ipv6) (route|mroute|nht|protocol|router-id|pim rp|msdp)\b")
_ROUTE_MAP_BODY = re.compile(r"(match|set|call|on-match|continue|description)\b")
_FAMILY_ONLY = re.compile(
    r"(neighbor \S+ (activate|route-map|prefix-list|filter-list|distribute-list|unsuppress-map|advertise-map"
    r"|next-hop-self|attribute-unchanged|send-community|soft-reconfiguration|remove-private-AS|allowas-in"
    r"|as-override|weight|maximum-prefix|maximum-prefix-out|default-originate|route-reflector-client"
    r"|route-server-client|addpath\S*|disable-addpath-rx|capability orf|accept-own|soo|nexthop-local"
    r"|dampening)\b"
    r"|(network|redistribute|aggregate-address|maximum-paths|table-map|distance|bgp dampening)\b)"
)
_SESSION_ONLY = re.compile(
    r"(neighbor \S+ (remote-as|description|timers|ebgp-multihop|update-source|password|shutdown|local-as"
    r"|ttl-security|bfd|port|passive|interface|capability (?!orf)|advertisement-interval"
    r"|disable-connected-check"
    r"|enforce-first-as|graceful-restart\S*|graceful-shutdown|solo|strict-capability-match|override-capability"
    r"|dont-capability-negotiate|sender-as-path-loop-detection|tcp-mss|local-role|extended-optional-parameters"
    r"|path-attribute|aigp)\b|timers bgp\b|bgp (?!dampening\b|retain\b)\S)"
)
_BY_FIRST_WORD: dict[str, list[Opener]] = {}
for _each in OPENERS:
    _BY_FIRST_WORD.setdefault(
        re.split(r"[ (\\]", _each.pattern.pattern.rstrip("$"), maxsplit=1)[0], []
    ).append(_each)


def closing_of(opener_text: str, parent_kind: str) -> str:
    """The line which closes the context that ``opener_text`` opens inside ``parent_kind``."""
    opener = opener_for(opener_text, parent_kind)
    return opener.closing if opener else "exit"


def opener_for(text: str, parent_kind: str) -> Opener | None:
    """The context that ``text`` opens when it stands in ``parent_kind``; None for a plain line."""
    for opener in candidates_for(text):
        if parent_kind in opener.parents and opener.pattern.match(text):
            return opener
    return None


def candidates_for(text: str) -> list[Opener]:
    """Openers that begin with the first word of ``text``."""
    return _BY_FIRST_WORD.get(text.partition(" ")[0], [])


def belongs(text: str, kind: str) -> bool:
    """Whether a plain line may stand in a context of this kind, as far as these tables know."""
    bare = text.removeprefix("no ")
    if kind == TOP:
        return True
    if kind == "route-map":
        return bool(_ROUTE_MAP_BODY.match(bare))
    if _ONLY_TOP.match(bare):
        return False
    if _TOP_OR_VRF.match(bare):
        return kind == "vrf"
    if kind == "bgp-af":
        return not _SESSION_ONLY.match(bare)
    return True


def belongs_to_default_family(text: str) -> bool:
    """Whether FRR keeps a line written directly under ``router bgp`` in ``address-family ipv4 unicast``."""
    return bool(_FAMILY_ONLY.match(text.removeprefix("no ")))

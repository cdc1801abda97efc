"""A candidate's line in the words that FRR would show it in; people and templates may write it otherwise."""

from __future__ import annotations

import re
from ipaddress import IPv6Address, IPv6Interface, ip_network
from typing import TYPE_CHECKING

from .settings import LIST_ENTRY

if TYPE_CHECKING:
    from .tree import Node

_FREE_TEXT = re.compile(
    r"\bdescription\b|\bpassword\b|\bremark\b|\bbanner\b|\bkey-string\b|\bshutdown message\b"
)
_PREFIX = re.compile(
    r"((?:ip|ipv6) (?:prefix-list \S+ (?:seq \d+ )?(?:permit|deny)|route)|network|aggregate-address"
    r"|(?:ipv6 )?access-list \S+ (?:seq \d+ )?(?:permit|deny)) (\S+/\d+)"
)
_COMMUNITIES = re.compile(
    r"(set community|bgp community-list standard \S+ (?:seq \d+ )?(?:permit|deny)) (.+)"
)
_WELL_KNOWN = {
    "graceful-shutdown": 0, "accept-own": 1, "route-filter-translated-v4": 2, "route-filter-v4": 3,
    "route-filter-translated-v6": 4, "route-filter-v6": 5, "llgr-stale": 6, "no-llgr": 7,
    "accept-own-nexthop": 8, "blackhole": 666, "no-export": 65281, "no-advertise": 65282, "local-AS": 65283,
    "no-peer": 65284,
}  # fmt: skip
_WELL_KNOWN_HIGH = 65535  # the upper half of every well-known community (RFC 1997)
_NAMES = {(_WELL_KNOWN_HIGH, low): name for name, low in _WELL_KNOWN.items()}
_SEQ_STEP = 5

_REWRITES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"(neighbor \S+ ebgp-multihop)$"), r"\1 255"),
    (re.compile(r"(neighbor \S+ shutdown rtt \d+)$"), r"\1 count 1"),
    (re.compile(r"continue (\d+)$"), r"on-match goto \1"),
    (re.compile(r"continue$"), "on-match next"),
    (re.compile(r"match rpki (\S+)$"), r"match rpki-extcommunity \1"),
    (re.compile(r"((?:ip|ipv6) route .+) (\d+) (tag \d+)$"), r"\1 \3 \2"),
)


def canonical(node: Node, text: str) -> str:
    """``text``, to stand in the context ``node``, as ``show running-config`` would show it.

    Knows the rewritings that were measured: prefixes without host bits, IPv6 in RFC 5952 form, community
    order and names, sequence numbers that FRR gives by itself, and a few words. Of others FRR itself will
    tell: what is read back must be what was asked for.
    """
    if _FREE_TEXT.search(text):
        return text
    text = " ".join(map(_ipv6, text.split()))
    text = _PREFIX.sub(lambda match: f"{match[1]} {_network(match[2])}", text)
    for pattern, words in _REWRITES:
        text = pattern.sub(words, text)
    text = _COMMUNITIES.sub(lambda match: f"{match[1]} {_communities(match[2])}", text)
    entry = LIST_ENTRY.fullmatch(text)
    if entry and not entry["seq"]:
        return f"{entry['list']} seq {_seq(node, entry['list'], entry['content'])} {entry['content']}"
    return text


def _network(word: str) -> str:
    try:
        return str(ip_network(word, strict=False))
    except ValueError:
        return word


def _ipv6(word: str) -> str:
    if ":" not in word:
        return word
    try:
        return str(IPv6Interface(word)) if "/" in word else str(IPv6Address(word))
    except ValueError:
        return word


def _communities(words: str) -> str:
    """FRR sorts communities by value, drops doubles and names those it knows; ``additive`` comes last."""
    last = [word for word in words.split() if word in {"additive", "none"}]
    values = set()
    for word in words.split():
        high, _, low = word.partition(":")
        if word in _WELL_KNOWN:
            values.add((_WELL_KNOWN_HIGH, _WELL_KNOWN[word]))
        elif high.isdigit() and low.isdigit():
            values.add((int(high), int(low)))
        elif word not in last:
            return words
    return " ".join([*(_NAMES.get(value, f"{value[0]}:{value[1]}") for value in sorted(values)), *last])


def _seq(node: Node, name: str, content: str) -> int:
    """The number of an entry written without one: its own if it is there already, else after the last."""
    last = 0
    for child in node.children.values():
        entry = LIST_ENTRY.fullmatch(child.text)
        if entry and entry["list"] == name and entry["seq"]:
            if entry["content"] == content:
                return int(entry["seq"])
            last = max(last, int(entry["seq"]))
    return last // _SEQ_STEP * _SEQ_STEP + _SEQ_STEP

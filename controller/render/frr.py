"""Filters for FRR templates: values in the wording and order of FRR's own ``show running-config``."""

from __future__ import annotations

from collections.abc import Sequence

_WELL_KNOWN = {  # FRR 8.4, lib/bgpd community names; RFC 1997, 3765, 7611, 7999, 8326
    "graceful-shutdown": 0xFFFF0000,
    "accept-own": 0xFFFF0001,
    "blackhole": 0xFFFF029A,
    "no-export": 0xFFFFFF01,
    "no-advertise": 0xFFFFFF02,
    "local-AS": 0xFFFFFF03,
    "no-peer": 0xFFFFFF04,
}
_NAMES = {value: name for name, value in _WELL_KNOWN.items()}


def frr_communities(communities: Sequence[str]) -> list[str]:
    """Standard communities (RFC 1997), each once, sorted by value, well-known ones by their FRR name.

    Takes ``64500:20`` and FRR's names; raises ValueError for anything else. Large communities are left out.
    """
    values = sorted({_value(each) for each in communities if each.count(":") != 2})
    return [_NAMES.get(value, f"{value >> 16}:{value & 0xFFFF}") for value in values]


def frr_large_communities(communities: Sequence[str]) -> list[str]:
    """Large communities (RFC 8092, ``64500:1:2``), each once, in the order given: FRR keeps it."""
    return list(dict.fromkeys(each for each in communities if each.count(":") == 2))


def _value(community: str) -> int:
    if community in _WELL_KNOWN:
        return _WELL_KNOWN[community]
    high, _, low = community.partition(":")
    if not (high.isdecimal() and low.isdecimal() and max(int(high), int(low)) <= 0xFFFF):
        raise ValueError(
            f"{community!r} is neither a community (64500:20) nor one of {', '.join(_WELL_KNOWN)}"
        )
    return int(high) << 16 | int(low)

"""BGP communities as policy and routers write them: ``64501:70`` (RFC 1997), ``64501:1:70`` (RFC 8092)."""

from __future__ import annotations

WELL_KNOWN = {  # FRR 8.4's names, lib/bgpd; RFC 1997, 3765, 7611, 7999, 8326
    "graceful-shutdown": 0xFFFF0000,
    "accept-own": 0xFFFF0001,
    "blackhole": 0xFFFF029A,
    "no-export": 0xFFFFFF01,
    "no-advertise": 0xFFFFFF02,
    "local-AS": 0xFFFFFF03,
    "no-peer": 0xFFFFFF04,
}


def is_large(community: str) -> bool:
    """Whether it is a large one (RFC 8092): three parts."""
    return community.count(":") == 2


def value(community: str) -> int:
    """A standard community as its 32 bits. Takes FRR's names too; raises ValueError for anything else."""
    if community in WELL_KNOWN:
        return WELL_KNOWN[community]
    high, _, low = community.partition(":")
    if not (high.isdecimal() and low.isdecimal() and max(int(high), int(low)) <= 0xFFFF):
        raise ValueError(
            f"{community!r} is neither a community (64500:20) nor one of {', '.join(WELL_KNOWN)}"
        )
    return int(high) << 16 | int(low)

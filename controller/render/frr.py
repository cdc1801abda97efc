"""Filters for FRR templates: values in the wording and order of FRR's own ``show running-config``."""

from __future__ import annotations

from collections.abc import Sequence

from controller.core.communities import WELL_KNOWN, is_large, value

_NAMES = {number: name for name, number in WELL_KNOWN.items()}


def frr_communities(communities: Sequence[str]) -> list[str]:
    """Standard communities (RFC 1997), each once, sorted by value, well-known ones by their FRR name.

    Takes ``64500:20`` and FRR's names; raises ValueError for anything else. Large communities are left out.
    """
    values = sorted({value(each) for each in communities if not is_large(each)})
    return [_NAMES.get(number, f"{number >> 16}:{number & 0xFFFF}") for number in values]


def frr_large_communities(communities: Sequence[str]) -> list[str]:
    """Large communities (RFC 8092, ``64500:1:2``), each once, in the order given: FRR keeps it."""
    return list(dict.fromkeys(each for each in communities if is_large(each)))

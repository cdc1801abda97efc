"""Times and shares as people read them in a timeline."""

from __future__ import annotations

from math import floor


def clock(seconds: float) -> str:
    """``02:05:30.4`` since the scenario began, after days ``3d 02:05:30.4``; to the tenth, rounded down."""
    tenths = floor(seconds * 10 + 1e-6)
    days, rest = divmod(tenths, 864000)
    hours, rest = divmod(rest, 36000)
    minutes, rest = divmod(rest, 600)
    told = f"{hours:02}:{minutes:02}:{rest / 10:04.1f}"
    return f"{days}d {told}" if days else told


def percent(share: float) -> str:
    """``99.987 %``: never 100 unless it is."""
    return "100 %" if share >= 1 else f"{floor(share * 100_000) / 1000:.3f} %"


def span(seconds: float) -> str:
    """``0.7 s``, ``12 min``, ``5.0 h``."""
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def brief(seconds: float) -> str:
    """As scenarios write it, in the largest unit that leaves no rest: ``90min``, ``6h``, ``2.5s``."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s" if seconds >= 1 or not seconds else f"{seconds * 1000:g}ms"

"""Where results go: between markers in tests/README.md, with the machine named."""

from __future__ import annotations

import math
import os
import platform
import re
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

README = Path(__file__).resolve().parents[1] / "README.md"
FRR = "/usr/lib/frr/bgpd"


def machine(*, frr: bool = False) -> str:
    """What the figures were measured on."""
    system = platform.freedesktop_os_release()["PRETTY_NAME"]
    parts = [f"{os.cpu_count()} cores", system, f"Python {platform.python_version()}"]
    if frr:
        said = subprocess.run([FRR, "--version"], capture_output=True, text=True, check=True).stdout
        parts.append("FRR " + re.findall(r"version (\S+)", said)[0])
    return ", ".join(parts)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def percentile(values: Sequence[float], share: float) -> float:
    """The nearest rank: of few values the 95th is the largest."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]


def write(name: str, text: str) -> None:
    """Put the text in place of what stands between the markers of this name. Raises LookupError without them."""
    begin, end = f"<!-- {name}:begin -->\n", f"<!-- {name}:end -->"
    before, found, rest = README.read_text().partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise LookupError(
            f"{README} has no lines {begin.strip()} and {end}: put them where the table is to be"
        )
    README.write_text(f"{before}{begin}{text.strip()}\n{end}{after}")

"""A loaded candidate: what runs, what shall run, and what a router has to be told for it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from .check import dangling
from .diff import unified
from .effect import clears
from .lines import emit, parse
from .order import commands
from .router import parts
from .tree import merged, replaced, tree

if TYPE_CHECKING:
    from .tree import Node


@dataclass(frozen=True, slots=True)
class Candidate:
    """Two configurations and the fingerprint that the router gave the first of them."""

    before: Node
    after: Node
    fingerprint: str
    replaces: bool

    @property
    def changed(self) -> bool:
        """Whether anything is to be done."""
        return _settings(self.before) != _settings(self.after)

    def diff(self) -> str:
        """What would change, as a unified diff."""
        return unified(self.before, self.after)

    def text(self) -> str:
        """The whole configuration that would run."""
        return emit(self.after.lines())

    def faults(self) -> list[str]:
        """Why it must not be applied although FRR would take it."""
        return dangling(self.before, self.after)

    def payload(self) -> str:
        """Commands to apply, and to undo, each with what makes edited policies act at once."""
        return parts(
            apply=emit(commands(self.before, self.after)),
            clear=_one_a_line(clears(self.before, self.after)),
            undo=emit(commands(self.after, self.before)),
            undo_clear=_one_a_line(clears(self.after, self.before)),
        )

    def wanted(self) -> str:
        """Digest of what the router must run afterwards, as ``router_side.sh`` computes it."""
        return sha256(b"".join(_settings(self.after))).hexdigest()

    def inverse(self, fingerprint: str) -> Candidate:
        """The way back, from the configuration with that fingerprint."""
        return Candidate(self.after, self.before, fingerprint, self.replaces)

    def mismatch(self, shown: str) -> list[str]:
        """How a configuration that was read back differs from what was asked for."""
        _, at, config = shown.partition("frr version ")  # what comes before is not configuration
        want, have = _placed(self.after), _placed(tree(parse(at + config)))
        missing = [f"not there: {where}" for where in want if where not in have]
        return missing + [f"not asked for: {where}" for where in have if where not in want]

    def moved(self, shown: str) -> str:
        """How what runs now differs from what was compared."""
        return unified(self.before, tree(parse(shown)))


def load(running: str, candidate: str, fingerprint: str, *, replaces: bool) -> Candidate:
    """What ``candidate`` means for a router that runs ``running``."""
    before = tree(parse(running))
    make = replaced if replaces else merged
    return Candidate(before, make(before, parse(candidate)), fingerprint, replaces)


def _settings(root: Node) -> list[bytes]:
    """Every line, order apart; without ``hostname``, of which vtysh shows its own system's."""
    texts = (line.text for line in root.lines() if not line.text.startswith("hostname "))
    return sorted(f"{text}\n".encode() for text in texts)


def _placed(root: Node) -> dict[str, None]:
    return dict.fromkeys(
        " / ".join(line.path) for line in root.lines() if not line.text.startswith("hostname ")
    )


def _one_a_line(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)

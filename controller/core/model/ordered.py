"""What people order beside the policy: pins, drains and pauses, each with an owner, a reason and an end."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class OrderKind(StrEnum):
    """What is ordered."""

    PIN = "pin"  # a class stays on one upstream for as long as that is not dead
    DRAIN = "drain"  # links carry nothing while anything else can
    PAUSE = "pause"  # nothing is pushed; everything is watched, decided and recorded
    ACKNOWLEDGE = "acknowledge"  # a class may make routine moves again, and return to what it had to leave


@dataclass(frozen=True, slots=True)
class Override:
    """One order of a person. Its times are monotonic in the core, UTC in the store and for people."""

    number: int  # as the store counts them
    kind: OrderKind
    subject: str  # the class; of a drain a link, an upstream, a router or a risk; of a pause ""
    upstream: str  # of a pin, else ""
    owner: str
    reason: str
    since: float
    until: float | None  # None: until somebody takes it back

    @property
    def by(self) -> str:
        """``by ann (fibre work)``, to end a sentence."""
        return f"by {self.owner} ({self.reason})"

    def holds_at(self, now: float) -> bool:
        """Whether it is in force at that moment."""
        return self.until is None or now < self.until

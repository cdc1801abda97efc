"""What is decided, why, and what must be remembered of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.core.model.network import Placement

# What is left out or not believed (see rules/vantage.py) -> until when; and until when at most.
Doubted = Mapping[str, float]
Assignment = Mapping[str, Mapping[str, Placement]]  # class -> link -> placement


@dataclass(frozen=True, slots=True)
class Reason:
    """One step of the thought that led to a decision."""

    rule: str  # the rule's name: trust, eligibility, preference, stability, safety
    subject: str  # link, upstream or class
    text: str


@dataclass(frozen=True, slots=True)
class Vantage:
    """How well the prober itself fares."""

    trouble: str | None = None  # why nothing that it says can be believed; None: it can
    notices: tuple[Reason, ...] = ()


@dataclass(frozen=True, slots=True)
class Held:
    """A move that was considered and not made."""

    traffic_class: str
    move: str  # "georgia -> azerbaijan"
    why: str
    until: float | None = None  # monotonic; None: until something is seen to change


@dataclass(frozen=True, slots=True)
class Decision:
    """The desired state of the network, with every reason, and one sentence for people."""

    assignment: Assignment
    sentence: str
    reasons: tuple[Reason, ...] = ()
    held: tuple[Held, ...] = ()
    notices: tuple[Reason, ...] = ()  # what people should look at; nothing is moved by it
    escape: bool = False  # leaves a dead path: nothing slow may stand in its way
    frozen: bool = False  # the controller does not trust what it sees: push nothing at all
    decide_again_at: float | None = None  # time alone may change the decision then


@dataclass(frozen=True, slots=True)
class LinkMemory:
    """What must be remembered of a link to be calm about it."""

    clean_since: float | None = None  # None: not clean now
    failures: int = 0  # since last forgotten; doubles the clean time asked for
    last_failure: float | None = None
    brownout: bool = False  # in one now
    brownouts: int = 0  # since last forgotten; doubles the clean time asked for after one
    brownout_ended: float | None = None  # the last


@dataclass(frozen=True, slots=True)
class Together:
    """Two upstreams that have gone bad within moments of each other."""

    times: int
    at: float  # the last time


@dataclass(frozen=True, slots=True)
class ControlState:
    """What ``decide`` needs to know of the past. Bounded: an hour of changes, one memory a link."""

    links: Mapping[str, LinkMemory] = field(default_factory=dict)
    moved_at: Mapping[str, float] = field(default_factory=dict)  # class -> last move
    routine: tuple[float, ...] = ()  # times of routine moves in the last hour
    escapes: tuple[float, ...] = ()
    doubted: Doubted = field(default_factory=dict)
    together: Mapping[str, Together] = field(default_factory=dict)  # "azerbaijan georgia" -> how often

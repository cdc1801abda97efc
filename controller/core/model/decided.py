"""What is decided, why, and what must be remembered of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from controller.core.model.carried import NOTHING_KNOWN, Traffic
from controller.core.model.network import Placement
from controller.core.model.ordered import Override
from controller.core.model.seen import Health

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


class MoveKind(StrEnum):
    """Why a class goes to another choice."""

    ESCAPE = "escape"  # off a dead path
    LEFT = "left"  # off one that is not good enough
    WANTED = "wanted"  # to one that is preferred
    ORDERED = "ordered"  # people want it


@dataclass(frozen=True, slots=True)
class Move:
    """A class goes from one choice to another."""

    kind: MoveKind
    origin: str
    destination: str


@dataclass(frozen=True, slots=True)
class Window:
    """Whether a window of the policy is open."""

    is_open: bool
    until: float | None = None  # that changes then; None: never


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
    moves: Mapping[str, Move] = field(default_factory=dict)  # class -> what becomes of it, if it moves


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
class Fitness:
    """Whether a link is good enough for a class."""

    fits: bool  # believed to be
    other_since: float | None  # since when it has looked otherwise; None: it does not


@dataclass(frozen=True, slots=True)
class ControlState:
    """What ``decide`` needs to know of the past. Bounded: an hour of changes, one memory a link."""

    links: Mapping[str, LinkMemory] = field(default_factory=dict)
    moved_at: Mapping[str, float] = field(default_factory=dict)  # class -> last move
    routine: tuple[float, ...] = ()  # times of routine moves in the last hour
    escapes: tuple[float, ...] = ()
    doubted: Doubted = field(default_factory=dict)
    together: Mapping[str, Together] = field(default_factory=dict)  # "azerbaijan georgia" -> how often
    moves: Mapping[str, tuple[float, ...]] = field(default_factory=dict)  # class -> nobody ordered them
    fled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # class -> choices it had to leave
    fitness: Mapping[str, Fitness] = field(
        default_factory=dict
    )  # "residential edge1-azerbaijan": is it good enough


@dataclass(frozen=True, slots=True)
class Moment:
    """All that a decision is made from, beside the policy."""

    # By link, and by USER_PATH and ANCHORS where these are probed. A link without an entry is unknown.
    health: Mapping[str, Health]
    state: ControlState
    now: float
    # What the routers are seen to run. Links of routers that run no role policy yet are missing; None: at
    # first contact.
    current: Assignment | None
    unreachable: frozenset[str] = frozenset()  # routers that cannot be changed now
    vantage: Vantage = Vantage()  # how the prober itself fares
    overrides: Sequence[Override] = ()  # what people ordered
    windows: Mapping[str, Window] = field(
        default_factory=dict
    )  # of the policy; one that is missing is closed
    traffic: Traffic = NOTHING_KNOWN  # how much goes where

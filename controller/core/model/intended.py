"""What one router needs, and what came of it there."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from controller.core.model.network import Router
from controller.core.model.targets import Address, Family, Network


class Direction(StrEnum):
    """Which way a routing policy looks: ``in`` shapes outbound traffic, ``out`` inbound traffic."""

    IN = "in"
    OUT = "out"


@dataclass(frozen=True, slots=True)
class PrefixList:
    """A named list of prefixes, both families, exact match unless orlonger."""

    name: str
    prefixes: tuple[Network, ...]
    orlonger: bool = False
    kind: Literal["prefix"] = "prefix"

    @property
    def ipv4(self) -> tuple[Network, ...]:
        """The IPv4 prefixes."""
        return tuple(p for p in self.prefixes if p.version == 4)

    @property
    def ipv6(self) -> tuple[Network, ...]:
        """The IPv6 prefixes."""
        return tuple(p for p in self.prefixes if p.version == 6)


@dataclass(frozen=True, slots=True)
class AsPathList:
    """A named list of AS numbers: matches routes that one of them originates, the last in their path."""

    name: str
    origins: tuple[int, ...]
    kind: Literal["as-path"] = "as-path"


@dataclass(frozen=True, slots=True)
class CommunityList:
    """A named list of communities: matches routes that carry any of them. FRR keeps large ones apart."""

    name: str
    communities: tuple[str, ...]
    kind: Literal["community", "large-community"]


RouteList = PrefixList | AsPathList | CommunityList


@dataclass(frozen=True, slots=True)
class Knobs:
    """A role's BGP attributes, resolved for one placement and the upstream that hears them."""

    local_preference: int
    prepend: int
    communities: tuple[str, ...]
    graceful_shutdown: bool
    announce: bool
    med: int | None = None  # None: what the operator's own policy says
    more_specifics: bool = False  # the class's, announced as well


@dataclass(frozen=True, slots=True)
class Term:
    """One step of a role policy: what it matches (None: everything) and the knobs it sets."""

    match: RouteList | None
    knobs: Knobs


@dataclass(frozen=True, slots=True)
class RolePolicy:
    """A routing policy of one link in one role and one direction, installed ahead of time."""

    name: str
    link: str
    direction: Direction
    base: str | None  # the operator's own policy, called first: what it denies stays denied
    terms: tuple[Term, ...]  # nothing else passes outward; inward the last term matches everything


@dataclass(frozen=True, slots=True)
class Attachment:
    """Which policy a neighbor uses: the one line that a failover changes."""

    neighbor: Address
    family: Family
    direction: Direction
    policy: str


@dataclass(frozen=True, slots=True)
class RouterIntent:
    """All that one router's template needs."""

    router: Router
    prefix_lists: tuple[PrefixList, ...]
    policies: tuple[RolePolicy, ...]
    attachments: tuple[Attachment, ...]
    as_path_lists: tuple[AsPathList, ...] = ()
    community_lists: tuple[CommunityList, ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """One line that a plan adds or removes, with the lines it stands under."""

    added: bool
    context: tuple[str, ...]  # ("router bgp 64500", "address-family ipv4 unicast")
    line: str


@dataclass(frozen=True, slots=True)
class RouterPlan:
    """The difference between intent and what one router runs, and whether it may be applied."""

    router: str
    diff: str  # unified diff as the router's driver shows it; "" when nothing is to change
    candidate: str  # the whole configuration the router would run
    refused: tuple[str, ...] = ()  # the guard's objections; any: nothing is sent
    error: str | None = None  # the router could not be read: what and why


@dataclass(frozen=True, slots=True)
class Unchanged:
    """The router already ran what was intended."""

    router: str
    kind: Literal["unchanged"] = "unchanged"


@dataclass(frozen=True, slots=True)
class Applied:
    """Committed, verified and confirmed."""

    router: str
    diff: str
    push_ms: float  # from the start of the push to the router's acknowledgement
    kind: Literal["applied"] = "applied"


@dataclass(frozen=True, slots=True)
class RolledBack:
    """Committed, found wanting, undone."""

    router: str
    diff: str
    why: str
    kind: Literal["rolled-back"] = "rolled-back"


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing was sent: the guard, or the router moved since the plan was made."""

    router: str
    diff: str
    why: str
    kind: Literal["refused"] = "refused"


@dataclass(frozen=True, slots=True)
class Failed:
    """The router could not be reached, or took nothing."""

    router: str
    why: str
    kind: Literal["failed"] = "failed"


Outcome = Unchanged | Applied | RolledBack | Refused | Failed

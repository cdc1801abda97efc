"""What classes ask of upstreams, in figures. Bits per second; a share is of all traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Fit:
    """How well a class would fit on a choice; the best comes first."""

    short: bool = False  # it does not fit: no room, or too much would depend on one thing
    lack_bps: float = 0.0  # by so much
    dear: bool = False  # it would be billed beyond the commit, which the policy avoids
    why: str = field(default="", compare=False)
    price: tuple[bool, float] = field(default=(False, 0.0), compare=False)  # beyond the commit; per Mbit/s


@dataclass(frozen=True, slots=True)
class Limit:
    """The most of all traffic that may depend on one thing."""

    subject: str
    members: frozenset[str]  # upstreams
    share: float


@dataclass(frozen=True, slots=True)
class Claims:
    """As far as decided when a class is thought of."""

    demand: Mapping[str, float] = field(default_factory=dict)  # class -> what it will carry; unknown: missing
    places: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # class -> upstreams that carry it
    at: Mapping[str, float] = field(default_factory=dict)  # upstream -> claimed by those who come first
    total: float | None = None  # of all classes; None: of one it is not known, so that no share is
    limits: tuple[Limit, ...] = ()
    leaving: Mapping[str, str] = field(default_factory=dict)  # class -> why it is to make room where it is
    bounded: bool = False  # the policy says something of capacity, dependence or cost


FITS = Fit()
NO_CLAIMS = Claims()

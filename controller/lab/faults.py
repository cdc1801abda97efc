"""What can go wrong in the lab: kinds of faults, the places where each makes sense, and their values.

Nothing here does anything: `effects` makes and undoes the faults.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from controller.lab.errors import LabError
from controller.lab.topology import EDGES, LINK, PLACES, ROUTERS, UPSTREAM, Wire


class Kind(StrEnum):
    """What goes wrong."""

    CARRIER = "carrier"  # both ends of the wire lose carrier
    SILENT = "silent"  # carrier stays, every frame dies
    BLACKHOLE = "blackhole"  # BGP, BFD and neighbor discovery pass, everything else dies: sessions stay up
    LOSS = "loss"  # a share of the packets dies
    DELAY = "delay"  # every packet takes longer
    WITHDRAW = "withdraw"  # an upstream stops announcing the internet, or a part of it, to us
    ROUTER = "router"  # bgpd is killed and stays dead
    SSH = "ssh"  # an edge cannot be managed


class Towards(StrEnum):
    """Which way packets go that suffer: away from our AS, towards it, or both."""

    BOTH = "both"
    OUT = "out"
    IN = "in"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault that makes sense."""

    kind: Kind
    place: str
    value: float | None = None  # loss, withdraw: percent; delay: milliseconds
    direction: Towards = Towards.BOTH
    burst_s: float | None = None  # loss in bursts that last so long on average; None: evenly
    until: float | None = None  # monotonic seconds, the same in every process; None: until cleared

    @property
    def id(self) -> str:
        """Distinct among faults that can be there at once; fit for a file name."""
        return f"{self.kind}-{self.place}-{self.direction}"

    @property
    def wires(self) -> tuple[Wire, ...]:
        """The wires that suffer."""
        return PLACES[self.place] if self.kind in _ON_WIRES else ()

    @property
    def spares_bgp(self) -> bool:
        """Whether BGP, BFD and neighbor discovery pass: a fault inside an upstream drops no session."""
        return self.kind is Kind.BLACKHOLE or (self.kind is Kind.LOSS and self.place not in LINK)

    @property
    def routers(self) -> tuple[str, ...]:
        """The routers whose bgpd suffers."""
        if self.kind is Kind.WITHDRAW:
            return (UPSTREAM[self.place].first,)
        if self.kind is Kind.ROUTER:
            upstream = UPSTREAM.get(self.place)
            return (upstream.first, upstream.second) if upstream else (self.place,)
        return ()

    @property
    def claims(self) -> frozenset[str]:
        """What only one fault can have at a time."""
        ways = ("out", "in") if self.direction is Towards.BOTH or self._in_user_space else (self.direction,)
        own = {f"{wire.name} {way}" for wire in self.wires for way in ways}
        return frozenset(own | {f"bgpd of {router}" for router in self.routers}) or frozenset({self.id})

    @property
    def _in_user_space(self) -> bool:
        return self.kind is Kind.DELAY or self.burst_s is not None

    def __str__(self) -> str:
        unit = "ms" if self.kind is Kind.DELAY else "%"
        value = "" if self.value is None else f"={self.value:g}{unit}"
        way = "" if self.direction is Towards.BOTH else f", {self.direction} only"
        bursts = "" if self.burst_s is None else f", in bursts of {self.burst_s * 1000:g} ms"
        return f"{self.kind}{value} at {self.place}{way}{bursts}"


_ON_WIRES = frozenset({Kind.CARRIER, Kind.SILENT, Kind.BLACKHOLE, Kind.LOSS, Kind.DELAY})
_ONE_WAY = _ON_WIRES - {Kind.CARRIER}
_PLACES_OF: dict[Kind, tuple[str, ...]] = dict.fromkeys(_ON_WIRES, tuple(PLACES)) | {
    Kind.WITHDRAW: tuple(UPSTREAM),
    Kind.ROUTER: (*ROUTERS, *UPSTREAM),
    Kind.SSH: EDGES,
}
_EVERY_PLACE = frozenset(place for places in _PLACES_OF.values() for place in places)


def check_place(place: str) -> None:
    """Raise LabError when no fault can be at such a place."""
    if place not in _EVERY_PLACE:
        raise LabError(f"no place is called {place!r}; places are {', '.join(sorted(_EVERY_PLACE))}")


def understand(
    kind: str,
    place: str,
    value: str | float | None = None,
    direction: str = "both",
    *,
    burst_s: float | None = None,
    until: float | None = None,
) -> Fault:
    """The fault that was asked for. Raises LabError saying what does not make sense and what would."""
    try:
        what = Kind(kind)
    except ValueError:
        raise LabError(f"no fault is called {kind!r}; faults are {', '.join(Kind)}") from None
    try:
        towards = Towards(direction)
    except ValueError:
        raise LabError(f"direction is one of {', '.join(Towards)}, not {direction!r}") from None
    check_place(place)
    if place not in _PLACES_OF[what]:
        raise LabError(f"{what} cannot be at {place}; it can at {', '.join(_PLACES_OF[what])}")
    if towards is not Towards.BOTH and what not in _ONE_WAY:
        raise LabError(f"{what} has no direction: it always hits both")
    if burst_s is not None and what is not Kind.LOSS:
        raise LabError(f"{what} does not come in bursts: only loss does")
    if burst_s is not None and burst_s <= 0:
        raise LabError("a burst lasts longer than nothing: --burst 100ms")
    return Fault(what, place, _value(what, value), towards, burst_s, until)


def _value(kind: Kind, given: str | float | None) -> float | None:
    if given is None or given == "":
        if kind in (Kind.LOSS, Kind.DELAY):
            example = "loss=10%" if kind is Kind.LOSS else "delay=50ms"
            raise LabError(f"{kind} needs a value: {example}")
        return None
    if kind not in (Kind.LOSS, Kind.DELAY, Kind.WITHDRAW):
        raise LabError(f"{kind} takes no value")
    unit = "ms" if kind is Kind.DELAY else "%"
    try:
        number = float(str(given).strip().removesuffix(unit))
    except ValueError:
        number = math.nan
    if not 0 < number <= (10_000 if kind is Kind.DELAY else 100):  # NaN fails too
        most = "10000ms" if kind is Kind.DELAY else "100%"
        raise LabError(f"{kind}={given} is not a value above 0{unit} and up to {most}")
    return number

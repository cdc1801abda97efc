"""What is seen of the links: samples, sessions, interfaces, signals, and health made of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from controller.core.model.targets import Family, Target, family_of

USER_PATH = "user-path"  # stands where a link name would: probes with own source, ordinary routing
ANCHORS = "anchors"  # likewise: near addresses that answer unless the controller's own way to anything is bad


class SampleState(StrEnum):
    """What became of a probe. Every probe yields SENT once, then exactly one of the others."""

    SENT = "sent"
    OK = "ok"
    LOST = "lost"  # no reply in time, or the network said unreachable
    INVALID = "invalid"  # the prober's own trouble (late event loop, no buffers): says nothing


@dataclass(frozen=True, slots=True)
class Sample:
    """One measurement of one target through one link (or USER_PATH)."""

    path: str
    target: Target
    seq: int
    sent_at: float
    state: SampleState
    rtt_ms: float | None = None
    detail: str = ""

    @property
    def family(self) -> Family:
        """The target's address family."""
        return family_of(self.target)


@dataclass(frozen=True, slots=True)
class SessionSample:
    """State of a link's BGP session as its router tells it."""

    link: str
    family: Family
    at: float
    established: bool
    accepted_prefixes: int
    detail: str = ""  # the router's own word for the state
    up_s: float | None = None  # established for this long, as its router counts


@dataclass(frozen=True, slots=True)
class Counters:
    """What an interface has counted since some moment of the past; ``in`` is received."""

    octets_in: int
    octets_out: int
    packets_in: int
    packets_out: int
    errors_in: int
    errors_out: int
    discards_in: int
    discards_out: int


@dataclass(frozen=True, slots=True)
class InterfaceSample:
    """State of a link's interface as its router tells it."""

    link: str
    at: float
    is_up: bool
    is_enabled: bool  # False: somebody shut it down
    speed_mbps: float | None = None  # None: the router does not know
    counters: Counters | None = None  # read less often than the state


@dataclass(frozen=True, slots=True)
class SessionSeen:
    """A session in figures, for people."""

    established: bool
    up_s: float | None  # established for this long; None: not, or the router does not say
    accepted_prefixes: int
    usual_prefixes: int | None  # None: not watched for long enough to know


@dataclass(frozen=True, slots=True)
class InterfaceSeen:
    """An interface in figures, for people. None where counters have not been read twice yet."""

    name: str
    is_up: bool
    speed_mbps: float | None
    in_mbps: float | None = None
    out_mbps: float | None = None
    errors_percent: float | None = None  # of packets, the worse direction
    discards_percent: float | None = None
    capacity_mbps: float | None = None  # of the link, as policy has it

    @property
    def load_percent(self) -> float | None:
        """The busier direction in percent of the link's capacity, else of the interface's speed, if known."""
        most = self.capacity_mbps or self.speed_mbps
        if self.in_mbps is None or self.out_mbps is None or not most:
            return None
        return 100 * max(self.in_mbps, self.out_mbps) / most


@dataclass(frozen=True, slots=True)
class LinkSeen:
    """What a link's router says of it, in figures."""

    sessions: Mapping[Family, SessionSeen] = field(default_factory=dict)
    interface: InterfaceSeen | None = None


class Verdict(StrEnum):
    """Verdict on a link."""

    UP = "up"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Signal:
    """What another witness than the probes says of a link, or of one family of it.

    A signal makes a link worse than its probes show, never better: UP takes back what the same ``kind`` said
    before, and counts as evidence only where nothing is probed; UNKNOWN takes back and says nothing. It
    counts for ``fresh_s`` from ``at``; whoever gives it says it again before then.
    """

    link: str
    kind: str  # the witness, fit to be read: "prefixes", "interface", "prometheus latency"
    at: float
    verdict: Verdict
    why: str  # continues "IPv4: ...": "3 of 8 usual prefixes accepted"
    fresh_s: float
    family: Family | None = None  # None: the whole link

    @property
    def speaks_until(self) -> float:
        """From then on it is no evidence."""
        return self.at + self.fresh_s


class Delay(StrEnum):
    """How fast a link that answers is, against what is usual there and what the policy allows."""

    USUAL = "usual"
    SLOW = "slow"  # worse, but not for long enough
    BROWNOUT = "brownout"  # worse for long enough that others are preferred; until clean for as long


# Of the evidence that a verdict of loss needs: so much, and a link is no place to move traffic to.
DOUBTFUL = 1 / 4


@dataclass(frozen=True, slots=True)
class FamilyHealth:
    """Verdict on one address family of a link, with the evidence."""

    verdict: Verdict
    why: str  # "5 of 5 targets silent for 0.42 s"
    silent_s: float | None = None  # a quorum of targets has been silent for at least this long
    ride_out_s: float = 0.0  # for so long it may be; no less than policy says
    loss_percent: float | None = None
    rtt_ms: float | None = None
    answering: int = 0
    targets: int = 0
    suspect: bool = False  # no verdict yet, but it looks as if there will be
    evidence: float = 0.0  # of grey loss, in nats
    threshold: float | None = None  # at which the family is degraded; None: nothing to judge loss by
    delay: Delay = Delay.USUAL
    delay_why: str = ""  # "42 ms more than its usual 31 ms on 4 of 5 targets for 63 s"
    excess_ms: float | None = None  # median round trip above what is usual
    jitter_ms: float | None = None  # from the median to what nine of ten round trips keep within
    tail_ms: float | None = None  # what nine of ten keep within: by this, links are compared
    stale: bool = False  # no answer is so recent that it proves the path alive at this moment
    fades: bool = False  # bad still, but what made it so seems to be over

    @property
    def doubt(self) -> str | None:
        """Why it is no place to move to though it is up, to follow a name; None where nothing speaks so."""
        share = self.evidence / self.threshold if self.threshold else 0.0
        if self.verdict is not Verdict.UP or share < DOUBTFUL:
            return None
        return f"may be losing packets itself ({share:.0%} of the evidence that loss needs)"


@dataclass(frozen=True, slots=True)
class Health:
    """Verdict on a link. The worse family decides: a link that loses IPv6 is not up."""

    link: str
    verdict: Verdict
    since: float
    why: str
    suspect: bool = False  # no verdict yet, but a quorum has gone quiet: not a place to move traffic to
    families: Mapping[Family, FamilyHealth] = field(default_factory=dict)
    delay: Delay = Delay.USUAL  # of the slowest family; usual while the link does not answer
    delay_why: str = ""

    @property
    def doubt(self) -> str | None:
        """Why it is no place to move to though it is up, to follow its name; None where nothing speaks so."""
        return next((part.doubt for part in self.families.values() if part.doubt), None)

    @property
    def stale(self) -> bool:
        """Not proven alive at this moment, in some family: nobody may have asked of late."""
        return any(part.stale for part in self.families.values())

    @property
    def fades(self) -> bool:
        """Degraded or down still, but in no family for anything that goes on."""
        bad = [part for part in self.families.values() if part.verdict in (Verdict.DEGRADED, Verdict.DOWN)]
        return self.verdict in (Verdict.DEGRADED, Verdict.DOWN) and bool(bad) and all(p.fades for p in bad)

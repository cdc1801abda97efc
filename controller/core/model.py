"""The vocabulary of the controller as frozen values. Every layer speaks in these.

Times named ``at``, ``since``, ``now``, ``sent_at`` are monotonic seconds unless the name says ``utc``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import ClassVar, Literal

from controller.core.witnesses import Prometheus, RouterTests

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Family(StrEnum):
    """An address family of BGP (AFI; the SAFI is always unicast)."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


# --- what is probed ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TcpConnect:
    """A connection is opened, and given up at once."""

    kind: ClassVar[str] = "tcp"


@dataclass(frozen=True, slots=True)
class HttpGet:
    """A page is asked for. The host name goes into the Host header and, with TLS, into SNI."""

    host: str
    path: str = "/"  # with the query, if any
    tls: bool = True
    status: int = 200  # any other is not the answer that was asked for
    verify: bool = True  # the certificate, for the host name
    ca_file: str | None = None  # trusted instead of the system's authorities

    kind: ClassVar[str] = "http"

    def authority(self, port: int) -> str:
        """The host, with the port where it is not the usual one (RFC 9110, 4.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if port == (443 if self.tls else 80) else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class DnsQuery:
    """A question to a name server, over UDP."""

    name: str
    rrtype: str = "A"
    rcodes: tuple[str, ...] = ("NOERROR", "NXDOMAIN")  # answers that count

    kind: ClassVar[str] = "dns"


@dataclass(frozen=True, slots=True)
class TwampTest:
    """A test packet, unauthenticated: STAMP (RFC 8762) or TWAMP Light (RFC 5357, appendix I)."""

    kind: ClassVar[str] = "twamp"


Ask = TcpConnect | HttpGet | DnsQuery | TwampTest


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Something other than a pinged address that is probed: where it is, and what is asked of it."""

    address: Address
    port: int
    ask: Ask
    interval_s: float | None = None  # never probed more often than this; None: as often as policy probes
    timeout_s: float | None = None  # None: as long as policy waits

    def __str__(self) -> str:
        match self.ask:
            case HttpGet(path=path, tls=tls) as get:
                return f"{'https' if tls else 'http'}://{get.authority(self.port)}{path} via {self.address}"
            case DnsQuery(name, rrtype):
                return f"dns {name} {rrtype} at {self._place}"
            case TcpConnect() | TwampTest():
                return f"{self.ask.kind} {self._place}"

    @property
    def _place(self) -> str:
        return f"{self.address}:{self.port}" if self.address.version == 4 else f"[{self.address}]:{self.port}"


Target = Address | Endpoint  # an address alone is pinged


def family_of(what: Target | Network) -> Family:
    """The family that an address, a target or a prefix belongs to."""
    where = what.address if isinstance(what, Endpoint) else what
    return Family.IPV4 if where.version == 4 else Family.IPV6


def kind_of(target: Target) -> str:
    """What kind of probe a target gets: icmp, tcp, http, dns or twamp."""
    return target.ask.kind if isinstance(target, Endpoint) else "icmp"


def target_order(target: Target) -> tuple[int, int, str]:
    """A sort key: the same order of targets whatever order they come in."""
    if isinstance(target, Endpoint):
        return target.address.version, int(target.address), repr(target)
    return target.version, int(target), ""


# --- what there is -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Upstream:
    """A provider of transit."""

    name: str
    asn: int
    country: str | None = None  # ISO 3166-1 alpha-2
    shared_risk: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Link:
    """One attachment to an upstream at one router: eBGP sessions, an interface, a way to probe through it."""

    name: str
    router: str
    upstream: str
    interface: str
    neighbors: Mapping[Family, Address]
    probe_source: Mapping[Family, Address]
    probe_device: str | None = None  # SO_BINDTODEVICE, where each link has its own interface
    pinged_by_router: bool = False  # by NAPALM's ping on the router; probe_source is then the router's own
    base_policy_in: str | None = None  # the operator's own policy for this neighbor; role policies call it
    base_policy_out: str | None = None


@dataclass(frozen=True, slots=True)
class Router:
    """A router the controller may change."""

    name: str
    platform: str
    asn: int


@dataclass(frozen=True, slots=True)
class TrafficClass:
    """Own prefixes (inbound) and, where wanted, destinations (outbound) that are steered together.

    A class without destinations steers outbound whatever no other class names; BGP chooses exits by
    destination, so only the first such class in the policy does that.
    """

    name: str
    prefixes: tuple[Network, ...]
    prefer: tuple[str, ...]  # upstream names, best first
    destinations: tuple[Network, ...] = ()
    backups_disjoint: bool = False


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of BGP knobs.

    The ``further_*`` steps are added n-1 times: for backup, n is the place in the queue; for primary, the
    upstream's place in the class's preference.
    """

    name: str
    local_preference: int
    prepend: int = 0
    communities: tuple[str, ...] = ()
    graceful_shutdown: bool = False  # RFC 8326, community 65535:0
    announce: bool = True  # False: own prefixes are not announced over this link
    further_local_preference: int = 0
    further_prepend: int = 0


@dataclass(frozen=True, slots=True, order=True)
class Placement:
    """What a link is to a class: a role, and for backups the place in the queue (1 is next in line)."""

    role: str
    rank: int = 1

    def __str__(self) -> str:
        return self.role if self.rank == 1 else f"{self.role}-{self.rank}"


PRIMARY = "primary"
BACKUP = "backup"
DRAINED = "drained"
WITHDRAWN = "withdrawn"
ROLE_NAMES = (PRIMARY, BACKUP, DRAINED, WITHDRAWN)


@dataclass(frozen=True, slots=True)
class LatencyPolicy:
    """When round trips are so much worse that other links are to be preferred."""

    worse_by_ms: float  # than what is usual for the same target over the same link
    held_s: float  # a brownout once it has lasted for so long, and until it has been clean for as long
    limit_ms: float | None = None  # worse in any case, whatever is usual
    jitter_worse_by_ms: float | None = None  # None: jitter is not watched
    jitter_limit_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Catch:
    """A wish: so much loss is to be noticed within so long."""

    loss_percent: float
    within_s: float


@dataclass(frozen=True, slots=True)
class PrefixPolicy:
    """When a session that is up carries too little: accepted prefixes against their own normal."""

    missing_percent: float = 50.0  # more than this share of the normal gone: degraded; all of it: down
    held_s: float = 10.0  # for this long
    settle_s: float = 180.0  # a new session's table is taken to be loading for at most this long


@dataclass(frozen=True, slots=True)
class InterfacePolicy:
    """When an interface that is up is bad."""

    errors_percent: float = 1.0  # more packets than this are errors, in either direction: degraded
    over_s: float = 30.0


@dataclass(frozen=True, slots=True)
class HealthPolicy:
    """How links are judged."""

    targets: tuple[Target, ...]
    interval_s: float  # between probes of one target through one link, unless it has its own
    timeout_s: float  # a probe unanswered for this long is lost, unless its target has its own
    ride_out_s: float  # outages shorter than this are nobody's business
    false_per_year: float  # false failovers per link that operators put up with
    recover_s: float  # a link that was down or degraded must look well for this long to be up again
    fresh_s: float  # a target not probed for this long has no say; too few with a say: unknown
    latency: LatencyPolicy | None = None  # None: round trips move nothing
    router_ping_s: float = 2.0  # between two pings of one target by a router, where routers ping
    anchors: tuple[Address, ...] = ()  # near: silent only if the controller's own way to anything is bad
    catch: tuple[Catch, ...] = ()  # checked against what can be promised; nothing else follows from it
    prefixes: PrefixPolicy = PrefixPolicy()
    interface: InterfacePolicy = InterfacePolicy()

    def targets_of(self, family: Family) -> tuple[Target, ...]:
        """The targets of one family."""
        return tuple(target for target in self.targets if family_of(target) is family)

    def interval_of(self, target: Target) -> float:
        """Seconds between two probes of this target through one link: no fewer than its own interval."""
        own = target.interval_s if isinstance(target, Endpoint) else None
        return self.interval_s if own is None else max(own, self.interval_s)

    def timeout_of(self, target: Target) -> float:
        """Seconds after which a probe of this target is lost."""
        own = target.timeout_s if isinstance(target, Endpoint) else None
        return self.timeout_s if own is None else own

    def fresh_of(self, target: Target) -> float:
        """Seconds for which this target keeps its say unprobed: longer where it is probed less often."""
        return self.fresh_s * max(1.0, self.interval_of(target) / self.interval_s)


@dataclass(frozen=True, slots=True)
class StabilityPolicy:
    """When a move may happen. Durations in seconds."""

    hold_down_s: float  # between two routine moves of one class
    fail_back_clean_s: float  # clean time a link needs before traffic returns to it
    fail_back_doubles_up_to_s: float  # repeat offenders: the clean time doubles up to this
    fail_back_forgotten_after_s: float  # and is forgotten after this long without a failure
    changes_per_hour: int  # routine moves, all classes together
    escapes_per_hour: int  # moves off a dead path have a budget of their own


@dataclass(frozen=True, slots=True)
class Policy:
    """All that operators wrote, checked."""

    upstreams: Mapping[str, Upstream]
    routers: Mapping[str, Router]
    links: Mapping[str, Link]
    classes: Mapping[str, TrafficClass]  # in the order of the file
    roles: Mapping[str, Role]  # every name in ROLE_NAMES
    health: HealthPolicy
    stability: StabilityPolicy
    when_down: str = DRAINED  # the role of a link that is down: drained or withdrawn
    user_path: Mapping[Family, Address] = field(default_factory=dict)  # own addresses to probe from
    prometheus: Prometheus | None = None
    router_tests: RouterTests | None = None

    def probed_through(self, link: Link) -> tuple[Target, ...]:
        """The targets that are looked at through a link: a router can do no more than ping."""
        targets = self.health.targets
        if link.pinged_by_router:
            return tuple(target for target in targets if not isinstance(target, Endpoint))
        return targets

    def links_of(self, upstream: str) -> tuple[Link, ...]:
        """The links of one upstream, in the order of the inventory."""
        return tuple(link for link in self.links.values() if link.upstream == upstream)


# --- what is seen ------------------------------------------------------------------------------

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

    @property
    def load_percent(self) -> float | None:
        """The busier direction in percent of the interface's speed, where that is known."""
        if self.in_mbps is None or self.out_mbps is None or not self.speed_mbps:
            return None
        return 100 * max(self.in_mbps, self.out_mbps) / self.speed_mbps


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


# --- what is decided ---------------------------------------------------------------------------

# What is left out or not believed (see rules/vantage.py) -> until when.
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


# --- what a router needs -----------------------------------------------------------------------


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

    @property
    def ipv4(self) -> tuple[Network, ...]:
        """The IPv4 prefixes."""
        return tuple(p for p in self.prefixes if p.version == 4)

    @property
    def ipv6(self) -> tuple[Network, ...]:
        """The IPv6 prefixes."""
        return tuple(p for p in self.prefixes if p.version == 6)


@dataclass(frozen=True, slots=True)
class Knobs:
    """A role's BGP attributes, resolved for one placement."""

    local_preference: int
    prepend: int
    communities: tuple[str, ...]
    graceful_shutdown: bool
    announce: bool


@dataclass(frozen=True, slots=True)
class Term:
    """One step of a role policy: what it matches (None: everything) and the knobs it sets."""

    prefix_list: PrefixList | None
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


@dataclass(frozen=True, slots=True)
class Change:
    """One line that a plan adds or removes, with the lines it stands under."""

    added: bool
    context: tuple[str, ...]  # ("router bgp 64500", "address-family ipv4 unicast")
    line: str


# --- what happened on a router -----------------------------------------------------------------


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

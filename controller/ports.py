"""What the loop needs from the world, as Protocols. Adapters implement them; nothing here does anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from controller.core.model import (
    NOTHING_KNOWN,
    Address,
    Assignment,
    Attachment,
    ControlState,
    Decision,
    Family,
    Health,
    InterfaceSample,
    LinkSeen,
    Outcome,
    Override,
    RouterIntent,
    RouterPlan,
    Sample,
    SampleState,
    SessionSample,
    Signal,
    Target,
    Traffic,
)
from controller.core.percentile import Average
from controller.core.samples import Seconds
from controller.core.sight import Sight
from controller.core.turn import Turn


class Clock(Protocol):
    """Time, so that tests can own it."""

    def now(self) -> float:
        """Monotonic seconds: for durations."""
        ...

    def utc(self) -> float:
        """Seconds since the epoch: for people and for records that outlive a boot."""
        ...


@dataclass(frozen=True, slots=True)
class ProbePath:
    """One way to probe: a source per family (or a device), and the targets to look at through it."""

    name: str  # link name, or model.USER_PATH
    sources: Mapping[Family, Address]
    targets: tuple[Target, ...]
    device: str | None = None
    any_source: bool = False  # where no source is given: whatever this host chooses


class Prober(Protocol):
    """Measures; never judges. Sends each path's targets a probe every interval, evenly spread."""

    async def start(self, paths: Sequence[ProbePath], interval_s: float, timeout_s: float) -> None:
        """Open sockets and begin. Raises ProbeError with what is missing (capability, address, device)."""
        ...

    def pace(self, path: str, interval_s: float) -> None:
        """Probe this path's targets at this interval from now on, none more often than its own interval.

        A path that is not probed is ignored.
        """
        ...

    async def samples(self, within_s: float) -> Sequence[Sample]:
        """All samples since the last call, oldest first; waits at most ``within_s`` for the first of them."""
        ...

    @property
    def heard_until(self) -> float:
        """Monotonic seconds: answers that had come by then are in the samples handed out by the last call.

        Silence is judged as of then. A process that was held up has answers waiting that nobody has read.
        """
        ...

    async def stop(self) -> None:
        """Stop sending and close the sockets."""
        ...


class ProbeError(Exception):
    """Probing cannot work as configured; the message says what to do."""


class SignalSource(Protocol):
    """Another witness of links than the prober, asked now and then: a metrics server, or the routers."""

    @property
    def name(self) -> str:
        """What people call it: "prometheus at metrics.example"."""
        ...

    @property
    def every_s(self) -> float:
        """Between two readings, from start to start."""
        ...

    async def read(self) -> Sequence[Signal | Sample]:
        """What it says now; times are the loop's clock's. Raises SourceError when it says nothing.

        A reading that takes too long is cancelled: it must leave nothing running behind.
        """
        ...


@dataclass(frozen=True, slots=True)
class Pinged:
    """What became of one ping that a router sent. ``state`` is never SENT."""

    target: Address
    sent_at: float  # monotonic, as near as can be told from here
    state: SampleState
    rtt_ms: float | None = None
    detail: str = ""


class Pinger(Protocol):
    """Routers that ping, where there is no address to probe from."""

    async def ping(self, link: str, targets: Sequence[Address], timeout_s: int) -> Sequence[Pinged]:
        """One ping of each target by the link's router, from its own address on the link (or `probe_source`).

        Raises SourceError when the router cannot be asked.
        """
        ...


@dataclass(frozen=True, slots=True)
class RouterResult:
    """What a router shows of the last run of a test of its own."""

    loss_percent: float
    rtt_ms: float | None  # None: nothing came back
    mark: str  # differs when the router shows something else than before


class ResultReader(Protocol):
    """Routers that measure by themselves."""

    async def results(self, router: str) -> Mapping[tuple[str, str], RouterResult]:
        """By probe and test; those without a completed run are left out. Raises SourceError."""
        ...


class SourceError(Exception):
    """A source could not be read; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class RouterState:
    """What one router told when read; ``error`` instead, when it told nothing."""

    router: str
    config: str = ""
    attachments: tuple[Attachment, ...] = ()
    sessions: tuple[SessionSample, ...] = ()
    pending_commit: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Polled:
    """What one router told when polled."""

    sessions: tuple[SessionSample, ...] = ()
    interfaces: tuple[InterfaceSample, ...] = ()  # of links whose interface the router has


class Renderer(Protocol):
    """Intent to the text of everything the controller owns on that router."""

    def render(self, intent: RouterIntent) -> str:
        """Configuration text in the platform's canonical form. Raises RenderError: template, line, why."""
        ...


class RenderError(Exception):
    """A template is broken or asks for something the intent does not have."""


class Fleet(Protocol):
    """The routers. No method raises for one router's trouble: that is in its result."""

    async def read(self, routers: Sequence[str]) -> Mapping[str, RouterState]:
        """Running configuration, attachments, BGP sessions and pending commit of each router, in parallel."""
        ...

    async def poll(self, routers: Sequence[str], *, counters: bool = False) -> Mapping[str, Polled | None]:
        """BGP sessions, and interfaces with their counters if asked. None: the router did not answer.

        Cheap enough for twice a second.
        """
        ...

    async def plan(self, wanted: Mapping[str, RouterIntent]) -> Mapping[str, RouterPlan]:
        """The real per-router diff, guarded; changes nothing."""
        ...

    async def rehearse(self, wanted: Mapping[str, RouterIntent]) -> None:
        """Load and review ahead what a ``change`` may soon ask for; a router where that fails is left out."""
        ...

    async def change(
        self, wanted: Mapping[str, RouterIntent], message: str
    ) -> Mapping[str, tuple[RouterPlan, Outcome]]:
        """Plan and, where the guard agrees, commit in one go, with a revert timer armed on the router.

        Applied means: committed, not confirmed yet. The failover path: as few round trips as there can be.
        """
        ...

    async def push(self, plans: Sequence[RouterPlan], message: str) -> Mapping[str, Outcome]:
        """Commit exactly these plans, refused where the router moved since; as ``change`` otherwise."""
        ...

    async def confirm(self, routers: Sequence[str]) -> Mapping[str, str | None]:
        """Keep what was pushed; None or what went wrong."""
        ...

    async def rollback(self, routers: Sequence[str]) -> Mapping[str, str | None]:
        """Undo what was pushed and not confirmed; None or what went wrong."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


@dataclass(frozen=True, slots=True)
class Record:
    """One decision as kept: what was thought, what was done."""

    number: int
    utc: float
    now: float  # the monotonic clock at ``utc``, on the boot that wrote the record
    decision: Decision
    outcomes: tuple[Outcome, ...] = ()
    health: tuple[Health, ...] = ()
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    turns: tuple[Turn, ...] = ()  # verdicts that changed since the record before


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the loop sees and intends right now, for ``status`` and for a ``plan`` beside a running loop."""

    utc: float
    now: float
    pid: int
    dry_run: bool
    policy_fingerprint: str
    sentence: str
    health: tuple[Health, ...] = ()
    decision: Decision | None = None
    memory: ControlState = field(default_factory=ControlState)
    current: Assignment = field(default_factory=dict)
    router_errors: Mapping[str, str] = field(default_factory=dict)
    seen: Mapping[str, LinkSeen] = field(default_factory=dict)  # what routers say of their links
    overrides: tuple[Override, ...] = ()  # what people ordered
    traffic: Traffic = NOTHING_KNOWN


class Store(Protocol):
    """What outlives the process."""

    def save_state(self, state: ControlState, now: float, utc: float) -> None:
        """Keep what ``decide`` must remember; monotonic times are converted to UTC."""
        ...

    def load_state(self, now: float, utc: float) -> ControlState:
        """The state last saved, its times converted to this process's monotonic clock."""
        ...

    def overrides(self, now: float, utc: float) -> Sequence[Override]:
        """What people ordered and is in force, its times converted to this process's monotonic clock."""
        ...

    def append(
        self,
        decision: Decision,
        outcomes: Sequence[Outcome],
        health: Sequence[Health],
        timings_ms: Mapping[str, float],
        now: float,
        utc: float,
        turns: Sequence[Turn] = (),
    ) -> int:
        """Record a decision, and the verdicts that changed before it; returns its number."""
        ...

    def put_snapshot(self, snapshot: Snapshot) -> None:
        """Replace what ``status`` shows."""
        ...

    def save_learned(self, what: str, learned: Mapping[str, Mapping[str, Any]]) -> None:
        """Replace what was learned of the links, under a name: JSON values, and no monotonic times."""
        ...

    def load_learned(self, what: str) -> Mapping[str, Mapping[str, Any]]:
        """What was last saved under that name; nothing if nothing was."""
        ...

    def keep_usage(self, averages: Sequence[Average], first_slot: int) -> None:
        """Add what links carried in five minutes each; what is older than ``first_slot`` is forgotten."""
        ...

    def load_usage(self, first_slot: int) -> Sequence[Average]:
        """What is kept from that slot on."""
        ...


class SampleStore(Protocol):
    """What was sampled, for graphs and backtests. Nothing depends on it."""

    async def keep(self, seconds: Sequence[Seconds], utc: float) -> None:
        """Add these to what is kept, all or nothing, without holding up the event loop. Raises StoreError."""
        ...

    async def show(self, look: Callable[[], Sight]) -> None:
        """Replace what is shown to those who look beside the loop; ``look`` is called off the loop too."""
        ...


class StoreError(Exception):
    """The record cannot be read or written: which file, and why."""

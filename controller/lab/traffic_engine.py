"""The traffic meter's own process: sockets in both hosts' namespaces, one thread, one clock.

Each flow goes one way only, with nothing coming back: a loss is therefore known to have happened on the way
out or on the way in, where an echo would blame the two together.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import os
import secrets
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from pyroute2 import netns

from controller.core.model import Address, Family, family_of
from controller.lab.errors import LabError
from controller.lab.namespaces import netns_path
from controller.lab.topology import ECHO_HOSTS, LAN_ADDRESSES
from controller.lab.traffic_ledger import FlowLedger, Pacer
from controller.lab.traffic_report import FlowNow, FlowReport, TrafficReport, Way, Window

UDP_PORT = 47000
PAYLOAD_BYTES = 160  # 20 ms of telephony (G.711)
LIVE_EVERY_S = 0.2
LIVE_SETTLE_S = 0.25  # live counters speak of the second that ended this long ago
RECEIVE_BUFFER_BYTES = 2**20  # several seconds of a flow, should this process be stalled
PACKETS_A_TURN = 64  # read from one socket before the schedule is looked at again
ADDRESS_WAIT_S = 3.0  # IPv6 addresses cannot be used until duplicate address detection is done
NICENESS = -10  # a busy machine must not look like a lossy network

_HEADER = struct.Struct("!QBQ")  # run, flow, sequence number
_SO_RCVBUFFORCE = 33  # asm/socket.h
_NS = 1_000_000_000

Emit = Callable[[str, Any], None]  # takes the kind of a message and its plain value


@dataclass(frozen=True, slots=True)
class Settings:
    """What to measure."""

    lab: str
    rate: float  # packets a second and flow
    families: tuple[Family, ...]
    grace_s: float  # a packet that has not arrived after this long is lost


@dataclass(slots=True)
class Flow:
    """One flow: where its packets leave, where they arrive, and its ledger."""

    number: int
    way: Way
    family: Family
    sender: socket.socket
    receiver: socket.socket
    destination: tuple[str, int]
    ledger: FlowLedger = field(default_factory=FlowLedger)
    unsent: int = 0
    unsent_why: str = ""

    def send(self, run: int) -> None:
        """Send the next packet; one that the kernel does not take is sent and lost, as it is for users."""
        if self.ledger.full:
            return
        seq = self.ledger.sent(time.monotonic())
        packet = _HEADER.pack(run, self.number, seq).ljust(PAYLOAD_BYTES, b"\0")
        try:
            self.sender.sendto(packet, self.destination)
        except OSError as error:
            self.unsent += 1
            self.unsent_why = error.strerror or str(error)


class Engine:
    """Sends, receives, counts. Raises LabError when the sockets cannot be had."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._run = secrets.randbits(64)  # packets of another run are strangers
        self.flows = tuple(_open_flows(settings))
        self._pacer = Pacer(time.monotonic_ns(), round(_NS / settings.rate))
        self._receivers = {flow.receiver.fileno(): flow.receiver for flow in self.flows}
        self.started_at = time.monotonic()
        self.stopped_at: float | None = None
        self._buffer = memoryview(bytearray(PAYLOAD_BYTES + 1))

    def turn(self, until: float, other_fd: int | None = None) -> bool:
        """Wait for packets, the schedule, ``until`` or ``other_fd``; whether the last is readable."""
        readers = [*self._receivers, *([] if other_fd is None else [other_fd])]
        if self.stopped_at is None:
            until = min(until, self._pacer.next_ns / _NS)
        # select() and not epoll: its timeout counts in microseconds, epoll's in milliseconds.
        readable = select.select(readers, [], [], max(0.0, until - time.monotonic()))[0]
        if self.stopped_at is None:
            for _ in range(self._pacer.due(time.monotonic_ns())):
                for flow in self.flows:
                    flow.send(self._run)
        for fd in readable:
            if fd in self._receivers:
                self._receive(self._receivers[fd])
        return other_fd in readable

    def stop(self) -> None:
        """Send no more; packets on their way are still received."""
        if self.stopped_at is None:
            self.stopped_at = time.monotonic()

    @property
    def settled(self) -> bool:
        """After :meth:`stop`: every packet has arrived or is lost by now."""
        if self.stopped_at is None:
            return False
        now = time.monotonic()
        young = (self.stopped_at - self.settings.grace_s, self.stopped_at, now - self.settings.grace_s)
        return all(flow.ledger.window("", *young).in_flight == 0 for flow in self.flows)

    def report(self, windows: Sequence[Window]) -> TrafficReport:
        """These windows of every flow; windows without an end, and ends to come, end now."""
        now = time.monotonic()
        latest = now if self.stopped_at is None else self.stopped_at
        settled_before = now - self.settings.grace_s
        flows = (
            FlowReport(
                way=flow.way,
                family=flow.family,
                windows=tuple(
                    flow.ledger.window(
                        label, start, latest if end is None else min(end, latest), settled_before
                    )
                    for label, start, end in windows
                ),
                unsent=flow.unsent,
                unsent_why=flow.unsent_why,
                truncated=flow.ledger.full,
            )
            for flow in self.flows
        )
        return TrafficReport(tuple(flows), self._pacer.skipped, self._pacer.late_ns / 1e6)

    def live(self) -> tuple[FlowNow, ...]:
        """Every flow as it is now."""
        now = time.monotonic()
        end = now - LIVE_SETTLE_S
        return tuple(self._flow_now(flow, now, end) for flow in self.flows)

    def _flow_now(self, flow: Flow, now: float, end: float) -> FlowNow:
        second = flow.ledger.window("", end - 1, end)
        heard = flow.ledger.last_received_at
        return FlowNow(
            way=flow.way,
            family=flow.family,
            sent=second.sent,
            received=second.received,
            lost=second.lost,
            silent_ms=1000 * (now - (self.started_at if heard is None else heard)),
            total_sent=len(flow.ledger),
            total_received=flow.ledger.received_total,
        )

    def _receive(self, receiver: socket.socket) -> None:
        for _ in range(PACKETS_A_TURN):
            try:
                size = receiver.recv_into(self._buffer)
            except BlockingIOError:
                return
            now = time.monotonic()
            if size != PAYLOAD_BYTES:
                continue
            run, number, seq = _HEADER.unpack_from(self._buffer)
            if run == self._run and self.flows[number].receiver is receiver:
                self.flows[number].ledger.received(seq, now)


def serve(settings: Settings, emit: Emit, commands_fd: int, stop_after_s: float) -> None:
    """Measure until told to stop, ``commands_fd`` closes, or ``stop_after_s`` is over.

    Commands are lines of JSON: ``{"do": "report"|"stop", "windows": [[label, start, end or null], ...]}``.
    ``emit`` gets ``ready``, then ``live`` again and again, and ``report`` when asked and in the end.
    Raises LabError when the sockets cannot be had.
    """
    _stay_calm()
    engine = Engine(settings)
    emit("ready", {"started_at": engine.started_at})
    commands = Commands(commands_fd)
    next_live = engine.started_at
    final: list[Window] = [("all", engine.started_at, None)]
    while not engine.settled:
        if engine.turn(next_live, commands.fd):
            for command in commands.read():
                if command["do"] == "stop":
                    engine.stop()
                    final = command["windows"]
                else:
                    emit("report", engine.report(command["windows"]).to_dict())
            if commands.fd is None:
                return  # nobody is left to tell
        now = time.monotonic()
        if now >= next_live:
            next_live = now + LIVE_EVERY_S
            emit("live", [asdict(flow) for flow in engine.live()])
        if now >= engine.started_at + stop_after_s:
            engine.stop()
    emit("report", engine.report(final).to_dict())


class Commands:
    """Lines of JSON from a pipe, read when there are any; ``fd`` is None once it is closed."""

    def __init__(self, fd: int) -> None:
        self.fd: int | None = fd
        self._rest = b""

    def read(self) -> list[dict[str, Any]]:
        """The commands that have arrived in full."""
        if self.fd is None:
            return []
        piece = os.read(self.fd, 65536)
        if not piece:
            self.fd = None
        *lines, self._rest = (self._rest + piece).split(b"\n")
        return [json.loads(line) for line in lines]


def _stay_calm() -> None:
    """Keep out of the way of what is measured: ahead of other processes, no pauses to collect garbage."""
    with contextlib.suppress(PermissionError):  # then it measures all the same, a little less steadily
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    gc.collect()
    gc.disable()  # nothing here makes cycles


def _open_flows(settings: Settings) -> Iterator[Flow]:
    for family in settings.families:
        users_at = next(i.ip for i in LAN_ADDRESSES["users"] if family_of(i.ip) is family)
        internet_at = next(address for address in ECHO_HOSTS if family_of(address) is family)
        users = _open_socket(settings.lab, "users", users_at)
        internet = _open_socket(settings.lab, "internet", internet_at)
        number = 2 * settings.families.index(family)
        yield Flow(number, Way.OUT, family, users, internet, (str(internet_at), UDP_PORT))
        yield Flow(number + 1, Way.IN, family, internet, users, (str(users_at), UDP_PORT))


def _open_socket(lab: str, node: str, address: Address) -> socket.socket:
    """A socket that lives in the node's namespace for good, whatever namespace this process is in."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    netns.pushns()  # remembers where we are
    try:
        netns.setns(str(netns_path(lab, node)), flags=0)  # flags=0: do not create a namespace that is missing
        # Not connected: the pending error of an ICMP message would make the kernel refuse the next packet.
        opened = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    except FileNotFoundError as error:
        raise LabError(f"lab {lab} is not up: failover lab up --name {lab}") from error
    except PermissionError as error:
        raise LabError("entering the lab's network namespaces needs root") from error
    finally:
        netns.popns()
    opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
    _bind(opened, address, f"{lab}-{node}")
    return opened


def _bind(unbound: socket.socket, address: Address, where: str) -> None:
    give_up = time.monotonic() + ADDRESS_WAIT_S
    while True:
        try:
            unbound.bind((str(address), UDP_PORT))
        except OSError as error:
            if error.errno == errno.EADDRNOTAVAIL and time.monotonic() < give_up:
                time.sleep(0.05)
                continue
            hint = "is another meter running?" if error.errno == errno.EADDRINUSE else "is the lab healthy?"
            raise LabError(f"cannot use {address} in {where}: {error.strerror}; {hint}") from error
        return

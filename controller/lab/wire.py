"""A wire in user space, for kernels without netem: ``python -m controller.lab.wire --help``.

It moves frames between two interfaces of one namespace, and on the way delays them or loses some, in both
directions or in one. It takes interfaces out of their bridge when it begins and puts them back on SIGTERM or
SIGINT, with next to no frame lost or doubled either time; a wire that was killed outright cannot, and leaves
that to whoever killed it.

Frames cross with the kernel's own notes on them (PACKET_VNET_HDR, linux/if_packet.h): a checksum that virtual
interfaces have not filled in yet, or one large frame that stands for many segments of TCP, arrive as they
were sent. Loss therefore counts such a large frame as one. VLAN tags are not supported.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import math
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from types import FrameType

from pyroute2 import IPRoute, netns
from pyroute2.netlink.exceptions import NetlinkError

from controller.lab.wire_model import DelayLine, Loss, loss_model

READY = "ready"  # the one line on standard output that says the wire carries frames

# linux/if_packet.h, linux/if_ether.h, asm/socket.h: Python's socket module does not name these.
ETH_P_ALL = 0x0003
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP = 1
PACKET_MR_PROMISC = 1
PACKET_VNET_HDR = 15
PACKET_IGNORE_OUTGOING = 23
SO_RCVBUFFORCE = 33

RECEIVE_BUFFER_BYTES = 4 * 2**20  # rides out a scheduling stall of a second or so
LARGEST_FRAME_BYTES = 2**18  # GSO frames: 64 KiB by default, more with BIG TCP
FRAMES_A_TURN = 64  # read from one port before the other gets its turn


class WireError(Exception):
    """The wire cannot be laid; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Direction:
    """What one direction does to frames."""

    loss: Loss
    line: DelayLine


@dataclass(slots=True)
class Counts:
    """What became of the frames of one direction."""

    carried: int = 0
    lost: int = 0  # by the loss asked for
    overflowed: int = 0  # the queue was full
    unsendable: int = 0  # the far interface was down or took no more

    def __str__(self) -> str:
        return (
            f"{self.carried} carried, {self.lost} lost as asked, "
            f"{self.overflowed} for want of room, {self.unsendable} not taken by the interface"
        )


class Port:
    """One end of the wire: a raw socket that sees frames arriving at an interface and none leaving it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.index = socket.if_nametoindex(name)
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        self.socket.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        self.socket.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RECEIVE_BUFFER_BYTES)
        promiscuous = struct.pack("iHH8s", self.index, PACKET_MR_PROMISC, 0, b"")
        self.socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, promiscuous)
        self.socket.bind((name, ETH_P_ALL))  # frames queue from here on
        self._buffer = memoryview(bytearray(LARGEST_FRAME_BYTES))

    def fileno(self) -> int:
        """For select."""
        return self.socket.fileno()

    def receive(self) -> bytes | None:
        """The next frame, the kernel's notes in front; None when there is none.

        Raises WireError when the interface is gone.
        """
        try:
            size = self.socket.recv_into(self._buffer)
        except BlockingIOError:
            return None
        except OSError as error:
            if error.errno != errno.ENETDOWN:
                raise
            self._check_still_there()  # down is a state of wires that passes; gone is not
            return None
        return bytes(self._buffer[:size])

    def send(self, frame: bytes) -> bool:
        """Hand a frame to the interface; False when it does not take it."""
        try:
            self.socket.send(frame)
        except OSError:  # down, full, or the frame is larger than its MTU: a wire has nobody to tell
            return False
        return True

    def _check_still_there(self) -> None:
        with contextlib.suppress(OSError):
            if socket.if_nametoindex(self.name) == self.index:
                return
        raise WireError(f"interface {self.name} is gone")


class Wire:
    """Two ports and what happens between them, until :meth:`stop`."""

    def __init__(self, port_a: Port, port_b: Port, a_to_b: Direction, b_to_a: Direction) -> None:
        self._hops = ((port_a, port_b, a_to_b, Counts()), (port_b, port_a, b_to_a, Counts()))
        self._stopped = False
        self._wake_reader, self._wake_writer = socket.socketpair()

    @property
    def counts(self) -> tuple[Counts, Counts]:
        """Counts of a-to-b and b-to-a."""
        return self._hops[0][3], self._hops[1][3]

    def stop(self) -> None:
        """Let :meth:`run` return; may be called from a signal handler or another thread."""
        self._stopped = True
        self._wake_writer.send(b"x")

    def run(self) -> None:
        """Carry frames until stopped, then let go at once what is still delayed.

        Raises WireError when an interface is gone.
        """
        readers = [reader.fileno() for reader in (self._hops[0][0], self._hops[1][0], self._wake_reader)]
        while not self._stopped:
            dues = [due for *_, way, _ in self._hops if (due := way.line.next_due) is not None]
            # select() and not epoll: its timeout counts in microseconds, epoll's in milliseconds.
            select.select(readers, [], [], max(0.0, min(dues) - time.monotonic()) if dues else None)
            self.carry()
        self.carry(at_once=True)

    def carry(self, *, at_once: bool = False) -> None:
        """Take in what waits at the ports and send what is due, or everything."""
        for source, sink, way, counts in self._hops:
            for _ in range(FRAMES_A_TURN):
                frame = source.receive()
                if frame is None:
                    break
                now = time.monotonic()
                if way.loss.lost(now):
                    counts.lost += 1
                elif not way.line.push(frame, now):
                    counts.overflowed += 1
                self._send_due(sink, way, counts, now)
            self._send_due(sink, way, counts, math.inf if at_once else time.monotonic())

    def drain(self) -> None:
        """Forget what waits at the ports: somebody else has carried it."""
        for source, *_ in self._hops:
            while source.receive() is not None:
                pass

    @staticmethod
    def _send_due(sink: Port, way: Direction, counts: Counts, now: float) -> None:
        for frame in way.line.pop_due(now):
            if sink.send(frame):
                counts.carried += 1
            else:
                counts.unsendable += 1


@contextlib.contextmanager
def taken_from_bridges(wire: Wire, ports: Sequence[Port]) -> Iterator[None]:
    """Both ports out of the bridges they are in, and back in the end.

    Sockets already listen when the bridge lets go, and still do when it takes over again, so that every
    frame is carried by one of the two; one that arrives within the millisecond of the change may be carried
    by both. Raises WireError when an interface cannot leave its bridge or go back.
    """
    with IPRoute() as kernel:
        masters = {port: link.get("master") for port in ports for link in kernel.get_links(port.index)}
        bridges = {port: bridge for port, bridge in masters.items() if bridge is not None}
        wire.drain()
        _set_masters(kernel, dict.fromkeys(bridges, 0))
    try:
        yield
    finally:
        with IPRoute() as kernel:
            _set_masters(kernel, bridges)
        wire.carry(at_once=True)


def _set_masters(kernel: IPRoute, masters: Mapping[Port, int]) -> None:
    failed = []
    for port, master in masters.items():
        try:
            kernel.link("set", index=port.index, master=master)
        except NetlinkError as error:  # the other port has a right to be tried all the same
            failed.append(f"{port.name}: {error}")
    if failed:
        raise WireError("cannot move in or out of its bridge: " + "; ".join(failed))


def main(arguments: Sequence[str] | None = None) -> int:
    """Lay the wire that the command line asks for; 0 when told to stop, 1 when it broke, 2 for bad wishes."""
    parser = _parser()
    wish = parser.parse_args(arguments)
    try:
        ways = _directions(wish)
    except ValueError as error:
        parser.error(str(error))
    try:
        _carry(wish, ways)
    except WireError as error:
        sys.stderr.write(f"wire: {error}\n")
        return 1
    return 0


def _carry(wish: argparse.Namespace, ways: tuple[Direction, Direction]) -> None:
    ports = _open_ports(wish.netns, (wish.port_a, wish.port_b))
    wire = Wire(*ports, *ways)

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        wire.stop()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    with taken_from_bridges(wire, ports):
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        wire.run()
    for name, counts in zip(("a-to-b", "b-to-a"), wire.counts, strict=True):
        sys.stdout.write(f"{name}: {counts}\n")


def _open_ports(namespace: str, names: tuple[str, str]) -> tuple[Port, Port]:
    """Enter the namespace and listen on both interfaces. Raises WireError with what is missing."""
    try:
        netns.setns(namespace, flags=0)  # flags=0: without it a namespace that is missing would be created
    except FileNotFoundError as error:
        raise WireError(f"there is no network namespace {namespace}; `ip netns` lists them") from error
    except PermissionError as error:
        raise WireError("entering a network namespace and reading raw frames need root") from error
    try:
        return Port(names[0]), Port(names[1])
    except OSError as error:
        present = ", ".join(name for _, name in socket.if_nameindex())
        wanted = " and ".join(names)
        raise WireError(f"cannot listen on {wanted}: {error}; {namespace} has {present}") from error


def _directions(wish: argparse.Namespace) -> tuple[Direction, Direction]:
    """What happens a to b and b to a. Raises ValueError for wishes that cannot be met."""
    if wish.port_a == wish.port_b:
        raise ValueError("a wire has two different ports")
    rng = Random(wish.seed)
    burst_s = None if wish.burst_ms is None else wish.burst_ms / 1000

    def way(name: str) -> Direction:
        if wish.direction not in {name, "both"}:
            return Direction(loss_model(0.0, rng), DelayLine(0.0, 0.0, rng))
        return Direction(
            loss_model(wish.loss, rng, mean_burst=wish.burst, mean_burst_s=burst_s),
            DelayLine(wish.delay_ms / 1000, wish.jitter_ms / 1000, rng),
        )

    return way("a-to-b"), way("b-to-a")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m controller.lab.wire",
        description="Carries frames between two interfaces of a namespace, delays them and loses some. "
        f"Prints '{READY}' when it does, and runs until SIGTERM.",
    )
    parser.add_argument("--netns", required=True, help="the network namespace both interfaces are in")
    parser.add_argument("--port-a", required=True, metavar="IF", help="one end")
    parser.add_argument("--port-b", required=True, metavar="IF", help="the other end")
    parser.add_argument(
        "--delay-ms", type=float, default=0.0, metavar="MS", help="held back for this long (0)"
    )
    parser.add_argument(
        "--jitter-ms", type=float, default=0.0, metavar="MS", help="give or take this; order is kept (0)"
    )
    parser.add_argument(
        "--loss", type=_percent, default=0.0, metavar="P%", help="the long-run share lost (0%%)"
    )
    parser.add_argument("--burst", type=float, metavar="N", help="lost in bursts of N frames on average")
    parser.add_argument("--burst-ms", type=float, metavar="MS", help="lost in bursts that last MS on average")
    parser.add_argument(
        "--direction",
        choices=("both", "a-to-b", "b-to-a"),
        default="both",
        help="where all this happens; the other direction is carried untouched (both)",
    )
    parser.add_argument("--seed", type=int, metavar="N", help="repeats a run's chances exactly")
    return parser


def _percent(text: str) -> float:
    """A share from '10%' or '10'."""
    try:
        return float(text.removesuffix("%")) / 100
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a percentage such as 10%") from None


if __name__ == "__main__":
    sys.exit(main())

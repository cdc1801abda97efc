"""TCP connect: whether a SYN gets there, and its SYN-ACK back.

The kernel opens the connection and times the handshake (TCP_INFO, tcp(7)), so a busy loop blurs nothing. As
soon as its fate is known the connection is reset (SO_LINGER 0): the far end keeps no state, nor do we.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from controller.core.model import Address, Family, Target, family_of
from controller.probes.messages import Answer, Arrival, Failure, Slot
from controller.probes.sockets import begin_connection, check_way
from controller.probes.wire import Ancillary, Mouth, Received, Wire

MOST_OPEN: Final = 1024  # connections a source: beyond that the prober is in trouble, and says so

# linux/tcp.h, struct tcp_info: eight single bytes, then 32-bit counters.
_TCP_INFO_LEN: Final = 104
_RTT_US: Final = struct.Struct("@68xI")
_RETRANSMITTED: Final = struct.Struct("@100xI")


@dataclass(frozen=True, slots=True)
class _Attempt:
    sock: socket.socket
    slot: Slot
    sequence: int
    proof: bytes
    began: float


class TcpWire:
    """Connections from one source or device."""

    def __init__(self, family: Family, source: Address | None, device: str | None) -> None:
        self._family, self._source, self._device = family, source, device
        self._epoll = select.epoll()
        self._attempts: dict[int, _Attempt] = {}  # by descriptor
        self._descriptors: dict[int, int] = {}  # by sequence

    @property
    def ident(self) -> int:
        """Tells this wire from others of its kind."""
        return self._epoll.fileno()

    def fileno(self) -> int:
        """The descriptor that is readable when a connection has come to something."""
        return self._epoll.fileno()

    def compose(self, slot: Slot, number: int) -> tuple[bytes, bytes]:
        """The number, by which the attempt is known."""
        del slot
        proof = number.to_bytes(8)
        return proof, proof

    def send(self, packet: bytes, slot: Slot, ancillary: Ancillary) -> None:
        """Begin a connection. Raises OSError as the kernel puts it."""
        del ancillary
        if len(self._attempts) >= MOST_OPEN:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        began = time.monotonic()
        sock = begin_connection(self._family, self._source, self._device, slot.destination, slot.port)
        sequence = int.from_bytes(packet) & 0xFFFF
        self._attempts[sock.fileno()] = _Attempt(sock, slot, sequence, packet, began)
        self._descriptors[sequence] = sock.fileno()
        self._epoll.register(sock.fileno(), select.EPOLLOUT)

    def receive(self) -> Received:
        """What became of connections, in no order."""
        return Received([self._outcome(descriptor) for descriptor, _ in self._epoll.poll(0)])

    def forget(self, sequences: Iterable[int]) -> None:
        """Give up these connections."""
        for sequence in sequences:
            descriptor = self._descriptors.get(sequence)
            if descriptor is not None:
                self._take(descriptor).sock.close()

    def close(self) -> None:
        """Give up everything."""
        self.forget(list(self._descriptors))
        self._epoll.close()

    def _take(self, descriptor: int) -> _Attempt:
        attempt = self._attempts.pop(descriptor)
        del self._descriptors[attempt.sequence]
        self._epoll.unregister(descriptor)
        return attempt

    def _outcome(self, descriptor: int) -> Arrival:
        attempt = self._take(descriptor)
        slot, now = attempt.slot, time.monotonic()
        with attempt.sock as sock:
            error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_LEN)
        (rtt_us,) = _RTT_US.unpack_from(info)
        (repeated,) = _RETRANSMITTED.unpack_from(info)
        if not error and not repeated:
            answer = Answer(self.ident, attempt.sequence, attempt.proof)
            at = attempt.began + rtt_us / 1e6
            return Arrival(answer, slot.destination, slot.packed_source, at, now, slot.port)
        # A SYN that had to be repeated was lost, though the connection came about in the end.
        reason = os.strerror(error).lower() if error else "answered only when repeated"
        failure = Failure(self.ident, attempt.sequence, slot.packed_source, slot.packed_destination, reason)
        return Arrival(failure, "", slot.packed_source, now, now)


class TcpWires:
    """Connections by source and device."""

    def __init__(self) -> None:
        self._wires: dict[tuple[Family, Address | None, str | None], TcpWire] = {}

    def __iter__(self) -> Iterator[Wire]:
        return iter(self._wires.values())

    def open(self, target: Target, source: Address | None, device: str | None) -> Mouth:
        """A way to connect from this source or device. Raises ProbeError with what is missing."""
        key = (family_of(target), source, device)
        check_way(*key)
        if key not in self._wires:
            self._wires[key] = TcpWire(*key)
        return Mouth(self._wires[key], [])

    def close(self) -> None:
        """Give up everything."""
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()

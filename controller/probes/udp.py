"""UDP sockets for the kinds of probes that are one datagram each way: DNS, TWAMP.

One socket a source (or device) and kind, on a port of its own. ICMP errors come in by the socket's error
queue (ip(7), IP_RECVERR), with what they quote of the probe: no privilege is needed to hear them.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

from controller.core.model import Address, Family, Target, family_of
from controller.ports import ProbeError
from controller.probes.messages import Answer, Arrival, Failure, Slot
from controller.probes.packets import reason
from controller.probes.sockets import AF, RECVERR, Inbox, bind_to_device, check_source, hear_errors
from controller.probes.wire import Ancillary, Mouth, Received, Wire

# linux/errqueue.h, struct sock_extended_err: errno, origin, type, code, pad, info, data; then who says it.
_EXTENDED: Final = struct.Struct("@IBBBBII")
_BY_ICMP: Final = frozenset({2, 3})  # SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6; others are this host's own
_OFFENDER: Final = {Family.IPV4: slice(4, 8), Family.IPV6: slice(8, 24)}  # the address in a sockaddr
_QUOTED: Final = 512
_MOST_ERRORS: Final = 1000  # a call


class Language(Protocol):
    """What is said over UDP. Pure: bytes in, bytes out."""

    def learn(self, target: Target) -> None:
        """Be ready to ask this target."""
        ...

    def compose(self, slot: Slot, number: int) -> tuple[bytes, bytes]:
        """A probe, and what only its answer carries. The probe's sequence is the number's low 16 bits."""
        ...

    def parse(self, data: bytes, ident: int) -> Answer | None:
        """An answer; None for anything else, however malformed."""
        ...

    def sequence(self, quoted: bytes) -> int | None:
        """The sequence of a probe of which this is the beginning; None where it is too short to tell."""
        ...


class UdpWire:
    """One UDP socket, bound to a source and perhaps a device."""

    def __init__(self, sock: socket.socket, family: Family, source: bytes | None, language: Language) -> None:
        self._socket, self._family, self._source = sock, family, source
        self._language = language
        self._inbox = Inbox(sock, family)
        hear_errors(sock, family)

    @property
    def ident(self) -> int:
        """Tells this wire from others of its kind."""
        return self._socket.fileno()

    def fileno(self) -> int:
        """The file descriptor, for polling."""
        return self._socket.fileno()

    def compose(self, slot: Slot, number: int) -> tuple[bytes, bytes]:
        """A probe, and what only its answer carries."""
        return self._language.compose(slot, number)

    def send(self, packet: bytes, slot: Slot, ancillary: Ancillary) -> None:
        """Hand a packet to the kernel. Raises OSError as the kernel puts it."""
        try:
            self._socket.sendmsg([packet], ancillary, 0, (slot.destination, slot.port))
        except OSError:
            # It may have been an ICMP error about an earlier probe of whatever target: told once, then gone.
            self._socket.sendmsg([packet], ancillary, 0, (slot.destination, slot.port))

    def receive(self) -> Received:
        """Everything that waits: errors, then answers, each oldest first."""
        arrivals = [*self._failures(), *self._answers()]
        return Received(arrivals, overrun=self._inbox.overrun())

    def forget(self, sequences: Iterable[int]) -> None:
        """Nothing is held for single probes."""

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _answers(self) -> Iterator[Arrival]:
        for data, sender, port, at, read_at, destination in self._inbox.drain():
            answer = self._language.parse(data, self.ident)
            if answer is not None:
                yield Arrival(answer, sender, destination, at, read_at, port)

    def _failures(self) -> Iterator[Arrival]:
        for _ in range(_MOST_ERRORS):
            try:
                quoted, ancillary, _, to = self._socket.recvmsg(_QUOTED, _QUOTED, socket.MSG_ERRQUEUE)
            except OSError:
                return
            sequence = self._language.sequence(quoted)
            for level, kind, data in ancillary:
                told = self._told(data) if (level, kind) == RECVERR[self._family] else None
                if sequence is not None and told is not None:
                    destination = socket.inet_pton(AF[self._family], to[0])
                    failure = Failure(self.ident, sequence, self._source, destination, told[0])
                    yield Arrival(failure, told[1], self._source, 0.0, 0.0)

    def _told(self, data: bytes) -> tuple[str, str] | None:
        """What an ICMP error says, and who says it; None for anything else."""
        _, origin, kind, code, _, _, _ = _EXTENDED.unpack_from(data)
        if origin not in _BY_ICMP:
            return None
        offender = data[_EXTENDED.size :][_OFFENDER[self._family]]
        return reason(self._family, kind, code), socket.inet_ntop(AF[self._family], offender)


class UdpWires:
    """UDP sockets of one kind of probe, one a source or device."""

    def __init__(self, language: Callable[[], Language]) -> None:
        self._language = language()
        self._wires: dict[tuple[Family, Address | None, str | None], UdpWire] = {}

    def __iter__(self) -> Iterator[Wire]:
        return iter(self._wires.values())

    def open(self, target: Target, source: Address | None, device: str | None) -> Mouth:
        """A way to send from this source or device. Raises ProbeError with what is missing."""
        if source is not None:
            check_source(source)
        self._language.learn(target)
        key = (family_of(target), source, device)
        if key not in self._wires:
            self._wires[key] = self._opened(*key)
        return Mouth(self._wires[key], [])

    def close(self) -> None:
        """Close every socket."""
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()

    def _opened(self, family: Family, source: Address | None, device: str | None) -> UdpWire:
        try:
            sock = socket.socket(AF[family], socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        except OSError as error:
            raise ProbeError(f"cannot open a UDP socket for {family}: {error.strerror}") from error
        try:
            if device is not None:
                bind_to_device(sock, device)
            sock.bind((str(source) if source is not None else "", 0))
            return UdpWire(sock, family, None if source is None else source.packed, self._language)
        except BaseException:
            sock.close()
            raise

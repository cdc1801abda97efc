"""ICMP echo's sockets.

Two kinds. *Datagram* sockets (Linux, no privilege needed where ``net.ipv4.ping_group_range`` allows): the
kernel hands each socket only its own replies, so they are preferred. They take no source address per packet
for IPv6 (Linux 6.18 accepts IPV6_PKTINFO and ignores it), so there is one per source. *Raw* sockets
(CAP_NET_RAW): one per family for all sources, chosen per packet (RFC 3542, 6.2), with a filter on our
identifier; they also hear ICMP errors.
"""

from __future__ import annotations

import ctypes
import errno
import secrets
import socket
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from controller.core.model import Address, Family, Target, family_of
from controller.ports import ProbeError
from controller.probes.messages import Arrival, Slot
from controller.probes.packets import TOKEN_LEN, echo_body, echo_filter, echo_request, parse
from controller.probes.sockets import AF, IP_PKTINFO, Inbox, bind_to_device, check_source
from controller.probes.wire import Ancillary, Mouth, Received, Wire

_SO_ATTACH_FILTER: Final = 26  # linux/asm-generic/socket.h; the socket module lacks it
_PROTOCOL: Final = {Family.IPV4: socket.IPPROTO_ICMP, Family.IPV6: socket.IPPROTO_ICMPV6}


class IcmpWire:
    """One ICMP socket."""

    def __init__(self, sock: socket.socket, family: Family, ident: int, *, raw: bool) -> None:
        self._socket = sock
        self._inbox = Inbox(sock, family)
        self._family = family
        self._ident = ident
        self._ip_header = raw and family is Family.IPV4
        self._token = secrets.token_bytes(TOKEN_LEN)  # tells our replies from any other process's, ever

    @property
    def ident(self) -> int:
        """The ICMP identifier of everything sent here."""
        return self._ident

    def fileno(self) -> int:
        """The file descriptor, for polling."""
        return self._socket.fileno()

    def compose(self, slot: Slot, number: int) -> tuple[bytes, bytes]:
        """An echo request, and the body that its reply brings back."""
        packet = echo_request(slot.family, self._ident, number, self._token)
        return packet, echo_body(number, self._token)

    def send(self, packet: bytes, slot: Slot, ancillary: Ancillary) -> None:
        """Hand a packet to the kernel. Raises OSError as the kernel puts it."""
        self._socket.sendmsg([packet], ancillary, 0, (slot.destination, 0))

    def receive(self) -> Received:
        """Everything that waits, oldest first."""
        arrivals = list(self._arrivals())
        return Received(arrivals, overrun=self._inbox.overrun())

    def forget(self, sequences: Iterable[int]) -> None:
        """Nothing is held for single probes."""

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _arrivals(self) -> Iterator[Arrival]:
        for datagram in self._inbox.drain():
            message = parse(self._family, datagram.data, ip_header=self._ip_header)
            if message is not None:
                yield Arrival(message, datagram.sender, datagram.destination, datagram.at, datagram.read_at)


class IcmpWires:
    """ICMP's sockets."""

    def __init__(self) -> None:
        self._wires: dict[tuple[Family, Address | None, str | None], IcmpWire] = {}
        self._raw: dict[Family, bool] = {}

    def __iter__(self) -> Iterator[Wire]:
        return iter(self._wires.values())

    def open(self, target: Target, source: Address | None, device: str | None) -> Mouth:
        """A way to probe this target from this source or device. Raises ProbeError with what is missing."""
        family = family_of(target)
        if source is not None:
            check_source(source)
        raw = self._raw.get(family)
        if raw is None:
            raw = self._raw[family] = _needs_raw(family)
        key = (family, None if raw else source, device)
        if key not in self._wires:
            self._wires[key] = _open(family, None if raw else source, device, raw=raw)
        chosen = _from_source(source) if raw and source is not None else []
        return Mouth(self._wires[key], chosen)

    def close(self) -> None:
        """Close every socket."""
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()


def _needs_raw(family: Family) -> bool:
    """Whether this process may open no datagram ICMP socket. Raises ProbeError if it may open neither."""
    for raw, kind in ((False, socket.SOCK_DGRAM), (True, socket.SOCK_RAW)):
        try:
            socket.socket(AF[family], kind, _PROTOCOL[family]).close()
        except PermissionError:
            continue
        except OSError as error:
            if not raw and error.errno in (errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT):
                continue  # a kernel without datagram ICMP
            raise ProbeError(f"cannot open an ICMP socket for {family}: {error.strerror}") from error
        return raw
    raise ProbeError(
        "not allowed to send ICMP: grant CAP_NET_RAW (systemd: AmbientCapabilities=CAP_NET_RAW), "
        "or put this process's group into the sysctl net.ipv4.ping_group_range"
    )


def _open(family: Family, source: Address | None, device: str | None, *, raw: bool) -> IcmpWire:
    kind = socket.SOCK_RAW if raw else socket.SOCK_DGRAM
    try:
        sock = socket.socket(AF[family], kind | socket.SOCK_NONBLOCK, _PROTOCOL[family])
    except OSError as error:
        raise ProbeError(f"cannot open an ICMP socket for {family}: {error.strerror}") from error
    try:
        if device is not None:
            bind_to_device(sock, device)
        ident = _claim(sock, family, source, raw=raw)
        return IcmpWire(sock, family, ident, raw=raw)
    except BaseException:
        sock.close()
        raise


def _claim(sock: socket.socket, family: Family, source: Address | None, *, raw: bool) -> int:
    """Make the socket hear its own replies only; returns the ICMP identifier that tells them apart."""
    if raw:
        ident = secrets.randbelow(0xFFFF) + 1  # not the process id: every container has a process 1
        program = echo_filter(family, ident)
        memory = ctypes.create_string_buffer(program, len(program))
        fprog = struct.pack("@HP", len(program) // 8, ctypes.addressof(memory))
        sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, fprog)
        return ident
    sock.bind((str(source) if source is not None else "", 0))
    ident = sock.getsockname()[1]
    return int(ident)


def _from_source(source: Address) -> Ancillary:
    """What makes a raw socket's packet leave from this address (ip(7), RFC 3542 section 6.2)."""
    if family_of(source) is Family.IPV4:
        return [(socket.IPPROTO_IP, IP_PKTINFO, struct.pack("@i4s4s", 0, source.packed, bytes(4)))]
    return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("@16si", source.packed, 0))]

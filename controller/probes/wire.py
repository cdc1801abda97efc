"""ICMP sockets behind a small interface: the only file here that knows Linux socket options.

Two kinds. *Datagram* ICMP sockets (Linux, no privilege needed where ``net.ipv4.ping_group_range`` allows):
the kernel hands each socket only its own replies, so they are preferred. They take no source address per
packet for IPv6 (Linux 6.18 accepts IPV6_PKTINFO and ignores it), so there is one per source. *Raw* sockets
(CAP_NET_RAW): one per family for all sources, chosen per packet (RFC 3542, 6.2), with a filter on our
identifier; they also hear ICMP errors.
"""

from __future__ import annotations

import ctypes
import errno
import secrets
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

from controller.core.model import Address, Family, family_of
from controller.ports import ProbeError
from controller.probes.outstanding import Arrival
from controller.probes.packets import echo_filter, parse

# linux/asm-generic/socket.h and linux/in.h; the socket module lacks them.
_SO_ATTACH_FILTER: Final = 26
_SO_RCVBUFFORCE: Final = 33
_SO_TIMESTAMPNS: Final = 35
_SO_RXQ_OVFL: Final = 40
_IP_PKTINFO: Final = 8

_AF: Final = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
_PROTOCOL: Final = {Family.IPV4: socket.IPPROTO_ICMP, Family.IPV6: socket.IPPROTO_ICMPV6}
_RECEIVE_BUFFER: Final = 4 << 20  # bytes: some 5,000 replies may wait for a late loop
_MAX_DATAGRAM: Final = 512  # ours are 24 bytes; errors may quote more
_MAX_ANCILLARY: Final = 256
_MAX_DRAIN: Final = 20_000  # datagrams a call: a flood must not hold the loop

Ancillary = list[tuple[int, int, bytes]]


@dataclass(frozen=True, slots=True)
class Received:
    """All that waited in a socket."""

    arrivals: list[Arrival]
    overrun: bool  # the kernel dropped some, or there was more than one call may take


class Wire(Protocol):
    """A way to send echo requests and hear what comes back. Never blocks."""

    @property
    def ident(self) -> int:
        """The ICMP identifier of everything sent here."""
        ...

    def fileno(self) -> int:
        """The file descriptor, for polling."""
        ...

    def send(self, packet: bytes, destination: str, ancillary: Ancillary) -> None:
        """Hand a packet to the kernel. Raises OSError as the kernel puts it."""
        ...

    def receive(self) -> Received:
        """Everything that waits, oldest first."""
        ...

    def close(self) -> None:
        """Close the socket."""
        ...


class IcmpWire:
    """One ICMP socket."""

    def __init__(self, sock: socket.socket, family: Family, ident: int, *, raw: bool) -> None:
        self._socket = sock
        self._family = family
        self._ident = ident
        self._ip_header = raw and family is Family.IPV4
        self._dropped = 0

    @property
    def ident(self) -> int:
        """The ICMP identifier of everything sent here."""
        return self._ident

    def fileno(self) -> int:
        """The file descriptor, for polling."""
        return self._socket.fileno()

    def send(self, packet: bytes, destination: str, ancillary: Ancillary) -> None:
        """Hand a packet to the kernel. Raises OSError as the kernel puts it."""
        self._socket.sendmsg([packet], ancillary, 0, (destination, 0))

    def receive(self) -> Received:
        """Everything that waits, oldest first."""
        dropped = self._dropped
        arrivals = list(self._arrivals())
        return Received(arrivals, overrun=self._dropped != dropped)

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _arrivals(self) -> Iterator[Arrival]:
        now = time.monotonic()
        to_monotonic = now - time.time()  # kernel timestamps are of CLOCK_REALTIME
        for _ in range(_MAX_DRAIN):
            try:
                data, ancillary, _, sender = self._socket.recvmsg(_MAX_DATAGRAM, _MAX_ANCILLARY)
            except OSError:  # nothing waits; or an error of the socket's own, cleared by having told it
                return
            stamp, destination = self._read(ancillary)
            message = parse(self._family, data, ip_header=self._ip_header)
            if message is not None:
                at = now if stamp is None else stamp + to_monotonic
                yield Arrival(message, sender[0], destination, at, read_at=now)
        self._dropped += 1

    def _read(self, ancillary: Ancillary) -> tuple[float | None, bytes | None]:
        """When the kernel received a datagram (CLOCK_REALTIME), and at which of our addresses."""
        stamp: float | None = None
        destination: bytes | None = None
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("@ll", data)
                stamp = seconds + nanoseconds * 1e-9
            elif level == socket.SOL_SOCKET and kind == _SO_RXQ_OVFL:
                (self._dropped,) = struct.unpack("@I", data)
            elif level == socket.IPPROTO_IP and kind == _IP_PKTINFO:
                destination = data[8:12]  # ipi_addr: the header's own, not the routing decision's
            elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
                destination = data[:16]
        return stamp, destination


@dataclass(frozen=True, slots=True)
class Mouth:
    """A wire, and what goes with each packet to leave from one source."""

    wire: Wire
    ancillary: Ancillary


class Wires:
    """The sockets of one prober: opened on demand, shared where the kernel lets them be."""

    def __init__(self) -> None:
        self._wires: dict[tuple[Family, Address | None, str | None], IcmpWire] = {}
        self._raw: dict[Family, bool] = {}

    def __iter__(self) -> Iterator[Wire]:
        return iter(self._wires.values())

    def open(self, family: Family, source: Address | None, device: str | None) -> Mouth:
        """A way to send from this source or device. Raises ProbeError with what is missing."""
        if source is not None:
            _check_source(source)
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
            socket.socket(_AF[family], kind, _PROTOCOL[family]).close()
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
        sock = socket.socket(_AF[family], kind | socket.SOCK_NONBLOCK, _PROTOCOL[family])
    except OSError as error:
        raise ProbeError(f"cannot open an ICMP socket for {family}: {error.strerror}") from error
    try:
        if device is not None:
            _bind_to_device(sock, device)
        ident = _claim(sock, family, source, raw=raw)
        _tell_more(sock, family)
    except BaseException:
        sock.close()
        raise
    return IcmpWire(sock, family, ident, raw=raw)


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


def _tell_more(sock: socket.socket, family: Family) -> None:
    """Ask for receive timestamps, drop counts and the address each datagram came for; room for bursts."""
    sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    sock.setsockopt(socket.SOL_SOCKET, _SO_RXQ_OVFL, 1)
    if family is Family.IPV4:
        sock.setsockopt(socket.IPPROTO_IP, _IP_PKTINFO, 1)
    else:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    try:
        sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
    except PermissionError:  # without CAP_NET_ADMIN: what net.core.rmem_max allows
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)


def _bind_to_device(sock: socket.socket, device: str) -> None:
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise ProbeError(f"no interface {device} on this host: correct probe_device") from error
        raise ProbeError(f"cannot probe through interface {device}: {error.strerror}") from error


def _check_source(source: Address) -> None:
    """Raises ProbeError unless the address is on this host."""
    with socket.socket(_AF[family_of(source)], socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((str(source), 0))
        except OSError as error:
            raise ProbeError(
                f"address {source} is not on this host (or still tentative): add it to an interface "
                "or correct the probe source"
            ) from error


def _from_source(source: Address) -> Ancillary:
    """What makes a raw socket's packet leave from this address (ip(7), RFC 3542 section 6.2)."""
    if family_of(source) is Family.IPV4:
        return [(socket.IPPROTO_IP, _IP_PKTINFO, struct.pack("@i4s4s", 0, source.packed, bytes(4)))]
    return [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, struct.pack("@16si", source.packed, 0))]

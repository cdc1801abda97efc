"""Linux sockets for probes: where they leave from, and when what they receive came. Shared by all kinds."""

from __future__ import annotations

import errno
import os
import socket
import struct
from collections.abc import Iterator
from typing import Final, NamedTuple

from controller.core.model import Address, Family, family_of
from controller.ports import ProbeError
from controller.probes.clocks import StampClock

# linux/asm-generic/socket.h, linux/in.h, linux/in6.h; the socket module lacks them.
_SO_RCVBUFFORCE: Final = 33
_SO_TIMESTAMPNS: Final = 35
_SO_MEMINFO: Final = 55
_MEMINFO: Final = struct.Struct("@9I")  # linux/sock_diag.h: SK_MEMINFO_DROPS is the last
IP_PKTINFO: Final = 8
_IP_BIND_ADDRESS_NO_PORT: Final = 24
RECVERR: Final = {Family.IPV4: (socket.IPPROTO_IP, 11), Family.IPV6: (socket.IPPROTO_IPV6, 25)}

AF: Final = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}
_RECEIVE_BUFFER: Final = 4 << 20  # bytes: some 5,000 replies may wait for a late loop
_MAX_DATAGRAM: Final = 2048  # ours are far smaller; a DNS answer may fill a packet
_MAX_ANCILLARY: Final = 256
_RESET_ON_CLOSE: Final = struct.pack("@ii", 1, 0)
_MAX_DRAIN: Final = 20_000  # datagrams a call: a flood must not hold the loop


def bind_to_device(sock: socket.socket, device: str) -> None:
    """Whatever the socket sends leaves through this interface, or not at all. Raises ProbeError."""
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
    except OSError as error:
        if error.errno == errno.ENODEV:
            raise ProbeError(f"no interface {device} on this host: correct probe_device") from error
        raise ProbeError(f"cannot probe through interface {device}: {error.strerror}") from error


def check_source(source: Address) -> None:
    """Raises ProbeError unless the address is on this host."""
    with socket.socket(AF[family_of(source)], socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((str(source), 0))
        except OSError as error:
            raise ProbeError(
                f"address {source} is not on this host (or still tentative): add it to an interface "
                "or correct the probe source"
            ) from error


class Datagram(NamedTuple):
    """What a socket received."""

    data: bytes
    sender: str
    port: int
    at: float | None  # monotonic, from the kernel's own timestamp; None: the wall clock was set meanwhile
    read_at: float
    destination: bytes | None  # at which of our addresses, packed


class Inbox:
    """Reads a datagram socket empty, with the kernel's word on when and for whom each datagram came."""

    def __init__(self, sock: socket.socket, family: Family, clock: StampClock | None = None) -> None:
        """Ask the kernel for receive timestamps and destinations; and for room for bursts."""
        self._socket = sock
        self._clock = clock or StampClock()
        self._missed = self._left_over = 0
        sock.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        if family is Family.IPV4:
            sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
        else:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
        try:
            sock.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _RECEIVE_BUFFER)
        except PermissionError:  # without CAP_NET_ADMIN: what net.core.rmem_max allows
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)

    def overrun(self) -> bool:
        """Whether some were dropped for want of room, or left over, since this was last asked."""
        # Not by SO_RXQ_OVFL: that comes with the next datagram, which may be too late or never.
        meminfo = self._socket.getsockopt(socket.SOL_SOCKET, _SO_MEMINFO, _MEMINFO.size)
        before, self._missed = self._missed, self._left_over + int(_MEMINFO.unpack(meminfo)[-1])
        return self._missed != before

    def drain(self) -> Iterator[Datagram]:
        """Everything that waits, oldest first."""
        now, to_monotonic = self._clock.look()
        for _ in range(_MAX_DRAIN):
            try:
                data, ancillary, _, sender = self._socket.recvmsg(_MAX_DATAGRAM, _MAX_ANCILLARY)
            except OSError:  # nothing waits; or an error of the socket's own, cleared by having told it
                return
            stamp, destination = self._read(ancillary)
            at = now if stamp is None else None if to_monotonic is None else stamp + to_monotonic
            yield Datagram(data, sender[0], sender[1], at, now, destination)
        self._left_over += 1

    def _read(self, ancillary: list[tuple[int, int, bytes]]) -> tuple[float | None, bytes | None]:
        """When the kernel received a datagram (CLOCK_REALTIME), and at which of our addresses."""
        stamp: float | None = None
        destination: bytes | None = None
        for level, kind, data in ancillary:
            if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS:
                seconds, nanoseconds = struct.unpack("@ll", data)
                stamp = seconds + nanoseconds * 1e-9
            elif level == socket.IPPROTO_IP and kind == IP_PKTINFO:
                destination = data[8:12]  # ipi_addr: the header's own, not the routing decision's
            elif level == socket.IPPROTO_IPV6 and kind == socket.IPV6_PKTINFO:
                destination = data[:16]
        return stamp, destination


def check_way(family: Family, source: Address | None, device: str | None) -> None:
    """Raises ProbeError unless sockets can be bound so."""
    if source is not None:
        check_source(source)
    if device is not None:
        with socket.socket(AF[family], socket.SOCK_DGRAM) as sock:
            bind_to_device(sock, device)


def hear_errors(sock: socket.socket, family: Family) -> None:
    """Ask to be told of ICMP errors at once, the transient ones as well (ip(7), IP_RECVERR)."""
    sock.setsockopt(*RECVERR[family], 1)


def begin_connection(
    family: Family, source: Address | None, device: str | None, destination: str, port: int
) -> socket.socket:
    """A TCP connection under way, which is reset when closed. Raises OSError as the kernel puts it.

    EADDRNOTAVAIL means that the source address is gone; where every port is taken, it is EAGAIN.
    """
    sock = socket.socket(AF[family], socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        hear_errors(sock, family)
        if device is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode() + b"\0")
        if source is not None:
            sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
            sock.bind((str(source), 0))
        error = sock.connect_ex((destination, port))
    except BaseException:
        sock.close()
        raise
    if error in (0, errno.EINPROGRESS):
        return sock
    sock.close()
    if error == errno.EADDRNOTAVAIL:
        error = errno.EAGAIN
    raise OSError(error, os.strerror(error))

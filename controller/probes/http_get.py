"""HTTP(S): whether a page is answered, over a verified connection, and how long until its first byte.

asyncio carries the connection, h11 reads the answer. The time counts from the SYN to the first byte, as a
user waits; a busy loop lengthens it. The body is not read: the connection is reset after the status line.
"""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Final

import h11

from controller.core.model import Address, Endpoint, Family, HttpGet, Target, family_of
from controller.ports import ProbeError
from controller.probes.messages import Answer, Arrival, Failure, Slot
from controller.probes.sockets import begin_connection, check_way
from controller.probes.wire import Ancillary, Mouth, Received, Wire

MOST_OPEN: Final = 256  # requests a source: beyond that the prober is in trouble, and says so
USER_AGENT: Final = "transit-failover"
_READ: Final = 4096  # bytes: headers longer than h11 takes are not an answer
_SHUTDOWN_S: Final = 0.1  # asyncio waits this long for a polite end that we do not want


class HttpWire:
    """Requests from one source or device."""

    def __init__(self, family: Family, source: Address | None, device: str | None) -> None:
        self._family, self._source, self._device = family, source, device
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._tasks: dict[int, asyncio.Task[None]] = {}  # by sequence
        self._arrivals: list[Arrival] = []
        self.contexts: dict[Target, ssl.SSLContext | None] = {}

    @property
    def ident(self) -> int:
        """Tells this wire from others of its kind."""
        return self._event

    def fileno(self) -> int:
        """The descriptor that is readable when a request has come to something."""
        return self._event

    def compose(self, slot: Slot, number: int) -> tuple[bytes, bytes]:
        """The number, by which the request is known."""
        del slot
        proof = number.to_bytes(8)
        return proof, proof

    def send(self, packet: bytes, slot: Slot, ancillary: Ancillary) -> None:
        """Begin a connection; the request follows. Raises OSError as the kernel puts it."""
        del ancillary
        if len(self._tasks) >= MOST_OPEN:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        sock = begin_connection(self._family, self._source, self._device, slot.destination, slot.port)
        sequence = int.from_bytes(packet) & 0xFFFF
        self._tasks[sequence] = asyncio.create_task(self._follow(sock, slot, sequence, packet))

    def receive(self) -> Received:
        """What became of requests, oldest first."""
        with suppress(BlockingIOError):  # asked though nothing has come
            os.eventfd_read(self._event)
        arrivals, self._arrivals = self._arrivals, []
        return Received(arrivals)

    def forget(self, sequences: Iterable[int]) -> None:
        """Give up these requests."""
        for sequence in sequences:
            task = self._tasks.pop(sequence, None)
            if task is not None:
                task.cancel()

    def close(self) -> None:
        """Give up everything."""
        self.forget(list(self._tasks))
        os.close(self._event)

    async def _follow(self, sock: socket.socket, slot: Slot, sequence: int, proof: bytes) -> None:
        """Request a page and note what came of it. Cancelled when nobody waits for it any more."""
        target = slot.target
        if not isinstance(target, Endpoint) or not isinstance(target.ask, HttpGet):
            raise TypeError(target)
        message: Answer | Failure
        at = None
        try:
            at, status = await _first_byte(sock, target, target.ask, self.contexts[target])
            message = Answer(self.ident, sequence, proof, str(status))
        except (OSError, EOFError, h11.RemoteProtocolError) as error:
            source, destination = slot.packed_source, slot.packed_destination
            message = Failure(self.ident, sequence, source, destination, _reason(error))
        now = time.monotonic()
        sender = slot.destination if at is not None else ""
        arrival = Arrival(message, sender, slot.packed_source, at or now, now, slot.port)
        del self._tasks[sequence]
        self._arrivals.append(arrival)
        os.eventfd_write(self._event, 1)


async def _first_byte(
    sock: socket.socket, target: Endpoint, ask: HttpGet, context: ssl.SSLContext | None
) -> tuple[float, int]:
    """When the first byte of the answer came (monotonic), and its status."""
    loop = asyncio.get_running_loop()
    writer: asyncio.StreamWriter | None = None
    try:
        await loop.sock_connect(sock, (str(target.address), target.port))
        reader, writer = await _stream(sock, ask, context)
        answer = h11.Connection(h11.CLIENT)
        headers = [
            ("Host", ask.authority(target.port)),
            ("User-Agent", USER_AGENT),
            ("Connection", "close"),
        ]
        writer.write(answer.send(h11.Request(method="GET", target=ask.path, headers=headers)) or b"")
        first_at = None
        while True:
            event = answer.next_event()
            if isinstance(event, h11.Response) and first_at is not None:
                return first_at, event.status_code
            if event is h11.NEED_DATA:
                data = await reader.read(_READ)
                if not data:
                    raise EOFError if first_at is None else h11.RemoteProtocolError("cut short")
                first_at = first_at or time.monotonic()
                answer.receive_data(data)
    finally:
        if writer is not None:
            writer.transport.abort()
        sock.close()


async def _stream(
    sock: socket.socket, ask: HttpGet, context: ssl.SSLContext | None
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if context is None:
        return await asyncio.open_connection(sock=sock)
    return await asyncio.open_connection(
        sock=sock, ssl=context, server_hostname=ask.host, ssl_shutdown_timeout=_SHUTDOWN_S
    )


def _reason(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"certificate refused: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {(error.reason or 'unknown').lower().replace('_', ' ')}"
        case EOFError():
            return "closed without an answer"
        case OSError():
            return os.strerror(error.errno).lower() if error.errno else "connection reset"
        case _:
            return "answered something other than HTTP"


class HttpWires:
    """Requests by source and device, and what is trusted."""

    def __init__(self) -> None:
        self._wires: dict[tuple[Family, Address | None, str | None], HttpWire] = {}
        self._contexts: dict[tuple[bool, str | None], ssl.SSLContext] = {}

    def __iter__(self) -> Iterator[Wire]:
        return iter(self._wires.values())

    def open(self, target: Target, source: Address | None, device: str | None) -> Mouth:
        """A way to ask from this source or device. Raises ProbeError with what is missing."""
        family = family_of(target)
        check_way(family, source, device)
        key = (family, source, device)
        wire = self._wires.get(key)
        if wire is None:
            wire = self._wires[key] = HttpWire(*key)
        wire.contexts[target] = self._context(target)
        return Mouth(wire, [])

    def close(self) -> None:
        """Give up everything."""
        for wire in self._wires.values():
            wire.close()
        self._wires.clear()

    def _context(self, target: Target) -> ssl.SSLContext | None:
        if not isinstance(target, Endpoint) or not isinstance(target.ask, HttpGet):
            raise TypeError(target)
        verify, ca_file = target.ask.verify, target.ask.ca_file
        if not target.ask.tls:
            return None
        if (verify, ca_file) not in self._contexts:
            try:
                context = ssl.create_default_context(cafile=ca_file)
            except OSError as error:  # ssl.SSLError is one
                raise ProbeError(f"{target}: cannot read the certificates in {ca_file}: {error}") from error
            if not verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            self._contexts[verify, ca_file] = context
        return self._contexts[verify, ca_file]

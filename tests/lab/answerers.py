"""Real servers for probes to talk to, in one process: ``python -m tests.lab.answerers CERTIFICATE KEY ADDRESS...``.

They listen on those addresses, HTTPS if there is a certificate. Prints a line when all of them do.
"""

from __future__ import annotations

import asyncio
import ssl
import struct
import sys
import time

import dns.flags
import dns.message
import dns.rcode
import dns.rrset

TCP, HTTP, HTTPS, DNS, TWAMP = 8001, 8080, 8443, 5353, 862
SLOW_S = 0.3


class DnsServer(asyncio.DatagramProtocol):
    """Authoritative for example.net, refuses the rest; ``slow.example.net`` takes SLOW_S."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        name = query.question[0].name.to_text().lower()
        response = dns.message.make_response(query)
        response.flags |= dns.flags.AA
        if name in ("www.example.net.", "slow.example.net."):
            answer = dns.rrset.from_text(name, 60, "IN", "A", "192.0.2.80")
            response.answer.append(answer)
        elif name.endswith(".example.net."):
            response.set_rcode(dns.rcode.NXDOMAIN)
        else:
            response.set_rcode(dns.rcode.REFUSED)
        later = SLOW_S if name.startswith("slow.") else 0.0
        asyncio.get_running_loop().call_later(later, self.transport.sendto, response.to_wire(), addr)  # type: ignore[attr-defined]


class Reflector(asyncio.DatagramProtocol):
    """A STAMP Session-Reflector, stateless (RFC 8762, 4.3); keeps each probe for 50 ms and says so."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        asyncio.get_running_loop().call_later(0.05, self.reflect, data, addr, time.time())

    def reflect(self, data: bytes, addr: tuple[str, int], received: float) -> None:
        def ntp(at: float) -> bytes:
            return struct.pack("!II", int(at) + 2208988800, int(at % 1 * 2**32))

        sequence, error = data[0:4], b"\x00\x01"
        reply = sequence + ntp(time.time()) + error + bytes(2) + ntp(received)
        reply += data[0:14] + bytes(2) + b"\xff" + bytes(3)
        self.transport.sendto(reply, addr)  # type: ignore[attr-defined]


async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say nothing, as a server that waits for its client to speak."""
    try:
        await reader.read(1)
    except ConnectionError:
        pass
    finally:
        writer.close()


async def serve_page(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """``/health`` 200, ``/ill`` 503, ``/slow`` 200 after SLOW_S, ``/odd`` not HTTP, ``/gone`` nothing."""
    try:
        request = (await reader.readuntil(b"\r\n\r\n")).decode()
        path, host = request.split()[1], request.lower().split("host: ")[1].split("\r\n")[0]
        if path == "/slow":
            await asyncio.sleep(SLOW_S)
        status = {"/ill": "503 Service Unavailable", "/elsewhere": "404 Not Found"}.get(path, "200 OK")
        if not host.startswith("www.example.net"):
            status = "421 Misdirected Request"
        if path == "/odd":
            writer.write(b"SSH-2.0-something\r\n")
        elif path == "/early":
            writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\n\r\n")
        elif path != "/gone":
            writer.write(f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok".encode())
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
        pass
    finally:
        writer.close()


async def main(certificate: str, key: str, *addresses: str) -> None:
    loop = asyncio.get_running_loop()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if certificate:
        context.load_cert_chain(certificate, key)
    for address in addresses:
        await asyncio.start_server(accept, address, TCP)
        await asyncio.start_server(serve_page, address, HTTP)
        if certificate:
            await asyncio.start_server(serve_page, address, HTTPS, ssl=context)
        await loop.create_datagram_endpoint(DnsServer, (address, DNS))
        await loop.create_datagram_endpoint(Reflector, (address, TWAMP))
    print("listening", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

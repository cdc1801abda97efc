"""What is probed: addresses, families, and the questions put to far hosts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import ClassVar

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Family(StrEnum):
    """An address family of BGP (AFI; the SAFI is always unicast)."""

    IPV4 = "ipv4"
    IPV6 = "ipv6"


# --- what is probed ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TcpConnect:
    """A connection is opened, and given up at once."""

    kind: ClassVar[str] = "tcp"


@dataclass(frozen=True, slots=True)
class HttpGet:
    """A page is asked for. The host name goes into the Host header and, with TLS, into SNI."""

    host: str
    path: str = "/"  # with the query, if any
    tls: bool = True
    status: int = 200  # any other is not the answer that was asked for
    verify: bool = True  # the certificate, for the host name
    ca_file: str | None = None  # trusted instead of the system's authorities

    kind: ClassVar[str] = "http"

    def authority(self, port: int) -> str:
        """The host, with the port where it is not the usual one (RFC 9110, 4.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if port == (443 if self.tls else 80) else f"{host}:{port}"


@dataclass(frozen=True, slots=True)
class DnsQuery:
    """A question to a name server, over UDP."""

    name: str
    rrtype: str = "A"
    rcodes: tuple[str, ...] = ("NOERROR", "NXDOMAIN")  # answers that count

    kind: ClassVar[str] = "dns"


@dataclass(frozen=True, slots=True)
class TwampTest:
    """A test packet, unauthenticated: STAMP (RFC 8762) or TWAMP Light (RFC 5357, appendix I)."""

    kind: ClassVar[str] = "twamp"


Ask = TcpConnect | HttpGet | DnsQuery | TwampTest


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Something other than a pinged address that is probed: where it is, and what is asked of it."""

    address: Address
    port: int
    ask: Ask
    interval_s: float | None = None  # never probed more often than this; None: as often as policy probes
    timeout_s: float | None = None  # None: as long as policy waits

    def __str__(self) -> str:
        match self.ask:
            case HttpGet(path=path, tls=tls) as get:
                return f"{'https' if tls else 'http'}://{get.authority(self.port)}{path} via {self.address}"
            case DnsQuery(name, rrtype):
                return f"dns {name} {rrtype} at {self._place}"
            case TcpConnect() | TwampTest():
                return f"{self.ask.kind} {self._place}"

    @property
    def _place(self) -> str:
        return f"{self.address}:{self.port}" if self.address.version == 4 else f"[{self.address}]:{self.port}"


Target = Address | Endpoint  # an address alone is pinged


def family_of(what: Target | Network) -> Family:
    """The family that an address, a target or a prefix belongs to."""
    where = what.address if isinstance(what, Endpoint) else what
    return Family.IPV4 if where.version == 4 else Family.IPV6


def kind_of(target: Target) -> str:
    """What kind of probe a target gets: icmp, tcp, http, dns or twamp."""
    return target.ask.kind if isinstance(target, Endpoint) else "icmp"


def target_order(target: Target) -> tuple[int, int, str]:
    """A sort key: the same order of targets whatever order they come in."""
    if isinstance(target, Endpoint):
        return target.address.version, int(target.address), repr(target)
    return target.version, int(target), ""

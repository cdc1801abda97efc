"""ICMP echo on the wire: build, read, and a socket filter. Pure: bytes in, bytes out.

Sources: RFC 792 (ICMP), RFC 4443 (ICMPv6), RFC 1071 (checksum), linux/filter.h (classic BPF).
"""

from __future__ import annotations

import struct
from typing import Final

from controller.core.model import Family
from controller.probes.messages import Answer, Failure

_HEADER: Final = struct.Struct("!BBHHH")  # type, code, checksum, identifier, sequence
_BODY: Final = struct.Struct("!8sQ")  # token of this process, number of the probe
_ECHO_LEN: Final = _HEADER.size + _BODY.size

_ECHO_REQUEST: Final = {Family.IPV4: 8, Family.IPV6: 128}
_ECHO_REPLY: Final = {Family.IPV4: 0, Family.IPV6: 129}
# ICMP errors that end a probe: destination unreachable, and time exceeded (a routing loop).
_ERRORS: Final = {
    Family.IPV4: {3: "unreachable", 11: "time exceeded"},
    Family.IPV6: {1: "unreachable", 3: "time exceeded"},
}
_UNREACHABLE_CODES: Final = {
    Family.IPV4: {0: "net", 1: "host", 3: "port", 9: "prohibited", 10: "prohibited", 13: "prohibited"},
    Family.IPV6: {
        0: "no route",
        1: "prohibited",
        3: "address",
        4: "port",
        5: "source policy",
        6: "reject route",
    },
}
_IP_HEADER_LEN: Final = {Family.IPV4: 20, Family.IPV6: 40}  # of what we send: no options, no extensions
_ADDRESSES: Final = {Family.IPV4: (12, 16, 20), Family.IPV6: (8, 24, 40)}  # source, destination, end

TOKEN_LEN: Final = 8


def checksum(data: bytes) -> int:
    """The Internet checksum of RFC 1071; an odd last byte is padded with zero."""
    if len(data) % 2:
        data += b"\0"
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF


def echo_body(number: int, token: bytes) -> bytes:
    """What an echo request carries, and its reply brings back: all of ``number``, and whose it is."""
    return _BODY.pack(token, number)


def echo_request(family: Family, ident: int, number: int, token: bytes) -> bytes:
    """An echo request. Its sequence is the low 16 bits of ``number``.

    The ICMPv6 checksum covers addresses that only the kernel knows, which fills it in (RFC 3542, 3.1).
    """
    sequence = number & 0xFFFF
    body = echo_body(number, token)
    kind = _ECHO_REQUEST[family]
    blank = _HEADER.pack(kind, 0, 0, ident, sequence) + body
    if family is Family.IPV6:
        return blank
    return _HEADER.pack(kind, 0, checksum(blank), ident, sequence) + body


def parse(family: Family, data: bytes, *, ip_header: bool) -> Answer | Failure | None:
    """Read what a socket received; None for anything that cannot concern us, however malformed.

    ``ip_header``: the data begins with the IPv4 header, as raw IPv4 sockets deliver it.
    """
    if ip_header:
        if not data:
            return None
        data = data[(data[0] & 0x0F) * 4 :]
    if len(data) < _HEADER.size:
        return None
    kind, code, _, ident, sequence = _HEADER.unpack_from(data)
    if kind == _ECHO_REPLY[family]:
        if len(data) != _ECHO_LEN:
            return None
        return Answer(ident, sequence, data[_HEADER.size :])
    if kind in _ERRORS[family]:
        return _quoted(family, data[_HEADER.size :], reason(family, kind, code))
    return None


def reason(family: Family, kind: int, code: int) -> str:
    """An ICMP error in words: "net unreachable"."""
    word = _ERRORS[family].get(kind, f"ICMP type {kind}")
    if word != "unreachable":
        return word
    return f"{_UNREACHABLE_CODES[family].get(code, f'code {code}')} unreachable"


def _quoted(family: Family, packet: bytes, why: str) -> Failure | None:
    header = _IP_HEADER_LEN[family]
    if len(packet) < header + _HEADER.size:
        return None
    plain = packet[0] == 0x45 and packet[9] == 1 if family is Family.IPV4 else packet[6] == 58
    kind, _, _, ident, sequence = _HEADER.unpack_from(packet, header)
    if not plain or kind != _ECHO_REQUEST[family]:
        return None
    source, destination, end = _ADDRESSES[family]
    return Failure(ident, sequence, packet[source:destination], packet[destination:end], why)


# --- the filter ---------------------------------------------------------------------------------

_LDB_IND, _LDH_IND, _LDX_MSH, _LDX_IMM = 0x50, 0x48, 0xB1, 0x01
_JEQ, _RET = 0x15, 0x06
_INSTRUCTION: Final = struct.Struct("=HBBI")


def echo_filter(family: Family, ident: int) -> bytes:
    """Classic BPF for a raw socket: our echo replies, and errors that quote our requests; nothing else.

    Without it every raw ICMP socket of a host is woken by every other's replies. X holds the offset of the
    ICMP header: IPv4 packets arrive with their IP header, IPv6 packets without.
    """
    unreachable, exceeded = _ERRORS[family]
    quoted_ident = _HEADER.size + _IP_HEADER_LEN[family] + 4
    start = (_LDX_MSH, 0, 0, 0) if family is Family.IPV4 else (_LDX_IMM, 0, 0, 0)
    # Jumps count from the next instruction; a load beyond the packet's end rejects it.
    program = (
        start,
        (_LDB_IND, 0, 0, 0),  # ICMP type
        (_JEQ, 0, 2, _ECHO_REPLY[family]),  # else: to the errors
        (_LDH_IND, 0, 0, 4),  # identifier
        (_JEQ, 4, 5, ident),  # accept, reject
        (_JEQ, 1, 0, unreachable),
        (_JEQ, 0, 3, exceeded),  # else: reject
        (_LDH_IND, 0, 0, quoted_ident),
        (_JEQ, 0, 1, ident),  # accept, reject
        (_RET, 0, 0, 0xFFFF),
        (_RET, 0, 0, 0),
    )
    return b"".join(_INSTRUCTION.pack(*step) for step in program)

"""ICMP echo as bytes, and the filter of raw sockets as the kernel runs it."""

from __future__ import annotations

import ctypes
import socket
import struct
from collections.abc import Callable, Iterator
from ipaddress import ip_address

import pytest

from controller.core.model import Address, Family
from controller.probes.messages import Answer, Failure
from controller.probes.packets import checksum, echo_body, echo_filter, echo_request, parse

TOKEN = b"token-01"
SOURCE = {Family.IPV4: ip_address("198.18.1.129"), Family.IPV6: ip_address("2001:db8:501:ff::129")}
TARGET = {Family.IPV4: ip_address("198.51.100.1"), Family.IPV6: ip_address("2001:db8:100::1")}
BOTH = pytest.mark.parametrize("family", list(Family))


# --- packets ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (bytes.fromhex("0001f203f4f5f6f7"), 0x220D),  # the example of RFC 1071, section 3: sum ddf2
        (b"", 0xFFFF),
        (b"\x01", 0xFEFF),  # an odd byte is padded on the right
        (b"\xff" * 64, 0x0000),
    ],
)
def test_the_checksum_is_that_of_rfc_1071(data: bytes, expected: int) -> None:
    assert checksum(data) == expected


def test_an_ipv4_request_sums_to_zero_and_ipv6_leaves_the_sum_to_the_kernel() -> None:
    assert checksum(echo_request(Family.IPV4, 7, 70_000, TOKEN)) == 0
    assert echo_request(Family.IPV6, 7, 70_000, TOKEN)[2:4] == b"\0\0"


def reply_to(request: bytes) -> bytes:
    """What the far end makes of an echo request."""
    return bytes([0 if request[0] == 8 else 129]) + request[1:]


def ip_packet(family: Family, payload: bytes, source: Address, destination: Address) -> bytes:
    if family is Family.IPV4:
        return (
            struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 1, 0, 64, 1, 0)
            + source.packed
            + destination.packed
            + payload
        )
    return struct.pack("!IHBB", 6 << 28, len(payload), 58, 64) + source.packed + destination.packed + payload


def error_about(family: Family, request: bytes, kind: int, code: int, quoted: int = 1000) -> bytes:
    packet = ip_packet(family, request, SOURCE[family], TARGET[family])
    return struct.pack("!BBHI", kind, code, 0, 0) + packet[:quoted]


@BOTH
def test_a_reply_reads_back_what_was_sent(family: Family) -> None:
    reply = reply_to(echo_request(family, 0x1234, 70_000, TOKEN))
    assert parse(family, reply, ip_header=False) == Answer(0x1234, 70_000 & 0xFFFF, echo_body(70_000, TOKEN))


def test_raw_ipv4_sockets_deliver_the_ip_header_options_included() -> None:
    reply = reply_to(echo_request(Family.IPV4, 1, 2, TOKEN))
    plain = ip_packet(Family.IPV4, reply, TARGET[Family.IPV4], SOURCE[Family.IPV4])
    with_options = b"\x46" + plain[1:20] + bytes(4) + plain[20:]
    for packet in (plain, with_options):
        assert parse(Family.IPV4, packet, ip_header=True) == Answer(1, 2, echo_body(2, TOKEN))


@pytest.mark.parametrize(
    ("family", "kind", "code", "reason"),
    [
        (Family.IPV4, 3, 0, "net unreachable"),
        (Family.IPV4, 3, 1, "host unreachable"),
        (Family.IPV4, 3, 13, "prohibited unreachable"),
        (Family.IPV4, 3, 77, "code 77 unreachable"),
        (Family.IPV4, 11, 0, "time exceeded"),
        (Family.IPV6, 1, 0, "no route unreachable"),
        (Family.IPV6, 1, 3, "address unreachable"),
        (Family.IPV6, 3, 0, "time exceeded"),
    ],
)
def test_an_error_names_the_request_that_it_quotes(family: Family, kind: int, code: int, reason: str) -> None:
    error = error_about(family, echo_request(family, 9, 10, TOKEN), kind, code)
    expected = Failure(9, 10, SOURCE[family].packed, TARGET[family].packed, reason)
    assert parse(family, error, ip_header=False) == expected


@BOTH
def test_an_error_need_quote_no_more_than_eight_bytes_of_the_request(family: Family) -> None:
    header = 20 if family is Family.IPV4 else 40
    kind = 3 if family is Family.IPV4 else 1
    request = echo_request(family, 9, 10, TOKEN)
    assert parse(family, error_about(family, request, kind, 0, header + 8), ip_header=False) is not None
    assert parse(family, error_about(family, request, kind, 0, header + 7), ip_header=False) is None


@BOTH
def test_what_is_cut_short_or_not_ours_is_nothing(family: Family) -> None:
    request = echo_request(family, 1, 2, TOKEN)
    kind = 3 if family is Family.IPV4 else 1
    for whole in (request, reply_to(request), error_about(family, request, kind, 1)):
        for length in range(len(reply_to(request))):
            assert parse(family, whole[:length], ip_header=False) is None
            parse(family, whole[:length], ip_header=True)
    assert parse(family, request, ip_header=False) is None  # a request that someone else sent us
    tcp = bytearray(error_about(family, request, kind, 1))
    tcp[8 + (9 if family is Family.IPV4 else 6)] = 6
    assert parse(family, bytes(tcp), ip_header=False) is None


@pytest.fixture
def filtered() -> Iterator[Callable[[bytes, bytes], bool]]:
    """Ask the kernel whether a filter lets a packet through: any socket will do, so no privilege is needed."""
    left, right = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    right.setblocking(False)

    def passes(program: bytes, packet: bytes) -> bool:
        memory = ctypes.create_string_buffer(program, len(program))
        right.setsockopt(
            socket.SOL_SOCKET, 26, struct.pack("@HP", len(program) // 8, ctypes.addressof(memory))
        )
        left.send(packet)
        try:
            return right.recv(1000) == packet
        except BlockingIOError:
            return False

    with left, right:
        yield passes


@BOTH
def test_the_raw_socket_filter_passes_our_replies_and_errors_only(
    family: Family, filtered: Callable[[bytes, bytes], bool]
) -> None:
    program = echo_filter(family, 0x4242)
    unreachable, exceeded = (3, 11) if family is Family.IPV4 else (1, 3)

    def arriving(payload: bytes) -> bytes:
        whole = ip_packet(family, payload, TARGET[family], SOURCE[family])
        return whole if family is Family.IPV4 else payload

    ours, foreign = (echo_request(family, ident, 5, TOKEN) for ident in (0x4242, 0x4243))
    for request, passed in ((ours, True), (foreign, False)):
        assert filtered(program, arriving(reply_to(request))) is passed
        assert filtered(program, arriving(error_about(family, request, unreachable, 1))) is passed
        assert filtered(program, arriving(error_about(family, request, exceeded, 0))) is passed
    assert not filtered(program, arriving(ours))  # a request, not a reply
    assert not filtered(program, arriving(b"\x05" + reply_to(ours)[1:]))
    assert not filtered(program, arriving(error_about(family, ours, unreachable, 1, quoted=20)))

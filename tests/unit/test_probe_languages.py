"""What DNS and TWAMP probes say and understand, byte by byte."""

from __future__ import annotations

import struct
import time
from dataclasses import replace
from ipaddress import ip_address

import dns.flags
import dns.message
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.core.model import DnsQuery, Endpoint, Family, HttpGet, TcpConnect, TwampTest, target_order
from controller.probes.dns_query import DnsLanguage
from controller.probes.messages import Slot
from controller.probes.packets import reason
from controller.probes.twamp import TwampLanguage

SERVER = ip_address("192.0.2.53")
QUERY = Endpoint(SERVER, 53, DnsQuery("www.example.net", "AAAA"))
REFLECTOR = Endpoint(SERVER, 862, TwampTest())


def slot(target: Endpoint) -> Slot:
    return Slot("edge1-azerbaijan", target, Family.IPV4, str(SERVER), SERVER.packed, None, target.port)


def dns_language() -> DnsLanguage:
    language = DnsLanguage()
    language.learn(QUERY)
    return language


# --- DNS ---


def test_a_query_asks_what_policy_says_under_the_probes_number() -> None:
    packet, _ = dns_language().compose(slot(QUERY), 0x2_1234)
    message = dns.message.from_wire(packet)
    assert message.id == 0x1234
    assert message.question[0].to_text() == "www.example.net. IN AAAA"
    assert message.flags == dns.flags.RD


@pytest.mark.parametrize("rcode", ["NOERROR", "NXDOMAIN", "SERVFAIL", "REFUSED"])
def test_a_response_of_any_rcode_is_an_answer_that_names_it(rcode: str) -> None:
    language = dns_language()
    packet, proof = language.compose(slot(QUERY), 7)
    response = dns.message.make_response(dns.message.from_wire(packet))
    response.set_rcode(dns.rcode.from_text(rcode))
    answer = language.parse(response.to_wire(), ident=3)
    assert answer is not None
    assert (answer.ident, answer.sequence, answer.proof, answer.word) == (3, 7, proof, rcode)


def test_a_truncated_response_is_an_answer_and_spelling_does_not_matter() -> None:
    language = dns_language()
    packet, proof = language.compose(slot(QUERY), 7)
    response = dns.message.make_response(dns.message.make_query("WWW.example.NET", "AAAA", id=7))
    response.flags |= dns.flags.TC
    answer = language.parse(response.to_wire(), ident=3)
    assert answer is not None
    assert answer.proof == proof
    assert language.sequence(packet) == 7


@pytest.mark.parametrize("other", [("www.example.org", "AAAA"), ("www.example.net", "A")])
def test_an_answer_to_another_question_proves_nothing(other: tuple[str, str]) -> None:
    language = dns_language()
    _, proof = language.compose(slot(QUERY), 7)
    response = dns.message.make_response(dns.message.make_query(*other, id=7))
    answer = language.parse(response.to_wire(), ident=3)
    assert answer is not None
    assert answer.proof != proof


def test_a_query_of_someone_elses_is_no_answer() -> None:
    language = dns_language()
    packet, _ = language.compose(slot(QUERY), 7)
    assert language.parse(packet, ident=3) is None


@given(st.binary(max_size=64))
def test_no_bytes_whatever_upset_the_reader(data: bytes) -> None:
    dns_language().parse(data, ident=3)
    TwampLanguage().parse(data, ident=3)
    assert TwampLanguage().sequence(data[:3]) is None


# --- TWAMP: offsets are those of RFC 8762, sections 4.2.1 and 4.3.1 ---


def reflected(packet: bytes, received: tuple[int, int], sent: tuple[int, int], error: int = 1) -> bytes:
    """A stateful reflector's answer: a sequence number of its own."""
    body = (
        struct.pack("!III", 999, *sent) + struct.pack("!H", error) + bytes(2) + struct.pack("!II", *received)
    )
    return body + packet[:14] + bytes(2) + b"\xfe" + bytes(3)


def test_a_test_packet_is_44_bytes_with_the_time_in_ntp_format() -> None:
    packet, _ = TwampLanguage().compose(slot(REFLECTOR), 70_000)
    sequence, seconds, fraction, error = struct.unpack_from("!IIIH", packet)
    assert (len(packet), sequence, packet[14:]) == (44, 70_000, bytes(30))
    assert error & 0xFF  # a multiplier of zero is no estimate
    assert seconds - 2_208_988_800 + fraction / 2**32 == pytest.approx(time.time(), abs=5)


@pytest.mark.parametrize("length", [41, 44, 60])
@pytest.mark.parametrize(
    ("error", "received", "sent"),
    [(0x0001, (100, 1 << 31), (100, 3 << 30)), (0x4001, (100, 500_000_000), (100, 750_000_000))],
    ids=["ntp", "ptp"],
)
def test_a_reflected_packet_tells_how_long_it_stayed(
    length: int, error: int, received: tuple[int, int], sent: tuple[int, int]
) -> None:
    language = TwampLanguage()
    packet, proof = language.compose(slot(REFLECTOR), 70_000)
    answer = language.parse((reflected(packet, received, sent, error) + bytes(20))[:length], ident=3)
    assert answer is not None
    assert (answer.sequence, answer.proof) == (70_000 & 0xFFFF, proof)
    assert answer.spent_s == pytest.approx(0.25)
    assert language.sequence(packet[:8]) == 70_000 & 0xFFFF


def test_a_reflected_packet_that_is_cut_short_is_none() -> None:
    language = TwampLanguage()
    packet, _ = language.compose(slot(REFLECTOR), 1)
    assert language.parse(reflected(packet, (1, 0), (1, 0))[:40], ident=3) is None


# --- words ---


def test_errors_have_a_word_whatever_their_type() -> None:
    assert reason(Family.IPV6, 1, 4) == "port unreachable"
    assert reason(Family.IPV6, 2, 0) == "ICMP type 2"


def test_targets_have_one_order_and_say_what_they_are() -> None:
    targets = [QUERY, REFLECTOR, SERVER, ip_address("2001:db8::1"), ip_address("192.0.2.1")]
    assert sorted(targets, key=target_order) == sorted(targets[2:] + targets[:2], key=target_order)
    page = Endpoint(SERVER, 443, HttpGet("www.example.net", "/health"))
    assert str(page) == "https://www.example.net/health via 192.0.2.53"
    assert str(replace(page, port=8443)) == "https://www.example.net:8443/health via 192.0.2.53"
    assert str(Endpoint(ip_address("2001:db8::1"), 443, TcpConnect())) == "tcp [2001:db8::1]:443"
    assert [str(each) for each in targets[:2]] == [
        "dns www.example.net AAAA at 192.0.2.53:53",
        "twamp 192.0.2.53:862",
    ]

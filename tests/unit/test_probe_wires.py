"""What the engine relies on in every kind of wire."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from controller.core.model import Ask, DnsQuery, Endpoint, HttpGet, TcpConnect, TwampTest
from controller.probes.prober import KINDS

ASKS: dict[str, Ask] = {
    "tcp": TcpConnect(),
    "http": HttpGet("www.example.net"),
    "dns": DnsQuery("www.example.net"),
    "twamp": TwampTest(),
}


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
@pytest.mark.parametrize("kind", ASKS)
def test_a_wire_that_is_read_or_told_to_forget_with_nothing_under_way_says_nothing(
    kind: str, address: str
) -> None:
    wires = KINDS[kind]()
    try:
        wires.open(Endpoint(ip_address(address), 9, ASKS[kind]), None, None)
        (wire,) = wires
        for _ in range(2):
            received = wire.receive()
            assert (received.arrivals, received.overrun) == ([], False)
            wire.forget([0, 7])
    finally:
        wires.close()
    assert list(wires) == []

"""The ICMP prober with real packets, between two hosts of namespaces joined by two cables."""

from __future__ import annotations

import asyncio
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path

import pytest

from controller.core.model import Sample
from controller.ports import ProbeError
from controller.probes.packets import echo_request
from controller.probes.prober import NetworkProber
from tests.lab.namespaces import ip
from tests.lab.two_hosts import (
    AZ_SOURCE,
    FAR,
    GE_SOURCE,
    INVALID,
    LOST,
    NOWHERE,
    OK,
    SENT,
    TARGET,
    V4,
    V6,
    ends,
    far_batch,
    gather,
    inside,
    look,
    path,
    two_hosts,
)

pytestmark = pytest.mark.lab

COUNTERS = """
table inet seen {
  chain input {
    type filter hook input priority 0;
    icmp type echo-request ip saddr 198.18.1.129 counter comment "az4"
    icmp type echo-request ip saddr 198.18.2.129 counter comment "ge4"
    icmpv6 type echo-request ip6 saddr 2001:db8:501:ff::129 counter comment "az6"
    icmpv6 type echo-request ip6 saddr 2001:db8:502:ff::129 counter comment "ge6"
    icmp type echo-request iifname two counter comment "two4"
    icmpv6 type echo-request iifname two counter comment "two6"
  }
}
"""


@pytest.fixture(params=["datagram", "raw"])
def hosts(request: pytest.FixtureRequest) -> Iterator[str]:
    """Two hosts; the test itself stands on ``noc``. Once with datagram ICMP sockets, once with raw ones."""
    kind: str = request.param
    with two_hosts("0 2147483647" if kind == "datagram" else "1 0"):
        yield kind


def seen() -> dict[str, int]:
    """Echo requests that the far end has counted, by what they looked like."""
    listing = inside(FAR, "nft", "list", "table", "inet", "seen")
    found = re.findall(r'counter packets (\d+) bytes \d+ comment "(\w+)"', listing)
    return {name: int(packets) for packets, name in found}


@pytest.mark.usefixtures("hosts")
def test_each_path_probes_from_its_own_source_in_both_families() -> None:
    inside(FAR, "nft", "-f", "-", stdin=COUNTERS)
    links = [
        path("edge1-azerbaijan", sources=AZ_SOURCE),
        path("edge1-georgia", sources=GE_SOURCE, targets=(TARGET[V4],)),
    ]
    before, after = look(*links)
    samples = before + after
    assert set(ends(samples)) == {OK}
    sent = Counter((sample.path, sample.family) for sample in samples if sample.state is SENT)
    assert sent.keys() == {("edge1-azerbaijan", V4), ("edge1-azerbaijan", V6), ("edge1-georgia", V4)}
    assert min(sent.values()) >= 16
    counted = seen()
    assert counted["ge6"] == counted["two4"] == counted["two6"] == 0
    assert counted["az4"] >= sent["edge1-azerbaijan", V4]
    assert counted["az6"] >= sent["edge1-azerbaijan", V6]
    assert counted["ge4"] >= sent["edge1-georgia", V4]
    assert all(0 < sample.rtt_ms < 200 for sample in samples if sample.rtt_ms is not None)


@pytest.mark.usefixtures("hosts")
def test_a_path_with_a_device_probes_through_it_whatever_routing_prefers() -> None:
    inside(FAR, "nft", "-f", "-", stdin=COUNTERS)
    before, after = look(path(sources={}, device="two"))
    assert set(ends(before + after)) == {OK}
    counted = seen()
    assert min(counted["two4"], counted["two6"]) >= 16
    assert counted["az4"] == counted["az6"] == 0


@pytest.mark.usefixtures("hosts")
def test_a_reply_from_another_address_is_not_accepted() -> None:
    far_batch("address add 198.51.100.99/32 dev lo\naddress add 2001:db8:100::99/128 dev lo nodad")
    forge = """
    table inet forge { chain output { type filter hook output priority -300;
      icmp type echo-reply ip saddr set 198.51.100.99;
      icmpv6 type echo-reply ip6 saddr set 2001:db8:100::99; }; }
    """
    before, after = look(path(), halfway=lambda: inside(FAR, "nft", "-f", "-", stdin=forge))
    assert set(ends(before)) == {OK}
    assert {s.family for s in after if s.state is LOST} == {V4, V6}
    late = [sample for sample in after if sample.sent_at > after[0].sent_at + 0.1]
    assert set(ends(late)) == {LOST}


@pytest.mark.usefixtures("hosts")
def test_a_cut_far_away_loses_probes_by_timeout_and_healing_answers_again() -> None:
    def cut() -> None:
        inside(
            FAR,
            "nft",
            "add table inet cut; add chain inet cut in { type filter hook input priority 0; policy drop; }",
        )

    before, after = look(path(), halfway=cut)
    assert set(ends(before)) == {OK}
    lost = [sample for sample in after if sample.state is LOST]
    assert {sample.detail for sample in lost} == {"no reply"}
    before, after = look(path(), halfway=lambda: inside(FAR, "nft", "delete", "table", "inet", "cut"))
    assert set(ends(before)) == {LOST}
    assert after[-1].state in (SENT, OK)
    assert ends(after)[OK] >= 10


@pytest.mark.usefixtures("hosts")
def test_a_link_down_on_this_host_loses_probes_at_once_with_the_kernels_word() -> None:
    _, after = look(path(sources={}, device="two"), halfway=lambda: ip("link", "set", "two", "down"))
    refused = [sample for sample in after if sample.detail.startswith("not sent: ")]
    assert {sample.state for sample in refused} == {LOST}
    assert {sample.family for sample in refused} == {V4, V6}
    assert len(refused) >= 14


@pytest.mark.usefixtures("hosts")
def test_a_source_address_that_goes_away_loses_probes() -> None:
    def remove() -> None:
        ip("address", "del", "198.18.1.129/32", "dev", "one")
        ip("address", "del", "2001:db8:501:ff::129/128", "dev", "one")

    before, after = look(path(), halfway=remove)
    assert set(ends(before)) == {OK}
    lost = [sample for sample in after if sample.state is LOST]
    assert len(lost) >= 12
    assert ends(after)[OK] <= 4  # what was under way
    # The kernel refuses at once, but for IPv6 datagram sockets, which send from an address that is gone.
    assert {sample.family for sample in lost if sample.detail.startswith("not sent: ")} >= {V4}


@pytest.mark.usefixtures("hosts")
def test_an_unreachable_route_on_this_host_is_told_at_once() -> None:
    ip("route", "add", "unreachable", "192.0.2.0/24")
    ip("route", "add", "unreachable", "2001:db8:200::/48")
    before, _ = look(path(targets=tuple(NOWHERE.values())))
    assert {sample.detail for sample in before if sample.state is not SENT} == {"not sent: No route to host"}


def test_a_router_that_says_unreachable_is_heard_by_raw_sockets(hosts: str) -> None:
    before, _ = look(path(targets=tuple(NOWHERE.values())))
    details = {(sample.family, sample.detail) for sample in before if sample.state is LOST}
    assert set(ends(before)) == {LOST}
    told = {(V4, "host unreachable, says 203.0.113.1"), (V6, "no route unreachable, says 2001:db8:500::1")}
    if hosts == "raw":
        assert told <= details <= told | {(V4, "no reply")}  # routers say it only so often
    else:
        assert details == {(V4, "no reply"), (V6, "no reply")}


@pytest.mark.usefixtures("hosts")
def test_two_probers_of_the_same_targets_at_once_never_take_each_others_replies() -> None:
    async def run() -> list[list[Sample]]:
        probers = [NetworkProber() for _ in range(3)]
        for prober in probers:
            await prober.start([path()], 0.02, 0.2)
        gathered = await asyncio.gather(*(gather(prober, 1.0) for prober in probers))
        for prober in probers:
            await prober.stop()
        return gathered

    for samples in asyncio.run(run()):
        assert set(ends(samples)) == {OK}
        answered = [sample.seq for sample in samples if sample.state is OK]
        assert len(answered) == len(set(answered)) >= 80


@pytest.mark.usefixtures("hosts")
def test_a_blocked_event_loop_loses_nothing_and_blurs_no_rtt() -> None:
    _, after = look(path(), interval_s=0.02, timeout_s=0.1, halfway=lambda: time.sleep(0.4))
    assert LOST not in ends(after)
    # What was under way when the loop stopped was answered at once, and the kernel noted when.
    assert max(sample.rtt_ms for sample in after if sample.rtt_ms is not None) < 100


FLOOD = """
import socket, sys, time
sock = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
while True:
    for forged in sys.argv[2:] * 20:
        sock.sendto(bytes.fromhex(forged), (sys.argv[1], 0))
    time.sleep(0.0005)  # a host's input queue is shared: what is dropped there is really lost
"""


def forged_reply(ident: int) -> str:
    """What the kernel takes for a reply to the socket with this identifier, and the prober does not; in hex."""
    forged = b"\0" + echo_request(V4, ident, 0, b"not-ours")[1:]
    checksum = ((forged[2] << 8 | forged[3]) + 0x0800) % 0xFFFF  # a reply's type is 8 less than a request's
    return (forged[:2] + checksum.to_bytes(2, "big") + forged[4:]).hex()


@pytest.mark.usefixtures("hosts")
def test_a_receive_queue_that_overflows_makes_probes_invalid_and_loses_none() -> None:
    async def run() -> tuple[list[Sample], list[Sample], list[Sample]]:
        prober = NetworkProber()
        await prober.start([path(targets=(TARGET[V4],))], 0.02, 0.2)
        for wire in prober._by_descriptor.values():
            with socket.socket(fileno=os.dup(wire.fileno())) as sock:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)  # the kernel makes that 2 KiB or so
        try:
            before = await gather(prober, 0.5)
            forged = [forged_reply(wire.ident) for wire in prober._by_descriptor.values()]
            words = [sys.executable, "-c", FLOOD, str(AZ_SOURCE[V4]), *forged]
            flood = await asyncio.create_subprocess_exec("ip", "netns", "exec", FAR, *words)
            during: list[Sample] = []
            give_up = time.monotonic() + 20
            while ends(during)[INVALID] < 1 and time.monotonic() < give_up:
                during += await gather(prober, 0.2)
            flood.kill()
            await flood.wait()
            during += await gather(prober, 0.3)
            return before, during, await gather(prober, 0.5)
        finally:
            await prober.stop()

    before, during, after = asyncio.run(run())
    assert OK in ends(before)
    assert ends(during)[INVALID] >= 1
    assert ends(during)[LOST] == 0
    assert set(ends(after)) == {OK}


@pytest.mark.usefixtures("hosts")
def test_probes_are_spread_evenly_over_the_interval() -> None:
    links = [path(f"link-{number}") for number in range(5)]
    before, _ = look(*links, seconds=1.0, interval_s=0.2)
    sent = sorted(sample.sent_at for sample in before if sample.state is SENT)
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert sum(gap > 0.06 for gap in gaps) <= 2  # due every 20 ms; two for a busy machine


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (
            {"sources": {V4: ip_address("198.18.9.9")}},
            r"edge1-azerbaijan: address 198\.18\.9\.9 is not on this host",
        ),
        ({"sources": {V6: ip_address("2001:db8:9::9")}}, "address 2001:db8:9::9 is not on this host"),
        ({"device": "no-such-dev"}, "no interface no-such-dev on this host"),
        ({"sources": {V6: AZ_SOURCE[V6]}, "targets": (TARGET[V4],)}, "no target of a family"),
    ],
)
def test_what_cannot_work_is_said_at_the_start(wrong: dict[str, object], message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        look(path(**wrong))  # type: ignore[arg-type]


@pytest.mark.usefixtures("hosts")
@pytest.mark.parametrize(
    ("interval_s", "timeout_s", "message"),
    [(0.0, 1.0, "above zero"), (0.0001, 10.0, "200000 probes waiting")],
)
def test_rates_that_cannot_be_kept_are_refused(interval_s: float, timeout_s: float, message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        look(path(), interval_s=interval_s, timeout_s=timeout_s)


@pytest.mark.usefixtures("hosts")
def test_a_prober_starts_once_and_stops_for_good() -> None:
    async def run() -> None:
        prober = NetworkProber()
        with pytest.raises(ProbeError, match="was not started"):
            await prober.samples(0.0)
        descriptors = open_files()
        await prober.start([path()], 0.05, 0.2)
        with pytest.raises(ProbeError, match="runs already"):
            await prober.start([path()], 0.05, 0.2)
        assert (await prober.samples(5.0))[0].state is SENT
        waiting = asyncio.ensure_future(wait_for_the_end(prober))
        await asyncio.sleep(0)
        await prober.stop()
        await prober.stop()
        await waiting
        assert open_files() == descriptors

    async def wait_for_the_end(prober: NetworkProber) -> None:
        with pytest.raises(ProbeError, match="has stopped"):
            await gather(prober, 60.0)

    asyncio.run(run())


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


TRY_WITHOUT = """
import asyncio
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from controller.core.model import Family
from controller.ports import ProbeError, ProbePath
from controller.probes.packets import echo_request
from controller.probes.prober import NetworkProber

async def run():
    sources = {Family.IPV4: ip_address("198.18.1.129"), Family.IPV6: ip_address("2001:db8:501:ff::129")}
    prober = NetworkProber()
    try:
        targets = (ip_address("198.51.100.1"), ip_address("2001:db8:100::1"))
        await prober.start([ProbePath("edge1-azerbaijan", sources, targets)], 0.05, 0.2)
    except ProbeError as error:
        return print("ProbeError:", error)
    seen = set()
    while len(seen) < 2:
        seen |= {sample.family for sample in await prober.samples(5) if sample.rtt_ms is not None}
    await prober.stop()
    print("answered:", *sorted(seen))

asyncio.run(run())
"""


def test_without_cap_net_raw_datagram_sockets_work_and_else_the_error_says_what_to_grant(hosts: str) -> None:
    said = subprocess.run(
        ["setpriv", "--bounding-set=-net_raw,-net_admin", sys.executable, "-c", TRY_WITHOUT],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    ).stdout
    if hosts == "datagram":
        assert said == "answered: ipv4 ipv6\n"
    else:
        assert said.startswith("ProbeError: edge1-azerbaijan: not allowed to send ICMP: grant CAP_NET_RAW")
        assert "net.ipv4.ping_group_range" in said

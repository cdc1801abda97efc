"""Which way probes would leave this host: real routing tables, in a namespace with a way to each of two routers."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_address

import pytest
from pyroute2 import netns

from controller.core.model import USER_PATH, Endpoint, Family, TcpConnect
from controller.ports import ProbeError, ProbePath
from controller.probes.ways import check_ways
from tests.lab.namespaces import ip, namespaces

pytestmark = pytest.mark.lab

NOC = f"h6w-{os.getpid()}-noc"
FAR = f"h6w-{os.getpid()}-far"
V4, V6 = Family.IPV4, Family.IPV6
TARGETS = (ip_address("198.51.100.1"), ip_address("192.0.2.1"), ip_address("2001:db8:100::1"))
ROUTERS = {"edge1-azerbaijan": "edge1", "edge1-georgia": "edge1", "edge2-iran": "edge2"}

WIRES = f"""
link add one netns {NOC} type veth peer name one netns {FAR}
link add two netns {NOC} type veth peer name two netns {FAR}
"""
FAR_ENDS = """
link set one up
link set two up
"""
# Two routers on two devices; ordinary traffic leaves through the first.
NOC_SETUP = """
link set one up
link set two up
address add 203.0.113.20/24 dev one
address add 2001:db8:500::20/64 dev one nodad
address add 198.18.9.2/24 dev two
address add 2001:db8:509::2/64 dev two nodad
address add 198.18.1.129/32 dev one
address add 198.18.2.129/32 dev one
address add 198.18.3.130/32 dev one
address add 2001:db8:501:ff::129/128 dev one nodad
address add 2001:db8:503:ff::130/128 dev one nodad
route add default via 203.0.113.1
route add default via 2001:db8:500::1
"""
RULES = """
rule add from 198.18.3.130 lookup 102
route add default via 198.18.9.1 dev two table 102
rule add from 2001:db8:503:ff::130 lookup 102
route add default via 2001:db8:509::1 dev two table 102
"""
LAST_RESORT = """
route add unreachable default metric 4278198272 table 102
-6 route add unreachable default metric 4278198272 table 102
"""


@pytest.fixture
def noc() -> Iterator[None]:
    """A host with two ways out; the test itself stands on it."""
    with namespaces([NOC, FAR], WIRES):
        batch(NOC_SETUP)
        ip("-n", FAR, "-batch", "-", stdin=FAR_ENDS)
        netns.pushns(NOC)
        try:
            yield
        finally:
            netns.popns()


def batch(lines: str) -> None:
    for line in filter(None, lines.splitlines()):
        words = line.split()
        ip("-n", NOC, *(["-6"] if "2001:" in line and words[0] != "-6" else []), *words)


def path(name: str, *sources: str) -> ProbePath:
    found = {V4 if "." in source else V6: ip_address(source) for source in sources}
    return ProbePath(name, found, TARGETS)


AZ = path("edge1-azerbaijan", "198.18.1.129", "2001:db8:501:ff::129")
GE = path("edge1-georgia", "198.18.2.129")
IR = path("edge2-iran", "198.18.3.130", "2001:db8:503:ff::130")


def check(*paths: ProbePath) -> list[str]:
    return asyncio.run(check_ways(paths, ROUTERS))


@pytest.mark.usefixtures("noc")
def test_links_with_ways_of_their_own_and_a_last_resort_are_right() -> None:
    batch(RULES + LAST_RESORT)
    assert check(AZ, GE, IR) == []


@pytest.mark.usefixtures("noc")
def test_a_table_without_a_last_resort_is_named_with_the_way_out_it_would_take() -> None:
    batch(RULES)
    told = check(AZ, GE, IR)
    assert told == [
        falls_back(V4, "198.18.9.1", "203.0.113.1"),
        falls_back(V6, "2001:db8:509::1", "2001:db8:500::1"),
    ]
    for warning in told:  # what it says to do is what helps
        command = warning.split("`")[1].removeprefix("ip ")
        batch(command)
    assert check(AZ, GE, IR) == []


@pytest.mark.usefixtures("noc")
def test_the_trap_is_real_and_the_last_resort_shuts_it() -> None:
    """What is warned of, done: the way goes, and the kernel sends the same probes through the other router."""
    batch(RULES)
    ip("-n", NOC, "link", "set", "two", "down")
    assert "edge1-azerbaijan and edge2-iran" in refusal(AZ, IR)
    batch("-4 route add unreachable default metric 4278198272 table 102")
    batch("-6 route add unreachable default metric 4278198272 table 102")
    told = check(AZ, IR)
    assert len(told) == 3  # no way to any of three targets
    assert all("edge2-iran" in each and "this host has no way to" in each for each in told)


@pytest.mark.usefixtures("noc")
def test_links_of_two_routers_that_leave_by_ordinary_routing_are_an_error() -> None:
    message = refusal(AZ, IR)
    assert message.startswith(
        "edge1-azerbaijan and edge2-iran (IPv4): probes of both leave this host via 203.0.113.1 dev one, "
        "edge2-iran by ordinary routing, though their links are on two routers. "
        "Give edge2-iran a table N of its own: "
        "`ip rule add from 198.18.3.130 lookup N`"
    )
    assert "edge1-azerbaijan and edge2-iran (IPv6)" in message


@pytest.mark.usefixtures("noc")
def test_two_links_of_one_router_may_share_the_way_there() -> None:
    assert check(AZ, GE) == []


@pytest.mark.usefixtures("noc")
def test_rules_that_lead_two_sources_to_one_router_are_believed() -> None:
    """A router in between that steers by source: whoever writes rules means it."""
    batch(RULES + LAST_RESORT)
    batch("rule add from 198.18.1.129 lookup 102")
    assert check(path("edge1-azerbaijan", "198.18.1.129"), path("edge2-iran", "198.18.3.130")) == []


@pytest.mark.usefixtures("noc")
def test_two_links_through_one_device_without_sources_are_one_link() -> None:
    batch("route add default via 198.18.9.1 dev two metric 500")
    through = [ProbePath(name, {}, TARGETS[:2], "two") for name in ("edge1-azerbaijan", "edge2-iran")]
    assert "with the same source: they are one link" in refusal(*through)
    assert check(replace(through[0], device="one"), through[1]) == []


@pytest.mark.usefixtures("noc")
def test_a_second_default_route_is_a_way_to_fall_back_to() -> None:
    batch("route add default via 198.18.9.1 dev two metric 500")
    (told,) = check(path("edge1-azerbaijan", "198.18.1.129"))
    assert "its probes leave via 198.18.9.1 dev two" in told
    assert (
        "`ip rule add from 198.18.1.129 lookup N`; `ip route add default via 203.0.113.1 dev one table N`"
        in told
    )


@pytest.mark.usefixtures("noc")
def test_a_target_with_a_route_of_its_own_is_named() -> None:
    batch(RULES + LAST_RESORT)
    batch("route add 192.0.2.0/24 via 198.18.9.1 dev two")
    (told,) = [each for each in check(GE) if "more specific" in each]
    assert told.startswith(
        "edge1-georgia (IPv4): probes leave this host via 203.0.113.1 dev one, but those of 192.0.2.1"
    )


@pytest.mark.usefixtures("noc")
def test_users_path_goes_as_traffic_goes_and_endpoints_are_looked_at_like_addresses() -> None:
    batch(RULES)
    users = ProbePath(USER_PATH, {V4: ip_address("203.0.113.20")}, TARGETS)
    target = Endpoint(ip_address("198.51.100.1"), 443, TcpConnect())
    (told,) = check(users, ProbePath(IR.name, {V4: IR.sources[V4]}, (target,)))
    assert told.startswith("edge2-iran (IPv4): when its way")


def falls_back(family: Family, gateway: str, other: str) -> str:
    label, command = ("IPv4", "ip") if family is V4 else ("IPv6", "ip -6")
    return (
        f"edge2-iran ({label}): when its way via {gateway} dev two is gone, its probes leave via {other} dev one "
        "and the link looks alive while it is dead. "
        f"Add `{command} route add unreachable default metric 4278198272 table 102`"
    )


def refusal(*paths: ProbePath) -> str:
    with pytest.raises(ProbeError) as caught:
        check(*paths)
    return str(caught.value)

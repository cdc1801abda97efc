"""Two hosts of namespaces joined by two cables: ``noc``, where tests stand, and ``far``, where targets are."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from ipaddress import ip_address

from pyroute2 import netns

from controller.core.model import Family, Sample, SampleState
from controller.ports import ProbePath
from controller.probes.prober import NetworkProber
from tests.lab.namespaces import ip, namespaces

PREFIX = f"two-{os.getpid()}"
NOC, FAR = f"{PREFIX}-noc", f"{PREFIX}-far"
SENT, OK, LOST, INVALID = SampleState.SENT, SampleState.OK, SampleState.LOST, SampleState.INVALID
V4, V6 = Family.IPV4, Family.IPV6

AZ_SOURCE = {V4: ip_address("198.18.1.129"), V6: ip_address("2001:db8:501:ff::129")}
GE_SOURCE = {V4: ip_address("198.18.2.129"), V6: ip_address("2001:db8:502:ff::129")}
TARGET = {V4: ip_address("198.51.100.1"), V6: ip_address("2001:db8:100::1")}
NOWHERE = {V4: ip_address("192.0.2.77"), V6: ip_address("2001:db8:200::77")}  # the far end has no way there
BOTH = (TARGET[V4], TARGET[V6])

SETUP = f"""
link add one netns {NOC} type veth peer name one netns {FAR}
link add two netns {NOC} type veth peer name two netns {FAR}
"""
NOC_SETUP = """
link set one up
link set two up
address add 203.0.113.20/24 dev one
address add 2001:db8:500::20/64 dev one nodad
address add 198.18.1.129/32 dev one
address add 198.18.2.129/32 dev one
address add 2001:db8:501:ff::129/128 dev one nodad
address add 2001:db8:502:ff::129/128 dev one nodad
address add 198.18.3.2/30 dev two
address add 2001:db8:503:1::2/64 dev two nodad
route add default via 203.0.113.1
route add default via 2001:db8:500::1
route add default via 198.18.3.1 dev two metric 500
route add default via 2001:db8:503:1::1 dev two metric 5000
"""
FAR_SETUP = """
link set one up
link set two up
address add 203.0.113.1/24 dev one
address add 2001:db8:500::1/64 dev one nodad
address add 198.18.3.1/30 dev two
address add 2001:db8:503:1::1/64 dev two nodad
address add 198.51.100.1/32 dev lo
address add 2001:db8:100::1/128 dev lo
route add 198.18.0.0/16 via 203.0.113.20
route add 2001:db8:501::/48 via 2001:db8:500::20
route add 2001:db8:502::/48 via 2001:db8:500::20
route add unreachable 192.0.2.0/24
route add unreachable 2001:db8:200::/48
"""


def inside(name: str, *words: str, stdin: str | None = None) -> str:
    """Run a command in a namespace."""
    done = subprocess.run(
        ["ip", "netns", "exec", name, *words], check=False, capture_output=True, text=True, input=stdin
    )
    assert done.returncode == 0, f"{' '.join(words)}: {done.stderr}"
    return done.stdout


def far_batch(lines: str) -> None:
    ip("-n", FAR, "-batch", "-", stdin=lines)


@contextmanager
def two_hosts(ping_group_range: str = "0 2147483647") -> Iterator[None]:
    """Both hosts, the caller standing on ``noc``."""
    with namespaces([NOC, FAR], SETUP):
        inside(NOC, "sysctl", "-qw", f"net.ipv4.ping_group_range={ping_group_range}")
        for host in (NOC, FAR):  # addresses are usable at once
            inside(host, "sysctl", "-qw", "net.ipv6.conf.one.accept_dad=0", "net.ipv6.conf.two.accept_dad=0")
        inside(FAR, "sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1")
        inside(FAR, "sysctl", "-qw", "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0")
        ip("-n", NOC, "-batch", "-", stdin=NOC_SETUP)
        far_batch(FAR_SETUP)
        netns.pushns(NOC)
        try:
            yield
        finally:
            netns.popns()


def path(name: str = "edge1-azerbaijan", targets: Sequence[object] = BOTH, **how: object) -> ProbePath:
    sources = how.pop("sources", AZ_SOURCE)
    return ProbePath(name, sources, tuple(targets), **how)  # type: ignore[arg-type]


async def gather(prober: NetworkProber, seconds: float) -> list[Sample]:
    samples: list[Sample] = []
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        samples += await prober.samples(left)
    return samples


def look(
    *paths: ProbePath,
    seconds: float = 0.5,
    interval_s: float = 0.05,
    timeout_s: float = 0.2,
    halfway: Callable[[], object] = lambda: None,
) -> tuple[list[Sample], list[Sample]]:
    """Probe for a while, do something, probe for as long again."""

    async def run() -> tuple[list[Sample], list[Sample]]:
        prober = NetworkProber()
        await prober.start(paths, interval_s, timeout_s)
        try:
            before = await gather(prober, seconds)
            halfway()
            return before, await gather(prober, seconds)
        finally:
            await prober.stop()

    return asyncio.run(run())


def ends(samples: Sequence[Sample]) -> Counter[SampleState]:
    return Counter(sample.state for sample in samples if sample.state is not SENT)

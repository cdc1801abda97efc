"""What probing costs and how true its RTTs are: ``python -m tests.benchmarks.bench_icmp`` (root).

Two namespaces joined by a cable; ``ping`` over the same cable is the reference. Prints; asserts nothing.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import time
from collections import Counter
from ipaddress import ip_address

from pyroute2 import netns

from controller.core.model import Family, SampleState
from controller.ports import ProbePath
from controller.probes.prober import NetworkProber
from tests.lab.namespaces import ip, namespaces

NOC, FAR = f"bench-{os.getpid()}-noc", f"bench-{os.getpid()}-far"
SETUP = f"""
link add cable netns {NOC} type veth peer name cable netns {FAR}
"""
UP = {
    NOC: "link set cable up\naddress add 203.0.113.20/24 dev cable",
    FAR: "link set cable up\naddress add 203.0.113.1/24 dev cable",
}
SOURCE = {Family.IPV4: ip_address("203.0.113.20")}
TARGET = ip_address("203.0.113.1")
SECONDS = 5.0


async def probe(rate: int) -> None:
    """Probe at so many a second and print a line."""
    prober = NetworkProber()
    interval_s = max(0.1, 20 / rate)
    paths = [ProbePath(f"link-{n}", SOURCE, (TARGET,)) for n in range(int(rate * interval_s))]
    await prober.start(paths, interval_s, timeout_s=0.5)
    counts: Counter[SampleState] = Counter()
    rtts: list[float] = []
    begun, cpu = time.monotonic(), time.process_time()
    while time.monotonic() - begun < SECONDS:
        for sample in await prober.samples(0.1):
            counts[sample.state] += 1
            if sample.rtt_ms is not None:
                rtts.append(sample.rtt_ms)
    cpu = (time.process_time() - cpu) / (time.monotonic() - begun)
    await prober.stop()
    rtts.sort()
    print(
        f"{counts[SampleState.SENT] / SECONDS:7.0f} probes/s: {100 * cpu:5.1f} % of a core, "
        f"lost {counts[SampleState.LOST]}, invalid {counts[SampleState.INVALID]}, "
        f"rtt p50 {rtts[len(rtts) // 2] * 1000:5.1f} us, p99 {rtts[len(rtts) * 99 // 100] * 1000:5.1f} us"
    )


def ping() -> None:
    """The reference."""
    words = ["ping", "-n", "-i", "0.005", "-c", "1000", "-I", "203.0.113.20", str(TARGET)]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    rtts = sorted(float(found) for found in re.findall(r"time=([\d.]+) ms", said))
    print(
        f"    200 probes/s: ping(8), rtt p50 {rtts[len(rtts) // 2] * 1000:5.1f} us, p99 {rtts[len(rtts) * 99 // 100] * 1000:5.1f} us"
    )


def main() -> None:
    """Both kinds of sockets, at several rates."""
    with namespaces([NOC, FAR], SETUP):
        for name, lines in UP.items():
            ip("-n", name, "-batch", "-", stdin=lines)
        netns.pushns(NOC)
        ping()
        for kind, groups in (("datagram", "0 2147483647"), ("raw", "1 0")):
            print(f"{kind} sockets")
            subprocess.run(["sysctl", "-qw", f"net.ipv4.ping_group_range={groups}"], check=True)
            for rate in (60, 200, 1000, 10_000, 20_000):
                asyncio.run(probe(rate))
        netns.popns()


if __name__ == "__main__":
    main()

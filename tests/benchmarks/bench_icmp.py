"""What probing costs and how true it is: ``python -m tests.benchmarks.bench_icmp`` (root, fping).

Two namespaces joined by a cable that loses nothing, so every probe lost is a false one. One process at a time
probes the same targets at the same rate: this prober, over both kinds of sockets, and fping. Beside each runs
ping(8), ten times a second over the same cable: the reference for round trips. CPU is user and system time of the
prober's process, the kernel's answering of its packets included. Takes about three minutes and asserts nothing;
``--write`` puts the table into tests/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, ip_address
from itertools import islice
from statistics import median

from pyroute2 import netns

from controller.core.model import Family, SampleState
from controller.ports import ProbePath
from controller.probes.prober import NetworkProber
from tests.benchmarks import results
from tests.lab.namespaces import ip, namespaces

NOC, FAR = f"bench-{os.getpid()}-noc", f"bench-{os.getpid()}-far"
SETUP = f"link add cable netns {NOC} type veth peer name cable netns {FAR}\n"
SOURCE = ip_address("198.18.0.254")
REFERENCE = ip_address("198.18.0.253")  # ping's; the far namespace answers to all targets through it
TARGETS = IPv4Network("198.19.0.0/20")
UP = {
    NOC: f"""
link set cable up
address add {SOURCE}/24 dev cable
route add {TARGETS} via {REFERENCE}
""",
    FAR: f"""
link set cable up
address add {REFERENCE}/24 dev cable
route add local {TARGETS} dev lo
""",
}
INTERVAL_S = 0.1  # of each target, so that the rate says how many there are
TIMEOUT_S = 0.5
RATES = (60, 1000, 10_000, 20_000)  # probes/s


def targets(rate: int) -> list[IPv4Address]:
    """As many as the rate calls for."""
    return list(islice(TARGETS.hosts(), round(rate * INTERVAL_S)))


@dataclass(frozen=True)
class Cost:
    """What one process did. Times in milliseconds; ``rtts`` sorted."""

    sent: int
    lost: int
    invalid: int  # the prober's own trouble, and known as such: no loss is told of
    seconds: float
    cpu_s: float
    rtts: list[float]


def ours(rate: int, seconds: float) -> Cost:
    """This prober; its samples are taken and counted, not judged."""
    return asyncio.run(_ours(rate, seconds))


async def _ours(rate: int, seconds: float) -> Cost:
    path = ProbePath("link", {Family.IPV4: SOURCE}, tuple(targets(rate)))
    prober = NetworkProber()
    await prober.start([path], INTERVAL_S, timeout_s=TIMEOUT_S)
    counts: Counter[SampleState] = Counter()
    rtts: list[float] = []
    begun, cpu = time.monotonic(), time.process_time()
    while (passed := time.monotonic() - begun) < seconds:
        for sample in await prober.samples(0.1):
            counts[sample.state] += 1
            if sample.rtt_ms is not None:
                rtts.append(sample.rtt_ms)
    cpu = time.process_time() - cpu
    await prober.stop()
    sent, lost, invalid = (counts[s] for s in (SampleState.SENT, SampleState.LOST, SampleState.INVALID))
    return Cost(sent, lost, invalid, passed, cpu, sorted(rtts))


SEQUENCES = 60_000  # fping numbers probes with 16 bits, and keeps each number for ten seconds


def fping(rate: int, seconds: float) -> Cost:
    """fping at the same rate: all targets in one go, ten times a second, for spread evenly it is slower.

    It prints at its end, so printing costs it nothing meanwhile. Not for longer than its sequence numbers last.
    """
    period_ms = 1000 * INTERVAL_S
    count = min(round(seconds / INTERVAL_S), SEQUENCES // len(targets(rate)))
    words = ["fping", "-q", "-C", str(count), "-p", f"{period_ms:g}", "-i", "0"]
    words += ["-t", f"{1000 * TIMEOUT_S:g}", "-S", str(SOURCE), *map(str, targets(rate))]
    before, begun = os.times(), time.monotonic()
    said = subprocess.run(words, capture_output=True, text=True, check=False)
    passed, after = time.monotonic() - begun, os.times()
    if said.returncode > 1:  # 1: some were not reached
        raise SystemExit(f"fping failed: {said.stderr.strip()}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    found = [word for line in said.stderr.splitlines() for word in line.partition(" : ")[2].split()]
    rtts = sorted(float(word) for word in found if word != "-")
    return Cost(len(found), found.count("-"), 0, passed, cpu, rtts)


def beside_ping(work: Callable[[int, float], Cost], rate: int, seconds: float) -> tuple[Cost, list[float]]:
    """The work, and what ping saw on the same cable at the same time, sorted."""
    words = ["ping", "-n", "-i", "0.1", "-w", str(round(seconds)), "-I", str(SOURCE), str(REFERENCE)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as reference:
        cost = work(rate, seconds)
        said = reference.communicate()[0]
    return cost, sorted(float(found) for found in re.findall(r"time=([\d.]+) ms", said))


def row(title: str, rate: int, cost: Cost, reference: list[float]) -> list[str]:
    """One line of the table. RTTs in microseconds."""

    def micros(rtts: list[float]) -> str:
        return f"{1000 * median(rtts):.0f} / {1000 * results.percentile(rtts, 0.99):.0f}"

    error = 1000 * (median(cost.rtts) - median(reference))
    return [
        f"{rate:,}",
        title,
        f"{cost.sent / cost.seconds:,.0f}",
        f"{100 * cost.cpu_s / cost.seconds:.1f} %",
        f"{1e6 * cost.cpu_s / cost.sent:.1f} ms",
        f"{cost.lost} of {cost.sent:,}" + (f", {cost.invalid} invalid" if cost.invalid else ""),
        micros(cost.rtts),
        micros(reference),
        f"{error:+.0f}",
    ]


def measure(rates: list[int], seconds: float) -> str:
    """The table."""
    head = ["probes/s asked", "by", "sent/s", "of a core", "CPU per 1,000 probes", "false losses"]
    head += ["RTT p50 / p99, us", "ping beside it", "error of the median, us"]
    rows = []
    for rate in rates:
        for title, groups, work in (
            ("this prober, datagram sockets", "0 2147483647", ours),
            ("this prober, raw sockets", "1 0", ours),
            ("fping", "1 0", fping),
        ):
            subprocess.run(["sysctl", "-qw", f"net.ipv4.ping_group_range={groups}"], check=True)
            cost, reference = beside_ping(work, rate, seconds)
            rows.append(row(title, rate, cost, reference))
            print(" | ".join(rows[-1]), flush=True)
    return results.table(head, rows)


def main() -> None:
    """Measure, print, and write what was asked to be written."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rates", type=int, nargs="+", choices=RATES, default=list(RATES))
    parser.add_argument("--seconds", type=float, default=12.0, help="for each line of the table")
    parser.add_argument("--write", action="store_true", help="put the table into tests/README.md")
    wanted = parser.parse_args()
    fping_says = subprocess.run(["fping", "--version"], capture_output=True, text=True, check=True).stdout
    with namespaces([NOC, FAR], SETUP):
        for name, lines in UP.items():
            ip("-n", name, "-batch", "-", stdin=lines)
        netns.pushns(NOC)
        try:
            found = measure(wanted.rates, wanted.seconds)
        finally:
            netns.popns()
    version = re.findall(r"[\d.]+", fping_says)[0]
    text = (
        f"Measured on {results.machine()}, fping {version}; {wanted.seconds:g} s a line, one process, "
        f"over a cable that loses nothing, timeout {TIMEOUT_S:g} s; load average {os.getloadavg()[0]:.1f} at the end.\n\n"
        f"{found}"
    )
    print(f"\n{text}")
    if wanted.write:
        results.write("icmp", text)


if __name__ == "__main__":
    main()

"""How soon a session's or an interface's end is known: ``python -m tests.benchmarks.bench_events`` (root, FRR).

Polls on warm sessions, at the loop's rhythm and through its own fleet, beside FRR's BMP (RFC 7854), which tells by
itself. Both witness the same events, in a lab of its own whose edge1 has its bgpd started with ``-M bmp``. Time runs
from just before an event is asked for until this process, on noc, has the answer in hand. Besides: what either costs
the router, and what BMP sends. Takes about eight minutes, asserts nothing; ``--write`` puts the tables into
tests/README.md.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import struct
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from ipaddress import ip_address
from math import inf
from pathlib import Path
from statistics import median

import structlog
from pyroute2 import netns

from controller.config import default_inventory, default_templates, load
from controller.core.model import Family
from controller.fleet.connect import SshOptions
from controller.fleet.fleet import NornirFleet
from controller.lab import namespaces
from controller.lab.errors import LabError
from controller.lab.lab import Lab
from controller.lab.topology import ASN, EDGES, LINK, MGMT_ADDRESSES, OUR_ASN, WIRE, address_on
from controller.ports import Polled
from controller.render.jinja import JinjaRenderer
from controller.watch import LoopSettings
from tests.benchmarks import results

EDGE, PLACE = "edge1", "edge1-azerbaijan"
UPSTREAM = LINK[PLACE].upstream.first
OURS, THEIRS = (address_on(WIRE[PLACE], node, Family.IPV4) for node in (EDGE, UPSTREAM))
NOC, PORT = str(MGMT_ADDRESSES["noc"][0].ip), 1790
SHUT = f"neighbor {OURS} shutdown"
CONNECT = f"bmp connect {NOC} port {PORT} min-retry 100 max-retry 1000"  # ms
LOOP = LoopSettings()
COMMON, PEER = struct.Struct("!xIB"), struct.Struct("!xB8x16s")  # RFC 7854: 4.1, and the beginning of 4.2
ROUTES, PEER_DOWN = 0, 2  # kinds of messages: 4.6 and 4.9
END = b"\xff" * 16 + bytes([0, 23, 2, 0, 0, 0, 0])  # of a table: RFC 4724, 2
KNOWN_WITHIN_S, WELL_WITHIN_S, QUIET_S, LOOK_S = 5.0, 60.0, 8.0, 0.005
WARM_S = 3.0  # polls connect first, and that is not what is counted


@dataclass
class Witnesses:
    """What polls and BMP said lately, each with the moment it was known here."""

    fleet: NornirFleet
    polls: list[tuple[float, Polled]] = field(default_factory=list)
    bmp: list[tuple[float, int, bytes]] = field(default_factory=list)  # when, kind, body

    async def follow(self, router: str) -> None:
        """Poll one router for ever, as the loop does."""
        counted = -inf
        while True:
            await asyncio.sleep(LOOP.poll_s)
            counters = (began := time.monotonic()) >= counted + LOOP.counters_s
            counted = began if counters else counted
            polled = (await self.fleet.poll([router], counters=counters))[router]
            if polled and router == EDGE:
                self.polls.append((time.monotonic(), polled))

    async def listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take what the edge sends by BMP until it hangs up."""
        with suppress(asyncio.IncompleteReadError):
            while True:
                size, kind = COMMON.unpack(await reader.readexactly(COMMON.size))
                body = await reader.readexactly(size - COMMON.size)
                self.bmp.append((time.monotonic(), kind, body))
        writer.close()

    def well(self) -> bool:
        """Whether the newest poll finds every session and interface up."""
        last = self.polls[-1][1] if self.polls else Polled()
        ups = [s.established for s in last.sessions] + [i.is_up for i in last.interfaces]
        return bool(ups) and all(ups)

    def known(self) -> list[float]:
        """When it was first told: session down by polls, by BMP, interface down by polls. Infinite: not yet."""
        ours = (PLACE, Family.IPV4, False)
        session = (
            at for at, said in self.polls for s in said.sessions if (s.link, s.family, s.established) == ours
        )
        message = (at for at, kind, body in self.bmp if kind == PEER_DOWN and peer(body) == str(THEIRS))
        interface = (
            at for at, said in self.polls for i in said.interfaces if i.link == PLACE and not i.is_up
        )
        return [min(each, default=inf) for each in (session, message, interface)]

    async def event(self, wanted: int, make: Callable[[], object], mend: Callable[[], object]) -> list[float]:
        """From calm, at any phase of the polls: make it happen, and see after how long the first so many knew."""
        if not await until(self.well, WELL_WITHIN_S):
            raise LabError(f"sessions of {EDGE} are not up again after {WELL_WITHIN_S:g} s")
        await asyncio.sleep(1 + random.random())
        self.polls.clear()
        self.bmp.clear()
        began = time.monotonic()
        await asyncio.to_thread(make)
        await until(lambda: max(self.known()[:wanted]) < inf, KNOWN_WITHIN_S)
        found = [at - began for at in self.known()[:wanted]]
        await asyncio.to_thread(mend)
        self.polls.clear()  # only later polls tell that all is well again
        return found

    def sent(self, *kinds: int) -> tuple[int, int]:
        """How many messages of these kinds came by BMP, and their bytes."""
        sizes = [COMMON.size + len(body) for _, kind, body in self.bmp if kind in kinds and body[42:] != END]
        return len(sizes), sum(sizes)


def peer(body: bytes) -> str:
    """Whose session a message is about; the V flag tells IPv6."""
    flags, address = PEER.unpack_from(body)
    return str(ip_address(address if flags & 0x80 else address[12:]))


async def until(condition: Callable[[], bool], within_s: float) -> bool:
    """Look often; whether it came true in time."""
    for _ in range(round(within_s / LOOK_S)):
        if condition():
            return True
        await asyncio.sleep(LOOK_S)
    return False


def ticks(lab: Lab) -> Counter[str]:
    """CPU time of the edge's programs until now, that of programs which they started and buried included."""
    spent: Counter[str] = Counter()
    for pid in namespaces.processes(lab.name, [EDGE]):
        with suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            spent[namespaces.program(pid)] += sum(map(int, fields[11:15]))
    return spent


async def cost(lab: Lab, seconds: float) -> list[float]:
    """CPU seconds a minute: of all the edge's programs, of its bgpd, of this process."""
    before, mine = ticks(lab), time.process_time()
    await asyncio.sleep(seconds)
    mine = time.process_time() - mine
    spent = ticks(lab) - before
    edge = [each / os.sysconf("SC_CLK_TCK") for each in (spent.total(), spent["bgpd"])]
    return [each * 60 / seconds for each in (*edge, mine)]


def set_bmp(lab: Lab, *lines: str) -> None:
    """Configure what edge1 tells noc."""
    lab.router(EDGE).vtysh("configure terminal", f"router bgp {OUR_ASN}", "bmp targets noc", *lines)


async def measure(lab: Lab, wanted: argparse.Namespace, upstream: Callable[[str], object]) -> str:
    """Both tables. ``upstream`` configures the sessions at the link's far end."""
    inventory, renderer = default_inventory(), JinjaRenderer(default_templates())
    ssh = SshOptions(lab.ssh_key, lab.known_hosts)
    fleet = NornirFleet(inventory, load(inventory).policy, renderer, structlog.get_logger(), ssh)
    seen = Witnesses(fleet)
    await asyncio.start_server(seen.listen, NOC, PORT)
    costs = [await cost(lab, wanted.seconds)]
    set_bmp(lab, CONNECT)
    await asyncio.sleep(QUIET_S)
    start = seen.sent(*range(7))
    with_bmp = await cost(lab, wanted.seconds)
    set_bmp(lab, f"no {CONNECT}")
    tasks = [asyncio.create_task(seen.follow(router)) for router in EDGES]
    await asyncio.sleep(WARM_S)
    costs += [await cost(lab, wanted.seconds), with_bmp]
    set_bmp(lab, CONNECT)
    shut, cut, loads = [], [], []
    for _ in range(wanted.repeats):
        shut.append(await seen.event(2, lambda: upstream(SHUT), lambda: upstream(f"no {SHUT}")))
        cut.append(await seen.event(3, lambda: lab.fault("carrier", PLACE), lab.clear))
        loads.append(os.getloadavg()[0])
        print(*(f"{each:.3f}" for each in (*shut[-1], *cut[-1])), flush=True)
    await until(seen.well, WELL_WITHIN_S)
    for task in tasks:
        task.cancel()
    set_bmp(lab, f"no {CONNECT}")
    seen.bmp.clear()
    set_bmp(lab, "bmp monitor ipv4 unicast pre-policy", CONNECT)
    await asyncio.sleep(QUIET_S)
    routes, size = seen.sent(ROUTES)  # one a message
    set_bmp(lab, f"no {CONNECT}")
    await asyncio.sleep(1)  # until it has hung up
    await fleet.close()

    def cells(runs: list[list[float]]) -> list[str]:
        return [f"{median(each):.3f} / {max(each):.3f}" for each in zip(*runs, strict=True)]

    by_polls, by_bmp, interface = cells(cut)
    text = (
        f"Measured on {results.machine(frr=True)}, load average {median(loads):.1f} in the median. Seconds until it "
        f"is known, median / max of {wanted.repeats}; polls every {LOOP.poll_s:g} s, of both edges.\n\n"
    )
    text += results.table(
        ["", "polls", "BMP"],
        [
            ["session shut by the upstream: session down", *cells(shut)],
            ["carrier lost: session down", by_polls, by_bmp],
            ["carrier lost: interface down", interface, "does not tell"],
        ],
    )
    rows = zip((f"{EDGE}, all programs", "its bgpd", "this process"), *costs, strict=True)
    text += "\n" + results.table(
        [f"CPU seconds a minute, over {wanted.seconds:g} s", "neither", "polls", "BMP"],
        [[title, *(f"{each:.2f}" for each in figures)] for title, *figures in rows],
    )
    return text + (
        f"\nA BMP session of {EDGE} begins with {start[1]:,} bytes in {start[0]} messages. With route monitoring "
        f"(IPv4, before policy), with {size / max(1, routes) / 1000:.1f} MB more for each 1,000 routes of each "
        "neighbor with soft-reconfiguration.\n"
    )


def main() -> None:
    """Build the lab, measure, print, and write what was asked to be written."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=60.0, help="for each figure of what it costs")
    parser.add_argument("--lab", default="bmp", help="name of the lab it builds and removes")
    parser.add_argument("--write", action="store_true", help="put the tables into tests/README.md")
    wanted = parser.parse_args()
    lab = Lab(wanted.lab)
    lab.up(print)
    try:
        edge = lab.router(EDGE)
        daemons = edge.dir / "etc/frr/daemons"
        daemons.write_text(daemons.read_text().replace('bgpd_options="', 'bgpd_options="-M bmp '))
        edge.kill_bgpd()  # a module is loaded at bgpd's start, or not at all
        edge.revive_bgpd()
        lab.wait_ready()
        netns.pushns(lab.netns("noc"))  # and every thread from now on
        vtysh = lab.command(UPSTREAM, ["vtysh"])  # kept running, for starting one takes longer than BMP
        with subprocess.Popen(vtysh, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0) as typed:

            def upstream(line: str) -> None:
                assert typed.stdin
                typed.stdin.write(f"{line}\n".encode())

            upstream("configure terminal")
            upstream(f"router bgp {ASN[UPSTREAM]}")
            text = asyncio.run(measure(lab, wanted, upstream))
            upstream("end")
    finally:
        lab.down()
    print(f"\n{text}")
    if wanted.write:
        results.write("events", text)


if __name__ == "__main__":
    main()

"""What deciding costs at scale: ``python -m tests.benchmarks.bench_decide``.

1,000 routers of 4 links, 8 upstreams and 16 classes, each with another first choice: 64,000 placements. In calm, and
as one upstream, 500 links, has just failed. Beside it, rendering nothing: the intents of every router.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Address, ip_network

from controller.core.intent import intents
from controller.core.model import (
    ROLE_NAMES,
    Assignment,
    ControlState,
    Family,
    FamilyHealth,
    Health,
    Link,
    Moment,
    Policy,
    Preference,
    Role,
    Router,
    TrafficClass,
    Upstream,
    Verdict,
)
from controller.core.policy import decide
from tests.decide_world import HEALTH, STABILITY

NAMES = [f"up{n:02d}" for n in range(8)]
UP = {Family.IPV4: FamilyHealth(Verdict.UP, "")}


def network(routers: int, links: int, classes: int) -> Policy:
    """A network in which every upstream has the same number of links, and shares a risk with others."""
    attached = [(f"r{n:04d}", NAMES[(n + k) % len(NAMES)]) for n in range(routers) for k in range(links)]
    return Policy(
        upstreams={
            name: Upstream(name, 64496 + n, shared_risk=frozenset({f"cable-{n % 3}"}))
            for n, name in enumerate(NAMES)
        },
        routers={f"r{n:04d}": Router(f"r{n:04d}", "frr", 64511) for n in range(routers)},
        links={
            f"{router}-{upstream}": Link(
                f"{router}-{upstream}", router, upstream, "e", {Family.IPV4: IPv4Address("198.18.1.1")}, {}
            )
            for router, upstream in attached
        },
        classes={
            f"c{n:02d}": TrafficClass(
                f"c{n:02d}",
                (ip_network(f"203.0.113.{n * 16 % 256}/28"),),
                Preference((*NAMES[n % len(NAMES) :], *NAMES[: n % len(NAMES)])),
                backups_disjoint=bool(n % 2),
            )
            for n in range(classes)
        },
        roles={name: Role(name, 100) for name in ROLE_NAMES},
        health=HEALTH,
        stability=STABILITY,
    )


def timed(what: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Median milliseconds on the clock, and of CPU."""
    wall, busy = [], []
    for _ in range(repeats):
        gc.collect()
        began, worked = time.perf_counter(), time.process_time()
        what()
        wall.append(1000 * (time.perf_counter() - began))
        busy.append(1000 * (time.process_time() - worked))
    return statistics.median(wall), statistics.median(busy)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=9)
    chosen = parser.parse_args()
    print("| routers x links x classes | what | ms, median | ms of CPU |\n|---|---|---|---|")
    for routers in (10, 100, 1000):
        policy = network(routers, 4, 16)
        well = {name: Health(name, Verdict.UP, 0.0, "well", families=UP) for name in policy.links}
        nothing: Assignment = {name: {} for name in policy.classes}
        first, state = decide(policy, Moment(well, ControlState(), 1000.0, nothing))
        calm = Moment(well, state, 2000.0, first.assignment)
        dead = {
            name: replace(each, verdict=Verdict.DOWN, since=3000.0)
            if policy.links[name].upstream == NAMES[0]
            else each
            for name, each in well.items()
        }
        failed = replace(calm, health=dead, now=3000.0)
        assert not decide(policy, calm)[0].escape
        assert decide(policy, failed)[0].escape
        told: dict[str, Callable[[], object]] = {
            "decide, calm": partial(decide, policy, calm),
            "decide, an upstream fails": partial(decide, policy, failed),
            "intents of every router": partial(intents, policy, first.assignment),
        }
        for name, what in told.items():
            wall, busy = timed(what, chosen.repeats)
            print(f"| {routers} x 4 x 16 | {name} | {wall:.1f} | {busy:.1f} |", flush=True)


if __name__ == "__main__":
    main()

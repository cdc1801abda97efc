"""How long a week takes: ``python -m tests.benchmarks.bench_simulate``.

Three weeks on the sample inventory: small troubles, a flap storm, and a trace that has every link measured every
second, with noise, evenings of loss and ten outages a day. Prints wall time of reading and of playing each.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from controller.core.model import Policy
from controller.sim import simulate
from controller.sim.load import scenario
from controller.sim.scenario import Scenario
from controller.sim.trace import trace
from tests.unit.sim_world import LIBRARY, sample

DAY_S = 86400
STORM = b"""
title: a flap storm for a week
lasts: 7d
events:
  - {at: 1h, upstream: azerbaijan, becomes: down, lasts: 20s, every: 1min}
"""


def rows(links: list[str], days: int) -> Iterator[str]:
    """A trace of every link, second by second."""
    rng = random.Random(4)
    yield "time_s,link,loss_percent,rtt_ms\n"
    outages = {link: {rng.randrange(days * DAY_S) // 60 for _ in range(10 * days)} for link in links}
    for at in range(days * DAY_S):
        evening = at % DAY_S > DAY_S * 3 // 4
        for link in links:
            if at // 60 in outages[link]:
                yield f"{at},{link},100,\n"
                continue
            noise = rng.random()
            loss = 2.5 if noise < (0.3 if evening else 0.02) else 0
            yield f"{at},{link},{loss},{40 + 4 * noise:.1f}\n"


def timed(name: str, read: Callable[[], tuple[Scenario | None, object]], policy: Policy) -> None:
    """Read a scenario, play it, and print how long either took."""
    began = time.perf_counter()
    found, problems = read()
    assert found is not None, problems
    middle, busy = time.perf_counter(), time.process_time()
    run = simulate(policy, found)
    end, busy = time.perf_counter(), time.process_time() - busy
    print(
        f"| {name} | {found.lasts_s / DAY_S:g} | {len(found.spans)} | {len(run.said)} | {len(run.moves)}"
        f" | {middle - began:.1f} | {end - middle:.1f} | {busy:.1f} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--days", type=int, default=7, help="how long the trace is")
    days = parser.parse_args().days
    policy = sample()
    calm = LIBRARY / "calm-week.yaml"
    content = "".join(rows(list(policy.links), days)).encode()
    print("| scenario | days | stretches | decisions | moves | reading, s | playing, s | of that CPU |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    timed("small troubles", lambda: scenario(calm, calm.read_bytes(), policy), policy)
    timed("flap storm", lambda: scenario(Path("storm.yaml"), STORM, policy), policy)
    timed("trace, 1 s", lambda: trace(Path("trace.csv"), content, policy), policy)


if __name__ == "__main__":
    main()

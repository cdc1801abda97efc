"""An hour in which nothing is wrong enough to move: ``python -m tests.benchmarks.soak_innocence --minutes 60``.

The lab, a controller with the starter policy but a patience of a second, and everything that tempts a detector to
cry wolf: 1 % loss in bursts on every link, a target that limits ICMP, a process that burns a core beside the
prober, and the machine's clock stepped forth and back. Every decision, verdict and push is counted; one that
moved traffic makes the exit code 1. Needs root, FRR and the right to set the clock (``--no-clock`` without).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import fmean

from controller.core.model import Applied, Health, Verdict
from controller.lab.lab import Lab
from controller.lab.topology import LINK
from controller.ports import Record
from tests.lab.operate import Site, make_site

LOSS_PERCENT = 1.0
BURST_S = 0.1
RIDE_OUT = "1s"
LIMITED = "198.51.100.53"  # answers no more than LIMIT pings a second, all links together
LIMIT = 10
STEP_S = 30.0  # forth, and back after as long
SETTLE_S = 120.0
LOOK_S = 1.0


def limit_icmp(lab: Lab) -> None:
    """Have one target answer fewer pings than it is sent."""
    rules = (
        "add table ip tempt; add chain ip tempt in { type filter hook input priority 0; };"
        f" add rule ip tempt in ip daddr {LIMITED} icmp type echo-request limit rate over {LIMIT}/second drop"
    )
    done = lab.exec("internet", ["nft", rules])
    if done.returncode:
        raise SystemExit(f"nft: {done.stderr.strip()}")


@contextmanager
def hog(seconds: float) -> Iterator[None]:
    """A process that does nothing but burn a core, for so long at most."""
    burn = f"import time\nend = time.monotonic() + {seconds}\nwhile time.monotonic() < end: pass"
    running = subprocess.Popen([sys.executable, "-c", burn])
    try:
        yield
    finally:
        running.kill()
        running.wait()


class Clock:
    """The machine's clock, stepped forth and back, and back and forth, as a bad time server would."""

    def __init__(self, began: float, seconds: float, *, stepped: bool) -> None:
        first, second = began + 0.85 * seconds, began + 0.93 * seconds
        plan = [(first, STEP_S), (first + STEP_S, -STEP_S), (second, -STEP_S), (second + STEP_S, STEP_S)]
        self._plan = plan if stepped else []

    def tick(self, now: float) -> None:
        """Take the steps that are due."""
        while self._plan and self._plan[0][0] <= now:
            _, by_s = self._plan.pop(0)
            time.clock_settime(time.CLOCK_REALTIME, time.clock_gettime(time.CLOCK_REALTIME) + by_s)

    def close(self) -> None:
        """Take the rest: the clock is right again."""
        if len(self._plan) % 2:
            self.tick(self._plan[0][0])


class Tally:
    """What was seen of the links, second by second."""

    def __init__(self) -> None:
        self._verdicts: Counter[tuple[str, Verdict]] = Counter()
        self._suspicions: Counter[str] = Counter()
        self._losses: dict[str, list[float]] = {}

    def note(self, seen: Iterable[Health]) -> None:
        """One second's worth."""
        for health in seen:
            self._verdicts[health.link, health.verdict] += 1
            self._suspicions[health.link] += health.suspect
            told = [each.loss_percent for each in health.families.values() if each.loss_percent is not None]
            self._losses.setdefault(health.link, []).extend(told)

    def lines(self) -> Iterator[str]:
        """A line for each link and verdict."""
        for (link, verdict), count in sorted(self._verdicts.items()):
            loss = fmean(self._losses.get(link) or [0.0])
            suspect = self._suspicions[link]
            yield f"{link:20} {verdict:9} {count:6} s, suspect {suspect} s, a quorum loses {loss:.2f} %"


def watch(site: Site, lab: Lab, seconds: float, *, clock: bool) -> int:
    """Run it all; how many decisions moved traffic."""
    tally = Tally()
    with site.start() as controller:
        controller.wait_settled(SETTLE_S)
        first = site.last()
        for place in LINK:
            lab.fault("loss", place, LOSS_PERCENT, burst_s=BURST_S)
        limit_icmp(lab)
        began = time.monotonic()
        stepped = Clock(began, seconds, stepped=clock)
        with hog(seconds), closing(stepped):
            while (now := time.monotonic()) < began + seconds:
                stepped.tick(now)
                snapshot = controller.snapshot()
                tally.note(snapshot.health if snapshot else ())
                time.sleep(LOOK_S)
        return report(site.records(first), [*tally.lines(), *controller.events])


def report(records: Sequence[Record], lines: Sequence[str]) -> int:
    """Print what happened; how many decisions moved traffic."""
    print(f"{LOSS_PERCENT:g} % loss each way in bursts of {BURST_S * 1000:g} ms, ride_out {RIDE_OUT}, a hog,")
    print(f"{LIMITED} answers {LIMIT} pings/s")
    print("\n".join(f"  {line}" for line in lines))
    moved = [record for record in records if any(isinstance(each, Applied) for each in record.outcomes)]
    for record in records:
        print(f"  {record.number}: {record.decision.sentence}{' [moved]' if record in moved else ''}")
    print(f"decisions {len(records)}, of which moved traffic: {len(moved)}")
    return len(moved)


def main() -> int:
    """Parse, run, tear down."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--name", default="soak", help="the lab's name")
    parser.add_argument("--no-clock", action="store_true", help="leave the machine's clock alone")
    wish = parser.parse_args()
    lab = Lab(wish.name)
    lab.up()
    try:
        with tempfile.TemporaryDirectory(prefix="innocence-") as folder:
            site = make_site(lab, Path(folder), {"health": {"ride_out": RIDE_OUT}})
            return 1 if watch(site, lab, 60 * wish.minutes, clock=not wish.no_clock) else 0
    finally:
        lab.down()


if __name__ == "__main__":
    sys.exit(main())

"""What it costs to keep samples at hand, to show them, and to roll them up; and what they take on disk.

python -m tests.benchmarks.bench_samples
"""

from __future__ import annotations

import asyncio
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from functools import partial
from ipaddress import ip_address
from pathlib import Path

from controller.core.model import Family, FamilyHealth, Health, Sample, SampleState, Verdict
from controller.core.rollup import STEPS, Row, Series, tally
from controller.core.samples import Samples
from controller.core.sight import View, look
from controller.store.samples import SampleWriter

LINKS, INTERVAL_S = 5, 0.1
TARGETS = [ip_address(text) for n in range(1, 5) for text in (f"192.0.2.{n}", f"2001:db8::{n}")]
REPEATS = 20


def batch(first: float, seconds: float, seed: int = 1) -> list[Sample]:
    """What so many seconds of probing yield, 0.5 % of it lost."""
    chance, found = random.Random(seed), []
    for tick in range(round(seconds / INTERVAL_S)):
        for link in range(LINKS):
            for target in TARGETS:
                at = first + tick * INTERVAL_S
                seq = round(at / INTERVAL_S)
                found.append(Sample(f"link{link}", target, seq, at, SampleState.SENT))
                lost = chance.random() < 0.005
                state, rtt_ms = (
                    (SampleState.LOST, None) if lost else (SampleState.OK, 20 + chance.expovariate(1))
                )
                found.append(Sample(f"link{link}", target, seq, at, state, rtt_ms))
    return found


def view(samples: Samples) -> View:
    """As the loop makes it."""
    part = FamilyHealth(Verdict.UP, "answers")
    names = [f"link{number}" for number in range(LINKS)]
    health = {name: Health(name, Verdict.UP, 0.0, "", families=dict.fromkeys(Family, part)) for name in names}
    return View(health, {name: samples.latest(name) for name in names})


def told(what: str, seconds: list[float]) -> None:
    """One line: median and worst, in ms."""
    print(f"{what:<58} {statistics.median(seconds) * 1e3:8.2f} {max(seconds) * 1e3:8.2f}")


def costs(writer: SampleWriter) -> dict[str, list[float]]:
    """Seconds of CPU of each piece of work, repeated."""
    samples = Samples()
    found: dict[str, list[float]] = {}

    def timed(name: str, work: Callable[[], object]) -> None:
        began = time.thread_time()
        work()
        found.setdefault(name, []).append(time.thread_time() - began)

    for number in range(REPEATS):
        some, until = batch(number * 5.0, 5.0, number), number * 5.0 + 5
        timed("5 s of samples noted, on the loop", partial(samples.note, some, 1e9))
        timed("every ring copied, once a second, on the loop", partial(view, samples))
        sight = partial(look, view(samples), until, 1e9, 20.0, "a benchmark")
        timed("figures made and shown, once a second, in a thread", partial(writer._show, sight))
        taken = samples.take(2e9)
        timed("5 s of samples rolled up and written, in a thread", partial(writer.write, [taken], 1e9))
    return found


async def lateness(writer: SampleWriter, *, busy: bool) -> list[float]:
    """By how much a tick of 10 ms comes late, in seconds, while threads show and write, or nobody does."""
    samples, late = Samples(), []
    for number in range(REPEATS):
        samples.note(batch(number * 5.0, 5.0, number), 1e9)
        taken, seen = samples.take(2e9), view(samples)
        sight = partial(look, seen, number * 5.0 + 5, 1e9, 20.0, "a benchmark")
        work = (writer.keep([taken], 1e9), writer.show(sight)) if busy else (asyncio.sleep(0.1),)
        tasks = [asyncio.create_task(each) for each in work]
        while not all(task.done() for task in tasks):
            due = time.monotonic() + 0.01
            await asyncio.sleep(0.01)
            late.append(time.monotonic() - due)
    return late


def size_of_a_link(folder: Path) -> dict[str, float]:
    """MB on disk that one link's rows take at each step when all that is kept is there."""
    found = {}
    for name, step in STEPS.items():
        writer = SampleWriter(folder / f"{name}.db")
        writer.write([], 0.0)
        chance = random.Random(1)
        rows = []
        for family, target in (
            (f, t) for f in Family for t in TARGETS if (t.version == 4) is (f is Family.IPV4)
        ):
            if not step.by_target and target not in TARGETS[:2]:
                continue
            series = Series("edge1-azerbaijan", family, str(target) if step.by_target else "")
            count = round(min(step.seconds, 60) / INTERVAL_S) * (1 if step.by_target else len(TARGETS) // 2)
            some = [tally([20 + chance.expovariate(1) for _ in range(count)], 1) for _ in range(50)]
            rows += [
                Row(series, name, start, some[start // step.seconds % 50])
                for start in range(0, step.kept_s, step.seconds)
            ]
        rows.sort(key=lambda row: row.start)
        with writer._opened() as db:
            writer._add(db, rows)
        writer.close()
        found[name] = (folder / f"{name}.db").stat().st_size / 1e6
    return found


def main() -> None:
    """Print the table."""
    head = f"ms; {LINKS} paths of {len(TARGETS)} targets, {1 / INTERVAL_S:g} probes/s each"
    print(f"{head:<58}   median    worst")
    with tempfile.TemporaryDirectory() as folder:
        writer = SampleWriter(Path(folder) / "samples.db")
        for what, spent in costs(writer).items():
            told(f"CPU: {what}", spent)
        told("a tick of the loop late: nothing else to do", asyncio.run(lateness(writer, busy=False)))
        told("a tick of the loop late: while the threads work", asyncio.run(lateness(writer, busy=True)))
        sizes = size_of_a_link(Path(folder))
    kept = ", ".join(f"{name} {size:.1f}" for name, size in sizes.items())
    print(f"a link of {len(TARGETS)} targets takes {sum(sizes.values()):.1f} MB on disk ({kept})")


if __name__ == "__main__":
    main()

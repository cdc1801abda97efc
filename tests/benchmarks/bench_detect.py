"""What the detector costs per sample: ``python -m tests.benchmarks.bench_detect``.

In calm, batches of one prober tick (10 ms), for a few sizes of network. Prints; asserts nothing.
"""

from __future__ import annotations

import time
from dataclasses import replace

from controller.core.detect import health, initial, step
from controller.core.model import Sample, SampleState
from tests.unit.detection_world import HEALTH, START, V4, policy

TICK_S = 0.01
RTT_S = 0.02


def batches(links: list[str], seconds: float) -> list[tuple[float, list[Sample]]]:
    """What an undisturbed prober tells, tick by tick."""
    slots = [(link, target) for target in V4[:5] for link in links]
    spacing_s = HEALTH.interval_s / len(slots)
    ticks: dict[int, list[Sample]] = {}
    for number in range(int(seconds / spacing_s)):
        at = START + number * spacing_s
        path, target = slots[number % len(slots)]
        for ended, state, rtt_ms in (
            (at, SampleState.SENT, None),
            (at + RTT_S, SampleState.OK, RTT_S * 1000),
        ):
            sample = Sample(path, target, number, at, state, rtt_ms)
            ticks.setdefault(int((ended - START) / TICK_S), []).append(sample)
    return [(START + (tick + 1) * TICK_S, ticks[tick]) for tick in sorted(ticks)]


def measure(count: int, seconds: float) -> None:
    """Run one size and print a line."""
    links = [f"edge{n}-azerbaijan" for n in range(count)]
    state = initial(policy(replace(HEALTH, targets=V4[:5]), links), START)
    told = batches(links, seconds)
    samples = sum(len(batch) for _, batch in told)
    begun = time.process_time()
    for now, batch in told:
        state = step(state, batch, (), now)
    stepped = time.process_time() - begun
    begun = time.process_time()
    health(state, state.at)
    told_s = time.process_time() - begun
    print(
        f"{count:5} links x 5 targets, {samples / seconds:8.0f} samples/s: "
        f"{1e6 * stepped / samples:6.1f} us a sample, {1e6 * stepped / len(told):8.0f} us a step, "
        f"{100 * stepped / seconds:6.1f} % of a core; health() {1e6 * told_s:8.0f} us"
    )


if __name__ == "__main__":
    for size, span in ((1, 20.0), (4, 20.0), (40, 5.0), (400, 1.0), (4000, 0.3)):
        measure(size, span)

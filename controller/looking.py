"""``probe``: a look through every link with a prober of its own, judged as the loop judges."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

from controller.core import detect
from controller.core.model import Policy
from controller.core.samples import Samples
from controller.core.sight import Sight, View, look
from controller.core.target_notes import notes
from controller.ports import Clock, ProbePath, Prober

SEEN_BY = "a look of its own"
TICK_S = 0.05


async def sights(
    policy: Policy, prober: Prober, paths: Sequence[ProbePath], clock: Clock, window_s: float, every_s: float
) -> AsyncGenerator[Sight, None]:
    """What is seen through these paths, every so often, for as long as one asks. Raises ProbeError.

    The figures are of the last ``window_s``, the verdicts of all that was seen. BGP sessions are not asked.
    """
    began = shown = clock.now()
    state, samples = detect.initial(policy, began), Samples()
    names = {path.name for path in paths}
    await prober.start(paths, policy.health.interval_s, policy.health.timeout_s)
    try:
        while True:
            batch = await prober.samples(TICK_S)
            now, utc = clock.now(), clock.utc()
            state = detect.step(state, batch, (), min(now, prober.heard_until))
            samples.note(batch, utc - now)
            samples.take(utc)  # nobody keeps these
            if now < shown + every_s:
                continue
            shown = now
            health = {name: each for name, each in detect.health(state, now).items() if name in names}
            view = View(health, {name: samples.latest(name) for name in health}, notes(state, now))
            yield look(view, now, utc, min(window_s, now - began), SEEN_BY)
    finally:
        await prober.stop()

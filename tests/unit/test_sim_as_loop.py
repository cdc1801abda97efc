"""The simulation beside the loop itself, which probes, pushes and verifies: the same decisions in the same order."""

from __future__ import annotations

import pytest

from tests.fakes import policy
from tests.unit.sim_world import play, pushed
from tests.unit.test_loop import Scene

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

FROM = 5.0  # the loop has installed what it starts with by then
LASTS_S = 45  # every virtual second costs the loop 200 probes
TIMERS = {"hold_down_s": 10.0, "fail_back_clean_s": 5.0}
Outage = tuple[str, float, float]  # end of the link's name, from, to


@pytest.mark.parametrize(
    "outages",
    [
        [("azerbaijan", 10.0, 22.0), ("georgia", 15.0, 18.0)],
        [("azerbaijan", 10.0, 16.0), ("georgia", 10.0, 16.0)],
        [("", 10.0, 16.0)],
        [("edge1-georgia", 10.0, 16.0), ("azerbaijan", 30.0, 30.3)],
    ],
    ids=lambda outages: ", ".join(f"{name or 'all'} {start:g}-{end:g}" for name, start, end in outages),
)
async def test_what_the_loop_does_the_simulation_foretells(outages: list[Outage]) -> None:
    def alive(path: str, now: float) -> bool:
        return not any(path.endswith(name) and start <= now < end for name, start, end in outages)

    scene = Scene(alive, **TIMERS)
    await scene.run(LASTS_S)
    did = [(at, text.split(":")[0]) for at, text in scene.fleet.pushes if at > FROM]
    events = "\n".join(
        f"  - {{at: {start * 1000:.0f}ms, link: {link}, becomes: down, lasts: {(end - start) * 1000:.0f}ms}}"
        for name, start, end in outages
        for link in scene.policy.links
        if link.endswith(name)
    )
    foretold = pushed(play(f"lasts: {LASTS_S}s\nevents:\n{events}\n", policy(**TIMERS)))
    # the loop pushes to each router, and a move back in two steps: once is enough here
    once = [each for n, each in enumerate(did) if not n or each[1] != did[n - 1][1]]
    assert [text for _, text in foretold] == [text for _, text in once]
    for (ours, _), (theirs, _) in zip(foretold, once, strict=True):
        assert ours == pytest.approx(
            theirs, abs=3
        )  # each step of the loop is verified, and clocks run from then

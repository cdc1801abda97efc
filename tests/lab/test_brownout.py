"""A link that slows down is left in its own time, and users lose nothing by it, there and back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from controller.core.model import Delay, Family, Health, Verdict
from controller.lab.lab import Lab
from controller.lab.traffic import TrafficMeter, Way
from tests.lab.operate import QUICK, Controller, Site, make_site, no_leaks, strip, wait_for

pytestmark = [pytest.mark.lab, pytest.mark.timeout(300)]

HELD_S = 10.0
SLOWER_MS = 50.0
LATENCY = {"worse_by": "30ms", "held": f"{HELD_S:g}s"}
CHANGES: dict[str, dict[str, Any]] = {**QUICK, "health": {**QUICK["health"], "latency": LATENCY}}
LEARNT_WITHIN_S = 120.0  # a minute, and what it takes to start
SEEN_WITHIN_S = 20.0
BLOCKS_S = 10.0  # a state changes where a block of 5 s ends
PUSH_S = 20.0  # promoted, verified, drained, verified, confirmed and shown; on a busy machine


@pytest.fixture(scope="module")
def site(_session_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """As elsewhere, and with a word on latency."""
    site = make_site(_session_lab, tmp_path_factory.mktemp("brownout"), CHANGES)
    strip(_session_lab, site.policy)
    yield site
    strip(_session_lab, site.policy)


def seen(controller: Controller) -> dict[str, Health]:
    """The health of every link as the controller shows it."""
    snapshot = controller.snapshot()
    return {health.link: health for health in snapshot.health} if snapshot else {}


def knows_what_is_usual(controller: Controller) -> bool:
    """It has looked at every link in both families for long enough."""
    healths = [health for name, health in seen(controller).items() if name in controller.site.policy.links]
    return bool(healths) and all(
        health.families[family].excess_ms is not None for health in healths for family in Family
    )


def takes(controller: Controller, delay: Delay, within_s: float) -> float:
    """Seconds until the controller shows the link as no better than that."""
    began = time.monotonic()
    worse = {Delay.SLOW: (Delay.SLOW, Delay.BROWNOUT), Delay.BROWNOUT: (Delay.BROWNOUT,)}[delay]
    wait_for(f"a {delay} link", within_s, lambda: seen(controller)["edge1-azerbaijan"].delay in worse)
    return time.monotonic() - began


def test_fifty_milliseconds_more_are_seen_within_20_s_acted_on_after_the_hold_and_cost_no_packet(
    lab: Lab, site: Site, controller: Controller
) -> None:
    wait_for("what is usual", LEARNT_WITHIN_S, lambda: knows_what_is_usual(controller))
    number = site.last()
    families = (Family.IPV4, Family.IPV6)
    with no_leaks(lab), TrafficMeter(lab.name, families=families) as meter:
        lab.fault("delay", "azerbaijan", SLOWER_MS, direction="out")
        began = time.monotonic()
        seen_s = takes(controller, Delay.SLOW, SEEN_WITHIN_S)
        held_s = seen_s + takes(controller, Delay.BROWNOUT, HELD_S + BLOCKS_S - seen_s)
        controller.wait_carried_by("georgia", PUSH_S)
        moved_s = time.monotonic() - began
        slow = seen(controller)["edge1-azerbaijan"]
        cleared = time.monotonic()
        lab.clear()
        controller.wait_settled(2 * HELD_S + 2 * BLOCKS_S + PUSH_S, on="azerbaijan")
        back_s = time.monotonic() - cleared
        report = meter.stop()
    print(f"+{SLOWER_MS:g} ms: seen after {seen_s:.1f} s, held after {held_s:.1f}, left after {moved_s:.1f}")
    print(f"its end: back, settled and shown after {back_s:.1f} s")
    assert held_s >= HELD_S - 5  # the block in which it began may count in full
    assert (slow.verdict, slow.delay) == (Verdict.UP, Delay.BROWNOUT)
    assert " ms more than its usual " in slow.delay_why
    assert back_s >= HELD_S
    sentences = [record.decision.sentence for record in site.moves(number)]
    assert any(
        "moved from azerbaijan to georgia: azerbaijan is in brownout (IPv" in each for each in sentences
    )
    assert not any(record.decision.escape for record in site.moves(number))
    lost = {(way, family): report.window("all", way, family).lost for way in Way for family in families}
    assert not any(lost.values()), lost

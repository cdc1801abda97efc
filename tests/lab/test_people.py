"""What people order on real routers: nothing is lost by it, either way, in either family."""

from __future__ import annotations

import pytest

from controller.core.model import Family
from controller.lab.lab import Lab
from controller.lab.traffic import TrafficMeter, Way
from tests.lab.operate import Controller, Site, no_leaks, wait_for

pytestmark = pytest.mark.lab

FAMILIES = (Family.IPV4, Family.IPV6)
RETURNS_WITHIN_S = 20.0


def ordered(site: Site, *words: str) -> str:
    done = site.failover(*words)
    assert done.returncode == 0, done.stderr
    return " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("order", "end", "carrier"),
    [
        (("drain", "azerbaijan"), ("undrain", "azerbaijan"), "georgia"),
        (("drain", "black-sea"), ("undrain", "black-sea"), "iran"),
        (("pin", "residential", "iran"), ("unpin", "residential"), "iran"),
    ],
    ids=["drain", "drain of a shared risk", "pin"],
)
def test_traffic_goes_where_people_want_it_and_back_and_loses_nothing(
    lab: Lab,
    site: Site,
    controller: Controller,
    order: tuple[str, ...],
    end: tuple[str, ...],
    carrier: str,
) -> None:
    with no_leaks(lab), TrafficMeter(lab.name, families=FAMILIES) as meter:
        said = ordered(site, *order, "--reason", "fibre work", "--owner", "ann")
        assert "the loop (pid " in said
        assert "by ann (fibre work)" in said
        controller.wait_carried_by(carrier)
        assert "by ann (fibre work), for another" in " ".join(site.failover("status").stdout.split())
        ordered(site, *end)
        controller.wait_settled(RETURNS_WITHIN_S)
        report = meter.stop()
    lost = {(way, family): report.window("all", way, family).lost for way in Way for family in FAMILIES}
    assert not any(lost.values()), lost


def test_a_pause_holds_even_a_dead_path_and_its_end_leaves_that_at_once(
    lab: Lab, site: Site, controller: Controller
) -> None:
    number = site.last()
    ordered(site, "pause", "--reason", "core upgrade", "--owner", "ann")
    lab.fault("blackhole", "azerbaijan")
    wait_for("what would be", 10, lambda: "would have: residential moved from" in controller.sentence)
    assert controller.sentence.startswith("paused by ann (core upgrade); would have: ")
    assert site.acted(number) == []
    ordered(site, "resume")
    controller.wait_carried_by("georgia")
    lab.clear()
    controller.wait_settled()

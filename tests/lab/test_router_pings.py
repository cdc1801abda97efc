"""A link without any address to probe from: its own router pings, and that is evidence like any other."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from ruamel.yaml import YAML

from controller.config import load
from controller.core.model import Health, Verdict
from controller.lab.lab import Lab
from tests.lab.operate import QUICK, Controller, Site, make_site, no_leaks, strip, wait_for

pytestmark = pytest.mark.lab

LINK = "edge1-azerbaijan"
EVERY_S = 1.0
DOWN_WITHIN_S = 20.0  # three rounds and the last one's timeout, on a busy machine
STALE_WITHIN_S = 30.0
RULES = [("-4", "198.18.1.2"), ("-6", "2001:db8:501:1::2")]  # the edge's own addresses on the link
TABLE = "101"  # where packets leave by the link, or not at all


@pytest.fixture(scope="module")
def pinging(_session_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The lab, but for one link whose probe source is taken away and whose router routes by its own address."""
    changes = {**QUICK, "health": {**QUICK["health"], "router_ping": {"every": f"{EVERY_S:g}s"}}}
    site = make_site(_session_lab, tmp_path_factory.mktemp("pinging"), changes)
    path, yaml = site.inventory / "hosts.yaml", YAML()
    hosts = yaml.load(path)
    link: dict[str, Any] = hosts["edge1"]["data"]["links"][LINK]
    del link["probe_source"]
    link["probe"] = "router"
    with path.open("w") as file:
        yaml.dump(hosts, file)
    strip(_session_lab, site.policy)
    for family, address in RULES:
        rule = ["ip", family, "rule", "add", "from", address, "lookup", TABLE]
        assert _session_lab.exec("edge1", rule).returncode == 0
    try:
        yield replace(site, policy=load(site.inventory).policy)
    finally:
        for family, address in RULES:
            _session_lab.exec("edge1", ["ip", family, "rule", "del", "from", address, "lookup", TABLE])
        strip(_session_lab, site.policy)


@pytest.fixture
def watching(lab: Lab, pinging: Site) -> Iterator[Controller]:
    with pinging.start() as controller:
        controller.wait_settled()
        yield controller


def seen(controller: Controller) -> dict[str, Health]:
    snapshot = controller.snapshot()
    return {health.link: health for health in snapshot.health} if snapshot else {}


def verdict(controller: Controller, link: str = LINK) -> Verdict:
    return seen(controller)[link].verdict


def up(controller: Controller) -> set[str]:
    return {name for name, health in seen(controller).items() if health.verdict is Verdict.UP}


def test_a_blackhole_that_only_the_router_s_pings_can_see_moves_traffic_and_back_again(
    lab: Lab, watching: Controller, record_property: Any
) -> None:
    """Asserts nothing about time but that it ends; `pytest -rP` shows how long it took."""
    assert "8 of 8" not in seen(watching)[LINK].why
    assert seen(watching)[LINK].families["ipv4"].answering == 4  # type: ignore[index]
    assert seen(watching)[LINK].families["ipv6"].answering == 4  # type: ignore[index]
    with no_leaks(lab):
        began = time.monotonic()
        lab.fault("blackhole", "azerbaijan")
        wait_for(f"{LINK} down", DOWN_WITHIN_S, lambda: verdict(watching) is Verdict.DOWN)
        took = time.monotonic() - began
        assert "targets silent" in seen(watching)[LINK].why
        watching.wait_carried_by("georgia")
        others = {"edge1-georgia", "edge2-georgia", "edge2-iran", "user-path"}
        wait_for("users served", DOWN_WITHIN_S, lambda: up(watching) == others)
        lab.clear()
        began = time.monotonic()
        wait_for(f"{LINK} up", DOWN_WITHIN_S, lambda: verdict(watching) is Verdict.UP)
        back = time.monotonic() - began
        watching.wait_settled(on="azerbaijan")
    record_property("down after, s", took)
    print(f"down after {took:.1f} s, up again after {back:.1f} s, a round every {EVERY_S:g} s")


def test_a_router_that_cannot_be_asked_is_no_evidence_against_its_link(
    lab: Lab, watching: Controller
) -> None:
    number = watching.site.last()
    lab.fault("ssh", "edge1")
    wait_for("no verdict", STALE_WITHIN_S, lambda: verdict(watching) is Verdict.UNKNOWN)
    assert watching.site.acted(number) == []
    lab.clear()
    watching.wait_settled()
    assert watching.site.acted(number) == []
    assert any("pings by edge1 over edge1-azerbaijan says nothing" in event for event in watching.events)

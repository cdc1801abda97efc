"""What routers say of their links moves traffic, though every probe is answered: tables, sessions, interfaces."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from controller.core.load import SMOOTHED_S
from controller.core.model import Family, Verdict
from controller.core.prefixes import KIND as PREFIXES
from controller.core.prefixes import Normal
from controller.core.shares import SETTLE_S
from controller.lab.lab import Lab
from controller.store.sqlite import SqliteStore
from tests.lab.operate import (
    MOVE_WITHIN_S,
    QUICK,
    Controller,
    Site,
    entries,
    exits,
    make_site,
    no_leaks,
    strip,
    wait_for,
)

pytestmark = pytest.mark.lab

AZ = "edge1-azerbaijan"
AZERBAIJAN, GEORGIA = 64501, 64502
USUAL = 22  # prefixes of each family that an upstream of the lab sends
MOVED_WITHIN_S = 60.0  # a routine move: two pushes, each of them watched for ride_out and more
# Probes alone would take long to find anything: what is found soon, routers have said.
SLOW = QUICK | {
    "health": {"recover": "3s", "ride_out": "3s", "prefixes": {"missing": "50%", "held": "1s"}},
}


@pytest.fixture(scope="module")
def controller(_session_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Controller]:
    """A controller that has watched the tables of these links for an hour, as far as its record says."""
    site = make_site(_session_lab, tmp_path_factory.mktemp("site"), SLOW)
    strip(_session_lab, site.policy)
    store = SqliteStore(site.state / "failover.db")
    usual = {family.value: Normal((USUAL,)).to_plain() for family in Family}
    store.save_learned(PREFIXES, dict.fromkeys(site.policy.links, usual))
    store.close()
    with site.start() as running:
        running.wait_settled()
        yield running
    strip(_session_lab, site.policy)


@pytest.fixture
def site(lab: Lab, controller: Controller) -> Iterator[Site]:
    """The controller's site, settled before and after each test."""
    controller.wait_settled(MOVED_WITHIN_S)
    yield controller.site
    lab.clear()
    controller.wait_settled(MOVED_WITHIN_S)


def verdict(controller: Controller) -> Verdict:
    seen = controller.snapshot()
    assert seen is not None
    return next(health.verdict for health in seen.health if health.link == AZ)


@pytest.mark.parametrize("share", ["60%", None], ids=["more than half", "all but its own"])
def test_an_upstream_that_withdraws_its_table_is_left_by_decision_both_ways(
    lab: Lab, site: Site, controller: Controller, share: str | None
) -> None:
    number = site.last()
    with no_leaks(lab):
        lab.fault("withdraw", "azerbaijan", share)
        controller.wait_carried_by("georgia", MOVED_WITHIN_S)
        (moved,) = site.moves(number)
        assert "azerbaijan is degraded (IPv4: " in moved.decision.sentence
        assert f"of the usual {USUAL} prefixes accepted" in moved.decision.sentence
        wait_for("the move out and in", MOVE_WITHIN_S, lambda: set(exits(lab)) == {"georgia"})
        wait_for("the move in", MOVE_WITHIN_S, lambda: set(entries(lab)) == {GEORGIA})
        shown = " ".join(site.failover("status").stdout.split())
        assert f"of the usual {USUAL} prefixes accepted" in shown
        lab.clear()
        controller.wait_settled(MOVED_WITHIN_S)
        wait_for("the way back in", MOVE_WITHIN_S, lambda: set(entries(lab)) == {AZERBAIJAN})


def test_a_smaller_share_than_policy_names_is_left_alone(
    lab: Lab, site: Site, controller: Controller
) -> None:
    number = site.last()
    lab.fault("withdraw", "azerbaijan", "30%")
    time.sleep(4)
    assert verdict(controller) is Verdict.UP
    assert site.moves(number) == []


def test_a_session_that_starts_anew_loads_its_table_without_being_called_short(
    lab: Lab, site: Site, controller: Controller
) -> None:
    number = site.last()
    lab.router("edge1").vtysh("clear bgp 198.18.1.1")
    wait_for("the session to be seen down", 3, lambda: "not established" in controller.said)
    controller.wait_settled()
    assert "usual" not in " ".join(record.decision.sentence for record in site.records(number))


def test_a_session_shut_down_far_away_reaches_the_verdict_within_a_second(
    lab: Lab, site: Site, controller: Controller
) -> None:
    upstream = lab.router("azerbaijan1")
    upstream.vtysh("configure terminal", "router bgp 64501", "neighbor 198.18.1.2 shutdown", "end")
    began = time.monotonic()
    try:
        down = f"{AZ} is down (was up): IPv4: BGP session not established"
        wait_for("the verdict", 5, lambda: any(each.startswith(down) for each in controller.events))
        assert time.monotonic() - began < 1.5  # with what looking takes on a busy machine
    finally:
        upstream.vtysh("configure terminal", "router bgp 64501", "no neighbor 198.18.1.2 shutdown", "end")


def why(controller: Controller) -> str:
    snapshot = controller.snapshot()
    return " ".join(health.why for health in (snapshot.health if snapshot else ()))


def test_an_interface_that_is_shut_down_is_left_at_once_and_named(
    lab: Lab, site: Site, controller: Controller
) -> None:
    number = site.last()
    lab.exec("edge1", ["ip", "link", "set", "azerbaijan", "down"])
    try:
        controller.wait_carried_by("georgia")
        # The session ends with the interface: whichever the router is asked first moves the traffic.
        assert "azerbaijan is down" in site.moves(number)[0].decision.sentence
        wait_for(
            "the interface named", 5, lambda: "interface azerbaijan of edge1 is shut down" in why(controller)
        )
    finally:
        lab.exec("edge1", ["ip", "link", "set", "azerbaijan", "up"])


def test_status_tells_of_sessions_tables_and_load_with_units(site: Site) -> None:
    shown = site.failover("status").stdout
    assert "established" in shown
    assert " for " in shown
    assert "Mbit/s" in shown
    assert f"{USUAL} of {USUAL}" in shown


@pytest.mark.timeout(400)
def test_what_the_class_carries_is_learned_from_real_counters(site: Site, controller: Controller) -> None:
    """The lab's own probes and keepalives are traffic enough: what counts is that a figure comes of them."""

    def known() -> bool:
        seen = controller.snapshot()
        return (
            seen is not None
            and bool(seen.traffic.classes)
            and set(seen.traffic.links) == set(site.policy.links)
        )

    wait_for("what the class carries", SETTLE_S + SMOOTHED_S + 30, known)
    seen = controller.snapshot()
    assert seen is not None
    assert 0 < seen.traffic.classes["residential"] < 1e8
    assert "peaks of the last hour: residential " in site.failover("status").stdout

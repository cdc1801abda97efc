"""Do not blame the innocent, on real routers: what is wrong with probing itself is named, and moves nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from controller.lab.lab import Lab
from tests.lab.operate import Controller, Site, wait_for

pytestmark = pytest.mark.lab

LAST_RESORT = ("unreachable", "default", "metric", str(2**32 - 1), "table", "102")  # edge2's, on noc
IRAN_SOURCE = "198.18.3.130"


@contextmanager
def without(lab: Lab, kind: str, *words: str) -> Iterator[None]:
    """Take a route or a rule from the controller's host for a while."""
    assert lab.exec("noc", ["ip", kind, "del", *words]).returncode == 0
    try:
        yield
    finally:
        lab.exec("noc", ["ip", kind, "add", *words])


# --- probes that leave another way -----------------------------------------------------------------


def test_a_source_table_without_a_last_resort_is_named_at_the_start_and_in_the_status(
    lab: Lab, site: Site
) -> None:
    with without(lab, "route", *LAST_RESORT), site.start() as controller:
        controller.wait_settled()
        shown = site.failover("status").stdout
    told = " ".join(shown.split())
    for link in ("edge2-georgia", "edge2-iran"):
        assert f"look at: {link} (IPv4): when its way via 203.0.113.2 dev lan is gone" in told
    assert "`ip route add unreachable default metric 4278198272 table 102`" in told
    assert "(IPv6): when its way" not in told
    assert len([line for line in controller.events if "edge2-iran (IPv4): when its way" in line]) == 1


def test_the_lab_as_it_is_has_nothing_to_look_at(controller: Controller) -> None:
    seen = controller.snapshot()
    assert seen is not None
    assert seen.decision is not None
    assert seen.decision.notices == ()


def test_links_of_two_routers_probed_by_one_way_are_refused_at_the_start(lab: Lab, site: Site) -> None:
    rule = ("from", IRAN_SOURCE, "lookup", "102", "priority", "1000")
    with without(lab, "rule", *rule):
        done = site.failover("run")
    assert done.returncode == 1
    assert (
        "edge1-azerbaijan and edge2-iran (IPv4): probes of both leave this host via 203.0.113.1"
        in done.stderr
    )
    assert f"`ip rule add from {IRAN_SOURCE} lookup N`" in done.stderr


# --- targets ---------------------------------------------------------------------------------------

LIMIT = """
table inet limits {
  chain input {
    type filter hook input priority 0;
    ip daddr 198.51.100.1 icmp type echo-request limit rate over 12/second burst 3 packets drop
  }
}
"""


def test_a_target_that_limits_icmp_is_named_and_moves_nothing(
    lab: Lab, site: Site, controller: Controller
) -> None:
    number = site.last()
    assert lab.exec("internet", ["nft", LIMIT]).returncode == 0
    try:
        wait_for("the target named", 40, lambda: len(named(controller)) == 1)
        time.sleep(3)
        assert site.acted(number) == []
        assert len(named(controller)) == 1
        shown = " ".join(site.failover("status").stdout.split())
        assert "look at: target 198.51.100.1 answers" in shown
    finally:
        lab.exec("internet", ["nft", "delete", "table", "inet", "limits"])
    wait_for("the target counted again", 30, lambda: named(controller) == [])
    assert site.acted(number) == []


def named(controller: Controller) -> list[str]:
    """The notices about targets, as the running controller has them."""
    seen = controller.snapshot()
    decision = seen.decision if seen else None
    return [notice.text for notice in (decision.notices if decision else ()) if notice.rule == "target"]

"""Ended, killed, started again: at the end routers run what is intended, and nothing waits on them."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from controller.core.model import Applied
from controller.lab.lab import Lab
from tests.lab.operate import Controller, Site, attached, pending, running, strip, wait_for

pytestmark = pytest.mark.lab

EDGES = ("edge1", "edge2")
STOPS_WITHIN_S = 5.0
REVERTS_WITHIN_S = 40.0  # routers go back by themselves 30 s after a push that nobody confirmed


@pytest.fixture
def committing(lab: Lab, site: Site) -> Iterator[Controller]:
    """A controller whose first commit waits for its confirmation on both edges, this very moment."""
    strip(lab, site.policy)
    with site.start() as controller:
        wait_for_commits(lab)
        yield controller


def wait_for_commits(lab: Lab) -> None:
    """Return the moment a commit waits for its confirmation on both edges."""
    give_up = time.monotonic() + 20
    while not all(pending(lab, edge) for edge in EDGES):
        assert time.monotonic() < give_up, "no commits were seen to wait"


def kill(lab: Lab, controller: Controller) -> None:
    """Kill the controller while commits wait; a confirmation under way would be through a second later."""
    controller.kill()
    time.sleep(1)
    assert all(pending(lab, edge) for edge in EDGES), "confirmed before it was killed: nothing is tested"


def test_stopped_and_started_again_it_reconciles_and_pushes_nothing(lab: Lab, site: Site) -> None:
    with site.start() as controller:
        controller.wait_settled()
        before, number = running(lab), site.last()
        code, took_s = controller.stop()
    assert (code, took_s < STOPS_WITHIN_S) == (0, True), took_s
    assert controller.events[-1] == "stopped; traffic stays where it is"
    assert running(lab) == before
    with site.start() as controller:
        controller.wait_settled()
        wait_for("the first decision of its own", 10, lambda: site.last() > number)
        time.sleep(2)
        assert site.acted(number) == []
    assert running(lab) == before


def test_stopped_in_the_middle_of_a_push_it_finishes_that_first(
    lab: Lab, site: Site, committing: Controller
) -> None:
    number = site.last()
    code, took_s = committing.stop()
    assert (code, took_s < STOPS_WITHIN_S) == (0, True), took_s
    assert not any(pending(lab, edge) for edge in EDGES)
    assert [type(outcome) for outcome in site.acted(number)] == [Applied, Applied]
    assert site.plan()[0] == 0


def test_killed_in_the_middle_of_a_move_its_successor_settles_that(lab: Lab, site: Site) -> None:
    with site.start() as controller:
        controller.wait_settled()
        lab.fault("blackhole", "azerbaijan")
        controller.wait_carried_by("georgia")
        lab.clear()
        wait_for_commits(lab)  # the way back, made before the other way is broken: both carry traffic
        kill(lab, controller)
    with site.start() as controller:
        controller.wait_settled()
        assert "edge1 had an unconfirmed commit of an earlier run: confirmed" in controller.events
    assert site.plan()[0] == 0
    assert not any(pending(lab, edge) for edge in EDGES)


def test_killed_and_left_alone_routers_go_back_by_themselves(
    lab: Lab, site: Site, committing: Controller
) -> None:
    kill(lab, committing)
    assert all(name.startswith("FO-") for name in attached(lab, "edge1").values())
    wait_for(
        "the routers to go back", REVERTS_WITHIN_S, lambda: not any(pending(lab, edge) for edge in EDGES)
    )
    assert not any("FO-" in config for config in running(lab).values())
    with site.start() as controller:
        controller.wait_settled()
    assert site.plan()[0] == 0


def test_what_people_ordered_outlives_the_controller(lab: Lab, site: Site) -> None:
    with site.start() as controller:
        controller.wait_settled()
        assert site.failover("drain", "edge1-azerbaijan", "--reason", "fibre work").returncode == 0
        controller.wait_carried_by("georgia")
        controller.stop()
    number = site.last()
    with site.start() as controller:
        wait_for(
            "the order in the sentence", 10, lambda: "edge1-azerbaijan drained by" in controller.sentence
        )
        assert site.acted(number) == []
        (order,) = json.loads(site.failover("overrides", "--json").stdout)
        assert (order["kind"], order["subject"], order["reason"]) == (
            "drain",
            "edge1-azerbaijan",
            "fibre work",
        )
        assert site.failover("undrain", "edge1-azerbaijan").returncode == 0
        controller.wait_settled()

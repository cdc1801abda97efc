"""The driver's ping on a real router, in NAPALM's shape, and what the fleet makes of it."""

from __future__ import annotations

import time
from ipaddress import ip_address
from typing import Any

import pytest
from napalm.base.models import PingDict, PingResultDictEntry
from napalm.base.test.helpers import test_model as has_shape

from controller.core.model import Family, Link, SampleState
from controller.fleet.pings import own_addresses, ping
from tests.contract.napalm_frr.live import PEER, PEER6

pytestmark = pytest.mark.lab

OWN, OWN6 = "198.18.1.2", "2001:db8:501:1::2"
NOBODY = "198.18.0.77"  # on the management network, and not there
NO_ROUTE = "192.0.2.1"
LINK = Link(
    "r-upstream", "r", "upstream", "upstream",
    {Family.IPV4: ip_address(PEER), Family.IPV6: ip_address(PEER6)}, {},
)  # fmt: skip
SOURCES = {Family.IPV4: ip_address(OWN), Family.IPV6: ip_address(OWN6)}


@pytest.mark.parametrize(("target", "source"), [(PEER, ""), (PEER, OWN), (PEER6, ""), (PEER6, OWN6)])
def test_an_answer_has_napalm_s_shape(router: Any, target: str, source: str) -> None:
    said = router.ping(target, source=source, count=2, timeout=1, size=40)["success"]
    assert has_shape(PingDict, said)
    assert all(has_shape(PingResultDictEntry, each) for each in said["results"])
    assert (said["probes_sent"], said["packet_loss"]) == (2, 0)
    assert [each["ip_address"] for each in said["results"]] == [target, target]
    assert 0 < said["rtt_min"] <= said["rtt_avg"] <= said["rtt_max"] < 1000


def test_an_interface_does_for_a_source(router: Any) -> None:
    assert router.ping(PEER, source_interface="upstream", count=1)["success"]["packet_loss"] == 0


def test_what_is_not_answered_is_lost_after_the_timeout(router: Any) -> None:
    began = time.monotonic()
    said = router.ping(NOBODY, count=1, timeout=1)["success"]
    assert (said["probes_sent"], said["packet_loss"], said["results"]) == (1, 1, [])
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    ("target", "source", "why"),
    [
        (NO_ROUTE, "", "unreachable"),
        (PEER, "192.0.2.9", "Cannot assign requested address"),
        (PEER, "; reboot", "is not a name"),
        ("-f", "", "is neither an address nor a host name"),
        ("$(reboot)", "", "is neither an address nor a host name"),
    ],
)
def test_what_could_not_be_sent_is_an_error_in_words(router: Any, target: str, source: str, why: str) -> None:
    assert why in router.ping(target, source=source, count=1, timeout=1)["error"]


# --- what the fleet makes of it -----------------------------------------------------------------


def test_the_router_s_own_addresses_on_a_link_are_those_in_its_neighbor_s_network(router: Any) -> None:
    assert own_addresses(router, LINK) == SOURCES


def test_many_targets_are_pinged_at_the_same_time_over_one_connection(router: Any) -> None:
    targets = [ip_address(each) for each in (PEER, PEER6, NOBODY, "198.18.0.78", "198.18.0.79", NO_ROUTE)]
    began = time.monotonic()
    found = {str(each.target): each for each in ping(router, targets, SOURCES, 1, at_once=8)}
    assert time.monotonic() - began < 2.9  # three of them wait for a second each
    assert {target: each.state for target, each in found.items()} == {
        PEER: SampleState.OK,
        PEER6: SampleState.OK,
        NOBODY: SampleState.LOST,
        "198.18.0.78": SampleState.LOST,
        "198.18.0.79": SampleState.LOST,
        NO_ROUTE: SampleState.LOST,
    }
    assert (found[PEER].rtt_ms or 0) > 0
    assert all(began <= each.sent_at <= time.monotonic() for each in found.values())


def test_a_family_without_a_source_is_not_pinged(router: Any) -> None:
    targets = [ip_address(PEER), ip_address(PEER6)]
    assert [
        str(each.target) for each in ping(router, targets, {Family.IPV6: SOURCES[Family.IPV6]}, 1, 8)
    ] == [PEER6]


def test_a_ping_that_fails_for_the_router_s_own_reasons_says_nothing_of_the_path(router: Any) -> None:
    class Misused:
        def ping(self, *words: Any, **options: Any) -> Any:
            return router.ping(*words, ttl=0, **options)

    (pinged,) = ping(Misused(), [ip_address(PEER)], SOURCES, 1, 8)
    assert pinged.state is SampleState.INVALID
    assert "Invalid argument" in pinged.detail

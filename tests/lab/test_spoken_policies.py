"""What FRR makes of policies that use every knob, and what upstreams hear of them: routers of their own each time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from napalm_frr.lines import parse
from tests.lab.test_role_policies import (
    RENDERER,
    Box,
    World,
    eventually,
    heard,
    heard_prefixes,
    ours,
    preference,
    run,
    three_routers,
)
from tests.role_samples import CALM, PARTNERS, RESIDENTIAL, policy, spoken

pytestmark = pytest.mark.lab

SPOKEN_CALM = {"partners": CALM, "residential": CALM}


@pytest.fixture
def world() -> Iterator[World]:
    """Routers that no other policy has been on: what is loaded here is added to what they run."""
    with three_routers() as found:
        yield found


def med(box: Box, prefix: str) -> int | None:
    """The MED that an upstream has from the edge about a prefix."""
    paths = box.routes("ipv4", prefix).get("paths", [])
    return next((path.get("metric") for path in paths if path["peer"].get("type") == "external"), None)


def test_what_is_rendered_is_what_frr_prints_line_by_line(world: World) -> None:
    intent = run(world, SPOKEN_CALM, spoken())
    assert ours(parse(world.edge.running())) == ours(parse(RENDERER.render(intent)))


def test_med_communities_for_the_upstream_and_more_specifics_are_heard_there(world: World) -> None:
    run(world, SPOKEN_CALM, spoken())
    told = {"path": "64500", "communities": "64500:9 64501:90"}
    eventually(lambda: heard(world.azerbaijan, "203.0.113.0/26") == told)  # primary
    eventually(lambda: med(world.azerbaijan, "203.0.113.0/25") == 30)
    eventually(lambda: med(world.georgia, "203.0.113.0/24") == 100)  # backup, as policy has it
    eventually(lambda: "203.0.113.0/26" not in heard_prefixes(world.georgia))


@pytest.mark.parametrize(("origin", "expected"), [(64501, 200), (64502, 300)], ids=["theirs", "another's"])
def test_routes_that_an_as_originates_follow_the_class_that_names_it(
    world: World, origin: int, expected: int
) -> None:
    by_as = replace(PARTNERS, destinations=(), destination_communities=(), destination_as=(origin,))
    network = policy(by_as, RESIDENTIAL)
    run(world, {"partners": {**CALM, "edge1-azerbaijan": "backup"}, "residential": CALM}, network)
    eventually(lambda: preference(world, "198.51.100.0/24") == expected)
    eventually(lambda: preference(world, "2001:db8:100::/48") == expected)

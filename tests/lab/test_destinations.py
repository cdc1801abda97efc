"""Routes of one AS leave by another upstream than the rest, and come along when that fails."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from controller.lab.lab import Lab
from controller.lab.topology import ASN, ORIGINATES
from tests.lab.operate import (
    MOVE_WITHIN_S,
    QUICK,
    Controller,
    Site,
    exits,
    make_site,
    no_leaks,
    strip,
    wait_for,
)

pytestmark = pytest.mark.lab

START_WITHIN_S = 60.0
STUB = tuple(str(prefix) for prefix in ORIGINATES["stub1"])
CONTENT = {
    "prefixes": ["198.51.101.0/24"],  # in no router's BGP: this class is about what leaves
    "prefer": ["georgia", "azerbaijan"],
    "destination_as": [ASN["stub1"]],
}
CHANGES: dict[str, dict[str, Any]] = {**QUICK, "classes": {"content": CONTENT}}


@pytest.fixture(scope="module")
def site(_session_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """As elsewhere, and with a class for what one AS originates."""
    site = make_site(_session_lab, tmp_path_factory.mktemp("destinations"), CHANGES)
    strip(_session_lab, site.policy)
    yield site
    strip(_session_lab, site.policy)


@pytest.fixture
def controller(site: Site) -> Iterator[Controller]:
    """A controller that runs for one test: its classes settle on different upstreams."""
    with site.start() as controller:
        yield controller


def test_what_one_as_originates_leaves_by_another_upstream_and_moves_when_that_fails(
    lab: Lab, controller: Controller
) -> None:
    both = {"azerbaijan", "georgia"}
    wait_for("each class on its own upstream", START_WITHIN_S, lambda: controller.carried_by() == both)
    wait_for("the rest by azerbaijan", MOVE_WITHIN_S, lambda: exits(lab) == ("azerbaijan",) * 2)
    wait_for("the AS by georgia", MOVE_WITHIN_S, lambda: exits(lab, to=STUB) == ("georgia",) * len(STUB))
    with no_leaks(lab):
        lab.fault("blackhole", "georgia")
        wait_for("the AS too", MOVE_WITHIN_S, lambda: exits(lab, to=STUB) == ("azerbaijan",) * len(STUB))

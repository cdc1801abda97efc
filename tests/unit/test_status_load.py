"""`failover status` says how full links are and what classes carry, where that is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.cli.root import app
from controller.core.model import Counters, InterfaceSample, Traffic
from controller.core.routers_say import RoutersSay
from controller.ports import Snapshot
from controller.store.sqlite import SqliteStore
from tests.decide_world import AZ, policy


def reading(at: float, octets: int) -> InterfaceSample:
    return InterfaceSample(AZ, at, True, True, 1000.0, Counters(octets, 0, 0, 0, 0, 0, 0, 0))


def seen(capacity_bps: float | None) -> RoutersSay:
    made = policy()
    sized = replace(made, links={**made.links, AZ: replace(made.links[AZ], capacity_bps=capacity_bps)})
    return RoutersSay(sized).follow((), [reading(0, 0)]).follow((), [reading(10, 125_000_000)])


@pytest.mark.parametrize(("capacity_bps", "percent"), [(200e6, 50), (None, 10)])
def test_load_is_of_the_capacity_that_policy_gives_else_of_the_interface_s_speed(
    capacity_bps: float | None, percent: float
) -> None:
    interface = seen(capacity_bps).seen()[AZ].interface
    assert interface is not None
    assert interface.load_percent == pytest.approx(percent)


def test_the_command_shows_both(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "failover.db")
    told = Snapshot(
        1.0, 1.0, 1, False, "", "calm", seen=seen(200e6).seen(), traffic=Traffic(classes={"residential": 95e6})
    )  # fmt: skip
    store.put_snapshot(told)
    store.close()
    done = CliRunner().invoke(app, ["--state", str(tmp_path), "status"])
    assert "100.0 / 0.0" in done.output
    assert "50 %" in done.output
    assert "peaks of the last hour: residential 95 Mbit/s" in done.output

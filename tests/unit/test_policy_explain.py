"""What `failover policy explain` tells operators."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.cli.root import app
from controller.core.grey_threshold import LEVELS, Calibrator
from controller.store.sqlite import SqliteStore
from controller.watch import QUIET_TIME


def said(state: Path, *words: str) -> str:
    done = CliRunner().invoke(app, ["--state", str(state), "policy", "explain", *words])
    assert done.exit_code == 0, done.output
    return done.stdout


def test_links_that_are_alike_are_told_of_together_by_formula_at_first(tmp_path: Path) -> None:
    lines = said(tmp_path).splitlines()
    assert lines[0].startswith("edge1-azerbaijan IPv4, edge1-azerbaijan IPv6, ")
    assert lines[1].startswith("  loss is found: 100% in 0.5 s, 30% in ")
    assert lines[2].endswith("by formula until there are 14, 0.0 quiet days so far")
    assert len(lines) == 3


def test_a_link_with_a_history_has_a_promise_of_its_own(tmp_path: Path) -> None:
    bursty = Calibrator(20 * 86400.0, tuple(int(5000 * 0.9**n) for n in range(len(LEVELS))))
    calm = Calibrator(20 * 86400.0, tuple(1000 // 4**n for n in range(len(LEVELS))))
    store = SqliteStore(tmp_path / "failover.db")
    ambient = {"days": [0.005], "value": 0.005}
    store.save_learned(
        QUIET_TIME,
        {
            "loss/edge1-georgia/ipv4": {"calibrator": bursty.to_plain(), "ambient": ambient},
            "loss/edge1-georgia/ipv6": {"calibrator": calm.to_plain(), "ambient": ambient},
        },
    )
    store.close()
    told = {(each["link"], each["family"]): each for each in json.loads(said(tmp_path, "--json"))}
    worse, better, unknown = (
        told["edge1-georgia", "ipv4"],
        told["edge1-georgia", "ipv6"],
        told["edge2-iran", "ipv4"],
    )
    assert (worse["fitted"], better["fitted"], unknown["fitted"]) == (True, True, False)
    assert worse["seconds"]["10%"] > unknown["seconds"]["10%"] > better["seconds"]["10%"]
    assert worse["quiet_days"] == pytest.approx(20)
    assert "where loss is known to come without bursts" in said(tmp_path)

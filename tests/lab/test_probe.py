"""Evidence that people can check, on real routers: what probe shows of a dead link, what explain keeps of it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from controller.core.model import Family, Verdict
from controller.core.rollup import merged
from controller.core.samples import marks
from controller.lab.lab import Lab
from controller.sampling import WRITE_EVERY_S
from controller.store.samples import SampleReader
from tests.lab.operate import Controller, Site, wait_for

pytestmark = pytest.mark.lab

AZERBAIJAN = "edge1-azerbaijan"
KEPT_WITHIN_S = 15.0  # samples are written every 5 s
SHOWN_WITHIN_S = WRITE_EVERY_S + 5.0  # shown no less often than written; the rest is for the command to start


def probe(site: Site, *words: str) -> tuple[int, dict[str, Any]]:
    """What `failover probe --json` says of each link, and its exit code."""
    done = site.failover("probe", "--json", *words)
    told = json.loads(done.stdout)
    return done.returncode, {"seen_by": told["seen_by"], **{link["link"]: link for link in told["links"]}}


def test_a_look_of_its_own_shows_which_link_is_dead_and_that_the_others_are_not(lab: Lab, site: Site) -> None:
    code, calm = probe(site, "--seconds", "3")
    assert code == 0, calm
    assert calm.pop("seen_by") == "a look of its own"
    assert {link["verdict"] for link in calm.values()} == {"up"}
    lab.fault("blackhole", "azerbaijan")
    code, seen = probe(site, "--seconds", "3", "--link", AZERBAIJAN, "--link", "edge2-iran")
    assert code == 2
    assert set(seen) == {"seen_by", AZERBAIJAN, "edge2-iran"}
    for family in Family:
        dark, well = (seen[name]["families"][family] for name in (AZERBAIJAN, "edge2-iran"))
        assert (dark["verdict"], dark["figures"]["loss_percent"], dark["silence"]["share"] >= 1) == (
            "down",
            100.0,
            True,
        )
        assert all(set(target["recent"]) <= {"x", "?"} for target in dark["targets"])
        assert (well["verdict"], well["figures"]["lost"], well["silence"]["share"]) == ("up", 0, 0.0)
        assert 0 < well["figures"]["rtt_p50_ms"] <= well["figures"]["rtt_p95_ms"] < 100
    shown = site.failover("probe", "--seconds", "1", "-v", "--link", AZERBAIJAN)
    assert all(len(line) <= 80 for line in shown.stdout.splitlines())


def test_explain_and_probe_show_what_the_loop_saw_of_a_failover(
    lab: Lab, site: Site, controller: Controller
) -> None:
    number = site.last()
    lab.fault("blackhole", "azerbaijan")
    controller.wait_carried_by("georgia")
    # What is shown is a second old, and on a busy machine five: it may be from before the fault.
    wait_for("a dead link shown", SHOWN_WITHIN_S, lambda: probe(site)[1][AZERBAIJAN]["verdict"] == "down")
    code, seen = probe(site)
    assert (code, seen[AZERBAIJAN]["verdict"]) == (2, "down")
    assert seen["seen_by"] == f"the running loop (pid {controller.process.pid})"

    move = site.moves(number)[0]
    down = next(each for each in move.turns if each.sight.link == AZERBAIJAN)
    assert (down.was, down.sight.verdict) == (Verdict.UP, Verdict.DOWN)
    fallen = [seen for seen in down.sight.families.values() if seen.verdict is Verdict.DOWN]
    assert fallen
    assert all(seen.silence.share >= 1 for seen in fallen)
    drawn = [marks(down.probes[target.target]) for seen in fallen for target in seen.targets]
    assert sum(each.startswith(".") and each[-3:].strip("x?") == "" for each in drawn) >= 3, drawn

    told = site.failover("explain", str(move.number)).stdout
    assert f"{AZERBAIJAN}: up -> down at" in told
    assert any(each in told for each in drawn)
    as_json = json.loads(site.failover("explain", str(move.number), "--json").stdout)
    assert as_json["turns"][0]["probes"]

    def kept() -> int:
        reader = SampleReader(site.state / "samples.db")
        rows = reader.rows(AZERBAIJAN, "1s", move.utc - 2, move.utc + 2)
        reader.close()
        return merged(row.tally for row in rows).lost

    wait_for("the lost probes in the samples kept", KEPT_WITHIN_S, kept)

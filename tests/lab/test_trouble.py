"""Wrong keys, absent routers, mistakes in files: said in a sentence, and whoever can be served is served."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from controller.core.model import Applied
from controller.lab.lab import Lab
from tests.lab.operate import (
    QUICK,
    Controller,
    Site,
    attached,
    entries,
    exits,
    make_site,
    no_leaks,
    pending,
    running,
    strip,
    wait_for,
)

pytestmark = pytest.mark.lab


@pytest.fixture
def alone(lab: Lab, tmp_path: Path) -> Iterator[Site]:
    """Edges no controller has touched, an inventory and a record for one test; silent routers are given up soon."""
    site = make_site(lab, tmp_path, QUICK)
    groups = site.inventory / "groups.yaml"
    assert "timeout: 10 " in groups.read_text()
    groups.write_text(groups.read_text().replace("timeout: 10 ", "timeout: 2 "))
    strip(lab, site.policy)
    yield site
    lab.clear()
    strip(lab, site.policy)


# --- login -------------------------------------------------------------------------------------


def another_key(folder: Path) -> tuple[str, str]:
    key = folder / "other_key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    return "--ssh-key", str(key)


def no_key(folder: Path) -> tuple[str, str]:
    return "--ssh-key", str(folder / "nowhere")


def empty_known_hosts(folder: Path) -> tuple[str, str]:
    path = folder / "known_hosts"
    path.touch()
    return "--known-hosts", str(path)


@pytest.mark.parametrize(
    ("trouble", "sentence"),
    [
        (another_key, r"198\.18\.0\.1: user netauto was not let in with key \S+/other_key; check the user"),
        (no_key, r"198\.18\.0\.1: .*\S+/nowhere"),
        (empty_known_hosts, r"198\.18\.0\.1: its host key is not in \S+/known_hosts; add it: ssh-keyscan"),
    ],
)
def test_routers_that_do_not_let_us_in_are_named_with_the_way_out(
    lab: Lab, alone: Site, tmp_path: Path, trouble: Callable[[Path], tuple[str, str]], sentence: str
) -> None:
    options, before = trouble(tmp_path), running(lab)
    planned = alone.failover("plan", options=options)
    assert planned.returncode == 3
    assert re.search(f"^edge1: cannot be planned: {sentence}", planned.stdout, re.MULTILINE)
    assert re.search(r"^edge2: cannot be planned: 198\.18\.0\.2: ", planned.stdout, re.MULTILINE)
    with alone.start(options) as controller:
        wait_for("both errors", 10, lambda: set(errors(controller)) == {"edge1", "edge2"})
        shown = alone.failover("status").stdout
        assert re.search(f"^edge1 cannot be read: {sentence}", shown, re.MULTILINE)
        assert controller.stop()[0] == 0
    assert "edge1 cannot be read; the other routers are served" in controller.events
    assert running(lab) == before


def errors(controller: Controller) -> Mapping[str, str]:
    seen = controller.snapshot()
    return seen.router_errors if seen else {}


# --- a router that cannot be reached -----------------------------------------------------------


def test_with_one_router_unreachable_the_other_is_planned_and_the_absence_named(
    lab: Lab, alone: Site
) -> None:
    before = running(lab)
    lab.fault("ssh", "edge2")
    code, report = alone.plan()
    assert code == 3
    edge1, edge2 = report["routers"]["edge1"], report["routers"]["edge2"]
    assert "+  neighbor 198.18.1.1 route-map FO-EDGE1-AZERBAIJAN-PRIMARY-IN in" in edge1["diff"]
    assert edge1["error"] is None
    assert edge2["diff"] == ""
    assert edge2["error"].startswith("198.18.0.2: ")
    assert running(lab) == before


def test_a_router_unreachable_at_the_start_is_picked_up_and_meanwhile_the_other_fails_over(
    lab: Lab, alone: Site
) -> None:
    lab.fault("ssh", "edge2")
    with alone.start() as controller, no_leaks(lab):
        wait_for("roles on edge1", 15, lambda: alone.moves(0))
        assert attached(lab, "edge1")["198.18.1.1", "in"] == "FO-EDGE1-AZERBAIJAN-PRIMARY-IN"
        assert attached(lab, "edge2")["198.18.3.1", "in"] == "IRAN-IN"
        number = alone.last()
        lab.fault("blackhole", "azerbaijan")
        wait_for("traffic out by georgia", 5, lambda: exits(lab) == ("georgia", "georgia"))
        wait_for("traffic in by georgia", 5, lambda: entries(lab) == (64502, 64502))
        wait_for("the record of it", 10, lambda: alone.moves(number))
        assert [outcome.router for outcome in alone.acted(number)] == ["edge1"]
        shown = alone.failover("status")
        assert "edge2 cannot be read: 198.18.0.2: " in shown.stdout
        lab.clear()
        controller.wait_settled(45)
        assert attached(lab, "edge2")["198.18.3.1", "in"] == "FO-EDGE2-IRAN-BACKUP-2-IN"
        assert "edge2 can be read again" in controller.events
        code, _ = controller.stop()
        assert code == 0


def test_a_router_that_hangs_in_the_middle_does_not_keep_the_other_from_failing_over(
    lab: Lab, alone: Site
) -> None:
    with alone.start() as controller, no_leaks(lab):
        controller.wait_settled()
        number = alone.last()
        lab.fault("ssh", "edge2")
        lab.fault("blackhole", "azerbaijan")
        wait_for("traffic out by georgia", 5, lambda: exits(lab) == ("georgia", "georgia"))
        wait_for("traffic in by georgia", 5, lambda: entries(lab) == (64502, 64502))
        wait_for("the record of it", 30, lambda: alone.moves(number))
        assert not pending(lab, "edge1")
        kinds = {outcome.router: type(outcome) for outcome in alone.acted(number)}
        assert kinds["edge1"] is Applied
        lab.clear()
        controller.wait_settled(45)
        assert not any(pending(lab, edge) for edge in ("edge1", "edge2"))
        code, _ = controller.stop()
        assert code == 0


# --- files -------------------------------------------------------------------------------------

MISTAKES = (  # what stands in the file, and the wrong value that takes the place of the right one
    ("ride_out: ", "400ms", "400"),
    ("prefer: [azerbaijan, ", "georgia", "georgie"),
    ("asn: ", "64503", "4294967296"),
    ("local_preference: ", "300", "high"),
    ("when_down: ", "drained", "asleep"),
)


@pytest.mark.parametrize("command", [("policy", "check"), ("plan",), ("run",)], ids=" ".join)
def test_every_mistake_in_the_policy_is_named_at_once_with_its_place(
    alone: Site, command: tuple[str, ...]
) -> None:
    path = alone.inventory / "policy.yaml"
    text = path.read_text()
    for before, right, wrong in MISTAKES:
        assert text.count(before + right) == 1
        text = text.replace(before + right, before + wrong)
    path.write_text(text)
    done = alone.failover(*command)
    assert done.returncode == 1
    assert done.stdout == ""
    *problems, last = done.stderr.splitlines()
    assert last == "failover: 5 problems in the inventory; nothing was done"
    for before, _, wrong in MISTAKES:
        head = text[: text.index(before + wrong)] + before
        line, column = head.count("\n") + 1, len(head) - head.rindex("\n")
        place = f"policy.yaml:{line}:{column}: "
        assert len([each for each in problems if each.startswith(place)]) == 1, (place, problems)


def test_a_policy_broken_under_a_running_controller_does_not_stop_it(lab: Lab, alone: Site) -> None:
    with alone.start() as controller:
        controller.wait_settled()
        (alone.inventory / "policy.yaml").write_text("nonsense: [")
        lab.fault("blackhole", "azerbaijan")
        controller.wait_carried_by("georgia")
        assert controller.stop()[0] == 0

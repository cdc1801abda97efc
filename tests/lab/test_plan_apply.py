"""Engineers look before anything changes, and get exactly what they looked at."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from controller.core.guard import attached_at, owned_object
from controller.core.intent import intents
from controller.core.model import Decision
from controller.core.names import is_owned
from controller.fleet.platforms import PLATFORMS
from controller.lab.lab import Lab
from tests.lab.operate import Site, exits, pending, running, strip, wait_for

pytestmark = pytest.mark.lab

EDGES = ("edge1", "edge2")


@pytest.fixture
def plan_file(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


@pytest.fixture
def untouched(lab: Lab, site: Site) -> Iterator[dict[str, str]]:
    """Edges no controller has touched: what they run."""
    strip(lab, site.policy)
    yield running(lab)
    strip(lab, site.policy)


@dataclass
class Installed:
    """What the edges run in calm, and a reviewed plan that moves traffic off azerbaijan, once they are known."""

    configs: dict[str, str] = field(default_factory=dict)
    move: str = ""


@pytest.fixture(scope="module")
def _installed() -> Installed:
    return Installed()


@pytest.fixture
def calm(lab: Lab, site: Site, plan_file: Path, _installed: Installed) -> dict[str, str]:
    """Edges with everything installed, traffic on azerbaijan: what they run."""
    if running(lab) != _installed.configs:
        strip(lab, site.policy)
        assert site.plan("--out", str(plan_file))[0] == 2
        assert site.failover("apply", str(plan_file)).returncode == 0
        _installed.configs = running(lab)
    wait_for("traffic out by azerbaijan", 5, lambda: exits(lab) == ("azerbaijan", "azerbaijan"))
    return _installed.configs


@pytest.fixture
def move(site: Site, calm: dict[str, str], plan_file: Path, _installed: Installed) -> Path:
    """A reviewed plan that moves traffic off azerbaijan."""
    if not _installed.move:
        assert site.plan("--assume", "azerbaijan=down", "--out", str(plan_file))[0] == 2
        _installed.move = plan_file.read_text()
    plan_file.write_text(_installed.move)
    return plan_file


def changed_lines(diff: str) -> list[str]:
    return [line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")]


# --- first contact -----------------------------------------------------------------------------


@pytest.mark.usefixtures("untouched")
def test_first_contact_is_shown_whole_applied_as_shown_and_then_there_is_nothing_left(
    lab: Lab, site: Site, plan_file: Path
) -> None:
    before = running(lab)
    code, report = site.plan("--out", str(plan_file))
    assert code == 2
    assert running(lab) == before

    decision = TypeAdapter(Decision).validate_python(report["decision"])
    for edge in EDGES:
        router, plan = site.policy.routers[edge], report["routers"][edge]
        changes = PLATFORMS[router.platform].changes(before[edge], plan["candidate"])
        strangers = [
            change
            for change in changes
            if not owned_object(change.context, change.line) and not attached_at(change, router.asn)
        ]
        assert strangers == []
        shown = [line[1:].strip() for line in changed_lines(plan["diff"])]
        assert sorted(set(shown)) == sorted({change.line for change in changes})
        wanted = intents(site.policy, decision.assignment)[edge]
        assert {policy.name for policy in wanted.policies} == {
            line.split()[1] for line in shown if line.startswith("route-map ")
        }
        assert all(is_owned(policy.name) for policy in wanted.policies)

    applied = site.failover("apply", str(plan_file))
    assert applied.returncode == 0, applied.stderr
    assert [line.split(":")[1].strip() for line in applied.stdout.splitlines()[:2]] == ["applied", "applied"]
    code, report = site.plan()
    assert (code, [plan["diff"] for plan in report["routers"].values()]) == (0, ["", ""])
    assert not any(pending(lab, edge) for edge in EDGES)


# --- what if -----------------------------------------------------------------------------------


def test_a_what_if_shows_the_move_and_changes_nothing(lab: Lab, site: Site, calm: dict[str, str]) -> None:
    code, report = site.plan("--assume", "azerbaijan=down")
    assert code == 2
    assert "moved from azerbaijan to georgia" in report["decision"]["sentence"]
    lines = changed_lines(report["routers"]["edge1"]["diff"])
    ipv4 = [line.split() for line in lines if "198.18.1.1" in line]
    assert [(words[0], words[-2], words[-1]) for words in ipv4] == [
        ("-", "FO-EDGE1-AZERBAIJAN-PRIMARY-IN", "in"),
        ("+", "FO-EDGE1-AZERBAIJAN-DRAINED-IN", "in"),
        ("-", "FO-EDGE1-AZERBAIJAN-PRIMARY-OUT", "out"),
        ("+", "FO-EDGE1-AZERBAIJAN-DRAINED-OUT", "out"),
    ]
    assert len(lines) == 16  # two links, two families, two directions, one line out and one in
    assert running(lab) == calm
    assert exits(lab) == ("azerbaijan", "azerbaijan")


def test_an_unknown_name_in_a_what_if_is_answered_with_the_known_ones(site: Site) -> None:
    done = site.failover("plan", "--assume", "azerbaijn=down")
    assert done.returncode == 1
    assert "no such link or upstream; there are azerbaijan, georgia, iran, edge1-azerbaijan" in done.stderr


def test_a_reviewed_what_if_is_applied_and_the_way_back_is_a_plan_too(
    lab: Lab, site: Site, calm: dict[str, str], plan_file: Path
) -> None:
    site.plan("--assume", "azerbaijan=down", "--out", str(plan_file))
    assert site.failover("apply", str(plan_file)).returncode == 0
    wait_for("traffic out by georgia", 5, lambda: exits(lab) == ("georgia", "georgia"))
    assert lab.leaks() == []
    back = ("--assume", "azerbaijan=up", "--out", str(plan_file))
    wait_for("the end of the hold-down", 5, lambda: site.plan(*back)[0] == 2)
    assert site.failover("apply", str(plan_file)).returncode == 0
    wait_for("traffic out by azerbaijan", 5, lambda: exits(lab) == ("azerbaijan", "azerbaijan"))
    assert running(lab) == calm


# --- a plan that must not be applied -----------------------------------------------------------


def test_a_plan_is_refused_everywhere_when_one_router_was_changed_by_hand_since(
    lab: Lab, site: Site, move: Path
) -> None:
    edge = lab.router("edge1")
    edge.vtysh("configure terminal", "ip prefix-list BY-HAND seq 5 permit 192.0.2.0/24", "end")
    try:
        before = running(lab)
        done = site.failover("apply", str(move))
        assert done.returncode == 3
        assert "edge1: refused: the router (or the plan file) changed since the plan was made" in done.stdout
        assert "edge2: refused: edge1 cannot take its part, and half a plan is not" in done.stdout
        assert running(lab) == before
    finally:
        edge.vtysh("configure terminal", "no ip prefix-list BY-HAND", "end", "write memory")


def test_a_plan_is_refused_when_the_policy_changed_since(
    lab: Lab, site: Site, calm: dict[str, str], move: Path
) -> None:
    policy = site.inventory / "policy.yaml"
    was = policy.read_text()
    policy.write_text(
        was.replace("prefer: [azerbaijan, georgia, iran]", "prefer: [azerbaijan, iran, georgia]")
    )
    try:
        assert policy.read_text() != was
        done = site.failover("apply", str(move))
    finally:
        policy.write_text(was)
    assert done.returncode == 1
    assert "inventory or policy changed since this plan was made: plan again" in done.stderr
    assert running(lab) == calm


def leak_everything(text: str) -> str:
    """Let the primary policy of the new way announce anything."""
    return text.replace(
        "ip prefix-list FO-RESIDENTIAL seq 5 permit 203.0.113.0/24",
        "ip prefix-list FO-RESIDENTIAL seq 5 permit 203.0.113.0/24\n"
        "ip prefix-list FO-RESIDENTIAL seq 10 permit 0.0.0.0/0",
    )


def announce_default(text: str) -> str:
    """Announce a default route."""
    return text.replace("  network 203.0.113.0/24\n", "  network 0.0.0.0/0\n  network 203.0.113.0/24\n")


def add_a_static_route(text: str) -> str:
    """A line that is none of the controller's business."""
    return text.replace("\nrouter bgp ", "\nip route 192.0.2.200/32 blackhole\n!\nrouter bgp ", 1)


def open_the_way_out(text: str) -> str:
    """A last term that permits whatever the others did not."""
    return text.replace(
        "route-map FO-EDGE1-GEORGIA-PRIMARY-OUT deny 65535",
        "route-map FO-EDGE1-GEORGIA-PRIMARY-OUT permit 65535",
    )


@pytest.mark.parametrize(
    ("tamper", "objection"),
    [
        (leak_everything, "the policy does not list 0.0.0.0/0 as an own prefix of this class"),
        (announce_default, "the controller does not own this line"),
        (add_a_static_route, "the controller does not own this line"),
        (open_the_way_out, "would permit without matching a list of own prefixes: anything could leak"),
    ],
)
def test_a_plan_whose_candidate_was_tampered_with_is_refused(
    lab: Lab, site: Site, calm: dict[str, str], move: Path, tamper: Callable[[str], str], objection: str
) -> None:
    report = json.loads(move.read_text())
    plan = report["routers"]["edge1"]
    assert tamper(plan["candidate"]) != plan["candidate"]
    plan["candidate"] = tamper(plan["candidate"])
    move.write_text(json.dumps(report))
    done = site.failover("apply", str(move))
    assert done.returncode == 3
    assert "edge1: refused: " in done.stdout
    assert objection in done.stdout
    assert running(lab) == calm
    assert lab.leaks() == []


DIFF = """
import sys
from napalm_frr import FRRDriver
key, known_hosts = sys.argv[1:]
driver = FRRDriver("198.18.0.1", "netauto", "", 10, {"key_file": key, "known_hosts": known_hosts})
driver.open()
driver.load_replace_candidate(config=sys.stdin.read())
print(driver.compare_config(), end="")
driver.close()
"""


def test_a_plan_tampered_with_so_that_diff_and_candidate_agree_is_refused_by_the_guard(
    lab: Lab, site: Site, calm: dict[str, str], move: Path
) -> None:
    report = json.loads(move.read_text())
    plan = report["routers"]["edge1"]
    plan["candidate"] = leak_everything(plan["candidate"])
    argv = lab.command("noc", [sys.executable, "-c", DIFF, str(lab.ssh_key), str(lab.known_hosts)])
    diff = subprocess.run(argv, input=plan["candidate"], capture_output=True, text=True, check=True).stdout
    assert "+ip prefix-list FO-RESIDENTIAL seq 10 permit 0.0.0.0/0" in diff
    plan["diff"] = diff
    move.write_text(json.dumps(report))
    done = site.failover("apply", str(move))
    assert done.returncode == 3
    assert "edge1: refused: edge1: + 'ip prefix-list FO-RESIDENTIAL seq 10 permit 0.0.0.0/0'" in done.stdout
    assert running(lab) == calm


def test_a_file_that_is_no_plan_is_named_in_one_sentence(site: Site, plan_file: Path) -> None:
    for text in ("", "{}", "[1]", "not json"):
        plan_file.write_text(text)
        done = site.failover("apply", str(plan_file))
        assert done.returncode == 1
        assert "plan.json is not a plan written by `failover plan --out`" in done.stderr
    done = site.failover("apply", str(plan_file.with_name("none.json")))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)

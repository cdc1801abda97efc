"""Do not blame the innocent, on real routers: what links only seem to do is named, and moves nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.lab.lab import Lab
from controller.lab.topology import LAN_ADDRESSES, LINKS, WIRE, WIRES, Interface
from tests.lab.operate import QUICK, Controller, Site, make_site, strip, wait_for

pytestmark = pytest.mark.lab

NEAR = ["203.0.113.1", "203.0.113.2", "2001:db8:500::1", "2001:db8:500::2"]  # as policy.yaml shows it
CHANGES: dict[str, dict[str, Any]] = {**QUICK, "health": {**QUICK["health"], "anchors": NEAR}}
SEEN_WITHIN_S = 20.0
FORGOTTEN_WITHIN_S = 90.0  # evidence of loss fades slowly where only two targets can speak, as the anchors do
CONTRAST_WITHIN_S = 30.0  # seen, and ten seconds more
STOOD_STILL_S, STOPS = 2.0, 3  # more than half of ten seconds
STARVED_S, HOGS = 8.0, 5

OWN_WIRE = WIRE["lan"].device(WIRE["lan"].index_of("noc"))


def loses(percent: int) -> str:
    """What rules of nftables say of packets that die by chance."""
    return f"numgen random mod 100 < {percent} drop"


@pytest.fixture(scope="module")
def site(_session_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """As elsewhere, and with anchors."""
    site = make_site(_session_lab, tmp_path_factory.mktemp("innocent"), CHANGES)
    strip(_session_lab, site.policy)
    yield site
    strip(_session_lab, site.policy)


@pytest.fixture
def nothing_moves(site: Site, controller: Controller) -> Iterator[Callable[[str], None]]:
    """No router is changed from here until all is well again. Gives: wait until a sentence has this in it."""
    number = site.last()

    def wait_said(text: str, within_s: float = SEEN_WITHIN_S) -> None:
        try:
            wait_for(text, within_s, lambda: text in controller.sentence)
        except AssertionError as error:
            raise AssertionError(f"{error}; it says: {controller.sentence}") from None

    yield wait_said
    controller.wait_settled(FORGOTTEN_WITHIN_S)
    told = "\n".join(record.decision.sentence for record in site.records(number))
    assert site.acted(number) == [], told


@contextmanager
def dropped(lab: Lab, node: str, where: str, *rules: str) -> Iterator[None]:
    """Have a node drop what these rules of nftables say for a while."""
    family, hook = where.split()
    chain = f"chain suffers {{ type filter hook {hook} priority 0; {'; '.join(rules)}; }}"
    done = lab.exec(node, ["nft", f"table {family} innocent {{ {chain}; }}"])
    assert done.returncode == 0, done.stderr
    try:
        yield
    finally:
        lab.exec(node, ["nft", "delete", "table", family, "innocent"])


def source(address: Interface) -> str:
    return f"{'ip' if address.version == 4 else 'ip6'} saddr {address.ip}"


# --- the vantage's own path ------------------------------------------------------------------------


def own_wire(*, drops: str) -> list[str]:
    """Rules for what goes wrong on the wire of the controller's host, both ways."""
    return [f'{way} "{OWN_WIRE}" {drops}' for way in ("iifname", "oifname")]


def test_loss_on_the_controllers_own_wire_is_held_against_no_link_for_the_anchors_lose_too(
    lab: Lab, nothing_moves: Callable[[str], None]
) -> None:
    with dropped(lab, WIRES, "bridge forward", *own_wire(drops=loses(15))):
        nothing_moves("the anchors lose ")


def test_a_dead_wire_of_the_controllers_own_is_called_its_own_path(
    lab: Lab, nothing_moves: Callable[[str], None]
) -> None:
    with dropped(lab, WIRES, "bridge forward", *own_wire(drops="drop")):
        nothing_moves(
            "every link looks bad at once; the anchors are silent too, so it is my own path; nothing changed"
        )


def test_a_family_that_dies_on_the_controllers_own_wire_is_left_out(
    lab: Lab, nothing_moves: Callable[[str], None]
) -> None:
    with dropped(lab, WIRES, "bridge forward", *own_wire(drops="ether type ip6 drop")):
        nothing_moves("IPv6 looks bad through every link at once, and the anchors are silent too: left out")


# --- the prober ------------------------------------------------------------------------------------


def test_a_controller_that_is_stopped_for_seconds_again_and_again_says_that_it_stood_still(
    controller: Controller, nothing_moves: Callable[[str], None]
) -> None:
    for _ in range(STOPS):
        controller.process.send_signal(signal.SIGSTOP)
        time.sleep(STOOD_STILL_S)
        controller.process.send_signal(signal.SIGCONT)
        time.sleep(0.2)
    nothing_moves("the prober is starved: it stood still for ")


@contextmanager
def starved(pid: int) -> Iterator[None]:
    """A process that has one core, and shares it with others that come first."""
    core, before = min(os.sched_getaffinity(0)), os.sched_getaffinity(pid)
    burn = f"import os; os.sched_setaffinity(0, {{{core}}})\nwhile True: pass"
    hogs = [subprocess.Popen([sys.executable, "-c", burn]) for _ in range(HOGS)]
    threads = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
    try:
        for thread in threads:
            os.sched_setaffinity(thread, {core})
            os.setpriority(os.PRIO_PROCESS, thread, 19)
        yield
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()
        for thread in threads:
            os.setpriority(os.PRIO_PROCESS, thread, 0)
            os.sched_setaffinity(thread, before)


def test_a_controller_that_gets_next_to_no_time_says_that_it_is_starved(
    controller: Controller, nothing_moves: Callable[[str], None]
) -> None:
    with starved(controller.process.pid):
        time.sleep(STARVED_S)
    nothing_moves("the prober is starved: ")


# --- targets ---------------------------------------------------------------------------------------


def test_a_target_that_is_dead_through_every_link_is_dropped_and_named(
    lab: Lab, controller: Controller, nothing_moves: Callable[[str], None]
) -> None:
    text = "target 192.0.2.1 is silent through every link; it is not counted while it does"

    def told() -> list[str]:
        seen = controller.snapshot()
        return [notice.text for notice in (seen.decision.notices if seen and seen.decision else ())]

    with dropped(lab, "stub1", "inet input", "ip daddr 192.0.2.1 drop"):
        wait_for("the target named", SEEN_WITHIN_S, lambda: told() == [text])
        nothing_moves("nothing to change: residential on azerbaijan, all 4 links up")


# --- users -----------------------------------------------------------------------------------------


def test_loss_that_users_have_and_probes_have_not_is_reported(
    lab: Lab, nothing_moves: Callable[..., None]
) -> None:
    rules = [f"{source(address)} {loses(30)}" for address in LAN_ADDRESSES["noc"]]
    with dropped(lab, "edge1", "inet forward", *rules):
        nothing_moves(" % though every link looks clean", CONTRAST_WITHIN_S)


def test_probes_that_die_while_users_lose_nothing_are_reported(
    lab: Lab, nothing_moves: Callable[[str], None]
) -> None:
    sources = [address for link in LINKS for address in link.probe_sources]
    rules = [f"{'ip' if each.version == 4 else 'ip6'} saddr {each} drop" for each in sources]
    with dropped(lab, WIRES, "bridge forward", *rules):
        nothing_moves(
            "every link looks bad at once; my own way as far as the anchors is fine, so look at what all "
            "links share; nothing changed; the user path is fine"
        )


# --- where to --------------------------------------------------------------------------------------


def test_lossy_links_that_share_a_risk_are_left_straight_for_the_third_and_the_risk_is_named(
    lab: Lab, site: Site, controller: Controller
) -> None:
    """Georgia stands next, and is no verdict yet: what may be losing itself is no place to move to."""
    number = site.last()
    lab.fault("loss", "azerbaijan", 30, "out")
    lab.fault("loss", "georgia", 20, "out")
    controller.wait_carried_by("iran", SEEN_WITHIN_S)
    wait_for("the risk named", SEEN_WITHIN_S, lambda: "; both share black-sea" in controller.sentence)
    assert len(site.moves(number)) == 1, "it took more than one move"

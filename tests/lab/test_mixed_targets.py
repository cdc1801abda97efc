"""One controller whose targets are of three kinds: a ping, a name server and a TCP server for each family."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from controller.core.model import Family, Verdict
from controller.lab.lab import Lab
from controller.lab.namespaces import inside
from tests.lab.answerers import DNS, TCP
from tests.lab.operate import Controller, Site, make_site, no_leaks, strip, wait_for

pytestmark = pytest.mark.lab

REPOSITORY = Path(__file__).parents[2]
NAME_SERVERS = ("198.51.100.53", "2001:db8:100::53")  # on internet
TCP_SERVERS = ("192.0.2.1", "2001:db8:200::1")  # on stub1


def at(server: str) -> str:
    return f"[{server}]" if ":" in server else server


# One of each kind a family: a quorum needs two of the three to agree.
TARGETS: dict[str, Any] = {
    "icmp": ["198.51.100.1", "2001:db8:100::1"],
    "dns": [{"server": f"{at(server)}:{DNS}", "name": "www.example.net"} for server in NAME_SERVERS],
    "tcp": [f"{at(server)}:{TCP}" for server in TCP_SERVERS],
}
CHANGES = {
    "stability": {
        "hold_down": "1s",
        "fail_back": {"clean": "1s", "doubles_up_to": "1s", "forgotten_after": "1h"},
        "changes": "1000 per hour",
        "escapes": "1000 per hour",
    },
    "health": {"targets": TARGETS, "recover": "1s", "catch": []},
}


@pytest.fixture(scope="module")
def site(_session_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = make_site(_session_lab, tmp_path_factory.mktemp("mixed"), CHANGES)
    strip(_session_lab, site.policy)
    yield site
    strip(_session_lab, site.policy)


def listening(stack: ExitStack, lab: Lab, node: str, *addresses: str) -> subprocess.Popen[str]:
    """Servers of every kind on one node."""
    command = [sys.executable, "-m", "tests.lab.answerers", "", "", *addresses]
    process = stack.enter_context(
        subprocess.Popen(inside(lab.name, node, command), stdout=subprocess.PIPE, text=True, cwd=REPOSITORY)
    )
    stack.callback(process.kill)
    assert process.stdout is not None
    assert process.stdout.readline() == "listening\n"
    return process


def azerbaijan(controller: Controller) -> dict[Family, tuple[Verdict, int, int]]:
    """Its verdict and how many targets answer, of how many, in each family."""
    seen = controller.snapshot()
    found = {each.link: each for each in seen.health} if seen else {}
    families = found["edge1-azerbaijan"].families if found else {}
    return {family: (each.verdict, each.answering, each.targets) for family, each in families.items()}


def test_a_link_is_judged_by_pings_dns_and_tcp_together(lab: Lab, site: Site) -> None:
    with ExitStack() as stack, site.start() as controller, no_leaks(lab):
        listening(stack, lab, "internet", *NAME_SERVERS)
        tcp = listening(stack, lab, "stub1", *TCP_SERVERS)
        controller.wait_settled(60.0)
        all_answer = dict.fromkeys(Family, (Verdict.UP, 3, 3))
        wait_for("all kinds to answer", 10.0, lambda: azerbaijan(controller) == all_answer)

        lab.fault("blackhole", "azerbaijan")
        controller.wait_carried_by("georgia", 30.0)
        assert {verdict for verdict, _, _ in azerbaijan(controller).values()} == {Verdict.DOWN}
        lab.clear()
        controller.wait_settled(60.0)
        wait_for("all kinds to answer again", 10.0, lambda: azerbaijan(controller) == all_answer)

        number = site.last()
        tcp.kill()  # from now on it refuses, through every link
        two_answer = dict.fromkeys(Family, (Verdict.UP, 2, 2))
        wait_for("the dead server to be left out", 10.0, lambda: azerbaijan(controller) == two_answer)
        controller.wait_settled(60.0)
        assert site.acted(number) == []

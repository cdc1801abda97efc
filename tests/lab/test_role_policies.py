"""What FRR makes of the role policies: an edge between two upstreams, all real, in network namespaces."""

import json
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from controller.core import names
from controller.core.guard import owned_object
from controller.core.intent import intents
from controller.core.model import Direction, Placement, Policy, RouterIntent
from controller.fleet.frr_config import attachments, splice
from controller.render import JinjaRenderer
from napalm_frr.lines import Line, parse
from tests.lab.namespaces import ip, namespaces
from tests.role_samples import (
    AZERBAIJAN_DOWN,
    BANKS,
    CALM,
    RESIDENTIAL,
    assignment,
    policy,
)

pytestmark = pytest.mark.lab

ROOT = Path(__file__).resolve().parents[2]
RENDERER = JinjaRenderer(ROOT / "templates")
PREFIX = f"t7-{os.getpid()}"
EDGE, AZERBAIJAN, GEORGIA = (f"{PREFIX}-{name}" for name in ("edge1", "az", "ge"))
DAEMONS = Path("/usr/lib/frr")
WAIT_S = 30.0

WIRES = [
    words.split()
    for here, there, v4, v6 in (
        ("az", AZERBAIJAN, "198.18.1.", "2001:db8:501:1::"),
        ("ge", GEORGIA, "198.18.2.", "2001:db8:502:1::"),
    )
    for words in (
        f"link add {here} netns {EDGE} type veth peer name edge netns {there}",
        f"-n {EDGE} addr add {v4}2/30 dev {here}",
        f"-n {EDGE} addr add {v6}2/64 dev {here} nodad",
        f"-n {EDGE} link set {here} up",
        f"-n {there} addr add {v4}1/30 dev edge",
        f"-n {there} addr add {v6}1/64 dev edge nodad",
        f"-n {there} link set edge up",
    )
]

# The edge before the controller comes. AZERBAIJAN-IN denies a prefix and sets a preference that roles must override;
# AZERBAIJAN-OUT denies one own prefix, permits far more than own prefixes, and sets communities.
EDGE_CONFIG = """
router bgp 64500
 bgp router-id 198.18.0.1
 no bgp network import-check
 neighbor 198.18.1.1 remote-as 64501
 neighbor 198.18.2.1 remote-as 64502
 neighbor 2001:db8:501:1::1 remote-as 64501
 neighbor 2001:db8:502:1::1 remote-as 64502
 address-family ipv4 unicast
  network 203.0.113.0/24
  network 203.0.113.128/25
  network 203.0.113.0/25
  network 203.0.113.0/26
  neighbor 198.18.1.1 route-map AZERBAIJAN-IN in
  neighbor 198.18.1.1 route-map AZERBAIJAN-OUT out
  neighbor 198.18.2.1 route-map GEORGIA-IN in
  neighbor 198.18.2.1 route-map GEORGIA-OUT out
 exit-address-family
 address-family ipv6 unicast
  network 2001:db8:500::/48
  neighbor 2001:db8:501:1::1 activate
  neighbor 2001:db8:501:1::1 route-map AZERBAIJAN-IN in
  neighbor 2001:db8:501:1::1 route-map AZERBAIJAN-OUT out
  neighbor 2001:db8:502:1::1 activate
  neighbor 2001:db8:502:1::1 route-map GEORGIA-IN in
  neighbor 2001:db8:502:1::1 route-map GEORGIA-OUT out
 exit-address-family
exit
ip prefix-list UNWANTED seq 5 permit 198.51.100.0/25
ip prefix-list KEPT-BACK seq 5 permit 203.0.113.128/25
route-map AZERBAIJAN-IN deny 10
 match ip address prefix-list UNWANTED
exit
route-map AZERBAIJAN-IN permit 20
 set local-preference 777
exit
route-map AZERBAIJAN-OUT deny 10
 match ip address prefix-list KEPT-BACK
exit
route-map AZERBAIJAN-OUT permit 20
 set community 64500:9
exit
route-map GEORGIA-IN permit 10
exit
route-map GEORGIA-OUT permit 10
exit
"""


def upstream_config(asn: int, router_id: str, v4: str, v6: str, networks: str) -> str:
    """An upstream that announces these networks and takes whatever it is told."""
    by_family = {
        "ipv4": [each for each in networks.split() if ":" not in each],
        "ipv6": [each for each in networks.split() if ":" in each],
    }
    families = "".join(
        f" address-family {family} unicast\n"
        + "".join(f"  network {each}\n" for each in each_family)
        + f"  neighbor {v4 if family == 'ipv4' else v6} activate\n exit-address-family\n"
        for family, each_family in by_family.items()
    )
    return (
        f"router bgp {asn}\n bgp router-id {router_id}\n no bgp ebgp-requires-policy\n"
        f" no bgp network import-check\n neighbor {v4} remote-as 64500\n neighbor {v6} remote-as 64500\n{families}exit\n"
    )


@dataclass(frozen=True)
class Box:
    """One FRR with its sockets in a folder of its own."""

    namespace: str
    folder: Path

    def vtysh(self, *words: str) -> str:
        done = subprocess.run(
            ["vtysh", "--vty_socket", str(self.folder), *words],
            check=False,
            capture_output=True,
            text=True,
            timeout=30,
        )
        assert done.returncode == 0, f"vtysh {words}: {done.stdout}{done.stderr}"
        assert "%" not in done.stdout, done.stdout
        return done.stdout

    def load(self, config: str) -> None:
        file = self.folder / "load.conf"
        file.write_text(config)
        self.vtysh("-f", str(file))

    def running(self) -> str:
        return self.vtysh("-c", "show running-config no-header")

    def routes(self, family: str, prefix: str = "") -> Any:
        return json.loads(self.vtysh("-c", f"show bgp {family} unicast {prefix} json"))


@contextmanager
def frr(namespace: str, folder: Path, config: str) -> Iterator[Box]:
    """zebra and bgpd in a namespace, configured; stopped in the end."""
    folder.mkdir()
    folder.chmod(0o777)  # the daemons run as user frr
    pids = []
    try:
        for daemon, port in (("zebra", ()), ("bgpd", ("-p", "179"))):
            pid = folder / f"{daemon}.pid"
            command = [str(DAEMONS / daemon), "-d", "-f", "/dev/null", "-P", "0", "-i", str(pid)]
            command += ["--vty_socket", str(folder), "-z", str(folder / "zserv.api"), *port]
            subprocess.run(
                ["ip", "netns", "exec", namespace, *command], check=True, capture_output=True, timeout=30
            )
            pids.append(pid)
        box = Box(namespace, folder)
        box.load(config)
        yield box
    finally:
        for pid in pids:
            os.kill(int(pid.read_text()), 15)


@dataclass(frozen=True)
class World:
    edge: Box
    azerbaijan: Box
    georgia: Box


NETWORK: Policy = policy(RESIDENTIAL, BANKS)
LINKS = [each for each in NETWORK.links.values() if each.router == "edge1"]
MIXED = {"residential": CALM, "banks": {**CALM, "edge1-azerbaijan": "backup"}}
EVACUATED = {"residential": AZERBAIJAN_DOWN, "banks": AZERBAIJAN_DOWN}
SILENT = {name: {**CALM, "edge1-azerbaijan": "withdrawn"} for name in ("residential", "banks")}


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with three_routers() as found:
        yield found


@contextmanager
def three_routers() -> Iterator[World]:
    """The edge and its two upstreams, sessions up, before any controller came."""
    az = upstream_config(64501, "10.0.0.1", "198.18.1.2", "2001:db8:501:1::2", AZERBAIJAN_ROUTES)
    ge = upstream_config(64502, "10.0.0.2", "198.18.2.2", "2001:db8:502:1::2", GEORGIA_ROUTES)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=PREFIX)))
        folder.chmod(0o755)  # user frr must reach its sockets
        stack.enter_context(namespaces((EDGE, AZERBAIJAN, GEORGIA), ""))
        for words in WIRES:
            ip(*words)
        boxes = [
            stack.enter_context(frr(name, folder / name, config))
            for name, config in ((EDGE, EDGE_CONFIG), (AZERBAIJAN, az), (GEORGIA, ge))
        ]
        found = World(*boxes)
        eventually(
            lambda: len(found.edge.routes("ipv4")["routes"]) >= 6 and found.edge.routes("ipv6", GE6)["paths"]
        )
        yield found


AZERBAIJAN_ROUTES = (
    "198.51.100.0/24 198.51.100.0/25 192.0.2.0/25 192.0.2.0/26 2001:db8:100::/48 2001:db8:200::/48"
)
GEORGIA_ROUTES = "192.0.2.128/25 2001:db8:300::/48"
GE6 = "2001:db8:300::/48"


def eventually(seen: Callable[[], object]) -> None:
    """Wait until this is true; BGP takes its time."""
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            if seen():
                return
        except (AssertionError, KeyError):
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, "not within the time allowed"
        time.sleep(0.1)


def run(world: World, classes: Mapping[str, Mapping[str, str]], network: Policy = NETWORK) -> RouterIntent:
    """Let the edge run what these placements ask for."""
    intent = intents(network, assignment(**classes))["edge1"]
    world.edge.load(RENDERER.render(intent))
    return intent


def heard(box: Box, prefix: str) -> dict[str, Any]:
    """What an upstream has from the edge about a prefix: path, communities; empty if nothing."""
    family = "ipv6" if ":" in prefix else "ipv4"
    for path in box.routes(family, prefix).get("paths", []):
        if path["peer"].get("type") == "external":
            communities = path.get("community", {}).get("string", "")
            return {"path": path["aspath"]["string"], "communities": communities}
    return {}


def heard_prefixes(box: Box) -> set[str]:
    """All that the upstream has from the edge."""
    return {
        prefix
        for family in ("ipv4", "ipv6")
        for prefix, paths in box.routes(family)["routes"].items()
        if any(path["path"] for path in paths)
    }


def preference(world: World, prefix: str) -> int:
    family = "ipv6" if ":" in prefix else "ipv4"
    return int(world.edge.routes(family, prefix)["paths"][0]["locPrf"])


def test_what_is_rendered_is_what_frr_prints_line_by_line(world: World) -> None:
    intent = run(world, MIXED)
    assert ours(parse(world.edge.running())) == ours(parse(RENDERER.render(intent)))


def ours(lines: list[Line]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for line in lines:
        key = owned_object(line.context, line.text)
        if key:
            found.setdefault(key, []).append(line)
    return found


def test_the_running_configuration_needs_no_change_once_it_is_as_intended(world: World) -> None:
    intent = run(world, MIXED)
    running = world.edge.running()
    assert attachments(running, 64500, LINKS) == intent.attachments
    assert splice(running, RENDERER.render(intent), intent) == running


def test_what_the_base_policy_denies_inward_stays_denied(world: World) -> None:
    run(world, MIXED)
    eventually(lambda: preference(world, "198.51.100.0/24") == 300)
    assert "198.51.100.0/25" not in world.edge.routes("ipv4")["routes"]


def test_the_role_s_local_preference_wins_over_what_the_base_sets(world: World) -> None:
    run(world, MIXED)
    eventually(lambda: preference(world, "198.51.100.0/24") == 300)  # primary for residential: the rest
    eventually(lambda: preference(world, "2001:db8:100::/48") == 300)
    eventually(lambda: preference(world, "192.0.2.0/25") == 200)  # backup for the destinations of banks
    eventually(lambda: preference(world, "192.0.2.0/26") == 200)  # and for what is inside them
    eventually(lambda: preference(world, "2001:db8:200::/48") == 200)


def test_own_prefixes_leave_with_the_role_s_prepend_and_communities_and_the_base_s(world: World) -> None:
    run(world, EVACUATED)
    drained = {"path": " ".join(["64500"] * 6), "communities": "64500:9 64500:50 graceful-shutdown"}
    eventually(lambda: heard(world.azerbaijan, "203.0.113.0/24") == drained)
    eventually(lambda: heard(world.azerbaijan, "2001:db8:500::/48") == drained)
    eventually(lambda: heard(world.georgia, "203.0.113.0/24") == {"path": "64500", "communities": ""})


def test_an_own_prefix_that_the_base_policy_denies_outward_stays_denied(world: World) -> None:
    run(world, EVACUATED)
    eventually(lambda: "203.0.113.128/25" in heard_prefixes(world.georgia))
    assert "203.0.113.128/25" not in heard_prefixes(world.azerbaijan)


@pytest.mark.parametrize("classes", [MIXED, EVACUATED])
def test_nothing_but_listed_own_prefixes_leaves_whatever_the_base_permits(
    world: World, classes: Mapping[str, Mapping[str, str]]
) -> None:
    run(world, classes)
    listed = {str(prefix) for each in NETWORK.classes.values() for prefix in each.prefixes}
    eventually(lambda: heard_prefixes(world.georgia) == listed)
    eventually(lambda: heard_prefixes(world.azerbaijan) == listed - {"203.0.113.128/25"})


def test_withdrawn_means_silence_with_the_session_up(world: World) -> None:
    run(world, SILENT)
    eventually(lambda: heard_prefixes(world.azerbaijan) == set())
    eventually(lambda: preference(world, "198.51.100.0/24") == 10)
    peers = json.loads(world.edge.vtysh("-c", "show bgp summary json"))["ipv4Unicast"]["peers"]
    assert peers["198.18.1.1"]["state"] == "Established"


def test_frr_takes_every_name_we_may_give(world: World) -> None:
    longest = "FO-".ljust(names.MAX_LENGTH, "X")
    mixed = names.policy_name("edge1-a_b", [Placement("backup", n) for n in range(1, 21)], Direction.OUT)
    assert "." in mixed
    for name in (longest, mixed, "FO-A+B_C-IN"):
        world.edge.load(
            f"ip prefix-list {name} seq 5 deny any\nroute-map {name} deny 10\n match ip address prefix-list {name}\nexit\n"
        )
        shown = world.edge.running()
        assert f"\nip prefix-list {name} seq 5 deny any\n" in shown
        assert f"\nroute-map {name} deny 10\n match ip address prefix-list {name}\n" in shown
        world.edge.load(f"no route-map {name}\nno ip prefix-list {name}\n")

"""The lab itself: it comes up, every fault has its effect and goes away again, and nothing is left behind."""

from __future__ import annotations

import json
import multiprocessing
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controller.lab import namespaces
from controller.lab.errors import LabError
from controller.lab.lab import BASE, Lab
from controller.lab.liveness import AS_FRR_DOES, Liveness
from controller.lab.topology import LINK, NODES

pytestmark = pytest.mark.lab

LINKS = tuple(LINK)


def ping(
    lab: Lab, source: str, count: int = 3, interval: float = 0.02, node: str = "noc"
) -> tuple[float, float]:
    """Lost (percent) and median round trip (ms; 0 without replies) from a source to a far host."""
    target = "2001:db8:100::1" if ":" in source else "198.51.100.1"
    argv = ["ping", "-n", "-c", f"{count}", "-i", f"{interval}", "-W", "0.5", "-I", source, target]
    said = lab.exec(node, argv).stdout
    rtts = sorted(float(rtt) for rtt in re.findall(r"time=([\d.]+)", said))
    return 100 - 100 * len(rtts) / count, rtts[len(rtts) // 2] if rtts else 0.0


def through(lab: Lab, link: str, count: int = 3, interval: float = 0.02) -> tuple[float, float]:
    """Lost (percent) and median round trip (ms) through a link, of the worse family."""
    both = [ping(lab, str(source), count, interval) for source in LINK[link].probe_sources]
    return max(lost for lost, _ in both), max(rtt for _, rtt in both)


def dead_links(lab: Lab) -> set[str]:
    with ThreadPoolExecutor(len(LINKS)) as pool:
        seen = pool.map(lambda link: through(lab, link), LINKS)
    return {link for link, (lost, _) in zip(LINKS, seen, strict=True) if lost == 100}


def eventually(condition: Callable[[], bool], within_s: float = 10.0) -> bool:
    give_up = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.1)
    return True


def accepted(lab: Lab, router: str, neighbor: str) -> int:
    summary = json.loads(lab.router(router).vtysh("show bgp ipv4 unicast summary json"))
    return int(summary["peers"][neighbor]["pfxRcd"])


def established(lab: Lab, router: str, peer: str) -> bool:
    states = {s.state for s in lab.status().sessions if s.router == router and s.peer == peer}
    return states == {"Established"}


def echoes_arriving(lab: Lab, node: str) -> int:
    names, values = (
        line.split()
        for line in lab.exec(node, ["cat", "/proc/net/snmp"]).stdout.splitlines()
        if line.startswith("Icmp:")
    )
    return int(dict(zip(names, values, strict=True))["InEchos"])


def ssh(lab: Lab, router: str, command: str) -> subprocess.CompletedProcess[str]:
    address = {"edge1": "198.18.0.1", "edge2": "198.18.0.2"}[router]
    options = [
        "StrictHostKeyChecking=yes",
        f"UserKnownHostsFile={lab.known_hosts}",
        "BatchMode=yes",
        "ConnectTimeout=1",
    ]
    flags = [word for option in options for word in ("-o", option)]
    return lab.exec("noc", ["ssh", "-i", str(lab.ssh_key), *flags, f"netauto@{address}", command])


# --- calm --------------------------------------------------------------------------------------


def test_in_calm_every_session_is_up_and_every_daemon_lives(lab: Lab) -> None:
    status = lab.status()
    assert status.up
    assert [node.name for node in status.nodes] == list(NODES)
    assert [node for node in status.nodes if node.dead] == []
    assert {session.state for session in status.sessions} == {"Established"}
    assert status.faults == ()


def test_users_reach_the_internet_in_both_families(lab: Lab) -> None:
    assert ping(lab, "203.0.113.10", node="users")[0] == 0
    assert ping(lab, "2001:db8:500::10", node="users")[0] == 0


def test_an_edge_is_configured_and_saved_over_ssh_with_its_host_key_verified(lab: Lab) -> None:
    assert ssh(lab, "edge1", "id -nG; hostname").stdout.split() == ["frrvty", "edge1"]
    saved = ssh(
        lab,
        "edge1",
        "vtysh -c 'configure terminal' -c 'ip prefix-list TEST seq 5 permit 192.0.2.0/24' -c 'end' -c 'write memory'",
    )
    assert "[OK]" in saved.stdout
    assert "TEST" in (lab.state_dir / "nodes/edge1/etc/frr/frr.conf").read_text()
    lab.router("edge1").vtysh("configure terminal", "no ip prefix-list TEST", "end", "write memory")


def test_a_program_on_a_node_keeps_its_exit_code(lab: Lab) -> None:
    assert lab.exec("edge1", ["sh", "-c", "hostname; exit 7"]).returncode == 7
    with pytest.raises(LabError, match="gave no answer within"):
        lab.exec("noc", ["sleep", "5"], timeout=0.2)
    with pytest.raises(LabError, match="no node 'mars'"):
        lab.exec("mars", ["true"])


def test_a_process_that_enters_noc_has_its_addresses(lab: Lab) -> None:
    script = (
        "import socket; from controller.lab.lab import Lab; "
        f"Lab({lab.name!r}).enter('noc'); socket.create_server(('203.0.113.20', 0))"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def _complaint(command: str) -> str:
    lab = Lab("t1-nobody")
    commands: dict[str, Callable[[], object]] = {
        "up": lab.up,
        "down": lab.down,
        "status": lab.status,
        "clear": lab.clear,
        "leaks": lab.leaks,
    }
    try:
        commands[command]()
    except LabError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("command", ["up", "down", "status", "clear", "leaks"])
def test_without_root_the_lab_says_so_in_one_sentence(command: str) -> None:
    with multiprocessing.get_context("fork").Pool(1, os.setuid, (65534,)) as nobody:
        assert "needs root: sudo failover lab" in nobody.apply(_complaint, (command,))


# --- faults ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "place", "dead"),
    [
        ("silent", "edge1-azerbaijan", {"edge1-azerbaijan"}),
        ("blackhole", "edge2-georgia", {"edge2-georgia"}),
        ("blackhole", "georgia", {"edge1-georgia", "edge2-georgia"}),
        ("silent", "black-sea", {"edge1-azerbaijan", "edge1-georgia", "edge2-georgia"}),
        ("carrier", "edge2-iran", {"edge2-iran"}),
    ],
)
def test_a_dead_wire_kills_the_links_behind_it_and_no_other(
    lab: Lab, kind: str, place: str, dead: set[str]
) -> None:
    lab.fault(kind, place)
    assert dead_links(lab) == dead
    lab.clear(place)
    assert eventually(lambda: not dead_links(lab))


@pytest.mark.parametrize(("direction", "arrive"), [("out", 0), ("in", 3)])
def test_a_direction_is_the_way_that_packets_go(lab: Lab, direction: str, arrive: int) -> None:
    lab.fault("blackhole", "edge1-georgia", direction=direction)
    before = echoes_arriving(lab, "internet")
    assert ping(lab, "198.18.2.129")[0] == 100
    assert echoes_arriving(lab, "internet") - before == arrive


def test_sessions_can_even_be_set_up_through_a_blackhole(lab: Lab) -> None:
    lab.fault("blackhole", "azerbaijan")
    lab.router("azerbaijan1").vtysh("clear bgp *")
    assert eventually(lambda: established(lab, "azerbaijan1", "azerbaijan2"))
    assert dead_links(lab) == {"edge1-azerbaijan"}


def test_loss_takes_its_share_and_leaves_other_links_alone(lab: Lab) -> None:
    lab.fault("loss", "georgia", "30%", direction="out")
    lost, _ = ping(lab, "198.18.2.129", 400, 0.002)
    assert 18 < lost < 42  # five standard deviations
    assert through(lab, "edge2-iran")[0] == 0


def test_loss_in_bursts_takes_its_share_in_runs(lab: Lab) -> None:
    lab.fault("loss", "edge1-azerbaijan", 30, burst_s=0.05)
    argv = ["ping", "-n", "-c", "1000", "-i", "0.002", "-W", "0.5", "-I", "198.18.1.129", "198.51.100.1"]
    seen = {int(n) for n in re.findall(r"icmp_seq=(\d+)", lab.exec("noc", argv).stdout)}
    edges = sum((n in seen) != (n + 1 in seen) for n in range(1, 1000))
    lost = 1000 - len(seen)
    assert 50 < lost < 950
    assert (
        edges / 2 < lost / 4
    )  # runs longer than four on average; independent loss would give one and a half


@pytest.mark.parametrize(("direction", "slower_ms"), [("both", 80), ("in", 40)])
def test_delay_adds_to_the_round_trip_once_for_each_direction(
    lab: Lab, direction: str, slower_ms: int
) -> None:
    lab.fault("delay", "edge2-iran", "40ms", direction=direction)
    lost, rtt = through(lab, "edge2-iran")
    assert lost == 0
    assert slower_ms <= rtt < slower_ms + 35
    assert through(lab, "edge2-georgia")[1] < 35
    lab.clear()
    assert through(lab, "edge2-iran") < (1, 35)


def test_a_withdrawal_hides_about_the_share_asked_for(lab: Lab) -> None:
    all_of_them = accepted(lab, "edge1", "198.18.1.1")
    lab.fault("withdraw", "azerbaijan", "50%")
    assert eventually(lambda: 0.4 < accepted(lab, "edge1", "198.18.1.1") / all_of_them < 0.6)
    lab.clear()
    assert eventually(lambda: accepted(lab, "edge1", "198.18.1.1") == all_of_them)
    lab.fault("withdraw", "azerbaijan")
    assert eventually(lambda: accepted(lab, "edge1", "198.18.1.1") == 1)  # the upstream's own prefix


def test_the_bgpd_of_an_upstream_stays_dead_until_cleared_and_returns_configured(lab: Lab) -> None:
    lab.fault("router", "georgia")
    assert eventually(lambda: dead_links(lab) == {"edge1-georgia", "edge2-georgia"})
    assert {node.name for node in lab.status().nodes if "bgpd" in node.dead} == {"georgia1", "georgia2"}
    assert "Ignoring" in lab.router("georgia1").vtysh("show watchfrr")
    lab.clear()
    lab.wait_ready()  # the configuration is back: every session that it had is up


def test_an_edge_without_management_still_forwards(lab: Lab) -> None:
    lab.fault("ssh", "edge1")
    assert ssh(lab, "edge1", "true").returncode == 255
    assert ssh(lab, "edge2", "true").returncode == 0
    assert through(lab, "edge1-georgia")[0] == 0
    lab.clear()
    assert ssh(lab, "edge1", "true").returncode == 0


def test_a_lost_carrier_is_seen_by_both_routers_and_survived_by_the_steering(lab: Lab) -> None:
    lab.fault("carrier", "edge1-azerbaijan")
    for node, device in (("edge1", "azerbaijan"), ("azerbaijan1", "edge1")):
        assert "NO-CARRIER" in lab.exec(node, ["ip", "link", "show", device]).stdout
    assert eventually(lambda: ping(lab, "203.0.113.10", node="users")[0] == 0)
    lab.clear()
    lab.wait_ready()


def test_bfd_ends_the_session_of_a_silent_link_and_timers_are_those_asked_for(lab: Lab) -> None:
    try:
        lab.set_liveness(Liveness((3, 9), bfd=True))
        seen = json.loads(lab.router("edge1").vtysh("show bgp neighbors 198.18.1.1 json"))["198.18.1.1"]
        assert (seen["bgpTimerKeepAliveIntervalMsecs"], seen["bgpTimerHoldTimeMsecs"]) == (3000, 9000)
        lab.fault("silent", "edge1-azerbaijan")
        assert eventually(lambda: not established(lab, "edge1", "azerbaijan1"), within_s=3.0)
        assert not established(lab, "azerbaijan1", "edge1")
        assert established(lab, "edge1", "georgia1")
        lab.clear()
    finally:
        lab.set_liveness(AS_FRR_DOES)


def test_a_fault_with_an_end_clears_itself(lab: Lab) -> None:
    lab.fault("silent", "edge1-georgia", for_s=0.3)
    assert [fault.place for fault in lab.status().faults] == ["edge1-georgia"]
    assert eventually(lambda: lab.status().faults == ())
    assert through(lab, "edge1-georgia")[0] == 0


def test_several_faults_live_side_by_side_and_are_cleared_one_by_one(lab: Lab) -> None:
    lab.fault("silent", "edge1-georgia")
    lab.fault("blackhole", "iran")
    with pytest.raises(LabError, match="would meet blackhole at iran"):
        lab.fault("loss", "iran", 10)
    assert dead_links(lab) == {"edge1-georgia", "edge2-iran"}
    assert [str(fault) for fault in lab.clear("iran")] == ["blackhole at iran"]
    assert dead_links(lab) == {"edge1-georgia"}


def test_several_faults_in_one_go_are_made_all_or_none(lab: Lab) -> None:
    made = lab.faults("blackhole", ["edge1-georgia", "iran"])
    assert [str(fault) for fault in made] == ["blackhole at edge1-georgia", "blackhole at iran"]
    assert dead_links(lab) == {"edge1-georgia", "edge2-iran"}
    with pytest.raises(LabError, match="would meet blackhole at iran"):
        lab.faults("loss", ["azerbaijan", "iran"], 10)
    assert lab.status().faults == made
    lab.clear()
    assert dead_links(lab) == set()


# --- leaks -------------------------------------------------------------------------------------


@pytest.fixture
def careless_edge(lab: Lab) -> Iterator[None]:
    """An edge whose operator lets everything out to one upstream."""
    edge = lab.router("edge1")
    edge.vtysh("configure terminal", "route-map GEORGIA-OUT permit 90", "end", "clear bgp * soft out")
    yield
    edge.vtysh("configure terminal", "no route-map GEORGIA-OUT permit 90", "end", "clear bgp * soft out")
    assert eventually(lambda: lab.leaks() == [])


def test_nothing_leaks_in_calm(lab: Lab) -> None:
    assert lab.leaks() == []


@pytest.mark.usefixtures("careless_edge")
def test_a_leak_is_named_with_who_leaks_what_to_whom(lab: Lab) -> None:
    assert eventually(lambda: "edge1 announces 198.18.1.0/24 to georgia1" in lab.leaks())
    leaks = lab.leaks()
    assert "edge1 announces 2001:db8:501::/48 to georgia1" in leaks
    assert {leak.split(" to ")[1] for leak in leaks} == {"georgia1"}


# --- up and down -------------------------------------------------------------------------------


def remains_of(lab: Lab, inodes: set[int], pids: set[int]) -> list[str]:
    """Whatever of a lab is still on this machine, given what it had."""
    left = [str(path) for path in (*BASE.glob(f"{lab.name}*"), *namespaces.NETNS_DIR.glob(f"{lab.name}-*"))]
    left += [line for line in Path("/proc/self/mounts").read_text().splitlines() if f"/{lab.name}" in line]
    left += [
        str(path)
        for path in Path("/var/tmp/frr").glob("*.*")
        # process ids come round again: what is older belonged to somebody else's router
        if int(path.name.rpartition(".")[2]) in pids and time.time() - path.stat().st_mtime < 60
    ]
    for process in Path("/proc").glob("[1-9]*"):
        try:
            if (process / "ns/net").stat().st_ino in inodes:
                left.append((process / "cmdline").read_text())
        except OSError:  # it ended, as it should
            continue
    return left


def what_it_has(lab: Lab) -> tuple[set[int], set[int]]:
    inodes = {
        namespaces.netns_path(lab.name, node).stat().st_ino for node in namespaces.existing_nodes(lab.name)
    }
    return inodes, set(namespaces.processes(lab.name))


def test_a_second_lab_beside_the_first_comes_and_goes_without_a_trace(lab: Lab) -> None:
    second = Lab(f"{lab.name}-2")
    devices = sorted(path.name for path in Path("/sys/class/net").iterdir())
    try:
        second.up()
        with pytest.raises(LabError, match="is up already"):
            second.up()
        second.fault("delay", "iran", 10)
        second.fault("silent", "georgia", for_s=100)
        inodes, pids = what_it_has(second)
        assert dead_links(second) == {"edge1-georgia", "edge2-georgia"}
        assert dead_links(lab) == set()
    finally:
        second.down()
    assert remains_of(second, inodes, pids) == []
    assert sorted(path.name for path in Path("/sys/class/net").iterdir()) == devices
    second.down()  # once more is fine
    assert lab.status().up
    assert dead_links(lab) == set()


def test_an_up_that_was_killed_half_way_is_cleared_away(lab: Lab) -> None:
    victim = Lab(f"{lab.name}-k")
    script = (
        f"from controller.lab.lab import Lab; Lab({victim.name!r}).up(lambda line: print(line, flush=True))"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as up:
        assert up.stdout is not None
        up.stdout.readline()  # the namespaces are there, the routers are starting
        assert eventually(lambda: len(namespaces.processes(victim.name)) > 10)
        with pytest.raises(LabError, match="another up or down"):
            victim.down()
        up.kill()
    inodes, pids = what_it_has(victim)
    victim.down()
    assert remains_of(victim, inodes, pids) == []

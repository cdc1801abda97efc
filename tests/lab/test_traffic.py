"""The traffic meter between two hosts of namespaces, without any router."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from controller.core.model import Family
from controller.lab.errors import LabError
from controller.lab.traffic import TrafficMeter, Way
from tests.lab.namespaces import ip, namespaces

pytestmark = pytest.mark.lab

LAB = f"t2-{os.getpid()}"
USERS, INTERNET = f"{LAB}-users", f"{LAB}-internet"
BOTH = (Family.IPV4, Family.IPV6)
FLOWS = [(way, family) for family in BOTH for way in Way]
RATE = 200.0

SETUP = f"""
link add name eth0 netns {USERS} type veth peer name eth0 netns {INTERNET}
"""
HOST = """
addr add {v4} dev eth0
addr add {v6} dev eth0 nodad
link set eth0 up
route add {far_v4} dev eth0
route add {far_v6} dev eth0
"""


@pytest.fixture(scope="module", autouse=True)
def two_hosts() -> Iterator[None]:
    users, internet = ("203.0.113.10", "2001:db8:500::10"), ("198.51.100.7", "2001:db8:100::7")
    with namespaces((USERS, INTERNET), SETUP):
        for name, (v4, v6), far in ((USERS, users, internet), (INTERNET, internet, users)):
            for line in HOST.format(v4=v4, v6=v6, far_v4=far[0], far_v6=far[1]).strip().splitlines():
                ip("-n", name, *line.split())
        yield


def drop(namespace: str, seconds: float) -> float:
    """Drop what arrives in a namespace for a while; for how long it really was, at most."""
    rules = "table inet dark { chain input { type filter hook input priority 0; policy drop; }; }"
    begun = time.monotonic()
    _nft(namespace, rules)
    time.sleep(seconds)
    _nft(namespace, "delete table inet dark")
    return time.monotonic() - begun


def _nft(namespace: str, rules: str) -> None:
    subprocess.run(["ip", "netns", "exec", namespace, "nft", rules], check=True)


def test_a_quiet_network_loses_nothing_in_any_flow() -> None:
    with TrafficMeter(LAB, RATE, BOTH) as meter:
        time.sleep(1.0)
        report = meter.stop()
    for way, family in FLOWS:
        window = report.window("all", way, family)
        assert (window.lost, window.in_flight, window.duplicates, window.reordered) == (0, 0, 0, 0)
        assert window.sent + report.skipped == pytest.approx(RATE * (window.end - window.start), abs=2)


def test_an_outage_is_blamed_on_the_direction_and_the_window_it_happened_in() -> None:
    with TrafficMeter(LAB, RATE, BOTH) as meter:
        meter.mark("calm")
        time.sleep(0.3)
        begun = meter.mark("dark")
        took = drop(INTERNET, 0.3)  # the way out
        time.sleep(0.3)
        meter.add_window("just the dark", begun, begun + took)
        meter.mark("calm again")
        time.sleep(0.2)
        report = meter.stop()
    for way, family in FLOWS:
        for label in ("calm", "calm again"):
            assert report.window(label, way, family).lost == 0
        dark = report.window("dark", way, family)
        if way is Way.IN:
            assert dark.lost == 0
            continue
        assert report.window("just the dark", way, family).lost == dark.lost
        (outage,) = dark.outages
        assert outage.healed
        assert outage.packets == dark.lost
        assert 300 <= dark.outage_ms <= took * 1000 + 2 * 1000 / RATE


def test_news_arrive_while_it_measures_and_a_report_may_be_had() -> None:
    with TrafficMeter(LAB, RATE) as meter:
        until = time.monotonic() + 5
        while not (meter.live and meter.live[0].sent >= 0.9 * RATE) and time.monotonic() < until:
            time.sleep(0.05)
        out = next(flow for flow in meter.live if flow.way is Way.OUT)
        assert (out.sent, out.lost) == (out.received, 0)
        assert out.silent_ms < 100
        assert out.total_received >= out.received
        assert meter.report().window("all", Way.OUT).lost == 0
        assert meter.stop().window("all", Way.OUT).sent >= out.total_sent


def test_a_host_without_a_route_loses_its_packets_and_the_report_says_why() -> None:
    ip("-n", USERS, "route", "del", "198.51.100.7")
    try:
        with TrafficMeter(LAB, RATE) as meter:
            time.sleep(0.1)
            report = meter.stop()
    finally:
        ip("-n", USERS, "route", "add", "198.51.100.7", "dev", "eth0")
    out = report.window("all", Way.OUT)
    assert out.received == 0
    assert out.lost == out.sent > 0
    flow = next(flow for flow in report.flows if flow.way is Way.OUT)
    assert (flow.unsent, flow.unsent_why) == (out.lost, "Network is unreachable")


def test_a_name_is_given_to_one_window_only() -> None:
    meter = TrafficMeter(LAB)
    meter.mark("once")
    for label in ("once", "all"):
        with pytest.raises(ValueError, match="already"):
            meter.mark(label)


def test_without_a_lab_the_meter_says_what_to_do() -> None:
    with pytest.raises(LabError, match="lab t2-nowhere is not up: failover lab up --name t2-nowhere"):
        TrafficMeter("t2-nowhere").start()


def test_a_second_meter_is_told_about_the_first() -> None:
    with TrafficMeter(LAB), pytest.raises(LabError, match="is another meter running"):
        TrafficMeter(LAB).start()


def test_a_meter_whose_process_was_killed_says_so() -> None:
    with TrafficMeter(LAB) as meter:
        assert meter._process is not None
        meter._process.kill()
        meter._process.wait()
        with pytest.raises(LabError, match="ended by itself"):
            meter.stop()


def test_the_process_ends_with_its_caller() -> None:
    command = [sys.executable, "-m", "controller.lab.traffic", "--json-lines", "--lab", LAB]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def test_people_end_it_with_ctrl_c_and_get_a_table() -> None:
    command = [sys.executable, "-m", "controller.lab.traffic", "--lab", LAB]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert "/s, 0 lost" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        table = process.stdout.read()
        assert process.wait(10) == 0
    assert "out ipv4" in table

"""Other witnesses than our own probes, from the policy file to the routers."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from controller.config import load
from controller.lab.lab import Lab
from tests.contract.prometheus.server import Server
from tests.lab.operate import QUICK, Site, make_site, no_leaks, strip, wait_for

pytestmark = pytest.mark.lab

PORT = 9191
EXPORTER = f"""
import sys, time
from prometheus_client import Gauge, start_http_server
errors = Gauge("in_errors", "errors a second", ["link"])
errors.labels("edge1-azerbaijan").set_function(lambda: float(open(sys.argv[1]).read()))
start_http_server({PORT}, "127.0.0.1")
time.sleep(86400)
"""
SEEN_WITHIN_S = 15.0


@pytest.fixture
def errors(tmp_path: Path) -> Path:
    """How many errors a second the exporter tells of."""
    path = tmp_path / "errors"
    path.write_text("0")
    return path


@pytest.fixture
def prometheus(lab: Lab, errors: Path, tmp_path: Path) -> Iterator[Server]:
    """A Prometheus server on noc, and what it scrapes."""
    exporter = subprocess.Popen(lab.command("noc", [sys.executable, "-c", EXPORTER, str(errors)]))
    directory = tmp_path / "prometheus"
    directory.mkdir()
    server = Server(directory, (PORT,), inside=lambda argv: lab.command("noc", argv))
    try:
        server.start()
        yield server
    finally:
        if server.process is not None:
            server.stop()
        exporter.kill()
        exporter.wait()


@pytest.fixture
def told(lab: Lab, prometheus: Server, tmp_path: Path) -> Iterator[Site]:
    """A policy that asks Prometheus, and a router that is not there."""
    query = {"name": "errors", "query": 'in_errors{link="{link}"}', "above": 5, "verdict": "degraded"}
    test = {"router": "core1", "probe": "transit", "test": "a", "link": "edge1-georgia", "loss": "20%"}
    health = {
        **QUICK["health"],
        "prometheus": {"url": prometheus.url, "every": "1s", "queries": [{**query, "fresh": "10s"}]},
    }
    site, yaml = make_site(lab, tmp_path, {**QUICK, "health": health}), YAML()
    with (site.inventory / "hosts.yaml").open("a") as file:
        file.write("\ncore1: {hostname: 198.18.0.99, platform: junos, username: netauto}\n")
    policy = yaml.load(site.inventory / "policy.yaml")
    policy["health"]["router_tests"] = {"every": "5s", "tests": [{**test, "verdict": "degraded"}]}
    with (site.inventory / "policy.yaml").open("w") as file:
        yaml.dump(policy, file)
    site = replace(site, policy=load(site.inventory).policy)
    strip(lab, site.policy)
    yield site
    strip(lab, site.policy)


def test_a_bad_number_in_prometheus_moves_traffic_and_a_good_one_brings_it_back(
    lab: Lab, told: Site, errors: Path
) -> None:
    with told.start() as controller, no_leaks(lab):
        controller.wait_settled()
        errors.write_text("7")
        controller.wait_carried_by("georgia", SEEN_WITHIN_S)
        assert any("errors is 7, above 5" in event for event in controller.events)
        errors.write_text("1")
        controller.wait_settled(on="azerbaijan")
        wait_for(
            "a word on the router that is not there",
            40.0,
            lambda: any("tests by core1 says nothing" in event for event in controller.events),
        )

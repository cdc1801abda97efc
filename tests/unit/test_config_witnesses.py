"""What policy.yaml and hosts.yaml say of other witnesses than our own probes, as the core gets it."""

from __future__ import annotations

import pytest

from controller.config.loader import check
from controller.core.model import Policy
from controller.core.witnesses import Login, MetricQuery, Prometheus, RouterTest, RouterTests, Secret
from tests.unit.test_config_errors import edited


def loaded(below_recover: str = "", **hosts: str) -> Policy:
    edits = [{"file": "policy.yaml", "find": "  recover: 5s\n", "replace": f"  recover: 5s\n{below_recover}"}]
    edits += [{"file": "hosts.yaml", "find": find, "replace": replace} for find, replace in hosts.items()]
    policy, problems = check(edited(edits))
    assert problems == []
    assert policy is not None
    return policy


def test_a_link_whose_router_pings() -> None:
    source = '        probe_source: {ipv4: 198.18.1.129, ipv6: "2001:db8:501::129"}\n'
    policy = loaded("  router_ping: {every: 5s}\n", **{source: "        probe: router\n"})
    assert [link.name for link in policy.links.values() if link.pinged_by_router] == ["r1-north"]
    assert policy.health.router_ping_s == 5.0
    assert loaded().health.router_ping_s == 2.0


def test_everything_that_can_be_said_of_prometheus() -> None:
    policy = loaded("""\
  prometheus:
    url: https://metrics.example.net/prometheus/
    every: 20s
    timeout: 8s
    login: {user: failover, password_file: /etc/failover/password}
    ca_file: /etc/failover/ca.pem
    queries:
      - {name: light, query: 'dbm{port="{link}"}', below: -25.5, verdict: down, fresh: 90s, links: [r2-south]}
      - {name: errors, query: errors, label: link, above: 5, verdict: degraded}
""")
    every = ("r1-north", "r1-south", "r2-south")
    assert policy.prometheus == Prometheus(
        url="https://metrics.example.net/prometheus",
        every_s=20.0,
        timeout_s=8.0,
        queries=(
            MetricQuery("light", 'dbm{port="{link}"}', "down", ("r2-south",), 90.0, below=-25.5),
            MetricQuery("errors", "errors", "degraded", every, 60.0, label="link", above=5.0),
        ),
        login=Login(Secret(file="/etc/failover/password"), "failover"),
        ca_file="/etc/failover/ca.pem",
    )


def test_everything_that_can_be_said_of_routers_own_tests() -> None:
    policy = loaded(
        """\
  router_tests:
    every: 10s
    tests:
      - {router: r3, probe: '10', test: north, link: r1-north, loss: 20%, rtt: 150ms, verdict: down, fresh: 1min}
      - {router: r3, probe: transit, test: south, link: r2-south, rtt: 1s, verdict: degraded}
""",
        **{"r3:\n": "r3:\n  platform: iosxr\n"},
    )
    assert policy.router_tests == RouterTests(
        10.0,
        (
            RouterTest("r3", "10", "north", "r1-north", "down", 60.0, loss_percent=20.0, rtt_ms=150.0),
            RouterTest("r3", "transit", "south", "r2-south", "degraded", 300.0, rtt_ms=1000.0),
        ),
    )


@pytest.mark.parametrize(("every", "timeout_s"), [("15s", 5.0), ("2s", 2.0)])
def test_an_answer_may_take_five_seconds_but_no_longer_than_the_next_question(
    every: str, timeout_s: float
) -> None:
    policy = loaded(f"""\
  prometheus:
    url: http://127.0.0.1:9090
    every: {every}
    login: {{token_env: METRICS_TOKEN}}
    queries: [{{name: errors, query: errors, label: link, above: 5, verdict: degraded}}]
""")
    assert policy.prometheus is not None
    assert policy.prometheus.timeout_s == timeout_s
    assert policy.prometheus.login == Login(Secret(env="METRICS_TOKEN"))

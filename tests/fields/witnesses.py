"""Fields that say what is asked, and which answers are bad: targets, users' path, routers' own tests, links."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from controller.core.model import USER_PATH, Signal, Verdict
from controller.ports import RouterResult
from controller.probes.router_tests import judged
from controller.watch import probe_paths
from tests.fields.versions import GONE, Field, Shows, Version
from tests.fields.views import AZ, IR, carried, ill, role_of, told

HTTP = {"url": "https://www.example.net/health", "address": "192.0.2.80"}
DNS = {"server": "192.0.2.53", "name": "example.net"}


# --- targets, and where probes leave from ----------------------------------------------------------


def targets() -> Iterator[Field]:
    """Far hosts, of every kind."""
    yield Field(
        "health.targets.icmp",
        [f"192.0.2.{n}" for n in (1, 2, 3)] + [f"2001:db8:{n}::1" for n in (1, 2, 3)],
        [f"192.0.2.{n}" for n in (1, 2, 4)] + [f"2001:db8:{n}::1" for n in (1, 2, 3)],
        _probed("192.0.2.3"),
        (True, False),
    )
    yield Field("health.targets.tcp", [], ["192.0.2.1:443"], _probed("tcp 192.0.2.1:443"), (False, True))
    yield Field("health.targets.twamp", [], ["192.0.2.9"], _probed("twamp 192.0.2.9:862"), (False, True))
    yield from _questions("http", HTTP, _HTTP)
    yield from _questions("dns", DNS, _DNS)


_HTTP: Mapping[str, tuple[Any, Any, Callable[[Any], Any], tuple[Any, Any]]] = {
    "url": (
        "https://www.example.net/health",
        "http://www.example.net:8080/?q=1",
        str,
        (
            "https://www.example.net/health via 192.0.2.80",
            "http://www.example.net:8080/?q=1 via 192.0.2.80",
        ),
    ),
    "address": ("192.0.2.80", "192.0.2.81", lambda each: str(each.address), ("192.0.2.80", "192.0.2.81")),
    "status": (200, 204, lambda each: each.ask.status, (200, 204)),
    "verify": (True, False, lambda each: each.ask.verify, (True, False)),
    "ca_file": (GONE, "/etc/own.pem", lambda each: each.ask.ca_file, (None, "/etc/own.pem")),
}
_DNS: Mapping[str, tuple[Any, Any, Callable[[Any], Any], tuple[Any, Any]]] = {
    "server": (
        "192.0.2.53",
        "192.0.2.54:5353",
        str,
        ("dns example.net A at 192.0.2.53:53", "dns example.net A at 192.0.2.54:5353"),
    ),
    "name": ("example.net", "example.org", lambda each: each.ask.name, ("example.net", "example.org")),
    "type": ("A", "SOA", lambda each: each.ask.rrtype, ("A", "SOA")),
    "accept": (["NOERROR"], ["REFUSED"], lambda each: each.ask.rcodes, (("NOERROR",), ("REFUSED",))),
}


def _questions(kind: str, base: Mapping[str, Any], table: Mapping[str, Any]) -> Iterator[Field]:
    place = f"health.targets.{kind}[]"
    given = {f"{place}.{name}": value for name, value in base.items()}

    for name, (one, other, pick, then) in table.items():
        yield Field(f"{place}.{name}", one, other, _of_target(pick), then, given)
    yield Field(f"{place}.interval", "1s", "3s", _every, (1.0, 3.0), given)
    yield Field(f"{place}.timeout", "1s", "2s", _waits, (1.0, 2.0), given)


def _of_target(pick: Callable[[Any], Any]) -> Shows:
    return lambda version: pick(version.policy.health.targets[-1])


def _every(version: Version) -> float:
    return version.policy.health.interval_of(version.policy.health.targets[-1])


def _waits(version: Version) -> float:
    return version.policy.health.timeout_of(version.policy.health.targets[-1])


def user_path() -> Iterator[Field]:
    """Where probes leave from that go as users do."""
    for family, one, other in (
        ("ipv4", "203.0.113.20", "203.0.113.21"),
        ("ipv6", "2001:db8:500::20", "2001:db8:500::21"),
    ):
        yield Field(f"user_path.{family}", one, other, _leaves_from(USER_PATH, family), (one, other))


def _probed(target: str) -> Shows:
    return lambda version: (
        target
        in [str(each) for path in probe_paths(version.policy) if path.name == AZ for each in path.targets]
    )


def _leaves_from(path: str, family: str) -> Shows:
    def shows(version: Version) -> str:
        (found,) = [each for each in probe_paths(version.policy) if each.name == path]
        return str({each.value: source for each, source in found.sources.items()}.get(family))

    return shows


# --- links, in hosts.yaml --------------------------------------------------------------------------


def links() -> Iterator[Field]:
    """What hosts.yaml says of a link."""
    place = "links.NAME"
    spare = {"links.edge1-georgia.upstream": "azerbaijan"}
    yield Field(f"{place}.upstream", "azerbaijan", "iran", role_of(AZ), ("primary", "backup"), spare)
    yield Field(f"{place}.interface", "azerbaijan", "eth9", _interface, ("azerbaijan", "eth9"))
    for family, one, other in (
        ("ipv4", "198.18.1.1", "198.18.1.3"),
        ("ipv6", "2001:db8:501:1::1", "2001:db8:501:1::3"),
    ):
        attached = tuple(f"neighbor {other} route-map FO-EDGE1-AZERBAIJAN-PRIMARY-{way}" for way in _WAYS)
        shows = told(f"neighbor {other} ", "primary")
        yield Field(f"{place}.neighbors.{family}", one, other, shows, ((), attached))
    for family, one, other in (
        ("ipv4", "198.18.1.129", "198.18.1.130"),
        ("ipv6", "2001:db8:501:ff::129", "2001:db8:501:ff::130"),
    ):
        yield Field(f"{place}.probe_source.{family}", one, other, _leaves_from(AZ, family), (one, other))
    yield Field(f"{place}.probe_device", GONE, "eth1", _device, (None, "eth1"))
    yield Field(f"{place}.probe", GONE, "router", _from_here, (True, False))
    for way, name in (("in", "AZERBAIJAN-IN"), ("out", "AZERBAIJAN-OUT")):
        calls = told(f"call {name}", "primary")
        yield Field(f"{place}.base_policy.{way}", GONE, name, calls, ((), (f"call {name}",)))
    disjoint = {
        "classes.NAME.backups_disjoint": True,
        "upstreams.azerbaijan.shared_risk": [],
        "links.edge1-georgia.shared_risk": ["hall-1"],
        "links.edge2-georgia.shared_risk": ["hall-1"],
    }
    after = carried(60, ill(AZ))
    yield Field(f"{place}.shared_risk", [], ["hall-1"], after, ("georgia", "iran"), disjoint)
    pinged = {"links.NAME.probe": "router", "links.NAME.probe_source": GONE, "health.catch": []}
    short = carried(60, ill(AZ, 5))
    yield Field("health.router_ping.every", "1s", "20s", short, ("georgia", "azerbaijan"), pinged)


_WAYS = ("IN in", "OUT out")


def _interface(version: Version) -> str:
    return version.policy.links[AZ].interface


def _device(version: Version) -> str | None:
    (found,) = [path.device for path in probe_paths(version.policy) if path.name == AZ]
    return found


def _from_here(version: Version) -> bool:
    return AZ in [path.name for path in probe_paths(version.policy)]


# --- tests that routers run ------------------------------------------------------------------------


def router_tests() -> Iterator[Field]:
    """Which are read, and when they are bad."""
    place = "health.router_tests.tests[]"
    base = {
        "router": "core1",
        "probe": "transit",
        "test": "far",
        "link": AZ,
        "loss": "20%",
        "verdict": "down",
    }
    given: dict[str, Any] = {f"{place}.{name}": value for name, value in base.items()}
    given |= {f"hosts.{name}": {"hostname": "198.18.0.9", "platform": "junos"} for name in ("core1", "core2")}

    def signal(pick: Callable[[Signal], Any], loss_percent: float = 30.0, rtt_ms: float = 200.0) -> Shows:
        def shows(version: Version) -> Any:
            rule = version.policy.router_tests
            assert rule is not None
            return pick(judged(rule.tests[0], RouterResult(loss_percent, rtt_ms, ""), 0.0))

        return shows

    kind, verdict = signal(lambda each: each.kind), signal(lambda each: each.verdict)
    yield Field(
        f"{place}.router", "core1", "core2", kind, ("test core1 transit/far", "test core2 transit/far"), given
    )
    yield Field(f"{place}.probe", "transit", "7", kind, ("test core1 transit/far", "test core1 7/far"), given)
    yield Field(
        f"{place}.test", "far", "near", kind, ("test core1 transit/far", "test core1 transit/near"), given
    )
    yield Field(f"{place}.link", AZ, IR, signal(lambda each: each.link), (AZ, IR), given)
    yield Field(f"{place}.loss", "20%", "40%", verdict, (Verdict.DOWN, Verdict.UP), given)
    yield Field(
        f"{place}.rtt",
        "300ms",
        "150ms",
        signal(lambda each: each.verdict, 0.0),
        (Verdict.UP, Verdict.DOWN),
        given,
    )
    yield Field(f"{place}.verdict", "down", "degraded", verdict, (Verdict.DOWN, Verdict.DEGRADED), given)
    yield Field(f"{place}.fresh", "5min", "1min", signal(lambda each: each.fresh_s), (300.0, 60.0), given)
    yield Field("health.router_tests.every", "30s", "1min", _tests_read, (30.0, 60.0), given)


def _tests_read(version: Version) -> float | None:
    rule = version.policy.router_tests
    return None if rule is None else rule.every_s

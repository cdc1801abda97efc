"""What NAPALM's own Junos and IOS XR drivers make of a router's tests, down to the signal.

The drivers are real; what the routers would answer is written here, in the vendors' published form.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any

import pytest
from lxml import etree  # type: ignore[import-untyped]  # comes with NAPALM
from napalm import SUPPORTED_DRIVERS, get_network_driver
from napalm.base.base import NetworkDriver

from controller.config.check_witnesses import TESTING_PLATFORMS
from controller.core.model import Signal, Verdict
from controller.core.witnesses import RouterTest
from controller.fleet.connect import DeviceError
from controller.fleet.results import read
from controller.ports import RouterResult, SourceError
from controller.probes.router_tests import RouterTestSource
from tests.fakes import FakeLog

UP, DEGRADED, DOWN = Verdict.UP, Verdict.DEGRADED, Verdict.DOWN

RPM = """
<probe-results>
  <probe-test-results>
    <owner>transit</owner><test-name>azerbaijan</test-name>
    <target-address>198.51.100.1</target-address><source-address>198.18.1.2</source-address>
    <probe-type>icmp-ping</probe-type><test-size>10</test-size>
    <probe-single-results><rtt>{rtt_us}</rtt><round-trip-jitter>-59</round-trip-jitter></probe-single-results>
    <probe-last-test-results><probe-test-generic-results>
      <loss-percentage>{loss}</loss-percentage>
      <probe-test-rtt><probe-summary-results>
        <min-delay>{rtt_us}</min-delay><max-delay>{rtt_us}</max-delay><avg-delay>{rtt_us}</avg-delay>
      </probe-summary-results></probe-test-rtt>
    </probe-test-generic-results></probe-last-test-results>
  </probe-test-results>
  <probe-test-results>
    <owner>transit</owner><test-name>dead</test-name>
    <target-address>198.51.100.2</target-address>
    <probe-type>icmp-ping</probe-type><test-size>10</test-size>
    <probe-last-test-results><probe-test-generic-results>
      <loss-percentage>100.000000</loss-percentage>
    </probe-test-generic-results></probe-last-test-results>
  </probe-test-results>
  <probe-test-results>
    <owner>transit</owner><test-name>not-run-yet</test-name>
    <target-address>198.51.100.3</target-address>
    <probe-type>icmp-ping</probe-type><test-size>10</test-size>
  </probe-test-results>
</probe-results>
"""

SLA_CONFIG = """
<Response><Get><Configuration><IPSLA><Operation><DefinitionTable>
  <Definition><Naming><OperationID>10</OperationID></Naming>
    <OperationType><ICMPEcho><Tag>azerbaijan</Tag><SourceAddress>198.18.1.2</SourceAddress>
      <DestAddress>198.51.100.1</DestAddress><Frequency>5</Frequency><History><Buckets>5</Buckets></History>
    </ICMPEcho></OperationType></Definition>
</DefinitionTable></Operation></IPSLA></Configuration></Get></Response>
"""
SLA_RESULTS = """
<Response><Get><Operational><IPSLA><OperationData><OperationTable>
  <Operation><Naming><OperationID>10</OperationID></Naming>
    <History><Target><LifeTable><Life><BucketTable>
      <Bucket><ResponseTime>40</ResponseTime><ReturnCode>ipslaRetCodeOK</ReturnCode></Bucket>
      <Bucket><ResponseTime>44</ResponseTime><ReturnCode>ipslaRetCodeOK</ReturnCode></Bucket>
      <Bucket><ReturnCode>ipslaRetCodeTimeout</ReturnCode></Bucket>
      <Bucket><ReturnCode>ipslaRetCodeTimeout</ReturnCode></Bucket>
    </BucketTable></Life></LifeTable></Target></History>
    <Statistics><Latest><Target>
      <CommonStats><MinResponseTime>44</MinResponseTime><MaxResponseTime>44</MaxResponseTime>
        <SumResponseTime>44</SumResponseTime><UpdateCount>1</UpdateCount></CommonStats>
      <SpecificStats><op_type>ICMPEcho</op_type></SpecificStats>
    </Target></Latest></Statistics>
  </Operation>
</OperationTable></OperationData></IPSLA></Operational></Get></Response>
"""


def junos(loss: str = "0.000000", rtt_us: int = 63_138) -> Any:
    driver = get_network_driver("junos")("198.18.0.9", "netauto", "")
    answer = etree.fromstring(RPM.format(loss=loss, rtt_us=rtt_us))

    def execute(rpc: Any, **_: Any) -> Any:
        assert rpc.tag == "get-probe-results"
        return answer

    driver.device.execute = execute
    driver.device._conn = SimpleNamespace(_device_handler=SimpleNamespace(transform_reply=None))
    return driver


def iosxr() -> Any:
    driver = get_network_driver("iosxr")("198.18.0.9", "netauto", "")
    answers = {"Configuration": SLA_CONFIG, "Operational": SLA_RESULTS}
    asked = lambda rpc: next(text for word, text in answers.items() if word in rpc).encode()  # noqa: E731
    driver.device = SimpleNamespace(make_rpc_call=asked)
    return driver


# --- drivers ------------------------------------------------------------------------------------


def test_the_platforms_that_policy_accepts_are_those_whose_drivers_can_tell() -> None:
    names = {*(name for name in SUPPORTED_DRIVERS if name != "base"), "frr"}
    can = {
        name
        for name in names
        if get_network_driver(name).get_probes_results is not NetworkDriver.get_probes_results
    }
    assert can == set(TESTING_PLATFORMS)


def test_rpm_results_of_junos() -> None:
    found = read(junos(loss="10.000000"))
    assert set(found) == {("transit", "azerbaijan"), ("transit", "dead")}  # the third has not run yet
    assert found["transit", "azerbaijan"].loss_percent == 10
    assert found["transit", "azerbaijan"].rtt_ms == pytest.approx(63.138)
    assert (found["transit", "dead"].loss_percent, found["transit", "dead"].rtt_ms) == (100, None)


def test_ip_sla_results_of_ios_xr() -> None:
    found = read(iosxr())
    assert set(found) == {("10", "azerbaijan")}
    assert (found["10", "azerbaijan"].loss_percent, found["10", "azerbaijan"].rtt_ms) == (50, 44)


def test_a_driver_that_cannot_tell_says_so_and_raises_nothing_of_its_own() -> None:
    with pytest.raises(DeviceError):
        read(get_network_driver("frr")("198.18.0.9", "netauto", ""))


# --- signals ------------------------------------------------------------------------------------

TEST = RouterTest(
    "core1", "transit", "azerbaijan", "edge1-azerbaijan", "degraded", 300.0, loss_percent=20, rtt_ms=150
)
DEAD = RouterTest("core1", "transit", "dead", "edge1-georgia", "down", 300.0, loss_percent=50)


class Scene:
    """A source over a Junos driver whose router can be changed, and a clock to be set."""

    def __init__(self, *tests: RouterTest) -> None:
        self.driver, self.at, self.log, self.fails = junos(), 1000.0, FakeLog(), False
        self.source = RouterTestSource("core1", tests, 30.0, self, self, self.log)

    def now(self) -> float:
        return self.at

    def utc(self) -> float:
        raise AssertionError("nobody needs it")

    async def results(self, router: str) -> Mapping[tuple[str, str], RouterResult]:
        assert router == "core1"
        if self.fails:
            raise SourceError("no answer within 25 s")
        return read(self.driver)

    def read(self, at: float, driver: Any = None) -> dict[str, Signal]:
        self.at, self.driver = at, driver or self.driver
        return {signal.link: signal for signal in asyncio.run(self.source.read())}


def test_a_result_within_its_limits_is_good_and_one_beyond_is_bad_and_says_which() -> None:
    scene = Scene(TEST)
    good = scene.read(1000)[TEST.link]
    assert (good.verdict, good.kind) == (UP, "test core1 transit/azerbaijan")
    assert good.why == "core1's test transit/azerbaijan lost 0 %, took 63.1 ms"
    lossy = scene.read(1030, junos(loss="40.000000"))[TEST.link]
    assert (lossy.verdict, lossy.at) == (DEGRADED, 1030)
    assert lossy.why == "core1's test transit/azerbaijan lost 40 %, above 20 %, took 63.1 ms"
    slow = scene.read(1060, junos(rtt_us=180_000))[TEST.link]
    assert slow.verdict is DEGRADED
    assert slow.why.endswith("took 180.0 ms, above 150 ms")
    assert scene.read(1090, junos(loss="20.000000", rtt_us=150_000))[TEST.link].verdict is UP


def test_a_result_that_stays_the_same_counts_from_when_it_was_first_seen() -> None:
    scene = Scene(TEST)
    assert [scene.read(at)[TEST.link].speaks_until for at in (1000, 1030, 1060)] == [1300, 1300, 1300]
    changed = junos(rtt_us=63_139)
    assert scene.read(1090, changed)[TEST.link].speaks_until == 1390
    assert scene.read(1120, changed)[TEST.link].speaks_until == 1390


def test_total_loss_stays_the_same_and_is_evidence_all_the_same() -> None:
    scene = Scene(DEAD)
    said = [scene.read(at)[DEAD.link] for at in (1000, 2000, 3000)]
    assert [(each.verdict, each.speaks_until) for each in said] == [(DOWN, 1300), (DOWN, 2300), (DOWN, 3300)]


def test_a_test_that_the_router_does_not_show_is_named_once_and_hides_no_other() -> None:
    missing = RouterTest("core1", "transit", "not-run-yet", "edge1-georgia", "down", 300.0, loss_percent=20)
    scene = Scene(TEST, missing)
    assert set(scene.read(1000)) == {TEST.link}
    assert set(scene.read(1030)) == {TEST.link}
    assert scene.log.lines == [("warning", "core1 shows no result of some tests")]


def test_a_router_that_cannot_be_asked_is_the_loop_s_to_tell() -> None:
    scene = Scene(TEST)
    scene.fails = True
    with pytest.raises(SourceError, match="no answer"):
        scene.read(1000)

"""Links that only their router can probe: what becomes of its pings, and of the waits between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from random import Random

import pytest

from controller.core.detect import health, initial, step
from controller.core.model import (
    Address,
    Endpoint,
    Health,
    Policy,
    SampleState,
    TcpConnect,
    Verdict,
)
from controller.ports import Pinged, SourceError
from controller.probes.router_ping import RouterPingSource
from controller.watch import probe_paths
from tests.unit.detection_world import AZ, GE, HEALTH, START, V4, policy

EVERY_S = 2.0
UP, DEGRADED, DOWN, UNKNOWN = Verdict.UP, Verdict.DEGRADED, Verdict.DOWN, Verdict.UNKNOWN
Fate = Callable[[Address, float], SampleState]


def pinging(**changes: float) -> Policy:
    """One link whose router pings; the other is probed as ever. A TCP target is in the list as well."""
    tcp = Endpoint(ip_address("198.51.100.99"), 443, TcpConnect())
    whole = policy(replace(HEALTH, targets=(*V4[:4], tcp), router_ping_s=EVERY_S, **changes))  # type: ignore[arg-type]
    links = {AZ: replace(whole.links[AZ], probe_source={}, pinged_by_router=True), GE: whole.links[GE]}
    return replace(whole, links=links)


@dataclass
class Router:
    """Pings in no time, but waits for the timeout where there is no answer."""

    fate: Fate = lambda target, at: SampleState.OK
    now: float = START
    asked: list[tuple[str, tuple[Address, ...], int]] = field(default_factory=list)
    silent: bool = False

    async def ping(self, link: str, targets: Sequence[Address], timeout_s: int) -> Sequence[Pinged]:
        self.asked.append((link, tuple(targets), timeout_s))
        if self.silent:
            raise SourceError("no answer within 25 s")
        return [
            Pinged(each, self.now, fate, 10.0) for each in targets for fate in [self.fate(each, self.now)]
        ]


def watched(whole: Policy, router: Router, seconds: float) -> list[tuple[float, Health]]:
    """What is said of the link at every tenth of a second, with a round every EVERY_S."""
    source = RouterPingSource(whole.links[AZ], whole, router)
    state, said = initial(whole, START), []
    for tick in range(int(seconds * 10)):
        now = START + tick / 10
        samples = []
        if tick % int(EVERY_S * 10) == 10:  # results come a second after the pings were sent
            router.now = now - 1
            try:
                samples = list(asyncio.run(source.read()))
            except SourceError:
                samples = []
        state = step(state, samples, (), now)
        said.append((now - START, health(state, now)[AZ]))
    return said


def test_a_router_is_asked_for_pings_only_and_the_prober_leaves_the_link_alone() -> None:
    whole, router = pinging(), Router()
    watched(whole, router, 2)
    assert router.asked == [(AZ, V4[:4], 1)]  # whole seconds, and 0.5 s are not enough
    assert [path.name for path in probe_paths(whole)] == [GE]


def test_one_round_of_answers_makes_it_up_and_waiting_for_the_next_is_no_silence() -> None:
    said = watched(pinging(), Router(), 60)
    assert {each.verdict for at, each in said if at < 1} == {UNKNOWN}
    assert {(each.verdict, each.suspect) for at, each in said if at > 1} == {(UP, False)}
    assert "4 of 4 targets answer in 10.0 ms" in said[-1][1].why


def test_three_rounds_without_an_answer_make_it_down_and_two_do_not() -> None:
    dies = START + 10
    router = Router(lambda target, at: SampleState.LOST if at >= dies else SampleState.OK)
    said = watched(pinging(), router, 20)
    down = min(at for at, each in said if each.verdict is DOWN)
    assert down == pytest.approx(10 + 2 * EVERY_S + 1, abs=0.11)
    assert {each.verdict for at, each in said if 1 < at < down} == {UP}


def test_one_bad_target_and_rounds_that_a_router_could_not_send_say_nothing() -> None:
    def fate(target: Address, at: float) -> SampleState:
        if target == V4[0]:
            return SampleState.LOST
        return SampleState.INVALID if START + 20 <= at < START + 28 else SampleState.OK

    said = watched(pinging(), Router(fate), 60)
    assert {each.verdict for at, each in said if at > 10} == {UP}


def test_a_router_that_stays_silent_leaves_its_link_unknown_and_never_down() -> None:
    router = Router()
    whole = pinging()
    source = RouterPingSource(whole.links[AZ], whole, router)
    state = step(initial(whole, START), asyncio.run(source.read()), (), START + 1)
    assert health(state, START + 1)[AZ].verdict is UP
    fresh_s = HEALTH.fresh_s * EVERY_S / HEALTH.interval_s + 1
    seen = []
    for tick in range(int(fresh_s) + 10):
        now = START + 1 + tick
        state = step(state, (), (), now)
        seen.append((now, health(state, now)[AZ].verdict))
    assert {verdict for _, verdict in seen} == {UP, UNKNOWN}
    assert min(now for now, verdict in seen if verdict is UNKNOWN) == pytest.approx(START + fresh_s, abs=2)
    router.silent = True
    with pytest.raises(SourceError):
        asyncio.run(source.read())


def test_grey_loss_is_found_in_a_router_s_pings_too() -> None:
    """A third of the pings from the start of the fifth minute on, in no rhythm that rounds could miss."""
    chance, starts = Random(7), START + 240
    router = Router(
        lambda target, at: SampleState.LOST if at >= starts and chance.random() < 0.33 else SampleState.OK
    )
    said = watched(pinging(), router, 480)
    assert {each.verdict for at, each in said if 1 < at < 240} == {UP}
    assert DEGRADED in {each.verdict for at, each in said if at > 240}

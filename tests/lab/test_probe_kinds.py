"""TCP, HTTP(S), DNS and TWAMP probes with real packets and real servers, beside ICMP's (test_icmp)."""

from __future__ import annotations

import asyncio
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.model import (
    DnsQuery,
    Endpoint,
    Family,
    HttpGet,
    Sample,
    SampleState,
    Target,
    TcpConnect,
    TwampTest,
    kind_of,
)
from controller.ports import ProbeError
from controller.probes.prober import NetworkProber
from tests.lab.answerers import DNS, HTTP, HTTPS, SLOW_S, TCP, TWAMP
from tests.lab.namespaces import ip
from tests.lab.two_hosts import (
    FAR,
    GE_SOURCE,
    INVALID,
    LOST,
    NOWHERE,
    OK,
    SENT,
    TARGET,
    V4,
    V6,
    ends,
    gather,
    inside,
    look,
    path,
    two_hosts,
)

pytestmark = pytest.mark.lab
AT_ONCE_S = 1.5  # every kind begins within it, on a busy machine too; and it is far from the timeout

REPOSITORY = Path(__file__).parents[2]
NAMES = "subjectAltName=DNS:www.example.net"
COUNTERS = """
table inet seen { chain input { type filter hook input priority 0;
  ip saddr 198.18.1.129 counter comment "az"; ip6 saddr 2001:db8:501:ff::129 counter comment "az"
  ip saddr 198.18.2.129 counter comment "ge"; ip6 saddr 2001:db8:502:ff::129 counter comment "ge"
  meta l4proto { tcp, udp } iifname two counter comment "two"
}; }
"""
CUT = "add table inet cut; add chain inet cut in { type filter hook input priority 0; policy drop; }"


def https(family: Family, page: str = "/health", **how: object) -> Endpoint:
    ask = HttpGet("www.example.net", page, **how)  # type: ignore[arg-type]
    return Endpoint(TARGET[family], HTTPS if ask.tls else HTTP, ask, timeout_s=1.0)


def every_kind(certificate: str) -> tuple[Endpoint, ...]:
    return tuple(
        endpoint
        for family in (V4, V6)
        for endpoint in (
            Endpoint(TARGET[family], TCP, TcpConnect()),
            https(family, tls=False),
            https(family, ca_file=certificate),
            Endpoint(TARGET[family], DNS, DnsQuery("www.example.net")),
            Endpoint(TARGET[family], TWAMP, TwampTest()),
        )
    )


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A certificate for www.example.net that is its own authority; the key lies beside it."""
    folder = tmp_path_factory.mktemp("tls")
    words = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test -addext"
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")]
    subprocess.run(["openssl", *words.split(), NAMES, *files], check=True, capture_output=True)
    return str(folder / "certificate.pem")


@pytest.fixture
def servers(certificate: str) -> Iterator[None]:
    """The test stands on ``noc``; every server listens on ``far``."""
    key = certificate.replace("certificate", "key")
    with two_hosts():
        command = ["ip", "netns", "exec", FAR, sys.executable, "-m", "tests.lab.answerers"]
        addresses = [str(address) for address in TARGET.values()]
        with subprocess.Popen(
            [*command, certificate, key, *addresses], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
        ) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == "listening\n"
                yield
            finally:
                process.kill()


def by_kind(samples: Sequence[Sample]) -> dict[tuple[str, Family], list[Sample]]:
    found: dict[tuple[str, Family], list[Sample]] = {}
    for sample in samples:
        if sample.state in (OK, LOST):
            found.setdefault((name(sample.target), sample.family), []).append(sample)
    return found


def name(target: Target) -> str:
    tls = isinstance(target, Endpoint) and isinstance(target.ask, HttpGet) and target.ask.tls
    return "https" if tls else kind_of(target)


def judged(samples: Sequence[Sample]) -> set[SampleState]:
    """What became of probes, but for those that a busy machine held up."""
    return set(ends(samples)) - {INVALID}


def seen() -> dict[str, int]:
    counted: dict[str, int] = {}
    listing = inside(FAR, "nft", "list", "table", "inet", "seen")
    for packets, mark in re.findall(r'counter packets (\d+) bytes \d+ comment "(\w+)"', listing):
        counted[mark] = counted.get(mark, 0) + int(packets)
    return counted


def details(samples: Sequence[Sample]) -> set[str]:
    return {sample.detail for sample in samples if sample.state is LOST}


@pytest.mark.usefixtures("servers")
def test_every_kind_is_answered_in_both_families_from_the_paths_own_source(certificate: str) -> None:
    inside(FAR, "nft", "-f", "-", stdin=COUNTERS)
    links = [
        path("edge1-azerbaijan", targets=(*every_kind(certificate), TARGET[V4])),
        path("edge1-georgia", sources=GE_SOURCE, targets=(Endpoint(TARGET[V4], TCP, TcpConnect()),)),
    ]
    before, after = look(*links, interval_s=0.1, timeout_s=0.5)
    samples = before + after
    assert judged(samples) == {OK}, details(samples)
    ours = by_kind([sample for sample in samples if sample.path == "edge1-azerbaijan"])
    kinds = ("tcp", "http", "https", "dns", "twamp")
    assert ours.keys() == {(kind, family) for kind in kinds for family in (V4, V6)} | {("icmp", V4)}
    assert min(map(len, ours.values())) >= 5
    assert all(0 < sample.rtt_ms < 400 for sample in samples if sample.rtt_ms is not None)
    counted = seen()
    assert counted["two"] == 0
    assert counted["az"] >= 100
    assert counted["ge"] >= 16  # a SYN and a reset each


@pytest.mark.usefixtures("servers")
def test_a_path_with_a_device_probes_through_it_whatever_routing_prefers(certificate: str) -> None:
    inside(FAR, "nft", "-f", "-", stdin=COUNTERS)
    before, after = look(
        path(sources={}, device="two", targets=every_kind(certificate)), interval_s=0.1, timeout_s=0.5
    )
    assert judged(before + after) == {OK}, details(before + after)
    assert len(by_kind(before + after)) == 10
    counted = seen()
    assert counted["two"] >= 100
    assert counted["az"] == counted["ge"] == 0


@pytest.mark.usefixtures("servers")
def test_nothing_listening_loses_probes_at_once_with_the_far_ends_word() -> None:
    def closed(family: Family) -> tuple[Endpoint, ...]:
        asks = (TcpConnect(), HttpGet("www.example.net", tls=False), DnsQuery("example.net"), TwampTest())
        return tuple(Endpoint(TARGET[family], 9, ask) for ask in asks)

    before, _ = look(path(targets=closed(V4) + closed(V6)), seconds=AT_ONCE_S, interval_s=0.1, timeout_s=5.0)
    assert judged(before) == {LOST}
    told = {key: {sample.detail for sample in samples} for key, samples in by_kind(before).items()}
    assert told == {
        (kind, family): {
            "connection refused" if kind in ("tcp", "http") else f"port unreachable, says {TARGET[family]}"
        }
        for kind in ("tcp", "http", "dns", "twamp")
        for family in (V4, V6)
    }


@pytest.mark.usefixtures("servers")
def test_a_router_that_says_unreachable_is_heard_at_once() -> None:
    asks = (TcpConnect(), HttpGet("www.example.net"), DnsQuery("example.net"), TwampTest())
    lost = tuple(Endpoint(NOWHERE[family], 8001, ask) for family in (V4, V6) for ask in asks)
    before, _ = look(path(targets=lost), seconds=AT_ONCE_S, interval_s=0.1, timeout_s=5.0)
    assert judged(before) == {LOST}
    told = {key: {sample.detail for sample in samples} for key, samples in by_kind(before).items()}
    assert len(told) == 8
    for (kind, family), words in told.items():
        if kind in ("tcp", "https"):
            assert words <= {"no route to host", "network is unreachable"}
        else:
            router = "203.0.113.1" if family is V4 else "2001:db8:500::1"
            assert words == {f"{'host' if family is V4 else 'no route'} unreachable, says {router}"}


@pytest.mark.usefixtures("servers")
def test_a_cut_far_away_loses_every_kind_by_timeout_and_healing_answers_again(certificate: str) -> None:
    targets = tuple(replace(each, timeout_s=0.2) for each in every_kind(certificate))
    before, after = look(
        path(targets=targets), interval_s=0.1, timeout_s=0.2, halfway=lambda: inside(FAR, "nft", CUT)
    )
    assert judged(before) == {OK}
    assert details(after) == {"no reply"}
    assert {key for key, samples in by_kind(after).items() if samples[-1].state is LOST} == by_kind(
        before
    ).keys()
    heal = lambda: inside(FAR, "nft", "delete", "table", "inet", "cut")  # noqa: E731
    before, after = look(path(targets=targets), interval_s=0.1, timeout_s=0.2, halfway=heal)
    assert judged(before) == {LOST}
    assert {samples[-1].state for samples in by_kind(after).values()} == {OK}


@pytest.mark.usefixtures("servers")
def test_a_device_that_goes_down_loses_every_kind_at_once(certificate: str) -> None:
    _, after = look(
        path(sources={}, device="two", targets=every_kind(certificate)),
        interval_s=0.1,
        timeout_s=5.0,
        halfway=lambda: ip("link", "set", "two", "down"),
    )
    refused = [sample for sample in after if sample.detail.startswith("not sent: ")]
    assert {sample.state for sample in refused} == {LOST}
    assert len(by_kind(refused)) == 10


@pytest.mark.usefixtures("servers")
def test_a_device_that_is_removed_loses_every_kind(certificate: str) -> None:
    _, after = look(
        path(sources={}, device="two", targets=every_kind(certificate)),
        interval_s=0.1,
        timeout_s=0.3,
        halfway=lambda: ip("link", "del", "two"),
    )
    assert ends(after)[OK] <= 10  # what was under way
    assert len(by_kind([sample for sample in after if sample.state is LOST])) == 10


@pytest.mark.usefixtures("servers")
def test_a_source_address_that_goes_away_loses_every_kind_and_leaks_none(certificate: str) -> None:
    def remove() -> None:
        ip("address", "del", "198.18.1.129/32", "dev", "one")
        ip("address", "del", "2001:db8:501:ff::129/128", "dev", "one")
        inside(FAR, "nft", "-f", "-", stdin=COUNTERS)

    targets = tuple(replace(each, timeout_s=0.3) for each in every_kind(certificate))
    before, after = look(path(targets=targets), interval_s=0.1, timeout_s=0.3, halfway=remove)
    assert judged(before) == {OK}
    assert ends(after)[OK] <= 10
    assert len(by_kind([sample for sample in after if sample.state is LOST])) == 10
    assert seen()["two"] == seen()["ge"] == 0


@pytest.mark.usefixtures("servers")
def test_a_blocked_event_loop_loses_nothing_and_blurs_no_rtt_but_http(certificate: str) -> None:
    targets = tuple(replace(each, timeout_s=0.2) for each in every_kind(certificate))
    _, after = look(path(targets=targets), interval_s=0.1, timeout_s=0.2, halfway=lambda: time.sleep(0.5))
    assert LOST not in ends(after), details(after)
    rtts = {
        name(s.target): max(s.rtt_ms or 0.0, 0.0) for s in after if s.rtt_ms is not None and s.rtt_ms > 100
    }
    assert not {"tcp", "dns", "twamp"} & rtts.keys(), rtts


@pytest.mark.usefixtures("servers")
def test_no_descriptors_left_is_the_probers_own_trouble(certificate: str) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    def starve() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))  # what is open stays open

    targets = (Endpoint(TARGET[V4], TCP, TcpConnect()), https(V4, ca_file=certificate))
    try:
        before, after = look(path(targets=targets), interval_s=0.1, timeout_s=0.5, halfway=starve)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert judged(before) == {OK}
    assert ends(after)[LOST] == 0
    assert ends(after)[INVALID] >= 8
    assert {s.detail for s in after if s.state is INVALID} >= {"not sent: Too many open files"}


@pytest.mark.usefixtures("servers")
def test_tcp_and_http_leave_nothing_open_here_or_there(certificate: str) -> None:
    async def run() -> None:
        def open_files() -> int:
            return len(list(Path("/proc/self/fd").iterdir()))

        targets = [each for each in every_kind(certificate) if not isinstance(each.ask, DnsQuery | TwampTest)]
        at_first = open_files()
        prober = NetworkProber()
        await prober.start([path(targets=targets)], 0.05, 0.5)
        probed = ends(await gather(prober, 1.0))
        assert probed[OK] >= 60
        inside(FAR, "nft", CUT)
        await gather(prober, 1.5)  # longer than the longest timeout
        assert open_files() - at_first <= 400
        await prober.stop()
        await asyncio.sleep(0.2)
        assert open_files() <= at_first
        assert len(asyncio.all_tasks()) == 1

    asyncio.run(run())
    inside(FAR, "nft", "delete", "table", "inet", "cut")
    left = inside(FAR, "ss", "-Htn", "state", "established", "state", "time-wait", "state", "syn-recv")
    assert len(left.splitlines()) <= 60, left  # resets that the cut swallowed


@pytest.mark.usefixtures("servers")
def test_a_share_of_syns_lost_is_that_share_of_probes_lost_though_the_kernel_repeats_them() -> None:
    loss = "add table inet l; add chain inet l in { type filter hook input priority 0; }; "
    inside(
        FAR, "nft", loss + "add rule inet l in tcp flags & (syn | ack) == syn numgen random mod 100 < 30 drop"
    )
    target = Endpoint(TARGET[V4], TCP, TcpConnect())
    before, after = look(path(targets=(target,)), seconds=2.5, interval_s=0.02, timeout_s=2.0)
    ended = ends(before + after)
    assert 0.15 < ended[LOST] / ended.total() < 0.45
    assert "answered only when repeated" in details(before + after)


def page(page_name: str, **how: object) -> set[tuple[str, str]]:
    """What becomes of probes for this page."""
    before, _ = look(path(targets=(https(V4, page_name, **how),)), seconds=0.8, interval_s=0.1, timeout_s=0.5)
    return {(str(sample.state), sample.detail) for sample in before if sample.state in (OK, LOST)}


@pytest.mark.usefixtures("servers")
def test_http_answers_count_by_status_and_certificate(certificate: str) -> None:
    good, ca = {("ok", "")}, {"ca_file": certificate}
    assert page("/health", **ca) == good
    assert page("/ill", **ca) == {("lost", "answered 503")}
    assert page("/ill", status=503, **ca) == good
    assert page("/early", **ca) == good
    assert page("/odd", **ca) == {("lost", "answered something other than HTTP")}
    assert page("/gone", **ca) == {("lost", "closed without an answer")}
    assert page("/health", verify=False) == good
    ((state, detail),) = page("/health")  # the system's authorities know nothing of it
    assert (state, detail.split(":")[0]) == ("lost", "certificate refused")


@pytest.mark.usefixtures("servers")
def test_a_certificate_for_another_name_is_refused(certificate: str) -> None:
    other = replace(https(V4), ask=HttpGet("www.example.org", ca_file=certificate))
    before, _ = look(path(targets=(other,)), interval_s=0.1, timeout_s=0.5)
    (detail,) = details(before)
    assert detail.startswith("certificate refused: Hostname mismatch")
    assert ends(before)[OK] == 0


@pytest.mark.usefixtures("servers")
def test_the_time_to_the_first_byte_is_measured(certificate: str) -> None:
    slow = https(V6, "/slow", ca_file=certificate)
    before, _ = look(path(targets=(slow,)), seconds=1.5, interval_s=0.2, timeout_s=0.5)
    rtts = [sample.rtt_ms for sample in before if sample.rtt_ms is not None]
    assert len(rtts) >= 4
    assert SLOW_S * 1000 <= min(rtts) < SLOW_S * 1000 + 200


@pytest.mark.usefixtures("servers")
def test_dns_answers_count_by_rcode() -> None:
    def outcome(question: str, *rcodes: str) -> set[tuple[str, str]]:
        ask = DnsQuery(question, "AAAA", rcodes) if rcodes else DnsQuery(question, "AAAA")
        before, _ = look(path(targets=(Endpoint(TARGET[V6], DNS, ask),)), interval_s=0.1, timeout_s=0.3)
        return {(str(sample.state), sample.detail) for sample in before if sample.state in (OK, LOST)}

    assert outcome("WWW.Example.NET") == {("ok", "")}
    assert outcome("no-such-name.example.net") == {("ok", "")}
    assert outcome("no-such-name.example.net", "NOERROR") == {("lost", "answered NXDOMAIN")}
    assert outcome("example.org") == {("lost", "answered REFUSED")}
    assert outcome("example.org", "REFUSED") == {("ok", "")}


@pytest.mark.usefixtures("servers")
def test_the_time_a_test_packet_spends_in_the_reflector_is_no_round_trip() -> None:
    before, _ = look(
        path(targets=(Endpoint(TARGET[V4], TWAMP, TwampTest()), TARGET[V4])), seconds=1.0, timeout_s=0.5
    )
    rtts = {kind: [s.rtt_ms for s in samples if s.rtt_ms] for (kind, _), samples in by_kind(before).items()}
    assert min(map(len, rtts.values())) >= 10
    assert sorted(rtts["twamp"])[len(rtts["twamp"]) // 2] < 25  # the reflector keeps each for 50 ms


@pytest.mark.usefixtures("servers")
def test_a_new_pace_holds_for_its_path_alone_and_below_no_targets_own_interval(certificate: str) -> None:
    rare = replace(https(V4, ca_file=certificate), interval_s=0.5)
    targets = (Endpoint(TARGET[V4], TCP, TcpConnect()), TARGET[V4], rare)

    async def run() -> tuple[list[Sample], list[Sample]]:
        prober = NetworkProber()
        await prober.start([path("calm", targets), path("hurried", targets)], 0.25, 0.5)
        before = await gather(prober, 2.0)
        prober.pace("hurried", 0.05)
        prober.pace("no such path", 0.01)
        after = await gather(prober, 2.0)
        await prober.stop()
        return before, after

    def sent(samples: list[Sample], path_name: str) -> list[int]:
        ours = [s for s in samples if s.path == path_name and s.state is SENT]
        return [sum(s.target == target for s in ours) for target in targets]

    before, after = asyncio.run(run())
    for samples, path_name, often in ((before, "hurried", 8), (after, "calm", 8), (after, "hurried", 40)):
        tcp, icmp, http = sent(samples, path_name)
        assert often * 0.7 <= min(tcp, icmp) <= max(tcp, icmp) <= often + 2
        assert 3 <= http <= 5


@pytest.mark.usefixtures("servers")
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: path(sources={}, device="gone", targets=(Endpoint(TARGET[V4], 80, TcpConnect()),)), "no interface gone"),
        (lambda: path(sources={V4: TARGET[V4]}, targets=(https(V4),)), "is not on this host"),
        (lambda: path(targets=(https(V4, ca_file="/no/such.pem"),)), "cannot read the certificates in /no/such.pem"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_said_at_the_start(wrong: Callable[[], object], message: str) -> None:
    with pytest.raises(ProbeError, match=message):
        look(wrong())  # type: ignore[arg-type]

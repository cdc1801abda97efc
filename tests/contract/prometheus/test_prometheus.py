"""What a real Prometheus server says of links, and what it is when it says nothing."""

from __future__ import annotations

import asyncio
import http.server
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import bcrypt
import httpx
import pytest

from controller.core.model import Signal, Verdict
from controller.core.witnesses import Login, MetricQuery, Prometheus, Secret
from controller.ports import SourceError
from controller.probes.prometheus import PrometheusSource
from tests.contract.prometheus.server import Exporter, Server, free_port
from tests.fakes import FakeLog, LoopClock, policy

LINKS = tuple(policy().links)
ERRORS = MetricQuery("errors", "errors", "degraded", LINKS, 60.0, label="link", above=5)
PASSWORD = "correct horse battery staple"
SEEN_WITHIN_S = 10.0


@pytest.fixture(scope="module")
def exporter() -> Iterator[Exporter]:
    exporter = Exporter()
    exporter.start()
    yield exporter
    exporter.stop()


@pytest.fixture(scope="module")
def mortal() -> Exporter:
    """An exporter of its own, to be stopped."""
    exporter = Exporter()
    exporter.start()
    return exporter


@pytest.fixture(scope="module")
def server(
    exporter: Exporter, mortal: Exporter, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("prometheus"), (exporter.port, mortal.port))
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def guarded(exporter: Exporter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Over TLS, with a certificate of its own, for user failover only."""
    directory = tmp_path_factory.mktemp("guarded")
    cert, key = directory / "cert.pem", directory / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-subj", "/CN=metrics", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2",
         "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    (directory / "password").write_text(f"{PASSWORD}\n")
    server = Server(directory, (exporter.port,), {"cert": cert, "key": key, "users": {"failover": hashed}})
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def ask(server: Server) -> AsyncIterator[Callable[..., PrometheusSource]]:
    made = []

    def make(*queries: MetricQuery, **changes: Any) -> PrometheusSource:
        config = replace(Prometheus(server.url, 15.0, 5.0, queries), **changes)
        made.append(PrometheusSource(config, policy(), LoopClock(), FakeLog()))
        return made[-1]

    yield make
    for source in made:
        await source.close()


async def said(source: PrometheusSource, enough: Callable[[dict[str, Signal]], object]) -> dict[str, Signal]:
    """What it says by link, as soon as scrapes have made it enough."""
    until = time.monotonic() + SEEN_WITHIN_S
    while True:
        try:
            found = {signal.link: signal for signal in await source.read()}
        except SourceError:
            found = {}
        if enough(found) or time.monotonic() > until:
            assert enough(found), found
            return found
        await asyncio.sleep(0.1)


async def answered(source: PrometheusSource) -> None:
    """Wait until it answers at all: a busy machine may need a second try."""
    until = time.monotonic() + SEEN_WITHIN_S
    while True:
        try:
            await source.read()
        except SourceError:
            assert time.monotonic() < until
        else:
            return


Ask = Callable[..., PrometheusSource]


# --- numbers ------------------------------------------------------------------------------------


async def test_a_label_tells_which_number_is_whose_and_only_bad_ones_count(
    ask: Ask, exporter: Exporter
) -> None:
    exporter.set("errors", 7, link="edge1-azerbaijan")
    exporter.set("errors", 5, link="edge1-georgia")
    exporter.set("errors", 9, link="nobody")
    found = await said(ask(ERRORS), lambda found: len(found) == 2)
    bad = found["edge1-azerbaijan"]
    assert (bad.verdict, bad.kind) == (Verdict.DEGRADED, "prometheus errors")
    assert bad.why == "errors is 7, above 5"
    assert (bad.fresh_s, bad.family) == (60.0, None)
    assert bad.at == pytest.approx(LoopClock().now(), abs=2)
    assert found["edge1-georgia"].verdict is Verdict.UP


async def test_what_stands_in_braces_is_filled_in_for_each_link(ask: Ask, exporter: Exporter) -> None:
    exporter.set("light_dbm", -31, port="edge2:iran")
    exporter.set("light_dbm", -3, port="edge2:georgia")
    expression = 'max(light_dbm{port="{router}:{interface}"})'
    query = MetricQuery("light", expression, "down", LINKS, 60.0, below=-25)
    found = await said(ask(query), lambda found: len(found) == 2)
    assert found["edge2-iran"].verdict is Verdict.DOWN
    assert found["edge2-iran"].why == "light is -31, below -25"
    assert found["edge2-georgia"].verdict is Verdict.UP


async def test_a_rate_is_computed_where_the_numbers_are(ask: Ask, exporter: Exporter) -> None:
    grows = threading.Event()

    def grow() -> None:
        value = 0
        while not grows.wait(0.05):
            exporter.set("in_errors_total", value := value + 10, link="edge2-iran")

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        query = replace(ERRORS, expression='rate(in_errors_total{link="{link}"}[5s]) # a second', label=None)
        found = await said(
            ask(query), lambda found: found and found["edge2-iran"].verdict is Verdict.DEGRADED
        )
        assert set(found) == {"edge2-iran"}
    finally:
        grows.set()
        thread.join()


async def test_no_number_and_no_sense_are_no_evidence_but_infinity_is(ask: Ask, exporter: Exporter) -> None:
    for link, value in zip(LINKS, (float("nan"), float("inf"), 1.0), strict=False):
        exporter.set("odd", value, link=link)
    found = await said(ask(replace(ERRORS, expression="odd")), lambda found: len(found) == 2)
    assert {name: signal.verdict for name, signal in found.items()} == {
        LINKS[1]: Verdict.DEGRADED,
        LINKS[2]: Verdict.UP,
    }


async def test_an_old_number_is_no_evidence_though_the_server_would_date_it_now(
    ask: Ask, exporter: Exporter
) -> None:
    exporter.set("dated", 9, at=time.time() - 100, link="edge1-georgia")
    dated = replace(ERRORS, expression="dated")
    await said(ask(replace(dated, fresh_s=200.0)), lambda found: found)
    assert await ask(dated).read() == []


async def test_when_the_exporter_is_gone_so_is_its_evidence(ask: Ask, mortal: Exporter) -> None:
    mortal.set("mortal", 9, link="edge1-georgia")
    source = ask(replace(ERRORS, expression="mortal"))
    await said(source, lambda found: found)
    mortal.stop()
    await said(source, lambda found: not found)


# --- trouble ------------------------------------------------------------------------------------


async def test_two_numbers_for_one_link_are_none_and_the_others_still_count(
    ask: Ask, exporter: Exporter
) -> None:
    exporter.set("twin", 9, link="edge1-georgia", lane="1")
    exporter.set("twin", 1, link="edge1-georgia", lane="2")
    exporter.set("fine", 9, link="edge2-iran")
    twin = replace(ERRORS, name="twins", expression='twin{link="{link}"}', label=None)
    source = ask(twin, replace(ERRORS, expression="fine"))
    log = source._log
    await said(source, lambda found: set(found) == {"edge2-iran"} and log.lines)
    await source.read()
    assert log.lines == [("warning", "prometheus query twins says nothing of some links")]
    exporter.gauges.pop("twin")
    await said(source, lambda _: len(log.lines) == 2)
    assert log.lines[1] == ("info", "prometheus query twins speaks of all its links again")


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("rate(errors)", "expected type range vector"),
        ("errors[1m]", "expected type instant vector.*got range vector"),
        ("1", "expected type instant vector.*got scalar"),
        ("nonsense(", "parse error"),
    ],
)
async def test_an_expression_that_is_none_is_answered_in_the_server_s_words(
    ask: Ask, expression: str, why: str
) -> None:
    with pytest.raises(SourceError, match=why):
        await ask(replace(ERRORS, expression=expression)).read()


async def test_a_server_that_hangs_is_left_after_the_timeout(ask: Ask, server: Server) -> None:
    source = ask(ERRORS, timeout_s=0.5)
    await answered(source)
    server.freeze()
    try:
        began = time.monotonic()
        with pytest.raises(SourceError, match=r"no answer within 0\.5 s"):
            await source.read()
        assert time.monotonic() - began < 2
    finally:
        server.thaw()
    await answered(source)


async def test_nobody_there_and_somebody_else_there(ask: Ask, exporter: Exporter) -> None:
    with pytest.raises(SourceError, match="connection attempts failed"):
        await ask(ERRORS, url=f"http://127.0.0.1:{free_port()}").read()
    with pytest.raises(SourceError, match=r"HTTP \d+, not an answer of Prometheus"):
        await ask(ERRORS, url=f"http://127.0.0.1:{exporter.port}").read()


async def test_proxies_of_the_environment_are_not_used(
    ask: Ask, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{free_port()}")
    exporter.set("direct", 9, link="edge1-georgia")
    await said(ask(replace(ERRORS, expression="direct")), lambda found: found)


# --- logins -------------------------------------------------------------------------------------


async def test_a_certificate_is_verified_and_an_own_authority_can_be_named(ask: Ask, guarded: Server) -> None:
    login = Login(Secret(file=str(guarded.directory / "password")), "failover")
    with pytest.raises(SourceError, match="CERTIFICATE_VERIFY_FAILED"):
        await ask(ERRORS, url=guarded.url, login=login).read()
    ca_file = str(guarded.directory / "cert.pem")
    assert isinstance(await ask(ERRORS, url=guarded.url, login=login, ca_file=ca_file).read(), list)
    with pytest.raises(SourceError, match=r"ca_file .* cannot be read"):
        await ask(ERRORS, url=guarded.url, login=login, ca_file="/does/not/exist").read()


async def test_without_the_right_password_nothing_is_told_and_the_password_neither(
    ask: Ask, guarded: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    changes = {"url": guarded.url, "ca_file": str(guarded.directory / "cert.pem")}
    with pytest.raises(SourceError, match="HTTP 401, a login is wanted"):
        await ask(ERRORS, **changes).read()
    monkeypatch.setenv("METRICS_PASSWORD", "quite wrong")
    wrong = ask(ERRORS, login=Login(Secret(env="METRICS_PASSWORD"), "failover"), **changes)
    with pytest.raises(SourceError) as error:
        await wrong.read()
    assert "quite wrong" not in str(error.value)
    monkeypatch.setenv("METRICS_PASSWORD", PASSWORD)  # read anew: no restart is needed
    await wrong.read()
    for secret, why in (
        (Secret(env="NOT_SET"), "there is no secret in environment variable NOT_SET"),
        (Secret(file=str(tmp_path / "none")), "No such file"),
    ):
        with pytest.raises(SourceError, match=why):
            await ask(ERRORS, login=Login(secret, "failover"), **changes).read()


async def test_a_bearer_token_opens_the_gate_before_the_server(
    ask: Ask, server: Server, exporter: Exporter, tmp_path: Path
) -> None:
    """Prometheus leaves tokens to a proxy in front of it; this is one."""

    class Gate(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers["Authorization"] != "Bearer let-me-in":
                self.send_error(403)
                return
            kind = self.headers["Content-Type"]
            passed = httpx.post(
                f"{server.url}{self.path}", content=body, headers={"Content-Type": kind}, trust_env=False
            )
            self.send_response(passed.status_code)
            self.end_headers()
            self.wfile.write(passed.content)

        def log_message(self, *args: Any) -> None:
            pass

    gate = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Gate)
    threading.Thread(target=gate.serve_forever).start()
    try:
        exporter.set("behind", 9, link="edge1-georgia")
        token = tmp_path / "token"
        token.write_text("let-me-in\n")
        query, url = replace(ERRORS, expression="behind"), f"http://127.0.0.1:{gate.server_port}"
        await said(ask(query, url=url, login=Login(Secret(file=str(token)))), lambda found: found)
        token.write_text("expired")
        with pytest.raises(SourceError, match="HTTP 403, this login may not ask"):
            await ask(query, url=url, login=Login(Secret(file=str(token)))).read()
    finally:
        gate.shutdown()
        gate.server_close()

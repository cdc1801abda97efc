"""Fields of a Prometheus server: what it is asked, and what is made of its answers. It runs on this machine."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from unittest import mock
from urllib.parse import parse_qs

from controller.core.model import Signal, Verdict
from controller.ports import SourceError
from controller.probes.prometheus import PrometheusSource
from tests.fakes import FakeLog
from tests.fields.versions import GONE, Field, Shows, Version
from tests.fields.views import AZ, GEORGIA, IR

QUERY = {"name": "errors", "query": 'errors{link="{link}"}', "above": 5, "verdict": "degraded", "links": [AZ]}
SECRET = {"METRICS_TOKEN": "of-the-token", "METRICS_PASSWORD": "of-the-user"}


@dataclass
class Asked:
    """What a server was asked, and what was made of its answer."""

    requests: list[tuple[str, Mapping[str, str], Mapping[str, list[str]]]] = field(default_factory=list)
    signals: tuple[Signal, ...] = ()
    error: str = ""

    @property
    def form(self) -> dict[str, str]:
        """Of the first question."""
        return {name: values[0] for name, values in self.requests[0][2].items()}


def prometheus() -> Iterator[Field]:
    """Whom to ask, how to be let in, and which numbers are bad."""
    place = "health.prometheus"
    given = {f"{place}.url": "https://metrics.example.net", f"{place}.queries": [QUERY]}

    def field(
        name: str, one: Any, other: Any, pick: Callable[[Asked], Any], then: tuple[Any, Any], **more: Any
    ) -> Field:
        return Field(f"{place}.{name}", one, other, _asked(pick), then, {**given, **more})

    at = given[f"{place}.url"]
    paths = ("/api/v1/query", "/metrics/api/v1/query")
    yield field("url", at, f"{at}/metrics", lambda asked: asked.requests[0][0], paths)
    yield field("timeout", "2s", "3s", lambda asked: asked.form["timeout"], ("2", "3"))
    yield Field(f"{place}.every", "15s", "30s", _every, (15.0, 30.0), given)
    unread = "ca_file /nowhere/own.pem cannot be read"
    yield field("ca_file", GONE, "/nowhere/own.pem", lambda asked: unread in asked.error, (False, True))
    yield from _login(f"{place}.login", given)
    yield from _queries(f"{place}.queries[]", given)


def _login(place: str, given: Mapping[str, Any]) -> Iterator[Field]:
    def let_in(asked: Asked) -> str:
        return asked.error or asked.requests[0][1].get("Authorization", "")

    missing = "the secret in file {} cannot be read: [Errno 2] No such file or directory: '{}'"
    for name, user in (("token_file", {}), ("password_file", {f"{place}.user": "failover"})):
        then = tuple(missing.format(f"/nowhere/{each}", f"/nowhere/{each}") for each in ("one", "two"))
        yield Field(
            f"{place}.{name}",
            "/nowhere/one",
            "/nowhere/two",
            _asked(let_in),
            (then[0], then[1]),
            {**given, **user},
        )
    none = "there is no secret in environment variable NO_SUCH_VARIABLE"
    bearer, basic = "Bearer of-the-token", "Basic ZmFpbG92ZXI6b2YtdGhlLXVzZXI="
    yield Field(
        f"{place}.token_env", "NO_SUCH_VARIABLE", "METRICS_TOKEN", _asked(let_in), (none, bearer), given
    )
    user = {**given, f"{place}.user": "failover"}
    yield Field(
        f"{place}.password_env", "NO_SUCH_VARIABLE", "METRICS_PASSWORD", _asked(let_in), (none, basic), user
    )
    password = {**given, f"{place}.password_env": "METRICS_PASSWORD"}
    other = "Basic b3RoZXI6b2YtdGhlLXVzZXI="
    yield Field(f"{place}.user", "failover", "other", _asked(let_in), (basic, other), password)


def _queries(place: str, given: Mapping[str, Any]) -> Iterator[Field]:
    """The server says 7 for the one link that it is asked about, with a label that names it."""

    def field(name: str, one: Any, other: Any, pick: Callable[[Asked], Any], then: tuple[Any, Any]) -> Field:
        return Field(f"{place}.{name}", one, other, _asked(pick), then, given)

    def kind(asked: Asked) -> str:
        return asked.signals[0].kind

    def verdict(asked: Asked) -> Verdict:
        return asked.signals[0].verdict

    yield field("name", "errors", "fibre", kind, ("prometheus errors", "prometheus fibre"))
    filled = (f'errors{{link="{AZ}"}}', "up")
    yield field("query", QUERY["query"], "up", lambda asked: asked.form["query"].split("\n")[1], filled)
    plain = {**given, "health.prometheus.queries": [{**QUERY, "query": "errors"}]}
    heard = _asked(lambda asked: len(asked.signals))
    yield Field(f"{place}.label", "link", "name", heard, (1, 0), plain)
    yield field("above", 5, 9, verdict, (Verdict.DEGRADED, Verdict.UP))
    yield Field(
        f"{place}.below",
        3,
        9,
        _asked(verdict),
        (Verdict.UP, Verdict.DEGRADED),
        {**given, f"{place}.above": GONE},
    )
    yield field("verdict", "degraded", "down", verdict, (Verdict.DEGRADED, Verdict.DOWN))
    yield field("fresh", "60s", "30s", lambda asked: asked.form["lookback_delta"], ("60", "30"))
    everywhere = (AZ, *GEORGIA, IR)
    yield field(
        "links", [AZ], GONE, lambda asked: tuple(each.link for each in asked.signals), ((AZ,), everywhere)
    )


def _every(version: Version) -> float | None:
    config = version.policy.prometheus
    return None if config is None else config.every_s


def _asked(pick: Callable[[Asked], Any]) -> Shows:
    """What a server on this machine was asked, in place of metrics.example.net."""

    def shows(version: Version) -> Any:
        asked = Asked()
        server = HTTPServer(("127.0.0.1", 0), _handler(asked))
        Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            with mock.patch.dict(os.environ, SECRET):
                asyncio.run(_read(version, server.server_port, asked))
        finally:
            server.shutdown()
            server.server_close()
        return pick(asked)

    return shows


async def _read(version: Version, port: int, asked: Asked) -> None:
    policy, config = version.policy, version.policy.prometheus
    assert config is not None
    here = replace(config, url=config.url.replace("https://metrics.example.net", f"http://127.0.0.1:{port}"))
    source = PrometheusSource(here, policy, _Clock(), FakeLog())
    try:
        asked.signals = tuple(await source.read())
    except SourceError as error:
        asked.error = str(error)
    finally:
        await source.close()


class _Clock:
    def now(self) -> float:
        return 0.0

    def utc(self) -> float:
        return 0.0


def _handler(asked: Asked) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked.requests.append((self.path, dict(self.headers), parse_qs(body)))
            found = [{"metric": {"link": AZ}, "value": [0, "7"]}]
            answer = json.dumps(
                {"status": "success", "data": {"resultType": "vector", "result": found}}
            ).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_request(self, code: object = "", size: object = "") -> None:
            """Not on the terminal of the tests."""

    return Handler

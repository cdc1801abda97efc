"""Asks a Prometheus server what operators measure already: one number a link, by instant queries.

The API is that of https://prometheus.io/docs/prometheus/latest/querying/api/. No number is no evidence, and
NaN is no number. An instant query answers with numbers up to five minutes old, dated now: see ``dated``.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import ssl
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from controller.core.model import Link, Policy, Signal, Verdict
from controller.core.witnesses import Login, MetricQuery, Prometheus
from controller.ports import Clock, SourceError

PATH: Final = "/api/v1/query"
LARGEST_ANSWER: Final = 4 * 2**20  # bytes; thousands of links take less
AT_ONCE: Final = 4  # connections; an answer that is slow must not make a crowd


class AnswerError(Exception):
    """The server was not reached or did not answer the question; the message is fit for people."""


@dataclass(frozen=True, slots=True)
class Series:
    """One number with its labels."""

    labels: Mapping[str, str]
    value: float  # may be infinite, never NaN


def parse(status: int, body: bytes) -> tuple[Series, ...]:
    """The numbers in an answer of ``/api/v1/query``; NaN is left out. Raises AnswerError."""
    try:
        answer = json.loads(body)
        said = answer["status"], answer.get("error", "")
        data = answer.get("data") or {}
    except (ValueError, KeyError, TypeError, AttributeError):
        hint = {401: "a login is wanted: see 'login'", 403: "this login may not ask"}.get(status)
        raise AnswerError(
            f"HTTP {status}{f', {hint}' if hint else ', not an answer of Prometheus'}"
        ) from None
    if said[0] != "success":
        raise AnswerError(" ".join(str(said[1]).split()) or f"HTTP {status}")
    kind, result = data.get("resultType"), data.get("result", ())
    try:
        if kind != "vector":
            raise AnswerError(f"the expression makes a {kind}, and an instant vector is wanted")
        found = [Series(each["metric"], float(each["value"][1])) for each in result]
    except (ValueError, KeyError, TypeError, IndexError):
        raise AnswerError("the answer has something other than numbers in it") from None
    return tuple(series for series in found if not math.isnan(series.value))


def filled(query: MetricQuery, link: Link) -> str:
    """The expression for one link. The names that are filled in have no quotes or backslashes in them."""
    text = query.expression
    for word in ("link", "upstream", "router", "interface"):
        text = text.replace(f"{{{word}}}", link.name if word == "link" else str(getattr(link, word)))
    return text


def dated(expression: str, fresh_s: float) -> str:
    """The expression without numbers older than ``fresh_s``.

    What functions and aggregations make is dated now by every server: inside them ``lookback_delta`` does the
    same, from Prometheus 2.44 on.
    """
    return f"(\n{expression}\n) and (time() - timestamp(\n{expression}\n) <= {fresh_s:g})"


def judged(query: MetricQuery, link: str, value: float, at: float) -> Signal:
    """What one number says of a link."""
    bad = None
    if query.above is not None and value > query.above:
        bad = f"above {query.above:g}"
    elif query.below is not None and value < query.below:
        bad = f"below {query.below:g}"
    return Signal(
        link=link,
        kind=f"prometheus {query.name}",
        at=at,
        verdict=Verdict(query.verdict) if bad else Verdict.UP,
        why=f"{query.name} is {value:.4g}" + (f", {bad}" if bad else ""),
        fresh_s=query.fresh_s,
    )


class PrometheusSource:
    """One server, asked all its questions at a time: a ``ports.SignalSource``."""

    def __init__(self, config: Prometheus, policy: Policy, clock: Clock, log: Any) -> None:
        self._config, self._clock, self._log = config, clock, log
        self._links = policy.links
        self._client: httpx.AsyncClient | None = None
        self._said: dict[str, str] = {}  # the trouble logged last, by question

    @property
    def name(self) -> str:
        """The server as people know it."""
        return f"prometheus at {self._config.url}"

    @property
    def every_s(self) -> float:
        """How often policy wants it asked."""
        return self._config.every_s

    async def read(self) -> Sequence[Signal]:
        """What every question says of every link. Raises SourceError where none is answered.

        A question that fails while others are answered is logged once, and is no evidence.
        """
        now = self._clock.now()
        asked = [(query, part) for query in self._config.queries for part in self._parts(query)]
        results = await asyncio.gather(*(self._ask(query, *part, now) for query, part in asked))
        troubles: dict[str, set[str]] = {query.name: set() for query in self._config.queries}
        for (query, _), result in zip(asked, results, strict=True):
            if isinstance(result, AnswerError):
                troubles[query.name].add(str(result))
        if all(isinstance(result, AnswerError) for result in results):
            raise SourceError("; ".join(sorted(set[str]().union(*troubles.values()))))
        for name, found in troubles.items():
            self._tell(name, "; ".join(sorted(found)))
        return [signal for result in results if not isinstance(result, AnswerError) for signal in result]

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _parts(self, query: MetricQuery) -> list[tuple[str, tuple[str, ...]]]:
        """The expressions to send, and the links that each is about."""
        if query.label is not None:
            return [(query.expression, query.links)]
        return [(filled(query, self._links[name]), (name,)) for name in query.links]

    async def _ask(
        self, query: MetricQuery, expression: str, links: tuple[str, ...], now: float
    ) -> list[Signal] | AnswerError:
        try:
            found = await self._query(expression, query.fresh_s)
            return [signal for link in links for signal in _of_link(query, link, found, now)]
        except AnswerError as error:
            return error

    async def _query(self, expression: str, fresh_s: float) -> tuple[Series, ...]:
        """Ask one question. Raises AnswerError."""
        config = self._config
        form = {
            "query": dated(expression, fresh_s),
            "lookback_delta": f"{fresh_s:g}",
            "timeout": f"{config.timeout_s:g}",
        }
        headers = _headers(config.login)
        try:
            async with (
                asyncio.timeout(config.timeout_s),
                self._connected().stream("POST", f"{config.url}{PATH}", data=form, headers=headers) as answer,
            ):
                body = bytearray()
                async for chunk in answer.aiter_bytes():
                    body += chunk
                    if len(body) > LARGEST_ANSWER:
                        raise AnswerError(f"an answer is larger than {LARGEST_ANSWER >> 20} MiB")
                return parse(answer.status_code, bytes(body))
        except TimeoutError:
            raise AnswerError(f"no answer within {config.timeout_s:g} s") from None
        except (httpx.HTTPError, OSError) as error:
            raise AnswerError(" ".join(str(error).split()) or type(error).__name__) from error

    def _connected(self) -> httpx.AsyncClient:
        if self._client is None:
            try:
                verify = ssl.create_default_context(cafile=self._config.ca_file)
            except OSError as error:  # ssl.SSLError is one
                raise AnswerError(f"ca_file {self._config.ca_file} cannot be read: {error}") from error
            self._client = httpx.AsyncClient(
                verify=verify,
                trust_env=False,  # no proxy, no .netrc: what stands in the policy and nothing else
                timeout=None,  # noqa: S113 - each question has a timeout of its own, around all of it
                limits=httpx.Limits(max_connections=AT_ONCE),
            )
        return self._client

    def _tell(self, name: str, trouble: str) -> None:
        before, self._said[name] = self._said.get(name, ""), trouble
        if trouble and trouble != before:
            self._log.warning(f"prometheus query {name} says nothing of some links", error=trouble)
        elif before and not trouble:
            self._log.info(f"prometheus query {name} speaks of all its links again")


def _of_link(query: MetricQuery, link: str, found: Sequence[Series], now: float) -> list[Signal]:
    """At most one signal; none where there is no number. Raises AnswerError where there are several."""
    mine = [each for each in found if query.label is None or each.labels.get(query.label) == link]
    if len(mine) > 1:
        raise AnswerError(
            f"{len(mine)} numbers for {link}, and one is wanted: aggregate them, say with max()"
        )
    return [judged(query, link, each.value, now) for each in mine]


def _headers(login: Login | None) -> dict[str, str]:
    """The login, read anew each time: tokens are renewed by others. Raises AnswerError."""
    if login is None:
        return {}
    secret = login.secret
    try:
        kept = Path(secret.file).expanduser().read_text() if secret.file else os.environ.get(secret.env or "")
    except (OSError, ValueError) as error:
        raise AnswerError(f"the secret in {secret} cannot be read: {error}") from error
    word = (kept or "").strip()
    if not word or not word.isascii() or not word.isprintable():
        raise AnswerError(f"there is no secret in {secret}")
    if login.user is None:
        return {"Authorization": f"Bearer {word}"}
    return {"Authorization": "Basic " + b64encode(f"{login.user}:{word}".encode()).decode()}

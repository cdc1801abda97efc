"""What policy says of other witnesses than our own probes: whom to ask, and what makes a link bad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a secret is kept; the secret itself is in no policy, log or record."""

    file: str | None = None
    env: str | None = None

    def __str__(self) -> str:
        return f"file {self.file}" if self.file else f"environment variable {self.env}"


@dataclass(frozen=True, slots=True)
class Login:
    """How to be let in: a bearer token, or with ``user`` a password."""

    secret: Secret
    user: str | None = None


@dataclass(frozen=True, slots=True)
class MetricQuery:
    """A question to Prometheus that has one number for every link, and which numbers are bad."""

    name: str
    expression: str  # PromQL; {link}, {upstream}, {router}, {interface} are filled in
    verdict: Literal["degraded", "down"]  # of a link whose number is bad
    links: tuple[str, ...]
    fresh_s: float  # an older number is no evidence
    label: str | None = None  # one answer for all links: this label of a series names the link
    above: float | None = None  # a larger number is bad
    below: float | None = None  # a smaller number is bad


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A Prometheus server, and what it is asked."""

    url: str
    every_s: float
    timeout_s: float
    queries: tuple[MetricQuery, ...]
    login: Login | None = None
    ca_file: str | None = None  # trusted instead of the system's authorities


@dataclass(frozen=True, slots=True)
class RouterTest:
    """A measurement that a router makes by itself (RPM on Junos, IP SLA on IOS XR), and when it is bad."""

    router: str  # any in hosts.yaml, whether its links are ours to change or not
    probe: str  # NAPALM's word: the owner of an RPM test, the number of an IP SLA operation
    test: str  # the RPM test's name, the operation's tag
    link: str
    verdict: Literal["degraded", "down"]
    fresh_s: float  # a result that has not changed for so long is no evidence
    loss_percent: float | None = None  # more loss is bad
    rtt_ms: float | None = None  # a longer round trip is bad

    def __str__(self) -> str:
        return f"{self.probe}/{self.test}"


@dataclass(frozen=True, slots=True)
class RouterTests:
    """Which of them are read, and how often."""

    every_s: float
    tests: tuple[RouterTest, ...]

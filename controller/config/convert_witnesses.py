"""What policy.yaml says of other witnesses, checked, to the core's values."""

from __future__ import annotations

from controller.config.witness_file import (
    InterfaceSpec,
    LoginSpec,
    MetricQuerySpec,
    PrefixesSpec,
    PrometheusSpec,
    RouterTestsSpec,
)
from controller.core.model import InterfacePolicy, PrefixPolicy
from controller.core.witnesses import (
    Login,
    MetricQuery,
    Prometheus,
    RouterTest,
    RouterTests,
    Secret,
)

TIMEOUT_S = 5.0  # for one answer, unless policy says otherwise


def to_prometheus(spec: PrometheusSpec | None, links: tuple[str, ...]) -> Prometheus | None:
    """The server and its questions; a question that names no links is about all of ``links``."""
    if spec is None:
        return None
    return Prometheus(
        url=spec.url,
        every_s=spec.every,
        timeout_s=min(TIMEOUT_S, spec.every) if spec.timeout is None else spec.timeout,
        queries=tuple(_query(query, links) for query in spec.queries),
        login=None if spec.login is None else _login(spec.login),
        ca_file=spec.ca_file,
    )


def to_router_tests(spec: RouterTestsSpec | None) -> RouterTests | None:
    """The tests that are read."""
    if spec is None:
        return None
    tests = (
        RouterTest(
            router=test.router,
            probe=test.probe,
            test=test.test,
            link=test.link,
            verdict=test.verdict,
            fresh_s=test.fresh,
            loss_percent=test.loss,
            rtt_ms=None if test.rtt is None else test.rtt * 1000,
        )
        for test in spec.tests
    )
    return RouterTests(spec.every, tuple(tests))


def to_prefixes(spec: PrefixesSpec) -> PrefixPolicy:
    """When a table is short."""
    return PrefixPolicy(missing_percent=spec.missing, held_s=spec.held, settle_s=spec.settle)


def to_interface(spec: InterfaceSpec) -> InterfacePolicy:
    """When an interface is bad."""
    return InterfacePolicy(errors_percent=spec.errors, over_s=spec.over)


def _query(spec: MetricQuerySpec, links: tuple[str, ...]) -> MetricQuery:
    return MetricQuery(
        name=spec.name,
        expression=spec.query,
        verdict=spec.verdict,
        links=links if spec.links is None else tuple(dict.fromkeys(spec.links)),
        fresh_s=spec.fresh,
        label=spec.label,
        above=spec.above,
        below=spec.below,
    )


def _login(spec: LoginSpec) -> Login:
    secret = Secret(spec.token_file or spec.password_file, spec.token_env or spec.password_env)
    return Login(secret, spec.user)

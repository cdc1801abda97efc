"""Schema of what ``policy.yaml`` says of other witnesses than our own probes."""

from typing import Annotated, Any, Literal

from pydantic import Field

from controller.config.scalars import (
    BaseUrl,
    Duration,
    EnvironmentName,
    LinkName,
    Name,
    Percent,
    RouterName,
)
from controller.config.spec import Spec

Number = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]
Bad = Literal["degraded", "down"]


def _secret_file(what: str, short: str) -> Any:
    why = "A secret in policy.yaml would be in every copy and diff of it"
    return Field(default=None, description=f"a file with {what} in it. {why}. Default: no {short}")


def _secret_variable(what: str, short: str) -> Any:
    why = "For service managers that hand secrets over so"
    told = f"an environment variable with {what} in it. {why}. Default: no {short}"
    return Field(default=None, description=told)


def _bound(bad: str, default: str, example: float | str) -> Any:
    told = f"{bad} is bad. One of the two bounds is needed, or both. Default: {default}"
    return Field(default=None, description=told, examples=[example])


def _verdict(bad: str) -> Any:
    told = f"what a link with a bad {bad} is. Down is left at once, degraded in one step"
    return Field(description=told, examples=["degraded"])


class RouterPingSpec(Spec):
    """How routers ping where there is no address to probe from."""

    every: Duration = Field(
        default=2.0,
        description=(
            "between two pings of one target. A ping is a command on the router: more often is a load, "
            "less often finds trouble late"
        ),
        examples=["2s"],
    )


class LoginSpec(Spec):
    """How to be let in. Secrets stand in files or in the environment, never here."""

    token_file: Text | None = _secret_file("a bearer token", "token")
    token_env: EnvironmentName | None = _secret_variable("a bearer token", "token")
    user: Text | None = Field(
        default=None, description="whose password it is. Basic authentication wants both. Default: no user"
    )
    password_file: Text | None = _secret_file("the user's password", "password")
    password_env: EnvironmentName | None = _secret_variable("the user's password", "password")


class MetricQuerySpec(Spec):
    """A question that has one number for every link, and which numbers are bad."""

    name: Name = Field(
        description=("what to call it in sentences. A decision that rests on it says so by this name"),
        examples=["fibre-errors"],
    )
    query: Text = Field(
        description=(
            "PromQL; {link}, {upstream}, {router}, {interface} are filled in, once for each link. One "
            "question serves all links, whatever their number"
        ),
        examples=['rate(ifInErrors{ifAlias="{link}"}[1m])'],
    )
    label: Text | None = Field(
        default=None,
        description=(
            "asked once for all links: the label of a series that names its link. One request instead of "
            "one a link. Default: asked once for each link"
        ),
    )
    above: Number | None = _bound("a larger number", "no upper bound", 5)
    below: Number | None = _bound("a smaller number", "no lower bound", 5)
    verdict: Bad = _verdict("number")
    fresh: Duration = Field(
        default=60.0,
        description=("an older number is no evidence. A server that has stopped scraping must move nothing"),
        examples=["60s"],
    )
    links: list[LinkName] | None = Field(
        default=None,
        min_length=1,
        description="the links it is about. For what only some links have. Default: all links",
    )


class PrometheusSpec(Spec):
    """A Prometheus server, and what it is asked."""

    url: BaseUrl = Field(
        description="where it is. It is asked over HTTP, from the controller's host",
        examples=["http://127.0.0.1:9090"],
    )
    every: Duration = Field(
        default=15.0,
        description="between two readings. More often than it scrapes tells nothing new",
        examples=["15s"],
    )
    timeout: Duration | None = Field(
        default=None,
        description=(
            "for one answer. No answer is no evidence: nothing waits for it. Default: 5s, or 'every' if "
            "that is shorter"
        ),
    )
    login: LoginSpec | None = Field(
        default=None,
        description=(
            "how to be let in, where that is asked for. One secret: a token, or a user's password. "
            "Default: no login"
        ),
    )
    ca_file: Text | None = Field(
        default=None,
        description=(
            "certificate authorities to trust instead of the system's. For servers with a certificate of "
            "your own. Default: the system's"
        ),
    )
    queries: list[MetricQuerySpec] = Field(
        min_length=1,
        description=(
            "what to ask. Each question has one number for every link, and says which numbers are bad"
        ),
        examples=["[{name: ..., query: ..., above: 5, verdict: degraded}]"],
    )


class PrefixesSpec(Spec):
    """When a session that is up carries too little."""

    missing: Percent = Field(
        default=50.0,
        description=(
            "more than this share of the usual prefixes gone: degraded; all of them: down. What is usual "
            "is learned, for tables grow and shrink"
        ),
        examples=["50%"],
    )
    held: Duration = Field(
        default=10.0,
        description=("for this long. A session that has just begun to lose routes may find them again"),
        examples=["10s"],
    )
    settle: Duration = Field(
        default=180.0,
        description=(
            "a new session's table may take this long to load; sooner, if the usual count is there. A "
            "table that is loading is not a table that is short"
        ),
        examples=["3min"],
    )


class InterfaceSpec(Spec):
    """When an interface that is up is bad."""

    errors: Percent = Field(
        default=1.0,
        description=(
            "more of the packets than this are errors, in either direction: degraded. Clean interfaces "
            "have none at all; a failing optic has some before it has many"
        ),
        examples=["1%"],
    )
    over: Duration = Field(
        default=30.0,
        description=("measured over this long. Longer smooths single bursts away, shorter is sooner"),
        examples=["30s"],
    )


class RouterTestSpec(Spec):
    """A measurement that a router makes by itself, and when it is bad."""

    router: RouterName = Field(
        description=(
            "a router of hosts.yaml, with or without links. The test may run anywhere that the link is "
            "seen from"
        ),
        examples=["core1"],
    )
    probe: Text = Field(
        description=(
            "the owner of the RPM test, or the number of the IP SLA operation. So it is found among the "
            "router's tests"
        ),
        examples=["transit"],
    )
    test: Text = Field(
        description=("the RPM test's name, or the operation's tag. So it is found among the router's tests"),
        examples=["azerbaijan"],
    )
    link: LinkName = Field(
        description=("the link it is about. The router does not know which of our links its test goes over"),
        examples=["edge1-azerbaijan"],
    )
    loss: Percent | None = _bound("more loss", "loss is not looked at", "20%")
    rtt: Duration | None = _bound("a longer round trip", "round trips are not looked at", "150ms")
    verdict: Bad = _verdict("result")
    fresh: Duration = Field(
        default=300.0,
        description=(
            "a result unchanged for so long is no evidence. A test that has stopped must move nothing"
        ),
    )


class RouterTestsSpec(Spec):
    """Measurements that routers make by themselves: RPM on Junos, IP SLA on IOS XR."""

    every: Duration = Field(
        default=30.0,
        description="between two readings. Each reading is a question to a router",
        examples=["30s"],
    )
    tests: list[RouterTestSpec] = Field(
        min_length=1,
        description="which to read. Others on the same routers are left alone",
        examples=[
            "[{router: core1, probe: transit, test: azerbaijan, link: edge1-azerbaijan, loss: 20%, ...}]"
        ],
    )

"""Schema of what ``policy.yaml`` says of other witnesses than our own probes."""

from typing import Annotated, Literal

from pydantic import Field

from controller.config.scalars import BaseUrl, Duration, EnvironmentName, Name, Percent
from controller.config.spec import Spec

Number = Annotated[float, Field(allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1)]


class RouterPingSpec(Spec):
    """How routers ping where there is no address to probe from."""

    every: Duration = Field(
        default=2.0, description="between two pings of one target; 2s unless given", examples=["2s"]
    )


class LoginSpec(Spec):
    """How to be let in. Secrets stand in files or in the environment, never here."""

    token_file: Text | None = Field(default=None, description="a file with a bearer token in it")
    token_env: EnvironmentName | None = Field(
        default=None, description="an environment variable with a bearer token in it"
    )
    user: Text | None = Field(default=None, description="whose password it is")
    password_file: Text | None = Field(default=None, description="a file with the user's password in it")
    password_env: EnvironmentName | None = Field(
        default=None, description="an environment variable with the user's password in it"
    )


class MetricQuerySpec(Spec):
    """A question that has one number for every link, and which numbers are bad."""

    name: Name = Field(description="what to call it in sentences", examples=["fibre-errors"])
    query: Text = Field(
        description="PromQL; {link}, {upstream}, {router}, {interface} are filled in, once for each link",
        examples=['rate(ifInErrors{ifAlias="{link}"}[1m])'],
    )
    label: Text | None = Field(
        default=None, description="asked once for all links: the label of a series that names its link"
    )
    above: Number | None = Field(default=None, description="a larger number is bad", examples=[5])
    below: Number | None = Field(default=None, description="a smaller number is bad", examples=[5])
    verdict: Literal["degraded", "down"] = Field(
        description="what a link with a bad number is", examples=["degraded"]
    )
    fresh: Duration = Field(
        default=60.0, description="an older number is no evidence; 60s unless given", examples=["60s"]
    )
    links: list[str] | None = Field(
        default=None, min_length=1, description="the links it is about; all if left out"
    )


class PrometheusSpec(Spec):
    """A Prometheus server, and what it is asked."""

    url: BaseUrl = Field(description="where it is", examples=["http://127.0.0.1:9090"])
    every: Duration = Field(
        default=15.0, description="between two readings; 15s unless given", examples=["15s"]
    )
    timeout: Duration | None = Field(
        default=None, description="for one answer; 5s unless given, or `every` if that is shorter"
    )
    login: LoginSpec | None = Field(default=None, description="how to be let in, where that is asked for")
    ca_file: Text | None = Field(
        default=None, description="certificate authorities to trust instead of the system's"
    )
    queries: list[MetricQuerySpec] = Field(
        min_length=1,
        description="what to ask",
        examples=["[{name: ..., query: ..., above: 5, verdict: degraded}]"],
    )


class PrefixesSpec(Spec):
    """When a session that is up carries too little."""

    missing: Percent = Field(
        default=50.0,
        description="more than this share of the usual prefixes gone: degraded; all of them: down",
        examples=["50%"],
    )
    held: Duration = Field(default=10.0, description="for this long", examples=["10s"])
    settle: Duration = Field(
        default=180.0,
        description="a new session's table may take this long to load; sooner, if the usual count is there",
        examples=["3min"],
    )


class InterfaceSpec(Spec):
    """When an interface that is up is bad."""

    errors: Percent = Field(
        default=1.0,
        description="more of the packets than this are errors, in either direction: degraded",
        examples=["1%"],
    )
    over: Duration = Field(default=30.0, description="measured over this long", examples=["30s"])


class RouterTestSpec(Spec):
    """A measurement that a router makes by itself, and when it is bad."""

    router: str = Field(description="a router of hosts.yaml, with or without links", examples=["core1"])
    probe: Text = Field(
        description="the owner of the RPM test, or the number of the IP SLA operation", examples=["transit"]
    )
    test: Text = Field(description="the RPM test's name, or the operation's tag", examples=["azerbaijan"])
    link: str = Field(description="the link it is about", examples=["edge1-azerbaijan"])
    loss: Percent | None = Field(default=None, description="more loss is bad", examples=["20%"])
    rtt: Duration | None = Field(default=None, description="a longer round trip is bad", examples=["150ms"])
    verdict: Literal["degraded", "down"] = Field(
        description="what a link with a bad result is", examples=["degraded"]
    )
    fresh: Duration = Field(
        default=300.0, description="a result unchanged for so long is no evidence; 5min unless given"
    )


class RouterTestsSpec(Spec):
    """Measurements that routers make by themselves: RPM on Junos, IP SLA on IOS XR."""

    every: Duration = Field(
        default=30.0, description="between two readings; 30s unless given", examples=["30s"]
    )
    tests: list[RouterTestSpec] = Field(
        min_length=1,
        description="which to read",
        examples=[
            "[{router: core1, probe: transit, test: azerbaijan, link: edge1-azerbaijan, loss: 20%, ...}]"
        ],
    )

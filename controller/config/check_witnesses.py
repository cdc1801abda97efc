"""What must hold of other witnesses than our own probes: questions tell links apart, secrets stay secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from urllib.parse import urlsplit

from controller.config.document import Steps
from controller.config.problems import Problem, quoted
from controller.config.sources import Sources
from controller.config.validate import did_you_mean
from controller.config.witness_file import (
    InterfaceSpec,
    LoginSpec,
    MetricQuerySpec,
    PrefixesSpec,
    PrometheusSpec,
    RouterTestsSpec,
)
from controller.core.interface import LONGEST_WINDOW_S, SHORTEST_WINDOW_S
from controller.core.prefixes import SHORTEST_HELD_S

FILLED_IN = ("link", "upstream", "router", "interface")
LONGEST_TIMEOUT_S = 10.0  # a reading is cancelled after this long
SHORTEST_ROUND_S, LONGEST_ROUND_S = 1.0, 60.0  # a ping is a command: more is a load, less tells nothing
SHORTEST_READING_S = 5.0
TESTING_PLATFORMS = ("iosxr", "iosxr_netconf", "junos")  # whose NAPALM drivers have get_probes_results
_PLACEHOLDER = re.compile(r"\{\s*([A-Za-z_]+)\s*\}")  # never PromQL: a selector compares


def check_witnesses(sources: Sources) -> Iterator[Problem]:
    """Every such problem."""
    health = sources.policy.draft.health
    if health is None:
        return
    yield from _routers(sources, health.prefixes, health.interface)
    if not SHORTEST_ROUND_S <= health.router_ping.every <= LONGEST_ROUND_S:
        steps = ("health", "router_ping", "every")
        message = "routers ping once a second at most, and once a minute at least"
        yield sources.policy.problem(steps, message, "Write 1s to 1min.")
    if health.router_tests is not None:
        yield from _router_tests(sources, health.router_tests)
    if health.prometheus is not None:
        yield from _prometheus(sources, health.prometheus)


def _routers(sources: Sources, prefixes: PrefixesSpec, interface: InterfaceSpec) -> Iterator[Problem]:
    policy = sources.policy
    if prefixes.held < SHORTEST_HELD_S:
        message = "routers are polled twice a second, so one odd count would degrade a link"
        yield policy.problem(("health", "prefixes", "held"), message, f"Write {SHORTEST_HELD_S:g}s or more.")
    if not SHORTEST_WINDOW_S <= interface.over <= LONGEST_WINDOW_S:
        message = "counters are read every 5 s and remembered for 5 minutes"
        hint = f"Write a duration from {SHORTEST_WINDOW_S:g}s to {LONGEST_WINDOW_S / 60:g}min."
        yield policy.problem(("health", "interface", "over"), message, hint)


def _router_tests(sources: Sources, spec: RouterTestsSpec) -> Iterator[Problem]:
    policy, steps = sources.policy, ("health", "router_tests")
    if spec.every < SHORTEST_READING_S:
        message = "each reading is a question to a router"
        yield policy.problem((*steps, "every"), message, f"Write {SHORTEST_READING_S:g}s or more.")
    routers = sources.hosts.document.names()
    seen: set[tuple[str, str, str, str]] = set()
    for index, test in enumerate(spec.tests):
        where = (*steps, "tests", index)
        if test.fresh < 2 * spec.every:
            message = "'fresh' is shorter than two readings, so a result would be stale before it can change"
            yield policy.problem((*where, "fresh"), message, f"Write {2 * spec.every:g}s or more.")
        if test.loss is None and test.rtt is None:
            hint = "Add 'loss: 20%', 'rtt: 150ms' or both."
            yield policy.problem(where, f"test {quoted(test.test)} does not say which results are bad", hint)
        which = (test.router, test.probe, test.test, test.link)
        if which in seen:
            message = f"test {quoted(test.test)} stands here twice for {test.link}"
            yield policy.problem(where, message, "Keep one.")
        seen.add(which)
        if sources.hosts.intact() and test.router not in routers:
            hint = did_you_mean(test.router, routers, f"hosts.yaml has: {', '.join(routers)}.")
            message = f"there is no router {quoted(test.router)}"
            yield policy.problem((*where, "router"), message, hint)
        elif sources.hosts.intact() and sources.groups.intact():
            platform = sources.platform_of(sources.hosts.draft.root[test.router])
            if platform not in TESTING_PLATFORMS:
                what = f"platform {platform}" if platform else "no platform"
                message = f"router {quoted(test.router)} has {what}, whose own tests cannot be read"
                hint = f"It takes one of {', '.join(TESTING_PLATFORMS)}."
                yield policy.problem((*where, "router"), message, hint)
        yield from _link(sources, (*where, "link"), test.link)


def _link(sources: Sources, where: Steps, name: str) -> Iterator[Problem]:
    known = [link.name for link in sources.links()]
    if sources.hosts.intact() and name not in known:
        hint = did_you_mean(name, known, f"hosts.yaml has: {', '.join(known)}.")
        yield sources.policy.problem(where, f"there is no link {quoted(name)}", hint)


def _prometheus(sources: Sources, spec: PrometheusSpec) -> Iterator[Problem]:
    policy, steps = sources.policy, ("health", "prometheus")
    if spec.timeout is not None and spec.timeout > min(spec.every, LONGEST_TIMEOUT_S):
        message = "'timeout' is longer than 'every', so questions would pile up"
        if spec.every > LONGEST_TIMEOUT_S:
            message = "no reading may take so long"
        hint = f"Write {min(spec.every, LONGEST_TIMEOUT_S):g}s or less."
        yield policy.problem((*steps, "timeout"), message, hint)
    if spec.login is not None:
        yield from _login(sources, spec.login, spec.url)
    seen: set[str] = set()
    for index, query in enumerate(spec.queries):
        where = (*steps, "queries", index)
        if query.name in seen:
            message = f"there is another query {quoted(query.name)}"
            yield policy.problem((*where, "name"), message, "Give each its own name.")
        seen.add(query.name)
        if query.fresh < spec.every:
            message = "'fresh' is shorter than 'every', so a number would be stale before the next one comes"
            yield policy.problem((*where, "fresh"), message, f"Write {spec.every:g}s or more.")
        yield from _query(sources, where, query)


def _login(sources: Sources, login: LoginSpec, url: str) -> Iterator[Problem]:
    policy, steps = sources.policy, ("health", "prometheus", "login")
    tokens = [name for name in ("token_file", "token_env") if getattr(login, name)]
    passwords = [name for name in ("password_file", "password_env") if getattr(login, name)]
    if not policy.intact(*steps):
        return
    if len(tokens) + len(passwords) != 1:
        hint = "Write token_file, token_env, or user with password_file or password_env."
        yield policy.problem(steps, "a login takes one secret", hint, key=True)
    elif (login.user is None) is bool(passwords):
        message = "a password belongs to a user" if passwords else "a token has no user"
        yield policy.problem(steps, message, "Add 'user'." if passwords else "Remove 'user'.", key=True)
    if url.startswith("http://") and not _is_here(url):
        message = "the secret would cross the network for everyone to read"
        yield policy.problem(steps, message, "Use an https:// url.", key=True)


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _query(sources: Sources, where: Steps, query: MetricQuerySpec) -> Iterator[Problem]:
    policy = sources.policy
    if query.above is None and query.below is None:
        hint = "Add 'above: 5', 'below: 5' or the like."
        yield policy.problem(where, f"query {quoted(query.name)} does not say which numbers are bad", hint)
    elif query.above is not None and query.below is not None and query.above <= query.below:
        hint = "Numbers from 'below' up to 'above' are good: write a smaller 'below'."
        yield policy.problem((*where, "above"), "every number would be bad", hint)
    words = set(_PLACEHOLDER.findall(query.query))
    for word in sorted(words - set(FILLED_IN)):
        hint = did_you_mean(word, FILLED_IN, f"Known here: {', '.join(f'{{{each}}}' for each in FILLED_IN)}.")
        yield policy.problem((*where, "query"), f"nothing is filled in for {{{word}}}", hint)
    known = [link.name for link in sources.links()]
    for index, name in enumerate(query.links or ()):
        yield from _link(sources, (*where, "links", index), name)
    about = len(set(query.links or known))
    if query.label is not None and words & set(FILLED_IN):
        message = "the query is asked once for all links, so nothing can be filled in"
        yield policy.problem((*where, "label"), message, "Remove 'label', or what stands in braces.")
    elif query.label is None and not words and about > 1:
        message = f"the query has one number for {about} links"
        hint = "Write {link} or the like into it, name the 'label' that tells the link, or name one link."
        yield policy.problem((*where, "query"), message, hint)

"""What a policy comes to: who carries traffic when, what routers are told, what is found bad, what is asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from controller.config import default_templates
from controller.core.intent import intents
from controller.core.model import PRIMARY, Family, Placement, Policy, Verdict
from controller.render import JinjaRenderer
from controller.sim import simulate
from controller.sim.eyes import eyes
from controller.sim.scenario import Condition, Scenario, Span
from controller.windows import Windows
from tests.decide_world import World
from tests.fields.versions import Shows, Version

AZ, GE1, GE2, IR = "edge1-azerbaijan", "edge1-georgia", "edge2-georgia", "edge2-iran"
GEORGIA = (GE1, GE2)
FAULT_S = 1000.0  # when things happen to befall links, in seconds of a scenario


# --- who carries the traffic, in scenarios ---------------------------------------------------------


def ill(links: str | Iterable[str], for_s: float = 1e9, *, at: float = FAULT_S, **condition: Any) -> Span:
    """Links that are in some condition for some time; down unless told otherwise."""
    paths = (links,) if isinstance(links, str) else tuple(links)
    return Span(paths, at, at + for_s, Condition(**(condition or {"loss": 1.0})))


def carried(at_s: float, *spans: Span) -> Shows:
    """Which upstream carries the first class so long after the fault."""

    def shows(version: Version) -> str:
        scenario = Scenario("a test", FAULT_S + at_s, spans)
        run = simulate(version.policy, scenario)
        return " and ".join(next(iter(run.accounts.values())).carried[-1][1])

    return shows


def says(word: str, at_s: float, *spans: Span) -> Shows:
    """Whether a decision within so long after the fault says so."""

    def shows(version: Version) -> bool:
        run = simulate(version.policy, Scenario("a test", FAULT_S + at_s, spans))
        return any(word in each.sentence for each in run.said)

    return shows


def looks(after_s: float, **condition: Any) -> Shows:
    """The verdict on a link that has been in some condition for so long."""

    def shows(version: Version) -> Verdict:
        eye = eyes(version.policy, {})[AZ]
        eye.take(Condition(**condition), 0.0)
        eye.advance(after_s)
        return eye.health(after_s).verdict

    return shows


# --- who carries the traffic, by the hour and by what is measured ---------------------------------


def carrier(world: World) -> str:
    """The upstreams that carry the first class."""
    links = [link for link, placement in world.of().items() if placement.role == PRIMARY]
    return " and ".join(dict.fromkeys(world.policy.links[link].upstream for link in links))


def by_the_clock(*turns: tuple[str, dict[str, Verdict]]) -> Shows:
    """Which upstream carries the class in the end. Each turn: the time (UTC), and what links look like then."""

    def shows(version: Version) -> str:
        world, windows = World(version.policy), Windows(version.policy.windows)
        for hour, verdicts in turns:
            world.now = datetime.fromisoformat(f"{hour}+00:00").timestamp()
            world.windows = windows.at(world.now, world.now)
            world.turn(verdicts)
            world.step()
        return carrier(world)

    return shows


def measured(after_s: float, link: str = AZ, *, rtt_ms: float = 30.0, loss_percent: float = 0.0) -> Shows:
    """Which upstream carries the class once a link, which is up, has been measured like this for so long."""

    def shows(version: Version) -> str:
        world = World(version.policy)
        world.step()
        part = replace(world.health[link].families[Family.IPV4], tail_ms=rtt_ms, loss_percent=loss_percent)
        world.health[link] = replace(world.health[link], families={Family.IPV4: part})
        world.step(1)
        world.step(after_s)
        return carrier(world)

    return shows


def role_of(link: str, **verdicts: Verdict) -> Shows:
    """What a link is to the class while links look like this; their names are written with underscores."""

    def shows(version: Version) -> str:
        world = World(version.policy)
        world.turn({name.replace("_", "-"): verdict for name, verdict in verdicts.items()})
        world.step(1)
        return world.of()[link].role

    return shows


# --- what routers are told -------------------------------------------------------------------------


def told(word: str, role: str, rank: int = 1, *, link: str = AZ, name: str | None = None) -> Shows:
    """The lines that begin so in what a link's router gets while the link is in this role to all classes.

    Of policies only those that are attached, and lists.
    """

    def shows(version: Version) -> tuple[str, ...]:
        text = _text(version.policy, link, Placement(role, rank), name)
        return tuple(sorted({line.strip() for line in text if line.strip().startswith(word)}))

    return shows


def _text(policy: Policy, link: str, placement: Placement, name: str | None) -> list[str]:
    only = [name] if name else list(policy.classes)
    intent = intents(policy, {each: {link: placement} for each in only})[policy.links[link].router]
    used = {attachment.policy for attachment in intent.attachments}
    lines, keep = [], True
    for line in _renderer().render(intent).splitlines():
        if line.startswith("route-map"):
            keep = line.split()[1] in used
        elif line.startswith(("ip", "bgp", "router")):
            keep = True
        if keep:
            lines.append(line)
    return lines


@cache
def _renderer() -> JinjaRenderer:
    return JinjaRenderer(default_templates())


# --- what those who write it are told --------------------------------------------------------------


def problems(words: str) -> Shows:
    """Whether the files are refused with these words."""
    return lambda version: any(words in each for each in version.problems)


def warnings(words: str) -> Shows:
    """Whether there is a warning with these words."""

    def shows(version: Version) -> bool:
        assert version.problems == ()
        return any(words in each for each in version.warnings)

    return shows

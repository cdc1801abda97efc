"""Scenarios for tests of the simulation: the sample inventory, and a scenario as text."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from textwrap import dedent

from controller.config import default_inventory, load
from controller.core.model import Policy
from controller.sim import Run, simulate
from controller.sim.load import scenario
from controller.sim.scenario import Scenario

LIBRARY = default_inventory() / "scenarios"


@cache
def sample() -> Policy:
    """The sample inventory's policy."""
    return load(default_inventory()).policy


def told(text: str, policy: Policy | None = None) -> Scenario:
    """A scenario by its text; title and length are added where they are missing."""
    text = dedent(text)
    head = "" if "title:" in text else "title: a test\n"
    head += "" if "\nlasts:" in f"\n{text}" else "lasts: 2h\n"
    found, problems = scenario(Path("scenario.yaml"), (head + text).encode(), policy or sample())
    assert found is not None, "\n".join(map(str, problems))
    return found


def play(text: str, policy: Policy | None = None) -> Run:
    """What the policy makes of a scenario."""
    return simulate(policy or sample(), told(text, policy))


def pushed(run: Run) -> list[tuple[float, str]]:
    """What was done, without the evidence."""
    return [(each.at_s, each.sentence.split(":")[0]) for each in run.said if each.pushed]

"""Intent to FRR text, and into a router's configuration, against golden files."""

import difflib
import os
from pathlib import Path

import pytest

from controller.core.guard import ownership, review
from controller.core.intent import intents
from controller.core.model import Policy
from controller.fleet.frr_config import changes, splice
from controller.render import JinjaRenderer
from tests.role_samples import (
    AZERBAIJAN_DOWN,
    BANKS,
    CALM,
    RESIDENTIAL,
    assignment,
    policy,
    spoken,
    without_bases,
)

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "golden" / "frr"
RENDERER = JinjaRenderer(ROOT / "templates")
BEFORE = (GOLDEN / "edge1-before.conf").read_text()

CASES = {
    "one-class": (policy(), {"residential": CALM}),
    "two-classes": (policy(RESIDENTIAL, BANKS), {"residential": CALM, "banks": AZERBAIJAN_DOWN}),
    "every-knob": (spoken(), {"partners": AZERBAIJAN_DOWN, "residential": CALM}),
    "no-base": (without_bases(policy()), {"residential": AZERBAIJAN_DOWN}),
}


def compare(name: str, text: str) -> None:
    if os.environ.get("GOLDEN") == "write":
        (GOLDEN / name).write_text(text)
    assert text == (GOLDEN / name).read_text()


def spliced(running: str, network: Policy, **classes: dict[str, str]) -> str:
    intent = intents(network, assignment(**classes))["edge1"]
    return splice(running, RENDERER.render(intent), intent)


@pytest.mark.parametrize("case", CASES)
def test_an_intent_renders_to_the_golden_text(case: str) -> None:
    network, classes = CASES[case]
    intent = intents(network, assignment(**classes))["edge1"]
    compare(f"{case}.conf", RENDERER.render(intent))


def test_first_contact_puts_our_part_into_an_edge_as_operators_left_it() -> None:
    compare("edge1-first-contact.conf", spliced(BEFORE, policy(), residential=dict(CALM)))


def test_a_failover_is_one_line_a_direction() -> None:
    calm = spliced(BEFORE, policy(), residential=dict(CALM))
    down = spliced(calm, policy(), residential=dict(AZERBAIJAN_DOWN))
    diff = difflib.unified_diff(
        calm.splitlines(), down.splitlines(), "calm", "azerbaijan down", n=1, lineterm=""
    )
    compare("edge1-failover.diff", "".join(f"{line}\n" for line in diff))


@pytest.mark.parametrize("case", CASES)
def test_the_guard_lets_pass_what_is_rendered_for_an_edge(case: str) -> None:
    network, classes = CASES[case]
    if case == "no-base":
        running = "\n".join(line for line in BEFORE.splitlines() if " route-map " not in line) + "\n"
    else:
        running = BEFORE
    found = changes(running, spliced(running, network, **{n: dict(each) for n, each in classes.items()}))
    assert found
    assert review(found, ownership(network, "edge1")) == ()

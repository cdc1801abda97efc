"""What no schema can say of what people order in a scenario."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from controller.config.problems import Problem, quoted
from controller.config.validate import Checked
from controller.core.model import OrderKind, Override, Policy
from controller.sim.ordered import unknown
from controller.sim.scenario_file import OrderSpec, ScenarioDraft
from controller.sim.words import brief

KINDS: Final = ("drain", "pin", "pause", "acknowledge")


def check_orders(scenario: Checked[ScenarioDraft], policy: Policy) -> Iterator[Problem]:
    """Every such problem."""
    for index, order in enumerate(scenario.draft.orders):
        yield from _times(scenario, index, order)
        yield from _what(scenario, index, order, policy)


def _times(scenario: Checked[ScenarioDraft], index: int, order: OrderSpec) -> Iterator[Problem]:
    lasts = scenario.draft.lasts
    if lasts is not None and order.at >= lasts:
        message = f"this is ordered when the scenario, which lasts {brief(lasts)}, is over"
        yield scenario.problem(
            ("orders", index, "at"), message, "Order it sooner, or let the scenario last longer."
        )
    if order.until is not None and order.until <= order.at:
        hint = "Both count from the beginning of the scenario."
        yield scenario.problem(("orders", index, "until"), "this is no later than 'at'", hint)


def _what(
    scenario: Checked[ScenarioDraft], index: int, order: OrderSpec, policy: Policy
) -> Iterator[Problem]:
    steps = ("orders", index)
    kinds = [kind for kind in KINDS if getattr(order, kind) is not None]
    if not kinds and not any(scenario.given(*steps, kind) for kind in KINDS):
        hint = "Add 'drain: NAME', 'pin: CLASS' with 'to: UPSTREAM', 'pause: all' or 'acknowledge: CLASS'."
        yield scenario.problem(steps, "this orders nothing", hint)
    elif len(kinds) > 1:
        message, hint = f"this orders both {kinds[0]} and {kinds[1]}", "Make two of it."
        yield scenario.problem((*steps, kinds[1]), message, hint, key=True)
    elif order.pin is None and order.to is not None:
        message = f"{quoted('to')} says nothing of what is not pinned"
        yield scenario.problem((*steps, "to"), message, "Remove it, or write 'pin: CLASS'.", key=True)
    elif order.pin is not None and order.to is None:
        if not scenario.given(*steps, "to"):
            hint = "Add 'to: UPSTREAM'."
            yield scenario.problem((*steps, "pin"), "where it is pinned to is missing", hint)
    elif kinds:
        wrong = unknown(given(order, 1), policy)
        if wrong is not None:
            known = order.pin is None or order.pin in policy.classes
            place = "to" if order.pin and known else kinds[0]
            yield scenario.problem((*steps, place), *wrong)


def given(order: OrderSpec, number: int) -> Override:
    """The order that is meant, on the scenario's clock."""
    kind = next((OrderKind(kind) for kind in KINDS if getattr(order, kind) is not None), OrderKind.PAUSE)
    by, reason = " ".join(order.by.split()), " ".join(order.reason.split())
    subject = order.drain or order.pin or order.acknowledge or ""
    return Override(number, kind, subject, order.to or "", by, reason, order.at, order.until)

"""What no schema can say of a scenario: names that nothing has, times that cannot be, words out of place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from controller.config.problems import Problem, quoted
from controller.config.validate import Checked, did_you_mean
from controller.core.model import Policy
from controller.sim.check_orders import check_orders
from controller.sim.scenario_file import EventSpec, ExpectSpec, LoadSpec, ScenarioDraft
from controller.sim.words import brief

PLACES: Final = ("link", "upstream", "risk", "router", "all")
# What it becomes -> its measure.
NEEDS: Final = {"lossy": "loss", "slow": "by", "jittery": "by", "short": "missing"}
EXAMPLES: Final = {"loss": "loss: 10%", "by": "by: 80ms", "missing": "missing: 60%"}
CLAIMS: Final = ("carried_by", "most_moves", "most_false_moves", "availability", "says", "frozen")
MOST_STARTS: Final = 100_000  # of one event: a start every six seconds for a week

Draft = Checked[ScenarioDraft]


def check_scenario(scenario: Draft, policy: Policy) -> Iterator[Problem]:
    """Every such problem."""
    known = known_names(policy)
    for name in scenario.draft.usual:
        yield from _unknown(scenario, ("usual", name), "upstream", name, known, key=True)
    for index, event in enumerate(scenario.draft.events):
        yield from _place(scenario, index, event, known)
        yield from _measure(scenario, index, event)
        yield from _times(scenario, "events", index, event)
    for index, load in enumerate(scenario.draft.traffic):
        yield from _unknown(scenario, ("traffic", index, "class"), "class", load.traffic_class, known)
        yield from _times(scenario, "traffic", index, load)
    yield from check_orders(scenario, policy)
    for index, claim in enumerate(scenario.draft.expect):
        yield from _claim(scenario, index, claim, policy)


def known_names(policy: Policy) -> Mapping[str, tuple[str, ...]]:
    """What may stand for each kind of place."""
    risks = sorted({risk for link in policy.links.values() for risk in policy.risks_of(link)})
    return {
        "link": tuple(policy.links),
        "upstream": tuple(policy.upstreams),
        "risk": tuple(risk for risk in risks if " " not in risk),  # those that operators named
        "router": tuple(policy.routers),
        "class": tuple(policy.classes),
    }


def _unknown(
    scenario: Draft,
    steps: tuple[str | int, ...],
    kind: str,
    name: str,
    known: Mapping[str, tuple[str, ...]],
    *,
    key: bool = False,
) -> Iterator[Problem]:
    if name in known[kind]:
        return
    elsewhere = next((other for other in PLACES[:4] if name in known[other]), None)
    there = f"There are: {', '.join(known[kind])}." if known[kind] else "The policy names none."
    otherwise = f"Write '{elsewhere}: {name}'." if elsewhere and not key else there
    hint = otherwise if elsewhere else did_you_mean(name, known[kind], otherwise)
    yield scenario.problem(steps, f"there is no {kind} {quoted(name)}", hint, key=key)


def _place(
    scenario: Draft, index: int, event: EventSpec, known: Mapping[str, tuple[str, ...]]
) -> Iterator[Problem]:
    given = [place for place in PLACES if getattr(event, place) is not None]
    if not given and not any(scenario.given("events", index, place) for place in PLACES):
        hint = f"Add one of {', '.join(PLACES[:-1])}, or 'all: links'."
        yield scenario.problem(("events", index), "this event happens to nothing", hint)
    elif len(given) > 1:
        hint = "Keep one; write another event for the other."
        message = f"this event has both {given[0]} and {given[1]}"
        yield scenario.problem(("events", index, given[1]), message, hint, key=True)
    elif given and given[0] != "all":
        yield from _unknown(scenario, ("events", index, given[0]), given[0], getattr(event, given[0]), known)
    if event.becomes == "unreachable":
        if given and given[0] != "router":
            message = f"a {given[0]} cannot become unreachable"
            hint = "Name a router: nothing can be changed on it then, and its links go on as they are."
            yield scenario.problem(("events", index, "becomes"), message, hint)
        if event.only is not None:
            message, hint = "an unreachable router is never a matter of probes", "Remove this line."
            yield scenario.problem(("events", index, "only"), message, hint, key=True)


def _measure(scenario: Draft, index: int, event: EventSpec) -> Iterator[Problem]:
    needed = NEEDS.get(event.becomes)
    if needed is not None and not scenario.given("events", index, needed):
        message = f"how {event.becomes} it becomes is missing"
        yield scenario.problem(
            ("events", index, "becomes"), message, f"Add '{EXAMPLES[needed]}' or the like."
        )
    for measure in EXAMPLES:
        if measure != needed and getattr(event, measure) is not None:
            message = f"{quoted(measure)} says nothing of what becomes {event.becomes}"
            fitting = " or ".join(becomes for becomes, each in NEEDS.items() if each == measure)
            hint = f"Remove it, or write 'becomes: {fitting}'."
            yield scenario.problem(("events", index, measure), message, hint, key=True)


def _times(scenario: Draft, section: str, index: int, event: EventSpec | LoadSpec) -> Iterator[Problem]:
    def problem(key: str, message: str, hint: str) -> Problem:
        return scenario.problem((section, index, key), message, hint)

    lasts = scenario.draft.lasts
    if lasts is not None and event.at >= lasts:
        message = f"this begins when the scenario, which lasts {brief(lasts)}, is over"
        yield problem("at", message, "Let it begin sooner, or the scenario last longer.")
    if event.lasts == 0:
        yield problem("lasts", "this is over before it begins", "Write more than 0s.")
    if event.every is None:
        if event.until is not None:
            hint = "Add 'every: 10min' or the like; to end it, write 'lasts'."
            yield problem("until", "'until' is said of what happens again and again", hint)
        return
    if event.lasts is None or event.lasts >= event.every:
        hint = f"Add 'lasts' with less than {brief(event.every)}, which is from start to start."
        yield problem("every", "this begins again before it is over", hint)
    if event.until is not None and event.until <= event.at:
        yield problem("until", "this is no later than 'at'", "Both count from the beginning of the scenario.")
    end = min(event.until or lasts or 0.0, lasts or 0.0)
    if event.every and (end - event.at) / event.every > MOST_STARTS:
        yield problem("every", f"this begins more than {MOST_STARTS} times", "Write a longer time.")


def _claim(scenario: Draft, index: int, claim: ExpectSpec, policy: Policy) -> Iterator[Problem]:
    steps = ("expect", index)
    given = [
        name for name in CLAIMS if getattr(claim, name) is not None and getattr(claim, name) is not False
    ]
    if any(getattr(claim, name) is None and scenario.given(*steps, name) for name in CLAIMS):
        return  # one is broken: what is expected is not known
    if not given:
        yield scenario.problem(steps, "this expects nothing", f"Add one of {', '.join(CLAIMS)}.")
        return
    if len(given) > 1 and set(given) != {"says", "frozen"}:
        message = f"this expects both {given[0]} and {given[1]}"
        yield scenario.problem((*steps, given[1]), message, "Make two of it.", key=True)
        return
    for key in ("at", "after", "before", "within"):
        value, lasts = getattr(claim, key), scenario.draft.lasts
        if value is not None and lasts is not None and value > lasts:
            message = f"the scenario is over after {brief(lasts)}"
            yield scenario.problem((*steps, key), message, "Write an earlier time.")
    if claim.traffic_class is not None:
        known = known_names(policy)
        yield from _unknown(scenario, (*steps, "class"), "class", claim.traffic_class, known)
    if given[0] == "carried_by":
        yield from _moment(scenario, index, claim)
        yield from _carrier(scenario, index, claim, policy)
    else:
        yield from _stretch(scenario, index, claim)


def _moment(scenario: Draft, index: int, claim: ExpectSpec) -> Iterator[Problem]:
    """What a claim about one moment needs, and what it does not."""
    steps = ("expect", index)
    if claim.at is None:
        hint = "Add 'at: 10min' or the like."
        yield scenario.problem((*steps, "carried_by"), "when it should be so is missing", hint)
    for key in ("after", "before"):
        if getattr(claim, key) is not None:
            hint = "Write 'at', and 'within' if it may take a while."
            yield scenario.problem((*steps, key), f"{quoted(key)} says nothing of carried_by", hint, key=True)


def _stretch(scenario: Draft, index: int, claim: ExpectSpec) -> Iterator[Problem]:
    """The same of a claim about a part of the scenario."""
    steps = ("expect", index)
    wrong = next((key for key in ("at", "within") if getattr(claim, key) is not None), None)
    bounded = claim.after is not None or claim.before is not None
    if wrong:
        hint = "Write 'after' and 'before' to look at a part of the scenario."
        message = f"{quoted(wrong)} goes with carried_by only"
        yield scenario.problem((*steps, wrong), message, hint, key=True)
    elif claim.availability is not None and bounded:
        hint = "Remove 'after' and 'before'."
        yield scenario.problem((*steps, "availability"), "availability is of the whole scenario", hint)
    elif claim.after is not None and claim.before is not None and claim.before <= claim.after:
        yield scenario.problem((*steps, "before"), "this is no later than 'after'", "Write a later time.")


def _carrier(scenario: Draft, index: int, claim: ExpectSpec, policy: Policy) -> Iterator[Problem]:
    steps = ("expect", index, "carried_by")
    wanted = claim.carried_by or ""
    if wanted not in policy.upstreams:
        yield from _unknown(scenario, steps, "upstream", wanted, known_names(policy))
        return
    chosen = policy.classes.get(claim.traffic_class or "")
    for each in [chosen] if chosen else policy.classes.values():
        if wanted not in each.upstreams:
            message = (
                f"class {quoted(each.name)} never goes over {wanted}, which is not among what it prefers"
            )
            yield scenario.problem(steps, message, f"It prefers {', '.join(each.upstreams)}.")
            return

"""A scenario's file, YAML or CSV, to a checked scenario, or to every problem at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from controller.config.document import Document, read
from controller.config.problems import ConfigError, Problem
from controller.config.validate import check, did_you_mean
from controller.core.model import ANCHORS, USER_PATH, Policy
from controller.sim.check_orders import given
from controller.sim.check_scenario import check_scenario
from controller.sim.scenario import Condition, Expectation, Load, Outage, Scenario, Span
from controller.sim.scenario_file import EventSpec, ExpectSpec, LoadSpec, ScenarioDraft, ScenarioFile
from controller.sim.trace import trace
from controller.sim.words import brief

LARGEST_YAML = 2**20  # bytes
LARGEST_TRACE = 2**29  # a week of twenty links, second by second, takes half of that


class ScenarioError(ConfigError):
    """The scenario cannot be used. Carries every problem found."""

    where = "in the scenario"


def find(name: Path, library: Path) -> Path:
    """The file of this name, or the scenario of this name in the library. Raises ScenarioError."""
    own = library / f"{name}.yaml"
    if name.exists() or name.suffix:
        return name
    if own.exists():
        return own
    known = sorted(path.stem for path in library.glob("*.yaml"))
    there = f"There are: {', '.join(known)}." if known else "Name a file."
    message = f"there is no such file, and no such scenario in {library}"
    raise ScenarioError(library, [Problem(str(name), 0, 0, message, did_you_mean(str(name), known, there))])


def load(path: Path, policy: Policy) -> Scenario:
    """The scenario in this file, for this policy. Raises ScenarioError with every problem in it."""
    content = _content(path)
    if path.suffix == ".csv":
        found, problems = trace(path, content, policy)
    else:
        found, problems = scenario(path, content, policy)
    if found is None:
        raise ScenarioError(path.parent, problems)
    return found


def scenario(path: Path, content: bytes, policy: Policy) -> tuple[Scenario | None, list[Problem]]:
    """The scenario that this YAML tells, or None and all that is wrong with it."""
    name = path.name
    document = read(name, content)
    if document.root is None and not document.problems:
        hint = "Copy one of inventory/scenarios."
        document = Document(name, problems=(Problem(name, 1, 1, "this file is empty", hint),))
    checked = check(document, ScenarioFile, ScenarioDraft)
    problems = [*checked.problems, *check_scenario(checked, policy)]
    if problems:
        return None, sorted(set(problems))
    file = ScenarioFile.model_validate(document.data)
    usual = {
        link.name: file.usual[link.upstream] * 1000
        for link in policy.links.values()
        if link.upstream in file.usual
    }
    return (
        Scenario(
            title=file.title,
            about=" ".join(file.about.split()),
            lasts_s=file.lasts,
            spans=tuple(span for event in file.events for span in _spans(event, file.lasts, policy)),
            outages=tuple(each for event in file.events for each in _outages(event, file.lasts)),
            loads=tuple(each for load in file.traffic for each in _loads(load, file.lasts)),
            usual_ms=usual,
            expected=tuple(_expectation(claim, file.lasts) for claim in file.expect),
            begins_utc=datetime.fromisoformat(file.begins).replace(tzinfo=UTC).timestamp(),
            orders=tuple(given(order, number) for number, order in enumerate(file.orders, start=1)),
        ),
        [],
    )


def _content(path: Path) -> bytes:
    try:
        most = LARGEST_TRACE if path.suffix == ".csv" else LARGEST_YAML
        if path.stat().st_size > most:
            problem = Problem(
                path.name, 0, 0, f"this file is larger than {most} bytes", "Is it the right one?"
            )
            raise ScenarioError(path.parent, [problem])
        return path.read_bytes()
    except OSError as error:
        problem = Problem(str(path), 0, 0, f"it cannot be read: {error.strerror}", "Name a scenario's file.")
        raise ScenarioError(path.parent, [problem]) from error


def _loads(load: LoadSpec, lasts_s: float) -> Iterator[Load]:
    for start_s, end_s in _occurrences(load, lasts_s):
        yield Load(load.traffic_class, start_s, end_s, load.load)


def _occurrences(event: EventSpec | LoadSpec, lasts_s: float) -> Iterator[tuple[float, float]]:
    """Start and end of every time that it happens, within the scenario."""
    last_s = lasts_s if event.until is None else min(event.until, lasts_s)
    number, start_s = 0, event.at
    while start_s < last_s:
        yield start_s, lasts_s if event.lasts is None else min(start_s + event.lasts, lasts_s)
        if event.every is None:
            return
        number += 1
        start_s = event.at + number * event.every  # not added up: that would drift


def _spans(event: EventSpec, lasts_s: float, policy: Policy) -> Iterator[Span]:
    if event.becomes == "unreachable":
        return
    conditions = {
        "down": Condition(loss=1.0),
        "lossy": Condition(loss=event.loss or 0.0),
        "slow": Condition(extra_ms=(event.by or 0.0) * 1000),
        "jittery": Condition(jitter_ms=(event.by or 0.0) * 1000),
        "short": Condition(missing=event.missing or 0.0),
        "unknown": Condition(measured=False),
    }
    seen_only = event.only is not None
    paths = tuple(link.name for link in policy.links.values() if _befalls(event, link.name, policy))
    if event.all is not None and seen_only:
        paths = (*paths, USER_PATH, ANCHORS)  # what looks so through everything is the prober's own way
    for start_s, end_s in _occurrences(event, lasts_s):
        yield Span(paths, start_s, end_s, conditions[event.becomes], seen_only)


def _befalls(event: EventSpec, name: str, policy: Policy) -> bool:
    link = policy.links[name]
    return (
        event.all is not None
        or name == event.link
        or link.upstream == event.upstream
        or link.router == event.router
        or event.risk in policy.risks_of(link)
    )


def _outages(event: EventSpec, lasts_s: float) -> Iterator[Outage]:
    dead = event.becomes == "down" and event.only is None
    if event.router is not None and (dead or event.becomes == "unreachable"):
        for start_s, end_s in _occurrences(event, lasts_s):
            yield Outage(event.router, start_s, end_s, dead)


def _expectation(claim: ExpectSpec, lasts_s: float) -> Expectation:
    at = claim.at or 0.0
    return Expectation(
        text=_text(claim),
        traffic_class=claim.traffic_class,
        start_s=at if claim.carried_by else claim.after or 0.0,
        end_s=min(at + (claim.within or 0.0), lasts_s)
        if claim.carried_by
        else lasts_s
        if claim.before is None
        else claim.before,
        carried_by=claim.carried_by,
        most_moves=claim.most_moves,
        most_false_moves=claim.most_false_moves,
        least_availability=claim.availability,
        says=claim.says,
        frozen=claim.frozen,
    )


def _text(claim: ExpectSpec) -> str:
    who = claim.traffic_class or "every class"
    when = "".join(
        f" {word} {brief(at)}" for word, at in (("after", claim.after), ("before", claim.before)) if at
    )
    if claim.carried_by is not None:
        late = f", within {brief(claim.within)}" if claim.within else ""
        return f"{who} is carried by {claim.carried_by} at {brief(claim.at or 0.0)}{late}"
    if claim.most_moves is not None:
        return f"{who} moves {claim.most_moves} times at most{when}"
    if claim.most_false_moves is not None:
        return f"{who} leaves a path that was well {claim.most_false_moves} times at most{when}"
    if claim.availability is not None:
        return f"{who} has a path that works for {claim.availability * 100:g} % of the time"
    what = "a decision that changes nothing out of doubt" if claim.frozen else "a decision"
    return f"there is {what}{when}" + (f" that says {claim.says!r}" if claim.says else "")

"""``decide``: what the routers should run, given what is seen, and every reason for it.

The order of thought: can I trust what I see; who may carry each class; who should; is it time; is it
safe. One rule a file in ``rules/``; here is only the frame around them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from controller.core.explain import changed, describe_move, names, one_line, sentence
from controller.core.model import (
    ANCHORS,
    ControlState,
    Decision,
    Delay,
    Held,
    Moment,
    Policy,
    TrafficClass,
    Verdict,
)
from controller.core.rules import (
    calendar,
    capacity,
    congestion,
    course,
    eligibility,
    fitness,
    people,
    snapshot,
    together,
    trust,
    users,
)
from controller.core.rules.snapshot import Snapshot
from controller.core.rules.vantage import Believed, believe
from controller.core.stability import acknowledged, record_move, remember

__all__ = ["decide", "record_move"]

ROOM_SOON_S = 0.5  # what a move makes room for is looked at so soon after it


def decide(policy: Policy, moment: Moment) -> tuple[Decision, ControlState]:
    """The desired state of the network, and the state with memories of links brought up to date.

    A class or link that the decision's assignment does not mention is to be left alone.

    Pure and deterministic; the order of mappings does not matter, except that of classes in sentences.
    Deciding again once the decision is applied and booked (``record_move``) changes nothing.
    """
    health, state, now = moment.health, moment.state, moment.now
    believed = believe(policy, snapshot.complete(policy, health), health.get(ANCHORS), state, now)
    seen = believed.health
    cautious = replace(remember(policy, seen, state, now, count_failures=False), doubted=believed.doubted)
    view = snapshot.take(policy, replace(moment, health=seen, state=cautious))
    doubt = trust.doubt(view, health, moment.vantage)
    if doubt is not None:
        frozen = Decision(
            assignment=view.current,
            sentence=one_line(doubt.sentence),
            reasons=doubt.reasons,
            frozen=True,
            notices=moment.vantage.notices,
            decide_again_at=_first(doubt.until, believed.until),
        )
        return frozen, cautious
    joints = together.joints(policy, seen)
    planned = tuple(calendar.maintenance(policy, moment.windows))
    orders = people.in_force(policy, (*planned, *moment.overrides), now)
    remembered = replace(
        remember(policy, seen, state, now, count_failures=True),
        doubted=believed.doubted,
        together=together.remember(state.together, joints, policy, now),
        fitness=fitness.remember(policy, seen, state, now),
    )
    remembered = acknowledged(remembered, orders.acknowledged)
    view = replace(view, state=remembered, hit=together.hit(joints), orders=orders)
    decision = _think(view)
    if decision.assignment != view.current:
        # Once this is done the clocks run anew: what they will hold then must be looked at again, too.
        done = view.once_moved(
            record_move(remembered, decision, view.current, now),
            {name: {**view.current[name], **decision.assignment[name]} for name in policy.classes},
        )
        then = _think(done)
        soon = now + ROOM_SOON_S if then.assignment != done.current else None
        again_at = _first(decision.decide_again_at, then.decide_again_at, soon)
        decision = replace(decision, decide_again_at=again_at)
    return _paused(_told(decision, view, believed, joints, moment), view), remembered


def _paused(decision: Decision, view: Snapshot) -> Decision:
    """People want nothing pushed: what would be is said, and held."""
    pause = view.orders.pause
    if pause is None:
        return decision
    held = [
        Held(name, describe_move(name, view.current[name], placed), people.told(pause), pause.until)
        for name, placed in decision.assignment.items()
        if changed(view.current[name], placed)
    ]
    would = f"would have: {decision.sentence}" if held else decision.sentence
    return replace(
        decision,
        assignment=view.current,
        sentence=one_line(f"{people.told(pause)}; {would}"),
        held=(*decision.held, *held),
        frozen=True,
        escape=False,
    )


def _told(
    decision: Decision,
    view: Snapshot,
    believed: Believed,
    joints: Sequence[together.Joint],
    moment: Moment,
) -> Decision:
    """With what else there is to be said of this moment."""
    contrast = users.contrast(view, moment.health)
    clauses = [
        *(reason.text for reason in view.orders.reasons if reason.text not in decision.sentence),
        *(reason.text for reason in believed.reasons),
        *(joint.text for joint in joints if joint.shared and view.now - joint.at < together.RECENT_S),
        *([contrast[0]] if contrast else []),
    ]
    notices = (
        *decision.notices,
        *moment.vantage.notices,
        *view.orders.notices,
        *trust.notices(view, moment.health),
        *together.notices(joints, view.state.together),
        *([contrast[1]] if contrast else []),
    )
    return replace(
        decision,
        sentence=one_line("; ".join([decision.sentence, *clauses])),
        reasons=(*view.orders.reasons, *believed.reasons, *decision.reasons),
        notices=notices,
        decide_again_at=_first(
            decision.decide_again_at,
            believed.until,
            view.orders.until,
            calendar.next_at(view.windows),
            fitness.next_at(view.policy, view.state),
        ),
    )


def _think(view: Snapshot) -> Decision:
    classes = view.policy.classes
    timely = {name: _at_this_hour(view, each) for name, each in classes.items()}
    relief = congestion.relieve(view, timely, capacity.begin(view))
    claims = relief.claims
    found = {}
    for name in capacity.order(classes):
        found[name] = course.think(view, timely[name], capacity.seen_by(claims, classes, name))
        claims = capacity.after(view, claims, name, found[name].placements)
    thoughts = {name: found[name] for name in classes}
    held = tuple(hold for thought in thoughts.values() for hold in thought.held)
    return Decision(
        assignment={name: thought.placements for name, thought in thoughts.items()},
        sentence=sentence((thought.clause for thought in thoughts.values()), _links_tail(view)),
        reasons=(*eligibility.reasons(view), *(r for thought in thoughts.values() for r in thought.reasons)),
        held=held,
        notices=relief.notices,
        escape=any(thought.escape for thought in thoughts.values()),
        moves={name: thought.move for name, thought in thoughts.items() if thought.move is not None},
        decide_again_at=_first(
            relief.again_at,
            *(hold.until for hold in held),
            *(thought.again_at for thought in thoughts.values()),
        ),
    )


def _at_this_hour(view: Snapshot, traffic_class: TrafficClass) -> TrafficClass:
    """The class with what it prefers now: by the hour, and before that by order of people."""
    return people.preferring(view.orders, calendar.preferring(traffic_class, view.windows))


def _first(*times: float | None) -> float | None:
    return min((at for at in times if at is not None), default=None)


def _links_tail(view: Snapshot) -> str:
    """How the links are, to end a calm sentence: ``, all 4 links up``."""
    total = len(view.health)
    others = [
        f"{link} {trust.judged(health)}"
        for link, health in view.health.items()
        if health.verdict is not Verdict.UP or health.suspect or health.delay is Delay.BROWNOUT
    ]
    if not others:
        return f", all {total} links up"
    return f", {total - len(others)} of {total} links up ({names(others)})"

"""``decide``: what the routers should run, given what is seen, and every reason for it.

The order of thought: can I trust what I see; who may carry each class; who should; is it time; is it
safe. One rule a file in ``rules/``; here is only the frame around them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from controller.core.explain import names, one_line, sentence
from controller.core.model import (
    USER_PATH,
    Assignment,
    ControlState,
    Decision,
    Delay,
    Health,
    Policy,
    Verdict,
)
from controller.core.rules import course, eligibility, snapshot, trust
from controller.core.rules.snapshot import Snapshot
from controller.core.stability import record_move, remember

__all__ = ["decide", "record_move"]


def decide(
    policy: Policy,
    health: Mapping[str, Health],
    state: ControlState,
    now: float,
    current: Assignment | None,
    *,
    unreachable: frozenset[str] = frozenset(),
) -> tuple[Decision, ControlState]:
    """The desired state of the network, and the state with memories of links brought up to date.

    ``health`` maps links, and ``USER_PATH`` where it is probed; links without an entry are unknown.
    ``current`` is what the routers are seen to run (class -> link -> placement; links of routers that
    run no role policy yet are missing; None at first contact). Routers in ``unreachable`` cannot be
    changed now. A class or link that the decision's assignment does not mention is to be left alone.

    Pure and deterministic; the order of mappings does not matter, except that of classes in sentences.
    Deciding again once the decision is applied and booked (``record_move``) changes nothing.
    """
    seen = snapshot.complete(policy, health)
    cautious = remember(policy, seen, state, now, count_failures=False)
    view = snapshot.take(policy, seen, cautious, now, current, unreachable)
    doubt = trust.doubt(view, health.get(USER_PATH))
    if doubt is not None:
        frozen = Decision(
            assignment=view.current,
            sentence=one_line(doubt.sentence),
            reasons=doubt.reasons,
            frozen=True,
            decide_again_at=doubt.until,
        )
        return frozen, cautious
    remembered = remember(policy, seen, state, now, count_failures=True)
    view = snapshot.take(policy, seen, remembered, now, current, unreachable)
    decision = _think(view)
    if decision.assignment != view.current:
        # Once this is done the clocks run anew: what they will hold then must be looked at again, too.
        done = replace(
            view,
            state=record_move(remembered, decision, view.current, now),
            current={name: {**view.current[name], **decision.assignment[name]} for name in policy.classes},
        )
        at = [at for at in (decision.decide_again_at, _think(done).decide_again_at) if at is not None]
        decision = replace(decision, decide_again_at=min(at, default=None))
    return decision, remembered


def _think(view: Snapshot) -> Decision:
    classes = view.policy.classes
    thoughts = {name: course.think(view, classes[name]) for name in classes}
    held = tuple(hold for thought in thoughts.values() for hold in thought.held)
    return Decision(
        assignment={name: thought.placements for name, thought in thoughts.items()},
        sentence=sentence((thought.clause for thought in thoughts.values()), _links_tail(view)),
        reasons=(*eligibility.reasons(view), *(r for thought in thoughts.values() for r in thought.reasons)),
        held=held,
        escape=any(thought.escape for thought in thoughts.values()),
        decide_again_at=min((hold.until for hold in held if hold.until is not None), default=None),
    )


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

"""What is remembered so that the controller stays calm: failures of links, moves of the last hour.

This is the damping of RFC 2439 with the lesson of RFC 7196: one failure costs the plain wait, for a single
flap is no offence, and only repeat offenders wait long.

Clean time is counted, not wall time: any evidence against a link starts it anew. Each failure doubles
the clean time asked for, because decay by the clock alone forgets a link that fails every ten minutes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import replace

from controller.core.model import (
    PRIMARY,
    Assignment,
    ControlState,
    Decision,
    Delay,
    Health,
    LinkMemory,
    Move,
    MoveKind,
    Placement,
    Policy,
    StabilityPolicy,
    Verdict,
)

HOUR_S = 3600.0
ESCAPE = "escape"  # rule name of the reason that marks a class as leaving a dead path in this decision
MOST_MOVES = 100  # remembered of a class: no policy asks for more before it blocks
MAX_DOUBLINGS = 32  # 2**32 s is beyond every cap; keeps the power of a flapper of years small
NEW = LinkMemory()
BAD = frozenset({Verdict.DOWN, Verdict.DEGRADED})


def remember(
    policy: Policy, health: Mapping[str, Health], state: ControlState, now: float, *, count_failures: bool
) -> ControlState:
    """The state with link memories brought up to date from health, and whatever is too old dropped.

    ``count_failures`` is False while the controller does not trust what it sees: its own outage must
    not make every link a repeat offender. Health of every link of the policy is expected.
    """
    links = {
        name: _brownouts(
            state.links.get(name, NEW), memory, health[name], now, policy.stability, count_failures
        )
        for name in sorted(policy.links)
        if (memory := _link(state.links.get(name), health[name], now, policy.stability, count_failures))
    }
    return replace(
        state,
        links=links,
        moved_at={name: min(at, now) for name, at in state.moved_at.items() if name in policy.classes},
        routine=_last_hour(state.routine, now),
        escapes=_last_hour(state.escapes, now),
        moves={name: _not_after(now, times) for name, times in state.moves.items() if name in policy.classes},
        fled={name: choices for name, choices in state.fled.items() if name in policy.classes},
    )


def acknowledged(state: ControlState, classes: Iterable[str]) -> ControlState:
    """The state once people have looked at the moves of these classes: they count no more."""
    known = set(classes)
    return replace(state, moves={name: times for name, times in state.moves.items() if name not in known})


def _link(
    memory: LinkMemory | None, health: Health, now: float, rule: StabilityPolicy, count: bool
) -> LinkMemory | None:
    memory = _forget(memory, now, rule)
    since = min(health.since, now)
    if health.verdict in BAD:
        was_clean = memory is None or memory.clean_since is not None
        if memory is not None and not was_clean and memory.last_failure is not None:
            return memory  # the same failure goes on
        # While failing, no time of last failure means: seen, not counted yet. Loss is never the prober's
        # own silence: its beginning is always noted, so that it is not taken for a return from an outage.
        noted = count or (was_clean and health.verdict is Verdict.DEGRADED)
        return LinkMemory(None, (memory.failures if memory else 0) + count, since if noted else None)
    if health.verdict is Verdict.UP:
        return _up(memory, since, now, suspect=health.suspect)
    if memory is None or memory.clean_since is None:
        return memory
    return replace(memory, clean_since=max(memory.clean_since, since))


def _up(memory: LinkMemory | None, since: float, now: float, *, suspect: bool) -> LinkMemory:
    if memory is None:
        return LinkMemory(now if suspect else since)
    if memory.clean_since is None:
        return LinkMemory(now, memory.failures, now)
    clean_since = now if suspect else max(min(memory.clean_since, now), since)
    return memory if clean_since == memory.clean_since else replace(memory, clean_since=clean_since)


def _brownouts(
    before: LinkMemory, after: LinkMemory, health: Health, now: float, rule: StabilityPolicy, count: bool
) -> LinkMemory:
    """The memory ``after`` this moment with that of brownouts; while a link does not answer, none ends."""
    brownout, brownouts, ended = before.brownout, before.brownouts, before.brownout_ended
    if ended is not None and not brownout and ended + rule.fail_back_forgotten_after_s <= now:
        brownouts, ended = 0, None
    if health.delay is Delay.BROWNOUT:
        begins = count and not brownout
        brownout, brownouts = brownout or begins, brownouts + begins
    elif brownout and health.verdict in (Verdict.UP, Verdict.DEGRADED):
        brownout, ended = False, now
    if (brownout, brownouts, ended) == (after.brownout, after.brownouts, after.brownout_ended):
        return after
    return replace(after, brownout=brownout, brownouts=brownouts, brownout_ended=ended)


def _forget(memory: LinkMemory | None, now: float, rule: StabilityPolicy) -> LinkMemory | None:
    return memory if memory is None or forgotten_at(rule, memory) > now else LinkMemory(memory.clean_since)


def forgotten_at(rule: StabilityPolicy, memory: LinkMemory) -> float:
    """When a link's failures are forgotten; infinite while it fails, and where there are none."""
    if memory.clean_since is None or memory.last_failure is None:
        return math.inf
    return memory.last_failure + rule.fail_back_forgotten_after_s


def clean_needed_s(rule: StabilityPolicy, failures: int) -> float:
    """Clean time that a link with this many failures needs before traffic returns to it."""
    doubled = rule.fail_back_clean_s * 2.0 ** min(max(failures - 1, 0), MAX_DOUBLINGS)
    return min(doubled, max(rule.fail_back_doubles_up_to_s, rule.fail_back_clean_s))


def ready_at(rule: StabilityPolicy, memory: LinkMemory) -> float:
    """When a link has been clean for long enough, should it stay clean; infinite while it fails."""
    if memory.clean_since is None:
        return math.inf
    doubled = memory.clean_since + clean_needed_s(rule, memory.failures)
    if memory.last_failure is None:
        return doubled
    forgotten = max(
        memory.last_failure + rule.fail_back_forgotten_after_s, memory.clean_since + rule.fail_back_clean_s
    )
    return min(doubled, forgotten)


def swift_at(rule: StabilityPolicy, memory: LinkMemory) -> float:
    """When a link's last brownout is long enough ago, should none follow; infinite in one."""
    if memory.brownout:
        return math.inf
    if memory.brownout_ended is None:
        return -math.inf
    forgotten_s = max(rule.fail_back_forgotten_after_s, rule.fail_back_clean_s)
    return memory.brownout_ended + min(clean_needed_s(rule, memory.brownouts), forgotten_s)


def room_at(times: Iterable[float], per_hour: int, now: float) -> float:
    """When one more change fits into the budget: ``now`` if it does already, infinite if it never will."""
    if per_hour <= 0:
        return math.inf
    used = sorted(_last_hour(times, now))
    return now if len(used) < per_hour else used[len(used) - per_hour] + HOUR_S


def _last_hour(times: Iterable[float], now: float) -> tuple[float, ...]:
    return tuple(at for at in (min(at, now) for at in times) if at + HOUR_S > now)


def primaries(placements: Mapping[str, Placement]) -> frozenset[str]:
    """The links that carry the class."""
    return frozenset(link for link, placement in placements.items() if placement.role == PRIMARY)


def carriers(current: Assignment) -> frozenset[str]:
    """The links that carry the first class that any link carries."""
    return next((links for placed in current.values() if (links := primaries(placed))), frozenset())


def record_move(
    state: ControlState, decision: Decision, current: Assignment | None, now: float
) -> ControlState:
    """The state after the decision was really pushed to routers that ran ``current`` before.

    One push is one change, however many classes and links it touches: a failure common to fifty classes
    must not need fifty escapes. An escape and a routine change in one push count against both budgets.
    Links that ran no role policy yet are installed, which is no change. Pushing nothing books nothing.
    """
    escaping = {reason.subject for reason in decision.reasons if reason.rule == ESCAPE}
    moved_at, moves, fled = dict(state.moved_at), dict(state.moves), dict(state.fled)
    escaped = routine = False
    for name, placements in decision.assignment.items():
        before = (current or {}).get(name, {})
        if placements == before:
            continue
        after, was = placements, before
        if placements.keys() != before.keys():
            after = {link: placement for link, placement in placements.items() if link in before}
            was = {link: before[link] for link in after}
        if decision.frozen or after == was:
            continue
        if name in escaping:
            escaped = True
        else:
            routine = True
        if primaries(after) != primaries(was):
            moved_at[name] = now
            move = decision.moves.get(name)
            if move is not None:
                fled[name] = _fled(fled.get(name, ()), move)
                if move.kind is not MoveKind.ORDERED:
                    moves[name] = (*moves.get(name, ()), now)[-MOST_MOVES:]
    return replace(
        state,
        moved_at=moved_at,
        moves=moves,
        fled={name: choices for name, choices in fled.items() if choices},
        routine=_last_hour((*state.routine, now) if routine else state.routine, now),
        escapes=_last_hour((*state.escapes, now) if escaped else state.escapes, now),
    )


def _fled(before: tuple[str, ...], move: Move) -> tuple[str, ...]:
    """The choices that a class had to leave and has not returned to."""
    left = (move.origin,) if move.kind in (MoveKind.ESCAPE, MoveKind.LEFT) else ()
    return tuple(name for name in dict.fromkeys((*before, *left)) if name != move.destination)


def _not_after(now: float, times: Iterable[float]) -> tuple[float, ...]:
    return tuple(min(at, now) for at in times)

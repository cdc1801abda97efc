"""push -> verify -> confirm, or undo: how a change reaches routers, whoever asked for it.

The loop and ``failover apply`` both go through here, so that nothing is ever kept on a router unverified.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from controller.core.model import Applied, Attachment, Health, Outcome, RolledBack
from controller.ports import Clock, Fleet, RouterState

UserPathCheck = Callable[[float], Awaitable[str | None]]
"""Given the time of the push: None when users' traffic is served (or was not before), else what is wrong."""

FailingLinks = Callable[[], frozenset[str]]
"""Links that do not forward right now: a session lost on one is its own doing, not the push's."""

Sessions = frozenset[tuple[str, str]]


def _none() -> frozenset[str]:
    return frozenset()


class Delivery:
    """Carries changes to routers and keeps only what is seen to work."""

    def __init__(self, fleet: Fleet, clock: Clock, log: Any) -> None:
        self._fleet, self._clock, self._log = fleet, clock, log

    async def settle(
        self,
        results: Mapping[str, Outcome],
        wanted: Mapping[str, Sequence[Attachment]],
        before: Mapping[str, RouterState],
        user_path: UserPathCheck,
        timings_ms: dict[str, float],
        failing: FailingLinks = _none,
    ) -> dict[str, Outcome]:
        """Verify what was just committed; confirm what is well, undo what is not.

        ``results`` are the outcomes of Fleet.change or Fleet.push, where Applied is not yet confirmed.
        ``timings_ms`` gets ``verify`` and ``confirm`` added. ``failing`` is asked last.
        """
        outcomes = dict(results)
        committed = sorted(name for name, outcome in outcomes.items() if isinstance(outcome, Applied))
        if not committed:
            return outcomes
        pushed = self._clock.now()
        wrong = await self._wrong(committed, wanted, before, user_path, failing)
        verified = self._clock.now()
        for name, why in wrong.items():
            self._log.error(f"{name}: the push is undone: {why}")
        undone = await self._fleet.rollback(sorted(wrong)) if wrong else {}
        kept = [name for name in committed if name not in wrong]
        confirmed = await self._fleet.confirm(kept) if kept else {}
        for name in committed:
            applied = outcomes[name]
            diff = applied.diff if isinstance(applied, Applied) else ""
            if name in wrong:
                error = undone.get(name)
                text = (
                    f"{wrong[name]}; undoing failed ({error}): the router goes back by itself"
                    if error
                    else wrong[name]
                )
                outcomes[name] = RolledBack(name, diff, text)
            elif error := confirmed.get(name):
                outcomes[name] = RolledBack(
                    name, diff, f"not confirmed ({error}); the router goes back by itself"
                )
        timings_ms["verify"] = timings_ms.get("verify", 0.0) + (verified - pushed) * 1000
        timings_ms["confirm"] = timings_ms.get("confirm", 0.0) + (self._clock.now() - verified) * 1000
        return outcomes

    async def _wrong(
        self,
        committed: Sequence[str],
        wanted: Mapping[str, Sequence[Attachment]],
        before: Mapping[str, RouterState],
        user_path: UserPathCheck,
        failing: FailingLinks,
    ) -> dict[str, str]:
        """What is wrong, by router; empty when all is well. The user path is everybody's."""
        lost_users = await user_path(self._clock.now())
        if lost_users:
            return dict.fromkeys(committed, lost_users)
        wrong: dict[str, str] = {}
        states = await self._fleet.read(committed)
        excused = failing()
        for name, state in states.items():
            gone = established(before.get(name)) - established(state)
            lost = {(link, family) for link, family in gone if link not in excused}
            if state.error:
                wrong[name] = f"could not be read back: {state.error}"
            elif set(wanted[name]) - set(state.attachments):
                wrong[name] = "does not use the role policies that were pushed"
            elif lost:
                names = ", ".join(f"{link} {family}" for link, family in sorted(lost))
                wrong[name] = f"lost BGP sessions: {names}"
        return wrong


def served(health: Health | None, since: float, now: float, ride_out_s: float) -> bool:
    """Whether the path answers in every family, seen for long enough after ``since`` to know."""
    families = health.families.values() if health else ()
    answers = bool(families) and all(f.silent_s is None and f.answering for f in families)
    return answers and now - since >= ride_out_s


def established(state: RouterState | None) -> Sessions:
    """The sessions of a router that are up, as (link, family)."""
    if state is None:
        return frozenset()
    return frozenset((s.link, s.family.value) for s in state.sessions if s.established)

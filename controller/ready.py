"""In calm, one failure after the other is thought through; when one comes, that is held against what is done.

What has no answer, or has lost a safe one, is said before it happens. That what is pushed was foreseen is a
reason of the decision. The commands for it are loaded and checked ahead by the loop's rehearsal.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from controller.core.explain import describe_assignment, duration
from controller.core.model import Assignment, Decision, Health, Moment, Policy, Reason, Verdict
from controller.core.readiness import Answer, Failure, answer, calm, failures, lost

RULE: Final = "readiness"
EVERY_S: Final = 1.0
SHARE: Final = 0.05  # of a core, at most


@dataclass(frozen=True, slots=True)
class _Thought:
    """A failure as it was last thought through."""

    answer: Answer
    at: float
    down: frozenset[str]  # links that were down already
    absent: frozenset[str]  # routers that were out of reach already


class Readiness:
    """What every single failure would lead to, each answer as old as a round takes at most."""

    def __init__(
        self, policy: Policy, moment: Callable[[], Moment | None], on_change: Callable[[], None]
    ) -> None:
        """``moment`` gives None while there is something else to think about."""
        self._policy, self._moment, self._on_change = policy, moment, on_change
        self._thoughts: dict[Failure, _Thought] = {}
        self._at_best: dict[Failure, tuple[str, ...]] = {}  # classes exposed though every link is well

    async def follow(self) -> None:
        """Think of one failure every ``EVERY_S``, more slowly where that takes long."""
        while True:
            await asyncio.sleep(EVERY_S)  # also where there is nothing that may fail
            for failure in failures(self._policy):
                began = time.process_time()
                moment = self._moment()
                if moment is not None:
                    self._think(failure, moment)
                await asyncio.sleep(max(EVERY_S, (time.process_time() - began) / SHARE))

    def _think(self, failure: Failure, moment: Moment) -> None:
        if failure not in self._at_best:
            best = calm(self._policy, moment.now, moment.windows)
            self._at_best[failure] = answer(failure, self._policy, best).exposed
        before = self.notices()
        found = answer(failure, self._policy, moment)
        down = self._down(moment.health)
        self._thoughts[failure] = _Thought(found, moment.now, down, moment.unreachable)
        if self.notices() != before:
            self._on_change()

    # --- before it happens ---------------------------------------------------------------------

    def notices(self) -> tuple[Reason, ...]:
        """Failures that would leave a class with nothing to carry it, or with less than at best."""
        stranding = [
            Reason(RULE, failure.name, f"should {failure.name} fail now, {lost(stranded)}")
            for failure, thought in self._thoughts.items()
            if (stranded := thought.answer.stranded)
        ]
        return (*stranding, *filter(None, map(self._exposing, self._policy.classes)))

    def _exposing(self, name: str) -> Reason | None:
        """All failures that would take a class's last disjoint backup, though at best there would be one."""
        found = [
            failure.name
            for failure, thought in sorted(self._thoughts.items(), key=lambda each: each[0].name)
            if name in thought.answer.exposed and name not in self._at_best[failure]
        ]
        if not found or not self._policy.classes[name].backups_disjoint:
            return None
        which = found[0] if len(found) == 1 else f"any of {'; '.join(found)}"
        return Reason(
            RULE, f"backups of {name}", f"should {which} fail now, no disjoint backup is left for {name}"
        )

    # --- when it does --------------------------------------------------------------------------

    def foreseen(
        self, decision: Decision, health: Mapping[str, Health], absent: frozenset[str], now: float
    ) -> tuple[Reason, ...]:
        """Whether this decision is the answer that was thought of before; nothing where none was."""
        found = self._struck(self._down(health), absent)
        if found is None:
            return ()
        failure, thought = found
        ago = duration(now - thought.at)
        expected = self._reachable(thought.answer.decision.assignment, failure)
        others = describe_assignment(expected, self._reachable(decision.assignment, failure))
        text = f"foreseen, and last thought through {ago} ago"
        if others:
            text = f"thought through {ago} ago, and decided otherwise now: {'; '.join(others)}"
        return (Reason(RULE, failure.name, text),)

    def _struck(self, down: frozenset[str], absent: frozenset[str]) -> tuple[Failure, _Thought] | None:
        """The failure that has come since it was thought through; a router's only where no other fits."""
        fitting = [
            (failure, thought)
            for failure, thought in self._thoughts.items()
            if (struck := down - thought.down)
            and struck == failure.links - thought.down
            and absent - thought.absent <= failure.routers
        ]
        return min(fitting, key=lambda each: len(each[0].routers - absent), default=None)

    def _down(self, health: Mapping[str, Health]) -> frozenset[str]:
        return frozenset(link for link in self._policy.links if _is_down(health.get(link)))

    def _reachable(self, assignment: Assignment, failure: Failure) -> Assignment:
        """Without the links of routers that the failure takes along."""
        links = self._policy.links
        return {
            name: {link: each for link, each in placed.items() if links[link].router not in failure.routers}
            for name, placed in assignment.items()
        }


def _is_down(health: Health | None) -> bool:
    return health is not None and health.verdict is Verdict.DOWN

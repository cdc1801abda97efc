"""Leave-one-out: as many watches as targets, each blind to one of them; the least convinced speaks."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Final

from controller.core.grey_model import Model, Watch, after_answers, after_loss

GROUPS: Final = 5  # more targets than this are left out by the group
FEWEST: Final = 2  # targets: each is then judged alone, and both must lose; of one, nobody is left to speak
NOTABLE: Final = 4.0  # nats; less evidence than this is told as none


def empanelled(targets: int, now: float) -> tuple[Watch, ...]:
    """Watches that have seen nothing: none for too few targets."""
    return (Watch(now),) * (min(targets, GROUPS) if targets >= FEWEST else 0)


class Jury:
    """The watches at work. ``answered``, cumulative per target, is the caller's to count up."""

    def __init__(self, model: Model, watches: Sequence[Watch], answered: list[int], cap: float) -> None:
        self.watches = list(watches)
        self.answered = answered
        self._model = model
        self._cap = cap

    @property
    def ceiling(self) -> float:
        """Evidence cannot exceed this before the next loss."""
        return min((watch.ceiling for watch in self.watches), default=0.0)

    def start_anew(self, at: float) -> None:
        """Forget all evidence."""
        self.watches = [Watch(at, self._answers_without(group)) for group in range(len(self.watches))]

    def lose(self, target: int, at: float) -> None:
        """A probe of ``target``, sent ``at``, was lost: all watches hear of it but the one blind to it."""
        groups = len(self.watches)
        for group in range(groups):
            if group != target % groups:
                watch = self._brought_up(group, at)
                answered = self.answered[target]
                self.watches[group] = after_loss(self._model, watch, target, answered, self._cap)

    def evidence(self, at: float) -> float:
        """That of the least convinced watch, looking no further once one is not convinced; 0: not notable."""
        least = inf
        for group in sorted(range(len(self.watches)), key=lambda each: self.watches[each].ceiling):
            watch = self.watches[group]
            if watch.ceiling >= NOTABLE and watch.answers != self._answers_without(group):
                watch = self.watches[group] = self._brought_up(group, at)
            least = min(least, watch.score)
            if least < NOTABLE:
                return 0.0
        return 0.0 if least == inf else least

    def _answers_without(self, group: int) -> int:
        return sum(self.answered) - sum(self.answered[group :: len(self.watches)])

    def _brought_up(self, group: int, at: float) -> Watch:
        answers = self._answers_without(group)
        return after_answers(self._model, self.watches[group], at, answers, self.answered)

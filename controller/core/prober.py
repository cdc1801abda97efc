"""Is the prober itself well? What it cannot send or hear in time is no fault of any link."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from math import floor
from typing import Final, NamedTuple

from controller.core.model import HealthPolicy, Reason, Sample, SampleState, Vantage

RULE: Final = "prober"
WINDOW_S: Final = 10  # what is told is about the last so many seconds
TOO_MANY: Final = 0.5  # of the probes invalid, or of the time stood still: what is left says too little
ENOUGH: Final = 20  # results, before a share of them means anything
STOOD_STILL_S: Final = 0.5  # between two looks, which come many times a second: the whole process hung
SILENT_S: Final = 3.0  # without any probe coming to an end, at ordinary rates
SILENT_PROBES: Final = 3  # or in the time of so many, where probing is slow


class Second(NamedTuple):
    """What came within one second."""

    at: int
    results: Mapping[str, int] = {}  # path -> probes that came to an end
    invalid: Mapping[str, int] = {}  # path -> those that ended as the prober's own trouble
    stood_still_s: float = 0.0


@dataclass(frozen=True, slots=True)
class ProberState:
    """How the prober has fared of late. A value: ``after`` gives the next. Bounded: ten seconds of counts."""

    at: float  # when it was last looked at
    heard_at: float  # when a probe last came to an end
    silent_s: float = SILENT_S  # with no probe coming to an end for longer, something is wrong
    seconds: tuple[Second, ...] = ()
    details: Mapping[str, str] = field(
        default_factory=dict
    )  # path -> what was said of its last invalid probe

    @classmethod
    def fresh(cls, policy: HealthPolicy, now: float) -> ProberState:
        """Nothing heard yet."""
        often_s = min((policy.interval_of(target) for target in policy.targets), default=policy.interval_s)
        return cls(now, now, max(SILENT_S, SILENT_PROBES * often_s + policy.timeout_s))

    def after(self, samples: Iterable[Sample], now: float) -> ProberState:
        """The state after another look that brought these samples; looks come even when nothing else does."""
        ended = [sample for sample in samples if sample.state is not SampleState.SENT]
        if not ended and now - self.at <= STOOD_STILL_S and floor(now) == floor(self.at):
            return replace(self, at=now)
        invalid = [sample for sample in ended if sample.state is SampleState.INVALID]
        gap_s = now - self.at
        this = floor(now)
        known = next((each for each in self.seconds if each.at == this), Second(this))
        second = Second(
            at=this,
            results=Counter(known.results) + Counter(sample.path for sample in ended),
            invalid=Counter(known.invalid) + Counter(sample.path for sample in invalid),
            stood_still_s=known.stood_still_s + (gap_s if gap_s > STOOD_STILL_S else 0.0),
        )
        past = (each for each in self.seconds if this - WINDOW_S < each.at < this)
        return replace(
            self,
            at=now,
            heard_at=now if ended else self.heard_at,
            seconds=(*past, second),
            details={**self.details, **{sample.path: sample.detail for sample in invalid}},
        )

    def vantage(self, now: float) -> Vantage:
        """What of that is worth saying, and whether anything that was probed can be believed."""
        quiet_s = now - self.heard_at
        if quiet_s > self.silent_s:
            return Vantage(f"the prober is silent: no probe has come to an end for {quiet_s:.0f} s")
        still_s = sum(each.stood_still_s for each in self.seconds)
        if still_s > TOO_MANY * WINDOW_S:
            text = f"the prober is starved: it stood still for {still_s:.0f} s of the last {WINDOW_S} s"
            return Vantage(text)
        results = sum((Counter(each.results) for each in self.seconds), Counter[str]())
        invalid = sum((Counter(each.invalid) for each in self.seconds), Counter[str]())
        if _too_many(invalid.total(), results.total()):
            percent = 100 * invalid.total() / results.total()
            text = (
                f"the prober is starved: {percent:.0f} % of its probes of the last {WINDOW_S} s are invalid"
            )
            return Vantage(text)
        troubled = [path for path in sorted(results) if _too_many(invalid[path], results[path])]
        return Vantage(notices=tuple(self._notice(path, invalid[path], results[path]) for path in troubled))

    def _notice(self, path: str, invalid: int, results: int) -> Reason:
        percent = 100 * invalid / results
        text = f"{path}: {percent:.0f} % of its probes of the last {WINDOW_S} s are invalid"
        detail = self.details.get(path)
        return Reason(RULE, path, f"{text} ({detail})" if detail else text)


def _too_many(invalid: int, results: int) -> bool:
    return results >= ENOUGH and invalid > TOO_MANY * results

"""How one path looks to the controller while its condition changes: health, with the delays of the detectors.

No probes are simulated. What grows with every probe in ``core/detect`` grows with time here, as fast as
``core/promise`` says: silence until ``ride_out``, evidence of loss until its threshold. Between two changes
of the condition all is known ahead, so there is work at ``next_at`` only.
"""

from __future__ import annotations

from math import inf, log
from typing import Final

from controller.core.delay import ANSWERING, of_link, with_delay
from controller.core.explain import duration
from controller.core.grey import CLEAN, FADES, HEADROOM, SUSPECT
from controller.core.judgement import Facts, quorum, stands
from controller.core.judgement_text import LABEL, why
from controller.core.model import (
    DOUBTFUL,
    Delay,
    Family,
    FamilyHealth,
    Health,
    HealthPolicy,
    Signal,
    Verdict,
)
from controller.core.prefixes import KIND
from controller.core.promise import Promise
from controller.sim.gauge import LATE_S, Gauge
from controller.sim.scenario import WELL, Condition
from controller.sim.slowness import Slowness

POLL_S: Final = 0.5  # routers are asked of sessions and tables this often
WITNESS: Final = "witness"  # what a trace has of witnesses
PREFIXES: Final = 1000  # that are usual on every session, so that a share of them is a number
# Of -ln(1 - loss) nats, so much evidence of such loss is taken back by an answered probe: as in core/grey.
TAKEN_BACK: Final = 0.65
LEAST_LOSS: Final = 0.02  # or evidence would take for ever to go
LONG_S: Final = 7 * 86400.0  # that every path has been well when a scenario begins

Mark = tuple[Verdict, bool, bool, bool, bool, Delay]


class Eye:
    """One path, as seen: ``take`` what befalls it, ``advance``, read ``mark`` and ``health``.

    ``mark`` is what ``core.cycle.signature`` would say of its health, without making one.
    """

    def __init__(
        self, name: str, families: tuple[Family, ...], rule: HealthPolicy, promise: Promise, usual_ms: float
    ) -> None:
        """``promise``: of the family that notices first; families are taken to fare alike."""
        self.name, self._families, self._rule, self._promise = name, families, rule, promise
        self._usual_ms = usual_ms
        self._rates: dict[float, tuple[float | None, float | None]] = {}  # loss -> how soon it is found
        self._silence = Gauge(promise.total_s)
        self._quiet = max(promise.total_s - promise.ride_out_s / 2, 0.0)  # so long a silence is suspect
        self._evidence = Gauge(promise.threshold + HEADROOM)
        self._levels = tuple(each * promise.threshold for each in (DOUBTFUL, CLEAN, SUSPECT, FADES, 1.0))
        self._lossy = LEAST_LOSS  # that evidence is of
        self._slowness = None if rule.latency is None else Slowness(usual_ms, rule.latency, 0.0)
        self._condition = WELL
        self._at = 0.0
        self._silent = self._grey = False
        self._silent_since = self._short_since = self._unmeasured_since = inf
        self._looks = self._standing = self._verdict = Verdict.UP
        self._better: tuple[Verdict, float] | None = None
        self._since = -LONG_S
        self.mark: Mark = (Verdict.UP, False, False, False, False, Delay.USUAL)
        self.next_at = inf
        self._still: Health | None = None  # as long as nothing befalls it, and nothing of the past is left

    # --- what befalls it ------------------------------------------------------------------------

    def take(self, condition: Condition, now: float) -> None:
        """The path is in this condition from now on."""
        self.advance(now)
        was, self._condition = self._condition, condition
        short = condition.missing > self._rule.prefixes.missing_percent / 100
        self._short_since = min(self._short_since, now) if short else inf
        self._unmeasured_since = inf if condition.measured else min(self._unmeasured_since, now)
        self._silent_since = min(self._silent_since, now) if condition.loss > 0 else inf
        if 0 < condition.loss < 1:  # of the heaviest that there is evidence of
            known = self._lossy if self._evidence.now(now) else LEAST_LOSS
            self._lossy = max(condition.loss, known)
        if self._slowness is not None and (
            was.extra_ms != condition.extra_ms
            or was.loss != condition.loss
            or was.jitter_ms != condition.jitter_ms
            or was.measured != condition.measured
        ):
            answers = condition.loss < 1 and condition.measured
            self._slowness.take(condition.extra_ms if answers else None, condition.jitter_ms, now)
        self._set_rates(now)
        self._judge(now)

    def _set_rates(self, now: float) -> None:
        loss, measured = self._condition.loss, self._condition.measured
        if loss not in self._rates:
            promise = self._promise
            self._rates[loss] = (promise.silence_s(loss), promise.grey_s(loss)) if loss else (None, None)
        grows_s, found_s = self._rates[loss]
        if not measured:
            self._silence = self._silence.turned(0.0, now)
        elif grows_s is not None:
            self._silence = self._silence.turned(self._silence.most / grows_s, now)
        elif self._silence.rate or self._silence.value:
            self._silence = Gauge(self._silence.most)
        if not measured or loss >= 1 or self._silent:
            rate = 0.0  # total loss is for silence to judge
        elif found_s is None:
            rate = TAKEN_BACK * log(1 - self._lossy) * self._promise.probes_per_s
        else:
            rate = self._promise.threshold / found_s
        self._evidence = self._evidence.turned(rate, now)

    # --- time -----------------------------------------------------------------------------------

    def _next(self) -> float:
        """When it may look different though nothing befalls it; infinite: never."""
        times = []
        if self._silence.rate:
            times += [self._silence.crosses(self._silence.most), self._silence.crosses(self._quiet)]
        if self._evidence.rate > 0 or (self._evidence.rate and self._evidence.now(self._at)):
            times += map(self._evidence.crosses, self._levels)
        if self._short_since < inf:
            times.append(self._short_since + POLL_S + self._rule.prefixes.held_s)
        if self._unmeasured_since < inf:
            times.append(self._unmeasured_since + self._rule.ride_out_s)
            times.append(self._unmeasured_since + self._rule.fresh_s)
        if self._slowness is not None:
            times.append(self._slowness.next_at)
        if self._better is not None:
            times.append(self._better[1] + self._rule.recover_s + LATE_S)
        return min((at for at in times if at > self._at), default=inf)

    def advance(self, now: float) -> None:
        """Let time pass."""
        while self.next_at <= now:
            self._judge(self.next_at)

    def _judge(self, at: float) -> None:
        self._at = at
        self._still = None
        if self._slowness is not None:
            self._slowness.advance(at)
        silent = self._silence.now(at) >= self._silence.most
        if silent != self._silent:
            self._silent = silent
            self._set_rates(at)
        evidence = self._evidence.now(at)
        if evidence >= self._promise.threshold:
            self._grey = True
        elif evidence <= CLEAN * self._promise.threshold:
            self._grey = False
        self._looks = self._look(at)
        suspect = self._suspect(at)
        self._standing, self._better = stands(
            self._looks, self._standing, self._better, self._rule.recover_s, at, suspect=suspect
        )
        verdict = Verdict.UNKNOWN if self._looks is Verdict.UNKNOWN else self._standing
        if verdict is not self._verdict:
            self._verdict, self._since = verdict, at
        doubtful = verdict is Verdict.UP and evidence >= DOUBTFUL * self._promise.threshold
        self.mark = (verdict, suspect, self._stale(at), doubtful, self._fades(at), self._delay(verdict))
        self.next_at = self._next()

    def _look(self, at: float) -> Verdict:
        """How it looks at this moment, before any memory of how it looked earlier."""
        short = at >= self._short_since + POLL_S + self._rule.prefixes.held_s
        witness = self._condition.witness
        if self._silent or (short and self._condition.missing >= 1) or witness is Verdict.DOWN:
            return Verdict.DOWN
        if at >= self._unmeasured_since + self._rule.fresh_s:
            return Verdict.UNKNOWN
        return Verdict.DEGRADED if self._grey or short or witness is Verdict.DEGRADED else Verdict.UP

    def _suspect(self, at: float) -> bool:
        if self._looks is Verdict.DOWN:
            return False
        quiet = bool(self._silence.rate) and self._silence.now(at) >= self._quiet
        likely = self._evidence.now(at) >= SUSPECT * self._promise.threshold
        return quiet or (likely and not self._grey)

    def _stale(self, at: float) -> bool:
        return at >= self._unmeasured_since + self._rule.ride_out_s

    def _fades(self, at: float) -> bool:
        if self._verdict not in (Verdict.DEGRADED, Verdict.DOWN):
            return False
        weaker = self._evidence.now(at) < FADES * self._promise.threshold
        said = self._short_since < inf or self._condition.witness is not Verdict.UP
        return self._better is not None or (self._grey and weaker and not said)

    def _delay(self, verdict: Verdict) -> Delay:
        if self._slowness is None or verdict not in ANSWERING:
            return Delay.USUAL
        state = self._slowness.state
        return Delay.BROWNOUT if state.brownout else Delay.SLOW if state.is_slow else Delay.USUAL

    # --- in words -------------------------------------------------------------------------------

    def health(self, now: float) -> Health:
        """All that is known of it, in the words of the detectors."""
        if self._still is not None:
            return self._still
        part = self._part(now)
        families = dict.fromkeys(self._families, part)
        delay, delay_why = of_link(self._verdict, families)
        text = "; ".join(f"{LABEL[family]}: {part.why}" for family in families)
        found = Health(
            self.name,
            self._verdict,
            self._since,
            text,
            part.suspect,
            families,
            delay=delay,
            delay_why=delay_why,
        )
        if self._condition == WELL and self.next_at == inf and not part.evidence:
            self._still = found
        return found

    def _part(self, now: float) -> FamilyHealth:
        """Of each family."""
        facts = self._facts(now)
        clean_s = None if self._better is None else now - self._better[1]
        found = FamilyHealth(
            verdict=self._verdict,
            why=why(facts, self._verdict, clean_s, (), self._rule),
            silent_s=facts.silent_s,
            ride_out_s=self._promise.ride_out_s,
            loss_percent=100 * self._condition.loss,
            rtt_ms=self._usual_ms + self._condition.extra_ms,
            answering=0 if self._silent else self._promise.targets,
            targets=self._promise.targets,
            suspect=facts.suspect,
            evidence=facts.evidence,
            threshold=facts.threshold,
            stale=self._stale(now),
            fades=self._fades(now),
        )
        if self._slowness is None or self._rule.latency is None:
            return found
        return with_delay(found, self._slowness.told(self._promise.targets), self._rule.latency)

    def _facts(self, now: float) -> Facts:
        targets, suspect = self._promise.targets, self._suspect(now)
        quiet = self._silent or (suspect and self._silence.now(now) >= self._quiet)
        return Facts(
            verdict=self._looks,
            suspect=suspect,
            targets=targets,
            quorum=quorum(targets),
            answering=0 if self._silent else targets,
            silent=targets if self._silent else 0,
            silent_s=now - self._silent_since if quiet else None,
            sparse=self._condition.loss < 1,
            loss_percent=100 * self._condition.loss,
            grey=self._grey,
            evidence=self._evidence.now(now),
            threshold=self._promise.threshold,
            ambient=self._promise.ambient,
            rtt_ms=self._usual_ms + self._condition.extra_ms,
            signals=self._signals(now),
        )

    def _signals(self, now: float) -> tuple[Signal, ...]:
        said = self._condition.witness
        others = (
            () if said is Verdict.UP else (self._signal(WITNESS, now, said, f"another witness says {said}"),)
        )
        if now < self._short_since + POLL_S + self._rule.prefixes.held_s:
            return others
        left = round(PREFIXES * (1 - self._condition.missing))
        verdict = Verdict.DEGRADED if left else Verdict.DOWN
        for_s = duration(now - self._short_since)
        text = f"{left or 'none'} of the usual {PREFIXES} prefixes accepted for {for_s}"
        return (self._signal(KIND, now, verdict, text), *others)

    def _signal(self, kind: str, now: float, verdict: Verdict, text: str) -> Signal:
        return Signal(self.name, kind, now, verdict, text, inf, self._families[0])

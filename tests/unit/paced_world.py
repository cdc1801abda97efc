"""One link probed at its own pace in virtual time: what the live loop does with records, grey loss and pace."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.core.evidence import Patience, Rhythm, TargetRecord, Voice, voice
from controller.core.grey import GreyState, initial, step
from controller.core.judgement import quorum
from controller.core.model import HealthPolicy, Sample, SampleState
from controller.core.pacing import Pace, missing, suspicious
from tests.unit.grey_world import RTT_S, TARGETS, THRESHOLD, TIMEOUT_S, Fate

TICK_S = 0.01
RIDE_OUT_S = 0.4
REACTION_S = 0.02  # from a new pace to its first probe


def health(targets: int, interval_s: float) -> HealthPolicy:
    """As an operator might have it."""
    return HealthPolicy(
        targets=TARGETS[:targets],
        interval_s=interval_s,
        timeout_s=TIMEOUT_S,
        ride_out_s=RIDE_OUT_S,
        false_per_year=1.0,
        recover_s=5.0,
        fresh_s=3.0,
    )


@dataclass
class PacedWorld:
    """Ticks a prober and the detectors; ``adaptive=False`` leaves the pace as in calm."""

    fate: Fate
    targets: int = 5
    interval_s: float = 0.25
    threshold: float = THRESHOLD
    adaptive: bool = True
    sent: list[tuple[float, int]] = field(default_factory=list)
    fast: list[tuple[float, bool]] = field(default_factory=list)
    grey_at: float | None = None
    silent_at: float | None = None  # a quorum of targets

    def run(self, seconds: float, *, until_alarm: bool = False) -> GreyState:
        """From the beginning, for so long, or until an alarm."""
        policy = health(self.targets, self.interval_s)
        patience = Patience(policy.ride_out_s / 2, policy.ride_out_s)
        state = initial(
            TARGETS[: self.targets], self.interval_s, TIMEOUT_S, self.threshold, 0.0, ride_out_s=RIDE_OUT_S
        )
        pace = Pace(self.interval_s, 0.0)
        records = [TargetRecord(Rhythm.of(target, policy)) for target in policy.targets]
        coming: list[tuple[float, Sample]] = []
        wire_s, told_at, due = self.interval_s, 0.0, 0.0
        for tick in range(int(seconds / TICK_S)):
            now = tick * TICK_S
            if now >= told_at + REACTION_S:
                wire_s = pace.interval_s if self.adaptive else self.interval_s
            samples = []
            due = min(due, now + wire_s / self.targets)
            while due <= now + 1e-9:
                samples.append(self._send(now, coming))
                due += wire_s / self.targets
            samples += [sample for at, sample in coming if at <= now]
            coming = [each for each in coming if each[0] > now]
            for sample in samples:
                records[TARGETS.index(sample.target)].note(sample, patience, now)
            state = step(state, samples, now)
            if state.grey and self.grey_at is None:
                self.grey_at = now
            if self.silent_at is None:
                voices = [voice(record, patience, now).voice for record in records]
                if voices.count(Voice.SILENT) >= quorum(self.targets):
                    self.silent_at = now
            if until_alarm and (self.grey_at is not None or self.silent_at is not None):
                break
            before, pace = pace, pace.after(suspicious(state, missing(records, now)), now)
            if pace.is_fast is not before.is_fast:
                told_at = now
                self.fast.append((now, pace.is_fast))
        return state

    def _send(self, now: float, coming: list[tuple[float, Sample]]) -> Sample:
        number = len(self.sent)
        target = number % self.targets
        self.sent.append((now, target))
        result = self.fate(now, target)
        ok = result is SampleState.OK
        ended = Sample("edge1-azerbaijan", TARGETS[target], number, now, result, RTT_S * 1000 if ok else None)
        coming.append((now + (RTT_S if ok else TIMEOUT_S), ended))
        return Sample("edge1-azerbaijan", TARGETS[target], number, now, SampleState.SENT)

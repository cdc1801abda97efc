"""What is learnt of a link while it is judged: how long its silences last, which targets are gone there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from controller.core import silence
from controller.core.detect_state import FamilyState
from controller.core.evidence import NEEDED, Assessment, Voice
from controller.core.judgement import quorum
from controller.core.model import Target, Verdict

GONE_S: Final = 3.0  # a target silent for so much longer than convicts is no witness, while the path answers


def with_silence(
    family: FamilyState, others: Iterable[FamilyState], false_per_year: float, now: float
) -> FamilyState:
    """Once a family of a link is judged. ``others``: the same family of the other links."""
    facts = family.facts
    known = family.silence
    if known.silent is not None and facts.silent_s is None and facts.verdict is Verdict.UNKNOWN:
        known = replace(known, silent=None, everywhere=False)  # it was not answers that ended it
    everywhere = facts.silent_s is not None and not known.everywhere and _all_silent(others)
    known = silence.follow(known, facts.silent_s, now, everywhere=everywhere)
    known = silence.timed(known, false_per_year, now)
    if known is family.silence:
        return family
    if family.loss is None or known.ride_out_s == family.silence.ride_out_s:
        return replace(family, silence=known)
    return replace(family, silence=known, loss=replace(family.loss, ride_out_s=known.ride_out_s))


def _all_silent(others: Iterable[FamilyState]) -> bool:
    told = [other.facts.silent_s is not None for other in others]
    return bool(told) and all(told)


def gone_after_s(interval_s: float, ride_out_s: float) -> float:
    """Silent for so long, a target probed so often is gone: others that died with it are silent by then."""
    return GONE_S + max(ride_out_s, NEEDED * interval_s)


def gone(
    family: FamilyState, said: Mapping[Target, Assessment], left_out: Iterable[Target]
) -> frozenset[Target]:
    """Targets that are silent on this path alone, and no news any more.

    Left in, one of three would leave the verdict to any single burst of one of the others. On a path that is
    silent itself nobody goes, and who was gone comes back by answering. More than a quorum can spare are not
    gone: it is the path that has lost them, one after another.
    """
    if family.facts.is_silent:
        return family.gone & family.told.silent
    if not family.told.silent:
        return frozenset()
    ride_out_s = family.silence.ride_out_s
    counted = said.keys() - set(left_out)
    found = frozenset(
        target
        for target in counted
        if said[target].voice is Voice.SILENT
        and said[target].silent_s >= gone_after_s(family.records[target].rhythm.interval_s, ride_out_s)
    )
    return found if len(found) <= len(counted) - quorum(len(counted)) else frozenset()

"""What the detector thinks of single targets, in words for people."""

from __future__ import annotations

from controller.core.detect import DetectorState
from controller.core.evidence import Assessment, Voice, voice
from controller.core.model import Reason, target_order


def notes(state: DetectorState, now: float) -> dict[tuple[str, str], str]:
    """By path and target, where there is anything worth a word."""
    found: dict[tuple[str, str], str] = {}
    for (path, family), part in state.families.items():
        for target, record in part.records.items():
            if target in state.dead.get(family, ()):
                found[path, str(target)] = "not counted: silent through every link"
                continue
            if target in state.blamed.get(family, {}):
                found[path, str(target)] = f"not counted: {state.blamed[family][target]}"
                continue
            said = voice(record, part.patience, now)
            if target in part.gone:
                found[path, str(target)] = f"not counted: silent here alone for {said.silent_s:.0f} s"
                continue
            word = _word(said)
            if word:
                found[path, str(target)] = word
    return found


def notices(state: DetectorState) -> tuple[Reason, ...]:
    """Targets that say nothing of any link, being bad through all of them."""
    dead = {target: "is silent through every link" for gone in state.dead.values() for target in gone}
    lossy = {target: why for found in state.blamed.values() for target, why in found.items()}
    return tuple(
        Reason("target", str(target), f"target {target} {why}; it is not counted while it does")
        for target, why in sorted({**lossy, **dead}.items(), key=lambda item: target_order(item[0]))
    )


def _word(said: Assessment) -> str:
    match said.voice:
        case Voice.SILENT:
            return f"silent for {said.silent_s:.1f} s"
        case Voice.QUIET:
            return f"quiet for {said.silent_s:.2f} s"
        case Voice.ABSENT:
            return "no say: not probed of late, or in vain"
        case Voice.UNDECIDED:
            return "has not answered yet"
        case Voice.ANSWERING:
            return ""

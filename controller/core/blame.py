"""Targets that lose probes through every link alike, while the others there do not: theirs is the fault.

Such a target says nothing of any link. It is left out while it does so, and named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import mean, median, pvariance
from typing import Final

from controller.core.evidence import MIN_RESULTS, LossWindow
from controller.core.model import Target, target_order

LINKS: Final = 2  # that must agree: one alone is more likely at fault itself
LOSES: Final = 0.05  # of its probes, through each link; a target once left out comes back below half of it
TIMES: Final = 3.0  # more than the others through the same link
LEFT: Final = 3  # targets that must remain: fewer could not tell one more bad one from a bad link
FULL_SECONDS: Final = 5  # before a rate can be called steady
STEADY: Final = 0.3  # of the variance that chance would give: so even an answer is a limit's work

Windows = Mapping[Target, LossWindow]  # of one link and family, of what answers or loses there


def to_blame(links: Sequence[Windows], before: Mapping[Target, str]) -> dict[Target, str]:
    """Targets to leave out of every link's judgement, and why, to follow their name; the worst if too many.

    ``links``: what was heard through each link of one family in the last ``LOSS_WINDOW_S``. ``before``: those
    left out so far. A target is to blame if it loses clearly more than the others through every link that has
    enough results of it, but one at most, and two at least.
    """
    loses: dict[Target, list[float]] = {}
    for windows in links:
        shares = {t: w.losses / w.results for t, w in windows.items() if w.results >= MIN_RESULTS}
        for target, share in shares.items():
            others = [each for other, each in shares.items() if other != target and other not in before]
            worse = len(others) >= LINKS and share > TIMES * median(others)
            enough = LOSES / 2 if target in before else LOSES
            loses.setdefault(target, []).append(share if worse and share > enough else 0.0)
    bad = {target: each for target, each in loses.items() if _agree(each)}
    most = max(len(loses) - LEFT, 0)
    worst = sorted(bad, key=lambda target: (-mean(bad[target]), target_order(target)))[:most]
    return {target: _why([w[target] for w in links if target in w], mean(bad[target])) for target in worst}


def _agree(shares: Sequence[float]) -> bool:
    """All links but one at most: a limit that evenly spaced probes meet may let all of one link's through."""
    return sum(share > 0 for share in shares) >= max(LINKS, len(shares) - 1)


def _why(windows: Sequence[LossWindow], share: float) -> str:
    """A limit lets the same number through every second, whatever is sent; chance does not."""
    answered = [sum(each) for each in zip(*(_answered(window) for window in windows), strict=False)]
    if len(answered) >= FULL_SECONDS:
        per_s = mean(answered)
        sent_per_s = sum((w.past_answered + w.past_lost) / len(w.past) for w in windows)
        if pvariance(answered) < STEADY * per_s * share:
            return f"answers {per_s:.0f} of our {sent_per_s:.0f} probes a second and no more: it limits ICMP"
    return f"loses {100 * share:.0f} % through every link alike, which the others do not"


def _answered(window: LossWindow) -> list[int]:
    return [answered for answered, _ in window.past]

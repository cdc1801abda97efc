"""Rule 1: can I trust what I see? When nothing anywhere is known to work, it is more likely me."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from controller.core.explain import duration
from controller.core.judgement_text import LABEL
from controller.core.model import ANCHORS, USER_PATH, Delay, Health, Reason, Vantage, Verdict
from controller.core.rules.snapshot import Snapshot
from controller.core.rules.vantage import is_good

RULE = "trust"


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why nothing may be changed now, in a sentence; ``until`` when time alone settles it."""

    sentence: str
    reasons: tuple[Reason, ...]
    until: float | None = None


def doubt(snapshot: Snapshot, health: Mapping[str, Health], vantage: Vantage) -> Doubt | None:
    """A doubt about everything seen, or None.

    Frozen: the prober itself is in trouble; no link is known; no link is both usable and free of suspicion;
    or every usable link came back only moments ago, because what ends is then as likely an outage of my own,
    and the link that recovers first must not win traffic from one that follows in the next instant. Links
    that answer again but are not trusted yet are waited for, ``recover_s`` at most.
    """
    user_path = health.get(USER_PATH)
    if vantage.trouble is not None:
        return Doubt(f"{vantage.trouble}; nothing changed", _evidence(snapshot, user_path))
    links = snapshot.health.values()
    if all(health.verdict is Verdict.UNKNOWN for health in links):
        return Doubt("no fresh data on any link; nothing changed", _evidence(snapshot, user_path))
    good = {h.link for h in links if snapshot.usable(h.link) and not h.suspect}
    if not good:
        text = f"every link looks bad at once; {_anchors(health.get(ANCHORS))}; nothing changed"
        return Doubt(text + _user_path(user_path), _evidence(snapshot, user_path))
    settle_s = snapshot.policy.health.ride_out_s + snapshot.policy.health.timeout_s
    settled_at = min(_back_since(snapshot, link) for link in good) + settle_s
    late = [health for health in links if health.link not in good]
    if late and all(health.fades for health in late):
        settled_at += snapshot.policy.health.recover_s
    if settled_at <= snapshot.now:
        return None
    text = (
        f"links are only just coming back; letting the view settle for {duration(settle_s)}; nothing changed"
    )
    return Doubt(text, _evidence(snapshot, user_path), until=settled_at)


def _back_since(snapshot: Snapshot, link: str) -> float:
    """Since when a usable link has been so; a link that was never seen to fail needs no settling."""
    memory = snapshot.state.links.get(link)
    if snapshot.verdict(link) is Verdict.DEGRADED:
        since = min(snapshot.health[link].since, snapshot.now)
        was_up = memory is None or memory.last_failure == since  # its failure began as loss
        return -math.inf if was_up else since
    # Not the clean time: a moment's suspicion starts that anew, but is no outage.
    return -math.inf if memory is None or memory.last_failure is None else memory.last_failure


def _user_path(health: Health | None) -> str:
    if health is None or health.verdict is Verdict.UNKNOWN:
        return ""
    if health.verdict is Verdict.UP and not health.suspect:
        return "; the user path is fine"
    if health.verdict is Verdict.UP:
        return "; the user path has gone quiet too"
    return f"; the user path is {health.verdict} too"


def _anchors(health: Health | None) -> str:
    if health is None or health.verdict is Verdict.UNKNOWN:
        return "suspecting my own view"
    if any(is_good(part) for part in health.families.values()):
        return "my own way as far as the anchors is fine, so look at what all links share"
    return "the anchors are silent too, so it is my own path"


def notices(snapshot: Snapshot, health: Mapping[str, Health]) -> list[Reason]:
    """Anchors that are bad while links answer say nothing of my own path."""
    anchors = health.get(ANCHORS)
    bad = (
        []
        if anchors is None
        else [
            family
            for family, part in anchors.families.items()
            if part.verdict is Verdict.DOWN
            and any(
                is_good(each.families[family]) for each in snapshot.health.values() if family in each.families
            )
        ]
    )
    return [
        Reason(
            RULE,
            ANCHORS,
            f"the {LABEL[family]} anchors are silent though links answer: choose anchors that answer",
        )
        for family in bad
    ]


def _evidence(snapshot: Snapshot, user_path: Health | None) -> tuple[Reason, ...]:
    seen = [*snapshot.health.values(), *([user_path] if user_path else [])]
    return tuple(
        Reason(RULE, USER_PATH if h is user_path else h.link, f"{judged(h)} ({h.why})") for h in seen
    )


def judged(health: Health) -> str:
    """A verdict in a word or two."""
    if health.suspect:
        return f"{health.verdict}, but suspect"
    return f"{health.verdict}, but in brownout" if health.delay is Delay.BROWNOUT else str(health.verdict)

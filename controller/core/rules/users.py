"""Users see one thing and links another: nothing to decide, and much to look at."""

from __future__ import annotations

from collections.abc import Mapping

from controller.core.explain import names
from controller.core.model import USER_PATH, Health, Reason, Verdict
from controller.core.rules.snapshot import Snapshot
from controller.core.stability import primaries

RULE = "contrast"
LASTS_S = 10.0  # shorter contrasts are the two sides of one fault, or of one move, seen one after the other
_BAD = frozenset({Verdict.DEGRADED, Verdict.DOWN})


def contrast(snapshot: Snapshot, health: Mapping[str, Health]) -> tuple[str, Reason] | None:
    """A clause for the sentence, and what to look at; None where users and links agree, or either is unknown.

    ``health`` is as seen, with the user path; what is not believed of links is no contrast to anything.
    """
    users = health.get(USER_PATH)
    if users is None or snapshot.now - users.since < LASTS_S:
        return None
    links = [health[name] for name in snapshot.policy.links if name in health]
    if not links or any(snapshot.now - link.since < LASTS_S for link in links):
        return None
    if users.verdict in _BAD and all(link.verdict is Verdict.UP and not link.suspect for link in links):
        clause = f"users {_suffer(users)} though every link looks clean"
        advice = "look inside the own network, or at a target set that users do not use"
        return clause, Reason(RULE, USER_PATH, f"{clause}: {advice} ({users.why})")
    carrying = {link for placed in snapshot.current.values() for link in primaries(placed)}
    bad = sorted(link.link for link in links if link.link in carrying and link.verdict in _BAD)
    if users.verdict is Verdict.UP and not users.suspect and bad and len(bad) == len(carrying):
        clause = (
            f"users lose nothing though {names(bad)}, which should carry them, looks {health[bad[0]].verdict}"
        )
        advice = "look where its probes really go, and whether users go another way"
        return clause, Reason(RULE, bad[0], f"{clause}: {advice} ({health[bad[0]].why})")
    return None


def _suffer(users: Health) -> str:
    if users.verdict is Verdict.DOWN:
        return "reach nothing"
    lost = [part.loss_percent for part in users.families.values() if part.verdict is Verdict.DEGRADED]
    percent = max((each for each in lost if each is not None), default=None)
    return "fare badly" if percent is None else f"lose {percent:.0f} %"

"""What is done on one router, with its NAPALM driver in hand. Blocking; raises DeviceErrors."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from controller.core.guard import ownership, review
from controller.core.model import (
    Applied,
    Attachment,
    Change,
    Counters,
    InterfaceSample,
    Link,
    Outcome,
    Policy,
    Refused,
    RolledBack,
    Router,
    RouterIntent,
    RouterPlan,
    SessionSample,
    Unchanged,
)
from controller.fleet.connect import DeviceError, translated
from controller.fleet.platforms import PLATFORMS

T = TypeVar("T")


class MovedError(DeviceError):
    """The router runs something else than what the plan was made from."""


def guarded(driver: Any, work: Callable[[], T]) -> T:
    """Run ``work``; whatever goes wrong, no candidate stays loaded in the driver."""
    with translated():
        try:
            return work()
        except BaseException:
            with contextlib.suppress(Exception):  # the first error is the one to tell
                driver.discard_config()
            raise


def running(driver: Any) -> str:
    """The running configuration as text."""
    return str(driver.get_config(retrieve="running")["running"])


def pending(driver: Any) -> bool:
    """Whether a commit waits for its confirmation; False where the platform has no such thing."""
    try:
        return bool(driver.has_pending_commit())
    except NotImplementedError:
        return False


def attachments(router: Router, links: Sequence[Link], config: str) -> tuple[Attachment, ...]:
    """Which policy each of the inventory's neighbors uses."""
    return PLATFORMS[router.platform].attachments(config, router.asn, links)


def sessions(driver: Any, links: Sequence[Link], now: float) -> tuple[SessionSample, ...]:
    """State of each link's BGP sessions; a neighbor the router does not know is not established."""
    peers = {
        str(address): peer
        for instance in driver.get_bgp_neighbors().values()
        for address, peer in instance["peers"].items()
    }
    found = []
    for link in links:
        for family, neighbor in link.neighbors.items():
            peer = peers.get(str(neighbor))
            counts = (peer or {}).get("address_family", {}).get(family.value, {})
            found.append(
                SessionSample(
                    link=link.name,
                    family=family,
                    at=now,
                    established=bool(peer and peer["is_up"]),
                    accepted_prefixes=max(0, int(counts.get("accepted_prefixes", 0))),
                    detail="not configured" if peer is None else "" if peer["is_up"] else "not established",
                    up_s=_known((peer or {}).get("uptime")),
                )
            )
    return tuple(found)


def interfaces(
    driver: Any, links: Sequence[Link], now: float, *, counters: bool
) -> tuple[InterfaceSample, ...]:
    """State of each link's interface, with its counters if asked; links whose interface is not there lack."""
    states = driver.get_interfaces()
    counted = driver.get_interfaces_counters() if counters else {}
    return tuple(
        InterfaceSample(
            link=link.name,
            at=now,
            is_up=bool(states[link.interface]["is_up"]),
            is_enabled=bool(states[link.interface]["is_enabled"]),
            speed_mbps=_known(states[link.interface]["speed"]) or None,
            counters=_counters(counted[link.interface]) if link.interface in counted else None,
        )
        for link in links
        if link.interface in states
    )


def _counters(counted: Mapping[str, int]) -> Counters:
    def total(way: str, *kinds: str) -> int:
        return sum(max(0, counted.get(f"{way}_{kind}", 0)) for kind in kinds)

    packets = "unicast_packets", "multicast_packets", "broadcast_packets"
    return Counters(
        octets_in=total("rx", "octets"),
        octets_out=total("tx", "octets"),
        packets_in=total("rx", *packets),
        packets_out=total("tx", *packets),
        errors_in=total("rx", "errors"),
        errors_out=total("tx", "errors"),
        discards_in=total("rx", "discards"),
        discards_out=total("tx", "discards"),
    )


def _known(figure: float | None) -> float | None:
    """NAPALM's -1 stands for what the platform does not tell."""
    return None if figure is None or figure < 0 else float(figure)


def differences(intent: RouterIntent, rendered: str, config: str) -> tuple[str, tuple[Change, ...]]:
    """What the router should run, and the lines by which that differs from ``config``, seen there last."""
    platform = PLATFORMS[intent.router.platform]
    candidate = platform.splice(config, rendered, intent)
    return candidate, platform.changes(config, candidate)


def load(driver: Any, router: str, candidate: str, changes: Sequence[Change], policy: Policy) -> RouterPlan:
    """Load into the driver what the router should run; review every line that would change.

    Raises MovedError when the driver, which reads the router afresh, finds other differences than these.
    """
    driver.load_replace_candidate(config=candidate)
    diff = str(driver.compare_config())
    if not changed_lines(diff) <= {(change.added, change.line) for change in changes}:
        raise MovedError("the router's configuration changed while the plan was made")
    return RouterPlan(
        router, diff=diff, candidate=candidate, refused=review(changes, ownership(policy, router))
    )


def changed_lines(diff: str) -> set[tuple[bool, str]]:
    """The lines that a unified diff adds (True) and removes (False), without structure words."""
    lines = set()
    for line in diff.splitlines():
        text = " ".join(line[1:].split())
        is_change = line[:1] in "+-" and not line.startswith(("+++", "---"))
        if is_change and text.strip("!") and text != "exit" and not text.startswith("exit-"):
            lines.add((line[0] == "+", text))
    return lines


def commit(driver: Any, plan: RouterPlan, message: str, revert_in_s: int, began: float) -> Outcome:
    """Commit what ``load`` loaded, with a revert timer armed on the router."""
    if plan.refused:
        driver.discard_config()
        return Refused(plan.router, plan.diff, "; ".join(plan.refused))
    if not plan.diff:
        return Unchanged(plan.router)
    # NAPALM is slow to import, and commands that touch no router do without
    from napalm.base.exceptions import CommitError, MergeConfigException, ReplaceConfigException  # noqa: PLC0415

    try:
        driver.commit_config(message=message, revert_in=revert_in_s)
    except (CommitError, MergeConfigException, ReplaceConfigException) as error:
        return RolledBack(
            plan.router, plan.diff, f"the router did not take it: {' '.join(str(error).split())}"
        )
    return Applied(plan.router, plan.diff, push_ms=(time.monotonic() - began) * 1000)


def reviewed(driver: Any, plan: RouterPlan, policy: Policy) -> RouterPlan | Refused:
    """Load a reviewed plan: Refused unless the router shows the very same difference now.

    The guard looks again: the plan may come from a file that anybody could have edited.
    """
    platform = PLATFORMS[policy.routers[plan.router].platform]
    refused = review(platform.changes(running(driver), plan.candidate), ownership(policy, plan.router))
    driver.load_replace_candidate(config=plan.candidate)
    diff = str(driver.compare_config())
    why = list(refused)
    if diff and diff != plan.diff:
        why.insert(0, "the router (or the plan file) changed since the plan was made: plan again")
    if why:
        driver.discard_config()
        return Refused(plan.router, plan.diff, "; ".join(why))
    return RouterPlan(plan.router, diff, plan.candidate)

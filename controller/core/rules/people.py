"""What people order outranks preference and every clock. It never takes the last path that carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from controller.core.model import OrderKind, Override, Policy, Preference, Reason, TrafficClass

RULE = "people"


@dataclass(frozen=True, slots=True)
class Orders:
    """The orders in force at one moment."""

    pins: Mapping[str, Override] = field(default_factory=dict)  # class -> its pin
    drains: Mapping[str, Override] = field(default_factory=dict)  # link -> the drain it falls under
    pause: Override | None = None
    acknowledged: Mapping[str, Override] = field(default_factory=dict)  # class -> who has looked at its moves
    until: float | None = None  # the first of them ends then
    reasons: tuple[Reason, ...] = ()
    notices: tuple[Reason, ...] = ()  # of orders that nothing comes of


NONE = Orders()


def in_force(policy: Policy, overrides: Iterable[Override], now: float) -> Orders:
    """Sort the orders that hold now; of two about the same thing, the later counts.

    What names nothing that the policy has any more is told in a notice.
    """
    holding = sorted((each for each in overrides if each.holds_at(now)), key=lambda each: each.number)
    if not holding:
        return NONE
    pins: dict[str, Override] = {}
    drains: dict[str, Override] = {}
    acknowledged: dict[str, Override] = {}
    pause: Override | None = None
    reasons, notices = [], []
    for order in holding:
        links = drained_by(policy, order.subject) if order.kind is OrderKind.DRAIN else ()
        known = policy.classes.get(order.subject)
        if order.kind is OrderKind.PAUSE:
            pause = order  # said of everything, see ``decide``
            continue
        if order.kind is OrderKind.PIN and known is not None and order.upstream in known.upstreams:
            pins[order.subject] = order
        elif order.kind is OrderKind.ACKNOWLEDGE and known is not None:
            acknowledged[order.subject] = order
        elif links:
            drains |= dict.fromkeys(links, order)
        else:
            text = f"order {order.number} ({told(order)}) names nothing that the policy has: it does nothing"
            notices.append(Reason(RULE, str(order.number), text))
            continue
        reasons.append(Reason(RULE, order.subject, told(order)))
    ends = [order.until for order in holding if order.until is not None]
    return Orders(pins, drains, pause, acknowledged, min(ends, default=None), tuple(reasons), tuple(notices))


def drained_by(policy: Policy, subject: str) -> tuple[str, ...]:
    """The links that a drain of this name concerns: itself, those of an upstream, router or shared risk."""
    return tuple(
        name
        for name, link in sorted(policy.links.items())
        if subject in (name, link.upstream, link.router) or subject in policy.risks_of(link)
    )


def told(order: Override) -> str:
    """``azerbaijan drained by ann (fibre work)``."""
    if order.kind is OrderKind.PAUSE:
        return f"paused {order.by}"
    if order.kind is OrderKind.PIN:
        return f"{order.subject} pinned to {order.upstream} {order.by}"
    if order.kind is OrderKind.ACKNOWLEDGE:
        return f"moves of {order.subject} acknowledged {order.by}"
    return f"{order.subject} drained {order.by}"


def preferring(orders: Orders, traffic_class: TrafficClass) -> TrafficClass:
    """The class with the upstream that it is pinned to as its first choice, alone."""
    pin = orders.pins.get(traffic_class.name)
    if pin is None:
        return traffic_class
    prefer = traffic_class.prefer
    others = [name for name in prefer.choices if name != pin.upstream]
    tiers = (-1, *(prefer.tier(name) for name in others))
    return replace(traffic_class, prefer=Preference((pin.upstream, *others), tiers))

"""Simulated links: which probes are lost, by ambient loss and by a fault. Event driven, seeded.

A link is probed ``rate`` times a second, its ``targets`` in turn; a probe is its running number. Ambient loss:
``iid``; ``ge3``, bursts of 3 probes on average, all lost; ``ge20``, bursts of 20 of which half are lost. A third
of bursty loss is shared by the link (a burst is so many of its probes), the rest local to a target (so many of
that target's probes). Lengths are geometric.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from dataclasses import dataclass
from math import log

BURSTS = {"ge3": (3, 1.0), "ge20": (20, 0.5)}  # mean probes, share of them lost
SHARED = 1 / 3
FAULT_BURST_S = 1.0
FAULT_BURST_LOSS = 0.7


@dataclass(frozen=True)
class Link:
    """What a simulated link is like in good time."""

    kind: str  # iid, ge3, ge20
    loss: float
    targets: int = 5
    rate: float = 30.0

    def __str__(self) -> str:
        return f"{self.loss:.1%} {self.kind}"


@dataclass(frozen=True)
class Fault:
    """What goes wrong: extra loss of every probe alike, or in shared bursts, or one target dead besides."""

    name: str
    loss: float
    bursty: bool = False
    dead_target: bool = False


def ambient(link: Link, chance: random.Random) -> Iterator[int]:
    """Numbers of the probes lost in good time, ascending, without end."""
    if link.kind == "iid":
        yield from _isolated(link.loss, chance)
        return
    length, share = BURSTS[link.kind]
    shared = _bursts(link.loss * SHARED, length, share, chance)
    locals_ = [
        _of_target(target, link.targets, _bursts(link.loss * (1 - SHARED), length, share, chance))
        for target in range(link.targets)
    ]
    last = -1
    for number in heapq.merge(shared, *locals_):
        if number != last:
            yield number
        last = number


def faulty(link: Link, fault: Fault, begins: int, ends: int, chance: random.Random) -> Iterator[int]:
    """Likewise, with a fault from one probe to another, and no further."""
    pending = ambient(link, chance)
    next_ambient = next(pending)
    while next_ambient < begins:
        yield next_ambient
        next_ambient = next(pending)
    leaves = 1 / (FAULT_BURST_S * link.rate)
    share = fault.loss / FAULT_BURST_LOSS
    in_burst = chance.random() < share
    for number in range(begins, ends):
        lost = next_ambient == number
        if lost:
            next_ambient = next(pending)
        if fault.bursty:
            lost |= in_burst and chance.random() < FAULT_BURST_LOSS
            in_burst = (
                chance.random() >= leaves if in_burst else chance.random() < leaves * share / (1 - share)
            )
        else:
            lost |= chance.random() < fault.loss
        if lost or (fault.dead_target and number % link.targets == 0):
            yield number


def _geometric(probability: float, chance: random.Random) -> int:
    return 1 + int(log(1 - chance.random()) / log(1 - probability))


def _isolated(loss: float, chance: random.Random) -> Iterator[int]:
    number = -1
    while True:
        number += _geometric(loss, chance)
        yield number


def _bursts(loss: float, length: int, share: float, chance: random.Random) -> Iterator[int]:
    begin = loss / (length * share)
    number = 0
    while True:
        number += _geometric(begin, chance)
        for _ in range(_geometric(1 / length, chance)):
            if share == 1.0 or chance.random() < share:
                yield number
            number += 1


def _of_target(target: int, targets: int, numbers: Iterator[int]) -> Iterator[int]:
    for number in numbers:
        yield number * targets + target

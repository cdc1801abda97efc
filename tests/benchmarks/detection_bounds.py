"""How fast any detector can be that raises one false alarm a link-year. Steady pace, no target left out.

Independent loss: the mean delay of the CUSUM that is told the fault's loss beforehand; nothing beats it
(Moustakides 1986). Bursts: ln(probes a year) over the Kullback-Leibler rate of the exact hidden Markov model, by
Monte Carlo; that holds asymptotically, and a first long burst can be found sooner. ``OVERDUE_S`` passes before
a lost probe can be missed.
"""

from __future__ import annotations

from math import exp, log

import numpy as np
from numpy.typing import NDArray

from controller.core.grey_threshold import YEAR_S
from tests.benchmarks.detection_links import BURSTS, SHARED, Link
from tests.benchmarks.detection_ours import OVERDUE_S

STEP = 0.03  # nats: the lattice on which the CUSUM's equations are solved
LANES, STEPS, WARM = 200, 1500, 100
Matrix = NDArray[np.floating]


def bound_s(link: Link, extra: float, faster: int = 1) -> float:
    """Seconds, for so much extra independent loss; probed so many times as fast as in calm, all the time."""
    extra = min(extra, 0.999)
    rate = link.rate * faster
    probes = _independent(link.loss, extra, rate) if link.kind == "iid" else _bursty(link, extra, rate)
    return probes / rate + OVERDUE_S


def _independent(loss: float, extra: float, rate: float) -> float:
    worse = 1 - (1 - loss) * (1 - extra)
    gain, drop = log(worse / loss), log((1 - loss) / (1 - worse))
    step = min(STEP, drop / 2)
    up, down = round(gain / step), round(drop / step)
    height = up
    while True:
        mean = _passage(loss, up, down, height)
        if mean >= YEAR_S * rate:
            return _passage(worse, up, down, height)
        height += max(1, int(log(YEAR_S * rate / mean) / step))


def _passage(loss: float, up: int, down: int, height: int) -> float:
    """Mean probes until the score, from 0, is at ``height`` steps."""
    here = np.arange(height)
    matrix = np.eye(height)
    matrix[here, np.maximum(0, here - down)] -= 1 - loss
    rises = here + up < height
    matrix[here[rises], here[rises] + up] -= loss
    return float(np.linalg.solve(matrix, np.ones(height))[0])


def _bursty(link: Link, extra: float, rate: float) -> float:
    """ln(ARL) / KL, in probes."""
    length, share = BURSTS[link.kind]
    spacings = -1 / log(1 - 1 / length)
    loss = link.loss / share
    chains = [(loss * SHARED, spacings / link.rate)]
    chains += [(loss * (1 - SHARED), spacings * link.interval_s)] * link.targets
    moves: Matrix = np.ones((1, 1))
    for part, mean_s in chains:
        moves = np.kron(moves, _chain(part, mean_s, 1 / rate))
    states = np.arange(len(moves))
    bits = (states[:, None] >> np.arange(link.targets, -1, -1)) & 1  # shared first, then the targets
    at_rest = np.prod([np.where(bits[:, i], part, 1 - part) for i, (part, _) in enumerate(chains)], axis=0)
    chance = np.random.default_rng(1)
    hidden = chance.choice(states, LANES, p=at_rest)
    sums = moves.cumsum(1)
    good = bad = np.tile(at_rest, (LANES, 1))
    learned = 0.0
    for step in range(STEPS):
        hidden = (sums[hidden] < chance.random((LANES, 1))).sum(1).clip(max=len(states) - 1)
        lost_well = share * (bits[:, 0] | bits[:, 1 + step % link.targets])
        lost_bad = 1 - (1 - lost_well) * (1 - extra)
        lost = chance.random(LANES) < lost_bad[hidden]
        good, seen_well = _seen(good @ moves, lost_well, lost)
        bad, seen_bad = _seen(bad @ moves, lost_bad, lost)
        if step >= WARM:
            learned += float(np.log(seen_bad / seen_well).mean())
    return log(YEAR_S * rate) * (STEPS - WARM) / learned


def _chain(share: float, mean_s: float, elapsed_s: float) -> Matrix:
    """Not in a burst, in a burst: what becomes of each."""
    kept = exp(-elapsed_s / mean_s / (1 - share))
    return np.array(
        [[1 - share * (1 - kept), share * (1 - kept)], [(1 - share) * (1 - kept), share + (1 - share) * kept]]
    )


def _seen(beliefs: Matrix, loses: Matrix, lost: NDArray[np.bool_]) -> tuple[Matrix, Matrix]:
    joint = beliefs * np.where(lost[:, None], loses, 1 - loses)
    likely = joint.sum(1)
    return joint / likely[:, None], likely

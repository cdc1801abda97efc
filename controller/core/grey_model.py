"""What loss looks like on a link that is well, and on one that is not: the likelihoods behind ``grey``.

The null hypothesis is bursty, after Gilbert and Elliott: besides isolated loss there are bursts shared by the
whole link and bursts local to one target, during which most probes are lost. A filter holds the belief in
each. The alternatives are extra independent loss, and shared bursts more frequent than ambient ones.

Losses are taken one by one, answers by the run: between two losses only counts matter, and what a run of n
answers within t seconds does to a belief has a closed form. So an answered probe costs an addition.

What is approximate: beliefs in a shared and in a local burst are kept as if independent (Boyen and Koller
1998), and a run's answers as if evenly spaced. The product of predictions is a likelihood all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, sqrt
from typing import Final, NamedTuple

ISOLATED, SHARED, LOCAL = 0.5, 0.2, 0.4  # of the ambient loss; a little more than all of it, to be safe
IN_BURST: Final = 0.7  # loss inside a burst
KEPT: Final = 1 - IN_BURST
SHARED_S, LOCAL_S = 0.4, 0.6  # mean length of a burst, and
BURST_PROBES: Final = 4  # no less than so many probes of one target
# Extra loss, each probe on its own. No more than in a burst: where all is lost, silence decides, and every
# ambient burst of total loss would be evidence; no less either, or loss of 60 % passes for one long burst.
INDEPENDENT: Final = (0.05, 0.15, 0.4, IN_BURST)
BURSTY: Final = (0.08, 0.3)  # extra loss in shared bursts
FAINT: Final = 1e-6  # a belief below this is none
TINY: Final = 1e-300  # what cannot be has this likelihood, for rounding has called possible things impossible


class Chain(NamedTuple):
    """Bursts as two states in continuous time."""

    share: float  # of the time that is burst
    rate: float  # at which the past is forgotten, per second


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """Ambient loss and something more: independent loss, or shared bursts."""

    answer: float  # log-likelihood of an answer while no burst is believed in
    kept: float  # answers outside bursts
    slope: float  # what an answer adds to the score then
    bursts: Chain | None = None  # shared bursts instead of the ambient ones


@dataclass(frozen=True, slots=True)
class Model:
    """Constants of the null and of the alternatives for one ambient loss and probe rate."""

    ambient: float
    shared: float  # belief in a shared burst while all is answered
    local: float
    shared_rate: float  # bursts end at this rate, per second
    local_rate: float
    kept_shared: float  # answers in a burst, relative to those at rest
    kept_local: float
    null: Hypothesis
    alternatives: tuple[Hypothesis, ...]


def model(ambient: float, interval_s: float) -> Model:
    """For a long-run loss of ``ambient`` (a fraction), each target probed every ``interval_s``."""
    shared, local = SHARED * ambient / IN_BURST, LOCAL * ambient / IN_BURST
    kept = 1 - ISOLATED * ambient
    no_shared = kept * (1 - IN_BURST * local)
    at_rest = no_shared * (1 - IN_BURST * shared)
    shared_s = max(SHARED_S, BURST_PROBES * interval_s)
    shares = [shared + extra / IN_BURST for extra in BURSTY]
    return Model(
        ambient=ambient,
        shared=shared,
        local=local,
        shared_rate=1 / shared_s,
        local_rate=1 / max(LOCAL_S, BURST_PROBES * interval_s),
        kept_shared=KEPT / (1 - IN_BURST * shared),
        kept_local=KEPT / (1 - IN_BURST * local),
        null=Hypothesis(log(at_rest), kept, 0.0),
        alternatives=(
            *(
                Hypothesis(log(at_rest * (1 - extra)), kept * (1 - extra), log(1 - extra))
                for extra in INDEPENDENT
            ),
            *(
                Hypothesis(log(no_shared), kept, 0.0, Chain(share, 1 / (shared_s * (1 - share))))
                for share in shares
            ),
        ),
    )


class Beliefs(NamedTuple):
    """In bursts, beyond what is always believed; under bursts as an alternative, in all."""

    shared: float = 0.0
    local: tuple[tuple[int, float, int], ...] = ()  # target, belief, the target's answers by then


NONE: Final = Beliefs()


class Watch(NamedTuple):
    """What one set of targets has seen, as of its last lost probe. Scores are log-likelihood ratios."""

    at: float = 0.0
    answers: int = 0  # of the set, ever
    null: Beliefs = NONE
    scores: tuple[float, ...] = (0.0,) * (len(INDEPENDENT) + len(BURSTY))
    beliefs: tuple[Beliefs, ...] = (NONE,) * (len(INDEPENDENT) + len(BURSTY))  # where the score is not 0
    ceiling: float = 0.0  # no run of answers lifts a score above this

    @property
    def score(self) -> float:
        """Evidence of the set: that of its best alternative."""
        return max(self.scores)


def _passing(belief: float, kept: float, rate: float, answers: int, elapsed_s: float) -> tuple[float, float]:
    """A belief in a burst that passes after a run of answers, and the run's log-likelihood."""
    if not answers:
        return belief * exp(-rate * elapsed_s), 0.0
    stay = exp(-rate * elapsed_s / answers)
    survives = kept * stay
    remains = survives**answers
    ended = kept * (1 - stay) * (1 - remains) / (1 - survives)
    seen = max(TINY, 1 - belief + belief * (ended + remains))
    return belief * remains / seen, log(seen)


def _coming_and_going(chain: Chain, belief: float, answers: int, elapsed_s: float) -> tuple[float, float]:
    """Likewise for a chain that enters bursts too: the power of a 2x2 matrix, by its eigenvalues."""
    if not answers:
        return chain.share + (belief - chain.share) * exp(-chain.rate * elapsed_s), 0.0
    mixes = 1 - exp(-chain.rate * elapsed_s / answers)
    enter, leave = chain.share * mixes, (1 - chain.share) * mixes
    half = (1 - enter + KEPT * (1 - leave)) / 2
    root = sqrt(half * half - KEPT * (1 - mixes))
    large, small = half + root, half - root
    calm, burst = 1 - belief, belief * KEPT
    calm_1, burst_1 = calm * (1 - enter) + burst * leave, calm * enter + burst * (1 - leave)
    fades = (small / large) ** answers
    calm_n = calm_1 - small * calm + fades * (large * calm - calm_1)
    burst_n = burst_1 - small * belief + fades * (large * belief - burst_1)
    both = max(TINY, calm_n + burst_n)
    return min(1.0, burst_n / both), answers * log(large) + log(both / (2 * root))


def _run(
    m: Model, hypothesis: Hypothesis, was: Beliefs, run: tuple[float, int], by_target: Sequence[int]
) -> tuple[Beliefs, float]:
    """Beliefs after a run of so many seconds and answers, and its log-likelihood."""
    elapsed_s, answers = run
    likely = answers * hypothesis.answer
    shared = was.shared
    if hypothesis.bursts is not None:
        shared, seen = _coming_and_going(hypothesis.bursts, shared, answers, elapsed_s)
        likely += seen
    elif shared:
        shared, seen = _passing(shared, m.kept_shared, m.shared_rate, answers, elapsed_s)
        likely += seen
        if shared < FAINT:
            shared = 0.0
    local = []
    for target, belief, counted in was.local:
        now = by_target[target]
        after, seen = _passing(belief, m.kept_local, m.local_rate, now - counted, elapsed_s)
        likely += seen
        if after > FAINT:
            local.append((target, after, now))
    return Beliefs(shared, tuple(local)), likely


def after_answers(m: Model, watch: Watch, at: float, answers: int, by_target: Sequence[int]) -> Watch:
    """As of ``at``, all probes since having been answered. Both counts are cumulative."""
    if not watch.ceiling:
        return Watch(at, answers)
    run = (max(0.0, at - watch.at), answers - watch.answers)
    null, ordinary = _run(m, m.null, watch.null, run, by_target)
    spare = watch.ceiling - watch.score  # the most that answers can take from the null
    scores, beliefs = [], []
    for hypothesis, score, own in zip(m.alternatives, watch.scores, watch.beliefs, strict=True):
        scored, after = 0.0, NONE
        # Most scores have faded by now, and that is seen without a filter.
        if score and (hypothesis.bursts is not None or score + spare + run[1] * hypothesis.slope > 0):
            after, likely = _run(m, hypothesis, own, run, by_target)
            scored = max(0.0, score + likely - ordinary)
        scores.append(scored)
        beliefs.append(after)
    return Watch(at, answers, null, tuple(scores), tuple(beliefs), _ceiling(null, scores))


def _lose(
    m: Model, hypothesis: Hypothesis, was: Beliefs, target: int, answered: int
) -> tuple[Beliefs, float]:
    """Beliefs after a lost probe, and its log-likelihood."""
    rest = 0.0 if hypothesis.bursts else m.shared
    shared, local, others = rest + was.shared * (1 - rest), m.local, []
    for each in was.local:
        if each[0] == target:
            local += each[1] * (1 - local)
        else:
            others.append(each)
    kept_shared, kept_local = 1 - IN_BURST * shared, 1 - IN_BURST * local
    likely = 1 - hypothesis.kept * kept_shared * kept_local
    shared *= (1 - KEPT * hypothesis.kept * kept_local) / likely
    local *= (1 - KEPT * hypothesis.kept * kept_shared) / likely
    others.append((target, (local - m.local) / (1 - m.local), answered))
    return Beliefs((shared - rest) / (1 - rest), tuple(others)), log(likely)


def after_loss(m: Model, watch: Watch, target: int, answered: int, cap: float) -> Watch:
    """One probe of ``target`` was lost at ``watch.at``; ``answered``: its cumulative answers.

    An alternative without a score starts from the null's beliefs: the middle or end of an ambient burst must
    not pass for evidence. Shared bursts as an alternative start as likely as they are. The best score stops
    at ``cap``, with the others as far behind as they were: what fits the fault decides when it is over.
    """
    null, ordinary = _lose(m, m.null, watch.null, target, answered)
    scores, beliefs = [], []
    for hypothesis, score, own in zip(m.alternatives, watch.scores, watch.beliefs, strict=True):
        was = own
        if not score:
            was = watch.null
            if hypothesis.bursts is not None:
                burst = m.shared + was.shared * (1 - m.shared)
                was = Beliefs(max(hypothesis.bursts.share, burst), was.local)
        after, likely = _lose(m, hypothesis, was, target, answered)
        scores.append(max(0.0, score + likely - ordinary))
        beliefs.append(after)
    excess = max(scores) - cap
    if excess > 0:
        scores = [max(0.0, score - excess) for score in scores]
    return Watch(watch.at, watch.answers, null, tuple(scores), tuple(beliefs), _ceiling(null, scores))


def _ceiling(null: Beliefs, scores: Sequence[float]) -> float:
    """Answers can take no more from the null than its beliefs in bursts."""
    best = max(scores)
    if not (best or null.shared or null.local):
        return 0.0
    doubt = max(FAINT, 1 - null.shared)
    for each in null.local:
        doubt *= max(FAINT, 1 - each[1])
    return best - log(doubt) + FAINT

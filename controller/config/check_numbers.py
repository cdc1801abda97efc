"""What must hold between the numbers of a policy: probing, patience."""

from __future__ import annotations

from collections.abc import Iterator

from controller.config.health import to_health
from controller.config.health_file import HealthSpec
from controller.config.problems import Problem
from controller.config.sources import Sources
from controller.config.stability_file import StabilitySpec
from controller.core.explain import written
from controller.core.latency import block_s

SHORTEST_INTERVAL_S = 0.01  # 100 probes a second at one target: more is an attack


def check_numbers(sources: Sources) -> Iterator[Problem]:
    """Every such problem in health and stability."""
    policy = sources.policy.draft
    if policy.health is not None:
        yield from _timing(sources, policy.health)
        yield from _latency(sources, policy.health)
    if policy.stability is not None:
        yield from _stability(sources, policy.stability)


def _timing(sources: Sources, health: HealthSpec) -> Iterator[Problem]:
    whole = to_health(health)
    interval = whole.interval_s
    paced = sources.policy.intact("health", "interval")  # else this is not the interval that was meant
    wrong = (
        (
            interval < SHORTEST_INTERVAL_S,
            ("interval",),
            "more than 100 probes a second would go to each target",
            "Write 10ms or more.",
        ),
        (health.timeout <= 0, ("timeout",), "no reply could arrive in time", "Write 300ms or the like."),
        (
            paced and health.ride_out < 2 * interval,
            ("ride_out",),
            "'ride_out' is shorter than two intervals, so one lost probe would pass for an outage",
            f"Write {written(2 * interval)} or more, or a shorter 'interval'.",
        ),
        (
            health.timeout > health.ride_out,
            ("timeout",),
            "'timeout' is longer than 'ride_out', so an outage would be over before a probe counts as lost",
            f"Write {written(health.ride_out)} or less.",
        ),
        (
            health.recover < health.ride_out,
            ("recover",),
            "'recover' is shorter than 'ride_out', so a link could be up again while it is still judged",
            f"Write {written(health.ride_out)} or more.",
        ),
        (
            paced and whole.fresh_s < 2 * interval,
            ("fresh",),
            "'fresh' is shorter than two intervals, so no target would ever have a say",
            f"Write {written(2 * interval)} or more.",
        ),
    )
    for applies, steps, message, hint in wrong:
        if applies:
            yield sources.policy.problem(("health", *steps), message, hint)


def _latency(sources: Sources, health: HealthSpec) -> Iterator[Problem]:
    latency = health.latency
    if latency is None:
        return
    length_s = block_s(to_health(health).interval_s)
    if latency.held < 2 * length_s:
        message = f"'held' is shorter than it takes to see that a link is slow: two blocks of {length_s:g} s"
        hint = f"Write {written(2 * length_s)} or more."
        yield sources.policy.problem(("health", "latency", "held"), message, hint)
    jitter = latency.jitter
    bounds: tuple[tuple[tuple[str, ...], float | None], ...] = (
        (("worse_by",), latency.worse_by),
        (("limit",), latency.limit),
        (("jitter", "worse_by"), jitter.worse_by if jitter else None),
        (("jitter", "limit"), jitter.limit if jitter else None),
    )
    for steps, bound in bounds:
        if bound is not None and not 0 < bound < health.timeout:
            message = (
                f"'{steps[-1]}' must be more than 0 and less than 'timeout', after which a reply is lost"
            )
            hint = f"Write less than {written(health.timeout)}, or lengthen 'timeout'."
            yield sources.policy.problem(("health", "latency", *steps), message, hint)


def _stability(sources: Sources, stability: StabilitySpec) -> Iterator[Problem]:
    back, steps = stability.fail_back, ("stability", "fail_back")
    if back.doubles_up_to < back.clean:
        hint = f"Write {written(back.clean)} or more."
        yield sources.policy.problem(
            (*steps, "doubles_up_to"), "'doubles_up_to' is shorter than 'clean'", hint
        )
    if back.forgotten_after < back.doubles_up_to:
        message = (
            "'forgotten_after' is shorter than 'doubles_up_to', so the longest wait would be forgotten first"
        )
        hint = f"Write {written(back.doubles_up_to)} or more."
        yield sources.policy.problem((*steps, "forgotten_after"), message, hint)

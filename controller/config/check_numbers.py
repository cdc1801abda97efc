"""What must hold between the numbers of a policy: probing, patience, preference."""

from __future__ import annotations

from collections.abc import Iterator

from controller.config.check_policy import upstreams_of
from controller.config.health import to_health
from controller.config.health_file import HealthSpec
from controller.config.problems import Problem
from controller.config.role_file import LARGEST_PREPEND, RoleSpec, RolesSpec
from controller.config.sources import Sources
from controller.config.stability_file import StabilitySpec
from controller.core.explain import written
from controller.core.latency import block_s

SHORTEST_INTERVAL_S = 0.01  # 100 probes a second at one target: more is an attack


def check_numbers(sources: Sources) -> Iterator[Problem]:
    """Every such problem in health, stability and roles."""
    policy = sources.policy.draft
    if policy.health is not None:
        yield from _timing(sources, policy.health)
        yield from _latency(sources, policy.health)
    if policy.stability is not None:
        yield from _stability(sources, policy.stability)
    if policy.roles is not None:
        yield from _roles(sources, policy.roles)
        yield from _queue(sources, policy.roles)


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


def _roles(sources: Sources, roles: RolesSpec) -> Iterator[Problem]:
    def wrong(role: str, knob: str, message: str, hint: str) -> Problem:
        return sources.policy.problem(("roles", role, knob), message, hint)

    order: tuple[tuple[str, RoleSpec, str, RoleSpec], ...] = (
        ("primary", roles.primary, "backup", roles.backup),
        ("primary", roles.primary, "drained", roles.drained),
        ("primary", roles.primary, "withdrawn", roles.withdrawn),
        ("backup", roles.backup, "drained", roles.drained),
        ("backup", roles.backup, "withdrawn", roles.withdrawn),
    )
    for better, first, worse, second in order:
        if first.local_preference <= second.local_preference:
            high, low = first.local_preference, second.local_preference
            message = f"{better}'s local preference {high} is not above {worse}'s {low}"
            hint = "The highest wins: raise this one or lower the other."
            yield wrong(better, "local_preference", message, hint)
    if not sources.policy.intact("roles"):
        return  # knobs that could not be read have their defaults here
    if roles.primary.prepend > roles.backup.prepend:
        message = f"primary prepends more than backup ({roles.primary.prepend} > {roles.backup.prepend})"
        yield wrong("primary", "prepend", message, "Prepending repels inbound traffic: give backup more.")
    if roles.primary.prepend < -roles.primary.each_further.prepend:
        have, taken = roles.primary.prepend, -roles.primary.each_further.prepend
        message = f"a further choice cannot prepend {taken} fewer than primary's {have}"
        hint = f"Give primary 'prepend: {taken}' or more: that is what it holds in reserve."
        yield sources.policy.problem(("roles", "primary", "each_further", "prepend"), message, hint)
    if not roles.primary.announce:
        hint = "Remove the line: announce is true unless said otherwise."
        yield wrong(
            "primary", "announce", "a primary link without announcements gets no inbound traffic", hint
        )
    if roles.withdrawn.announce:
        hint = "Add 'announce: false', or use drained where links should be worse but usable."
        yield wrong("withdrawn", "announce", "withdrawn means that own prefixes are not announced", hint)


def _queue(sources: Sources, roles: RolesSpec) -> Iterator[Problem]:
    """The last backup in the longest queue must still be better than a drained link."""
    longest = max((len(upstreams_of(spec)) for spec in sources.policy.draft.classes.values()), default=0)
    further = max(longest - 2, 0)  # beyond the primary and the first backup
    lowest = roles.backup.local_preference + further * roles.backup.each_further.local_preference
    floor = max(roles.drained.local_preference, roles.withdrawn.local_preference)
    steps = ("roles", "backup", "each_further")
    if further and lowest <= floor < roles.backup.local_preference:
        message = f"backup {further + 1} would have local preference {lowest}, not above drained's {floor}"
        yield sources.policy.problem((*steps, "local_preference"), message, "Take smaller steps.")
    most = roles.backup.prepend + further * roles.backup.each_further.prepend
    if most > LARGEST_PREPEND:
        message = f"backup {further + 1} would prepend {most} times, and {LARGEST_PREPEND} is the most"
        yield sources.policy.problem((*steps, "prepend"), message, "Take smaller steps.")

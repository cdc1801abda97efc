"""What must hold between roles: everybody's, and those that a class has changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from controller.config.check_policy import upstreams_of
from controller.config.class_role_file import changed
from controller.config.document import Steps
from controller.config.policy_file import PolicyDraft
from controller.config.problems import Problem, quoted
from controller.config.role_file import LARGEST_PREPEND, BackupSpec, PrimarySpec, RoleSpec, RolesSpec
from controller.config.sources import Sources
from controller.config.validate import did_you_mean
from controller.core.model import ROLE_NAMES


@dataclass(frozen=True, slots=True)
class PlacedRoles:
    """Roles as a whole, where people say what they are, and how many upstreams queue for them at most."""

    steps: Steps
    roles: RolesSpec
    longest: int

    def problem(self, sources: Sources, steps: Steps, message: str, hint: str) -> Problem:
        """A problem with what stands below these roles."""
        return sources.policy.problem((*self.steps, *steps), message, hint)


def check_roles(sources: Sources) -> Iterator[Problem]:
    """Every such problem. What a class takes over from everybody's roles is told once, of those."""
    policy = sources.policy.draft
    yield from _upstreams(sources)
    told: set[str] = set()
    for placed in _placed(policy):
        found = [*_order(sources, placed), *_queue(sources, placed)]
        if sources.policy.intact("roles") and sources.policy.intact(*placed.steps):
            found += _knobs(sources, placed)  # else those that could not be read have their defaults here
        yield from (each for each in found if each.message not in told)
        told |= {each.message for each in found} if placed.steps == ("roles",) else set()


def _placed(policy: PolicyDraft) -> Iterator[PlacedRoles]:
    if policy.roles is None:
        return
    longest = max((len(upstreams_of(spec)) for spec in policy.classes.values()), default=0)
    yield PlacedRoles(("roles",), policy.roles, longest)
    for name, spec in policy.classes.items():
        own = changed(policy.roles, spec.roles)
        if own:
            whole = policy.roles.model_copy(update=dict(own))
            yield PlacedRoles(("classes", name, "roles"), whole, len(upstreams_of(spec)))


def _upstreams(sources: Sources) -> Iterator[Problem]:
    """Communities for an upstream that is not there."""
    policy = sources.policy
    known = policy.document.names("upstreams")
    places: list[Steps] = [("roles",), *(("classes", name, "roles") for name in policy.draft.classes)]
    if not known:
        return
    for place in places:
        for role in ROLE_NAMES:
            steps = (*place, role, "upstream_communities")
            for name in policy.document.names(*steps):
                if name.lower() not in map(str.lower, known):
                    hint = did_you_mean(name, known, f"Known here: {', '.join(known)}.")
                    message = f"there is no upstream {quoted(name)}"
                    yield policy.document.problem((*steps, name), message, hint, key=True)


def _order(sources: Sources, placed: PlacedRoles) -> Iterator[Problem]:
    """Of local preferences, the highest wins."""
    roles = placed.roles
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
            yield placed.problem(sources, (better, "local_preference"), message, hint)


def _knobs(sources: Sources, placed: PlacedRoles) -> Iterator[Problem]:
    roles = placed.roles
    if roles.primary.prepend > roles.backup.prepend:
        message = f"primary prepends more than backup ({roles.primary.prepend} > {roles.backup.prepend})"
        hint = "Prepending repels inbound traffic: give backup more."
        yield placed.problem(sources, ("primary", "prepend"), message, hint)
    if roles.primary.prepend < -roles.primary.each_further.prepend:
        have, taken = roles.primary.prepend, -roles.primary.each_further.prepend
        message = f"a further choice cannot prepend {taken} fewer than primary's {have}"
        hint = f"Give primary 'prepend: {taken}' or more: that is what it holds in reserve."
        yield placed.problem(sources, ("primary", "each_further", "prepend"), message, hint)
    yield from _med(sources, placed)
    if not roles.primary.announce:
        message = "a primary link without announcements gets no inbound traffic"
        hint = "Remove the line: announce is true unless said otherwise."
        yield placed.problem(sources, ("primary", "announce"), message, hint)
    if roles.withdrawn.announce:
        message = "withdrawn means that own prefixes are not announced"
        hint = "Add 'announce: false', or use drained where links should be worse but usable."
        yield placed.problem(sources, ("withdrawn", "announce"), message, hint)


def _med(sources: Sources, placed: PlacedRoles) -> Iterator[Problem]:
    """Steps need something to step from."""
    both: tuple[tuple[str, PrimarySpec | BackupSpec], ...] = (
        ("primary", placed.roles.primary),
        ("backup", placed.roles.backup),
    )
    for name, role in both:
        step, steps = role.each_further.med, (name, "each_further", "med")
        if step and role.med is None:
            message = f"{name} has no 'med' to add steps of {step} to"
            yield placed.problem(sources, steps, message, f"Add 'med: {max(-step, 100)}' to {name}.")
        elif role.med is not None and role.med < -step:
            message = f"a further choice cannot have {-step} less than {name}'s med of {role.med}"
            yield placed.problem(sources, steps, message, f"Give {name} 'med: {-step}' or more.")


def _queue(sources: Sources, placed: PlacedRoles) -> Iterator[Problem]:
    """The last backup in the longest queue must still be better than a drained link."""
    roles = placed.roles
    further = max(placed.longest - 2, 0)  # beyond the primary and the first backup
    lowest = roles.backup.local_preference + further * roles.backup.each_further.local_preference
    floor = max(roles.drained.local_preference, roles.withdrawn.local_preference)
    steps = ("backup", "each_further")
    if further and lowest <= floor < roles.backup.local_preference:
        message = f"backup {further + 1} would have local preference {lowest}, not above drained's {floor}"
        yield placed.problem(sources, (*steps, "local_preference"), message, "Take smaller steps.")
    most = roles.backup.prepend + further * roles.backup.each_further.prepend
    if most > LARGEST_PREPEND:
        message = f"backup {further + 1} would prepend {most} times, and {LARGEST_PREPEND} is the most"
        yield placed.problem(sources, (*steps, "prepend"), message, "Take smaller steps.")

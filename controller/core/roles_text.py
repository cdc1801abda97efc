"""What a policy says in BGP, in plain sentences: its roles, and what classes differ in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from controller.core.explain import names
from controller.core.model import ROLE_NAMES, Policy, Role, TrafficClass
from controller.core.route_lists import destinations


def roles_told(policy: Policy) -> list[str]:
    """One line a role, then what each class has of its own."""
    lines = [f"{name}: {_role(policy.roles[name])}" for name in ROLE_NAMES]
    for each in policy.classes.values():
        lines += [f"{name} of {each.name}: {_role(role)}" for name, role in each.roles.items()]
        lines += _more_specifics(policy, each)
    return lines + list(_outbound(policy))


def _role(role: Role) -> str:
    parts = [f"local preference {role.local_preference}"]
    if not role.announce:
        return f"{parts[0]}; own prefixes are not announced"
    parts.append(_times(role.prepend))
    if role.med is not None:
        parts.append(f"MED {role.med}")
    if role.communities:
        parts.append(f"communities {', '.join(role.communities)}")
    parts += [f"{', '.join(each)} to {name}" for name, each in role.upstream_communities.items() if each]
    if role.graceful_shutdown:
        parts.append("graceful shutdown")
    steps = _steps(role)
    return ", ".join(parts) + (f"; each further place {', '.join(steps)}" if steps else "")


def _steps(role: Role) -> list[str]:
    steps = []
    if role.further_local_preference:
        steps.append(f"{role.further_local_preference:+} local preference")
    if role.further_prepend:
        steps.append(f"{role.further_prepend:+} prepend{'s' if abs(role.further_prepend) > 1 else ''}")
    if role.further_med:
        steps.append(f"{role.further_med:+} MED")
    return steps


def _times(prepend: int) -> str:
    return "no prepend" if not prepend else f"{prepend} prepend{'s' if prepend > 1 else ''}"


def _more_specifics(policy: Policy, each: TrafficClass) -> Iterator[str]:
    if not each.more_specifics:
        return
    roles = {name: policy.role(each, name) for name in ROLE_NAMES}
    told = [name for name, role in roles.items() if role.announce and role.more_specifics]
    listed = ", ".join(map(str, each.more_specifics))
    when = f"over links that are {' or '.join(told)}, where the routers have them in BGP"
    yield f"more-specifics of {each.name}: {listed} leave {when if told else 'over no link: no role says so'}"


def _outbound(policy: Policy) -> Iterator[str]:
    """What steers traffic that leaves: BGP chooses by where it goes."""
    named = [each for each in policy.classes.values() if destinations(each)]
    for each in named:
        yield f"outbound with {each.name}: {'; '.join(_named(each))}"
    rest = next((each for each in policy.classes.values() if not destinations(each)), None)
    carrier = rest or next(iter(policy.classes.values()), None)
    if carrier:
        yield f"outbound with {carrier.name}: {'all other routes' if named else 'all routes'}"
    if len(named) > 1:
        order = ", then ".join(each.name for each in named)
        yield f"a route that several of them name goes with the first: {order}"


def _named(each: TrafficClass) -> Iterator[str]:
    if each.destinations:
        yield f"routes to {names([str(network) for network in each.destinations])} or inside"
    if each.destination_as:
        origins = _either([f"AS {origin}" for origin in each.destination_as])
        yield f"routes that {origins} originates"
    if each.destination_communities:
        yield f"routes that carry {_either(list(each.destination_communities))}"


def _either(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} or {items[-1]}"

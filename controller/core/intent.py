"""From an assignment to what each router must run, and from what routers run back to the assignment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from controller.core import names
from controller.core.model import (
    BACKUP,
    DRAINED,
    PRIMARY,
    WITHDRAWN,
    AsPathList,
    Assignment,
    Attachment,
    CommunityList,
    Direction,
    Family,
    Knobs,
    Link,
    Placement,
    Policy,
    PrefixList,
    Role,
    RolePolicy,
    RouterIntent,
    Term,
    TrafficClass,
    members,
)
from controller.core.route_lists import announced, destinations, more_specifics, own_prefixes, route_lists
from controller.core.rules.preference import queue

Placements = tuple[Placement, ...]  # of one link: one for each class, in the order of the policy
LARGEST_MED = 4294967295  # RFC 4271: four octets


def intents(policy: Policy, assignment: Assignment) -> Mapping[str, RouterIntent]:
    """What every router must run: all role policies ahead of time, and the attachments of the moment.

    Ahead of time means: every placement that a link can have for all classes at once, the mixed ones of calm
    weather and of each single upstream's failure, and whatever ``assignment`` asks for now. A link that
    ``assignment`` does not mention gets no attachments: its neighbors keep what they have.
    """
    links: dict[str, list[Link]] = {name: [] for name in policy.routers}
    for link in policy.links.values():
        links[link.router].append(link)
    book = _Book(policy)
    return {name: _router_intent(book, name, links[name], assignment) for name in policy.routers}


def current_assignment(policy: Policy, attachments: Mapping[str, Sequence[Attachment]]) -> Assignment:
    """The assignment that the routers run: the inverse of ``intents``.

    ``attachments`` is by router. A link is missing from the result where its router was not read, where a
    neighbor uses a policy that is not one of this link's role policies, and where neighbors, families or
    directions disagree (half of a change).
    """
    found: dict[str, dict[str, Placement]] = {name: {} for name in policy.classes}
    for link in policy.links.values():
        placements = _attached(link, attachments.get(link.router, ()), len(policy.classes))
        for traffic_class, placement in zip(policy.classes, placements or (), strict=False):
            found[traffic_class][link.name] = placement
    return found


def knobs(role: Role, placement: Placement, upstream: str) -> Knobs:
    """The role's BGP attributes at this upstream and place in the queue: rank n adds the steps n-1 times.

    Of a primary link the rank is its upstream's place in the class's preference (``_ranked``).
    """
    steps = placement.rank - 1
    med = None if role.med is None else min(LARGEST_MED, max(0, role.med + steps * role.further_med))
    return Knobs(
        local_preference=max(0, role.local_preference + steps * role.further_local_preference),
        prepend=max(0, role.prepend + steps * role.further_prepend),
        communities=(*role.communities, *role.upstream_communities.get(upstream, ())),
        graceful_shutdown=role.graceful_shutdown,
        announce=role.announce,
        med=med,
        more_specifics=role.more_specifics and role.announce,
    )


def name_clashes(policy: Policy) -> tuple[str, ...]:
    """What would give two things one name on a router, or a name longer than routers take; and what to do."""
    lists: dict[str, str] = {}
    found: list[str] = []
    for each in policy.classes.values():
        for name in (listed.name for listed in (*announced(each), *destinations(each))):
            if lists.setdefault(name, each.name) != each.name:
                pair = f"{lists[name]} and {each.name}"
                found.append(f"classes {pair} would share the list {name}: rename one of them")
            found.extend(_too_long(name, f"class {each.name}"))
    links: dict[tuple[str, str], str] = {}
    for link in policy.links.values():
        worst = tuple(Placement(BACKUP, 99 + n % 2) for n in range(len(policy.classes))) or (
            Placement(PRIMARY),
        )
        name = names.policy_name(link.name, worst, Direction.OUT)
        if links.setdefault((link.router, name), link.name) != link.name:
            other = links[link.router, name]
            found.append(f"links {other} and {link.name} would share the policies {name}: rename one of them")
        found.extend(_too_long(name, f"link {link.name} with {len(policy.classes)} classes"))
    return tuple(found)


def _too_long(name: str, what: str) -> Iterator[str]:
    if len(name) > names.MAX_LENGTH:
        yield (
            f"{what} needs names of {len(name)} characters on routers, which take {names.MAX_LENGTH}: "
            "use a shorter name or fewer classes"
        )


# --- attachments --------------------------------------------------------------------------------


def _attached(link: Link, attachments: Sequence[Attachment], classes: int) -> Placements | None:
    """What the link is to each class, if all its neighbors, in both directions, say the same."""
    policies = {(each.family, each.neighbor, each.direction): each.policy for each in attachments}
    said = {
        names.placements_of(policies.get((family, neighbor, direction), ""), link.name, direction, classes)
        for family, neighbor in link.neighbors.items()
        for direction in Direction
    }
    return said.pop() if len(said) == 1 else None


def _attachments(link: Link, placements: Placements) -> Iterator[Attachment]:
    for family in Family:
        if family in link.neighbors:
            for direction in Direction:
                policy = names.policy_name(link.name, placements, direction)
                yield Attachment(link.neighbors[family], family, direction, policy)


def _assigned(policy: Policy, assignment: Assignment, link: Link) -> Placements | None:
    """The link's placement for each class: drained where a class does not mention it; None if none does."""
    found = [assignment.get(name, {}).get(link.name) for name in policy.classes]
    if not any(found):
        return None
    return tuple(placement or Placement(DRAINED) for placement in found)


# --- policies -----------------------------------------------------------------------------------


class _Book:
    """What is the same for all links of an upstream, found once for all of them."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.lists = tuple(route_lists(policy))
        self._ahead: dict[str, list[Placements]] = {}
        self._terms: dict[tuple[str, Placements, Direction], tuple[Term, ...]] = {}

    def ahead_of_time(self, upstream: str, now: Placements | None) -> list[Placements]:
        """The placements that links of an upstream are prepared for, as they are listed."""
        if upstream not in self._ahead:
            self._ahead[upstream] = sorted(set(_ahead_of_time(self.policy, upstream)), key=_order)
        known = self._ahead[upstream]
        return known if now is None or now in known else sorted([*known, now], key=_order)

    def role_policy(self, link: Link, placements: Placements, direction: Direction) -> RolePolicy:
        """The policy of one link in these roles."""
        key = (link.upstream, placements, direction)
        if key not in self._terms:
            self._terms[key] = _terms(self.policy, *key)
        return RolePolicy(
            name=names.policy_name(link.name, placements, direction),
            link=link.name,
            direction=direction,
            base=link.base_policy_in if direction is Direction.IN else link.base_policy_out,
            terms=self._terms[key],
        )


def _router_intent(book: _Book, router: str, links: Sequence[Link], assignment: Assignment) -> RouterIntent:
    policies: list[RolePolicy] = []
    attachments: list[Attachment] = []
    for link in links:
        now = _assigned(book.policy, assignment, link)
        for placements in book.ahead_of_time(link.upstream, now):
            policies += [book.role_policy(link, placements, direction) for direction in Direction]
        if now:
            attachments += _attachments(link, now)
    lists = book.lists if links else ()
    return RouterIntent(
        router=book.policy.routers[router],
        prefix_lists=tuple(each for each in lists if isinstance(each, PrefixList)),
        policies=tuple(policies),
        attachments=tuple(attachments),
        as_path_lists=tuple(each for each in lists if isinstance(each, AsPathList)),
        community_lists=tuple(each for each in lists if isinstance(each, CommunityList)),
    )


def _order(placements: Placements) -> tuple[bool, list[tuple[int, int]]]:
    """Uniform ones first, then by role as people list them, so that text is stable and reads well."""
    rank = {role: n for n, role in enumerate((PRIMARY, BACKUP, DRAINED, WITHDRAWN))}
    return len(set(placements)) > 1, [(rank[each.role], each.rank) for each in placements]


def _ahead_of_time(policy: Policy, upstream: str) -> Iterator[Placements]:
    """What links of an upstream may be asked to be, as far as that can be known in calm weather."""
    count = len(policy.classes)
    if not count:
        return
    queues = [each.upstreams for each in policy.classes.values() if upstream in each.upstreams]
    longest = max(map(len, queues), default=0)
    uniform = [Placement(DRAINED), Placement(WITHDRAWN)]
    if longest:
        uniform += [Placement(PRIMARY), *(Placement(BACKUP, rank) for rank in range(1, longest))]
    for placement in uniform:
        yield (placement,) * count
    hours = [classes for _, classes in _hours(policy)]
    for classes in hours:
        for failed in (None, *policy.upstreams):
            yield tuple(_expected(policy, each, upstream, failed) for each in classes)


def _hours(policy: Policy) -> Iterator[tuple[str | None, list[TrafficClass]]]:
    """The classes with what they prefer: by default, and in each window in which some prefer another."""
    yield None, list(policy.classes.values())
    for window in dict.fromkeys(name for each in policy.classes.values() for name, _ in each.prefer_in):
        yield (
            window,
            [
                replace(each, prefer=dict(each.prefer_in).get(window, each.prefer))
                for each in policy.classes.values()
            ],
        )


def _expected(policy: Policy, traffic_class: TrafficClass, upstream: str, failed: str | None) -> Placement:
    """The placement of an upstream's links while only ``failed`` is down, as decisions rank them."""
    choices = traffic_class.prefer.choices
    if upstream not in traffic_class.prefer.upstreams:
        return Placement(WITHDRAWN)
    if upstream == failed:
        return Placement(traffic_class.when_down or policy.when_down)
    active = choices[0]
    if active == failed:
        ranks = queue(policy, traffic_class, active)
        active = min(
            (choice for choice in choices if choice != active),
            key=lambda choice: min(ranks[name] for name in members(choice) if name in ranks),
            default=active,
        )
    if upstream in members(active):
        return Placement(PRIMARY)
    return Placement(BACKUP, queue(policy, traffic_class, active)[upstream])


def _terms(policy: Policy, upstream: str, placements: Placements, direction: Direction) -> tuple[Term, ...]:
    resolved = [
        (each, knobs(policy.role(each, placement.role), _ranked(placement, each, upstream), upstream))
        for each, placement in zip(policy.classes.values(), placements, strict=True)
    ]
    return tuple(_inward(resolved) if direction is Direction.IN else _outward(resolved))


def _ranked(placement: Placement, traffic_class: TrafficClass, upstream: str) -> Placement:
    """A primary link's place among those that may be primary is its choice's in the preference.

    It never changes, so it is no part of the placement: each link has one primary policy all the same.
    """
    choice = traffic_class.prefer.choice_of(upstream)
    if placement.role != PRIMARY or choice is None:
        return placement
    return Placement(PRIMARY, traffic_class.prefer.choices.index(choice) + 1)


def _outward(resolved: Iterable[tuple[TrafficClass, Knobs]]) -> Iterator[Term]:
    """Own prefixes, class by class, and nothing else: steers inbound traffic."""
    for traffic_class, its_knobs in resolved:
        yield Term(own_prefixes(traffic_class), its_knobs)
        if its_knobs.more_specifics and traffic_class.more_specifics:
            yield Term(more_specifics(traffic_class), its_knobs)


def _inward(resolved: Sequence[tuple[TrafficClass, Knobs]]) -> Iterator[Term]:
    """Routes by destination, then all the others: steers outbound traffic by local preference alone.

    A route that several classes name follows the first of them. What no class names follows the first class
    without destinations; where every class has some, the first class, so that it moves off a failed link too.
    """
    named = [(destinations(each), its_knobs) for each, its_knobs in resolved]
    for lists, its_knobs in named:
        yield from (Term(listed, _only_preference(its_knobs)) for listed in lists)
    others = [its_knobs for lists, its_knobs in named if not lists]
    yield Term(None, _only_preference((others or [its_knobs for _, its_knobs in named])[0]))


def _only_preference(its_knobs: Knobs) -> Knobs:
    return Knobs(its_knobs.local_preference, 0, (), graceful_shutdown=False, announce=True)

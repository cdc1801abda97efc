"""What the controller owns inside an FRR configuration: reading it, and putting it in.

``napalm_frr.lines`` reads the structure, ``frr_text`` edits the text; each notices a mistake of the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from controller.core.guard import ROUTE_MAP, Key, attached_at, owned_object
from controller.core.model import Attachment, Change, Direction, Family, Link, RouterIntent
from controller.fleet import frr_text
from controller.fleet.connect import PermanentError
from controller.fleet.frr_sessions import Sessions, bgp_line, family_line
from napalm_frr import lines as frr
from napalm_frr.lines import Line


class ConfigMismatchError(PermanentError):
    """The router's configuration, the inventory and the templates do not fit together; says what to do."""


def changes(before: str, after: str) -> tuple[Change, ...]:
    """What differs between two configurations, line by line; order and separators do not count."""
    return tuple(Change(added, context, line) for added, context, line in frr.changes(before, after))


def attachments(running: str, asn: int, links: Sequence[Link]) -> tuple[Attachment, ...]:
    """Which policy each of the inventory's neighbors uses, whoever owns it; nothing where it uses none.

    A neighbor without a policy of its own uses that of its peer-group.
    """
    sessions = Sessions(frr.parse(running), asn)
    found = []
    for link in links:
        for family, neighbor in link.neighbors.items():
            for direction in Direction:
                policy = sessions.policy(family, str(neighbor), direction)
                if policy:
                    found.append(Attachment(neighbor, family, direction, policy))
    return tuple(found)


def splice(running: str, rendered: str, intent: RouterIntent) -> str:
    """The whole configuration as intended: ``running``, with all that the controller owns put in its place.

    Owned objects become the rendered ones; one that was not rendered goes, unless something that stays refers
    to it. Neighbors use the policies of the intent. All else stays byte for byte. Raises ConfigMismatchError
    with every reason why the result could not be trusted.
    """
    before, wanted = frr.parse(running), frr.parse(rendered)
    problems = [*_unwanted(wanted, intent), *_missing(before, intent)]
    if problems:
        raise ConfigMismatchError(f"{intent.router.name}: {'; '.join(dict.fromkeys(problems))}")
    old, new = _objects(before), _objects(wanted)
    stale = _stale(before, wanted, intent)
    changed = {key: lines for key, lines in new.items() if set(lines) != set(old.get(key, ()))}
    result = frr_text.replace_objects(running, changed, stale)
    result = frr_text.attach(result, bgp_line(intent.router.asn), intent.attachments)
    if not _as_wanted(frr.parse(result), {**{k: v for k, v in old.items() if k not in stale}, **new}, intent):
        raise ConfigMismatchError(
            f"{intent.router.name}: the router shows its configuration in a layout that is not known here: "
            "compare `show running-config` with the FRR versions named in templates/frr/README.md"
        )
    return result


# --- objects -------------------------------------------------------------------------------------


def _objects(lines: Sequence[Line]) -> dict[str, list[Line]]:
    """The lines of each owned object, by ``guard.owned_object``."""
    found: dict[str, list[Line]] = {}
    for line in lines:
        key = owned_object(line.context, line.text)
        if key:
            found.setdefault(key, []).append(line)
    return found


def _stale(before: Sequence[Line], wanted: Sequence[Line], intent: RouterIntent) -> Collection[str]:
    """Owned objects on the router that nothing rendered, and that nothing which stays refers to.

    FRR denies everything where an attached policy is missing, so a link that this intent leaves alone must
    keep what it uses.
    """
    replaced = {(each.family, str(each.neighbor), each.direction) for each in intent.attachments}
    rendered = _objects(wanted).keys()
    staying = []
    for line in before:
        at, key = _attached_at(line, intent.router.asn), owned_object(line.context, line.text)
        if key not in rendered and (at is None or at[0] not in replaced):
            staying.append((key, set(line.text.split())))
    used_anew = {word for line in wanted for word in line.text.split()}
    stale = _objects(before).keys() - rendered
    while True:
        used = used_anew.union(*(words for key, words in staying if key not in stale))
        still = {key for key in stale if key.split()[-1] not in used}
        if still == stale:
            return stale
        stale = still


def _as_wanted(result: Sequence[Line], objects: Mapping[str, Sequence[Line]], intent: RouterIntent) -> bool:
    """Whether the result holds exactly these objects, and each wanted attachment once."""
    wanted = {(each.family, str(each.neighbor), each.direction): each.policy for each in intent.attachments}
    attached = [at for line in result if (at := _attached_at(line, intent.router.asn)) and at[0] in wanted]
    found = {key: set(lines) for key, lines in _objects(result).items()}
    return (
        found == {key: set(lines) for key, lines in objects.items()}
        and len(attached) == len(wanted)
        and dict(attached) == wanted
    )


def _attached_at(line: Line, asn: int) -> tuple[Key, str] | None:
    return attached_at(Change(added=True, context=line.context, line=line.text), asn)


# --- what does not fit ---------------------------------------------------------------------------


def _unwanted(rendered: Sequence[Line], intent: RouterIntent) -> Iterator[str]:
    """What is wrong with the templates' output, all by itself."""
    asn = intent.router.asn
    openers = {(), (bgp_line(asn),), *((bgp_line(asn), family_line(family)) for family in Family)}
    attached = set()
    for line in rendered:
        at = _attached_at(line, asn)
        if at:
            attached.add((*at[0], at[1]))
        elif not owned_object(line.context, line.text) and line.path not in openers:
            place = " / ".join(line.path)
            yield f"the templates write '{place}', which is neither an FO- object nor a neighbor's policy"
    wanted = {(each.family, str(each.neighbor), each.direction, each.policy) for each in intent.attachments}
    for family, neighbor, direction, policy in sorted(wanted ^ attached):
        verb = "do not attach" if (family, neighbor, direction, policy) in wanted else "attach"
        yield f"the templates {verb} {policy} {direction} for {neighbor} ({family}), unlike the intent"
    defined = _objects(rendered)
    for policy in sorted({each.policy for each in intent.attachments}):
        if f"route-map {policy}" not in defined:
            yield f"the templates attach {policy} but do not define it: FRR would deny everything"


def _missing(running: Sequence[Line], intent: RouterIntent) -> Iterator[str]:
    """What the router must have before role policies can be attached there."""
    asn = intent.router.asn
    sessions = Sessions(running, asn)
    route_maps = {
        found[1] for line in running if (found := ROUTE_MAP.fullmatch(line.text)) and not line.context
    }
    bases = {(each.link, each.direction): each.base for each in intent.policies}
    for (link, direction), base in bases.items():
        if base and base not in route_maps:
            yield (
                f"there is no route-map {base}, the base policy {direction} of link {link}: define it on the "
                "router or correct base_policy in hosts.yaml (a missing one denies nothing)"
            )
    base_of_policy = {each.name: each.base for each in intent.policies}
    for each in intent.attachments:
        neighbor, place = str(each.neighbor), f"{bgp_line(asn)} {family_line(each.family)}"
        if not sessions.has(neighbor):
            yield (
                f"neighbor {neighbor} is not configured under {place}: configure the session on the router "
                "or correct neighbors in hosts.yaml"
            )
        elif not sessions.is_active(each.family, neighbor):
            yield (
                f"neighbor {neighbor} is not activated under {place}: activate it on the router or take "
                f"{each.family} out of its neighbors in hosts.yaml"
            )
        inherited = sessions.inherited(each.family, neighbor, each.direction)
        if inherited and inherited != base_of_policy.get(each.policy):
            yield (
                f"neighbor {neighbor} uses route-map {inherited} {each.direction} ({each.family}) of its "
                f"peer-group: write base_policy: {{{each.direction}: {inherited}}} in hosts.yaml, so that "
                "role policies call it"
            )

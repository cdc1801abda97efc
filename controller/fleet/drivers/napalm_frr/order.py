"""From one configuration to another as commands in an order that never hurts on the way.

New policy first, then what refers to it, removals last: FRR acts on each line as it comes, and an attached
route-map that does not exist yet denies everything. Values are overwritten in place, never removed and set
again, except where FRR would keep a part of the old one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from .grammar import TOP
from .lines import Line
from .settings import LIST_ENTRY, must_remove_first, removal
from .tree import IS_GROUP, Node, neighbor_of, neighbors

_PHASES = ("lists", "rest", "route-maps", "routers")
_NOT_REMOVABLE = frozenset({"interface", "bgp-af", "vrf", "line", "ldp-af", "link-params"})
_DEFINING = re.compile(r"neighbor \S+ (?:remote-as|interface|peer-group)\b")

Context = tuple[str, ...]


@dataclass(slots=True)
class _Plan:
    """Commands found so far, by phase; ``late`` removals run after everything else, phases backwards."""

    adds: dict[str, list[Line]] = field(default_factory=lambda: {phase: [] for phase in _PHASES})
    late: dict[str, list[Line]] = field(default_factory=lambda: {phase: [] for phase in _PHASES})


def commands(before: Node, after: Node) -> list[Line]:
    """Lines to enter, in order, for a router that runs ``before`` to run ``after``."""
    plan = _Plan()
    _lists(before, after, plan)
    _plain(before, after, plan)
    _contexts(before, after, plan)
    plan.adds["route-maps"] = _new_maps_first(before, after, plan.adds["route-maps"])
    plan.late["route-maps"] = _callers_first(before, plan.late["route-maps"])
    return [line for phase in _PHASES for line in plan.adds[phase]] + [
        line for phase in reversed(_PHASES) for line in plan.late[phase]
    ]


def _lists(before: Node, after: Node, plan: _Plan) -> None:
    """Entries of lists: FRR silently drops one whose content stands at another number; that goes first."""
    entries = {name: child.text for name, child in before.leaves() if LIST_ENTRY.fullmatch(child.text)}
    at = {(_list_content(text)): name for name, text in entries.items()}
    wanted = {name: child.text for name, child in after.leaves() if LIST_ENTRY.fullmatch(child.text)}
    adds, late = plan.adds["lists"], plan.late["lists"]
    for name, text in wanted.items():
        if entries.get(name) == text:
            continue
        elsewhere = at.get(_list_content(text))
        if elsewhere is not None and elsewhere != name and wanted.get(elsewhere) != entries.get(elsewhere):
            adds.append(Line((), removal(TOP, entries.pop(elsewhere))))
        replaced = entries.get(name)
        if replaced is not None:
            at.pop(_list_content(replaced), None)
        adds.append(Line((), text))
        entries[name] = text
        at[_list_content(text)] = name
    late.extend(Line((), removal(TOP, text)) for name, text in entries.items() if name not in wanted)


def _list_content(text: str) -> tuple[str, str]:
    entry = LIST_ENTRY.fullmatch(text)
    return (entry["list"], entry["content"]) if entry else (text, "")


def _plain(before: Node, after: Node, plan: _Plan) -> None:
    """Top-level lines that open nothing: static routes, box settings, descriptions of lists."""
    old, new = dict(before.leaves()), dict(after.leaves())
    for name, child in new.items():
        if not LIST_ENTRY.fullmatch(child.text) and (name not in old or old[name].text != child.text):
            plan.adds["rest"].append(Line((), child.text))
    for name, child in old.items():
        if not LIST_ENTRY.fullmatch(child.text) and name not in new:
            plan.late["rest"].append(Line((), removal(TOP, child.text)))


def _contexts(before: Node, after: Node, plan: _Plan) -> None:
    old, new = dict(before.contexts()), dict(after.contexts())
    for name, child in new.items():
        phase = _phase(child)
        was = old.get(name)
        if was is not None and was.text != child.text and must_remove_first(child.text):
            plan.adds[phase].append(Line((), removal(TOP, was.text)))
            was = None
        if was is None:
            plan.adds[phase].extend(_new_block(child, ()))
        else:
            adds, late = _changed_block(was, child, ())
            plan.adds[phase].extend(adds + late if phase == "route-maps" else adds)
            plan.late[phase].extend([] if phase == "route-maps" else late)
    for name, child in old.items():
        if name not in new:
            plan.late[_phase(child)].extend(_removed_block(child, (), TOP))


def _phase(node: Node) -> str:
    if node.kind == "route-map":
        return "route-maps"
    return "routers" if node.kind in {"bgp", "router"} else "rest"


def _new_block(node: Node, context: Context) -> list[Line]:
    inner = (*context, node.text)
    out = [Line(context, node.text)]
    out += [Line(inner, child.text) for _, child in _by_dependence(node)]
    for _, child in node.contexts():
        out += _new_block(child, inner)
    return out


def _changed_block(was: Node, node: Node, context: Context) -> tuple[list[Line], list[Line]]:
    """(additions and overwrites, removals) inside one context that stays."""
    inner = (*context, node.text)
    kind = node.kind or TOP
    adds = [Line(context, node.text)] if was.text != node.text else []
    for name, child in _by_dependence(node, was):
        old = was.children.get(name)
        if old is not None and must_remove_first(child.text):
            adds.append(Line(inner, removal(kind, old.text)))
        adds.append(Line(inner, child.text))
    late: list[Line] = []
    gone = neighbors(was) - neighbors(node) if node.kind == "bgp" else set()
    _remove_leaves(was, node, inner, gone, late)
    for name, child in node.contexts():
        old = was.children.get(name)
        if old is None or old.kind is None:
            adds += _new_block(child, inner)
            continue
        more, less = _changed_block(old, child, inner)
        adds += more
        late += [line for line in less if neighbor_of(line.text) not in gone]
    for name, child in was.contexts():
        if name not in node.children:
            late += [
                line for line in _removed_block(child, inner, kind) if neighbor_of(line.text) not in gone
            ]
    late += [Line(inner, f"no neighbor {name}") for name in _members_first(was, gone)]
    return adds, late


def _remove_leaves(was: Node, node: Node, inner: Context, gone: set[str], late: list[Line]) -> None:
    for name, child in was.leaves():
        if name not in node.children and neighbor_of(child.text) not in gone:
            late.append(Line(inner, removal(node.kind or TOP, child.text)))


def _members_first(bgp: Node, names: set[str]) -> list[str]:
    """Neighbors before the peer-groups they may be in."""
    groups = {neighbor_of(child.text) for _, child in bgp.leaves() if IS_GROUP.match(child.text)}
    return sorted(names, key=lambda name: (name in groups, name))


def _removed_block(node: Node, context: Context, parent_kind: str) -> list[Line]:
    if node.kind not in _NOT_REMOVABLE:
        return [Line(context, removal(parent_kind, node.text))]
    inner = (*context, node.text)
    out = [Line(inner, removal(node.kind or TOP, child.text)) for _, child in node.leaves()]
    for _, child in node.contexts():
        out += _removed_block(child, inner, node.kind or TOP)
    return out


def _by_dependence(node: Node, was: Node | None = None) -> list[tuple[str, Node]]:
    """Plain lines, by key, of ``node`` that ``was`` does not have, in an order that FRR accepts."""
    fresh = [
        (name, child)
        for name, child in node.leaves()
        if was is None or name not in was.children or was.children[name].text != child.text
    ]
    if node.kind == "bgp":
        groups = {neighbor_of(child.text) for _, child in node.leaves() if IS_GROUP.match(child.text)}
        fresh.sort(key=lambda each: _rank(each[1].text, neighbor_of(each[1].text) in groups))
    elif node.kind == "bgp-af":
        fresh.sort(key=lambda each: not each[1].text.endswith(" activate"))
    return fresh


def _rank(text: str, of_group: bool) -> int:
    """Under ``router bgp``: own settings, groups, their members, then everything said of those."""
    if neighbor_of(text) is None:
        return 0
    if IS_GROUP.match(text):
        return 1
    if _DEFINING.match(text):
        return 2 if of_group else 3
    return 4


def _called_first(root: Node) -> dict[str, int]:
    """Names of route-maps, those that others call ranked before their callers."""
    calls: dict[str, set[str]] = {}
    for _, child in root.contexts():
        if child.kind == "route-map":
            called = {line.text.split()[1] for _, line in child.leaves() if line.text.startswith("call ")}
            calls.setdefault(child.text.split()[1], set()).update(called)
    ranks: dict[str, int] = {}
    while len(ranks) < len(calls):
        ready = [
            name
            for name, called in calls.items()
            if name not in ranks and called & calls.keys() <= ranks.keys()
        ]
        for name in ready or [
            name for name in calls if name not in ranks
        ]:  # none ready: they call in a circle
            ranks[name] = len(ranks)
    return ranks


def _map_of(line: Line) -> str:
    opener = line.context[0] if line.context else line.text.removeprefix("no ")
    return opener.split()[1]


def _new_maps_first(before: Node, after: Node, lines: list[Line]) -> list[Line]:
    """Route-maps of new names before existing ones, which may already be attached and now call them."""
    known, ranks = _called_first(before), _called_first(after)
    return sorted(lines, key=lambda line: (_map_of(line) in known, ranks[_map_of(line)]))


def _callers_first(before: Node, lines: list[Line]) -> list[Line]:
    """Removals of entries, those that call a route-map before that route-map's own."""
    ranks = _called_first(before)
    return sorted(lines, key=lambda line: -ranks[_map_of(line)])

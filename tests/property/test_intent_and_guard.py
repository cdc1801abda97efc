"""What must hold of intents, of the guard and of splicing, whatever the assignment and whatever the text."""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.core import names
from controller.core.guard import attached_at, owned_object, ownership, review
from controller.core.intent import current_assignment, intents
from controller.core.model import ROLE_NAMES, Assignment, Change, Direction, Placement, Policy
from controller.fleet.frr_config import attachments, changes, splice
from controller.render import JinjaRenderer
from tests.role_samples import BANKS, PARTNERS, RESIDENTIAL, SPOKEN_ROLES, policy

ROOT = Path(__file__).resolve().parents[2]
RENDERER = JinjaRenderer(ROOT / "templates")
BEFORE = (ROOT / "tests/golden/frr/edge1-before.conf").read_text()
NETWORK = replace(policy(RESIDENTIAL, BANKS, PARTNERS), roles=SPOKEN_ROLES)
EDGE1 = ownership(NETWORK, "edge1")
UNTIMED = settings(deadline=None)  # a loaded machine is no defect
LINKS = [each for each in NETWORK.links.values() if each.router == "edge1"]

PLACEMENTS = st.builds(
    lambda role, rank: Placement(role, rank if role == "backup" else 1),
    st.sampled_from(ROLE_NAMES),
    st.integers(1, 12),
)
LINK_NAMES = st.from_regex(r"[a-z][a-z0-9-]{0,31}", fullmatch=True)


def assignments(network: Policy) -> st.SearchStrategy[Assignment]:
    links = st.fixed_dictionaries(dict.fromkeys(network.links, PLACEMENTS))
    return st.fixed_dictionaries(dict.fromkeys(network.classes, links))


@UNTIMED
@given(LINK_NAMES, st.lists(PLACEMENTS, min_size=1, max_size=24), st.sampled_from(Direction))
def test_a_policy_s_name_tells_its_placements_back(
    link: str, placements: list[Placement], direction: Direction
) -> None:
    name = names.policy_name(link, placements, direction)
    assert names.placements_of(name, link, direction, len(placements)) == tuple(placements)
    other = Direction.OUT if direction is Direction.IN else Direction.IN
    assert names.placements_of(name, link, other, len(placements)) is None


@UNTIMED
@given(LINK_NAMES, LINK_NAMES, st.lists(PLACEMENTS, min_size=1, max_size=4), st.sampled_from(Direction))
def test_no_link_takes_another_link_s_policy_for_its_own(
    link: str, other: str, placements: list[Placement], direction: Direction
) -> None:
    name = names.policy_name(link, placements, direction)
    assert names.belongs_to(name, other, direction) == (link == other)


@UNTIMED
@given(assignments(NETWORK))
def test_what_the_routers_run_tells_the_assignment_back(wanted: Assignment) -> None:
    attached = {name: each.attachments for name, each in intents(NETWORK, wanted).items()}
    assert current_assignment(NETWORK, attached) == wanted


@UNTIMED
@given(assignments(NETWORK))
def test_every_policy_that_is_attached_is_installed(wanted: Assignment) -> None:
    for intent in intents(NETWORK, wanted).values():
        assert {each.policy for each in intent.attachments} <= {each.name for each in intent.policies}


@settings(UNTIMED, max_examples=20)  # each splices a thousand lines four times
@given(assignments(NETWORK), assignments(NETWORK))
def test_every_move_changes_our_part_only_and_passes_the_guard(first: Assignment, second: Assignment) -> None:
    running = BEFORE
    for wanted in (first, second):
        intent = intents(NETWORK, wanted)["edge1"]
        candidate = splice(running, RENDERER.render(intent), intent)
        assert review(changes(running, candidate), EDGE1) == ()
        assert attachments(candidate, 64500, LINKS) == intent.attachments
        assert splice(candidate, RENDERER.render(intent), intent) == candidate
        running = candidate
    assert foreign(running) == foreign(BEFORE)


def foreign(config: str) -> list[str]:
    """The lines that are not the controller's, byte for byte, found by eye: without policies of our neighbors."""
    kept, inside = [], False
    for line in config.splitlines(keepends=True):
        inside = line.startswith("route-map FO-") or (inside and line.startswith((" ", "exit")))
        ours = inside or re.search("-list (standard )?FO-", line) or is_attachment(line)
        if not ours and line.strip(" \n") != "!":
            kept.append(line)
    return kept


def is_attachment(line: str) -> bool:
    words = line.split()
    addresses = {str(address) for link in LINKS for address in link.neighbors.values()}
    return words[:1] == ["neighbor"] and words[1] in addresses and words[2] == "route-map"


WORDS = st.sampled_from(
    [
        "no",
        "ip",
        "ipv6",
        "router",
        "bgp",
        "64500",
        "neighbor",
        "198.18.2.1",
        "198.18.9.1",
        "route-map",
        "prefix-list",
        "network",
        "permit",
        "deny",
        "in",
        "out",
        "exit",
        "FO-RESIDENTIAL",
        "FO-EDGE1-GEORGIA-PRIMARY-OUT",
        "FO-EDGE1-GEORGIA-PRIMARY-IN",
        "GEORGIA-IN",
        "address-family",
        "unicast",
        "match",
        "set",
        "call",
        "address",
        "203.0.113.0/24",
        "0.0.0.0/0",
        "le",
        "32",
        "any",
        "seq",
        "5",
        "10",
        "description",
        "interface",
        "shutdown",
    ]
)
TEXT = st.one_of(st.lists(WORDS, min_size=1, max_size=8).map(" ".join), st.text(max_size=40))
CONTEXTS = st.one_of(
    st.just(()),
    st.just(("router bgp 64500",)),
    st.just(("router bgp 64500", "address-family ipv4 unicast")),
    st.lists(TEXT, max_size=3).map(tuple),
)
CHANGES = st.builds(Change, st.booleans(), CONTEXTS, TEXT)


@UNTIMED
@given(st.lists(CHANGES, min_size=1, max_size=4))
def test_any_line_that_is_neither_an_owned_object_s_nor_an_attachment_is_refused(found: list[Change]) -> None:
    objections = review(found, EDGE1)
    for change in found:
        opens_family = change.added and change.context == ("router bgp 64500",) and "unicast" in change.line
        ours = owned_object(change.context, change.line) or attached_at(change, 64500) or opens_family
        if not ours:
            assert any("does not own this line" in text for text in objections)


PREFIXES: Mapping[str, frozenset[str]] = {
    "FO-RESIDENTIAL": frozenset({"203.0.113.0/24"}),
    "FO-BANKS": frozenset({"203.0.113.128/25"}),
}
NETWORKS = st.one_of(
    st.sampled_from(["203.0.113.0/24", "203.0.113.128/25", "0.0.0.0/0", "any", "192.0.2.0/25"]),
    st.builds(lambda a, length: f"{a}.0.0.0/{length}", st.integers(0, 255), st.integers(0, 32)),
)


@UNTIMED
@given(st.sampled_from(sorted(PREFIXES)), NETWORKS, st.sampled_from(["", " le 32", " ge 25", " ge 25 le 26"]))
def test_no_list_that_opens_the_way_out_ever_holds_anything_but_own_prefixes(
    name: str, prefix: str, longer: str
) -> None:
    line = f"ip prefix-list {name} seq 5 permit {prefix}{longer}"
    allowed = review([Change(added=True, context=(), line=line)], EDGE1) == ()
    assert allowed == (prefix in PREFIXES[name] and not longer)


LISTED = {
    "bgp as-path access-list FO-PARTNERS-DEST-AS": {"_64510$", "_65551$"},
    "bgp community-list standard FO-PARTNERS-DEST-COMMUNITY": {"64501:70", "65535:666", "blackhole"},
    "bgp large-community-list standard FO-PARTNERS-DEST-LARGE": {"64501:1:70"},
}
ENTRIES = st.one_of(
    st.sampled_from(sorted(set().union(*LISTED.values()))),
    st.sampled_from(["_64510_", "^64510$", "64510", ".*", "_6451.$", "64501:7", "64501:70 64501:71", "any"]),
    st.text("0123456789:_$^.*| ", min_size=1, max_size=8).map(str.strip).filter(bool),
)


@UNTIMED
@given(st.sampled_from(sorted(LISTED)), ENTRIES)
def test_no_list_of_destinations_ever_matches_more_than_the_policy_names(name: str, entry: str) -> None:
    line = f"{name} seq 5 permit {entry}"
    assert (review([Change(added=True, context=(), line=line)], EDGE1) == ()) == (entry in LISTED[name])


BODY = st.sampled_from(
    [
        "match ip address prefix-list FO-RESIDENTIAL",
        "match ipv6 address prefix-list FO-BANKS",
        "match ip address prefix-list FO-BANKS-DEST",
        "match ip address prefix-list FO-PARTNERS-MORE",
        "match as-path FO-PARTNERS-DEST-AS",
        "match ip address prefix-list OWN",
        "match community ANY",
        "call GEORGIA-OUT",
        "on-match next",
        "set as-path prepend 64500",
        "description x",
    ]
)


@UNTIMED
@given(st.lists(BODY, max_size=4, unique=True))
def test_no_export_entry_passes_the_guard_without_a_match_of_own_prefixes(body: list[str]) -> None:
    entry = "route-map FO-EDGE1-GEORGIA-PRIMARY-OUT permit 10"
    found = [Change(added=True, context=(), line=entry)]
    found += [Change(added=True, context=(entry,), line=line) for line in body]
    own = {
        "match ip address prefix-list FO-RESIDENTIAL",
        "match ipv6 address prefix-list FO-BANKS",
        "match ip address prefix-list FO-PARTNERS-MORE",
    }
    if review(found, EDGE1) == ():
        assert own & set(body)

"""What policy.yaml says of roles, destinations and more-specifics, down to the lines that a router gets."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from controller.config import default_inventory
from controller.config.loader import check
from controller.config.sources import FILES
from controller.config.starter import default_templates
from controller.core.intent import intents
from controller.core.model import Placement
from controller.render import JinjaRenderer

STARTER = {name: (default_inventory() / name).read_text() for name in FILES}
RENDERER = JinjaRenderer(default_templates())
PRIMARY, BACKUP = "    local_preference: 300\n", "    local_preference: 200\n"
OFFICES = "  offices:\n    prefixes: [198.51.101.0/24]\n    prefer: [georgia, azerbaijan]\n"
NEXT = "# --- When may traffic move?"
TWO_CLASSES = STARTER["policy.yaml"].replace(NEXT, f"{OFFICES}{NEXT}")


def rendered(text: str) -> Counter[tuple[str, str]]:
    """The lines of edge1, each with the entry of a route-map that it stands in."""
    policy, problems = check({name: each.encode() for name, each in {**STARTER, "policy.yaml": text}.items()})
    assert not problems
    assert policy is not None
    placed = {link: Placement("backup") for link in policy.links}
    intent = intents(policy, dict.fromkeys(policy.classes, placed))["edge1"]
    found: Counter[tuple[str, str]] = Counter()
    entry = ""
    for line in RENDERER.render(intent).splitlines():
        if line.startswith("route-map "):
            entry = line
        found[entry if line.startswith(" ") else "", line.strip()] += 1
    return found


SAID = {
    "med": (
        (BACKUP, f"{BACKUP}    med: 70\n"),
        ("route-map FO-EDGE1-GEORGIA-BACKUP-OUT permit 20", "set metric 70"),
    ),
    "med 0, which is not the same as none": (
        (BACKUP, f"{BACKUP}    med: 0\n"),
        ("route-map FO-EDGE1-GEORGIA-BACKUP-OUT permit 20", "set metric 0"),
    ),
    "each_further.med": (
        ("prepend: 1} #", "prepend: 1, med: 5} #"),
        ("route-map FO-EDGE1-GEORGIA-BACKUP-2-OUT permit 20", "set metric 75"),
    ),
    "upstream_communities, over links of that upstream": (
        (PRIMARY, f'{PRIMARY}    upstream_communities: {{georgia: ["64502:90"]}}\n'),
        ("route-map FO-EDGE1-GEORGIA-PRIMARY-OUT permit 20", "set community 64502:90 additive"),
    ),
    "large communities": (
        (PRIMARY, f'{PRIMARY}    upstream_communities: {{georgia: ["64502:1:90"]}}\n'),
        ("route-map FO-EDGE1-GEORGIA-PRIMARY-OUT permit 20", "set large-community 64502:1:90 additive"),
    ),
    "a class's own role": (
        (OFFICES, f"{OFFICES}    roles: {{backup: {{prepend: 7}}}}\n"),
        ("route-map FO-EDGE1-GEORGIA-BACKUP-OUT permit 60", f"set as-path prepend{' 64500' * 7}"),
    ),
    "a class's own steps": (
        (OFFICES, f"{OFFICES}    roles: {{backup: {{each_further: {{prepend: 4}}}}}}\n"),
        ("route-map FO-EDGE1-GEORGIA-BACKUP-2-OUT permit 60", f"set as-path prepend{' 64500' * 7}"),
    ),
    "destination_as": (
        (OFFICES, f"{OFFICES}    destination_as: [64510]\n"),
        ("", "bgp as-path access-list FO-OFFICES-DEST-AS seq 5 permit _64510$"),
    ),
    "destination_communities": (
        (OFFICES, f'{OFFICES}    destination_communities: ["65535:666"]\n'),
        ("", "bgp community-list standard FO-OFFICES-DEST-COMMUNITY seq 5 permit blackhole"),
    ),
    "more_specifics": (
        (
            OFFICES,
            f"{OFFICES}    more_specifics: [198.51.101.0/25]\n    roles: {{backup: {{more_specifics: true}}}}\n",
        ),
        (
            "route-map FO-EDGE1-GEORGIA-BACKUP-OUT permit 80",
            "match ip address prefix-list FO-OFFICES-MORE",
        ),
    ),
}
BEFORE = {"each_further.med": [SAID["med"][0]]}  # steps need something to step from


@pytest.mark.parametrize("what", SAID)
def test_each_field_reaches_the_router(what: str) -> None:
    (find, replace), line = SAID[what]
    text = TWO_CLASSES
    for earlier, later in BEFORE.get(what, []):
        text = text.replace(earlier, later)
    assert text.count(find) == 1
    before, after = rendered(text), rendered(text.replace(find, replace))
    assert line not in before
    assert after[line] == 1


def test_what_the_starter_shows_in_comments_loads() -> None:
    shown = re.compile(r"^    # (?=(destination\w+|more_specifics|roles|\w*communities|med):)", re.MULTILINE)
    text, count = shown.subn("    ", STARTER["policy.yaml"])
    assert count == 8
    assert ("", "bgp as-path access-list FO-RESIDENTIAL-DEST-AS seq 5 permit _64510$") in rendered(text)


def test_communities_of_one_upstream_reach_no_other() -> None:
    text = TWO_CLASSES.replace(PRIMARY, f'{PRIMARY}    upstream_communities: {{georgia: ["64502:90"]}}\n')
    entries = {entry for entry, line in rendered(text) if "64502:90" in line}
    assert entries
    assert all("GEORGIA" in entry for entry in entries)


def test_what_a_class_leaves_out_of_a_role_is_as_everybody_has_it() -> None:
    text = TWO_CLASSES.replace(OFFICES, f"{OFFICES}    roles: {{backup: {{prepend: 7}}}}\n")
    entry = "route-map FO-EDGE1-GEORGIA-BACKUP-2-OUT permit 60"
    assert rendered(text)[entry, f"set as-path prepend{' 64500' * 8}"] == 1  # the step is everybody's


def test_a_policy_that_says_none_of_it_renders_as_it_did() -> None:
    said = {line for _, line in rendered(TWO_CLASSES)}
    words = ("set metric", "as-path access-list", "community-list", "-MORE", "large-community")
    assert not any(word in line for line in said for word in words)

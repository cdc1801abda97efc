"""Lists of destinations on an FRR router: put in, entered in an order that never hurts, and gone when not needed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from controller.core.intent import intents
from controller.core.model import Policy
from controller.fleet.frr_config import splice
from controller.render import JinjaRenderer
from napalm_frr.candidate import Candidate, load
from napalm_frr.effect import clears
from napalm_frr.lines import emit
from napalm_frr.order import commands
from tests.role_samples import CALM, PARTNERS, RESIDENTIAL, assignment, policy, spoken

ROOT = Path(__file__).resolve().parents[2]
RENDERER = JinjaRenderer(ROOT / "templates")
BEFORE = (ROOT / "tests/golden/frr/edge1-before.conf").read_text()
PLAIN = policy(replace(RESIDENTIAL, name="partners", prefixes=PARTNERS.prefixes), RESIDENTIAL)
AS = "bgp as-path access-list FO-PARTNERS-DEST-AS"
LISTS = (
    AS,
    "bgp community-list standard FO-PARTNERS-DEST-COMMUNITY",
    "bgp large-community-list standard FO-PARTNERS-DEST-LARGE",
    "ip prefix-list FO-PARTNERS-MORE",
)


def with_partners(running: str, network: Policy) -> str:
    intent = intents(network, assignment(partners=CALM, residential=CALM))["edge1"]
    return splice(running, RENDERER.render(intent), intent)


SPOKEN = with_partners(BEFORE, spoken())


def entered(before: str, after: str) -> tuple[Candidate, list[str]]:
    candidate = load(before, after, "fingerprint", replaces=True)
    return candidate, emit(commands(candidate.before, candidate.after)).splitlines()


def first(lines: list[str], *parts: str) -> int:
    return next(n for n, line in enumerate(lines) if all(part in line for part in parts))


def last(lines: list[str], *parts: str) -> int:
    return len(lines) - 1 - first(lines[::-1], *parts)


def test_they_are_put_in_once_and_stay_as_they_are() -> None:
    for name in LISTS:
        assert f"\n{name} seq 5 permit " in SPOKEN
    assert with_partners(SPOKEN, spoken()) == SPOKEN


def test_they_are_entered_before_the_policies_that_match_them() -> None:
    candidate, lines = entered(BEFORE, SPOKEN)
    assert candidate.faults() == []
    for name in LISTS:
        used = name.split()[-1]
        assert last(lines, name, "permit") < first(lines, "match ", f" {used}")


def test_what_no_class_names_any_more_goes_in_the_same_step_and_last() -> None:
    after = with_partners(SPOKEN, PLAIN)
    assert "FO-PARTNERS-DEST" not in after
    assert "FO-PARTNERS-MORE" not in after
    candidate, lines = entered(SPOKEN, after)
    assert candidate.faults() == []
    for name in LISTS:
        assert first(lines, f"no {name}") > last(lines, "route-map ")


def test_a_list_of_our_name_and_another_style_is_put_right() -> None:
    """FRR takes no standard entry where there are expanded ones of that name."""
    standard = "bgp community-list standard FO-PARTNERS-DEST-COMMUNITY seq 5 permit 64501:70\n"
    expanded = "bgp community-list expanded FO-PARTNERS-DEST-COMMUNITY seq 5 permit .*\n"
    second = "bgp community-list standard FO-PARTNERS-DEST-COMMUNITY seq 10 permit blackhole\n"
    damaged = SPOKEN.replace(standard, expanded).replace(second, "")
    assert damaged != SPOKEN
    assert with_partners(damaged, spoken()) == SPOKEN


def test_an_entry_that_moves_is_removed_first_as_frr_drops_what_stands_elsewhere() -> None:
    other = replace(PARTNERS, destination_as=(65551, 64510))
    moved = with_partners(SPOKEN, replace(spoken(), classes={"partners": other, "residential": RESIDENTIAL}))
    _, lines = entered(SPOKEN, moved)
    assert [line for line in lines if AS in line] == [
        f"no {AS} seq 10 permit _65551$",
        f"{AS} seq 5 permit _65551$",
        f"{AS} seq 10 permit _64510$",
    ]


def test_another_as_among_the_destinations_acts_at_once_on_every_session() -> None:
    other = replace(PARTNERS, destination_as=(64510, 64511))
    edited = with_partners(SPOKEN, replace(spoken(), classes={"partners": other, "residential": RESIDENTIAL}))
    candidate, _ = entered(SPOKEN, edited)
    assert clears(candidate.before, candidate.after) == [
        f"clear bgp {family} unicast {neighbor} soft in"
        for family, neighbors in (
            ("ipv4", ("198.18.1.1", "198.18.2.1")),
            ("ipv6", ("2001:db8:501:1::1", "2001:db8:502:1::1")),
        )
        for neighbor in neighbors
    ]

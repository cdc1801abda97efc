"""The controller's part of a running FRR configuration: read, replaced, refused with what to do."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from controller.core.intent import intents
from controller.core.model import RouterIntent
from controller.fleet.frr_config import ConfigMismatchError, attachments, splice
from controller.fleet.platforms import PLATFORMS
from controller.render import JinjaRenderer
from tests.role_samples import AZERBAIJAN_DOWN, CALM, assignment, policy

ROOT = Path(__file__).resolve().parents[2]
RENDERER = JinjaRenderer(ROOT / "templates")
BEFORE = (ROOT / "tests/golden/frr/edge1-before.conf").read_text()
NETWORK = policy()
LINKS = [each for each in NETWORK.links.values() if each.router == "edge1"]
CALM_INTENT = intents(NETWORK, assignment(residential=CALM))["edge1"]
RENDERED = RENDERER.render(CALM_INTENT)
CALM_RUNNING = splice(BEFORE, RENDERED, CALM_INTENT)


def refusal(running: str, rendered: str = RENDERED, intent: RouterIntent = CALM_INTENT) -> str:
    with pytest.raises(ConfigMismatchError) as caught:
        splice(running, rendered, intent)
    return str(caught.value)


def edit(old: str, new: str, text: str = BEFORE) -> str:
    assert old in text
    return text.replace(old, new)


def test_attachments_tell_what_each_neighbor_uses_whoever_owns_it() -> None:
    found = attachments(BEFORE, 64500, LINKS)
    assert [(str(each.neighbor), each.direction, each.policy) for each in found[:4]] == [
        ("198.18.1.1", "in", "AZERBAIJAN-IN"),
        ("198.18.1.1", "out", "AZERBAIJAN-OUT"),
        ("2001:db8:501:1::1", "in", "AZERBAIJAN-IN"),
        ("2001:db8:501:1::1", "out", "AZERBAIJAN-OUT"),
    ]
    assert attachments(CALM_RUNNING, 64500, LINKS) == CALM_INTENT.attachments


def test_a_neighbor_without_a_policy_of_its_own_uses_its_peer_group_s() -> None:
    running = edit("  neighbor 198.18.1.1 route-map AZERBAIJAN-IN in\n", "  neighbor up route-map UP-IN in\n")
    running = edit(" neighbor 198.18.1.1 remote-as 64501\n", " neighbor 198.18.1.1 peer-group up\n", running)
    assert attachments(running, 64500, LINKS)[0].policy == "UP-IN"


def test_putting_the_same_in_again_changes_no_byte() -> None:
    assert splice(CALM_RUNNING, RENDERED, CALM_INTENT) == CALM_RUNNING


def test_the_order_of_lines_in_an_object_is_the_router_s_own_business() -> None:
    entry = " match ip address prefix-list FO-RESIDENTIAL\n set as-path prepend 64500 64500\n"
    first, second = entry.splitlines(keepends=True)
    assert splice(edit(entry, second + first, CALM_RUNNING), RENDERED, CALM_INTENT).count(second + first)


def test_an_object_changed_by_hand_is_put_right_where_it_stands() -> None:
    damaged = edit(" set local-preference 300\n", " set local-preference 301\n", CALM_RUNNING)
    damaged = edit("FO-RESIDENTIAL seq 5 permit 203.0.113.0/24", "FO-RESIDENTIAL seq 9 permit any", damaged)
    assert splice(damaged, RENDERED, CALM_INTENT) == CALM_RUNNING


def test_what_nothing_needs_any_more_goes() -> None:
    stale = (
        "ip prefix-list FO-GONE seq 5 permit 192.0.2.0/24\n!\nroute-map FO-GONE-OUT permit 10\n"
        " match ip address prefix-list FO-GONE\nexit\n!\n"
    )
    result = splice(edit("end\n", f"{stale}end\n", CALM_RUNNING), RENDERED, CALM_INTENT)
    assert "FO-GONE" not in result
    assert result.replace("!\n", "") == CALM_RUNNING.replace("!\n", "")


def test_what_a_neighbor_left_alone_still_uses_stays_with_all_that_it_refers_to() -> None:
    kept = (
        "ip prefix-list FO-KEPT seq 5 permit 203.0.113.0/24\n!\nroute-map FO-KEPT-OUT permit 10\n"
        " match ip address prefix-list FO-KEPT\nexit\n!\n"
    )
    running = edit("end\n", f"{kept}end\n", CALM_RUNNING)
    running = edit(
        "neighbor 198.18.9.1 route-map PEER-OUT out", "neighbor 198.18.9.1 route-map FO-KEPT-OUT out", running
    )
    assert splice(running, RENDERED, CALM_INTENT) == running


def test_missing_attachments_are_added_beside_the_neighbor_s_other_lines() -> None:
    lines = [
        line
        for line in BEFORE.splitlines(keepends=True)
        if "route-map AZERBAIJAN-" not in line or "neighbor" not in line
    ]
    result = splice("".join(lines), RENDERED, CALM_INTENT).splitlines()
    at = result.index("  neighbor 198.18.1.1 filter-list BOGON-PATHS in")
    assert result[at + 1 : at + 3] == [
        "  neighbor 198.18.1.1 route-map FO-EDGE1-AZERBAIJAN-PRIMARY-IN in",
        "  neighbor 198.18.1.1 route-map FO-EDGE1-AZERBAIJAN-PRIMARY-OUT out",
    ]


def test_an_address_family_that_frr_does_not_show_is_opened() -> None:
    running = (
        "router bgp 64500\n neighbor 198.18.1.1 remote-as 64501\n neighbor 198.18.2.1 remote-as 64502\nexit\n!\n"
        + "".join(
            f"route-map {name} permit 10\nexit\n!\n"
            for name in ("AZERBAIJAN-IN", "AZERBAIJAN-OUT", "GEORGIA-IN", "GEORGIA-OUT")
        )
        + "end\n"
    )
    only_v4 = replace(
        CALM_INTENT, attachments=tuple(e for e in CALM_INTENT.attachments if e.family == "ipv4")
    )
    result = splice(running, RENDERER.render(only_v4), only_v4)
    assert attachments(result, 64500, LINKS) == only_v4.attachments
    assert " !\n address-family ipv4 unicast\n  neighbor 198.18.1.1 route-map" in result


V4 = "router bgp 64500 address-family ipv4 unicast"
MISFITS: dict[str, tuple[Callable[[str], str], str]] = {
    "no such neighbor": (
        lambda text: "".join(line for line in text.splitlines(True) if "neighbor 198.18.1.1 " not in line),
        (
            f"edge1: neighbor 198.18.1.1 is not configured under {V4}: configure the session on the router or correct "
            "neighbors in hosts.yaml"
        ),
    ),
    "not activated": (
        lambda text: text.replace("  neighbor 198.18.1.1 activate\n", ""),
        (
            f"edge1: neighbor 198.18.1.1 is not activated under {V4}: activate it on the router or take ipv4 out of its "
            "neighbors in hosts.yaml"
        ),
    ),
    "no base policy": (
        lambda text: text.replace("route-map GEORGIA-IN permit 10\nexit\n!\n", ""),
        (
            "edge1: there is no route-map GEORGIA-IN, the base policy in of link edge1-georgia: define it on the router "
            "or correct base_policy in hosts.yaml (a missing one denies nothing)"
        ),
    ),
    "a peer-group's policy that is not the base policy": (
        lambda text: text.replace(
            "neighbor 198.18.2.1 remote-as 64502", "neighbor 198.18.2.1 peer-group lan"
        ).replace("  neighbor 198.18.2.1 route-map GEORGIA-IN in\n", "  neighbor lan route-map LAN-IN in\n"),
        (
            "edge1: neighbor 198.18.2.1 uses route-map LAN-IN in (ipv4) of its peer-group: write base_policy: "
            "{in: LAN-IN} in hosts.yaml, so that role policies call it"
        ),
    ),
    "another layout": (
        lambda text: text.replace("  neighbor 198.18.1.1 route-map", " neighbor 198.18.1.1 route-map"),
        (
            "edge1: the router shows its configuration in a layout that is not known here: compare `show "
            "running-config` with the FRR versions named in templates/frr/README.md"
        ),
    ),
}


@pytest.mark.parametrize("case", MISFITS)
def test_a_router_that_does_not_fit_the_inventory_is_told(case: str) -> None:
    damage, expected = MISFITS[case]
    assert refusal(damage(BEFORE)) == expected


def test_a_router_of_another_as_is_told_for_every_neighbor() -> None:
    assert refusal(edit("router bgp 64500", "router bgp 64999")).count("is not configured under") == 4


def test_a_template_that_writes_what_is_not_ours_is_told() -> None:
    why = refusal(BEFORE, f"{RENDERED}router bgp 64500\n neighbor 198.18.1.1 shutdown\nexit\n")
    assert why.startswith(
        "edge1: the templates write 'router bgp 64500 / neighbor 198.18.1.1 shutdown', which is"
    )


def test_a_template_that_forgets_an_attached_policy_is_told() -> None:
    cut = RENDERED.replace("route-map FO-EDGE1-GEORGIA-BACKUP-OUT ", "route-map FO-TYPO-OUT ")
    assert "attach FO-EDGE1-GEORGIA-BACKUP-OUT but do not define it" in refusal(BEFORE, cut)


def test_a_template_that_attaches_something_else_is_told() -> None:
    down = RENDERER.render(intents(NETWORK, assignment(residential=AZERBAIJAN_DOWN))["edge1"])
    why = refusal(BEFORE, down)
    assert (
        "the templates attach FO-EDGE1-AZERBAIJAN-DRAINED-IN in for 198.18.1.1 (ipv4), unlike the intent"
        in why
    )
    assert "the templates do not attach FO-EDGE1-AZERBAIJAN-PRIMARY-IN in for 198.18.1.1" in why


@pytest.mark.parametrize("name", PLATFORMS)
def test_every_platform_is_registered_under_its_name_and_has_templates(name: str) -> None:
    assert PLATFORMS[name].name == name
    assert (ROOT / "templates" / PLATFORMS[name].templates / "main.j2").is_file()

"""What a candidate means for what runs, in which order it is entered, and what is told of it."""

from __future__ import annotations

import pytest

from napalm_frr.candidate import Candidate, load
from napalm_frr.effect import clears
from napalm_frr.lines import emit, parse
from napalm_frr.order import commands

RUNNING = """\
frr version 8.4.4
frr defaults traditional
hostname edge1
log syslog informational
service integrated-vtysh-config
!
router bgp 64500
 bgp router-id 198.18.1.2
 neighbor 198.18.1.1 remote-as 64501
 neighbor 198.18.1.1 password s3cret
 neighbor 2001:db8:501:1::1 remote-as 64501
 !
 address-family ipv4 unicast
  network 203.0.113.0/24
  redistribute static route-map IN
  neighbor 198.18.1.1 route-map IN in
  neighbor 198.18.1.1 prefix-list OWN out
  no neighbor 2001:db8:501:1::1 activate
 exit-address-family
 !
 address-family ipv6 unicast
  neighbor 2001:db8:501:1::1 activate
  neighbor 2001:db8:501:1::1 route-map OUTER in
 exit-address-family
exit
!
ip prefix-list OWN seq 5 permit 203.0.113.0/24
ip prefix-list OWN seq 10 deny any
ip prefix-list LAN seq 5 permit 203.0.113.0/25
!
route-map IN permit 10
 match ip address prefix-list LAN
 set local-preference 200
exit
!
route-map OUTER permit 10
 call IN
exit
!
"""
IPV4 = "router bgp 64500\n address-family ipv4 unicast\n  "


def merge(candidate: str) -> Candidate:
    return load(RUNNING, candidate, "fingerprint", replaces=False)


def replace(candidate: str) -> Candidate:
    return load(RUNNING, candidate, "fingerprint", replaces=True)


def entered(candidate: Candidate) -> list[str]:
    return [line.text for line in commands(candidate.before, candidate.after)]


@pytest.mark.parametrize(
    ("candidate", "lines"),
    [
        pytest.param("route-map IN permit 10\n set local-preference 200\n", [], id="what runs already"),
        pytest.param("bgp route-map delay-timer 5\n", [], id="a default that FRR does not show"),
        pytest.param(IPV4 + "neighbor 198.18.1.1 activate\n", [], id="activation in ipv4 is the default"),
        pytest.param(
            IPV4 + "neighbor 2001:db8:501:1::1 activate\n",
            ["neighbor 2001:db8:501:1::1 activate"],
            id="activation where it was off",
        ),
        pytest.param("no route-map NEVER permit 10\n", [], id="removing what is not there"),
        pytest.param(
            "router bgp 64500\n no bgp ebgp-requires-policy\n",
            ["no bgp ebgp-requires-policy"],
            id="switching off what is on by default",
        ),
        pytest.param(
            IPV4 + "neighbor 198.18.1.1 route-map OUTER in\n",
            ["neighbor 198.18.1.1 route-map OUTER in"],
            id="another policy is attached over the old one",
        ),
        pytest.param(
            IPV4 + "redistribute static\n",
            ["no redistribute static route-map IN", "redistribute static"],
            id="a value that FRR would keep in part is removed first",
        ),
        pytest.param(
            "route-map IN deny 10\n", ["route-map IN deny 10"], id="the action of an entry changes in place"
        ),
        pytest.param(
            "ip prefix-list OWN permit 203.0.113.0/24\n", [], id="an entry that has a number already"
        ),
        pytest.param(
            "ip prefix-list OWN permit 203.0.113.7/25\n",
            ["ip prefix-list OWN seq 15 permit 203.0.113.0/25"],
            id="an entry without a number comes last",
        ),
        pytest.param(
            "ip prefix-list OWN seq 5 deny any\nip prefix-list OWN seq 10 permit 203.0.113.0/24\n",
            [
                "no ip prefix-list OWN seq 10 deny any",
                "ip prefix-list OWN seq 5 deny any",
                "ip prefix-list OWN seq 10 permit 203.0.113.0/24",
            ],
            id="entries that swap: FRR drops a second one of the same content",
        ),
        pytest.param(
            "no ip prefix-list OWN permit 203.0.113.0/24\n",
            ["no ip prefix-list OWN seq 5 permit 203.0.113.0/24"],
            id="removing an entry by its content",
        ),
        pytest.param(
            "route-map IN permit 10\n no set local-preference\n",
            ["no set local-preference 200"],
            id="removing without the value",
        ),
        pytest.param(
            "router bgp 64500\n no neighbor 2001:db8:501:1::1\n",
            ["no neighbor 2001:db8:501:1::1"],
            id="removing a neighbor takes its families along",
        ),
        pytest.param("no router bgp 64500\n", ["no router bgp 64500"], id="removing a block"),
        pytest.param(
            "frr version 9.0\nfrr defaults datacenter\nno service integrated-vtysh-config\n",
            [],
            id="what vtysh says of itself cannot be set",
        ),
    ],
)
def test_a_merged_candidate_is_entered_as(candidate: str, lines: list[str]) -> None:
    assert entered(merge(candidate)) == lines


def test_new_policy_comes_before_what_refers_to_it_and_removals_last() -> None:
    candidate = merge(
        IPV4
        + "neighbor 198.18.1.1 route-map NEW in\n  no neighbor 198.18.1.1 prefix-list OWN out\n"
        + "route-map OUTER permit 10\n call NEW\nroute-map NEW permit 10\n match ip address prefix-list FRESH\n"
        + "no ip prefix-list OWN\nip prefix-list FRESH seq 5 permit any\n"
    )
    assert entered(candidate) == [
        "ip prefix-list FRESH seq 5 permit any",
        "route-map NEW permit 10",
        "match ip address prefix-list FRESH",
        "call NEW",
        "neighbor 198.18.1.1 route-map NEW in",
        "no neighbor 198.18.1.1 prefix-list OWN out",
        "no ip prefix-list OWN seq 5 permit 203.0.113.0/24",
        "no ip prefix-list OWN seq 10 deny any",
    ]


def test_a_new_neighbor_exists_before_anything_is_said_of_it() -> None:
    candidate = merge(
        "router bgp 64500\n neighbor 198.18.9.1 description new\n neighbor 198.18.9.1 peer-group G\n"
        " neighbor G remote-as 64509\n neighbor G peer-group\n"
    )
    assert entered(candidate) == [
        "neighbor G peer-group",
        "neighbor G remote-as 64509",
        "neighbor 198.18.9.1 peer-group G",
        "neighbor 198.18.9.1 description new",
    ]


def test_replacing_by_nothing_keeps_the_settings_of_the_box() -> None:
    assert replace("").text() == (
        "frr version 8.4.4\nfrr defaults traditional\nhostname edge1\nlog syslog informational\n"
        "service integrated-vtysh-config\n!\n"
    )


def test_replacing_by_what_runs_changes_nothing() -> None:
    candidate = replace(RUNNING.replace("hostname edge1", "hostname other"))
    assert not candidate.changed
    assert candidate.diff() == ""


def test_edited_policy_is_applied_now_for_the_neighbors_that_use_it() -> None:
    in_use = merge("ip prefix-list LAN seq 5 permit 203.0.113.0/24\n")
    assert clears(in_use.before, in_use.after) == [
        "clear bgp ipv4 unicast 198.18.1.1 soft in",
        "clear bgp ipv6 unicast 2001:db8:501:1::1 soft in",
    ]
    direct = merge("ip prefix-list OWN seq 7 deny 203.0.113.0/25\n")
    assert clears(direct.before, direct.after) == ["clear bgp ipv4 unicast 198.18.1.1 soft out"]


def test_attaching_anew_and_adding_policy_that_nobody_uses_clears_nothing() -> None:
    attached = merge(IPV4 + "neighbor 198.18.1.1 route-map OUTER in\n")
    assert clears(attached.before, attached.after) == []
    unused = merge("route-map SPARE permit 10\n set metric 5\n")
    assert clears(unused.before, unused.after) == []


@pytest.mark.parametrize(
    ("candidate", "fault"),
    [
        (IPV4 + "neighbor 198.18.1.1 route-map GONE in\n", "route-map GONE does not exist"),
        ("route-map IN permit 10\n match as-path GONE\n", "bgp as-path access-list GONE does not exist"),
        (
            "route-map IN permit 10\n match community GONE exact-match\n",
            "bgp community-list GONE does not exist",
        ),
        ("no route-map IN\n", "route-map IN does not exist"),
        ("no ip prefix-list OWN\n", "ip prefix-list OWN does not exist"),
        (
            "router bgp 64500\n address-family ipv6 unicast\n  neighbor 2001:db8:501:1::1 prefix-list OWN in\n",
            "ipv6 prefix-list OWN does not exist",
        ),
    ],
)
def test_a_reference_to_what_would_not_exist_is_a_fault(candidate: str, fault: str) -> None:
    assert any(fault in said for said in merge(candidate).faults())


def test_references_that_dangled_before_are_none_of_the_candidates_business() -> None:
    running = RUNNING + "route-map OLD permit 10\n match as-path NOWHERE\nexit\n!\n"
    assert load(running, "route-map IN permit 10\n set metric 5\n", "", replaces=False).faults() == []


def test_the_diff_is_one_hunk_a_context_and_hides_secrets() -> None:
    candidate = merge(
        "router bgp 64500\n neighbor 198.18.1.1 password other\n address-family ipv6 unicast\n"
        "  neighbor 2001:db8:501:1::1 route-map IN in\nroute-map IN permit 10\n set metric 5\n"
    )
    assert (
        candidate.diff()
        == """\
--- running
+++ candidate
@@ -10,2 +10,3 @@ route-map IN permit 10
  match ip address prefix-list LAN
  set local-preference 200
+ set metric 5
@@ -15,4 +16,4 @@ router bgp 64500
  bgp router-id 198.18.1.2
  neighbor 198.18.1.1 remote-as 64501
- neighbor 198.18.1.1 password <removed>
+ neighbor 198.18.1.1 password <removed>
  neighbor 2001:db8:501:1::1 remote-as 64501
@@ -25,3 +26,3 @@ router bgp 64500 / address-family ipv6 unicast
  address-family ipv6 unicast
   neighbor 2001:db8:501:1::1 activate
-  neighbor 2001:db8:501:1::1 route-map OUTER in
+  neighbor 2001:db8:501:1::1 route-map IN in"""
    )


def test_the_order_of_sections_which_differs_between_versions_is_no_difference() -> None:
    head, *sections = RUNNING.removesuffix("\n!\n").split("\n!\n")
    turned = "\n!\n".join([head, *reversed(sections)])
    assert parse(turned) != parse(RUNNING)
    assert load(RUNNING, turned, "", replaces=True).diff() == ""


def test_what_was_read_back_is_compared_line_by_line() -> None:
    candidate = merge("route-map IN permit 10\n set local-preference 300\n set metric 5\n")
    shown = candidate.text().replace(" set metric 5\n", " set metric +5\n")
    assert candidate.mismatch(f" zebra bgpd staticd\n{shown}") == [
        "not there: route-map IN permit 10 / set metric 5",
        "not asked for: route-map IN permit 10 / set metric +5",
    ]


def test_two_lines_that_a_router_shows_side_by_side_are_two_settings() -> None:
    running = RUNNING.replace(
        " set local-preference 200\n", " set local-preference 200\n set local-preference +10\n"
    )
    candidate = load(running, "route-map IN permit 10\n set metric 5\n", "", replaces=False)
    assert " set local-preference +10\n set metric 5\n" in emit(candidate.after.lines())

"""Structure of FRR text: what routers show, and what people write."""

from __future__ import annotations

import pytest

from napalm_frr.lines import Line, changes, emit, parse

SHOWN = """\
frr version 8.4.4
frr defaults traditional
hostname edge1
no ipv6 forwarding
service integrated-vtysh-config
!
ip prefix-list OWN seq 5 permit 203.0.113.0/24
!
vrf customer
 ip route 192.0.2.0/24 Null0
exit-vrf
!
interface upstream
 description to the upstream
exit
!
router bgp 64500
 bgp router-id 198.18.1.2
 neighbor 198.18.1.1 remote-as 64501
 !
 address-family ipv4 unicast
  network 203.0.113.0/24
  neighbor 198.18.1.1 route-map IN in
 exit-address-family
 !
 address-family ipv6 unicast
  neighbor 2001:db8:501:1::1 activate
 exit-address-family
exit
!
route-map IN permit 10
 match ip address prefix-list OWN
 set local-preference 200
exit
!
bfd
 profile fast
  receive-interval 300
 exit
 !
 peer 198.18.1.1 interface upstream
  profile fast
 exit
exit
!
"""
IPV4 = ("router bgp 64500", "address-family ipv4 unicast")


def test_what_a_router_shows_is_emitted_again_letter_by_letter() -> None:
    assert emit(parse(SHOWN)) == SHOWN


def test_flat_text_without_exits_has_the_same_structure() -> None:
    flat = "\n".join(line.strip() for line in SHOWN.split("\n") if not line.strip().startswith(("exit", "!")))
    flat = flat.replace(
        "profile fast\nreceive", "profile fast\n receive"
    )  # alone this one needs its indentation
    assert parse(flat) == parse(SHOWN)


def test_windows_line_ends_tabs_and_comments_do_not_matter() -> None:
    odd = SHOWN.replace("\n", "\r\n").replace("  ", "\t").replace("!\r\n", "! a comment\r\n# another\r\n")
    assert parse(odd) == parse(SHOWN)


def test_the_banner_of_vtysh_is_not_configuration() -> None:
    assert parse("Building configuration...\n\nCurrent configuration:\n!\nhostname edge1\nend") == [
        Line((), "hostname edge1")
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param(
            "router bgp 64500\n neighbor 198.18.1.1 route-map IN in\n",
            Line(IPV4, "neighbor 198.18.1.1 route-map IN in"),
            id="family lines directly under router bgp belong to ipv4 unicast",
        ),
        pytest.param(
            "router bgp 64500\n address-family ipv6 unicast\n  neighbor 198.18.1.1 remote-as 64501\n",
            Line(("router bgp 64500",), "neighbor 198.18.1.1 remote-as 64501"),
            id="session lines inside a family belong to router bgp",
        ),
        pytest.param(
            "route-map IN permit 10\nip prefix-list OWN permit 203.0.113.0/24\n",
            Line((), "ip prefix-list OWN permit 203.0.113.0/24"),
            id="a list after a route-map is not in it",
        ),
        pytest.param(
            "interface lan\n description x\nip route 192.0.2.0/24 Null0\n",
            Line((), "ip route 192.0.2.0/24 Null0"),
            id="a route after an interface is not in it",
        ),
        pytest.param(
            "vrf customer\nip route 192.0.2.0/24 Null0\n",
            Line(("vrf customer",), "ip route 192.0.2.0/24 Null0"),
            id="a route after a vrf is in it",
        ),
        pytest.param(
            "vrf customer\n vni 100\nip route 192.0.2.0/24 Null0\n",
            Line((), "ip route 192.0.2.0/24 Null0"),
            id="unless indentation says otherwise",
        ),
        pytest.param(
            "route-map IN permit 10\n no set metric\n",
            Line(("route-map IN permit 10",), "no set metric"),
            id="removals have the context of what they remove",
        ),
        pytest.param(
            "no route-map IN permit 10\n", Line((), "no route-map IN permit 10"), id="no opens nothing"
        ),
    ],
)
def test_a_line_finds_its_context(text: str, line: Line) -> None:
    assert parse(text)[-1] == line


def test_lines_without_their_openers_are_emitted_inside_them() -> None:
    assert emit([Line(IPV4, "network 203.0.113.0/24")]).split("\n")[:3] == [
        "router bgp 64500",
        " !",
        " address-family ipv4 unicast",
    ]


def test_changes_tell_context_and_direction_and_ignore_order() -> None:
    after = SHOWN.replace("route-map IN in", "route-map OTHER in").replace(" set local-preference 200\n", "")
    after = "route-map OTHER permit 10\nexit\n" + after
    assert changes(SHOWN, after) == [
        (False, IPV4, "neighbor 198.18.1.1 route-map IN in"),
        (True, IPV4, "neighbor 198.18.1.1 route-map OTHER in"),
        (False, ("route-map IN permit 10",), "set local-preference 200"),
        (True, (), "route-map OTHER permit 10"),
    ]
    assert changes(SHOWN, SHOWN) == []

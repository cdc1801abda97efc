"""Anchors, aliases and merge keys: forty upstreams do not need forty copies, and errors keep their places."""

import re
from pathlib import Path

import pytest
from nornir import InitNornir

from controller.config import default_inventory, load
from controller.config.loader import check
from controller.config.sources import FILES
from controller.core.model import Policy, Upstream

CONTENTS = {name: (default_inventory() / name).read_text() for name in FILES}

POLICY = """\
.risky: &risky {shared_risk: [black-sea]}
.defaults:
  upstream: &upstream
    <<: *risky
    country: GE
  targets: &targets [198.51.100.1, 198.51.100.53, 192.0.2.1]
  long: &long 1h
upstreams:
  azerbaijan: {<<: *upstream, asn: 64501, country: AZ}
  georgia: {<<: *upstream, asn: 64502}
  iran: {asn: 64503}
health:
  targets: {icmp: *targets}
  timeout: 300ms
  ride_out: 1s
  recover: 5s
classes:
  residential: {prefixes: [203.0.113.0/24], prefer: &order [azerbaijan, georgia, iran]}
  business: {prefixes: [198.51.101.0/24], prefer: *order}
stability:
  hold_down: 10min
  fail_back: {clean: 60s, doubles_up_to: *long, forgotten_after: *long}
  changes: 6 per hour
  escapes: 12 per hour
roles:
  primary: {local_preference: 300}
  backup: &backup {local_preference: 200, prepend: 3}
  drained: {<<: *backup, local_preference: 50, graceful_shutdown: true}
  withdrawn: {local_preference: 10, announce: false}
"""

HOSTS = """\
.edge: &edge
  groups: [edges]
  data: &facts {asn: 64500}
.link:
  georgia: &georgia
    upstream: georgia
    interface: georgia
    base_policy: {in: GEORGIA-IN, out: GEORGIA-OUT}
edge1:
  <<: *edge
  hostname: 198.18.0.1
  data:
    <<: *facts
    links:
      edge1-azerbaijan:
        upstream: azerbaijan
        interface: eth1
        neighbors: {ipv4: 198.18.1.1}
        probe_source: {ipv4: 198.18.1.129}
      edge1-georgia: {<<: *georgia, neighbors: {ipv4: 198.18.2.1}, probe_source: {ipv4: 198.18.2.129}}
edge2:
  <<: *edge
  hostname: 198.18.0.2
  data:
    <<: *facts
    links:
      edge2-georgia: {<<: *georgia, neighbors: {ipv4: 198.18.2.5}, probe_source: {ipv4: 198.18.2.130}}
      edge2-iran: {<<: *georgia, upstream: iran, neighbors: {ipv4: 198.18.3.1}, probe: router}
"""


def read(
    policy: str = POLICY, hosts: str = HOSTS, groups: str = CONTENTS["groups.yaml"]
) -> tuple[Policy | None, list[str]]:
    texts = CONTENTS | {"policy.yaml": policy, "hosts.yaml": hosts, "groups.yaml": groups}
    found, problems = check({name: text.encode() for name, text in texts.items()})
    return found, [str(problem) for problem in problems]


def test_what_is_shared_arrives_wherever_it_is_named() -> None:
    policy, problems = read()
    assert problems == []
    assert policy is not None
    assert {name: (each.country, each.shared_risk) for name, each in policy.upstreams.items()} == {
        "azerbaijan": ("AZ", frozenset({"black-sea"})),
        "georgia": ("GE", frozenset({"black-sea"})),
        "iran": (None, frozenset()),
    }
    assert len(policy.health.targets) == 3
    assert policy.classes["business"].prefer == policy.classes["residential"].prefer
    assert policy.stability.fail_back_forgotten_after_s == 3600
    assert (policy.roles["drained"].local_preference, policy.roles["drained"].prepend) == (50, 3)
    assert [each.base_policy_in for each in policy.links_of("georgia")] == ["GEORGIA-IN"] * 2
    assert policy.links["edge2-iran"].interface == "georgia"


def test_the_sample_in_the_policy_s_comments_works_as_it_says() -> None:
    text = CONTENTS["policy.yaml"]
    (key,) = re.findall(r"^# (\.by-sea: .*)$", text, re.MULTILINE)
    (use,) = re.findall(r"below upstreams: `(georgia: .*?)`;", text)
    before = "  georgia:\n    asn: 64502\n    country: GE\n    shared_risk: [black-sea]\n"
    assert text.count(before) == 1
    changed = text.replace(before, f"  {use}\n")
    policy, problems = read(f"{key}\n{changed}", CONTENTS["hosts.yaml"])
    assert problems == []
    assert policy is not None
    assert policy.upstreams["georgia"] == Upstream("georgia", 64502, "GE", frozenset({"black-sea"}))


def test_forty_upstreams_take_forty_lines() -> None:
    names = [f"north-{n}" for n in range(40)]
    text = POLICY.replace(
        "  iran: {asn: 64503}\n",
        "".join(f"  {name}: {{<<: *upstream, asn: {65000 + n}}}\n" for n, name in enumerate(names)),
    )
    text = text.replace(
        "prefer: &order [azerbaijan, georgia, iran]",
        f"prefer: &order [azerbaijan, georgia, {', '.join(names)}]",
    )
    links = "".join(
        f"      edge2-{name}: {{<<: *georgia, upstream: {name}, neighbors: {{ipv4: 198.18.3.{n + 1}}}, probe: router}}\n"
        for n, name in enumerate(names)
    )
    hosts = HOSTS[: HOSTS.index("      edge2-iran:")] + links
    policy, problems = read(
        text.replace("prepend: 3}", "prepend: 3, each_further: {local_preference: -1}}").replace(
            "{<<: *backup, local", "{local"
        ),
        hosts,
    )
    assert problems == []
    assert policy is not None
    assert policy.upstreams["north-39"].shared_risk == {"black-sea"}


def test_nornir_reads_such_a_file_as_we_do(tmp_path: Path) -> None:
    for name, text in (CONTENTS | {"policy.yaml": POLICY, "hosts.yaml": HOSTS}).items():
        (tmp_path / name).write_text(text)
    assert list(load(tmp_path).policy.routers) == ["edge1", "edge2"]
    options = {f"{kind}_file": str(tmp_path / f"{kind}s.yaml") for kind in ("host", "group")}
    options["defaults_file"] = str(tmp_path / "defaults.yaml")
    nornir = InitNornir(
        config_file=str(tmp_path / "config.yaml"),
        inventory={"plugin": "SimpleInventory", "options": options},
    )
    assert nornir.inventory.hosts["edge2"].hostname == "198.18.0.2"
    assert nornir.inventory.hosts["edge2"].platform == "frr"
    assert nornir.inventory.hosts["edge2"]["asn"] == 64500


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        # told once, and where it stands, however many repeat it
        (("country: GE", "country: ge"), ["policy.yaml:5:14: 'ge' is not a country code. Write GE."]),
        (("country: GE", "contry: GE"), ["policy.yaml:5:5: unknown key 'contry'. Did you mean country?"]),
        (("long: &long 1h", "long: &long 60"), ["policy.yaml:7:9: the duration 60 has no unit. Write it like 400ms, 10s, 10min, 1h or 1d."]),
        (("53, 192.0.2.1]", "53, 192.0.2]"), ["policy.yaml:6:51: '192.0.2' is not an IP address. Write it like 198.51.100.1 or 2001:db8::1."]),
        # what the one who repeats it says is told where that stands
        (("asn: 64502}", "asn: AS64502}"), ["policy.yaml:10:33: an AS number is a whole number, not text. Write 64502, without quotes or AS."]),
        (("*upstream, asn: 64502", "*upstraem, asn: 64502"), ["policy.yaml:10:17: no anchor 'upstraem' stands above. Write '&upstraem' before the value that is meant, further up in this file."]),
        (("{<<: *backup, local", "{<<: *long, local"), ["policy.yaml:28:13: '<<' merges mappings, and this is none. Name an anchor of a mapping."]),
    ],
)  # fmt: skip
def test_a_slip_in_what_is_shared_is_told_once_with_its_place(edit: tuple[str, str], says: list[str]) -> None:
    assert POLICY.count(edit[0]) == 1
    assert read(POLICY.replace(*edit))[1] == says


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (("  iran: {asn: 64503}", "  iran: {asn: 64503, .note: x}"), "policy.yaml:11:22: unknown key '.note'."),
        (("upstreams:\n", "x-shared: 1\nupstreams:\n"), "policy.yaml:8:1: unknown key 'x-shared'."),
    ],
)  # fmt: skip
def test_only_a_dot_at_the_very_top_sets_aside(edit: tuple[str, str], says: str) -> None:
    assert POLICY.count(edit[0]) == 1
    (said,) = read(POLICY.replace(*edit))[1]
    assert said.startswith(f"{says} Known here: ")


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        (("interface: georgia", "interfaces: georgia"), ["hosts.yaml:7:5: unknown key 'interfaces'. Did you mean interface?"]),
        ((".link:", ".list: [1]\n.link:"), ["hosts.yaml:4:1: '.list' must be a mapping, not a list. Write 'key: value' lines below it, indented."]),
        ((".link:", ".other: {groups: [core], port: x}\n.link:"), ["hosts.yaml:4:19: there is no group 'core'. Add it to groups.yaml, which has: edges.", "hosts.yaml:4:32: 'port' must be a whole number, not text. Write digits only, without quotes."]),
    ],
)  # fmt: skip
def test_what_nornir_would_stop_at_is_found_before_it_does(edit: tuple[str, str], says: list[str]) -> None:
    assert HOSTS.count(edit[0]) == 1
    assert read(hosts=HOSTS.replace(*edit))[1] == says


def test_a_bomb_below_keys_that_are_kept_and_not_read_is_refused_too() -> None:
    bomb = "".join(f"    a{n}: &a{n} [*a{n - 1}, *a{n - 1}]\n" for n in range(1, 60))
    hosts = HOSTS.replace(
        "  data:\n    <<: *facts\n", f"  data:\n    <<: *facts\n    a0: &a0 [x, x]\n{bomb}", 1
    )
    policy, problems = read(hosts=hosts)
    assert policy is None
    assert ["the aliases here would repeat more than" in each for each in problems] == [True]

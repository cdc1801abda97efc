"""What editors and readers are told of policy.yaml is what the loader takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import TypeAdapter, ValidationError
from typer.testing import CliRunner

from controller.cli.root import app
from controller.config import default_inventory, reference, schema
from controller.config.addresses import AnyAddress, Asn, Community, Prefix
from controller.config.document import read
from controller.config.scalars import BitRate, Country, Duration, Name, Percent, Rate, YearlyRate
from controller.config.schema import sections

SCHEMA = schema()
SAMPLE = (default_inventory() / "policy.yaml").read_text()
BASE = (Path(__file__).parent.parent / "golden" / "policy_errors" / "base" / "policy.yaml").read_text()


def fields() -> Iterator[tuple[str, dict[str, Any]]]:
    for name, model in (("policy.yaml", SCHEMA), *SCHEMA["$defs"].items()):
        for key, node in model["properties"].items():
            yield f"{name}: {key}", node


def wrong(text: str) -> list[str]:
    """Where a policy breaks the schema, as an editor sees the file: with the keys that begin with a dot."""
    document = read("policy.yaml", text.encode())
    assert not document.problems
    found = Draft202012Validator(SCHEMA).iter_errors(document.data)
    return sorted("/".join(map(str, each.absolute_path)) for each in found)


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(SCHEMA)
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


@pytest.mark.parametrize("text", [SAMPLE, BASE], ids=["starter", "base of the golden cases"])
def test_it_accepts_policies_that_load(text: str) -> None:
    assert wrong(text) == []


def test_it_accepts_every_sample_in_the_starter_s_comments() -> None:
    text = re.sub(
        r"^    # (?=(tcp|http|dns|twamp|destination\w+|more_specifics|roles|\w*communities|med):|  - )",
        "    ",
        SAMPLE,
        flags=re.MULTILINE,
    )
    text = re.sub(
        r"^  # (?=router_ping:|router_tests:|prometheus:|anchors:|  )", "  ", text, flags=re.MULTILINE
    )
    assert "\n  prometheus:" in text
    assert "\n    destination_as:" in text
    assert "\n    med:" in text
    assert wrong(text) == []


def test_it_accepts_the_starter_s_samples_of_capacity() -> None:
    text = re.sub(r"^# (?=limits:)", "", SAMPLE, flags=re.MULTILINE)
    text = re.sub(r"^#   (?=headroom:|dependence:|over_commit:)", "  ", text, flags=re.MULTILINE)
    text = re.sub(r"^    # (?=load:|importance:|split:)", "    ", text, flags=re.MULTILINE)
    own = "".join(re.findall(r"^#   ((?:capacity|cost):.*\n)", text, re.MULTILINE))
    assert own.count("\n") == 2
    text = text.replace("    asn: 64501\n", f"    asn: 64501\n    {own}".replace("\ncost", "\n    cost"))
    assert "\nlimits:\n  headroom: 10%" in text
    assert "\n    split: true" in text
    assert wrong(text) == []


def test_it_accepts_what_is_shared_below_keys_with_a_dot() -> None:
    text = SAMPLE.replace("upstreams:\n", ".sea: &sea {shared_risk: [black-sea]}\nupstreams:\n", 1)
    assert wrong(text.replace("    shared_risk: [black-sea]\n", "    <<: *sea\n", 1)) == []


@pytest.mark.parametrize(
    ("find", "replace", "where"),
    [
        ("hold_down: 10min", "hold_down: 10", "stability/hold_down"),
        ("hold_down: 10min", "hold_down: 10m", "stability/hold_down"),
        ("hold_down: 10min", "hold_donw: 10min", "stability stability"),
        ("changes: 6 per hour", "changes: 6", "stability/changes"),
        ("country: IR", "capacity: 10", "upstreams/iran/capacity"),
        ("country: IR", "cost: {per_mbps: -1}", "upstreams/iran/cost"),
        ("when_down: drained", "limits: {over_commit: never}", "limits/over_commit"),
        ("when_down: drained", "limits: {dependence: {Black Sea: 10%}}", "limits/dependence"),
        ("escapes: 12 per hour", "escapes: 0 per hour", "stability/escapes"),
        ("loss: 30%", "loss: 30", "health/catch/0/loss"),
        ("loss: 30%", "loss: 100%", "health/catch/0/loss"),
        ("    asn: 64503", "    asn: AS64503", "upstreams/iran/asn"),
        ("country: IR", "country: Iran", "upstreams/iran/country"),
        ("  iran:\n", "  Iran:\n", "upstreams"),
        ("prefixes: [203.0.113.0/24, ", "prefixes: [203.0.113.0, ", "classes/residential/prefixes/0"),
        ("prefixes: [203.0.113.0/24, ", "prefixes: [0.0.0.0/0, ", "classes/residential/prefixes/0"),
        ("prefer: [azerbaijan, georgia, iran]", "prefer: azerbaijan", "classes/residential/prefer"),
        ("prefer: [azerbaijan, georgia, iran]", "prefer: []", "classes/residential/prefer"),
        ("backups_disjoint: false", "backups_disjoint: no", "classes/residential/backups_disjoint"),
        ("local_preference: 300", "local_preference: '300'", "roles/primary/local_preference"),
        ("when_down: drained", "when_down: drain", "when_down"),
        ("ipv4: 203.0.113.20", "ipv4: host.example.net", "user_path/ipv4"),
        ("upstreams:\n", "x-shared: 1\nupstreams:\n", ""),
    ],
)
def test_it_rejects_what_the_loader_refuses_at_the_same_place(find: str, replace: str, where: str) -> None:
    assert SAMPLE.count(find) == 1
    assert wrong(SAMPLE.replace(find, replace)) == where.split(" ")


VALUES: dict[str, tuple[Any, list[Any]]] = {
    "duration": (Duration, ["400ms", "1.5s", "10 min", "1h", "366d", 400, "400", "1m", "-1s", "1e3s", ".5s", True]),
    "percent": (Percent, ["10%", "0.5%", "99.9 %", 10, 0.1, "0%", "100%", "10", "-1%", "0.0%"]),
    "rate": (Rate, ["6 per hour", "1  per  hour", "0 per hour", 6, "6/h", "6 per day", "1.5 per hour"]),
    "yearly": (YearlyRate, ["1 per link-year", "0.5 per link-year", "1 per year", 1, "0 per link-year"]),
    "bit rate": (BitRate, ["10Gbps", "2.5 Tbps", "1bps", "400Mbps", 10, "10", "10G", "10gbps", "0bps", "-1Gbps", "1e3bps"]),
    "address": (AnyAddress, ["198.51.100.1", "2001:db8::1", "host.example.net", "198.51.100.0/24", 1]),
    "prefix": (Prefix, ["203.0.113.0/24", "2001:db8::/32", "203.0.113.0", "::/0", "0.0.0.0/0", "2001:db8::/129"]),
    "community": (Community, ["65000:70", "64501:1:2", "no-export", 65000, "1:2:3:4", ":1"]),
    "asn": (Asn, [64501, 0, -1, 4294967295, "64501", "AS64501", 1.5]),
    "country": (Country, ["AZ", "az", "AZE", 1]),
    "name": (Name, ["iran", "cable-2", "Iran", "a_b", "-a", "a" * 33, 1]),
}  # fmt: skip


@pytest.mark.parametrize("kind", VALUES)
def test_the_scalar_notations_are_the_same_for_editors_and_the_loader(kind: str) -> None:
    notation, values = VALUES[kind]
    adapter: TypeAdapter[Any] = TypeAdapter(notation)
    told = Draft202012Validator(adapter.json_schema())
    for value in values:
        try:
            adapter.validate_python(value)
            loads = True
        except ValidationError:
            loads = False
        assert told.is_valid(value) is loads, value


def test_every_field_says_what_it_does_and_why_its_unit_and_its_default() -> None:
    form = re.compile(r"[A-Z].+\. .+\. Unit: .+\. (Default: .+|Required)\.")
    assert [name for name, node in fields() if not form.fullmatch(node.get("description", ""))] == []


def test_fields_that_must_be_given_are_those_that_say_so() -> None:
    for name, model in (("", SCHEMA), *SCHEMA["$defs"].items()):
        said = {
            key for key, node in model["properties"].items() if node["description"].endswith(" Required.")
        }
        assert said == set(model.get("required", ())), name


def test_defaults_and_examples_are_values_that_the_field_takes() -> None:
    validator = Draft202012Validator(SCHEMA)
    for name, node in fields():
        given = [*node.get("examples", ()), *([node["default"]] if "default" in node else [])]
        for value in given:
            assert not list(validator.descend(value, node)), f"{name}: {value}"


def test_a_default_is_told_as_the_file_writes_it() -> None:
    told = {key: (node.get("default"), node["description"]) for key, node in fields()}
    default, description = told["PrefixesSpec: settle"]
    assert default == "3min"
    assert description.endswith("Unit: duration. Default: 3min.")
    assert told["PrefixesSpec: missing"][0] == "50%"
    assert told["HealthSpec: false_failovers"][0] == "1 per link-year"
    assert told["DnsTargetSpec: accept"][1].endswith("Default: [NOERROR, NXDOMAIN].")
    assert told["HealthSpec: interval"] == (None, told["HealthSpec: interval"][1])


def test_nothing_of_ours_is_left_in_it() -> None:
    for _, node in fields():
        assert not {"title", "unit"} & set(node)


def test_the_reference_has_every_section_where_it_stands_and_every_key_of_it() -> None:
    text = reference()
    assert "\n## `health.latency.jitter`\n" in text
    assert "\n## `roles.drained`, `roles.withdrawn`\n" in text
    assert "| `hold_down` | Between two routine moves of one class. It bounds flapping" in text
    assert "| `settle` | A new session's table may take this long to load" in text
    rows = sum(len(section.rows) for section in sections())
    assert rows == sum(1 for _ in fields())
    lines = [line for line in text.splitlines() if line.startswith("| `")]
    assert len(lines) == rows
    assert {len(re.split(r"(?<!\\)\|", line)) for line in lines} == {6}


def test_the_command_prints_either() -> None:
    done = CliRunner().invoke(app, ["policy", "schema"])
    assert json.loads(done.stdout) == SCHEMA
    done = CliRunner().invoke(app, ["policy", "schema", "--format", "markdown"])
    assert done.stdout == reference()

"""Every field of policy.yaml, and of links in hosts.yaml, changes something.

It changes what is decided, told to routers, found bad, or asked.
Each entry of the table has the starter files twice, different in that field only, and what comes of each.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import pytest

from controller.config.inventory_files import LinkSpec
from controller.config.schema import sections
from tests.fields.bgp import roles
from tests.fields.judged import health, latency, routers
from tests.fields.metrics import prometheus
from tests.fields.moves import classes, stability, time, upstreams
from tests.fields.room import cost, room
from tests.fields.versions import Field
from tests.fields.witnesses import links, router_tests, targets, user_path

TABLE = tuple(
    chain(
        upstreams(),
        classes(),
        stability(),
        time(),
        roles(),
        room(),
        cost(),
        health(),
        latency(),
        routers(),
        targets(),
        user_path(),
        links(),
        router_tests(),
        prometheus(),
    )
)


def fields() -> Iterator[str]:
    """Every field of the schema that is no section of its own."""
    found = sections()
    inside = {path for each in found for path in each.paths}
    for section in found:
        for path in section.paths:
            for row in section.rows:
                name = f"{path}.{row.name}".lstrip(".")
                if not any(each in inside for each in (name, f"{name}[]", f"{name}.NAME")):
                    yield name


def test_the_table_has_exactly_the_fields_that_there_are() -> None:
    assert sorted({each.path for each in TABLE if not each.path.startswith("links.")}) == sorted(fields())


def test_of_links_in_hosts_yaml_every_field_is_there_too() -> None:
    found = {each.path.split(".")[2] for each in TABLE if each.path.startswith("links.")}
    assert found == set(LinkSpec.model_fields)


@pytest.mark.parametrize("field", [pytest.param(each, id=each.path) for each in TABLE])
def test_the_field_makes_the_difference(field: Field) -> None:
    one, other = field.versions()
    assert field.then[0] != field.then[1]
    assert (field.shows(one), field.shows(other)) == field.then

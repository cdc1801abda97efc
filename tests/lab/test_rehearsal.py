"""What leaving a link would take stands ready on real routers: committed as rehearsed, or made anew if they moved."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass

import pytest
import structlog
from pyroute2 import netns

from controller.config import default_templates
from controller.core.intent import intents
from controller.core.model import Applied, RouterIntent, Unchanged, Verdict
from controller.fleet.connect import SshOptions
from controller.fleet.fleet import NornirFleet
from controller.lab.lab import Lab
from controller.planning import offline
from controller.ports import Renderer
from controller.render.jinja import JinjaRenderer
from tests.lab.operate import Site, attached, pending

pytestmark = pytest.mark.lab

EDGES = ("edge1", "edge2")
AZERBAIJAN_IN = ("198.18.1.1", "in")


class CountingRenderer:
    """Counts what is rendered: what was rehearsed needs no rendering to be committed."""

    def __init__(self, renderer: Renderer) -> None:
        self._renderer, self.count = renderer, 0

    def render(self, intent: RouterIntent) -> str:
        self.count += 1
        return self._renderer.render(intent)


@dataclass
class Crew:
    """A fleet on the lab's edges, as the loop has one."""

    fleet: NornirFleet
    renderer: CountingRenderer
    calm: dict[str, RouterIntent]
    escape: dict[str, RouterIntent]

    async def change(self, wanted: dict[str, RouterIntent]) -> set[type]:
        """Push and confirm, and read the routers as the loop does; what kinds of outcomes came."""
        results = await self.fleet.change(wanted, "test")
        applied = [name for name, (_, outcome) in results.items() if isinstance(outcome, Applied)]
        assert set((await self.fleet.confirm(applied)).values()) <= {None}
        await self.fleet.read(EDGES)
        return {type(outcome) for _, outcome in results.values()}


@pytest.fixture
def _on_the_noc(lab: Lab) -> Iterator[None]:
    netns.pushns(lab.netns("noc"))
    try:
        yield
    finally:
        netns.popns()


@pytest.fixture
async def crew(lab: Lab, site: Site, _on_the_noc: None) -> AsyncIterator[Crew]:
    """The edges run what calm asks for; leaving azerbaijan is rehearsed."""

    def wanted(assumptions: dict[str, Verdict]) -> dict[str, RouterIntent]:
        return dict(intents(site.policy, offline(site.policy, assumptions, 0.0).assignment))

    renderer = CountingRenderer(JinjaRenderer(default_templates()))
    ssh = SshOptions(lab.ssh_key, lab.known_hosts)
    fleet = NornirFleet(site.inventory, site.policy, renderer, structlog.get_logger(), ssh)
    crew = Crew(fleet, renderer, wanted({}), wanted({"azerbaijan": Verdict.DOWN}))
    try:
        await crew.change(crew.calm)
        await fleet.rehearse(crew.escape)
        yield crew
    finally:
        await fleet.close()


async def test_what_was_rehearsed_survives_looks_at_the_routers_and_needs_a_commit_only(
    lab: Lab, crew: Crew
) -> None:
    for _ in range(2):  # as every reconciling cycle does
        assert await crew.change(crew.calm) == {Unchanged}
        before = crew.renderer.count
        await crew.fleet.rehearse(crew.escape)
        assert crew.renderer.count == before, "it was rehearsed again, though nothing had moved"
    assert await crew.change(crew.escape) == {Applied}
    assert crew.renderer.count == before, "it was made again, though it stood ready"
    assert attached(lab, "edge1")[AZERBAIJAN_IN] == "FO-EDGE1-AZERBAIJAN-DRAINED-IN"
    assert not any(pending(lab, edge) for edge in EDGES)


async def test_a_router_that_moved_since_the_rehearsal_gets_what_is_wanted_all_the_same(
    lab: Lab, crew: Crew
) -> None:
    moved = ("configure terminal", "router bgp 64500", "neighbor 198.18.1.1 description by hand", "end")
    lab.router("edge1").vtysh(*moved)
    try:
        assert await crew.change(crew.escape) == {Applied}
        config = lab.router("edge1").vtysh("show running-config")
        assert attached(lab, "edge1")[AZERBAIJAN_IN] == "FO-EDGE1-AZERBAIJAN-DRAINED-IN"
        assert "description by hand" in config, "what others configured is not ours to undo"
    finally:
        lab.router("edge1").vtysh(*moved[:2], "no neighbor 198.18.1.1 description", "end", "write memory")


async def test_what_is_rehearsed_is_made_anew_once_the_router_is_seen_to_run_something_else(
    lab: Lab, crew: Crew
) -> None:
    lab.router("edge1").vtysh(
        "configure terminal", "router bgp 64500", "neighbor 198.18.1.1 description x", "end"
    )
    try:
        await crew.fleet.read(EDGES)
        before = crew.renderer.count
        await crew.fleet.rehearse(crew.escape)
        assert crew.renderer.count == before + 1  # edge1; edge2 stands as it stood
        assert await crew.change(crew.escape) == {Applied}
        assert crew.renderer.count == before + 1
    finally:
        lab.router("edge1").vtysh(
            "configure terminal",
            "router bgp 64500",
            "no neighbor 198.18.1.1 description",
            "end",
            "write memory",
        )

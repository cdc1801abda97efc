"""What is kept on routers after a push, and what is undone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from controller.core.intent import intents
from controller.core.model import (
    Applied,
    Assignment,
    Outcome,
    Placement,
    RolledBack,
    RouterIntent,
    SessionSample,
)
from controller.delivery import Delivery
from tests.fakes import FakeFleet, FakeLog, LoopClock, policy

pytestmark = [pytest.mark.asyncio, pytest.mark.looptime]

POLICY = policy()
ASSIGNMENT: Assignment = {
    "residential": {
        "edge1-azerbaijan": Placement("drained"),
        "edge1-georgia": Placement("primary"),
        "edge2-georgia": Placement("primary"),
        "edge2-iran": Placement("backup"),
    }
}
WANTED: Mapping[str, RouterIntent] = intents(POLICY, ASSIGNMENT)


class LosingFleet(FakeFleet):
    """Routers that lose the sessions of one link when something is committed."""

    loses = ""

    def _sessions(self, router: str) -> tuple[SessionSample, ...]:
        return tuple(
            replace(session, established=session.link != self.loses or not self.pending)
            for session in super()._sessions(router)
        )


async def delivered(
    fleet: LosingFleet, failing: Sequence[str], users_lost: str | None = None
) -> dict[str, Outcome]:
    """Push the move off azerbaijan and settle it."""
    before = await fleet.read(["edge1", "edge2"])
    results = await fleet.change(WANTED, "test")

    async def users(since: float) -> str | None:
        return users_lost

    return await Delivery(fleet, LoopClock(), FakeLog()).settle(
        {name: outcome for name, (_, outcome) in results.items()},
        {name: intent.attachments for name, intent in WANTED.items()},
        before,
        users,
        {},
        lambda: frozenset(failing),
    )


async def test_what_is_well_is_kept() -> None:
    fleet = LosingFleet(POLICY)
    outcomes = await delivered(fleet, ())
    assert all(isinstance(outcome, Applied) for outcome in outcomes.values())
    assert fleet.roles["edge1-georgia"] == "primary"
    assert not fleet.pending


async def test_a_session_lost_with_its_link_well_is_the_push_s_doing() -> None:
    fleet = LosingFleet(POLICY)
    fleet.loses = "edge1-georgia"
    outcomes = await delivered(fleet, ())
    assert isinstance(outcomes["edge1"], RolledBack)
    assert "lost BGP sessions: edge1-georgia ipv4" in outcomes["edge1"].why
    assert isinstance(outcomes["edge2"], Applied)
    assert not fleet.pending


async def test_a_session_lost_with_its_link_dead_is_no_reason_to_go_back_to_it() -> None:
    fleet = LosingFleet(POLICY)
    fleet.loses = "edge1-azerbaijan"
    outcomes = await delivered(fleet, ("edge1-azerbaijan",))
    assert all(isinstance(outcome, Applied) for outcome in outcomes.values())
    assert fleet.roles["edge1-georgia"] == "primary"


async def test_users_cut_off_undo_the_push_on_every_router() -> None:
    fleet = LosingFleet(POLICY)
    outcomes = await delivered(fleet, (), users_lost="the user path is silent")
    assert all(isinstance(outcome, RolledBack) for outcome in outcomes.values())
    assert fleet.roles == {}
    assert not fleet.pending

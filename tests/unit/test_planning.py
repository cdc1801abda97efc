"""Plans: what may be assumed, and which reviewed plans may be applied."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.core.model import ControlState, Decision, LinkMemory, Moment, Placement, RouterPlan, Verdict
from controller.core.policy import decide
from controller.planning import PlanError, PlanReport, applicable, assumed, offline
from tests.fakes import policy

POLICY = policy()
CALM = offline(POLICY, {}, 0.0)
ON_GEORGIA = offline(POLICY, {"azerbaijan": Verdict.DOWN}, 0.0).assignment
WELL = dict.fromkeys(POLICY.links, Verdict.UP)


def test_assuming_a_link_up_leaves_no_fail_back_wait() -> None:
    now = 1000.0
    failed = LinkMemory(None, failures=3, last_failure=now - 1)
    memory = ControlState(links={"edge1-azerbaijan": failed})
    health, memory = assumed(POLICY, {}, memory, WELL, now)
    decision, _ = decide(POLICY, Moment(health, memory, now, ON_GEORGIA))
    assert decision.assignment == CALM.assignment


def test_assuming_what_does_not_exist_is_answered_with_what_does() -> None:
    with pytest.raises(PlanError, match="--assume armenia=down: no such link or upstream; there are azerb"):
        assumed(POLICY, {}, ControlState(), {"armenia": Verdict.DOWN}, 0.0)


REPORT = PlanReport(0.0, "as it was", "nobody", CALM, (), {"edge1": RouterPlan("edge1", "+ x", "x")})


def test_a_plan_of_this_policy_may_be_applied_where_it_changes_something() -> None:
    both = replace(REPORT, routers={**REPORT.routers, "edge2": RouterPlan("edge2", "", "y")})
    assert applicable(both, "as it was", POLICY) == [REPORT.routers["edge1"]]


@pytest.mark.parametrize(
    ("report", "why"),
    [
        (replace(REPORT, policy_fingerprint="other"), "inventory or policy changed since"),
        (replace(REPORT, routers={"edge1": RouterPlan("edge1", "+ x", "x", ("no",))}), "refused or not read"),
        (replace(REPORT, routers={"edge9": RouterPlan("edge9", "+ x", "x")}), "it was edited: plan again"),
        (
            replace(REPORT, decision=Decision({"residential": {"edge9-x": Placement("primary")}}, "")),
            "it was edited: plan again",
        ),
        (
            replace(REPORT, decision=Decision({"residential": {"edge1-georgia": Placement("king")}}, "")),
            "it was edited: plan again",
        ),
    ],
)
def test_a_plan_that_must_not_be_applied_says_why(report: PlanReport, why: str) -> None:
    with pytest.raises(PlanError, match=why):
        applicable(report, "as it was", POLICY)

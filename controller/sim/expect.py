"""Holds what was expected against what came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from controller.sim.ledger import Account
from controller.sim.report import Checked, Said
from controller.sim.scenario import Expectation, Scenario
from controller.sim.words import clock, percent


def check(scenario: Scenario, accounts: Mapping[str, Account], said: Sequence[Said]) -> tuple[Checked, ...]:
    """Every expectation, in the order of the file."""
    return tuple(_check(claim, scenario.lasts_s, accounts, said) for claim in scenario.expected)


def _check(
    claim: Expectation, lasts_s: float, accounts: Mapping[str, Account], said: Sequence[Said]
) -> Checked:
    if claim.says is not None or claim.frozen:
        return _said(claim, said)
    founds = []
    met = True
    for name, account in accounts.items():
        if claim.traffic_class in (None, name):
            right, found = _of_class(claim, lasts_s, account)
            met &= right
            founds.append(f"{name} {found}")
    return Checked(claim, met, "; ".join(founds))


def _of_class(claim: Expectation, lasts_s: float, account: Account) -> tuple[bool, str]:
    if claim.carried_by is not None:
        on = next(names for at, names in reversed(account.carried) if at <= claim.end_s)
        return on == (claim.carried_by,), f"is carried by {' and '.join(on) or 'nothing'}"
    if claim.least_availability is not None:
        share = 1 - account.dead_s / lasts_s
        return share >= claim.least_availability, f"has one for {percent(share)}"
    only_false = claim.most_false_moves is not None
    most = claim.most_false_moves if only_false else claim.most_moves
    moves = [
        move
        for move in account.moves
        if claim.start_s <= move.at_s <= claim.end_s and (move.false or not only_false)
    ]
    when = f", first at {clock(moves[0].at_s)}" if moves else ""
    return len(moves) <= (most or 0), f"does so {len(moves)} times{when}"


def _said(claim: Expectation, said: Sequence[Said]) -> Checked:
    within = [each for each in said if claim.start_s <= each.at_s <= claim.end_s]
    found = [
        each
        for each in within
        if (claim.says is None or claim.says in each.sentence) and (each.frozen or not claim.frozen)
    ]
    if found:
        return Checked(claim, met=True, found=f"at {clock(found[0].at_s)}")
    return Checked(claim, met=False, found=f"none of {len(within)} decisions then")

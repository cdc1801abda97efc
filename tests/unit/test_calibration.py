"""Thresholds of links over days: by formula, by history, kept between lives; and what they let be promised."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address

import pytest

from controller.core import grey
from controller.core.calibration import HISTORY_S, Fit, fit, from_plain, refitted, to_plain
from controller.core.detect import initial, remembered
from controller.core.grey_ambient import DAY_S
from controller.core.grey_threshold import LEVELS, Calibrator, formula_threshold
from controller.core.model import Catch, Family
from controller.core.promise import CALM_INTERVALS_S, NEVER, broken, by_formula, calm_interval_s
from tests.unit.detection_world import HEALTH, START, V4, V6, policy

RATE, BUDGET = 20.0, 0.25
FIVE = replace(HEALTH, targets=V4[:5], interval_s=0.25, timeout_s=0.3, ride_out_s=0.5)


def history(days: float, crossings: int = 1000) -> Calibrator:
    """Quiet days with an exponential tail: every nat halves the crossings."""
    return Calibrator(days * DAY_S, tuple(int(crossings / 2**n) for n in range(len(LEVELS))))


def test_before_two_weeks_of_history_the_formula_holds_and_after_them_the_fit() -> None:
    young, old = (fit(history(days), RATE, BUDGET, START) for days in (13.9, 14.1))
    assert (young.threshold, young.fitted) == (formula_threshold(RATE, BUDGET), False)
    assert old.fitted
    assert old.threshold < young.threshold
    assert str(young) == "27.4 nats, by formula until there are 14, 13.9 quiet days so far"
    assert str(old).endswith("fitted to 14.1 quiet days")


def test_a_link_is_fitted_anew_once_a_day_and_never_while_suspected() -> None:
    state = grey.initial(V4[:5], 0.25, 0.3, 27.0, START, history(15))
    last = Fit(27.0, START, 0.0, fitted=False)
    assert refitted(state, last, BUDGET, START + DAY_S - 1) == (state, last)
    assert refitted(replace(state, evidence=5.0), last, BUDGET, START + DAY_S)[1] == last
    new, now = refitted(state, last, BUDGET, START + DAY_S)
    assert now.fitted
    assert new.threshold == now.threshold < 27


def test_old_days_lose_their_weight() -> None:
    state = grey.initial(V4[:5], 0.25, 0.3, 27.0, START, history(28))
    new, _ = refitted(state, Fit(27.0, START, 0.0, fitted=False), BUDGET, START + DAY_S)
    assert new.calibrator.observed_s == HISTORY_S


def test_what_is_learnt_of_a_link_outlives_the_process() -> None:
    known = grey.initial(V4[:4], 0.1, 0.5, 20.0, START)
    known = replace(known, calibrator=history(20), ambient=replace(known.ambient, days=(0.002,), value=0.002))
    kept = {"loss/edge1-azerbaijan/ipv4": to_plain(known)}
    state = initial(policy(), START + 5, kept)
    part = state.families["edge1-azerbaijan", Family.IPV4]
    assert part.loss is not None
    assert part.fit is not None
    assert (part.loss.calibrator, part.loss.ambient.value) == (history(20), 0.002)
    assert part.fit.fitted
    assert not state.unreadable
    assert remembered(state)["loss/edge1-azerbaijan/ipv4"] == kept["loss/edge1-azerbaijan/ipv4"]
    other = state.families["edge1-georgia", Family.IPV4].fit
    assert other is not None
    assert not other.fitted


@pytest.mark.parametrize(
    "broken_history",
    [
        {},
        {"calibrator": 3, "ambient": {}},
        {"calibrator": {}, "ambient": {"days": [], "value": 0.1}},
        {"calibrator": Calibrator().to_plain(), "ambient": {"days": [7], "value": 0.1}},
        {"calibrator": Calibrator().to_plain(), "ambient": {"days": "x", "value": 0.1}},
        {"calibrator": Calibrator().to_plain(), "ambient": {"days": [], "value": None}},
    ],
)
def test_a_history_out_of_shape_is_named_and_learnt_afresh(broken_history: dict[str, object]) -> None:
    with pytest.raises(ValueError):
        from_plain(broken_history, START)
    state = initial(policy(), START, {"loss/edge1-azerbaijan/ipv4": broken_history})
    assert list(state.unreadable) == ["loss/edge1-azerbaijan/ipv4"]
    assert state.families["edge1-azerbaijan", Family.IPV4].loss is not None


def test_a_promise_is_kept_short_by_probes_and_targets_and_long_by_calm() -> None:
    def seconds(health: object, loss: float = 0.1) -> float:
        told = by_formula(health, Family.IPV4, 1).within_s(loss)  # type: ignore[arg-type]
        assert told is not None
        return told

    usual = seconds(FIVE)
    assert seconds(replace(FIVE, interval_s=0.1)) < usual
    assert seconds(replace(FIVE, targets=V4[:3])) > usual
    assert seconds(replace(FIVE, false_per_year=0.1)) > usual > seconds(replace(FIVE, false_per_year=10))
    assert seconds(FIVE, 0.3) < usual < seconds(FIVE, 0.05)


def test_loss_that_is_hardly_unusual_and_a_single_target_are_promised_nothing() -> None:
    assert by_formula(FIVE, Family.IPV4, 1).within_s(0.01) is None
    assert by_formula(replace(FIVE, targets=V4[:1]), Family.IPV4, 1).within_s(0.5) is None


def test_total_loss_is_promised_by_ride_out() -> None:
    assert by_formula(FIVE, Family.IPV4, 1).total_s == pytest.approx(0.5 + 0.125)


def test_wishes_that_cannot_be_met_come_with_the_nearest_that_can() -> None:
    wishes = (Catch(30, 60), Catch(10, 1), Catch(1, 3600))
    found = broken(replace(FIVE, catch=wishes), [Family.IPV4])
    assert set(found) == {1, 2}
    assert found[2] == NEVER
    met = replace(FIVE, catch=(Catch(10, found[1]),))
    assert not broken(met, [Family.IPV4])


def test_the_rhythm_in_calm_is_the_slowest_that_keeps_the_wishes() -> None:
    patient = replace(FIVE, ride_out_s=5.0, targets=(*V4[:5], *V6[:5]))
    assert calm_interval_s(patient) == CALM_INTERVALS_S[0]
    wished = replace(patient, catch=(Catch(10, 20),))
    assert CALM_INTERVALS_S[0] > calm_interval_s(wished) >= CALM_INTERVALS_S[-1]
    assert not broken(replace(wished, interval_s=calm_interval_s(wished)), tuple(Family))
    assert calm_interval_s(replace(patient, ride_out_s=0.6)) == 0.25
    assert calm_interval_s(replace(patient, catch=(Catch(10, 0.1),))) == CALM_INTERVALS_S[-1]


def test_targets_of_another_family_make_no_promise() -> None:
    assert by_formula(replace(FIVE, targets=(ip_address("2001:db8::1"),)), Family.IPV4, 1).targets == 0

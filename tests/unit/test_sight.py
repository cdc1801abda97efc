"""A look through every link: the figures are the samples', and a terminal shows what matters first."""

from __future__ import annotations

import io
from dataclasses import replace
from ipaddress import ip_address

import pytest
from rich.console import Console

from controller.cli.probe_view import rendered
from controller.core.detect import health, initial, step
from controller.core.model import USER_PATH, Family, FamilyHealth, Health, Sample, SampleState, Verdict
from controller.core.samples import Probe, Samples
from controller.core.sight import SLICES, Sight, View, figures, look
from controller.core.target_notes import notes
from tests.fakes import TARGETS, policy

SENT, OK, LOST, INVALID = SampleState.SENT, SampleState.OK, SampleState.LOST, SampleState.INVALID
POLICY = policy()
LINKS = (*POLICY.links, USER_PATH)
DARK, NOW, WINDOW_S = LINKS[0], 110.0, 10.0


def probes(*told: tuple[float, SampleState, float | None]) -> list[Probe]:
    return [Probe(*each) for each in told]


def sight(silent: tuple[str, ...] = (DARK,), dead: int = 0, seconds: float = 10.0) -> Sight:
    """Ten a second through every link; the silent ones, and the first ``dead`` targets, lose the last second."""
    state, samples = initial(POLICY, 100.0), Samples()
    for tick in range(round(seconds * 10)):
        at = 100.0 + tick / 10
        batch = []
        for link in LINKS:
            for place, target in enumerate(TARGETS):
                gone = at >= 99.0 + seconds and (link in silent or place < dead)
                sent = Sample(link, target, tick, at, SENT)
                result = replace(sent, state=LOST) if gone else replace(sent, state=OK, rtt_ms=5.0 + tick % 2)
                batch += [sent, result]
        state = step(state, batch, (), at + 0.01)
        samples.note(batch, 0.0)
    now = 100.0 + seconds
    view = View(health(state, now), {name: samples.latest(name) for name in LINKS}, notes(state, now))
    return look(view, now, 1_700_000_000.0, WINDOW_S, "a test")


def test_figures_are_those_of_the_probes_of_the_window() -> None:
    seen = next(each for each in sight().links if each.link == DARK).families[Family.IPV4]
    assert (seen.figures.sent, seen.figures.ok, seen.figures.lost) == (400 - 4, 360 - 4, 40)
    assert seen.figures.loss_percent == pytest.approx(100 * 40 / 396)
    assert (seen.figures.rtt_p50_ms, seen.figures.rtt_p95_ms) == (6.0, 6.0)  # 45 of 89 answers of each target
    assert seen.figures.jitter_ms == pytest.approx(1.0)


def test_jitter_is_between_answers_of_the_same_target_and_losses_do_not_hide_it() -> None:
    near, far = [(0.0, OK, 1.0), (0.1, LOST, None), (0.2, OK, 3.0)], [(0.0, OK, 100.0), (0.1, OK, 100.0)]
    assert figures([probes(*near), probes(*far)]).jitter_ms == pytest.approx((2.0 + 0.0) / 2)


def test_what_is_under_way_or_invalid_is_no_loss() -> None:
    seen = figures([probes((0.0, INVALID, None), (0.1, SENT, None), (0.2, OK, 1.0))])
    assert (seen.sent, seen.invalid, seen.loss_percent) == (3, 1, 0.0)
    assert figures([probes((0.0, INVALID, None))]).loss_percent is None
    assert figures([]).rtt_p50_ms is None


def test_silence_is_told_as_a_share_of_what_it_takes() -> None:
    seen = sight()
    dark = next(each for each in seen.links if each.link == DARK)
    gauge = dark.families[Family.IPV4].silence
    assert dark.verdict is Verdict.DOWN
    assert gauge.limit == POLICY.health.ride_out_s
    assert gauge.share == pytest.approx(gauge.value / gauge.limit)
    assert gauge.value == pytest.approx(1.1, abs=0.05)  # the last answer was to the probe before the second
    assert not seen.all_up
    others = [each for each in seen.links if each.link != DARK]
    assert {each.families[Family.IPV4].silence.share for each in others} == {0.0}
    assert sight(silent=()).all_up


def test_grey_loss_is_told_as_a_share_of_its_threshold() -> None:
    told = FamilyHealth(Verdict.UP, "as ever", evidence=6.5, threshold=26.0)
    view = View({DARK: Health(DARK, Verdict.UP, 0.0, "as ever", families={Family.IPV4: told})}, {})
    seen = look(view, NOW, 0.0, WINDOW_S, "a test")
    gauge = seen.links[0].families[Family.IPV4].loss
    assert gauge is not None
    assert (gauge.value, gauge.limit, gauge.share) == (6.5, 26.0, 0.25)


def test_slices_say_when_it_was_that_nothing_answered() -> None:
    slices = next(each for each in sight().links if each.link == DARK).families[Family.IPV4].slices
    assert len(slices) == SLICES
    assert [part.lost > 0 for part in slices] == [False] * (SLICES - 2) + [True] * 2
    assert [part.jitter_ms is None for part in slices[1:]] == [False] * (SLICES - 3) + [True] * 2


def test_each_target_shows_its_latest_probes_and_what_is_thought_of_it() -> None:
    seen = sight(silent=(), dead=1).links[0].families[Family.IPV4]
    first, second = seen.targets[:2]
    assert first.target == str(TARGETS[0])
    assert first.recent == "..........xxxxxxxxxx"
    assert first.note == "not counted: silent through every link"
    assert first.heard_s == pytest.approx(1.1, abs=0.01)
    assert (second.recent, second.note) == ("." * 20, "")
    dark = sight().links[0].families[Family.IPV4].targets[0]
    assert dark.note.startswith("silent for 1.1 s")


# --- on a terminal -------------------------------------------------------------------------------


def shown(seen: Sight, width: int, height: int | None = None, *, verbose: bool = False) -> list[str]:
    page = io.StringIO()
    console = Console(file=page, width=width, highlight=False)
    console.print(rendered(seen, width, height, verbose=verbose))
    return page.getvalue().splitlines()


@pytest.mark.parametrize("width", [80, 140])
@pytest.mark.parametrize("verbose", [False, True])
def test_it_fits_the_terminal(width: int, verbose: bool) -> None:
    lines = shown(sight(), width, verbose=verbose)
    assert all(len(line) <= width for line in lines)
    row = next(line for line in lines if line.startswith(DARK[:15]) and "v4" in line)
    assert "down" in row
    assert "10.1%" in row
    assert "100%" in row
    assert ("1.1/0.4 s" in row) is (width == 140)
    assert any("x" * 10 in line for line in lines) is verbose


def test_in_few_lines_the_worst_link_is_the_one_that_is_explained() -> None:
    lines = shown(sight(silent=(LINKS[2],)), 80, 12)
    assert len(lines) <= 12
    reasons = [line for line in lines if " for " in line and ("silent" in line or "answer" in line)]
    assert reasons[0].startswith(f"{LINKS[2]} down for")


def test_where_nothing_was_answered_the_sparkline_says_so() -> None:
    rows = shown(sight(), 80)
    dark = next(line for line in rows if line.startswith(DARK[:15]) and "v4" in line)
    assert "x" in dark.split("5.0")[-1]
    calm = next(line for line in rows if line.startswith(LINKS[1][:13]) and "v4" in line)
    assert "x" not in calm.replace("xxx", "")


def test_a_link_of_a_long_name_is_cut_and_the_figures_are_not() -> None:
    seen = sight()
    long = replace(seen.links[0], link="a-router-with-a-very-long-name-and-its-upstream")
    lines = shown(replace(seen, links=(long,)), 80)
    assert all(len(line) <= 80 for line in lines)
    assert any("…" in line and "100%" in line for line in lines)


def test_a_target_outside_the_policy_of_the_detector_is_shown_without_a_note() -> None:
    samples = Samples()
    stranger = ip_address("203.0.113.99")
    samples.note([Sample(DARK, stranger, 1, NOW - 1, OK, 3.0)], 0.0)
    told = {Family.IPV4: FamilyHealth(Verdict.UP, "as ever")}
    view = View({DARK: Health(DARK, Verdict.UP, 0.0, "", families=told)}, {DARK: samples.latest(DARK)})
    (target,) = look(view, NOW, 0.0, WINDOW_S, "a test").links[0].families[Family.IPV4].targets
    assert (target.target, target.figures.ok, target.note) == (str(stranger), 1, "")

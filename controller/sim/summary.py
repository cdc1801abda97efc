"""The figures of a run, as rows that people compare."""

from __future__ import annotations

from collections.abc import Sequence

from controller.sim.report import Run
from controller.sim.words import percent, span


def figures(runs: Sequence[Run]) -> list[tuple[str, list[str]]]:
    """A row a figure and class, with a value for each run; a dash where a policy lacks class or upstream."""
    classes = dict.fromkeys(name for run in runs for name in run.accounts)
    rows = [row for name in classes for row in _of_class(runs, name)]
    expected = [f"{sum(each.met for each in run.checked)} of {len(run.checked)}" for run in runs]
    rows += [
        (
            f"{up}: beyond its commit, a month",
            [f"{run.costs[up]:.2f}" if up in run.costs else "-" for run in runs],
        )
        for up in dict.fromkeys(up for run in runs for up in run.costs)
    ]
    return [*rows, ("expectations met", expected)] if runs[0].checked else rows


def _of_class(runs: Sequence[Run], name: str) -> list[tuple[str, list[str]]]:
    accounts = [run.accounts.get(name) for run in runs]
    upstreams = dict.fromkeys(up for run in runs for up in run.upstreams.values())
    used = [up for up in upstreams if any(up in each.on_s for each in accounts if each)]
    rows = [
        ("available", [percent(run.availability(name)) if name in run.accounts else "-" for run in runs]),
        ("dead path", [span(each.dead_s) if each else "-" for each in accounts]),
        ("lossy, slow or short path", [span(each.poor_s) if each else "-" for each in accounts]),
        (
            "packets lost",
            [
                f"{100 * each.lost_s / run.scenario.lasts_s:.4f} %" if each else "-"
                for run, each in zip(runs, accounts, strict=True)
            ],
        ),
        ("moves", [str(len(each.moves)) if each else "-" for each in accounts]),
        ("false moves", [str(sum(move.false for move in each.moves)) if each else "-" for each in accounts]),
    ]
    if any(run.full_s for run in runs):
        rows.append(
            ("over capacity", [span(run.full_s[name]) if name in run.full_s else "-" for run in runs])
        )
    rows += [
        (f"minutes on {up}", [f"{each.on_s.get(up, 0.0) / 60:.1f}" if each else "-" for each in accounts])
        for up in used
    ]
    return [(f"{name}: {label}", values) for label, values in rows]

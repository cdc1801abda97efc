"""Delay against false failovers, drawn: every rule at several settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

FIGURE = Path(__file__).with_name("detection.svg")
COLOURS = {
    "in a row": "#4477aa",
    "60 s window": "#ccbb44",
    "phi": "#66ccee",
    "CUSUM": "#ee6677",
    "ours": "black",
}
NEVER_S = 200.0
Point = tuple[str, float, bool, float | None]  # rule and setting, false a year, counted any, seconds


def draw(panels: Mapping[str, list[Point]]) -> None:
    """One panel a link and fault: false failovers a year across, seconds to an alarm upwards."""
    mpl.rcParams.update({"svg.hashsalt": "detection", "svg.fonttype": "none", "font.size": 8})
    figure, axes = plt.subplots(2, 2, figsize=(9, 6.4), sharex=True, sharey=True, layout="constrained")
    for axis, (title, points) in zip(axes.flat, panels.items(), strict=True):
        _panel(axis, title, points)
    for axis in axes[1]:
        axis.set_xlabel("false failovers per link-year")
    for axis in axes[:, 0]:
        axis.set_ylabel("median seconds to an alarm")
    axes[0][0].legend(loc="lower right", fontsize=7)
    figure.savefig(FIGURE, metadata={"Date": None})
    plt.close(figure)


def _panel(axis: Axes, title: str, points: list[Point]) -> None:
    axis.set(title=title, xscale="log", yscale="log", xlim=(1e-3, 1e6), ylim=(0.15, 300))
    axis.axvline(1, color="grey", lw=0.8, ls=":")
    axis.axhspan(150, 300, color="0.93")
    axis.text(1.5e-3, 190, "not within 120 s", color="0.4")
    for rule, colour in COLOURS.items():
        own = [point for point in points if point[0].partition(":")[0] == rule]
        across = [point[1] for point in own]
        upwards = [NEVER_S if point[3] is None else point[3] for point in own]
        axis.plot(across, upwards, "-", color=colour, lw=2 if rule == "ours" else 0.8, label=rule)
        for x, y, (name, _, counted, _) in zip(across, upwards, own, strict=True):
            axis.plot(x, y, "o" if counted else "<", color=colour, ms=4, mfc=colour if counted else "white")
            axis.annotate(name.partition(": ")[2], (x, y), (3, 3), textcoords="offset points", fontsize=6)

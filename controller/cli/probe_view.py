"""A sight on a terminal: a row for each link and family, why, and how to read it; readable at 80x24."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from controller.cli.common import COLORS, ago, figure, when
from controller.core.model import Family, Verdict
from controller.core.sight import SLICES, FamilySight, Figures, Gauge, LinkSight, Sight, Slice

BLOCKS: Final = "▁▂▃▄▅▆▇█"
LEAST_SCALE_MS: Final = 1.0  # jitter below this looks calm, whatever its ups and downs
WIDE: Final = 110  # columns from which there is room for figures beside the bars
SHORT: Final = {Family.IPV4: "v4", Family.IPV6: "v6"}
NARROW_BAR, WIDE_BAR = 4, 10
WORST_FIRST: Final = (Verdict.DOWN, Verdict.DEGRADED, Verdict.UNKNOWN, Verdict.UP)


def rendered(sight: Sight, width: int, height: int | None = None, *, verbose: bool = False) -> RenderableType:
    """The whole sight; within ``height`` lines where that is given, what matters least left out."""
    scale_ms = _scale(sight.links)
    table = _links(sight.links, scale_ms, wide=width >= WIDE)
    rows = sum(len(link.families) for link in sight.links)
    head = Text(f"{when(sight.utc)}  {sight.seen_by}, last {sight.window_s:.3g} s", no_wrap=True)
    key = [Text(line, style="dim") for line in _key(scale_ms)]
    room = None if height is None else max(0, height - rows - 3 - len(key))  # a line of title, two of heads
    parts: list[RenderableType] = [head, table, *_reasons(sight.links, room), *key]
    if verbose:
        parts += [each for link in sight.links for each in _targets(link)]
    return Group(*parts)


def _links(links: Iterable[LinkSight], scale_ms: float, *, wide: bool) -> Table:
    between = 1 if wide else 0  # besides the box's own column
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, between, 0, 0), show_edge=False)
    table.add_column("link", no_wrap=True, overflow="ellipsis", max_width=None if wide else 16)
    table.add_column("", no_wrap=True)
    table.add_column("verdict", no_wrap=True)
    table.add_column("loss", no_wrap=True, justify="right")
    table.add_column("rtt p50/p95", no_wrap=True, justify="right")
    for name in ("jitter", "silence", "lossy"):
        table.add_column(name, no_wrap=True)
    for link in links:
        for number, (family, seen) in enumerate(link.families.items()):
            table.add_row(
                Text("" if number else link.link, style=COLORS[link.verdict]),
                SHORT[family],
                Text(seen.verdict, style=COLORS[seen.verdict]),
                _loss(seen.figures),
                _rtt(seen.figures),
                _spark(seen.slices, scale_ms, wide=wide),
                _gauge(seen.silence, wide=wide),
                _gauge(seen.loss, wide=wide),
            )
    return table


def _loss(figures: Figures) -> Text:
    loss = figures.loss_percent
    return Text("-" if loss is None else f"{loss:.1f}%", style="red" if loss else "")


def _rtt(figures: Figures) -> str:
    """Milliseconds; the digits that fit."""
    if figures.rtt_p50_ms is None or figures.rtt_p95_ms is None:
        return "-"
    digits = 2 if figures.rtt_p95_ms < 10 else 1 if figures.rtt_p95_ms < 100 else 0
    return f"{figures.rtt_p50_ms:.{digits}f}/{figures.rtt_p95_ms:.{digits}f}"


def _scale(links: Iterable[LinkSight]) -> float:
    seen = (part.jitter_ms for link in links for each in link.families.values() for part in each.slices)
    return max((jitter for jitter in seen if jitter is not None), default=0.0) or LEAST_SCALE_MS


def _spark(slices: Sequence[Slice], scale_ms: float, *, wide: bool) -> Text:
    """Jitter over time on one scale for all links; x where nothing was answered, red where some was lost."""
    spark = Text()
    size = 1 if wide else 2
    for place in range(0, SLICES, size):
        parts = slices[place : place + size]
        jitters = [part.jitter_ms for part in parts if part.jitter_ms is not None]
        lost = sum(part.lost for part in parts)
        if jitters:
            level = min(len(BLOCKS) - 1, int(max(jitters) / max(scale_ms, LEAST_SCALE_MS) * len(BLOCKS)))
            spark.append(BLOCKS[level], style="red" if lost else "")
        else:
            spark.append("x" if lost else " ", style="red")
    return spark


def _gauge(gauge: Gauge | None, *, wide: bool) -> Text:
    """A bar that is full when the verdict falls, and the share in percent."""
    if gauge is None:
        return Text("-")
    share = min(gauge.share, 1.0)
    length = WIDE_BAR if wide else NARROW_BAR
    full = int(share * length)
    style = "red" if share >= 1 else "yellow" if share >= 0.5 else ""
    bar = Text("█" * full + "░" * (length - full) + f"{int(100 * share):>4}%", style=style)
    if wide:
        unit = "" if gauge.unit == "nats" else f" {gauge.unit}"
        bar.append(f" {figure(gauge.value, 1)}/{gauge.limit:g}{unit}", style="dim")
    return bar


def gauges(seen: FamilySight) -> list[tuple[str, Gauge]]:
    """What there is evidence of, by name."""
    found = [("silence", seen.silence)]
    return found if seen.loss is None else [*found, ("loss", seen.loss)]


def gauge_words(gauge: Gauge) -> str:
    """Evidence against its limit: 0.42 of 0.4 s (105%)."""
    unit = "" if gauge.unit == "nats" else f" {gauge.unit}"
    return f"{gauge.value:.2f} of {gauge.limit:.3g}{unit} ({int(100 * gauge.share)}%)"


def _reasons(links: Sequence[LinkSight], room: int | None) -> list[Text]:
    """Why each link is what it is: the worst first, one line each where room is short."""
    lines = []
    for link in sorted(links, key=lambda each: WORST_FIRST.index(each.verdict)):
        suspect = ", suspect" if link.suspect else ""
        line = Text(f"{link.link} {link.verdict}{suspect} for {ago(link.for_s)}: {link.why}")
        line.stylize(COLORS[link.verdict], 0, len(link.link) + 1 + len(link.verdict))
        if room is not None:
            line.no_wrap, line.overflow = True, "ellipsis"
        lines.append(line)
    return lines if room is None else lines[:room]


def _key(scale_ms: float) -> list[str]:
    full_ms = max(scale_ms, LEAST_SCALE_MS)
    return [
        f"rtt in ms. jitter: █ is {full_ms:.3g} ms, red: some were lost, x: nothing answered",
        "silence: share of ride_out, after which a link is down",
        "lossy: evidence so far, of what it takes to call a link degraded",
    ]


def _targets(link: LinkSight) -> list[RenderableType]:
    """One link's targets."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column(link.link, no_wrap=True, overflow="ellipsis")
    for name in ("sent", "lost", "p50", "p95", "heard"):
        table.add_column(name, no_wrap=True, justify="right")
    table.add_column("latest", no_wrap=True)
    notes = []
    for seen in link.families.values():
        for target in seen.targets:
            figures = target.figures
            table.add_row(
                target.target,
                str(figures.sent),
                Text(str(figures.lost), style="red" if figures.lost else ""),
                figure(figures.rtt_p50_ms, 2),
                figure(figures.rtt_p95_ms, 2),
                "never" if target.heard_s is None else f"{target.heard_s:.1f} s",
                Text(target.recent, style="red" if "x" in target.recent else ""),
            )
            if target.note:
                notes.append(Text(f"  {target.target}: {target.note}", style="yellow"))
    return [Text(), table, *notes]

"""What the hour changes, played on virtual time: the windows of the policy are those of the scenario's clock."""

from __future__ import annotations

from dataclasses import replace

from controller.core.model import Maintenance, Preference, StabilityPolicy, WindowRule
from tests.unit.sim_world import play, pushed, sample

NIGHT = WindowRule("night", 8 * 3600.0, "Asia/Yerevan", cron="0 22 * * *")  # 18:00 to 02:00 UTC


def stable(**changes: object) -> StabilityPolicy:
    return replace(sample().stability, **changes)  # type: ignore[arg-type]


def test_maintenance_drains_while_its_window_is_open() -> None:
    policy = replace(sample(), windows={"night": NIGHT}, maintenance=(Maintenance("night", "azerbaijan"),))
    run = play("begins: 2026-11-27T17:00\nlasts: 12h\n", policy)
    assert pushed(run) == [
        (3600.0, "residential moved from azerbaijan to georgia"),
        (9 * 3600.0, "residential moved from georgia to azerbaijan"),
    ]
    assert run.accounts["residential"].dead_s == 0


def test_a_class_is_elsewhere_at_night_every_night() -> None:
    residential = replace(
        sample().classes["residential"], prefer_in=(("night", Preference(("iran", "azerbaijan"))),)
    )
    policy = replace(sample(), windows={"night": NIGHT}, classes={"residential": residential})
    run = play("begins: 2026-11-27T12:00\nlasts: 2d\n", policy)
    assert [text for _, text in pushed(run)] == [
        "residential moved from azerbaijan to iran",
        "residential moved from iran to azerbaijan",
    ] * 2


def test_a_class_returns_once_somebody_has_acknowledged_it() -> None:
    policy = replace(sample(), stability=stable(fail_back_manual=True))
    run = play(
        """
        lasts: 6h
        events:
          - {at: 1h, upstream: azerbaijan, becomes: down, lasts: 30min}
        orders:
          - {at: 4h, acknowledge: residential, until: 5h, by: ann, reason: seen}
        """,
        policy,
    )
    moves = [(at, text) for at, text in pushed(run) if "moved" in text]
    assert moves[-1] == (4 * 3600.0, "residential moved from georgia to azerbaijan")
    assert len(moves) == 2


def test_in_a_freeze_a_repair_is_not_returned_to_before_it_ends() -> None:
    policy = replace(sample(), windows={"night": NIGHT}, freezes=("night",))
    run = play(
        """
        begins: 2026-11-27T18:30
        lasts: 9h
        events:
          - {at: 1h, upstream: azerbaijan, becomes: down, lasts: 1h}
        """,
        policy,
    )
    moves = [(at, text) for at, text in pushed(run) if "moved" in text]
    assert [text for _, text in moves] == [
        "residential moved from azerbaijan to georgia",
        "residential moved from georgia to azerbaijan",
    ]
    assert moves[0][0] < 3601
    assert moves[1][0] == 7.5 * 3600

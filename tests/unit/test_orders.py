"""What people order is kept, outlives a restart, reaches a running loop, and is answered in plain words."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.cli.root import main
from controller.config import write_starter
from controller.core.model import OrderKind, Override
from controller.orders import EVERY_S
from controller.ports import StoreError
from controller.store.sqlite import SqliteStore
from tests.unit.test_loop import Scene, dark

Failover = Callable[..., tuple[int, str]]
ANN = "ann"
UTC, NOW = 1_800_000_000.0, 500.0


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(tmp_path / "failover.db")


def drain(store: SqliteStore, subject: str = "iran", utc: float = UTC, until: float | None = None) -> int:
    return store.order(OrderKind.DRAIN, subject, "", ANN, "fibre work", utc, until)


# --- kept ------------------------------------------------------------------------------------------


def test_an_order_comes_back_on_the_readers_own_clock(store: SqliteStore) -> None:
    number = store.order(OrderKind.PIN, "residential", "iran", ANN, "a test", UTC, UTC + 60)
    assert store.overrides(NOW, UTC + 10) == [
        Override(number, OrderKind.PIN, "residential", "iran", ANN, "a test", NOW - 10, NOW + 50)
    ]


def test_an_order_ends_when_its_time_is_over_or_it_is_taken_back(store: SqliteStore) -> None:
    drain(store, until=UTC + 60)
    drain(store, "georgia")
    assert [each.subject for each in store.overrides(NOW, UTC + 59)] == ["iran", "georgia"]
    assert [each.subject for each in store.overrides(NOW, UTC + 61)] == ["georgia"]
    assert store.take_back(OrderKind.DRAIN, "georgia", "bob", UTC + 70) == 1
    assert store.overrides(NOW, UTC + 71) == []
    assert store.take_back(OrderKind.DRAIN, "georgia", "bob", UTC + 70) == 0


def test_a_second_order_about_the_same_replaces_the_first(store: SqliteStore) -> None:
    drain(store, until=UTC + 60)
    second = drain(store, utc=UTC + 1, until=UTC + 6000)
    assert [each.number for each in store.overrides(NOW, UTC + 2)] == [second]


def test_orders_outlive_the_process(store: SqliteStore, tmp_path: Path) -> None:
    number = drain(store)
    store.close()
    again = SqliteStore(tmp_path / "failover.db")
    assert [each.number for each in again.overrides(NOW, UTC + 1e6)] == [number]


# --- heard -----------------------------------------------------------------------------------------


def ordered(kind: OrderKind, subject: str = "", upstream: str = "") -> Override:
    return Override(1, kind, subject, upstream, ANN, "fibre work", 0.0, None)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_a_running_loop_hears_an_order_and_does_it_in_two_steps() -> None:
    scene = Scene(lambda *_: True)
    pushes: list[tuple[str, str]] = []
    roles = scene.fleet

    def give() -> None:
        scene.store.ordered = (ordered(OrderKind.DRAIN, "azerbaijan"),)
        roles.on_push = lambda: pushes.append((roles.roles["edge1-azerbaijan"], roles.roles["edge1-georgia"]))

    asyncio.get_running_loop().call_later(20, give)
    await scene.run(25)
    assert pushes[0] == ("primary", "primary")
    assert pushes[-1] == ("drained", "primary")
    took = next(at for at, _ in scene.fleet.pushes if at > 20) - 20
    assert took <= EVERY_S + 0.1
    sentences = [decision.sentence for decision, _ in scene.store.records]
    assert "residential moved from azerbaijan to georgia: azerbaijan drained by ann (fibre work)" in sentences
    assert scene.store.snapshot is not None
    assert [each.subject for each in scene.store.snapshot.overrides] == ["azerbaijan"]


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_an_order_of_an_earlier_life_holds_from_the_start() -> None:
    scene = Scene(lambda *_: True)
    scene.store.ordered = (ordered(OrderKind.DRAIN, "azerbaijan"),)
    await scene.run(10)
    assert scene.fleet.roles["edge1-georgia"] == "primary"
    assert scene.fleet.roles["edge1-azerbaijan"] == "drained"


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_while_paused_nothing_reaches_a_router_not_even_what_somebody_changed_by_hand() -> None:
    scene = Scene(dark("azerbaijan", 20.0))
    asyncio.get_running_loop().call_later(
        10, lambda: setattr(scene.store, "ordered", (ordered(OrderKind.PAUSE),))
    )
    await scene.run(60)
    assert not [at for at, _ in scene.fleet.pushes if at > 10.5]
    said = [decision.sentence for decision, _ in scene.store.records]
    assert any(each.startswith("paused by ann (fibre work); would have: residential moved") for each in said)


@pytest.mark.asyncio
@pytest.mark.looptime
async def test_orders_that_cannot_be_read_any_more_stand() -> None:
    scene = Scene(lambda *_: True)
    scene.store.ordered = (ordered(OrderKind.DRAIN, "azerbaijan"),)

    def unreadable(now: float, utc: float) -> tuple[Override, ...]:
        raise StoreError("failover.db: disk I/O error")

    asyncio.get_running_loop().call_later(10, lambda: setattr(scene.store, "overrides", unreadable))
    await scene.run(60)
    assert scene.fleet.roles["edge1-azerbaijan"] == "drained"
    assert scene.log.said("orders cannot be read; those known so far stand")


# --- told ------------------------------------------------------------------------------------------


@pytest.fixture
def failover(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Failover:
    write_starter(tmp_path)

    def call(*words: str) -> tuple[int, str]:
        argv = [
            "failover",
            "--inventory",
            str(tmp_path / "inventory"),
            "--state",
            str(tmp_path / "state"),
            *words,
        ]
        monkeypatch.setattr("sys.argv", argv)
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), " ".join((said.out + said.err).split())

    return call


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ("drain", "iran", "-r", "fibre work", "--owner", "ann"),
            "order 1: iran drained by ann (fibre work), until 2",
        ),
        (("drain", "black-sea", "-r", "x", "--until-taken-back"), "until taken back no loop is running"),
        (("pin", "residential", "iran", "-r", "x", "--for", "2d"), "residential pinned to iran by"),
        (("pause", "-r", "core upgrade"), "order 1: paused by"),
    ],
)
def test_an_order_is_confirmed_in_words(failover: Failover, words: tuple[str, ...], expected: str) -> None:
    code, said = failover(*words)
    assert code == 0
    assert expected in said
    assert "no loop is running: it holds as soon as one starts" in said
    code, said = failover("overrides")
    assert code == 0
    assert "by " in said


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            ("drain", "irran", "-r", "x"),
            "nothing is called irran: there are azerbaijan, georgia, iran, edge1",
        ),
        (("drain", "iran"), "Missing option '--reason'"),
        (("drain", "iran", "-r", "  "), "--reason: say why"),
        (("drain", "iran", "-r", "x", "--for", "5"), "5"),
        (("pin", "business", "iran", "-r", "x"), "no class business: there are residential"),
        (
            ("pin", "residential", "north", "-r", "x"),
            "residential never uses north: its `prefer` has azerbaijan, ",
        ),
        (("undrain", "iran"), "no drain of iran is in force; see `failover overrides`"),
        (("resume",), "no pause is in force"),
    ],
)
def test_an_order_that_cannot_be_is_refused_with_what_to_do(
    failover: Failover, words: tuple[str, ...], expected: str
) -> None:
    code, said = failover(*words)
    assert code in (1, 2)
    assert expected in said
    assert "Traceback" not in said

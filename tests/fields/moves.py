"""Fields that change who carries a class, and when it moves: upstreams, classes, stability, time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from controller.core.model import Verdict
from tests.fields.versions import GONE, Field
from tests.fields.views import (
    AZ,
    FAULT_S,
    GEORGIA,
    by_the_clock,
    carried,
    ill,
    measured,
    role_of,
    told,
    warnings,
)

A, G, IRAN = "azerbaijan", "georgia", "iran"
HOLDING = "example-holding"
NIGHT = {"cron": "0 22 * * *", "lasts": "8h"}
AT_NIGHT = by_the_clock(("2026-03-02T23:00", {}))
CLASS = "classes.NAME"
# A short outage, and the way back ten minutes later; then loss, which is left in a routine move.
FAILED = ill(AZ, 10)


def upstreams() -> Iterator[Field]:
    """What upstreams are, and share."""
    disjoint = {"classes.NAME.backups_disjoint": True}
    alone = {**disjoint, "upstreams.georgia.shared_risk": GONE, "upstreams.azerbaijan.shared_risk": GONE}
    after = carried(60, ill(AZ))
    yield Field("upstreams.NAME.country", "AZ", "GE", after, (G, IRAN), alone)
    yield Field(
        "upstreams.NAME.owner", GONE, HOLDING, after, (G, IRAN), alone | {"upstreams.georgia.owner": HOLDING}
    )
    yield Field("upstreams.NAME.shared_risk", [], ["black-sea"], after, (G, IRAN), disjoint)
    steps = {"roles.backup.med": 100, "roles.backup.each_further.med": 10}
    apart = warnings("upstreams in different ASes never compare MED")
    yield Field("upstreams.NAME.asn", 64501, 64502, apart, (True, False), steps)


def classes() -> Iterator[Field]:
    """What is steered, and who may and should carry it."""
    v6 = ["203.0.113.0/24", "2001:db8:500::/48"]
    yield Field(
        f"{CLASS}.prefixes",
        v6,
        [*v6, "2001:db8:501::/48"],
        told("ipv6 prefix-list", "primary"),
        (_listed("2001:db8:500::/48"), _listed("2001:db8:500::/48", "2001:db8:501::/48")),
    )
    yield Field(f"{CLASS}.prefer", [A, G], [G, A], carried(1), (A, G))
    yield Field(
        f"{CLASS}.share", False, True, carried(1), (A, f"{A} and {IRAN}"), {f"{CLASS}.prefer": [[A, IRAN], G]}
    )
    two = {"windows.night": NIGHT, "windows.evening": {"cron": "0 18 * * *", "lasts": "2h"}}
    iran = {**two, f"{CLASS}.prefer_in[].prefer": [IRAN, A]}
    yield Field(f"{CLASS}.prefer_in[].window", "night", "evening", AT_NIGHT, (IRAN, A), iran)
    night = {**two, f"{CLASS}.prefer_in[].window": "night"}
    yield Field(f"{CLASS}.prefer_in[].prefer", [IRAN, A], [G, A], AT_NIGHT, (IRAN, G), night)
    yield Field(f"{CLASS}.backups_disjoint", False, True, carried(60, ill(AZ)), (G, IRAN))
    yield from _required()
    roles = ("drained", "withdrawn")
    yield Field("when_down", *roles, role_of(AZ, edge1_azerbaijan=Verdict.DOWN), roles)
    yield Field(f"{CLASS}.when_down", GONE, "withdrawn", role_of(AZ, edge1_azerbaijan=Verdict.DOWN), roles)
    yield from _routes()


def _required() -> Iterator[Field]:
    place = f"{CLASS}.require"
    yield Field(f"{place}.loss", "5%", "1%", measured(60, loss_percent=2), (A, G))
    yield Field(f"{place}.rtt", "200ms", "80ms", measured(60, rtt_ms=120), (A, G))
    slow = {f"{place}.rtt": "80ms"}
    yield Field(f"{place}.held", "10min", "60s", measured(60, rtt_ms=120), (A, G), slow)
    yield Field(f"{place}.countries", ["AZ", "GE"], ["GE", "IR"], carried(1), (A, G))
    yield Field(f"{place}.not_countries", [], ["AZ"], carried(1), (A, G))
    owners = {"upstreams.azerbaijan.owner": HOLDING, "upstreams.georgia.owner": "example-carrier"}
    yield Field(f"{place}.owners", [HOLDING], ["example-carrier"], carried(1), (A, G), owners)
    yield Field(f"{place}.not_owners", [], [HOLDING], carried(1), (A, G), owners)


def _routes() -> Iterator[Field]:
    """What leaves by the class's exit, and what it announces besides."""

    def field(name: str, value: object, word: str, lines: tuple[str, ...]) -> Field:
        return Field(f"{CLASS}.{name}", GONE, value, told(word, "primary"), ((), lines))

    yield field(
        "destinations",
        ["192.0.2.0/24"],
        "match ip address prefix-list FO-RESIDENTIAL-",
        ("match ip address prefix-list FO-RESIDENTIAL-DEST",),
    )
    yield field(
        "destination_as",
        [64510],
        "bgp as-path",
        ("bgp as-path access-list FO-RESIDENTIAL-DEST-AS seq 5 permit _64510$",),
    )
    yield field(
        "destination_communities",
        ["64501:70"],
        "bgp community-list",
        ("bgp community-list standard FO-RESIDENTIAL-DEST-COMMUNITY seq 5 permit 64501:70",),
    )
    yield Field(
        f"{CLASS}.more_specifics",
        GONE,
        ["203.0.113.0/25"],
        told("match ip address prefix-list FO-RESIDENTIAL-", "primary"),
        ((), ("match ip address prefix-list FO-RESIDENTIAL-MORE",)),
        {"roles.primary.more_specifics": True},
    )


def stability() -> Iterator[Field]:
    """When a class moves, by everybody's rule and by its own."""
    lossy = (ill(AZ, loss=0.5), ill(GEORGIA, at=FAULT_S + 300, loss=0.5))
    later = (ill(AZ, loss=0.5), ill(GEORGIA, at=FAULT_S + 1200, loss=0.5))
    dead = (ill(AZ), ill(GEORGIA, at=FAULT_S + 300))
    yield Field("stability.changes", "6 per hour", "1 per hour", carried(1300, *later), (IRAN, G))
    yield Field("stability.escapes", "12 per hour", "1 per hour", carried(400, *dead), (IRAN, G))
    for place in ("stability", f"{CLASS}.stability"):
        yield Field(f"{place}.hold_down", "1min", "10min", carried(400, *lossy), (IRAN, G))
        yield from _fail_back(f"{place}.fail_back")
        yield from _block(f"{place}.block")
    waits = {
        "stability.fail_back.clean": "10min",
        "stability.fail_back.doubles_up_to": "20min",
    }
    again = (FAILED, ill(AZ, 10, at=FAULT_S + 7000))
    long = carried(7000 + 900, *again)
    yield Field("stability.fail_back.forgotten_after", "1h", "3h", long, (A, G), waits)


def _fail_back(place: str) -> Iterator[Field]:
    yield Field(f"{place}.clean", "60s", "1h", carried(900, FAILED), (A, G))
    twice = (FAILED, ill(AZ, 10, at=FAULT_S + 60))
    waits = {"stability.fail_back.clean": "10min", "stability.fail_back.forgotten_after": "4h"}
    yield Field(f"{place}.doubles_up_to", "10min", "1h", carried(960, *twice), (A, G), waits)
    yield Field(f"{place}.mode", "auto", "manual", carried(900, FAILED), (A, G))
    noon = by_the_clock(
        ("2026-03-02T12:00", {}),
        ("2026-03-02T12:01", {AZ: Verdict.DOWN}),
        ("2026-03-02T12:02", {AZ: Verdict.UP}),
        ("2026-03-02T14:00", {}),
    )
    yield Field(f"{place}.only_in", GONE, "night", noon, (A, G), {"windows.night": NIGHT})


def _block(place: str) -> Iterator[Field]:
    within = {f"{place}.within": "2h"}
    yield Field(f"{place}.moves", 4, 1, carried(900, FAILED), (A, G), within)
    again = carried(1300, FAILED, ill(AZ, at=FAULT_S + 1250, loss=0.5))
    yield Field(f"{place}.within", "5min", "2h", again, (G, A), {f"{place}.moves": 2})


def time() -> Iterator[Field]:
    """Windows, and what they are for besides ``prefer_in`` and ``only_in``."""
    iran: dict[str, Any] = {f"{CLASS}.prefer_in": [{"window": "night", "prefer": [IRAN, A]}]}

    def field(
        name: str, one: object, other: object, at: str, then: tuple[str, str], **window: object
    ) -> Field:
        given = {**iran, "windows.night": {"lasts": "8h", **window}}
        return Field(f"windows.NAME.{name}", one, other, by_the_clock((at, {})), then, given)

    yield field("cron", "0 22 * * *", "0 10 * * *", "2026-03-02T23:00", (IRAN, A))
    yield field("lasts", "8h", "30min", "2026-03-02T23:00", (IRAN, A), cron="0 22 * * *")
    yield field("timezone", "UTC", "Asia/Yerevan", "2026-03-02T19:00", (A, IRAN), cron="0 22 * * *")
    yield field("starts", "2026-03-02T22:00", "2026-03-01T22:00", "2026-03-02T23:00", (IRAN, A))
    yield field(
        "rrule", "FREQ=DAILY", "FREQ=WEEKLY", "2026-03-03T23:00", (IRAN, A), starts="2026-03-02T22:00"
    )
    work = {"windows.night": NIGHT, "windows.day": {"cron": "0 9 * * *", "lasts": "2h"}}
    drain = {**work, "maintenance[].drain": A}
    yield Field("maintenance[].window", "night", "day", AT_NIGHT, (G, A), drain)
    window = {**work, "maintenance[].window": "night"}
    yield Field("maintenance[].drain", A, "black-sea", AT_NIGHT, (G, IRAN), window)
    lossy = by_the_clock(("2026-03-02T22:59", {}), ("2026-03-02T23:00", {AZ: Verdict.DEGRADED}))
    yield Field("freezes", [], ["night"], lossy, (G, A), {"windows.night": NIGHT})


def _listed(*prefixes: str) -> tuple[str, ...]:
    lines = (f"seq {5 * number} permit {prefix}" for number, prefix in enumerate(prefixes, 1))
    return tuple(sorted(f"ipv6 prefix-list FO-RESIDENTIAL {line}" for line in lines))

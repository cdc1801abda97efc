"""A router's own ping, by NAPALM, from its address on a link."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_interface
from typing import Any

from controller.core.model import Address, Family, Link, Policy, SampleState, family_of
from controller.fleet.connect import DeviceError, translated
from controller.fleet.fleet import NornirFleet
from controller.fleet.platforms import PLATFORMS
from controller.ports import Pinged

# What pings say when nothing could be sent that way: the path's fault, as for probes of our own.
_NO_WAY = re.compile(r"unreachable|no route|cannot assign requested address", re.IGNORECASE)


class RouterPinger:
    """``ports.Pinger``: a warm connection a link, so that no link's pings wait for another's."""

    def __init__(self, fleet: NornirFleet, policy: Policy) -> None:
        self._fleet, self._policy = fleet, policy
        self._sources: dict[str, dict[Family, Address]] = {
            link.name: dict(link.probe_source) for link in policy.links.values()
        }

    async def ping(self, link: str, targets: Sequence[Address], timeout_s: int) -> Sequence[Pinged]:
        """One ping of each target by the link's router. Raises SourceError when it cannot be asked."""
        about = self._policy.links[link]
        platform = PLATFORMS[self._policy.routers[about.router].platform]
        known = self._sources[link]

        def work(driver: Any) -> tuple[Pinged, ...]:
            if known.keys() < about.neighbors.keys():
                known.update(own_addresses(driver, about) | known)
            if not known:
                here = f"{about.router} has no address on {about.interface} in the network of a neighbor"
                raise DeviceError(f"{here}: write the one to ping from as probe_source of {link}")
            return ping(driver, targets, known, timeout_s, platform.pings_at_once)

        return await self._fleet.ask(f"ping {link}", about.router, work)


def own_addresses(driver: Any, link: Link) -> dict[Family, Address]:
    """The router's address on the link for each family that has one: in the network of the neighbor."""
    with translated():
        found = driver.get_interfaces_ip().get(link.interface, {})
    chosen: dict[Family, Address] = {}
    for family, neighbor in link.neighbors.items():
        for address, facts in found.get(family.value, {}).items():
            own = ip_interface(f"{address}/{facts['prefix_length']}")
            if neighbor in own.network and own.ip != neighbor:
                chosen[family] = own.ip
    return chosen


def ping(
    driver: Any, targets: Sequence[Address], sources: Mapping[Family, Address], timeout_s: int, at_once: int
) -> tuple[Pinged, ...]:
    """One ping of each target, ``at_once`` of them at a time; none of a family that has no source."""
    asked = [(target, sources[family_of(target)]) for target in targets if family_of(target) in sources]
    with ThreadPoolExecutor(at_once, "ping") as pool:
        return tuple(pool.map(lambda pair: _one(driver, pair[0], pair[1], timeout_s), asked))


def _one(driver: Any, target: Address, source: Address, timeout_s: int) -> Pinged:
    sent_at = time.monotonic()
    with translated():
        said = driver.ping(str(target), source=str(source), timeout=timeout_s, count=1)
    done = said.get("success")
    if done is None:
        why = " ".join(str(said.get("error")).split())
        state = SampleState.LOST if _NO_WAY.search(why) else SampleState.INVALID
        return Pinged(target, sent_at, state, detail=why)
    if done["packet_loss"] or not done["results"]:
        return Pinged(target, sent_at, SampleState.LOST, detail="no reply")
    return Pinged(target, sent_at, SampleState.OK, rtt_ms=float(done["rtt_avg"]))

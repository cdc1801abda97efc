"""Checked targets to the core's values, each with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import SplitResult

from controller.config.document import Steps
from controller.config.target_file import (
    DNS_PORT,
    TWAMP_PORT,
    DnsTargetSpec,
    HttpTargetSpec,
    TargetsSpec,
)
from controller.core.model import DnsQuery, Endpoint, HttpGet, Target, TcpConnect, TwampTest


def to_targets(spec: TargetsSpec) -> Iterator[tuple[Steps, Target]]:
    """Every target in the order of the schema, and where it stands below ``targets``."""
    for index, pinged in enumerate(spec.icmp):
        yield ("icmp", index), pinged
    for index, (address, port) in enumerate(spec.tcp):
        yield ("tcp", index), Endpoint(address, port or 0, TcpConnect())
    for index, page in enumerate(spec.http):
        yield ("http", index), _http(page)
    for index, query in enumerate(spec.dns):
        yield ("dns", index), _dns(query)
    for index, (address, port) in enumerate(spec.twamp):
        yield ("twamp", index), Endpoint(address, port or TWAMP_PORT, TwampTest())


def _http(spec: HttpTargetSpec) -> Endpoint:
    url, tls = spec.url, spec.url.scheme == "https"
    ask = HttpGet(url.hostname or "", _path(url), tls, spec.status, spec.verify, spec.ca_file)
    return Endpoint(spec.address, url.port or (443 if tls else 80), ask, spec.interval, spec.timeout)


def _path(url: SplitResult) -> str:
    path = url.path or "/"
    return f"{path}?{url.query}" if url.query else path


def _dns(spec: DnsTargetSpec) -> Endpoint:
    address, port = spec.server
    ask = DnsQuery(spec.name, spec.type, tuple(spec.accept))
    return Endpoint(address, port or DNS_PORT, ask, spec.interval, spec.timeout)

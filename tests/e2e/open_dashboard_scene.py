"""A Ray head whose dashboard is open to the world, in a network of its own; the last line printed is JSON.

Started inside a network namespace, so that the world is this process alone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from catalyst_ray.core.feedlist import feeds_toml
from catalyst_ray.demo.process import DemoProcess
from tests.e2e.commands import PROGRAM, run

ADDRESS = "10.9.8.7"
DASHBOARD = f"http://{ADDRESS}:8265"
START_S = 90.0
OPEN = {"RAY_AUTH_MODE": "disabled"}


def connect():
    """Give this network an address that is not loopback; Ray takes it for the machine's own."""
    for words in (
        "link set lo up",
        f"addr add {ADDRESS}/24 dev lo",
        f"route add default dev lo src {ADDRESS}",
    ):
        subprocess.run(["ip", *words.split()], check=True)


@contextmanager
def open_head(folder):
    """Run a head without tokens whose dashboard listens on every address."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("RAY_")}
    command = [
        *(str(PROGRAM.with_name("ray")), "start", "--head", "--block", "--port=6379", "--num-cpus=2"),
        *("--num-gpus=0", "--dashboard-host=0.0.0.0", "--disable-usage-stats", f"--temp-dir={folder}"),
    ]
    with (
        (Path(folder) / "ray.log").open("w") as log,
        subprocess.Popen(command, env=clean | OPEN, stdout=log, stderr=log) as head,
    ):
        try:
            end_s = time.monotonic() + START_S
            while not asked("/api/version"):
                if head.poll() is not None or time.monotonic() > end_s:
                    raise RuntimeError("Ray did not start")
                time.sleep(0.3)
            yield
        finally:
            head.send_signal(signal.SIGTERM)


def asked(path):
    """Return what the dashboard answers to anybody; None while nobody answers."""
    try:
        with urlopen(DASHBOARD + path, timeout=5) as answer:
            return json.load(answer)
    except (URLError, OSError):
        return None


def placed():
    """Return how many actors and tasks the cluster has seen."""
    return [asked(f"/api/v0/{kind}")["data"]["result"]["total"] for kind in ("actors", "tasks")]


def tried(folder, world, *command, **more):
    """Run a command on that cluster."""
    rows = json.loads(urlopen(f"{world.base_url}/_control/feeds", timeout=5).read())
    feeds = folder / "feeds.toml"
    feeds.write_text(feeds_toml([row for row in rows if row["name"] == "demo_meridian"]))
    settings = {"FEEDS_FILE": feeds, "FEEDS_ALLOW_PRIVATE": 1, "SEC_TICKERS_FILE": folder / "tickers.json"}
    (folder / "tickers.json").write_bytes(
        urlopen(f"{world.base_url}/files/company_tickers.json", timeout=5).read()
    )
    return run(
        folder,
        *command,
        "--json",
        LLM_ENGINE="off",
        RAY_ADDRESS=f"{ADDRESS}:6379",
        **settings,
        **OPEN,
        **more,
    )


def main(folder):
    """Try to start on it, and again with leave to; return what was said and done."""
    connect()
    found = {}
    with (
        tempfile.TemporaryDirectory(prefix="r", dir="/tmp", ignore_cleanup_errors=True) as short,
        open_head(short),
        DemoProcess(options=("--release=1", "--slow-s=0")) as world,
    ):
        refused = tried(folder, world, "run", "--once")
        found["refused"] = [refused.code, refused.err]
        found["placed"] = placed()
        allowed = tried(folder, world, "run", "--once", ALLOW_OPEN_DASHBOARD=1)
        found["allowed"] = [allowed.code, allowed.err]
        found["cycles"] = len(allowed.cycles)
        examined = json.loads(tried(folder, world, "doctor").out)
        found["doctor"] = {one["name"]: [one["status"], one["words"]] for one in examined}
    return found


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))

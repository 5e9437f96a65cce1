"""The shipped commands as a user meets them: help, wrong input, exit codes, and a clean stop."""

from __future__ import annotations

import json
import os
import pty
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.request import urlopen

import pytest

from catalyst_ray.demo.process import DemoProcess
from tests.adapters.notify_socket import heard, notify_socket
from tests.e2e.commands import PROGRAM, environment, run, run_on_terminal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

QUICK = {"LLM_ENGINE": "off"}
START = ("starting Ray on this machine", "Ray is up", "no language model", "ready")
HIDE = """
from importlib.machinery import PathFinder
real = PathFinder.find_spec
def find_spec(name, path=None, target=None):
    return None if name.split(".")[0] == "{module}" else real(name, path, target)
PathFinder.find_spec = find_spec
"""
"""Makes Python start as if a module were not installed."""


@contextmanager
def listening(answer: bytes) -> Iterator[str]:
    """Serve one fixed HTTP answer to every request; yields the address."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    class Fixed(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Fixed)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/feed"
    server.shutdown()
    server.server_close()


def feed_file(folder: Path, *urls: str) -> Path:
    """Write a feed list of these addresses."""
    path = folder / "feeds.toml"
    tables = [f'[[feed]]\nname = "f{n}"\nurl = "{url}"\nallow_private = true\n' for n, url in enumerate(urls)]
    path.write_text("\n".join(tables))
    return path


@pytest.mark.parametrize("command", ["demo", "run", "web", "doctor", "explain", "settings"])
def test_every_command_explains_itself(command: str, tmp_path: Path) -> None:
    """Each command's help says what it does and offers --json."""
    done = run(tmp_path, command, "--help")
    assert done.code == 0
    assert "--json" in done.out
    assert len(done.out.splitlines()) > 8


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"LLM_TIMEOUT_SEC": "5"}, "LLM_TIMEOUT_SEC: unknown setting; did you mean LLM_TIMEOUT_SECS?"),
        ({"SLEEP_SECONDS": "soon"}, "SLEEP_SECONDS: input should be a valid number"),
        ({"DISCORD_WEBHOOK_URL": "https://x/s3cr3t"}, "DISCORD_WEBHOOK_URL: must look like"),
        ({"FEEDS_FILE": "gone.toml"}, "FEEDS_FILE: there is no file gone.toml"),
        ({"OUT_DIR": "/proc/nowhere"}, "OUT_DIR: cannot make /proc/nowhere"),
        ({"QUICKCHART_IMAGE_DIR": "/proc/nowhere"}, "QUICKCHART_IMAGE_DIR: cannot write to /proc/nowhere"),
        ({"DATABASE_URL": "mysql://u:s3cr3t@x/y"}, "mysql"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_wrong_settings_end_in_one_line(settings: dict[str, str], words: str, tmp_path: Path) -> None:
    """A wrong setting ends with code 2 and a line that names it; no traceback, no secret."""
    done = run(tmp_path, "run", "--once", **{**QUICK, **settings})
    assert done.code == 2, done.err
    errors = [line for line in done.err.splitlines() if line.startswith("error:")]
    assert len(errors) == 1
    assert words in errors[0]
    assert "Traceback" not in done.err
    assert "s3cr3t" not in done.err


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_port_of_the_page_in_use(tmp_path: Path) -> None:
    """A page that cannot listen ends the start, before Ray, with the variable and the mend."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        done = run(tmp_path, "run", "--once", WEB_PORT=other.getsockname()[1], **QUICK)
    assert done.code == 2
    assert "error: WEB_PORT: port" in done.err
    assert "is in use" in done.err
    assert "Ray" not in done.err


def test_unreachable_cluster(tmp_path: Path) -> None:
    """A Ray address where nobody listens ends at once with the variable and the mend; a supervisor may try again."""
    port = free_port()
    done = run(tmp_path, "run", "--once", RAY_ADDRESS=f"127.0.0.1:{port}", **QUICK)
    assert done.code == 1
    assert "RAY_ADDRESS: nobody answers" in done.err
    assert "ray start --head" in done.err


@pytest.mark.parametrize(
    ("module", "settings", "extra"),
    [
        ("yfinance", {"PRICE_SOURCE": "yfinance"}, "catalyst-ray[market]"),
        ("psycopg", {"DATABASE_URL": "postgresql+psycopg://u:p@127.0.0.1:1/x"}, "catalyst-ray[postgres]"),
        ("xllamacpp", {"LLM_ENGINE": "embedded"}, "catalyst-ray[embedded]"),
    ],
)
def test_missing_extra(module: str, settings: dict[str, str], extra: str, tmp_path: Path) -> None:
    """An extra that is asked for and not installed is named at the start, with the line that installs it."""
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "sitecustomize.py").write_text(HIDE.format(module=module))
    done = run(tmp_path, "run", "--once", PYTHONPATH=tmp_path / "hide", **{**QUICK, **settings})
    assert done.code == 2, done.err
    assert extra in done.err
    assert "Traceback" not in done.err


def test_bad_feed_and_dead_webhook_cost_only_themselves(tmp_path: Path) -> None:
    """A page that is no feed, a closed port and a webhook that is gone are each named; the good feed is taken."""
    options = ("--slow-s=0", "--release=1", "--batches=1", "--items=100", "--feeds=10")
    with DemoProcess(options=options) as world, listening(b"<html><body>Sign in</body></html>") as page:
        rows = json.loads(urlopen(f"{world.base_url}/_control/feeds", timeout=5).read())
        good = next(row["url"] for row in rows if row["name"] == "demo_meridian")
        feeds = feed_file(tmp_path, good, page, "http://127.0.0.1:1/closed")
        webhook = f"{world.base_url}/api/webhooks/404/nobody"
        done = run(
            tmp_path, "run", "--once", "--feeds", feeds, "--json", DISCORD_WEBHOOK_URL=webhook, **QUICK
        )
    (report,) = done.cycles
    status = {feed["feed"]: feed["status"] for feed in report["feeds"]}
    assert done.code == 3
    assert status == {"f0": "ok", "f1": "failed", "f2": "failed"}
    assert report["counts"]["alert"] > 0
    # What a dead webhook would have got waits for a new one.
    waiting = {name: report["deliveries"][name] for name in ("file/sent", "discord/pending")}
    assert set(waiting.values()) == {report["counts"]["alert"]}
    assert any("f1" in p and "web page" in p for p in report["problems"])
    assert any("discord" in p and "webhook" in p for p in report["problems"])


def test_ctrl_c_stops_within_seconds(tmp_path: Path) -> None:
    """A stop ends the loop cleanly and soon, whoever looks at the page; with --json even a terminal gets lines of JSON.

    Systemd hears that it is ready, what the cycle did, that it lives, and that it stops.
    """
    ours, its = pty.openpty()
    port = free_port()
    with (
        DemoProcess(options=("--release=1",)) as world,
        os.fdopen(ours) as shown,
        notify_socket(str(tmp_path / "notify")) as ear,
    ):
        feeds = feed_file(tmp_path, f"{world.base_url}/nothing")
        child = subprocess.Popen(
            [str(PROGRAM), "run", "--feeds", str(feeds), "--json"],
            cwd=tmp_path,
            env={
                **environment(tmp_path, SLEEP_SECONDS=60, WEB_PORT=port, **QUICK),
                "NOTIFY_SOCKET": str(tmp_path / "notify"),
                "WATCHDOG_USEC": "60000000",
            },
            stdout=its,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(its)
        assert json.loads(shown.readline())["type"] == "cycle"
        with (
            urlopen(f"http://127.0.0.1:{port}/healthz", timeout=10) as answer,
            urlopen(f"http://127.0.0.1:{port}/events", timeout=10) as events,
        ):
            assert json.loads(answer.read())["cycle"] == 1
            assert events.readline() == b"retry: 2000\n"
            started = time.monotonic()
            child.send_signal(signal.SIGINT)
            _, logged = child.communicate(timeout=30)
        told = heard(ear)
    assert child.returncode == 0
    told = [message for message in told if message != b"WATCHDOG=1"] + [b"WATCHDOG=1"] * (
        b"WATCHDOG=1" in told
    )
    words = (b"READY=1\nSTATUS=", b"STATUS=cycle 1 took ", b"STOPPING=1\nSTATUS=", b"WATCHDOG=1")
    assert [word in message for message, word in zip(told, words, strict=True)] == [True] * 4
    assert time.monotonic() - started < 15
    assert [json.loads(line)["message"] for line in logged.splitlines()][-1] == "stopping"


def test_a_person_sees_cards_and_a_table(tmp_path: Path) -> None:
    """On a terminal the start is told, an alert is a card, a cycle a table: no JSON, no line too long.

    What became of an item can be asked after that by words of its headline.
    """
    with DemoProcess(options=("--release=1", "--slow-s=0")) as world:
        rows = json.loads(urlopen(f"{world.base_url}/_control/feeds", timeout=5).read())
        good = next(row["url"] for row in rows if row["name"] == "demo_meridian")
        feeds = feed_file(tmp_path, good)
        done = run_on_terminal(tmp_path, "run", "--once", "--feeds", feeds, **QUICK)
    assert done.code == 0, done.out
    lines = done.out.splitlines()
    started = [line.split("  ")[1] for line in lines if line[2:3] == ":"]
    assert [words for words in started if words in START] == list(START)
    (line, *_) = (tmp_path / "out" / "alerts.ndjson").read_text().splitlines()
    alert = json.loads(line)
    (at,) = [n for n, line in enumerate(lines) if line.startswith("╭") and f" {alert['ticker']} " in line]
    assert lines[at + 1].startswith(f"│ {alert['headline'][:40]}")
    assert any(line.startswith("Cycle 1  ") for line in lines)
    assert not [line for line in lines if line.startswith("{") or "Token authentication" in line]
    assert max(len(line) for line in lines if line[2:3] != ":") <= 80

    found = json.loads(run(tmp_path, "explain", alert["headline"][:40], "--json").out)
    assert found[0]["decision"]["action"] == "alert"
    assert {d["sink"]: d["state"] for d in found[0]["deliveries"]} == {"console": "sent", "file": "sent"}
    assert alert["headline"] in run(tmp_path, "explain", alert["id"]).out
    nothing = run(tmp_path, "explain", "no such words anywhere")
    assert (nothing.code, "nothing found" in nothing.err) == (1, True)


def test_settings_are_shown(tmp_path: Path) -> None:
    """Values in force are shown: as JSON, one a line where a program reads, and within a terminal's width."""
    shown = json.loads(run(tmp_path, "settings", "--json", SLEEP_SECONDS=5).out)
    assert shown["SLEEP_SECONDS"] == "5"
    (line,) = [x for x in run(tmp_path, "settings").out.splitlines() if x.startswith("LLM_ENGINE ")]
    assert line.split()[1] == "auto"
    assert line.rstrip().endswith("else off.")
    wide = run_on_terminal(tmp_path, "settings", columns=100).out.splitlines()
    assert max(map(len, wide)) <= 100


def test_settings_are_written_only_in_the_repository(tmp_path: Path) -> None:
    """``--write`` elsewhere ends in one line that says where it belongs."""
    done = run(tmp_path, "settings", "--write")
    assert (done.code, "Traceback" in done.err) == (1, False)
    assert "repository" in done.err

"""Log lines: what a person and a program get, and what neither may see."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from catalyst_ray.cli.logs import LogLines, Masked, json_line, plain_line, secrets_of, set_up_logs
from catalyst_ray.settings import Settings

SECRET = "t0p-s3cr3t-token"
HOOK = f"https://discord.com/api/webhooks/12/{SECRET}"


def record(message: str = "posted", *, level: int = logging.INFO, exc_info=None, **extra):
    """Return a log record with extras."""
    made = logging.LogRecord("catalyst_ray.x", level, "x.py", 1, message, (), exc_info)
    vars(made).update(extra)
    return made


def failed(words: str):
    """Return what ``sys.exc_info`` holds after an error with these words."""
    try:
        int(words)
    except ValueError:
        return sys.exc_info()


@pytest.mark.parametrize("render", [json_line, plain_line])
@pytest.mark.parametrize(
    "leak",
    [
        record(f"could not post to {HOOK}"),
        record(error=f"refused: {SECRET}"),
        record(exc_info=failed(f"no answer from {HOOK}")),
    ],
    ids=["message", "extra", "traceback"],
)
def test_a_secret_is_blotted_out_wherever_it_stands(render, leak) -> None:
    """Message, extras and traceback are masked, whole address or token alone."""
    line = Masked(render, [HOOK, SECRET]).format(leak)
    assert SECRET not in line
    assert "***" in line


def test_a_secret_that_json_escapes_is_blotted_out_too() -> None:
    """A quote or backslash in a password changes its form in JSON, and it is masked all the same."""
    line = Masked(json_line, ['pass"word\\1']).format(record('store at pass"word\\1'))
    assert json.loads(line)["message"] == "store at ***"


def test_short_secrets_are_left_alone() -> None:
    """A token of a few letters would blot out ordinary words."""
    assert "posted" in Masked(plain_line, ["post", ""]).format(record())


def test_the_secrets_of_the_settings() -> None:
    """Tokens and passwords count by themselves, not only within their address."""
    settings = Settings(
        discord_webhook_url=HOOK + "?thread_id=5",
        finnhub_token="invented-key",
        database_url="postgresql+psycopg://me:p%40ssw0rd%21@db/x",
        alpaca_api_key_id="invented-id",
        alpaca_api_secret_key="invented-secret",
    )
    assert {"invented-id", "invented-secret"} <= set(secrets_of(settings))
    assert {SECRET, "invented-key", "p%40ssw0rd%21", "p@ssw0rd!"} <= set(secrets_of(settings))
    assert [s for s in secrets_of(Settings()) if s] == []


def test_the_secrets_within_addresses_of_sinks() -> None:
    """A token in a path, a user's or a host's place or a query counts by itself; words that every address has do not."""
    settings = Settings(
        slack_webhook_url="https://hooks.slack.com/services/T0AAAAAA/B0BBBBBB/x1y2z3w4v5u6",
        webhook_url="https://me:passw0rd-of-mine@in.example.org/hook?key=K3y-in-the-query",
        webhook_secret="whsec_" + "QUJD" * 8,
        apprise_urls="tgram://123456789T0ken/77, mailto://me:app-word-1@example.org, pover://us3r-of-mine@t0ken-of-app",
    )
    told = {"x1y2z3w4v5u6", "passw0rd-of-mine", "K3y-in-the-query", "123456789T0ken", "app-word-1"}
    told |= {"us3r-of-mine", "t0ken-of-app"}
    assert told <= set(secrets_of(settings))
    assert not {"services", "hooks.slack.com", "example.org", "hook"} & set(secrets_of(settings))


def test_a_json_line_has_the_facts() -> None:
    """A program gets time, level, logger, message and extras; other libraries' marks are dropped."""
    line = json.loads(json_line(record(feed="a", seconds=1.5, _ray_timestamp_ns=1)))
    assert line.pop("time").endswith("+00:00")
    assert line == {
        "level": "INFO", "logger": "catalyst_ray.x", "message": "posted", "feed": "a", "seconds": 1.5,
    }  # fmt: skip


def test_a_plain_line_is_one_line() -> None:
    """A stranger's words can neither break the line nor move a terminal's cursor."""
    line = plain_line(record("feed failed", level=logging.WARNING, error="a\nb\x1b[2J", gpus=2.0))
    assert "\n" not in line
    assert line.endswith("feed failed  (error=a b [2J  gpus=2)")
    assert "warning: " in line


def test_a_traceback_follows_its_plain_line() -> None:
    """The words of an unexpected error are not lost, even where the message speaks of a traceback."""
    first, *rest = plain_line(record("traceback below", exc_info=failed("boom"))).splitlines()
    assert first.endswith("traceback below")
    assert rest[-1].startswith("ValueError:")
    assert "boom" in rest[-1]


def test_other_libraries_are_heard_from_warning_on(loggers, capsys) -> None:
    """Ours from the level asked for, others' warnings in the same form, Ray's word on its tokens not at all."""
    logging.getLogger("ray").addHandler(logging.StreamHandler(sys.stderr))  # as Ray does when it is imported
    set_up_logs("INFO", secrets=[])
    logging.getLogger("catalyst_ray.x").debug("too fine")
    logging.getLogger("catalyst_ray.x").info("ours")
    logging.getLogger("aiohttp").info("chatter")
    logging.getLogger("ray.worker").warning("from Ray")
    logging.getLogger("ray._private.authentication.authentication_token_setup").warning("tokens are on")
    lines = [json.loads(line)["message"] for line in capsys.readouterr().err.splitlines()]
    assert lines == ["ours", "from Ray"]


def test_what_a_library_prints_becomes_log_lines(caplog: pytest.LogCaptureFixture) -> None:
    """Whole lines, without colours, and never on the program's own output."""
    stream = LogLines(logging.getLogger("catalyst_ray.test"))
    print("\x1b[33m(raylet)\x1b[0m a worker", "died", file=stream)
    print("half a", end="", file=stream)
    assert [record.__dict__["text"] for record in caplog.records] == ["(raylet) a worker died"]
    print(" line", file=stream)
    assert caplog.records[-1].__dict__["text"] == "half a line"


def test_the_log_of_a_node_that_failed_is_for_who_asks_for_it(caplog):
    """Ray prints its last twenty lines: that the node failed, and its errors, are warnings, the rest is detail."""
    stream = LogLines(logging.getLogger("catalyst_ray.test"))
    with caplog.at_level(logging.DEBUG):
        print("(raylet) Raylet is terminated.", file=stream)
        print("[2026-11-26 13:41:57,723 I 18 18] (raylet) worker_pool.cc:564: Started", file=stream)
        print("[state-dump] DebugString() time ms: 0", file=stream)
        print("[2026-11-26 13:41:57,723 C 18 18] (raylet) file.cc:1: Check failed", file=stream)
    assert [record.levelname for record in caplog.records] == ["WARNING", "DEBUG", "DEBUG", "WARNING"]

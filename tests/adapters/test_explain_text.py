"""What ``catalyst-ray explain`` says on a terminal and to programs, from a real store."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from click import unstyle
from click.testing import CliRunner

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.cli import explain_text
from catalyst_ray.cli.explain import command
from catalyst_ray.core.reasons import Code
from catalyst_ray.models import Action, Decision, ItemRecord, Reason
from tests.adapters.store_world import MINUTE, NOW, alert_on, news

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from catalyst_ray.models import Item

PARTS = (
    Reason(Code.EVENT, "Partnership", 0.25),
    Reason(Code.FRESHNESS, "2 h", 0.84),
    Reason(Code.SOURCE, "Harbour Newswire", 1.0),
)
STOPPED = {
    Reason(Code.WEAK, "below ALERT_THRESHOLD 0.35", 0.21): (
        "why       too weak: value +0.21 is below ALERT_THRESHOLD 0.35"
    ),
    Reason(Code.STALE, "9 h old, over 6 h (NEWS_MAX_AGE_SECONDS)", 32_400.0): (
        "why       too old: 9 h old, over 6 h (NEWS_MAX_AGE_SECONDS)"
    ),
    Reason(Code.NO_TICKER): "why       no US-listed company found",
    Reason(Code.NOT_ENGLISH, "fr"): "why       not in English: fr",
    Reason(Code.NEAR_DUPLICATE, "url:1"): "why       another alert tells the story: url:1",
    Reason(Code.SESSION_EXCLUDED, "closed, and ALERT_SESSIONS has pre"): (
        "why       not at this time of day: closed, and ALERT_SESSIONS has pre"
    ),
    Reason(Code.PRICE_ABOVE, "PRICE_CEILING 50", 812.1): (
        "why       price too high: $812.10 is above PRICE_CEILING 50"
    ),
    Reason("law_firm_ad", "class action deadline", 0.0): (
        "why       no catalyst, law firm ad: class action deadline"
    ),
}


def record(decision: Decision | None, **item: Any) -> ItemRecord:
    """Return an item's record."""
    return ItemRecord(item=news("a", **item), decision=decision, claimed_utc=NOW)


def shown(one: ItemRecord) -> list[str]:
    """Return the lines of a record without their colours."""
    return [unstyle(line) for line in explain_text.record_lines(one)]


@pytest.mark.parametrize(("reason", "words"), STOPPED.items(), ids=lambda value: getattr(value, "code", ""))
def test_the_rule_that_stopped_an_item_is_said_in_words(reason: Reason, words: str) -> None:
    """What was measured and what it would have had to be stand in one line, the first of the reasons."""
    lines = shown(record(Decision(action=Action.SUPPRESS, reasons=(reason,))))
    assert [line for line in lines if "why" in line] == [words]


def test_the_score_is_shown_as_arithmetic() -> None:
    """The parts that the decision keeps are one line; without parts (a duplicate) there is none."""
    reasons = (
        Reason(Code.WEAK, "below ALERT_THRESHOLD 0.35", 0.21),
        Reason(Code.LLM_OFF),
        Reason("partnership", "x", 0.25),
    )
    decision = Decision(action=Action.SUPPRESS, reasons=reasons, parts=PARTS)
    assert shown(record(decision))[-4:] == [
        "why       too weak: value +0.21 is below ALERT_THRESHOLD 0.35",
        "score     Partnership +0.25 × fresh 0.84 × source 1.00 = +0.21",
        "also      LLM off",
        "          partnership: x (+0.25)",
    ]
    bare = replace(decision, parts=())
    assert not [line for line in shown(record(bare)) if line.startswith("score")]


def test_an_undecided_item_says_what_comes() -> None:
    """An item between claim and decision is told from one that was dropped."""
    lines = shown(record(None))
    assert lines[0].startswith("UNDECIDED ")
    assert lines[-1].startswith("why       not decided yet")


def test_lines_are_broken_for_a_terminal_of_80_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    """Words go on under each other; an address stays whole, so that it can be clicked."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((80, 24)))
    url = "https://wire.example.com/" + "long-" * 20
    decision = Decision(action=Action.DROP, reasons=(Reason(Code.FAILED, "words " * 30),), parts=PARTS)
    lines = shown(record(decision, title="Title " * 20, url=url))
    assert all(len(line) <= 80 for line in lines if url not in line)
    assert f"          {url}" in lines
    assert len([line for line in lines if line.startswith("why")]) == 1


def test_text_from_outside_cannot_command_the_terminal() -> None:
    """Control characters of a headline or an address are not printed."""
    hostile = record(
        Decision(action=Action.DROP, reasons=(Reason(Code.FAILED, "\x1b]0;x\x07"),)), title="a\x1b[2Jb"
    )
    for line in explain_text.record_lines(hostile):
        assert "\x1b[2J" not in line
        assert "\x07" not in line


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Give a caller of the command on a store with five decided items and one of three days ago."""
    url = f"sqlite:///{tmp_path / 'store.db'}"
    env_file = tmp_path / ".env"
    env_file.write_text(f"DATABASE_URL={url}\n")
    now = datetime.now(UTC)
    with SqlStore.open(url) as store:
        store.claim([news(name) for name in "abcdefg"], now_utc=now)
        store.commit_alert(alert_on(news("a")), ["wall"], now_utc=now)
        weak = Decision(action=Action.SUPPRESS, reasons=(Reason(Code.WEAK, "", 0.1), Reason(Code.LLM_OFF)))
        ad = Decision(action=Action.SUPPRESS, reasons=(Reason("law_firm_ad"),))
        none = Decision(action=Action.DROP, reasons=(Reason(Code.NO_TICKER),))
        store.decide(
            [(news("b"), weak), (news("c"), weak), (news("d"), ad), (news("e"), none)], now_utc=now - MINUTE
        )
        store.decide([(news("f"), none)], now_utc=now - timedelta(days=3))
        yield lambda *words: CliRunner().invoke(command, [*words, "--env-file", str(env_file)])


def test_statistics_count_by_the_reason_that_decided(asked: Callable[..., Any]) -> None:
    """Each action with its share, its rules in words with their codes; undecided and older items are not counted."""
    done = asked("--stats")
    assert done.exit_code == 0, done.output
    first, *lines = done.output.splitlines()
    assert first.startswith("5 items decided since 20")
    assert lines == [
        "",
        "ALERT           1  20 %",
        "                1  strong enough (strong)",
        "",
        "SUPPRESS        3  60 %",
        "                2  too weak (weak)",
        "                1  no catalyst, law firm ad (law_firm_ad)",
        "",
        "DROP            1  20 %",
        "                1  no US-listed company found (no_ticker)",
    ]


def test_statistics_for_programs(asked: Callable[..., Any]) -> None:
    """JSON has the codes, the most frequent first, and reaches back as far as it is asked."""
    answer = json.loads(asked("--stats", "--since", "7d", "--json").output)
    assert answer["items"] == 6
    assert answer["reasons"][:2] == [
        {"action": "drop", "reason": "no_ticker", "items": 2},
        {"action": "suppress", "reason": "weak", "items": 2},
    ]
    assert datetime.fromisoformat(answer["since_utc"]) < datetime.now(UTC) - timedelta(days=6)


def test_no_decision_in_the_time_is_a_count_of_none(asked: Callable[..., Any]) -> None:
    """An empty time is told as such."""
    done = asked("--stats", "--since", "0m")
    assert (done.exit_code, done.output.startswith("0 items decided since")) == (0, True)


@pytest.mark.parametrize("words", [(), ("QLLN", "--stats"), ("--stats", "--since", "soon")])
def test_what_is_asked_wrongly_is_refused(asked: Callable[..., Any], words: tuple[str, ...]) -> None:
    """Neither item nor statistics, both, or no time span: usage, not a guess."""
    assert asked(*words).exit_code == 2


def test_the_decision_keeps_the_parts(asked: Callable[..., Any], tmp_path: Path) -> None:
    """What the store gives back has the parts of the score, for ``explain --json`` too."""
    item: Item = news("g")
    with SqlStore.open(f"sqlite:///{tmp_path / 'store.db'}") as store:
        weak = Decision(action=Action.SUPPRESS, reasons=(Reason(Code.WEAK),), parts=PARTS)
        store.decide([(item, weak)], now_utc=NOW)
    (found,) = json.loads(asked(item.key, "--json").output)
    assert [part["code"] for part in found["decision"]["parts"]] == ["event", "freshness", "source"]

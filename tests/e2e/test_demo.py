"""The shipped demo, once, from the outside: what it prints, what it leaves, and whether that is the truth."""

from __future__ import annotations

import json
import signal
import subprocess
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import urlopen

import pytest
from PIL import Image

from catalyst_ray.cli.demo import MARK
from catalyst_ray.demo.items import Expected
from catalyst_ray.demo.world import BATCHES, World
from tests.e2e.commands import PROGRAM, Done, environment, run

if TYPE_CHECKING:
    from pathlib import Path

SEED = 11
OUTCOMES = ("alert", "hold", "suppress", "drop", "failed")


@dataclass(frozen=True)
class Demo:
    """A finished demo: how it ended, its folder, and the world it showed."""

    done: Done
    out: Path
    world: World
    page: str

    def truth(self, alert: dict[str, Any]):
        """Return what is true of the item that an alert is about."""
        by_path = {item.path: item.truth for item in self.world.items}
        by_accession = {item.filing.accession: item.truth for item in self.world.items if item.filing}
        found = by_accession.get(alert["accession"]) or by_path.get(urlsplit(alert["url"]).path)
        assert found is not None, alert["url"]
        return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    """Run the demo into a folder that an earlier demo left behind."""
    folder = tmp_path_factory.mktemp("demo")
    out = folder / "shown"
    (out / "charts").mkdir(parents=True)
    (out / MARK).touch()
    (out / "charts" / "old.png").write_bytes(b"left behind")
    (out / "catalyst.db").write_bytes(b"left behind")
    start_utc = datetime.now(UTC)
    arguments = ["demo", "--json", "--web", "--seed", str(SEED), "--out", str(out)]
    done, page = _run_until_page(folder, *arguments)
    return Demo(done, out, World(SEED, start_utc), page)


def _run_until_page(folder: Path, *arguments: str) -> tuple[Done, str]:
    """Run a command until it serves a page, read that, and stop it as Ctrl-C does; return how it ended, and the page."""
    said: list[str] = []
    logged = folder / "log"
    with (
        logged.open("w") as log,
        subprocess.Popen(
            [str(PROGRAM), *arguments],
            cwd=folder,
            env=environment(folder),
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        ) as child,
    ):
        assert child.stdout
        page = ""
        for line in child.stdout:
            told = json.loads(line)
            if told["type"] == "page":
                with urlopen(told["url"], timeout=10) as answer:
                    page = answer.read().decode()
                child.send_signal(signal.SIGINT)
            else:
                said.append(line)
    return Done(child.returncode, "".join(said), logged.read_text()), page


def test_the_page_shows_what_was_found(demo: Demo) -> None:
    """With --web the finished demo is served until Ctrl-C: its newest alerts, and no complaint that no driver runs."""
    newest = sorted(demo.done.alerts, key=lambda alert: alert["created_utc"])[-20:]
    assert all(f'data-key="{alert["id"]}"' in demo.page for alert in newest)
    assert "more than 3 periods" not in demo.page


def test_it_ends_well_and_prints_only_json_lines(demo: Demo) -> None:
    """Standard output is cycle reports and alerts, a JSON object a line, and standard error is JSON log lines."""
    assert demo.done.code == 0, demo.done.err
    kinds = Counter(json.loads(line)["type"] for line in demo.done.out.splitlines())
    assert kinds == {"cycle": BATCHES, "alert": len(demo.done.alerts) + demo.done.updates}
    logged = [json.loads(line) for line in demo.done.err.splitlines()]
    assert {"Ray is up", "ready", "demo done"} <= {entry["message"] for entry in logged}
    assert not [key for entry in logged for key in entry if key.startswith("_")]


def test_each_story_has_one_alert_and_nothing_else_has(demo: Demo) -> None:
    """Every catalyst of the invented day is alerted once, in its batch, for its company and in its direction."""
    alerted = Counter(demo.truth(alert).story for alert in demo.done.alerts)
    stories = {story for batch in range(1, BATCHES + 1) for story in demo.world.stories(batch)}
    assert alerted == dict.fromkeys(stories, 1)
    for alert in demo.done.alerts:
        truth = demo.truth(alert)
        assert truth.action is Expected.ALERT
        assert (alert["ticker"], alert["direction"]) == (
            truth.ticker,
            "bullish" if truth.sign > 0 else "bearish",
        )


def test_the_counts_add_up(demo: Demo) -> None:
    """In each cycle every new item has exactly one outcome, and alerts of all cycles are those printed."""
    for cycle in demo.done.cycles:
        counts = cycle["counts"]
        taken = counts["new"] + counts["recovered"] + counts["extended"]
        assert taken == sum(counts[name] for name in OUTCOMES)
        assert (counts["failed"], counts["items"]) == (0, counts["new"] + counts["seen"])
    total = sum(cycle["counts"]["alert"] + cycle["counts"]["released"] for cycle in demo.done.cycles)
    assert total == len(demo.done.alerts)
    assert json.loads((demo.out / "report.json").read_text())["cycles"] == demo.done.cycles


def test_the_broken_feed_is_named_and_costs_nothing_else(demo: Demo) -> None:
    """One feed fails in the first cycle and waits after that; all others answer each time."""
    troubles = [
        {
            feed["feed"]: feed["status"]
            for feed in cycle["feeds"]
            if feed["status"] not in {"ok", "not_modified"}
        }
        for cycle in demo.done.cycles
    ]
    assert troubles == [{"demo_broken": "failed"}, {"demo_broken": "waiting"}, {"demo_broken": "waiting"}]
    (problem,) = demo.done.cycles[0]["problems"]
    assert "demo_broken: web page" in problem


def test_the_model_is_named_and_has_no_weight(demo: Demo) -> None:
    """Cards say that a scripted model spoke and that its verdict does not count."""
    judged = [alert for alert in demo.done.alerts if alert["llm"]]
    assert len(judged) > len(demo.done.alerts) / 2
    for alert in judged:
        assert not alert["llm"]["has_weight"]
        assert "demo-scripted" in alert["tier"]
        assert "no weight" in alert["tier"]


def test_what_discord_received(demo: Demo) -> None:
    """Discord got one message an alert, and each with a chart and a gauge that are whole pictures."""
    messages = json.loads((demo.out / "discord" / "messages.json").read_text())
    assert len(messages) == len(demo.done.alerts)
    assert {message["payload"]["content"].split("**")[1] for message in messages} == {
        alert["ticker"] for alert in demo.done.alerts
    }
    for message in messages:
        assert set(message["files"]) == {"chart.png", "gauge.png"}
    for path in (*(demo.out / "discord").glob("*.png"), *(demo.out / "charts").glob("*.png")):
        with Image.open(path) as picture:
            assert picture.format == "PNG"
            picture.verify()


def test_the_folder_is_new(demo: Demo) -> None:
    """What an earlier demo left is gone, and each alert has its own chart file."""
    charts = {str(path) for path in (demo.out / "charts").glob("*.png")}
    assert {alert["chart"] for alert in demo.done.alerts} <= charts
    assert str(demo.out / "charts" / "old.png") not in charts
    assert len({alert["chart"] for alert in demo.done.alerts}) == len(demo.done.alerts)


def test_late_verdicts_edit_their_messages(demo: Demo) -> None:
    """Some answers come late on purpose: those messages went out before, were edited, and name the model now."""
    messages = json.loads((demo.out / "discord" / "messages.json").read_text())
    edited = [message for message in messages if message["edits"]]
    assert edited
    assert all("demo-scripted" in json.dumps(message["payload"]) for message in edited)
    assert all("LLM" in json.dumps(message["payload"]) for message in edited)
    revised = {alert["id"] for alert in demo.done.alerts if alert["revision"]}
    assert len(edited) <= len(revised)
    assert all(f"alert {alert_id}" in json.dumps(messages) for alert_id in revised)


def test_copies_corrections_and_retractions_stand_on_their_alerts(demo: Demo) -> None:
    """Other sources are named, what was mended or taken back says so, and none of it made a message of its own."""
    assert any(alert["also"] for alert in demo.done.alerts)
    notices = {notice["code"] for alert in demo.done.alerts for notice in alert["notices"]}
    assert notices == {"corrected", "retracted"}
    for alert in demo.done.alerts:
        if any(notice["code"] == "retracted" for notice in alert["notices"]):
            assert alert["withdrawn"]


class Page(HTMLParser):
    """Collects a page's tags, attributes and text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs) -> None:
        """Keep a tag."""
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data) -> None:
        """Keep a text."""
        self.words += f" {data}"


def test_the_page_shows_the_alerts_and_runs_nothing(demo: Demo) -> None:
    """index.html has every headline as text, and neither a script nor an attribute that runs one."""
    page = Page((demo.out / "index.html").read_text())
    words = " ".join(page.words.split())
    assert [alert["headline"] for alert in demo.done.alerts if alert["headline"] not in words] == []
    assert "script" not in page.tags
    assert not [name for name in page.attributes if name.startswith("on")]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """A folder with other files is refused before anything starts, and keeps them."""
    (tmp_path / "thesis.txt").write_text("mine")
    done = run(tmp_path, "demo", "--out", tmp_path)
    assert done.code == 2
    assert "--out" in done.err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_card_as_discord_shows_it(demo: Demo) -> None:
    """card.html shows the strongest alert that has a chart, pictures inside, and runs nothing."""
    page = (demo.out / "card.html").read_text(encoding="utf-8")
    strongest = max(demo.done.alerts, key=lambda alert: (abs(alert["score"]["value"]), alert["id"]))
    assert strongest["ticker"] in page
    assert page.count("data:image/png;base64,") == 2
    assert "<script" not in page

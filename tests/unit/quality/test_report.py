"""What the command says of figures: JSON, table, page; folders that lack or break what it needs."""

from __future__ import annotations

import json
import sys

import pytest

from catalyst_ray import cli
from catalyst_ray.errors import ConfigError
from catalyst_ray.quality import measures
from catalyst_ray.quality.figure import Figure
from catalyst_ray.quality.folder import DataFolder
from catalyst_ray.quality.report import DETAILS, FIGURES, as_json, into_page, mark

GOOD = Figure(key="good_f1", title="Good", value=0.9123456, low=0.9, high=0.95, n=1200, aim=0.8)
BAD = Figure(
    key="bad_rate",
    title="Bad",
    value=0.5,
    n=4,
    aim=0.01,
    smaller_is_better=True,
    baselines={"old": 0.7},
    details=("3 of 4 wrong",),
)
NONE = Figure(key="story_ari", title="Stories", aim=0.95)
(BEGIN, END), (MORE, NO_MORE) = mark(FIGURES), mark(DETAILS)
PAGE = f"# Page\n\n{BEGIN}\nold figures\n{END}\n\nAfter.\n\n{MORE}\nold details\n{NO_MORE}\n"


pytestmark = pytest.mark.usefixtures("loggers")


def run(monkeypatch, *arguments: str) -> int:
    """Return the exit code of ``catalyst-ray quality`` with these arguments."""
    monkeypatch.setattr(sys, "argv", ["catalyst-ray", "quality", *arguments])
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


@pytest.fixture
def topics(monkeypatch):
    """Measure these three figures instead of the real topics."""
    monkeypatch.setattr(measures, "MEASURES", (lambda _: (GOOD, BAD), lambda _: (NONE,)))


def test_json_has_every_key_and_null_where_nothing_was_measured() -> None:
    """Keys promised are there in any case; each is value, low, high and n, or null."""
    told = as_json([GOOD, NONE])
    assert told["good_f1"] == {"value": 0.91235, "low": 0.9, "high": 0.95, "n": 1200}
    assert told["story_ari"] is None
    assert set(measures.KEYS) < set(told)


def test_the_page_keeps_what_people_wrote() -> None:
    """Only what stands between the marks is made anew; a page without them is refused."""
    page = into_page(PAGE, [GOOD, BAD])
    assert page.startswith(f"# Page\n\n{BEGIN}\n")
    assert f"{END}\n\nAfter.\n\n{MORE}\n" in page
    assert "old" not in page.replace("old 0.700", "")
    assert "```text\nbad_rate\n3 of 4 wrong\n```" in page
    assert "| Bad | `bad_rate` | **0.500** |  | 4 | ≤ 0.01 | old 0.700 |" in page
    assert into_page(page, [GOOD, BAD]) == page
    with pytest.raises(ConfigError, match="no lines"):
        into_page("# Page", [GOOD])


@pytest.mark.usefixtures("topics")
def test_the_command_shows_the_table(monkeypatch, tmp_path, capsys) -> None:
    """The table has every figure; a folder's missing data is told as such."""
    assert run(monkeypatch, "--data", str(tmp_path)) == 0
    said = capsys.readouterr().out
    assert "0.912" in said
    assert "no data" in said


@pytest.mark.usefixtures("topics")
def test_a_missed_aim_can_fail_the_command(monkeypatch, tmp_path, capsys) -> None:
    """With --check a figure that misses its aim ends in 3, and the JSON stays whole."""
    assert run(monkeypatch, "--data", str(tmp_path), "--json", "--check") == 3
    assert json.loads(capsys.readouterr().out)["bad_rate"]["value"] == 0.5


@pytest.mark.parametrize("error", [ZeroDivisionError("odd"), ConfigError("d.json is no JSON", key="--data")])
def test_a_topic_that_breaks_costs_only_itself(monkeypatch, tmp_path, capsys, error) -> None:
    """One topic's failure, or its broken file, leaves the others' figures, its keys null, and the exit code 3."""

    def broken(_):
        raise error

    monkeypatch.setattr(measures, "MEASURES", (broken, lambda _: (GOOD,)))
    assert run(monkeypatch, "--data", str(tmp_path), "--json") == 3
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert told["good_f1"]["n"] == 1200
    assert told["story_ari"] is None
    assert str(error) in err


def test_a_folder_without_data_is_refused(monkeypatch, tmp_path, capsys) -> None:
    """A folder with nothing to measure is a wrong argument, told before anything is shown."""
    monkeypatch.setattr(measures, "MEASURES", (lambda _: (NONE,),))
    assert run(monkeypatch, "--data", str(tmp_path)) == 2
    assert "no data that can be measured" in capsys.readouterr().err
    assert run(monkeypatch, "--data", str(tmp_path / "none")) == 2


def test_tables_and_documents_of_a_folder(tmp_path) -> None:
    """Tables with commas or tabs are read, in order; broken JSON is named; nothing found is empty."""
    (tmp_path / "b.csv").write_text('text,label\n"a, b",1\n', "utf-8")
    (tmp_path / "c.tsv").write_text('text\tlabel\n"a\t2\n', "utf-8")
    folder = DataFolder(tmp_path)
    assert folder.table("*.csv") == [{"text": "a, b", "label": "1"}]
    assert folder.table("*.tsv", delimiter="\t") == [{"text": '"a', "label": "2"}]
    assert folder.table("none*.csv") == []
    assert not folder.directory
    (tmp_path / "d.json").write_text("{", "utf-8")
    with pytest.raises(ConfigError, match=r"d\.json"):
        folder.documents("*.json")

"""A .env file changed: the lines that are meant and no others, in one step, with a way back."""

from __future__ import annotations

from io import StringIO

import pytest
from dotenv import dotenv_values

from catalyst_ray.errors import ConfigError
from catalyst_ray.settings import load_settings
from catalyst_ray.tuner.env_file import changed, undo, write

FILE = """\
# mine
export LLM_BATCH_WORKERS=1   # a slow box
DISCORD_WEBHOOK_URL="https://discord.example/api/webhooks/1/abc#d"

#CHART_QUEUE_WORKERS=4
llm_cache_ttl = '0'
"""


def test_only_the_lines_that_are_meant_change():
    """Comments, quotes, secrets, empty lines and order stay; names are found in any case, with export and spaces."""
    text = changed(FILE, {"LLM_BATCH_WORKERS": "4", "LLM_CACHE_TTL": "3600"})
    assert text == FILE.replace("=1 ", "=4 ").replace("= '0'", "= 3600")


def test_a_name_that_is_not_set_goes_behind_its_comment_or_to_the_end():
    """As people do who copy .env.example and take the # off."""
    text = changed(FILE, {"CHART_QUEUE_WORKERS": "8", "FEEDS_TIMEOUT": "2"})
    assert "#CHART_QUEUE_WORKERS=4\nCHART_QUEUE_WORKERS=8\n" in text
    assert text.endswith("FEEDS_TIMEOUT=2\n")
    assert changed("", {"A": "1"}) == "A=1\n"
    assert changed("B=2", {"A": "1"}) == "B=2\nA=1\n"


def test_of_a_name_that_is_set_twice_the_last_line_changes():
    """That is the one that counts."""
    assert changed("A=1\nA=2\n", {"A": "3"}) == "A=1\nA=3\n"


@pytest.mark.parametrize(
    "text",
    [
        "A=\nB=2\n",
        "A= # none yet\nB=2\n",
        "A=1#2\nB=2\n",
        "A\nB=2\n",
        "'A'=1\nB=2",
        'A="1\n2" # two lines\nB=2\n',
        'B="x\nA=9\n# A=8\ny"\n',
        'A=1\nB="x\nA=9"\n',
        'A="1\nB=2\n',
        "B=x\x0cy\u2028z\rA=1\r",
        "\n\n\tA = 1 # one\r\nB=2\r\n",
    ],
)
def test_whatever_form_a_file_has_the_setting_is_read_as_meant_and_no_other_changes(text):
    """Empty values, values of many lines that hold what looks like a setting, comments that are none, lone carriage returns."""
    before, after = (
        {
            name: value
            for name, value in dotenv_values(stream=StringIO(one, newline="")).items()
            if value is not None
        }
        for one in (text, changed(text, {"A": "3"}))
    )
    assert after == before | {"A": "3"}
    assert changed(text, {}) == text


def test_line_ends_stay_as_they_are():
    """Files that were written on Windows too."""
    assert changed("A=1\r\nB=2\r\n", {"A": "3", "C": "4"}) == "A=3\r\nB=2\r\nC=4\r\n"


def test_what_is_written_is_read_as_meant_and_undone(tmp_path):
    """The settings have the new values; undo brings the very bytes back, and there is nothing more to undo."""
    path = tmp_path / ".env"
    path.write_text(FILE, encoding="utf-8")
    path.chmod(0o640)
    backup = write(path, {"LLM_BATCH_WORKERS": "4", "CHART_QUEUE_WORKERS": "8"})
    settings = load_settings(env_file=path)
    assert (settings.llm_batch_workers, settings.chart_queue_workers) == (4, 8)
    assert backup.read_text(encoding="utf-8") == FILE
    assert {p.stat().st_mode & 0o777 for p in (path, backup)} == {0o640}
    undo(path)
    assert path.read_text(encoding="utf-8") == FILE
    assert [one.name for one in tmp_path.iterdir()] == [".env"]
    with pytest.raises(ConfigError, match="nothing to undo"):
        undo(path)


@pytest.mark.parametrize("before", [None, b"", b"# mine"])
def test_undo_tells_an_absent_file_from_an_empty_one(tmp_path, before):
    """What was not there is not there again; what was empty is empty."""
    path = tmp_path / ".env"
    if before is not None:
        path.write_bytes(before)
    write(path, {"LLM_BATCH_WORKERS": "4"})
    undo(path)
    assert (path.read_bytes() if path.exists() else None) == before
    assert [one.name for one in tmp_path.iterdir()] == ([] if before is None else [".env"])


def test_a_new_file_is_for_its_owner_alone_and_a_link_stays_one(tmp_path):
    """A .env file holds keys; a link to one is followed and not replaced."""
    write(tmp_path / "new.env", {"A": "1"})
    assert (tmp_path / "new.env").stat().st_mode & 0o777 == 0o600
    link = tmp_path / ".env"
    link.symlink_to(tmp_path / "new.env")
    write(link, {"A": "2"})
    assert link.is_symlink()
    assert (tmp_path / "new.env").read_text(encoding="utf-8") == "A=2\n"


def test_a_file_that_cannot_be_written_is_an_error_that_names_it(tmp_path):
    """And nothing is left beside it."""
    with pytest.raises(ConfigError) as caught:
        write(tmp_path / "no" / "such" / ".env", {"A": "1"})
    assert "cannot be changed" in caught.value.message

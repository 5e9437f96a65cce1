"""The generated files say what the settings are."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalyst_ray.settings import NAMES, Settings, load_settings
from catalyst_ray.settings_docs import entries, env_example, markdown

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("path", "text"), [(".env.example", env_example()), ("docs/settings.md", markdown())], ids=["env", "docs"]
)
def test_generated_files_are_up_to_date(path: str, text: str) -> None:
    """The files in the repository are what `make docs` writes today."""
    assert (ROOT / path).read_text(encoding="utf-8") == text, "run `make docs`"


def test_every_setting_is_written_down() -> None:
    """Both files have each setting, once, with words that say what it does."""
    assert sorted(entry.name for entry in entries()) == sorted(NAMES)
    assert all(entry.text.endswith(".") for entry in entries())
    for name in NAMES:
        assert env_example().count(f"\n#{name}=") == 1
        assert markdown().count(f"| `{name}` |") == 1


def test_the_example_is_a_valid_env_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With every # taken off, the example sets each setting to its default."""
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    lines = [line.removeprefix("#") for line in env_example().splitlines() if not line.startswith("# ")]
    (tmp_path / "example").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)
    assert load_settings(env_file=Path("example")) == load_settings()


def test_choices_and_bounds_are_named() -> None:
    """A reader sees which values are taken without trying them."""
    allowed = {entry.name: entry.allowed for entry in entries()}
    assert allowed["CHART_THEME"] == "dark, light"
    assert allowed["DRY_RUN"] == "1, 0"
    assert allowed["MAX_ALERTS_PER_CYCLE"] == "from 1 up to 1,000"
    assert allowed["FEEDS_TIMEOUT"] == "above 0 up to 86,400"
    assert allowed["WATCH_LIST"] == ""
    assert allowed["PRICE_CEILING"] == "above 0 up to 1,000,000", "one that may be unset has bounds too"


def test_values_in_force_are_shown_and_secrets_are_not() -> None:
    """The terminal's table has the value in force; of a secret only that it is set."""
    shown = {
        e.name: e.value for e in entries(Settings(finnhub_token="s3cr3t-key", sleep_seconds=5, dry_run=True))
    }
    assert (shown["FINNHUB_TOKEN"], shown["SLEEP_SECONDS"], shown["DRY_RUN"]) == ("(set)", "5", "1")
    assert shown["DISCORD_WEBHOOK_URL"] == ""

"""Settings as mounted files: what beats what, what is refused, and that no value is ever told."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from catalyst_ray.cli import root
from catalyst_ray.errors import ConfigError
from catalyst_ray.settings import NAMES, load_settings, settings_and_origins
from catalyst_ray.settings_secrets import MAX_BYTES, too_open

HOOK = "https://discord.com/api/webhooks/1/s3cret-of-the-hook"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (*NAMES, "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a folder of secrets that SECRETS_DIR names."""
    made = tmp_path / "secrets"
    made.mkdir()
    monkeypatch.setenv("SECRETS_DIR", str(made))
    return made


def put(folder: Path, name: str, text: str | bytes, mode: int = 0o400) -> Path:
    """Write a file of the folder."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(mode)
    return path


def problems() -> tuple[str, ...]:
    """Return what is complained of."""
    with pytest.raises(ConfigError) as caught:
        load_settings()
    return caught.value.problems


@pytest.mark.parametrize(
    "name",
    [
        "DISCORD_WEBHOOK_URL",
        "discord_webhook_url",
        "catalyst_discord_webhook_url",
        "catalyst_DISCORD_WEBHOOK_URL",
    ],
)
def test_a_file_gives_the_setting_of_its_name(folder: Path, name: str) -> None:
    """Upper or lower case, with or without systemd's prefix; the line end is not part of the value."""
    put(folder, name, HOOK + "\n")
    found = load_settings().discord_webhook_url
    assert found
    assert found.get_secret_value() == HOOK


def test_what_beats_what(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """The command line, the environment, the mounted file, .env, the default, in this order."""
    Path(".env").write_text("SLEEP_SECONDS=1\nFEEDS_TIMEOUT=1\nCHART_CACHE_TTL=1\nLLM_CACHE_TTL=1\n")
    for name in ("sleep_seconds", "feeds_timeout", "chart_cache_ttl"):
        put(folder, name, "2")
    monkeypatch.setenv("SLEEP_SECONDS", "3")
    monkeypatch.setenv("FEEDS_TIMEOUT", "3")
    settings, origins = settings_and_origins({"sleep_seconds": 4})
    assert (
        settings.sleep_seconds,
        settings.feeds_timeout,
        settings.chart_cache_ttl,
        settings.llm_cache_ttl,
    ) == (4, 3, 2, 1)
    fields = ("sleep_seconds", "feeds_timeout", "chart_cache_ttl", "llm_cache_ttl", "llm_timeout_secs")
    mounted = str(folder / "chart_cache_ttl")
    assert [origins.of(field) for field in fields] == [
        "command line",
        "environment",
        mounted,
        ".env line 4",
        "default",
    ]


def test_systemd_says_where_its_credentials_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without SECRETS_DIR the folder of LoadCredential= is read; with it, that one; .env may name it too."""
    for name, value in (("systemd", "FINNHUB_TOKEN"), ("own", "LLM_API_KEY"), ("file", "ALPACA_API_KEY_ID")):
        (tmp_path / name).mkdir()
        put(tmp_path / name, value, "x")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path / "systemd"))
    settings = load_settings()
    assert settings.finnhub_token
    assert settings.secrets_dir == tmp_path / "systemd"
    Path(".env").write_text(f"SECRETS_DIR={tmp_path / 'file'}\n")
    settings = load_settings()
    assert settings.alpaca_api_key_id
    assert not settings.finnhub_token
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "own"))
    assert load_settings().llm_api_key


def test_an_empty_file_sets_nothing(folder: Path) -> None:
    """Compose wants a file for every secret that it lists: an empty one is none."""
    put(folder, "discord_webhook_url", "\n")
    assert load_settings().discord_webhook_url is None
    assert load_settings().is_dry_run


def test_other_programs_files_are_left_alone(folder: Path) -> None:
    """What is near to none of our names is somebody else's, and so are the folders that Kubernetes keeps there."""
    put(folder, "postgres_password", "x")
    (folder / "..data").mkdir()
    (folder / "finnhub_token").symlink_to(put(folder / "..data", "finnhub_token", "key"))
    found = load_settings().finnhub_token
    assert found
    assert found.get_secret_value() == "key"


def test_a_misspelt_name_is_told(folder: Path) -> None:
    """With the nearest real one and the file; what stands in it is not repeated."""
    path = put(folder, "FINNHUB_TOKE", "s3cret")
    assert problems() == (f"FINNHUB_TOKE: unknown setting; did you mean FINNHUB_TOKEN? ({path})",)


def test_what_cannot_be_read_is_named(folder: Path) -> None:
    """Each file with its setting; never its content, whatever is wrong with it."""
    put(folder, "LLM_API_KEY", b"s3cret\xff")
    put(folder, "FINNHUB_TOKEN", b"s3cret\0")
    put(folder, "DATABASE_URL", "s3cret" * MAX_BYTES)
    (folder / "SLACK_WEBHOOK_URL").mkdir()
    os.mkfifo(folder / "WEBHOOK_URL")
    put(folder, "finnhub_token", "s3cret")
    found = problems()
    names = [
        "DATABASE_URL",
        "FINNHUB_TOKEN",
        "FINNHUB_TOKEN",
        "LLM_API_KEY",
        "SLACK_WEBHOOK_URL",
        "WEBHOOK_URL",
    ]
    assert sorted(line.split(": ")[0] for line in found) == names
    assert all(str(folder) in line for line in found)
    assert "s3cret" not in "".join(found)
    assert {"it is larger than 65,536 bytes", "it is no text", "it is not UTF-8", "it is no file"} == {
        line.rpartition("read: ")[2] for line in found if "given twice" not in line
    }


def test_a_wrong_value_of_a_file_is_not_repeated(folder: Path) -> None:
    """The file is named, for whatever was mounted may be secret, a setting that is none by itself too."""
    path = put(folder, "SEC_CONTACT", "s3cret")
    assert problems() == (f"SEC_CONTACT: must be an e-mail address, as SEC asks for ({path})",)


def test_a_folder_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A mount that failed must not look like a run without secrets."""
    monkeypatch.setenv("SECRETS_DIR", str(tmp_path / "gone"))
    assert problems() == (f"SECRETS_DIR: {tmp_path / 'gone'} cannot be read: No such file or directory",)


def test_files_that_others_may_read_are_warned_of(folder: Path) -> None:
    """World-readable or writable by the group, by file; the owner's and the group's reading is what mounts need."""
    put(folder, "FINNHUB_TOKEN", "key", 0o644)
    put(folder, "LLM_API_KEY", "key", 0o460)
    put(folder, "DATABASE_URL", "sqlite:///x.db", 0o440)
    put(folder, "unrelated", "key", 0o644)
    found = too_open(load_settings().secrets_dir, NAMES)
    assert [line.split(" is open")[0] for line in found] == [
        str(folder / name) for name in ("FINNHUB_TOKEN", "LLM_API_KEY")
    ]
    assert "0644" in found[0]
    assert too_open(None, NAMES) == []


def test_settings_shows_the_file_and_not_the_secret(folder: Path) -> None:
    """``catalyst-ray settings`` says where a value comes from."""
    path = put(folder, "discord_webhook_url", HOOK)
    shown = CliRunner().invoke(root, ["settings"]).output
    (line,) = [line for line in shown.splitlines() if line.startswith("DISCORD_WEBHOOK_URL")]
    assert "(set)" in line
    assert f"[from: {path}]" in line
    assert "s3cret" not in shown
    assert "s3cret" not in CliRunner().invoke(root, ["settings", "--json"]).output

"""Settings: names, defaults, checks, secrets, and what a person is told when one is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from catalyst_ray import wiring
from catalyst_ray.core.charts import compose
from catalyst_ray.errors import ConfigError
from catalyst_ray.models import DEFAULT_PANELS
from catalyst_ray.pipeline.charting import ChartLook
from catalyst_ray.settings import NAMES, Settings, load_settings
from catalyst_ray.settings_docs import entries
from tests.adapters.pipeline_world import two_bars

GUIDE = {
    "LLM_BATCH_WORKERS": 3,
    "LLM_CACHE_TTL": 3600,
    "LLM_TIMEOUT_SECS": 20,
    "LLM_CONFIDENCE_THRESHOLD": 0.6,
    "LLM_MODEL_NAME": "mistral",
    "CHART_QUEUE_WORKERS": 4,
    "CHART_CACHE_TTL": 300,
    "CHART_KEEP_SECONDS": 3600,
    "FEEDS_PARALLEL": True,
    "FEEDS_TIMEOUT": 15,
    "MAX_ALERTS_PER_CYCLE": 10,
    "SLEEP_SECONDS": 60,
    "QUICKCHART_IMAGE_DIR": Path("out/charts"),
    "LLM_GPUS_PER_REPLICA": 1,
}
"""Names and defaults that the guide fixes."""


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def problems(**overrides: object) -> tuple[str, ...]:
    """Return what `load_settings` complains of."""
    with pytest.raises(ConfigError) as caught:
        load_settings(overrides)
    return caught.value.problems


@pytest.mark.parametrize(("name", "default"), GUIDE.items())
def test_guide_defaults(name: str, default: object) -> None:
    """A setting of the guide keeps its name and its default."""
    assert getattr(load_settings(), NAMES[name]) == default


def test_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command line beats the environment, which beats .env, which beats the default."""
    Path(".env").write_text("SLEEP_SECONDS=5\nMAX_ALERTS_PER_CYCLE=5\nLLM_BATCH_WORKERS=5\n")
    monkeypatch.setenv("MAX_ALERTS_PER_CYCLE", "6")
    monkeypatch.setenv("LLM_BATCH_WORKERS", "6")
    settings = load_settings({"llm_batch_workers": 7})
    found = (settings.sleep_seconds, settings.max_alerts_per_cycle, settings.llm_batch_workers)
    assert found == (5, 6, 7)


def test_every_problem_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """All wrong values are named in one go, each with its value and where it came from."""
    Path(".env").write_text("# comment\nSLEEP_SECONDS=-1\n")
    monkeypatch.setenv("CHART_CACHE_TTL", "soon")
    found = problems(llm_batch_workers=0)
    assert len(found) == 3
    assert any(p.startswith("SLEEP_SECONDS") and "'-1'" in p and ".env line 2" in p for p in found)
    assert any(p.startswith("CHART_CACHE_TTL") and "'soon'" in p and "environment" in p for p in found)
    assert any(p.startswith("LLM_BATCH_WORKERS") and "command line" in p for p in found)


def test_every_problem_at_once_whatever_its_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong values, unknown names, settings that exclude each other and limits that cross: one start names them all."""
    Path(".env").write_text("SLEEP_SECONDS=-1\nNO_SUCH_THING=1\n")
    wrong = {
        "LLM_ENDPOINT_URL": "http://myserver:8000/v1",
        "LLM_SERVER_COMMAND": "vllm serve --port {port}",
        "LLM_LABEL_SELECTOR": "nonsense",
        "LLM_GPUS_PER_REPLICA": "1.5",
        "LLM_MIN_REPLICAS": "4",
        "LLM_MAX_REPLICAS": "2",
        "PRICE_SOURCE": "csv",
        "FEEDS_FILE": "/nowhere/feeds.toml",
        "WEBHOOK_SECRET": "whsec_" + "QUJD" * 8,
        "RAY_ADDRESS": "127.0.0.1:99999",
    }
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    told = {problem.split(":")[0] for problem in problems(llm_batch_workers=0)}
    well = {"LLM_ENDPOINT_URL", "LLM_MAX_REPLICAS", "PRICE_SOURCE"}
    others = {"SLEEP_SECONDS", "NO_SUCH_THING", "LLM_BATCH_WORKERS", "PRICE_DIR"}
    assert told == {*wrong} - well | others


@pytest.mark.parametrize(
    "given",
    [
        {"llm_engine": "openai", "llm_endpoint_url": "foo"},
        {"price_source": "cvs", "price_floor": 5},
        {"price_source": "http", "price_url": "foo"},
        {"webhook_url": "foo", "webhook_secret": "whsec_" + "QUJD" * 8},
        {"llm_min_replicas": 9, "llm_max_replicas": "many"},
    ],
    ids=lambda given: next(name for name, value in given.items() if value in {"foo", "cvs", "many"}),
)
def test_a_wrong_value_is_told_once(given: dict[str, object]) -> None:
    """What only follows from a wrong value is not told beside it."""
    (name,) = (name for name, value in given.items() if value in {"foo", "cvs", "many"})
    assert [problem.split(":")[0] for problem in problems(**given)] == [name.upper()]


@pytest.mark.parametrize(
    "address",
    [
        "foo",
        "http://",
        "http://:::",
        "http://:8000",
        "http://a b",
        "http://a:99999",
        "a:0",
        "a:x",
        "http://[::1",
        ".",
    ],
)
@pytest.mark.parametrize("name", ["llm_endpoint_url", "ollama_host", "price_url"])
def test_addresses_of_servers_that_are_none(name: str, address: str) -> None:
    """A word alone, marks without a host and a port that cannot be are refused, with the form that is wanted."""
    (told,) = problems(**{name: address})
    assert told.startswith(
        f"{name.upper()}: must be an address like http://myserver:8000 or myserver:8000, was"
    )


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("myserver:8000", "http://myserver:8000"),
        ("http://myserver", "http://myserver"),
        ("https://gpu-box.example.org/v1", "https://gpu-box.example.org/v1"),
        ("gpu_box:8000/v1", "http://gpu_box:8000/v1"),
        ("localhost", "http://localhost"),
        ("0.0.0.0", "http://0.0.0.0"),
        ("[::1]:11434", "http://[::1]:11434"),
        ("http://bob:word@model:8000/v1", "http://bob:word@model:8000/v1"),
    ],
)
def test_addresses_of_servers_as_people_write_them(given: str, address: str) -> None:
    """With a scheme, a port or a dot it is one; http where none is written."""
    assert load_settings({"llm_endpoint_url": given, "ollama_host": given}).llm_endpoint_url == address


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1:99999", "foo bar", "foo", "host:0", ":6379", "http://a:8265", "ray://a:10001", "::1:6379"],
)
def test_clusters_that_are_none(address: str) -> None:
    """A port that cannot be, a text that is no address, the dashboard's or the client's: told with the other settings."""
    second, first = problems(ray_address=address, sleep_seconds=-1)
    assert first.startswith("SLEEP_SECONDS")
    assert second.startswith("RAY_ADDRESS: must be auto or an address like 10.0.0.5:6379")


@pytest.mark.parametrize(
    "address", ["auto", "local", "10.0.0.5:6379", "head:6379", "[::1]:6379", "ray_head.local:6379"]
)
def test_clusters(address: str) -> None:
    """What Ray takes is taken."""
    assert load_settings({"ray_address": address}).ray_address == address


def test_misspelt_in_env_file() -> None:
    """An unknown name in .env is refused with the nearest real one and its line."""
    Path(".env").write_text("\nLLM_TIMEOUT_SEC=3\n")
    assert problems() == ("LLM_TIMEOUT_SEC: unknown setting; did you mean LLM_TIMEOUT_SECS? (.env line 2)",)


def test_misspelt_in_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A near miss in the environment is reported; other programs' names are left alone."""
    monkeypatch.setenv("FEEDS_TIMEOUTS", "3")
    monkeypatch.setenv("MAX_ALERT_PER_CYCLE", "3")
    monkeypatch.setenv("RAY_ADRESS", "auto")
    monkeypatch.setenv("LOG_FORMAT", "another program's")
    monkeypatch.setenv("LLM_API_KEY", "another program's")
    assert [p.split(":")[0] for p in problems()] == ["FEEDS_TIMEOUTS", "MAX_ALERT_PER_CYCLE", "RAY_ADRESS"]


def test_secrets_stay_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither an error nor a dump of the settings shows a secret."""
    monkeypatch.setenv("DISCORD_WEBHOOK_URL", "https://discord.com/wrong/s3cr3t")
    assert "s3cr3t" not in "".join(problems())
    good = "https://discord.com/api/webhooks/12/s3cr3t"
    settings = load_settings({"discord_webhook_url": good, "finnhub_token": "s3cr3t"})
    assert "s3cr3t" not in repr(settings) + settings.model_dump_json()


def test_passwords_in_addresses_and_keys_in_commands_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the list of settings nor a complaint about one repeats them."""
    monkeypatch.setenv("LLM_ENDPOINT_URL", "http://bob:hunter2@model:8000/v1")
    shown = str(list(entries(load_settings())))
    assert "http://***@model:8000/v1" in shown
    assert "hunter2" not in shown
    monkeypatch.delenv("LLM_ENDPOINT_URL")
    monkeypatch.setenv("LLM_SERVER_COMMAND", "vllm serve m --port {port} --api-key hunter2")
    assert "hunter2" not in str(list(entries(load_settings())))
    monkeypatch.setenv("LLM_ENDPOINT_URL", "ftp://bob:hunter2@model")
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert "ftp://***@model" in str(caught.value.problems)
    assert "hunter2" not in str(caught.value.problems)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("LLM_LABEL_SELECTOR", "nonsense", "key=value"),
        ("LLM_GPUS_PER_REPLICA", "1.5", "whole number"),
        ("LLM_SERVER_COMMAND", "vllm 'serve {port}", "split"),
        ("LLM_SERVER_COMMAND", "vllm serve --port 8000", "{port}"),
        ("LLM_GGUF_PATH", "/nowhere/a.gguf", "no file"),
        ("LLM_MIN_REPLICAS", "9", "to LLM_MAX_REPLICAS"),
    ],
)
def test_what_the_model_cannot_do_is_found_with_the_rest(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """Every command that loads the settings says so, by the variable's name, before anything starts."""
    monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        load_settings()
    assert [
        problem for problem in caught.value.problems if problem.startswith(f"{name}:") and words in problem
    ]
    assert name in str(caught.value)


def test_contradictions_are_found() -> None:
    """Settings that need each other are checked together, and files must exist."""
    found = problems(price_source="csv", llm_min_replicas=4, llm_max_replicas=2, feeds_file="gone.toml")
    assert {p.split(":")[0] for p in found} == {"PRICE_DIR", "LLM_MIN_REPLICAS", "FEEDS_FILE"}


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"price_source": "parquet"}, ["PRICE_DIR: must name a folder when PRICE_SOURCE=parquet"]),
        (
            {"price_source": "alpaca"},
            [
                "ALPACA_API_KEY_ID: must be set when PRICE_SOURCE=alpaca; a free account has one",
                "ALPACA_API_SECRET_KEY: must be set when PRICE_SOURCE=alpaca; a free account has one",
            ],
        ),
        (
            {"price_source": "alpaca", "alpaca_api_key_id": "id", "alpaca_api_secret_key": "a b\nHost: x"},
            ["ALPACA_API_SECRET_KEY: must be letters and digits alone"],
        ),
        (
            {
                "price_source": "alpaca",
                "alpaca_api_key_id": "id",
                "alpaca_api_secret_key": "s3cr3t",
                "alpaca_url": "http://data.example.org",
            },
            ["ALPACA_URL: must be https://, since the keys go there"],
        ),
    ],
    ids=["parquet", "no keys", "a key that is a header", "keys in the clear"],
)
def test_what_a_price_source_needs(given: dict[str, object], found: list[str]) -> None:
    """Each source says at once what it lacks, by the variable's name, and repeats no key."""
    assert list(problems(**given)) == found


def test_keys_of_prices_stay_secret() -> None:
    """Neither an error nor a dump shows them."""
    keys = {"alpaca_api_key_id": "k3y-1d-0123", "alpaca_api_secret_key": "s3cr3t-0123"}
    settings = load_settings({"price_source": "alpaca", **keys})
    shown = repr(settings) + settings.model_dump_json() + str(list(entries(settings)))
    shown += "".join(problems(price_source="alpaca", alpaca_feed="best", **keys))
    assert not [key for key in keys.values() if key in shown]


def test_dry_run_until_a_webhook_is_set() -> None:
    """Without a webhook nothing leaves the machine; with one it does, unless told otherwise."""
    assert load_settings().is_dry_run
    for setting in (
        {"discord_webhook_url": "https://discord.com/api/webhooks/12/abc"},
        {"slack_webhook_url": "https://hooks.slack.com/services/T1/B1/x"},
        {"webhook_url": "https://in.example.org/hook"},
        {"apprise_urls": "ntfy://topic"},
    ):
        assert not load_settings(setting).is_dry_run
        assert load_settings({**setting, "dry_run": True}).is_dry_run


@pytest.mark.parametrize(
    ("given", "page_url"),
    [
        ({}, None),
        ({"web_port": 8080}, "http://127.0.0.1:8080"),
        ({"web_port": 8080, "web_host": "::1"}, "http://[::1]:8080"),
        ({"web_port": 8080, "web_host": "0.0.0.0"}, None),
        ({"web_url": "https://alerts.example.org/"}, "https://alerts.example.org"),
        ({"web_url": "http://box:81/catalyst", "web_port": 8080}, "http://box:81/catalyst"),
    ],
)
def test_where_readers_find_the_page(given: dict[str, object], page_url: str | None) -> None:
    """WEB_URL is where links lead; without it the loopback address, and never one that listens everywhere."""
    assert load_settings(given).page_url == page_url


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"web_url": "https://user:word@host/"}, "WEB_URL"),
        ({"web_url": "https://host/?q=1"}, "WEB_URL"),
        ({"web_url": "ftp://host"}, "WEB_URL"),
        ({"web_url": "https://host/)[x](https://evil"}, "WEB_URL"),
        ({"web_host": "a host"}, "WEB_HOST"),
        ({"web_port": 70_000}, "WEB_PORT"),
    ],
)
def test_addresses_of_the_page_that_are_none(given: dict[str, object], name: str) -> None:
    """An address with a password, a query or marks that break a link is refused, as is a port that is none."""
    assert [p.split(":")[0] for p in problems(**given)] == [name]


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"slack_webhook_url": "t0p-s3cr3t"}, "SLACK_WEBHOOK_URL: must be an http:// or https:// address"),
        ({"webhook_url": "ftp://t0p-s3cr3t"}, "WEBHOOK_URL: must be an http:// or https:// address"),
        ({"apprise_urls": "t0p-s3cr3t"}, "APPRISE_URLS: must be addresses like ntfy://topic"),
        (
            {"webhook_url": "https://a.example", "webhook_secret": "t0p-s3cr3t"},
            "WEBHOOK_SECRET: must be whsec_ and the base64 of 24 to 64 random bytes",
        ),
        ({"webhook_secret": "whsec_" + "QUJD" * 8}, "WEBHOOK_SECRET: signs nothing without WEBHOOK_URL"),
    ],
)
def test_sinks_that_cannot_work(given: dict[str, object], problem: str) -> None:
    """An address that is none, a secret that signs nothing: told before anything starts, and not shown."""
    (told,) = problems(**given)
    assert told.startswith(problem)
    assert "t0p-s3cr3t" not in told


def test_every_setting_is_used() -> None:
    """No setting is read by nothing: each field's name stands in the package outside settings.py."""
    package = Path(__file__).parents[2] / "catalyst_ray"
    code = "".join(p.read_text() for p in package.rglob("*.py") if p.name != "settings.py")
    properties = {"database_url": "store_url", "watch_list": "watched", "dry_run": "is_dry_run"}
    unused = [f for f in Settings.model_fields if f".{properties.get(f, f)}" not in code]
    assert unused == []


def test_unreadable_env_file_is_told() -> None:
    """A .env that is no text ends in one line that names it, not in a traceback."""
    Path(".env").write_bytes(b"SLEEP_SECONDS=\xff\xfe5")
    assert [p.split(":")[0] for p in problems()] == [".env cannot be read"]


def test_a_jobs_own_folder_holds_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a submitted job a relative OUT_DIR is refused, since Ray deletes it; a database makes it harmless."""
    monkeypatch.setenv("RAY_JOB_CONFIG_JSON_ENV_VAR", "{}")
    assert problems()[0].startswith("OUT_DIR: must be an absolute path")
    assert load_settings({"out_dir": "/srv/catalyst"}).out_dir.is_absolute()
    assert load_settings({"database_url": "postgresql+psycopg://u@h/d"}).database_url


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"price_ceiling": 5}, "PRICE_CEILING: cannot be applied without a PRICE_SOURCE"),
        (
            {"price_floor": 1, "min_avg_volume": 10},
            "PRICE_FLOOR, MIN_AVG_VOLUME: cannot be applied without a PRICE_SOURCE",
        ),
        (
            {"price_source": "yfinance", "price_floor": 5, "price_ceiling": 5},
            "PRICE_FLOOR: must be below PRICE_CEILING, 5 is not below 5",
        ),
        (
            {"alert_sessions": "pre, lunch"},
            "ALERT_SESSIONS: must be some of pre, regular, after, closed, was 'pre, lunch' (command line)",
        ),
        (
            {"alert_sessions": ","},
            "ALERT_SESSIONS: must be some of pre, regular, after, closed, was ',' (command line)",
        ),
        (
            {"source_weights": "a=0.5,b=2"},
            "SOURCE_WEIGHTS: must be name=0.5 pairs with weights from 0 to 1, was 'a=0.5,b=2' (command line)",
        ),
    ],
)
def test_limits_of_the_judgement_that_cannot_work(given: dict[str, object], problem: str) -> None:
    """A limit without prices, a floor above the ceiling, an unknown session, a weight that is none: all are told."""
    assert problems(**given) == (problem,)


@pytest.mark.parametrize("weights", ["a", "a=", "=0.5", "a=x", "a=nan", "a=-1", "a=0.5,,b=1"])
def test_weights_that_are_none(weights: str) -> None:
    """Whatever is no list of pairs is refused."""
    assert len(problems(source_weights=weights)) == 1


def test_names_of_other_programs_that_begin_like_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """MIN_ and NEWS_ are common beginnings: what is not nearly one of our names is left alone."""
    for name in ("MIN_REPLICAS", "NEWS_API_KEY", "SOURCE_DATE_EPOCH", "ALERT_EMAIL"):
        monkeypatch.setenv(name, "1")
    assert load_settings() == load_settings()


def test_charts_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Panels come as a list, the colour-blind variant as a theme; the defaults are those of a chart request."""
    plain = load_settings()
    assert wiring.chart_look(plain) == ChartLook()
    assert (plain.chart_timeframe, plain.panels) == ("1D", DEFAULT_PANELS)
    monkeypatch.setenv("CHART_PANELS", " RSI, macd,rsi ")
    monkeypatch.setenv("CHART_COLOUR_BLIND", "1")
    monkeypatch.setenv("CHART_THEME", "light")
    monkeypatch.setenv("CHART_WIDTH_PX", "1740")
    look = wiring.chart_look(load_settings())
    assert look == ChartLook(theme="light-colour-blind", panels=("rsi", "macd"), width_px=1740)
    monkeypatch.setenv("CHART_PANELS", "none")
    assert load_settings().panels == ()


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("chart_panels", "volume, bollinger", "must be some of volume"),
        ("chart_timeframe", "2D", "1Y"),
        ("chart_width_px", 239, "240"),
        ("chart_height_px", 3001, "3000"),
    ],
)
def test_wrong_charts_are_told(name: str, value: object, words: str) -> None:
    """A panel, timeframe or size that there is not is named, with what there is."""
    (problem,) = problems(**{name: value})
    assert problem.startswith(f"{name.upper()}: ")
    assert words in problem


@pytest.mark.parametrize("size", [(240, 160), (4000, 3000)])
@pytest.mark.parametrize("theme", ["dark", "light"])
@pytest.mark.parametrize("colour_blind", [False, True])
def test_what_the_settings_allow_can_be_drawn(size: tuple[int, int], theme: str, colour_blind: bool) -> None:
    """The limits and themes of the settings are those of the charts, so that no run has a chart that cannot be."""
    settings = load_settings(
        {
            "chart_width_px": size[0],
            "chart_height_px": size[1],
            "chart_theme": theme,
            "chart_colour_blind": colour_blind,
        }
    )
    request = wiring.chart_look(settings).request(two_bars("QLLN"), mark_utc=None, label="")
    drawn = compose(request)
    assert (drawn.width_px, drawn.height_px) == size

"""Every setting: its name, default, unit and check; the only module that reads the environment.

Flat names, as in the guide. Values come from command-line options, then the environment, then files of mounted
secrets, then a ``.env`` file, then the default. Feeds, lexicon and policy are tables and live in TOML files instead.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from catalyst_ray.errors import ConfigError
from catalyst_ray.settings_checks import contradictions
from catalyst_ray.settings_cluster import ClusterSettings
from catalyst_ray.settings_delivery import DeliverySettings
from catalyst_ray.settings_fields import Seconds, Share, http_address, setting
from catalyst_ray.settings_judgement import JudgementSettings
from catalyst_ray.settings_pictures import PictureSettings
from catalyst_ray.settings_secrets import Mounted, read_mounted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic_core import ErrorDetails

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


class Settings(JudgementSettings, PictureSettings, DeliverySettings, ClusterSettings):
    """All settings of a run, checked and frozen."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        str_strip_whitespace=True,
        env_ignore_empty=True,
        env_file_encoding="utf-8",
    )

    feeds_file: Path | None = setting(None, "Feeds", "TOML list of feeds; unset = the list that ships.")
    feeds_parallel: bool = setting(
        True, "Feeds", "Fetch all feeds at once; 0 fetches one by one (debugging)."
    )
    feeds_timeout: Seconds = setting(15.0, "Feeds", "Seconds that one feed may take in all.")
    feeds_max_bytes: Annotated[int, Field(ge=1_000, le=4_194_304)] = setting(
        4_000_000, "Feeds", "Largest body taken from a feed, in bytes."
    )
    feeds_allow_private: bool = setting(
        False,
        "Feeds",
        "Allow feeds on loopback and private addresses.",
    )
    sec_contact: str | None = setting(
        None, "Feeds", "Your e-mail for SEC's User-Agent rule; without it the SEC feeds stay off."
    )
    sec_tickers_url: str = setting(
        "https://www.sec.gov/files/company_tickers.json", "Feeds", "Where the CIK to ticker map comes from."
    )
    sec_tickers_file: Path | None = setting(None, "Feeds", "Local copy of that map, for use without network.")
    finnhub_token: SecretStr | None = setting(None, "Feeds", "Finnhub key; unset = that feed stays off.")

    sleep_seconds: Annotated[float, Field(ge=0, le=86_400)] = setting(
        60.0, "Cycle", "Seconds from the start of one cycle to the start of the next."
    )
    max_alerts_per_cycle: Annotated[int, Field(ge=1, le=1_000)] = setting(
        10, "Cycle", "Alerts over this number wait for the next cycle."
    )

    llm_engine: Literal["auto", "ollama", "openai", "embedded", "off"] = setting(
        "auto",
        "LLM",
        "Which engine judges; auto = the server that LLM_ENDPOINT_URL, LLM_SERVER_COMMAND or LLM_OWN_SERVER asks"
        " for, else Ollama if it answers, else embedded if installed, else off.",
    )
    ollama_host: str = setting("http://127.0.0.1:11434", "LLM", "Address of the Ollama server.")
    llm_endpoint_url: str | None = setting(
        None,
        "LLM",
        "Address of an OpenAI-compatible server (http://host:8000/v1), for LLM_ENGINE=openai or auto.",
    )
    llm_api_key: SecretStr | None = setting(None, "LLM", "Key that the OpenAI-compatible server asks for.")
    llm_model_name: str = setting(
        "mistral", "LLM", "Model on the server (llama3.2:1b on Ollama where that is too slow)."
    )
    llm_own_server: bool = setting(
        False, "LLM", "Start `ollama serve` in each replica, on its GPU, rather than use OLLAMA_HOST."
    )
    llm_server_command: SecretStr | None = setting(
        None,
        "LLM",
        "Command that starts an OpenAI-compatible server in each replica; {port} and {gpus} are filled in. It may"
        " hold a key, so it is not shown.",
    )
    llm_pull: bool = setting(False, "LLM", "Let Ollama download a model that it lacks.")
    llm_models_dir: Path | None = setting(
        None, "LLM", "Model folder of the Ollama servers that the replicas start; unset = Ollama's own."
    )
    llm_gguf_path: Path | None = setting(
        None, "LLM", "GGUF file for LLM_ENGINE=embedded; unset = the packaged model, without weight."
    )
    llm_context_tokens: Annotated[int, Field(ge=1_024, le=1_048_576)] = setting(
        4_096, "LLM", "Tokens of prompt and answer together that one request may take."
    )
    llm_keep_alive: str = setting(
        "-1", "LLM", "How long Ollama keeps the model loaded after a request; -1 = for ever."
    )
    llm_batch_workers: Annotated[int, Field(ge=1, le=256)] = setting(
        3, "LLM", "Requests in flight in one replica."
    )
    llm_cache_ttl: Annotated[float, Field(ge=0, le=31_536_000)] = setting(
        3600.0, "LLM", "Seconds that an answer is kept; 0 = not at all."
    )
    llm_timeout_secs: Seconds = setting(
        20.0, "LLM", "Deadline of a request, in seconds; what is answered later is not used."
    )
    llm_alert_wait_secs: Annotated[float, Field(ge=0, le=3_600)] = setting(
        2.0, "LLM", "Seconds that an alert waits for the model; after that it goes out and is edited later."
    )
    llm_start_timeout_secs: Seconds = setting(
        300.0, "LLM", "Seconds that a replica's engine may take to load its model."
    )
    llm_queue_size: Annotated[int, Field(ge=1, le=100_000)] = setting(
        512, "LLM", "Requests that may wait; the least urgent is refused above it."
    )
    llm_prescale: Share = setting(
        0.15,
        "LLM",
        "Strength of a score below which the model is not asked, but for the watch list and telling filings.",
    )
    llm_confidence_threshold: Share = setting(
        0.6, "LLM", "Confidence of the fast tier below which the fallback asks the model."
    )
    feature_llm_classifier: bool = setting(True, "LLM", "Let the model judge headlines.")
    feature_llm_fallback: bool = setting(
        True, "LLM", "Let the model re-judge what the fast tier is unsure of."
    )
    feature_llm_sec_analysis: bool = setting(
        True, "LLM", "Let the model read SEC filings: the documents, not the feed's few words."
    )
    llm_gpus_per_replica: Annotated[float, Field(ge=0, le=16)] = setting(
        1.0,
        "LLM",
        "GPUs reserved by one replica; a fraction packs several on one card, 0 reserves none.",
    )
    llm_accelerator_type: str = setting(
        "", "LLM", "Kinds of GPU that replicas may run on, comma-separated, as Ray names them (L4,A100)."
    )
    llm_label_selector: str = setting(
        "", "LLM", "Ray node labels that replicas ask for: key=value pairs, comma-separated; !value excludes."
    )
    llm_min_replicas: Annotated[int, Field(ge=0, le=1_000)] = setting(
        1,
        "LLM",
        "Replicas at least; 0 lets the last go after LLM_SCALE_DOWN_SECS too, until the next request.",
    )
    llm_max_replicas: Annotated[int, Field(ge=1, le=1_000)] = setting(8, "LLM", "Replicas at most.")
    llm_scale_up_secs: Seconds = setting(
        5.0, "LLM", "Seconds in which the queue should be worked off; replicas are added where it is longer."
    )
    llm_scale_down_secs: Seconds = setting(
        120.0, "LLM", "Seconds that replicas above LLM_MIN_REPLICAS stay without need."
    )

    database_url: SecretStr | None = setting(
        None, "State", "SQLAlchemy address (postgresql+psycopg://…); unset = SQLite in OUT_DIR."
    )
    retention_days: Annotated[float, Field(ge=1, le=3_650)] = setting(
        30.0, "State", "Days that decided items and delivered alerts are kept."
    )

    @field_validator("sec_contact")
    @classmethod
    def _is_email(cls, value: str | None) -> str | None:
        if value is not None and not EMAIL.fullmatch(value):
            raise ValueError("must be an e-mail address, as SEC asks for")
        return value

    @field_validator("ollama_host", "llm_endpoint_url", "sec_tickers_url")
    @classmethod
    def _is_http(cls, value: str | None) -> str | None:
        return value and http_address(value)

    @property
    def store_url(self) -> str:
        """Return the address of the store; SQLite in ``OUT_DIR`` when none is set."""
        if self.database_url:
            return self.database_url.get_secret_value()
        return f"sqlite:///{self.out_dir / 'catalyst.db'}"


NAMES = {name.upper(): name for name in Settings.model_fields}
SHARED_PREFIXES = {
    *("OUT_", "LOG_", "MAX_", "DRY_", "RAY_", "DATABASE_", "WATCH_", "MIN_", "NEWS_", "SOURCE_"),
    *("WEB_", "WEBHOOK_", "SLACK_", "APPRISE_", "ALPACA_", "SECRETS_", "CYCLE_"),
}
PREFIXES = tuple({f"{name.split('_')[0]}_" for name in NAMES} - SHARED_PREFIXES)
NEAR, VERY_NEAR = 80.0, 90.0
"""Similarity, in per cent, from which an unknown name with a prefix of ours, or any name, is a misspelling."""
JOB_MARK = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Ray sets it in the environment of a submitted job."""


class _Rest(Settings):
    """The settings where some names are unknown, which was told already."""

    model_config = SettingsConfigDict(extra="ignore")


class _Folder(BaseSettings):
    """Where mounted secrets are, read before the settings that they give."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, env_file_encoding="utf-8")
    secrets_dir: Path | None = None
    credentials_directory: Path | None = None


class Origins(NamedTuple):
    """Where the value of each setting comes from."""

    given: Mapping[str, Any]
    path: Path
    mounted: Mounted

    def beats_file(self, field: str) -> str:
        """Return in words what wins over the ``.env`` file; empty where nothing does."""
        place = self.of(field)
        if place == "environment":
            return "the environment"
        return place if field.upper() in self.mounted.values else ""

    def of(self, field: str) -> str:
        """Return the place in words; ``default`` where nobody set it."""
        name = field.upper()
        if field in self.given:
            return "command line"
        if name in _set_names():
            return "environment"
        if name in self.mounted.values:
            return str(self.mounted.files[name])
        lines = self.path.read_text("utf-8", errors="replace").splitlines() if self.path.is_file() else []
        pattern = re.compile(rf"\s*(export\s+)?{re.escape(field)}\s*(=|$)", re.IGNORECASE)
        return next(
            (f"{self.path} line {n}" for n, line in enumerate(lines, 1) if pattern.match(line)), "default"
        )


def load_settings(overrides: Mapping[str, Any] | None = None, *, env_file: Path | None = None) -> Settings:
    """Read and check all settings.

    Args:
        overrides: Values by field name, from command-line options; they win.
        env_file: A ``.env`` file; ``./.env`` when None, if there is one.

    Raises:
        ConfigError: Anything is wrong; ``problems`` has a line for every wrong name and value.
    """
    return settings_and_origins(overrides, env_file=env_file)[0]


def settings_and_origins(
    overrides: Mapping[str, Any] | None = None, *, env_file: Path | None = None
) -> tuple[Settings, Origins]:
    """Read and check all settings, and say where each comes from; else as ``load_settings``."""
    path = env_file or Path(".env")
    origins = Origins(overrides or {}, path, Mounted({}, {}, [], []))
    problems = _misspelt(os.environ)
    if env_file is not None and not env_file.is_file():
        problems.append(f"--env-file: there is no file {env_file}")
    try:
        folder = _secrets_folder(origins)
        if folder:
            origins = origins._replace(mounted=read_mounted(folder, NAMES))
            problems += [*origins.mounted.problems, *_strangers(origins.mounted)]
        settings = Settings(_env_file=path, **_values(origins, folder))
    except (OSError, UnicodeDecodeError) as error:
        problems.append(f"{path} cannot be read: {error}")
    except ValidationError as error:
        problems += [_problem(detail, origins) for detail in error.errors()]
        problems += _further(origins, folder, error)
    else:
        problems += contradictions(settings, in_job=JOB_MARK in os.environ)
    if problems:
        raise ConfigError(
            f"{len(problems)} setting{'s are' if len(problems) > 1 else ' is'} wrong",
            problems=tuple(problems),
            hint="`catalyst-ray settings` lists all of them",
        )
    return settings, origins


def _further(origins: Origins, folder: Path | None, error: ValidationError) -> list[str]:
    """Return what the settings that are well cannot be together, the wrong ones left out of it."""
    wrong = {str(detail["loc"][0]) for detail in error.errors()}
    defaults = {name: info.default for name, info in Settings.model_fields.items() if name in wrong}
    rest = _Rest(_env_file=origins.path, **_values(origins, folder) | defaults)
    return contradictions(rest, {name.upper() for name in wrong}, in_job=JOB_MARK in os.environ)


def _secrets_folder(origins: Origins) -> Path | None:
    asked = origins.given.get("secrets_dir")
    if asked:
        return Path(asked)
    found = _Folder(_env_file=origins.path)
    return found.secrets_dir or found.credentials_directory


def _values(origins: Origins, folder: Path | None) -> dict[str, Any]:
    """Return what beats ``.env``, where the environment does not say otherwise."""
    taken = _set_names()
    mounted = {name.lower(): text for name, text in origins.mounted.values.items() if name not in taken}
    where = {"secrets_dir": folder} if folder else {}
    return {**mounted, **origins.given, **where}


def _strangers(mounted: Mounted) -> list[str]:
    # As in the environment, other programs' files may lie there too: only near misses are ours to report.
    meant = ((path, _meant(path.name, VERY_NEAR)) for path in mounted.strangers)
    return [f"{path.name.upper()}: unknown setting{words} ({path})" for path, words in meant if words]


def _set_names() -> set[str]:
    return {name.upper() for name, value in os.environ.items() if value}  # pydantic reads them in either case


class Supervision(NamedTuple):
    """What a supervisor of systemd's kind tells its service: where to answer, and how often it wants to hear."""

    address: str | None
    watchdog_s: float | None


def supervision() -> Supervision:
    """Return how this process is supervised; nothing where it is not."""
    spare = {"", str(os.getpid())}  # the watchdog may be meant for another process of the unit
    usec = os.environ.get("WATCHDOG_USEC", "")
    is_watched = usec.isdigit() and int(usec) > 0 and os.environ.get("WATCHDOG_PID", "") in spare
    return Supervision(os.environ.get("NOTIFY_SOCKET") or None, int(usec) / 1e6 if is_watched else None)


def without_password(text: str) -> str:
    """Return a text without the password that an address in it may hold."""
    return re.sub(r"//[^/\s]*@", "//***@", text)


def _misspelt(environ: Mapping[str, str]) -> list[str]:
    # The environment holds other programs' names too: only near misses are ours to report.
    meant = {
        n: _meant(n, NEAR if n.startswith(PREFIXES) else VERY_NEAR) for n in sorted({*environ} - {*NAMES})
    }
    return [f"{name}: unknown setting{words} (environment)" for name, words in meant.items() if words]


def _meant(name: str, cutoff: float = NEAR) -> str:
    from rapidfuzz import fuzz, process  # noqa: PLC0415  (not for --help)

    best = process.extractOne(name.upper(), list(NAMES), scorer=fuzz.ratio, score_cutoff=cutoff)
    return f"; did you mean {best[0]}?" if best else ""


def _problem(detail: ErrorDetails, origins: Origins) -> str:
    field = str(detail["loc"][0])
    name = field.upper()
    origin = origins.of(field)
    if detail["type"] == "extra_forbidden":
        return f"{name}: unknown setting{_meant(name)} ({origin})"
    message = detail["msg"].removeprefix("Value error, ")
    secret = "SecretStr" in str(Settings.model_fields[field].annotation) or name in origins.mounted.files
    was = "" if secret else f", was {without_password(str(detail['input']))[:80]!r}"
    return f"{name}: {message[0].lower()}{message[1:]}{was} ({origin})"

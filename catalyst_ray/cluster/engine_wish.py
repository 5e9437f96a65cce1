"""What the settings ask for, and what is wrong with it, whatever answers. Loads no client: settings are checked with it."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from catalyst_ray.adapters import embedded
from catalyst_ray.errors import ConfigError

WANTED = ("auto", "ollama", "openai", "embedded", "off")
PLACEHOLDERS = ("{port}", "{gpus}")


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineWish:
    """What the settings ask for.

    Args:
        wanted: LLM_ENGINE.
        own_server: Each replica starts `ollama serve`.
        server_command: Each replica starts this OpenAI-compatible server; never through a shell.
        gguf_path: The embedded engine's file; None takes the packaged model.
        models_dir: Model folder of the Ollama servers that replicas start.
        pull: Ollama may download a model that it lacks.
    """

    wanted: str
    ollama_host: str = field(repr=False)  # may hold a password, as the next may
    model: str
    own_server: bool = False
    endpoint_url: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)
    server_command: str | None = field(default=None, repr=False)
    gguf_path: str | None = None
    models_dir: str | None = None
    pull: bool = False
    keep_alive: str = "-1"
    context_tokens: int = 4_096
    load_timeout_s: float = 300.0


def check_engine(wish: EngineWish) -> None:
    """Check what can be known without asking a server.

    A program that is not on this machine is no error: the replicas may run on others that have it.

    Raises:
        ConfigError: The engine is unknown, not installed, or lacks what it needs to be told; every problem.
    """
    problems = [*_engine_problems(wish), *_command_problems(wish)]
    if problems:
        key, words, hint = problems[0]
        raise ConfigError(
            words,
            problems=tuple(
                f"{name}: {text}" + (f" ({mend})" if mend else "") for name, text, mend in problems
            ),
            key=key,
            hint=hint,
        )


def split_command(command: str) -> list[str]:
    """Return the words of a command, as a shell would split them; nothing is ever given to a shell.

    Raises:
        ValueError: A quote is not closed, or there is nothing.
    """
    words = shlex.split(command)
    if not words:
        raise ValueError("No command")
    return words


def _engine_problems(wish: EngineWish) -> list[tuple[str, str, str | None]]:
    key = "LLM_ENGINE"
    if wish.wanted not in WANTED:
        return [(key, f"must be one of {', '.join(WANTED)}, was {wish.wanted!r}", None)]
    if wish.wanted == "openai" and not (wish.endpoint_url or wish.server_command):
        return [(key, "openai needs a server", "set LLM_ENDPOINT_URL or LLM_SERVER_COMMAND")]
    if wish.wanted == "embedded" and not embedded.available():
        if not wish.gguf_path or not embedded.available(gguf_path(wish)):
            return [(key, "the embedded engine is not installed", embedded.HINT)]
    elif wish.wanted in {"embedded", "auto"} and wish.gguf_path and not Path(wish.gguf_path).is_file():
        return [("LLM_GGUF_PATH", f"there is no file {wish.gguf_path}", None)]
    return []


def _command_problems(wish: EngineWish) -> list[tuple[str, str, str | None]]:
    key = "LLM_SERVER_COMMAND"
    if not wish.server_command or wish.wanted not in {"auto", "openai"}:
        return []
    if wish.endpoint_url or wish.own_server:
        other = "LLM_ENDPOINT_URL" if wish.endpoint_url else "LLM_OWN_SERVER"
        return [(key, f"{other} asks for another server", "unset one of them")]
    try:
        text = " ".join(split_command(wish.server_command))
    except ValueError as error:
        return [(key, f"cannot be split into words: {error}", None)]
    if "{port}" not in text:
        return [(key, "does not say where the port goes", "write {port} in its place, as in --port {port}")]
    unknown = set(re.findall(r"\{\w+\}", text)) - set(PLACEHOLDERS)
    filled = f"only {' and '.join(PLACEHOLDERS)} are filled in"
    return [(key, f"holds {name}", filled) for name in sorted(unknown)]


def gguf_path(wish: EngineWish) -> Path | None:
    """Return the file that the embedded engine is to serve; None for the packaged model."""
    return Path(wish.gguf_path) if wish.gguf_path else None

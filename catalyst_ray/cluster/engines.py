"""Which engine judges: what the settings ask for, what is wrong with it, and what answers.

Starts nothing; how a replica makes the engine is in ``engine_specs``.
"""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from catalyst_ray.adapters import embedded, ollama, openai
from catalyst_ray.cluster.engine_specs import (
    DEFAULT_MODEL,
    EmbeddedSpec,
    EngineSpec,
    OllamaSpec,
    OpenAiSpec,
    split_command,
)
from catalyst_ray.errors import ConfigError

__all__ = [
    "EmbeddedSpec",
    "EngineChoice",
    "EngineSpec",
    "EngineWish",
    "OllamaSpec",
    "OpenAiSpec",
    "check_engine",
    "choose_engine",
]

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


@dataclass(frozen=True, slots=True)
class EngineChoice:
    """The engine to use, or None for no language model.

    Args:
        words: Which engine and where, or why there is none: for logs, since they name hosts.
        lack: Why there is none, for cards.
        is_final: Looking again cannot find another.
    """

    spec: EngineSpec | None
    words: str
    lack: str = ""
    is_final: bool = False


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
            words, problems=tuple(f"{name}: {text}" for name, text, _ in problems), key=key, hint=hint
        )


async def choose_engine(wish: EngineWish) -> EngineChoice:
    """Choose the engine.

    ``auto`` is the OpenAI-compatible server where one is named, else the own Ollama where that is asked for,
    else Ollama where one answers, else embedded if installed, else none.

    Raises:
        ConfigError: As from ``check_engine``.
    """
    check_engine(wish)
    if wish.wanted == "off":
        return EngineChoice(None, "switched off (LLM_ENGINE=off)", "switched off", is_final=True)
    if wish.wanted == "openai" or (wish.wanted == "auto" and (wish.endpoint_url or wish.server_command)):
        return await _openai(wish)
    if wish.wanted == "embedded":
        return _embedded(wish)
    return await _ollama(wish)


async def _openai(wish: EngineWish) -> EngineChoice:
    spec = OpenAiSpec(
        url=wish.endpoint_url or "",
        command=wish.server_command or "",
        model=wish.model,
        api_key=wish.api_key,
        load_timeout_s=wish.load_timeout_s,
    )
    if wish.server_command:
        program = split_command(wish.server_command)[0]
        return EngineChoice(spec, f"each replica starts {Path(program).name}{_where(program)}")
    where = openai.place(spec.url)
    if await openai.probe(spec.url, api_key=wish.api_key):
        model = "its model" if wish.model == DEFAULT_MODEL else f"model {wish.model}"
        return EngineChoice(spec, f"OpenAI-compatible server at {where}, {model}")
    words = f"no OpenAI-compatible server answers at {where}: start it, set LLM_ENDPOINT_URL"
    return EngineChoice(None, words, "the model server does not answer")


async def _ollama(wish: EngineWish) -> EngineChoice:
    spec = OllamaSpec(
        host=wish.ollama_host,
        model=wish.model,
        own=wish.own_server,
        pull=wish.pull,
        keep_alive=wish.keep_alive,
        models_dir=wish.models_dir,
        context_tokens=wish.context_tokens,
        load_timeout_s=wish.load_timeout_s,
    )
    if wish.own_server:
        program = ollama.serve_command()[0]
        return EngineChoice(spec, f"each replica starts `ollama serve`{_where(program)}, model {wish.model}")
    where = ollama.place(wish.ollama_host)
    if await ollama.probe(wish.ollama_host):
        return EngineChoice(spec, f"Ollama at {where}, model {wish.model}")
    if wish.wanted == "ollama":
        words = f"no Ollama answers at {where}: run `ollama serve`, set OLLAMA_HOST"
        return EngineChoice(None, words, "Ollama does not answer")
    if embedded.available(_path(wish)):
        return _embedded(wish)
    return EngineChoice(None, f"no Ollama at {where} and no embedded engine: {embedded.HINT}", "no engine")


def _embedded(wish: EngineWish) -> EngineChoice:
    spec = EmbeddedSpec(
        path=wish.gguf_path, context_tokens=wish.context_tokens, load_timeout_s=wish.load_timeout_s
    )
    model = f"model {Path(wish.gguf_path).stem}" if wish.gguf_path else "it proves the path, without weight"
    return EngineChoice(spec, f"llama.cpp in a process of each replica's own; {model}")


def _engine_problems(wish: EngineWish) -> list[tuple[str, str, str | None]]:
    key = "LLM_ENGINE"
    if wish.wanted not in WANTED:
        return [(key, f"must be one of {', '.join(WANTED)}, was {wish.wanted!r}", None)]
    if wish.wanted == "openai" and not (wish.endpoint_url or wish.server_command):
        return [(key, "openai needs a server", "set LLM_ENDPOINT_URL or LLM_SERVER_COMMAND")]
    if wish.wanted == "embedded" and not embedded.available():
        if not wish.gguf_path or not embedded.available(_path(wish)):
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


def _where(program: str) -> str:
    return "" if shutil.which(program) else f" ({program} is not on this machine: the replicas' must have it)"


def _path(wish: EngineWish) -> Path | None:
    return Path(wish.gguf_path) if wish.gguf_path else None

"""Which engine judges: what the settings ask for and what answers.

Starts nothing; how a replica makes the engine is in ``engine_specs``.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from catalyst_ray.adapters import embedded, ollama, openai
from catalyst_ray.cluster.engine_specs import (
    DEFAULT_MODEL,
    EmbeddedSpec,
    EngineSpec,
    OllamaSpec,
    OpenAiSpec,
)
from catalyst_ray.cluster.engine_wish import EngineWish, check_engine, gguf_path, split_command

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
    words = f"no OpenAI-compatible server answers at {where}: start it, or set LLM_ENDPOINT_URL"
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
        words = f"no Ollama answers at {where}: run `ollama serve`, or set OLLAMA_HOST"
        return EngineChoice(None, words, "Ollama does not answer")
    if embedded.available(gguf_path(wish)):
        return _embedded(wish)
    return EngineChoice(None, f"no Ollama at {where} and no embedded engine: {embedded.HINT}", "no engine")


def _embedded(wish: EngineWish) -> EngineChoice:
    spec = EmbeddedSpec(
        path=wish.gguf_path, context_tokens=wish.context_tokens, load_timeout_s=wish.load_timeout_s
    )
    model = f"model {Path(wish.gguf_path).stem}" if wish.gguf_path else "it proves the path, without weight"
    return EngineChoice(spec, f"llama.cpp in a process of each replica's own; {model}")


def _where(program: str) -> str:
    return "" if shutil.which(program) else f" ({program} is not on this machine: the replicas' must have it)"

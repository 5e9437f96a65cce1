"""Which engine judges, as a value that travels to the replicas, and how a replica makes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from catalyst_ray.adapters import embedded, ollama
from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from catalyst_ray.ports import LanguageModel

WANTED = ("auto", "ollama", "embedded", "off")


class EngineSpec(Protocol):
    """A picklable recipe for an engine."""

    def make(self, *, workers: int) -> LanguageModel:
        """Return an engine, not started, for ``workers`` requests at a time."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaSpec:
    """A model on an Ollama server that every replica can reach."""

    host: str = field(repr=False)  # may hold a password
    model: str
    load_timeout_s: float = 300.0

    def make(self, *, workers: int) -> LanguageModel:  # noqa: ARG002  (the server bounds itself)
        """Return the client."""
        return ollama.OllamaModel(host=self.host, model=self.model, load_timeout_s=self.load_timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSpec:
    """llama.cpp in the replica's own process.

    Its requests run one after another however many workers there are: on a CPU that takes no longer in sum
    (measured), the first is done sooner, and the one context keeps the shared prefix of all prompts.
    """

    path: str | None = None
    threads: int = 1

    def make(self, *, workers: int) -> LanguageModel:  # noqa: ARG002  (see above)
        """Return the engine."""
        return embedded.EmbeddedModel(Path(self.path) if self.path else None, threads=self.threads)


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


def check_engine(wanted: str) -> None:
    """Check what can be known without asking a server.

    Raises:
        ConfigError: ``wanted`` is unknown, or the embedded engine is asked for and not installed.
    """
    if wanted not in WANTED:
        raise ConfigError(f"must be one of {', '.join(WANTED)}, was {wanted!r}", key="LLM_ENGINE")
    if wanted == "embedded" and not embedded.available():
        raise ConfigError("the embedded engine is not installed", key="LLM_ENGINE", hint=embedded.HINT)


async def choose_engine(wanted: str, *, ollama_host: str, model: str) -> EngineChoice:
    """Choose the engine: ``auto`` is Ollama where one answers, else embedded if installed, else none.

    Raises:
        ConfigError: As from ``check_engine``.
    """
    check_engine(wanted)
    if wanted == "off":
        return EngineChoice(None, "switched off (LLM_ENGINE=off)", "switched off", is_final=True)
    where = ollama.place(ollama_host)
    if wanted in {"auto", "ollama"} and await ollama.probe(ollama_host):
        return EngineChoice(OllamaSpec(host=ollama_host, model=model), f"Ollama at {where}, model {model}")
    if wanted == "ollama":
        words = f"no Ollama answers at {where}: run `ollama serve`, set OLLAMA_HOST"
        return EngineChoice(None, words, "Ollama does not answer")
    if embedded.available():
        return EngineChoice(EmbeddedSpec(), "llama.cpp in this process; it proves the path, without weight")
    return EngineChoice(None, f"no Ollama at {where} and no embedded engine: {embedded.HINT}", "no engine")

"""Recipes for engines: values that travel to the replicas, and how a replica makes an engine of them.

Puts clients and servers of our own together; which recipe is used is chosen in ``engines``.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from catalyst_ray.adapters import embedded, ollama, openai
from catalyst_ray.adapters.model_server import ModelServer, OwnedModel
from catalyst_ray.cluster.engine_wish import split_command
from catalyst_ray.models import EngineInfo

if TYPE_CHECKING:
    from catalyst_ray.ports import LanguageModel

DEFAULT_MODEL = "mistral"
"""Default of LLM_MODEL_NAME, a name on Ollama: another server's only model is taken in its place."""


class EngineSpec(Protocol):
    """A picklable recipe for an engine."""

    def make(self, *, name: str, workers: int, gpus: int) -> LanguageModel:
        """Return an engine, not started, for ``workers`` requests at a time of the replica ``name``.

        ``gpus`` is the number of whole GPUs that Ray gave it, 0 on a CPU.
        """
        ...

    @property
    def shares_server(self) -> bool:
        """Return whether all replicas talk to one server: more of them make it no faster."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class OllamaSpec:
    """A model on an Ollama server that every replica can reach, or (``own``) on one that it starts."""

    host: str = field(default="", repr=False)  # may hold a password
    model: str
    own: bool = False
    pull: bool = False
    keep_alive: str = "-1"
    models_dir: str | None = None
    context_tokens: int = 4_096
    load_timeout_s: float = 300.0

    @property
    def shares_server(self) -> bool:
        """Return whether the server is one for all."""
        return not self.own

    def make(self, *, name: str, workers: int, gpus: int) -> LanguageModel:
        """Return the client, with its server where that is our own."""
        if not self.own:
            return self._client(self.host)
        environment = functools.partial(
            ollama.serve_environment,
            workers=workers,
            context_tokens=self.context_tokens,
            keep_alive=self.keep_alive,
            models_dir=self.models_dir,
        )
        server = ModelServer(
            f"ollama serve of {name}",
            lambda _: ollama.serve_command(),
            environment=environment,
            ready_path="/api/version",
            start_timeout_s=self.load_timeout_s,
            key="LLM_OWN_SERVER",
            hint=ollama.BINARY_HINT,
        )
        return OwnedModel(server, self._client, info=_info(ollama.ENGINE, self.model, gpus))

    def _client(self, host: str) -> LanguageModel:
        return ollama.OllamaModel(
            host=host,
            model=self.model,
            context_tokens=self.context_tokens,
            load_timeout_s=self.load_timeout_s,
            pull=self.pull,
            keep_alive=self.keep_alive,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAiSpec:
    """A model on an OpenAI-compatible server: at ``url``, or started by each replica with ``command``."""

    url: str = field(default="", repr=False)  # may hold a password
    command: str = field(default="", repr=False)  # may hold a key
    model: str
    api_key: str | None = field(default=None, repr=False)
    load_timeout_s: float = 300.0

    @property
    def shares_server(self) -> bool:
        """Return whether the server is one for all."""
        return not self.command

    def make(self, *, name: str, workers: int, gpus: int) -> LanguageModel:  # noqa: ARG002
        """Return the client, with its server where that is our own; the server bounds itself."""
        if not self.command:
            return self._client(self.url, openai.SOMEWHERE)
        words = split_command(self.command)
        server = ModelServer(
            f"{Path(words[0]).name} of {name}",
            lambda port: _fill(words, port=port, gpus=max(1, gpus)),
            ready_path="/v1/models",
            start_timeout_s=self.load_timeout_s,
            grace_s=10.0,  # vLLM ends its workers one after another
            key="LLM_SERVER_COMMAND",
            hint="install it on every machine that runs replicas",
            secret=self.api_key,
        )
        info = _info(openai.ENGINE, self.model, gpus)
        return OwnedModel(server, lambda url: self._client(url, info.device), info=info)

    def _client(self, url: str, device: str) -> LanguageModel:
        return openai.OpenAiModel(
            url,
            self.model,
            self.api_key,
            is_default=self.model == DEFAULT_MODEL,
            load_timeout_s=self.load_timeout_s,
            device=lambda: device,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedSpec:
    """llama.cpp in a process of the replica's own.

    On a CPU its requests run one after another however many workers there are: that takes no longer in sum
    (measured), the first is done sooner, and the one context keeps the shared prefix of all prompts.
    """

    path: str | None = None
    threads: int = 1
    context_tokens: int = 4_096
    load_timeout_s: float = 300.0

    @property
    def shares_server(self) -> bool:
        """Return False: each replica has its own."""
        return False

    def make(self, *, name: str, workers: int, gpus: int) -> LanguageModel:
        """Return the engine; a file that the operator gave has weight, the packaged model has none."""
        path = Path(self.path) if self.path else None
        file = path or embedded.packaged_model()
        model = file.stem if file else "none"
        has_weight = path is not None

        def command(port: int) -> list[str]:
            is_fast = gpus > 0 and embedded.available(path) and embedded.device() == "gpu"
            return embedded.command(
                path,
                port,
                parallel=workers if is_fast else 1,
                threads=self.threads,
                context_tokens=self.context_tokens,
            )

        server = ModelServer(
            f"llama.cpp of {name}",
            command,
            ready_path=embedded.READY_PATH,
            start_timeout_s=self.load_timeout_s,
            key="LLM_ENGINE",
            hint=embedded.HINT,
        )

        def client(url: str) -> LanguageModel:
            return openai.OpenAiModel(
                url,
                model,
                load_timeout_s=self.load_timeout_s,
                engine=embedded.ENGINE,
                has_weight=has_weight,
                grammar=embedded.grammar,
                device=embedded.device,
            )

        info = _info(embedded.ENGINE, model, gpus, has_weight=has_weight)
        return OwnedModel(server, client, info=info)


def _fill(words: list[str], *, port: int, gpus: int) -> list[str]:
    # Not str.format: a command may hold JSON.
    return [word.replace("{port}", str(port)).replace("{gpus}", str(gpus)) for word in words]


def _info(engine: str, model: str, gpus: int, *, has_weight: bool = True) -> EngineInfo:
    device = "gpu" if gpus else "cpu"
    return EngineInfo(engine=engine, model=model, device=device, has_weight=has_weight, state="not started")

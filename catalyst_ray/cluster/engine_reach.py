"""What a node sees of the language model's engine: asked from there, where a replica would ask. Starts nothing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from catalyst_ray.adapters import embedded, ollama, openai
from catalyst_ray.cluster.engine_specs import EmbeddedSpec, OllamaSpec, OpenAiSpec
from catalyst_ray.cluster.engine_wish import split_command
from catalyst_ray.core.hosts import is_loopback
from catalyst_ray.models import EngineReach

if TYPE_CHECKING:
    from catalyst_ray.cluster.engine_specs import EngineSpec
    from catalyst_ray.cluster.engine_wish import EngineWish


async def reach(spec: EngineSpec) -> EngineReach | None:
    """Return whether the engine of ``spec`` can be used from here; None for one that nothing is known of."""
    match spec:
        case OllamaSpec(own=True):
            return _program(ollama.serve_command()[0])
        case OllamaSpec():
            is_there = await ollama.probe(spec.host)
            return EngineReach(
                kind="server",
                place=ollama.place(spec.host),
                is_there=is_there,
                is_loopback=_means_itself(ollama.place(spec.host)),
                has_model=await ollama.has_model(spec.host, spec.model) if is_there else None,
            )
        case OpenAiSpec(command=command) if command:
            return _program(split_command(command)[0])
        case OpenAiSpec():
            return EngineReach(
                kind="server",
                place=openai.place(spec.url),
                is_there=await openai.probe(spec.url, api_key=spec.api_key),
                is_loopback=_means_itself(openai.place(spec.url)),
            )
        case EmbeddedSpec():
            path = Path(spec.path) if spec.path else None
            place = str(path) if path else "llama.cpp with the packaged model"
            is_there = embedded.available(path) and (path is None or path.is_file())
            return EngineReach(kind="embedded", place=place, is_there=is_there)
    return None


def server_named(wish: EngineWish) -> EngineSpec | None:
    """Return the server that the settings name, whether or not it answered; None where they name none."""
    if wish.wanted in {"auto", "openai"} and wish.endpoint_url:
        return OpenAiSpec(url=wish.endpoint_url, model=wish.model, api_key=wish.api_key)
    if wish.wanted in {"auto", "ollama"} and not (wish.own_server or wish.server_command):
        return OllamaSpec(host=wish.ollama_host, model=wish.model)
    return None


def _program(name: str) -> EngineReach:
    return EngineReach(kind="program", place=name, is_there=shutil.which(name) is not None)


def _means_itself(place: str) -> bool:
    return is_loopback(urlsplit(place).hostname or "")

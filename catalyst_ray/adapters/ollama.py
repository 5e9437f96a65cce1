"""Ollama, spoken to through its own Python client. Owns the connection, and what ``ollama serve`` is started with.

An answer is read as a stream: a cut is then seen (no line says ``done``), and when its time is out the
closed connection ends the generation on the server too. Ollama does not bound its queue and is known to
hang under load, so every wait here has its own limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp

from catalyst_ray.errors import ParseError, TransportError
from catalyst_ray.models import EngineInfo, LlmAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping

    from ollama import AsyncClient

    from catalyst_ray.models import LlmRequest

ENGINE = "ollama"
SEED = 7
SCRIPTED = "scripted"
"""Family of models that recite: the demo's double. Their verdict has no weight."""
LONGEST_ANSWER_CHARS = 100_000
LONG_CHARS_A_TOKEN, CUT_SHARE = 3.0, 0.55
"""A prompt of three characters for each token of the context fills over half of it; what Ollama cuts, it cuts to half."""
BINARY_HINT = "install Ollama on every machine that runs replicas, or set OLLAMA_HOST to a server of yours"
HINTS = {
    401: "run `ollama signin` on the server, or choose a local model",
    403: "cloud models are switched off on the server: choose a local model",
    503: "the server is overloaded: lower LLM_BATCH_WORKERS or raise OLLAMA_MAX_QUEUE",
}


async def probe(host: str, *, timeout_s: float = 2.0) -> bool:
    """Return whether an Ollama answers at ``host``."""
    limit = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.get(f"{_base(host)}/api/version", allow_redirects=False) as answer,
        ):
            body = await answer.json()
            return answer.status == 200 and isinstance(body, dict) and "version" in body
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return False


async def has_model(host: str, model: str, *, timeout_s: float = 2.0) -> bool | None:
    """Return whether the Ollama at ``host`` has a model; None where it does not say."""
    limit = aiohttp.ClientTimeout(total=timeout_s)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as session,
            session.post(f"{_base(host)}/api/show", json={"model": model}, allow_redirects=False) as answer,
        ):
            return {200: True, 404: False}.get(answer.status)
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return None


def place(host: str) -> str:
    """Return an Ollama's address for people and logs: what stands before an ``@`` may be a password."""
    return re.sub(r"//.*@", "//***@", _base(host), flags=re.DOTALL)


def serve_command() -> list[str]:
    """Return the command that starts a server."""
    return ["ollama", "serve"]


def serve_environment(
    port: int, *, workers: int, context_tokens: int, keep_alive: str, models_dir: str | None = None
) -> dict[str, str]:
    """Return what a server of our own is started with, for ``workers`` requests at a time of one model."""
    wanted = {
        "OLLAMA_HOST": f"127.0.0.1:{port}",
        "OLLAMA_NUM_PARALLEL": str(workers),
        "OLLAMA_MAX_LOADED_MODELS": "1",
        "OLLAMA_CONTEXT_LENGTH": str(context_tokens),
        "OLLAMA_KEEP_ALIVE": keep_alive,
        # A server that starts removes what belongs to no model: what another one is just downloading.
        "OLLAMA_NOPRUNE": "1",
        # It would look around on ollama.com, and send cloud models' prompts there.
        "OLLAMA_NO_CLOUD": "1",
    }
    return wanted | ({"OLLAMA_MODELS": models_dir} if models_dir else {})


class OllamaModel:
    """A model on an Ollama server.

    Args:
        host: ``http://name:port`` or ``name:port``.
        context_tokens: Fixed for every request: another ``num_ctx`` would make Ollama load the model anew.
        load_timeout_s: How long the first load may take, and how long a download may make no progress.
        pull: Let the server download a model that it lacks.
        keep_alive: How long the model stays loaded after a request, in Ollama's words; -1 is for ever.
    """

    def __init__(
        self,
        *,
        host: str,
        model: str,
        context_tokens: int = 4_096,
        load_timeout_s: float = 300.0,
        pull: bool = False,
        keep_alive: str = "-1",
    ) -> None:
        self._host = _base(host)
        self._model = model
        self._options = {"num_ctx": context_tokens, "temperature": 0, "seed": SEED}
        self._load_timeout_s = load_timeout_s
        self._pull = pull
        # A number travels as one: as text, Ollama wants a unit behind it.
        is_number = re.fullmatch(r"-?\d+", keep_alive)
        self._keep_alive: int | str = int(keep_alive) if is_number else keep_alive
        self._info = EngineInfo(engine=ENGINE, model=model, state="not started")
        self._client: AsyncClient | None = None
        self._thinks = False

    async def start(self) -> EngineInfo:
        """Connect, download the model if that is allowed and needed, load it and keep it loaded.

        Raises:
            TransportError: The server does not answer in time, lacks the model, or cannot download it.
        """
        from ollama import AsyncClient  # late: 0.9 s that only a run with Ollama pays

        # A line a request, with the address and what secret it holds: workers log from INFO on.
        logging.getLogger("httpx").setLevel(logging.WARNING)
        await self.stop()
        try:
            # The server is one of our own hosts: a web proxy must not be asked for it.
            self._client = AsyncClient(self._host, trust_env=False, follow_redirects=False)
        except ValueError:  # its words repeat the address, password and all
            raise self._error("is no address", hint="OLLAMA_HOST is http://name:port") from None
        self._info = replace(self._info, state="loading")
        with self._failures(self._load_timeout_s):
            has_weight = await self._find()
            self._info = replace(self._info, has_weight=has_weight, state="loading")
            async with asyncio.timeout(self._load_timeout_s):
                await self._client.chat(
                    self._model, messages=[], options=self._options, keep_alive=self._keep_alive
                )
                device = await self._device()
        self._info = replace(self._info, device=device, state="ready")
        return self._info

    async def ready(self) -> bool:
        """Ask the server whether it serves, over a connection of its own."""
        return await probe(self._host)

    def info(self) -> EngineInfo:
        """Return what is known of the engine now."""
        return self._info

    async def generate(self, request: LlmRequest) -> LlmAnswer:
        """Answer one prompt; the schema locks the answer.

        Raises:
            TransportError: No answer, a refusal, an error or a cut in mid-stream, or time ran out.
            ParseError: The answer hit ``max_tokens`` or is no JSON.
        """
        started_s = asyncio.get_running_loop().time()
        with self._failures(request.timeout_s):
            async with asyncio.timeout(request.timeout_s):
                text, last = await self._read(request)
        if last is None:
            raise self._error("the answer was cut off in mid-stream")
        self._check_whole(request, last)
        _check(text, last, is_json=bool(request.schema))
        return LlmAnswer(
            text=text,
            model=self._model,
            engine=ENGINE,
            prompt_tokens=last.prompt_eval_count or 0,
            output_tokens=last.eval_count or 0,
            seconds=asyncio.get_running_loop().time() - started_s,
        )

    def _check_whole(self, request: LlmRequest, last: Any) -> None:
        """Refuse the answer to a prompt of which Ollama silently kept a part: the instructions went first."""
        context = self._options["num_ctx"]
        is_long = len(request.system) + len(request.prompt) > LONG_CHARS_A_TOKEN * context
        if is_long and 0 < (last.prompt_eval_count or 0) < CUT_SHARE * context:
            hint = "raise LLM_CONTEXT_TOKENS, or shorten the prompt"
            raise self._error("the prompt was longer than the context, and was cut", status=400, hint=hint)

    async def stop(self) -> None:
        """Close the connection; the model stays loaded, the server is not ours."""
        client, self._client = self._client, None
        self._info = replace(self._info, state="stopped")
        if client is not None:
            await client.close()  # type: ignore[no-untyped-call]  # the client types its calls, not this one

    async def _read(self, request: LlmRequest) -> tuple[str, Any]:
        parts: list[str] = []
        length = 0
        async with contextlib.aclosing(await self._stream(request)) as stream:
            async for part in stream:
                if part.message.content:
                    parts.append(part.message.content)
                    length += len(part.message.content)
                if part.done:
                    return "".join(parts), part
                if length > LONGEST_ANSWER_CHARS:
                    raise ParseError(f"the model ran on for over {LONGEST_ANSWER_CHARS} characters")
        return "".join(parts), None

    async def _stream(self, request: LlmRequest) -> Any:
        if self._client is None:
            raise self._error("it is not started")
        messages: list[Mapping[str, Any]] = [
            {"role": "system", "content": request.system},
            {"role": "user", "content": request.prompt},
        ]
        stream: AsyncIterator[Any] = await self._client.chat(
            self._model,
            messages=messages,
            stream=True,
            # A model that thinks would spend the answer's tokens on it.
            think=False if self._thinks else None,
            format=json.loads(request.schema) if request.schema else None,
            options={**self._options, "num_predict": request.max_tokens},
            keep_alive=self._keep_alive,
        )
        return stream

    async def _find(self) -> bool:
        from ollama import ResponseError

        for is_last in (not self._pull, True):
            try:
                async with asyncio.timeout(self._load_timeout_s):
                    return await self._look_up()
            except ResponseError as error:
                if is_last or error.status_code != 404:
                    raise
            await self._download()
        raise AssertionError  # the last look-up returned or raised

    async def _download(self) -> None:
        assert self._client is not None  # noqa: S101  (start has just made it; for the type checker)
        layers: dict[str, tuple[int, int]] = {}
        status = None
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(self._load_timeout_s) as limit:
            async for part in await self._client.pull(self._model, stream=True):
                # Ollama repeats itself while nothing comes: only what is new shows that it gets on.
                here = (part.completed or 0, part.total or 0)
                if part.status == status and layers.get(part.digest or "") == here:
                    continue
                status = part.status
                layers[part.digest or ""] = here
                limit.reschedule(loop.time() + self._load_timeout_s)
                self._info = replace(self._info, state=f"pulling {self._model}{_share(layers)}")
        if status != "success":
            raise self._error(
                "the download was cut off", hint="it goes on where it stopped at the next start"
            )

    async def _look_up(self) -> bool:
        assert self._client is not None  # noqa: S101  (start has just made it; for the type checker)
        try:
            shown = await self._client.show(self._model)
        except ValueError:  # pydantic: an answer without the fields that this client wants; it exists
            return True
        self._thinks = "thinking" in (shown.capabilities or ())
        return shown.details is None or shown.details.family != SCRIPTED

    async def _device(self) -> str:
        assert self._client is not None  # noqa: S101  (as above)
        for loaded in (await self._client.ps()).models:
            if _full_name(loaded.model or loaded.name or "") == _full_name(self._model):
                on_gpu, size = int(loaded.size_vram or 0), int(loaded.size or 0)
                return "cpu" if on_gpu == 0 else "gpu" if on_gpu >= size else "gpu+cpu"
        return "cpu"

    @contextlib.contextmanager
    def _failures(self, timeout_s: float) -> Iterator[None]:
        import httpx  # noqa: PLC0415  (comes with ollama, which is imported late)
        from ollama import ResponseError

        try:
            yield
        except TimeoutError as error:
            raise self._error(f"no answer within {timeout_s:g} s") from error
        except ResponseError as error:
            raise self._refusal(str(error.error), error.status_code) from error
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            words = str(error) or type(error).__name__
            raise self._error(
                f"cannot be reached: {words[:200]}", hint="is `ollama serve` running?"
            ) from error
        except (TransportError, ParseError):
            raise
        except (ValueError, TypeError, AttributeError) as error:
            # The client parses line by line and lets whatever a broken line causes through.
            raise self._error("sent something that is no answer, or half of one") from error

    def _refusal(self, said: str, status: int) -> TransportError:
        words = _inner(said)
        if status == 404 or "not found, try pulling it" in words:
            hint = f"run `ollama pull {self._model}` on the server, or set LLM_PULL=1"
            return self._error(words, status=404, hint=hint)
        if words.startswith("pull model manifest"):
            return self._error(words, status=404, hint="is LLM_MODEL_NAME a model that Ollama knows?")
        # The client gives -1 to an error line inside a 200 stream.
        return self._error(words, status=200 if status < 0 else status, hint=HINTS.get(status))

    def _error(self, words: str, *, status: int | None = None, hint: str | None = None) -> TransportError:
        where = place(self._host)
        message = f"Ollama at {where}: {' '.join(words.split())[:300]}"
        return TransportError(message, url=where, status=status, key=self._model, hint=hint)


def _inner(words: str) -> str:
    """Return the message inside an error of llama-server's that Ollama passes on as it came."""
    try:
        return str(json.loads(words)["error"]["message"])
    except (ValueError, TypeError, KeyError):
        return words


def _check(text: str, last: Any, *, is_json: bool) -> None:
    if last.done_reason == "length":
        raise ParseError("the answer was cut off at its token limit")
    if not is_json:
        return
    try:
        json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ParseError("the model's answer is no JSON") from error


def _share(layers: Mapping[str, tuple[int, int]]) -> str:
    done, total = (sum(figures) for figures in zip(*layers.values(), strict=True))
    return f", {100 * min(done, total) // total} %" if total else ""


def _base(host: str) -> str:
    return (host if "://" in host else f"http://{host}").rstrip("/")


def _full_name(model: str) -> str:
    return model if ":" in model.rsplit("/", 1)[-1] else f"{model}:latest"

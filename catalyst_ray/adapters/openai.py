"""Any OpenAI-compatible server (vLLM, SGLang, llama.cpp, Ollama's ``/v1``), over plain HTTP. Owns no server.

An answer is read as a stream: a cut is then seen, and when its time is out the closed connection ends the
generation on the server too. Each request has a connection of its own: servers close idle ones after a few
seconds (uvicorn: 5), and a request that meets that moment would be lost.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import aiohttp

from catalyst_ray.adapters.openai_wire import CONTEXT, Stream, error_words, listed_models
from catalyst_ray.errors import ConfigError, ParseError, RateLimited, TransportError
from catalyst_ray.models import EngineInfo, LlmAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from catalyst_ray.models import LlmRequest

ENGINE = "openai"
SEED = 7
SCRIPTED = "scripted"
"""Owner of models that recite: the demo's double. Their verdict has no weight."""
SOMEWHERE = "server"
"""Device of a model on another's server: none of them says."""
LONGEST_BODY_BYTES = 256_000
LONGEST_RETRY_S = 3_600.0
WARM_TOKENS = 8
"""Enough for a model that thinks to show it."""
KEY = "LLM_API_KEY"
URL = "LLM_ENDPOINT_URL"
HINTS = {
    401: f"set {KEY}",
    403: f"{KEY} may not use this model",
    429: "the server asks for fewer requests: lower LLM_BATCH_WORKERS",
    503: "the server is overloaded or still loads its model",
}


def api_base(url: str) -> str:
    """Return an address with ``/v1`` at its end, whether it was given with it, without, or with a full path."""
    base = (url if "://" in url else f"http://{url}").strip().rstrip("/")
    base = re.sub(r"/(chat/completions|completions|models)$", "", base)
    return base if re.search(r"/v\d+$", base) else f"{base}/v1"


def place(url: str) -> str:
    """Return an address for people and logs: what stands before an ``@`` may be a password."""
    return re.sub(r"//.*@", "//***@", api_base(url), flags=re.DOTALL).partition("?")[0]


async def probe(url: str, *, api_key: str | None = None, timeout_s: float = 2.0) -> bool:
    """Return whether such a server answers; one that only refuses the key does."""
    try:
        async with (
            _session(api_key, timeout_s) as session,
            session.get(f"{api_base(url)}/models", allow_redirects=False) as answer,
        ):
            return answer.status in {401, 403} or (
                answer.status == 200 and isinstance(json.loads(await _body(answer)), dict)
            )
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError):
        return False


class OpenAiModel:
    """A model on an OpenAI-compatible server.

    Args:
        base_url: With or without ``/v1``.
        model: Its name there; "" takes the server's.
        is_default: The name is only the setting's default: a server that has one other model is taken at it.
        api_key: Sent as bearer token.
        load_timeout_s: How long ``start`` may take.
        engine: Name for cards and cache keys.
        grammar: Makes a grammar of a schema, for llama.cpp's ``grammar`` field; without it the schema is sent.
        device: Asks where the model runs, in a thread; servers do not say.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        api_key: str | None = None,
        *,
        is_default: bool = False,
        load_timeout_s: float = 300.0,
        engine: str = ENGINE,
        has_weight: bool = True,
        grammar: Callable[[str], str] | None = None,
        device: Callable[[], str] = lambda: SOMEWHERE,
    ) -> None:
        self._base = api_base(base_url)
        self._where = place(base_url)
        self._api_key = api_key
        self._wanted = model
        self._is_default = is_default
        self._has_weight = has_weight
        self._load_timeout_s = load_timeout_s
        self._grammar = grammar
        self._device = device
        self._session: aiohttp.ClientSession | None = None
        self._extra: dict[str, Any] = {}
        self._info = EngineInfo(engine=engine, model=model, has_weight=has_weight, state="not started")

    async def start(self) -> EngineInfo:
        """Find the model on the server and warm it with a tiny request.

        Raises:
            ConfigError: The key cannot be sent, or not to such an address.
            TransportError: The server does not answer in time, refuses the key, or lacks the model.
        """
        await self.stop()
        if self._api_key is not None and "@" in self._base:
            raise ConfigError("holds a password, and there is a key too: give one", key=URL)
        if self._api_key is not None and not re.fullmatch(r"[!-~]+", self._api_key):
            raise ConfigError("holds characters that no key has", key=KEY)
        self._session = _session(self._api_key, None)
        self._info = replace(self._info, state="loading")
        with self._failures(self._load_timeout_s):
            async with asyncio.timeout(self._load_timeout_s):
                name, owner = await self._look_up()
                has_weight = self._has_weight and owner != SCRIPTED
                self._info = replace(self._info, model=name, has_weight=has_weight)
                device = await asyncio.to_thread(self._device)
                await self._warm()
        self._info = replace(self._info, device=device, state="ready")
        return self._info

    async def ready(self) -> bool:
        """Ask the server whether it serves, over a connection of its own."""
        return await probe(self._base, api_key=self._api_key)

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
                stream = await self._read(await self._asked(request))
        self._check(stream, is_json=bool(request.schema))
        return LlmAnswer(
            text=stream.text,
            model=self._info.model,
            engine=self._info.engine,
            prompt_tokens=stream.prompt_tokens,
            output_tokens=stream.output_tokens,
            seconds=asyncio.get_running_loop().time() - started_s,
        )

    async def stop(self) -> None:
        """Close the connections; the server is not ours."""
        session, self._session = self._session, None
        self._extra = {}
        self._info = replace(self._info, state="stopped")
        if session is not None:
            await session.close()

    async def _asked(self, request: LlmRequest) -> dict[str, Any]:
        asked = self._body(request.system, request.prompt, request.max_tokens)
        if not request.schema:
            return asked
        if self._grammar is not None:
            # In a thread: the first call may load a library.
            return asked | {"grammar": await asyncio.to_thread(self._grammar, request.schema)}
        schema = {"name": "answer", "schema": json.loads(request.schema), "strict": True}
        return asked | {"response_format": {"type": "json_schema", "json_schema": schema}}

    def _body(self, system: str, prompt: str, max_tokens: int) -> dict[str, Any]:
        return {
            "model": self._info.model,
            "messages": [{"role": "system", "content": system}, {"role": "user", "content": prompt}],
            "temperature": 0,
            "seed": SEED,
            "max_tokens": max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
            **self._extra,
        }

    async def _read(self, asked: dict[str, Any]) -> Stream:
        stream = Stream()
        async with self._post(asked) as answer:
            async for data in answer.content.iter_any():
                stream.feed(data)
                if stream.ended or stream.refusal is not None:
                    break
        stream.close()
        if stream.refusal is not None:
            raise self._error(stream.refusal, status=200, hint=_hint(200, stream.refusal))
        return stream

    @contextlib.asynccontextmanager
    async def _post(self, asked: dict[str, Any]) -> AsyncIterator[aiohttp.ClientResponse]:
        if self._session is None:
            raise self._error("it is not started")
        url = f"{self._base}/chat/completions"
        async with self._session.post(url, json=asked, allow_redirects=False) as answer:
            if answer.status != 200:
                raise await self._refusal(answer)
            yield answer

    async def _look_up(self) -> tuple[str, str]:
        assert self._session is not None  # noqa: S101  (start has just made it; for the type checker)
        async with self._session.get(f"{self._base}/models", allow_redirects=False) as answer:
            if answer.status in {404, 405, 501} and self._wanted:
                return self._wanted, ""  # some proxies serve no list; the warm-up will tell
            if answer.status != 200:
                raise await self._refusal(answer)
            owners = listed_models(json.loads(await _body(answer)))
        names = list(owners)
        if self._wanted in names or f"{self._wanted}:latest" in names:
            name = self._wanted
        elif len(names) == 1 and (self._is_default or not self._wanted):
            name = names[0]
        else:
            raise self._lacks_model(names)
        return name, owners.get(name, "")

    async def _warm(self) -> None:
        stream = await self._read(self._body("Answer in one word.", "Ready?", WARM_TOKENS))
        if not stream.thought:
            return
        # Sent only to servers whose model was seen thinking: vLLM refuses it with Mistral's own tokenizer
        # and OpenAI refuses every field that it does not know.
        self._extra = {"chat_template_kwargs": {"enable_thinking": False}}
        try:
            await self._read(self._body("Answer in one word.", "Ready?", WARM_TOKENS))
        except TransportError as error:
            if error.status not in {400, 422}:
                raise
            self._extra = {}

    def _check(self, stream: Stream, *, is_json: bool) -> None:
        reason = stream.finish_reason
        if reason == "length":
            raise ParseError("the answer was cut off at its token limit", key=self._info.model)
        if reason in {"abort", "error"} or (reason is None and not stream.ended):
            raise self._error("the answer was cut off in mid-stream")
        if not is_json:
            return
        try:
            json.loads(stream.text)
        except (ValueError, RecursionError) as error:
            raise ParseError("the model's answer is no JSON", key=self._info.model) from error

    @contextlib.contextmanager
    def _failures(self, timeout_s: float) -> Iterator[None]:
        try:
            yield
        except (TransportError, ParseError, ConfigError):
            raise
        except TimeoutError as error:
            raise self._error(f"no answer within {timeout_s:g} s") from error
        except aiohttp.InvalidURL:  # its words repeat the address, password and all
            raise self._error("is no address", hint=f"{URL} is http://name:port/v1") from None
        except aiohttp.ClientPayloadError as error:
            raise self._error("the answer was cut off in mid-stream") from error
        except aiohttp.ClientResponseError as error:  # it holds the request's headers, and so the key
            words = f"{type(error).__name__}: {error.message}"
            raise self._error(f"sent no answer of HTTP: {words[:200]}") from None
        except (aiohttp.ClientError, OSError) as error:
            words = str(error) or type(error).__name__
            raise self._error(f"cannot be reached: {words[:200]}", hint="is the server running?") from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise self._error("sent something that is no answer, or half of one") from error

    async def _refusal(self, answer: aiohttp.ClientResponse) -> TransportError:
        words = error_words((await _body(answer)).decode(errors="replace"))
        after = answer.headers.get("Retry-After", "")
        wait_s = min(float(after), LONGEST_RETRY_S) if re.fullmatch(r"\d{1,9}(\.\d+)?", after) else None
        limited = answer.status == 429 or (answer.status == 503 and wait_s is not None)
        hint = _hint(answer.status, words)
        if answer.status == 404 and answer.url.path.endswith("/completions"):
            hint = f"is {self._info.model!r} the name of its model?"
        elif 300 <= answer.status < 400:
            hint = f"{URL} points at a page that sends elsewhere"
        return self._error(
            words or f"HTTP {answer.status}",
            status=answer.status,
            hint=hint,
            retry_after_s=wait_s,
            kind=RateLimited if limited else TransportError,
        )

    def _lacks_model(self, names: list[str]) -> TransportError:
        listed = ", ".join(name[:300] for name in names[:10]) or "none"
        more = f" and {len(names) - 10} more" if len(names) > 10 else ""
        wanted = f"has no model {self._wanted!r}" if self._wanted else "has more or less than one model"
        return self._error(wanted, status=404, hint=f"set LLM_MODEL_NAME to one it has: {listed}{more}")

    def _error(
        self,
        words: str,
        *,
        status: int | None = None,
        hint: str | None = None,
        retry_after_s: float | None = None,
        kind: type[TransportError] = TransportError,
    ) -> TransportError:
        message = f"{self._info.engine} server at {self._where}: {' '.join(words.split())[:300]}"
        if self._api_key:  # a server may repeat what it was sent
            message = message.replace(self._api_key, "***")
        return kind(
            message,
            url=self._where,
            status=status,
            retry_after_s=retry_after_s,
            key=self._info.model or None,
            hint=hint,
        )


def _hint(status: int, words: str) -> str | None:
    if CONTEXT.search(words):
        return "lower LLM_CONTEXT_TOKENS to what the server has, or start it with a longer context"
    return HINTS.get(status)


def _session(api_key: str | None, timeout_s: float | None) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        headers={"Authorization": f"Bearer {api_key}"} if api_key else None,
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        trust_env=False,  # one of our own hosts: a web proxy must not be asked for it
    )


async def _body(answer: aiohttp.ClientResponse) -> bytes:
    parts = b""
    async for part in answer.content.iter_any():
        parts += part
        if len(parts) > LONGEST_BODY_BYTES:
            break
    return parts[:LONGEST_BODY_BYTES]

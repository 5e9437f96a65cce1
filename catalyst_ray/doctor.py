"""Checks a set-up by using it: each finding is ok, a warning or a failure, and says how to mend it."""

from __future__ import annotations

import asyncio
import logging
import math
import platform
import shutil
import time
from http import HTTPStatus
from importlib.metadata import version
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import aiohttp

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.cluster.engines import choose_engine
from catalyst_ray.cluster.session import ray_session
from catalyst_ray.core.bars import shown_rows
from catalyst_ray.core.hosts import is_loopback
from catalyst_ray.core.parse import parse_feed
from catalyst_ray.core.reasons import said
from catalyst_ray.doctor_sinks import Finding, check_sinks
from catalyst_ray.errors import CatalystError, RateLimited
from catalyst_ray.models import FeedState, LlmRequest
from catalyst_ray.settings_llm import engine_wish
from catalyst_ray.wiring import (
    choose_feeds,
    make_fetcher,
    make_folder,
    make_prices,
    make_tickers,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from catalyst_ray.adapters.http import HttpFetcher
    from catalyst_ray.models import FeedSpec
    from catalyst_ray.settings import Settings

log = logging.getLogger(__name__)

LOW_DISK_BYTES = 2 * 2**30
TEST_TICKER = "AAPL"
DASHBOARD_TIMEOUT_S = 3.0
MISSING_MODEL = {
    "off": ("ok", ""),
    "auto": ("warn", "alerts go out with the fast tier alone"),
    "openai": ("fail", "start the server that LLM_ENDPOINT_URL names, or correct it"),
    "ollama": ("fail", "alerts go out with the fast tier alone; LLM_ENGINE=off says that this is meant"),
}
"""Status and mend where there is no engine, by LLM_ENGINE."""
MENDS = {
    "Ray": "see `ray status` on the cluster, or unset RAY_ADDRESS for a local one",
    "store": "check DATABASE_URL, or OUT_DIR where that is unset",
    "chart folder": "set QUICKCHART_IMAGE_DIR to a folder that this user may write to",
    "disk": "set OUT_DIR to a folder that this user may read",
    "feeds": "check the network; a feed that stays dead goes out of FEEDS_FILE",
    "ticker map": "set SEC_CONTACT, or SEC_TICKERS_FILE for use without network",
    "language model": "check what the engine needs: OLLAMA_HOST, LLM_ENDPOINT_URL, LLM_SERVER_COMMAND, LLM_GGUF_PATH or"
    " LLM_MODELS_DIR; LLM_ENGINE=off does without",
    "prices": "check PRICE_SOURCE, and what it needs: PRICE_URL, PRICE_DIR or the keys of ALPACA_*",
}
"""What mends a check whose error has no hint of its own."""
TEST_PROMPT = LlmRequest(
    key="doctor",
    system="Answer in JSON.",
    prompt="direction: 0",
    schema='{"type":"object","properties":{"direction":{"type":"number"}},"required":["direction"]}',
    timeout_s=60.0,
)


async def examine(settings: Settings) -> AsyncIterator[Finding]:
    """Run every check and yield the findings as they come; no check stops another."""
    yield _versions()
    yield await _step("Ray", _ray(settings))
    yield _gpus()
    yield await _step("store", _store(settings))
    yield await _step("chart folder", _folder(settings))
    yield await _step("disk", _disk(settings))
    async for finding in _feeds(settings):
        yield finding
    yield await _step("ticker map", _tickers(settings))
    yield await _step("language model", _model(settings))
    yield await _step("prices", _prices(settings))
    async for finding in check_sinks(settings):
        yield finding


async def _step(name: str, check: Awaitable[Finding]) -> Finding:
    try:
        return await check
    except CatalystError as error:
        return Finding(name, "fail", error.message, error.hint or MENDS[name])
    except Exception as error:  # the boundary of a check: the others must still run
        log.exception("a check broke off", extra={"check": name})
        words = f"broke off: {type(error).__name__}"
        return Finding(name, "fail", words, "a fault of the program: report it with the lines above")


def _versions() -> Finding:
    words = (
        f"Python {platform.python_version()}, Ray {version('ray')}, catalyst-ray {version('catalyst-ray')}"
    )
    return Finding("versions", "ok", words)


async def _ray(settings: Settings) -> Finding:
    if settings.ray_address is None:
        return Finding("Ray", "ok", "each run starts its own on this machine (RAY_ADDRESS is unset)")
    with ray_session(settings.ray_address, dashboard=False, allow_open=None) as session:
        pass
    words = f"{session.nodes} nodes, {session.cpus:g} CPUs, {session.gpus:g} GPUs at {session.address}"
    dashboard = session.dashboard_url
    if dashboard and not is_loopback(urlsplit(dashboard).hostname or "") and await is_open(dashboard):
        mend = "anyone who reaches it can run programs there: set RAY_AUTH_MODE=token on every node"
        return Finding("Ray", "warn", f"{words}; {dashboard} asks for no token", mend)
    return Finding("Ray", "ok", words)


async def is_open(dashboard_url: str) -> bool:
    """Return whether a Ray dashboard lists its jobs to somebody without a token."""
    timeout = aiohttp.ClientTimeout(total=DASHBOARD_TIMEOUT_S)
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout) as http,
            http.get(f"{dashboard_url}/api/jobs/") as answer,
        ):
            return answer.status == HTTPStatus.OK
    except (aiohttp.ClientError, TimeoutError):
        return False


def _gpus() -> Finding:
    with NvmlProbe() as probe:
        cards = probe.sample(full=False)
    if not cards:
        mend = "nothing to do on a CPU machine; else `nvidia-smi` must list the card"
        return Finding("GPUs", "warn", f"none seen ({probe.reason or 'NVML answers'})", mend)
    names = ", ".join(f"{c.index}: {c.name}" for c in cards)
    return Finding("GPUs", "ok", names)


async def _store(settings: Settings) -> Finding:
    def use() -> int:
        store = SqlStore.open(settings.store_url)
        try:
            return sum(store.delivery_counts().values())
        finally:
            store.close()

    make_folder(settings)
    rows = await asyncio.to_thread(use)
    return Finding("store", "ok", f"readable and writable, {rows} outbox rows")


async def _folder(settings: Settings) -> Finding:
    folder = settings.quickchart_image_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".write-test").touch()
        (folder / ".write-test").unlink()
    except OSError as error:
        return Finding("chart folder", "fail", f"{folder}: {error.strerror}", MENDS["chart folder"])
    return Finding("chart folder", "ok", f"{folder} is writable")


async def _disk(settings: Settings) -> Finding:
    where = next(p for p in (settings.out_dir, *settings.out_dir.absolute().parents) if p.exists())
    free = shutil.disk_usage(where).free
    status = "ok" if free > LOW_DISK_BYTES else "warn"
    return Finding(
        "disk", status, f"{free / 2**30:.1f} GiB free", "" if status == "ok" else "free some space"
    )


async def _feeds(settings: Settings) -> AsyncIterator[Finding]:
    try:
        feeds = choose_feeds(settings)
    except CatalystError as error:
        yield Finding("feeds", "fail", error.message, error.hint or MENDS["feeds"])
        return
    async with make_fetcher(settings, SystemClock()) as fetcher:
        for finding in await asyncio.gather(*(_feed(spec, fetcher) for spec in feeds.active)):
            yield finding
    for mend, names in feeds.off_by_mend().items():
        yield Finding("feeds off", "warn", names, mend)


async def _feed(spec: FeedSpec, fetcher: HttpFetcher) -> Finding:
    name = f"feed {spec.name}"
    try:
        fetched = await fetcher.fetch(spec, FeedState(feed=spec.name))
        parsed = await asyncio.to_thread(parse_feed, fetched, spec)
    except CatalystError as error:
        return Finding(name, "fail", error.message, error.hint or MENDS["feeds"])
    words = f"{parsed.entries} entries in {fetched.seconds:.2f} s"
    return Finding(
        name, "ok" if parsed.entries else "warn", words, "" if parsed.entries else "is the feed empty?"
    )


async def _tickers(settings: Settings) -> Finding:
    directory, notes = await make_tickers(settings).load(SystemClock().now_utc())
    if len(directory):
        return Finding("ticker map", "ok", f"{len(directory)} tickers")
    words = "; ".join(note.detail or note.code for note in notes) or "empty"
    return Finding("ticker map", "warn", words, MENDS["ticker map"])


async def _model(settings: Settings) -> Finding:
    choice = await choose_engine(engine_wish(settings))
    if choice.spec is None:
        status, mend = MISSING_MODEL[settings.llm_engine]
        return Finding("language model", status, choice.words, mend)
    # Started here, without Ray, with the cards that a replica would get.
    with NvmlProbe() as probe:
        gpus = math.ceil(settings.llm_gpus_per_replica) if probe.sample(full=False) else 0
    model = choice.spec.make(name="doctor", workers=1, gpus=gpus)
    limit_s = settings.llm_start_timeout_secs
    try:
        async with asyncio.timeout(limit_s):
            info = await model.start()
        started = time.perf_counter()
        await model.generate(TEST_PROMPT)
        seconds = time.perf_counter() - started
    except TimeoutError:
        mend = "name a smaller model in LLM_MODEL_NAME, or raise LLM_START_TIMEOUT_SECS"
        return Finding("language model", "fail", f"{choice.words}: not loaded in {limit_s:g} s", mend)
    finally:
        await model.stop()
    words = f"{info.engine} runs {info.model} on {info.device}, test prompt {seconds:.2f} s"
    if not info.has_weight:
        mend = "for verdicts that count run Ollama with a real model: OLLAMA_HOST, LLM_MODEL_NAME"
        return Finding("language model", "warn", f"{words}; its verdict is shown, without weight", mend)
    return Finding("language model", "ok", words)


async def _prices(settings: Settings) -> Finding:
    if settings.price_source == "none":
        return Finding(
            "prices",
            "warn",
            "none: cards have no chart",
            "set PRICE_SOURCE=yfinance, alpaca, csv, parquet or http",
        )
    ticker = min(settings.watched, default=TEST_TICKER)
    source = make_prices(settings)
    try:
        bars = await source.bars(ticker, "1D")
    except RateLimited as error:
        mend = error.hint or "it works, and refuses for now: alerts in the meantime have no chart"
        return Finding("prices", "warn", error.message, mend)
    finally:
        await source.close()
    if bars is None:
        mend = "cards of tickers without bars have no chart; put one that it has into WATCH_LIST to check it"
        return Finding("prices", "warn", f"{source.name} answers, and has no bars of {ticker}", mend)
    mended = "".join(f"; {said(remark)}" for remark in bars.remarks)
    return Finding("prices", "ok", f"{source.name} answers, {len(shown_rows(bars))} bars of {ticker}{mended}")

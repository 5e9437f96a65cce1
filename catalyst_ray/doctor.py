"""Checks a set-up by using it: each finding is ok, a warning or a failure, and says how to mend it."""

from __future__ import annotations

import asyncio
import platform
import shutil
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.discord import DiscordWebhook
from catalyst_ray.adapters.gpu import NvmlProbe
from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.cluster.engines import choose_engine
from catalyst_ray.core.parse import parse_feed
from catalyst_ray.errors import CatalystError
from catalyst_ray.models import FeedState, LlmRequest
from catalyst_ray.wiring import choose_feeds, make_fetcher, make_folder, make_prices, make_tickers

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from catalyst_ray.adapters.http import HttpFetcher
    from catalyst_ray.models import FeedSpec
    from catalyst_ray.settings import Settings

LOW_DISK_BYTES = 2 * 2**30
TEST_TICKER = "AAPL"
LLM_START_TIMEOUT_S = 120.0
TEST_SCHEMA = '{"type":"object","properties":{"direction":{"type":"number"}},"required":["direction"]}'


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report; ``status`` is ``ok``, ``warn`` or ``fail``."""

    name: str
    status: str
    words: str
    mend: str = ""


async def examine(settings: Settings) -> list[Finding]:
    """Run every check and return the findings in order; no check stops another."""
    found = [_versions(), _gpus(), await _step("store", lambda: _store(settings))]
    found += [_folder(settings), _disk(settings)]
    found += [finding async for finding in _feeds(settings)]
    found += [
        await _step("ticker map", lambda: _tickers(settings)),
        await _step("language model", lambda: _model(settings)),
        await _step("prices", lambda: _prices(settings)),
        await _step("discord", lambda: _discord(settings)),
    ]
    return found


async def _step(name: str, check: Callable[[], Awaitable[Finding]]) -> Finding:
    try:
        return await check()
    except CatalystError as error:
        return Finding(name, "fail", error.message, error.hint or "")


def _versions() -> Finding:
    words = (
        f"Python {platform.python_version()}, Ray {version('ray')}, catalyst-ray {version('catalyst-ray')}"
    )
    return Finding("versions", "ok", words)


def _gpus() -> Finding:
    probe = NvmlProbe()
    cards = probe.sample()
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


def _folder(settings: Settings) -> Finding:
    folder = settings.quickchart_image_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".write-test").touch()
        (folder / ".write-test").unlink()
    except OSError as error:
        return Finding("chart folder", "fail", f"{folder}: {error.strerror}", "set QUICKCHART_IMAGE_DIR")
    return Finding("chart folder", "ok", f"{folder} is writable")


def _disk(settings: Settings) -> Finding:
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
        yield Finding("feeds", "fail", str(error), error.hint or "")
        return
    async with make_fetcher(settings, SystemClock()) as fetcher:
        for finding in await asyncio.gather(*(_feed(spec, fetcher) for spec in feeds.active)):
            yield finding
    for name, mend in feeds.off.items():
        yield Finding(f"feed {name}", "warn", "off", mend)


async def _feed(spec: FeedSpec, fetcher: HttpFetcher) -> Finding:
    name = f"feed {spec.name}"
    try:
        fetched = await fetcher.fetch(spec, FeedState(feed=spec.name))
        parsed = await asyncio.to_thread(parse_feed, fetched, spec)
    except CatalystError as error:
        return Finding(name, "fail", error.message, error.hint or "")
    words = f"{parsed.entries} entries in {fetched.seconds:.2f} s"
    return Finding(
        name, "ok" if parsed.entries else "warn", words, "" if parsed.entries else "is the feed empty?"
    )


async def _tickers(settings: Settings) -> Finding:
    directory, notes = await make_tickers(settings).load(SystemClock().now_utc())
    if len(directory):
        return Finding("ticker map", "ok", f"{len(directory)} tickers")
    words = "; ".join(map(str, notes)) or "empty"
    return Finding(
        "ticker map", "warn", words, "set SEC_CONTACT, or SEC_TICKERS_FILE for use without network"
    )


async def _model(settings: Settings) -> Finding:
    choice = await choose_engine(
        settings.llm_engine, ollama_host=settings.ollama_host, model=settings.llm_model_name
    )
    if choice.spec is None:
        return Finding("language model", "warn", choice.words, "alerts go out with the fast tier alone")
    model = choice.spec.make(workers=1)
    try:
        async with asyncio.timeout(LLM_START_TIMEOUT_S):
            info = await model.start()
        started = time.perf_counter()
        await model.generate(
            LlmRequest(
                key="doctor",
                system="Answer in JSON.",
                prompt="direction: 0",
                schema=TEST_SCHEMA,
                timeout_s=60.0,
            )
        )
    except TimeoutError:
        return Finding(
            "language model",
            "fail",
            f"{choice.words}: not loaded in {LLM_START_TIMEOUT_S:.0f} s",
            "use a smaller model",
        )
    finally:
        await model.stop()
    seconds = time.perf_counter() - started
    words = f"{info.engine} runs {info.model} on {info.device}, test prompt {seconds:.2f} s"
    return Finding("language model", "ok", words)


async def _prices(settings: Settings) -> Finding:
    if settings.price_source == "none":
        return Finding(
            "prices", "warn", "none: cards have no chart", "set PRICE_SOURCE=yfinance, csv or http"
        )
    source = make_prices(settings)
    try:
        bars = await source.bars(TEST_TICKER, "1D")
    finally:
        await source.close()
    return Finding("prices", "ok", f"{source.name} answers, {len(bars) if bars else 0} bars of {TEST_TICKER}")


async def _discord(settings: Settings) -> Finding:
    if settings.discord_webhook_url is None:
        return Finding("discord", "warn", "dry run: no webhook", "set DISCORD_WEBHOOK_URL to post alerts")
    webhook = DiscordWebhook(settings.discord_webhook_url.get_secret_value())
    try:
        words = await webhook.check()
    finally:
        await webhook.close()
    return Finding("discord", "ok", words)

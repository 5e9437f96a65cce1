"""A driver without Ray for the crash test: runs cycles on real adapters and kills itself at a named step.

Usage: python crash_driver.py BASE_URL WEBHOOK_URL FOLDER STEP
STEP is a store method with ``before:`` or ``after:`` (``after:claim``), or ``never``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import Any

import aiohttp

from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.discord import DiscordWebhook
from catalyst_ray.adapters.http import HttpFetcher
from catalyst_ray.adapters.prices import NoPrices
from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.core.directory import TickerDirectory
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.models import FeedKind, FeedSpec, Reason, Verdict
from catalyst_ray.pipeline.courier import Courier
from catalyst_ray.pipeline.cycle import Cycle
from catalyst_ray.pipeline.flow import Flow
from catalyst_ray.pipeline.intake import Intake
from catalyst_ray.pipeline.pictures import Pictures


class DyingStore:
    """The real store; SIGKILLs this process at one step, the second time it comes there."""

    def __init__(self, store: SqlStore, step: str) -> None:
        self._store = store
        self._step = step
        self._left = 2

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)
        if self._step.partition(":")[2] != name:
            return method

        def dying(*args: Any, **options: Any) -> Any:
            self._left -= 1
            if self._step.startswith("before:") and self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            result = method(*args, **options)
            if self._left <= 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return dying


class NoModel:
    """A judge that is off, and an artist that is never asked since there are no prices."""

    async def judge(self, *_: object, **__: object) -> Verdict:
        """Say that there is no model."""
        return Verdict(None, Reason("llm_off"))

    def stats(self) -> dict[str, float]:
        """Return nothing."""
        return {}


async def main(base_url: str, webhook_url: str, folder: Path, step: str) -> None:
    """Run two cycles: the second sends what the first held back."""
    clock = SystemClock()
    store: Any = DyingStore(SqlStore.open(f"sqlite:///{folder}/catalyst.db"), step)
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{base_url}/_control/feeds") as answer:
            rows = await answer.json()
        async with session.get(f"{base_url}/files/company_tickers.json") as answer:
            directory = TickerDirectory.from_json(await answer.read())
    feeds = [FeedSpec(**{**row, "kind": FeedKind(row["kind"])}) for row in rows]
    model: Any = NoModel()
    fast = FastTier(
        directory=directory, sentiment=SentimentModel(), policy=default_policy(), uses=ModelUses()
    )
    discord = DiscordWebhook(webhook_url)
    courier = Courier(store=store, sinks=[discord], clock=clock, gauge=lambda _: b"", chance=lambda: 0.5)
    pictures = Pictures(
        prices=NoPrices(), artist=model, clock=clock, folder=folder, timeout_s=1.0, theme="dark"
    )
    async with HttpFetcher(
        clock=clock, timeout_s=5, max_bytes=10**7, version="0", finnhub_token="k"
    ) as fetcher:
        cycle = Cycle(
            clock=clock,
            store=store,
            intake=Intake(clock=clock, fetcher=fetcher, store=store, chance=lambda: 0.5),
            flow=Flow(clock=clock, store=store, fast=fast, judge=model, pictures=pictures, courier=courier),
            courier=courier,
            judge=model,
            artist=model,
            feeds=feeds,
            off={},
            max_alerts=6,
            parallel=True,
        )
        deliveries = asyncio.ensure_future(courier.run())
        for number in (1, 2):
            report = await cycle.run(number, wait_for_retries_s=10.0)
            assert report.counts["failed"] == 0, report.problems
        deliveries.cancel()
    await discord.close()
    store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]))

"""A driver without Ray for the crash test: runs cycles on real adapters and kills itself at a named step.

Usage: python crash_driver.py BASE_URL WEBHOOK_URL FOLDER STEP
STEP is a store method, or the sink's ``edit``, with ``before:`` or ``after:`` (``after:claim``), or ``never``.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
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
from catalyst_ray.models import Alert, FeedKind, FeedSpec, GpuSample, Reason, Receipt, Verdict
from catalyst_ray.pipeline.charting import ChartLook
from catalyst_ray.pipeline.courier import Courier
from catalyst_ray.pipeline.cycle import Cycle
from catalyst_ray.pipeline.flow import Flow
from catalyst_ray.pipeline.gatekeeper import Gatekeeper
from catalyst_ray.pipeline.intake import Intake
from catalyst_ray.pipeline.late import LateVerdicts
from catalyst_ray.pipeline.pictures import Pictures
from catalyst_ray.pipeline.quotes import Quotes
from catalyst_ray.pipeline.release import Releaser
from catalyst_ray.pipeline.stories import Stories

NEW_VALUE = 0.987
"""What a revised alert is worth."""


class Death:
    """SIGKILLs this process at one step, the second time it comes there."""

    def __init__(self, step: str) -> None:
        self._step = step
        self._left = 2

    def before(self, name: str) -> None:
        """Count a call; die if it is the step's second and was to come to nothing."""
        if self._step.partition(":")[2] == name:
            self._left -= 1
            self._die_if("before:")

    def after(self, name: str) -> None:
        """Die if this was the step's second call."""
        if self._step.partition(":")[2] == name:
            self._die_if("after:")

    def _die_if(self, when: str) -> None:
        if self._left <= 0 and self._step.startswith(when):
            os.kill(os.getpid(), signal.SIGKILL)


class DyingStore:
    """The real store, whose methods are steps."""

    def __init__(self, store: SqlStore, death: Death) -> None:
        self._store = store
        self._death = death

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def dying(*args: Any, **options: Any) -> Any:
            self._death.before(name)
            result = method(*args, **options)
            self._death.after(name)
            return result

        return dying


class DyingDiscord(DiscordWebhook):
    """The real webhook, whose edits are steps."""

    def __init__(self, url: str, death: Death) -> None:
        super().__init__(url)
        self._death = death

    async def edit(self, alert: Alert, **options: Any) -> Receipt:
        """Edit between two steps."""
        self._death.before("edit")
        receipt = await super().edit(alert, **options)
        self._death.after("edit")
        return receipt


class NoModel:
    """A judge that is off, and an artist that is never asked since there are no prices."""

    async def judge(self, *_: object, **__: object) -> Verdict:
        """Say that there is no model."""
        return Verdict(None, Reason("llm_off"))

    def expected_s(self, _ahead: int) -> float:
        """Answer at once."""
        return 0.0

    def stats(self) -> dict[str, float]:
        """Return nothing."""
        return {}


class NoGpus:
    """A cluster without cards."""

    async def window(self, _seconds: float) -> tuple[GpuSample, ...]:
        """Return nothing."""
        return ()


async def revise_all(store: Any, courier: Courier, clock: SystemClock) -> None:
    """Revise every alert to one value, as when the language model's answers come; wait for the edits."""
    for alert in store.recent_alerts(limit=1_000):
        if alert.value != NEW_VALUE:
            now = clock.now_utc()
            decision = replace(alert.decision, value=NEW_VALUE)
            newer = replace(alert, decision=decision, revision=alert.revision + 1, revised_utc=now)
            store.revise_alert(newer, now_utc=now)
            courier.wake()
    await courier.settle(10.0, retries=True)


async def main(base_url: str, webhook_url: str, folder: Path, step: str) -> None:
    """Run two cycles, of which the second sends what the first held back, then revise all alerts."""
    clock, death = SystemClock(), Death(step)
    store: Any = DyingStore(SqlStore.open(f"sqlite:///{folder}/catalyst.db"), death)
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
    discord = DyingDiscord(webhook_url, death)
    courier = Courier(store=store, sinks=[discord], clock=clock, gauge=lambda _: b"", chance=lambda: 0.5)
    pictures = Pictures(
        prices=NoPrices(),
        artist=model,
        clock=clock,
        folder=folder,
        timeout_s=1.0,
        timeframe="1D",
        look=ChartLook(),
    )
    releaser = Releaser(clock=clock, store=store, pictures=pictures, courier=courier)
    late = LateVerdicts()
    async with HttpFetcher(
        clock=clock, timeout_s=5, max_bytes=10**7, version="0", finnhub_token="k"
    ) as fetcher:
        cycle = Cycle(
            clock=clock,
            store=store,
            intake=Intake(clock=clock, fetcher=fetcher, store=store, chance=lambda: 0.5),
            flow=Flow(
                clock=clock,
                store=store,
                fast=fast,
                judge=model,
                stories=Stories(clock=clock, store=store, releaser=releaser),
                gatekeeper=Gatekeeper(
                    gates=fast.gates,
                    store=store,
                    quotes=Quotes(prices=NoPrices(), clock=clock, timeout_s=1.0),
                    clock=clock,
                ),
                releaser=releaser,
                late=late,
                alert_wait_s=5.0,  # the judge answers at once: cycles edit for copies only
            ),
            releaser=releaser,
            late=late,
            late_s=0.0,
            courier=courier,
            queues={"llm": model.stats},
            gpus=NoGpus(),
            rss=lambda: None,
            feeds=feeds,
            off={},
            max_alerts=6,
            period_s=60.0,
            parallel=True,
        )
        deliveries = asyncio.ensure_future(courier.run())
        for number in (1, 2):
            report = await cycle.run(number, wait_for_retries_s=10.0)
            assert report.counts["failed"] == 0, report.problems
        await revise_all(store, courier, clock)
        deliveries.cancel()
    await discord.close()
    store.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]))

"""Starts the program: opens what can fail first, joins Ray, warms up, and runs the driver.

Everything that can be wrong is found before Ray starts; what only makes cards poorer (no model, no prices)
is said once and the rest runs.
"""

from __future__ import annotations

import asyncio
import logging
import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    AsyncExitStack,
    ExitStack,
    nullcontext,
    suppress,
)
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, TextIO

from catalyst_ray import settings_llm, wiring
from catalyst_ray.adapters.allocator import give_back_memory, keep_little
from catalyst_ray.adapters.clock import SystemClock
from catalyst_ray.adapters.edgar_documents import EdgarDocuments
from catalyst_ray.adapters.page import write_page
from catalyst_ray.adapters.processes import own_rss_bytes
from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.cluster.chart_pool import ChartPool
from catalyst_ray.cluster.driver import Driver
from catalyst_ray.cluster.engines import check_engine, choose_engine
from catalyst_ray.cluster.filing_reader import FilingReader, FilingTask
from catalyst_ray.cluster.gpu_watch import ClusterGpus
from catalyst_ray.cluster.judge import READ_PATIENCE_S
from catalyst_ray.cluster.late_judge import LateJudge
from catalyst_ray.cluster.opening import open_judge
from catalyst_ray.cluster.service import Opening
from catalyst_ray.cluster.session import ray_session, tell_of
from catalyst_ray.cluster.spans import timeline_span
from catalyst_ray.cluster.stop import StopSignal
from catalyst_ray.core.gauge import GaugeBook
from catalyst_ray.models import FeedKind
from catalyst_ray.pipeline.courier import Courier
from catalyst_ray.pipeline.cycle import Cycle
from catalyst_ray.pipeline.flow import Flow
from catalyst_ray.pipeline.housekeeping import Housekeeping
from catalyst_ray.pipeline.intake import Intake
from catalyst_ray.pipeline.late import LateVerdicts
from catalyst_ray.pipeline.paperwork import Paperwork
from catalyst_ray.pipeline.release import Releaser
from catalyst_ray.pipeline.stories import Stories
from catalyst_ray.wiring_metrics import Seen, exporting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from catalyst_ray.adapters.http import HttpFetcher
    from catalyst_ray.adapters.sec_tickers import SecTickers
    from catalyst_ray.cluster.judge import LlmJudge, NoJudge
    from catalyst_ray.cluster.llm_replica import ReplicaInfo
    from catalyst_ray.core.fast_tier import FastTier
    from catalyst_ray.models import CycleReport, Reason
    from catalyst_ray.settings import Settings
    from catalyst_ray.web.server import PageServer
    from catalyst_ray.wiring import FeedChoice

log = logging.getLogger(__name__)

THREADS = 32
TICKERS_CHECK_S = 60.0
"""How often a running driver looks whether the ticker map is due; the map itself asks SEC once a week."""
MODEL_GRACE_S, LOOP_GRACE_S = 20.0, 2.0
"""How long the first cycle waits for the model, where cycles are counted and where they go on for ever."""
NO_MAP = "the CIK to ticker map is not there yet: filings wait for it (see SEC_CONTACT, SEC_TICKERS_FILE)"


@dataclass(frozen=True, slots=True)
class Running:
    """What a run that works can be asked, from the thread of its event loop only."""

    queues: Mapping[str, Callable[[], Mapping[str, float]]]
    replicas: Callable[[], Sequence[ReplicaInfo]]
    model: Callable[[], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How a run is started, beside its settings.

    Args:
        cycles: Cycles to run; None = until stopped.
        out: Where the console sink writes; standard output when None.
        is_terminal: A person reads it: the console sink draws cards there.
        on_report: Told of every cycle's report.
        dashboard: Start Ray's dashboard with a local cluster.
        json_logs: The lines of our actors and tasks are JSON, as this process's are.
        fake_gpus: GPUs that a local cluster pretends to have (demo).
        around: Entered around the cycles, Ray being up, in the event loop's thread.
        stop: For who starts it and asks afterwards whether it was stopped.
    """

    cycles: int | None
    out: TextIO | None = None
    is_terminal: bool
    on_report: Callable[[CycleReport], None]
    dashboard: bool = True
    json_logs: bool = False
    fake_gpus: int | None = None
    around: Callable[[Running], AbstractContextManager[None]] = lambda _: nullcontext()
    stop: StopSignal = field(default_factory=StopSignal)


def run_app(settings: Settings, start: Start) -> CycleReport | None:
    """Run the program and return the last cycle's report; None when it was stopped before one ended.

    Raises:
        ConfigError: A setting, file or extra cannot be used.
        TransportError: Nobody answers at the cluster's address.
        StoreError: The store failed.
    """
    keep_little()
    feeds = wiring.choose_feeds(settings)
    for mend, names in feeds.off_by_mend().items():
        log.warning("feeds are off", extra={"feeds": names, "mend": mend})
    wiring.make_folder(settings)
    check_engine(settings_llm.engine_wish(settings))
    with ExitStack() as stack:
        store = stack.enter_context(SqlStore.open(settings.store_url))
        page = stack.enter_context(wiring.open_page(settings)) if settings.web_port else None
        app = _App(settings, start, feeds, store, page)
        where = {"address": settings.ray_address} if settings.ray_address else {}
        log.info("joining Ray" if where else "starting Ray on this machine", extra=where)
        with ray_session(
            settings.ray_address,
            dashboard=start.dashboard,
            fake_gpus=start.fake_gpus,
            allow_open=settings.allow_open_dashboard,
            worker_logs=settings.log_level if start.json_logs else None,
        ) as session:
            tell_of(session)
            return asyncio.run(app.run())


class _App:
    """The parts of one run, made in the order in which they need each other."""

    def __init__(
        self, settings: Settings, start: Start, feeds: FeedChoice, store: SqlStore, page: PageServer | None
    ) -> None:
        self._settings = settings
        self._start = start
        self._feeds = feeds
        self._store = store
        self._page = page
        self._clock = SystemClock()
        self._chance = random.Random().random  # noqa: S311  (jitter, no secret)
        self._limits = settings_llm.llm_limits(settings)
        self._prices = wiring.make_prices(settings)
        self._sinks = wiring.make_sinks(settings, out=start.out, is_terminal=start.is_terminal)
        self._pulse = wiring.make_pulse(settings, self._clock)
        self._gauges = GaugeBook(theme=settings.picture_theme)
        self._artist = ChartPool(
            clock=self._clock,
            workers=settings.chart_queue_workers,
            cache_ttl_s=settings.chart_cache_ttl,
            timeout_s=settings.chart_timeout_secs,
        )
        self._pictures = wiring.make_pictures(
            settings, prices=self._prices, artist=self._artist, clock=self._clock
        )

        self._courier = Courier(
            store=store,
            sinks=self._sinks,
            clock=self._clock,
            gauge=self._gauges.get,
            chance=self._chance,
            digest_after_s=settings.delivery_digest_secs,
        )

    async def run(self) -> CycleReport | None:
        """Warm up, run the driver, and close everything again; a stop ends the warm-up too."""
        # Python's default is six threads on two cores: a few slow price calls would hold up the store.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS))
        async with AsyncExitStack() as stack:
            stop = stack.enter_context(self._start.stop)
            fetcher = await self._open(stack, stop)
            filings = self._filing_reader(fetcher)
            stack.push_async_callback(filings.close)
            judge, gpus = self._judging(stack, filings)
            tickers = wiring.make_tickers(self._settings)
            fast = await stop.unless_stopped(self._warm_up(judge, tickers))
            if fast is None:
                return None
            refresh = asyncio.ensure_future(self._keep_fresh(fast, tickers))
            stack.push_async_callback(_end, refresh)
            late = LateVerdicts()
            stack.push_async_callback(late.close)
            housekeeping = self._housekeeping()
            queues = {
                "llm": judge.stats,
                "charts": self._artist.stats,
                "filings": filings.stats,
                "prices": self._prices.stats,
            }
            on_report = await stack.enter_async_context(self._exporting(queues, gpus))
            cycle = self._cycle(
                intake=self._intake(fetcher, fast),
                fast=fast,
                judge=judge,
                filings=filings,
                late=late,
                gpus=gpus,
                housekeeping=housekeeping,
                queues=queues,
            )
            driver = self._driver(cycle, housekeeping, on_report, stop)
            with self._start.around(Running(queues, judge.replicas, lambda: judge.words)):
                return await driver.run(cycles=self._start.cycles)

    async def _open(self, stack: AsyncExitStack, stop: StopSignal) -> HttpFetcher:
        await stack.enter_async_context(self._pulse.beating(stop.wait))
        if self._page:
            await stack.enter_async_context(self._page.serving())
        for closing in (self._artist.close, self._prices.close, *(s.close for s in self._sinks)):
            stack.push_async_callback(closing)
        return await stack.enter_async_context(wiring.make_fetcher(self._settings, self._clock))

    def _judging(self, stack: AsyncExitStack, filings: FilingReader) -> tuple[LateJudge, ClusterGpus]:
        """Begin to look for a model, and to watch its cards."""
        judge = LateJudge(lambda tell: self._look_for_model(filings, tell), clock=self._clock)
        stack.push_async_callback(judge.close)
        judge.start()
        gpus = ClusterGpus(clock=self._clock, replicas=judge.replicas)
        stack.push_async_callback(gpus.close)
        gpus.start()
        return judge, gpus

    def _exporting(
        self, queues: Mapping[str, Callable[[], Mapping[str, float]]], gpus: ClusterGpus
    ) -> AbstractAsyncContextManager[Callable[[CycleReport], None]]:
        seen = Seen(store=self._store, courier=self._courier, queues=queues, cards=gpus, feeds=self._feeds)
        return exporting(self._settings, seen, clock=self._clock, on_report=self._report)

    async def _warm_up(self, judge: LateJudge, tickers: SecTickers) -> FastTier:
        (directory, notes), _, _, _ = await asyncio.gather(
            tickers.load(self._clock.now_utc()),
            judge.ready(LOOP_GRACE_S if self._start.cycles is None else MODEL_GRACE_S),
            self._artist.start(),
            asyncio.to_thread(self._gauges.fill),
        )
        _warn_of(notes)
        figures = {"feeds": len(self._feeds.active), "tickers": len(directory), "model": judge.words}
        log.info("ready", extra=figures)
        return wiring.make_fast_tier(self._settings, directory)

    def _intake(self, fetcher: HttpFetcher, fast: FastTier) -> Intake:
        return Intake(
            clock=self._clock,
            fetcher=fetcher,
            store=self._store,
            chance=self._chance,
            # Decided now, filings would be dropped for want of a ticker, and for good.
            obstacle=lambda spec: NO_MAP if spec.kind is FeedKind.EDGAR and not fast.directory else None,
        )

    def _filing_reader(self, fetcher: HttpFetcher) -> FilingReader:
        timeout_s = self._settings.llm_timeout_secs
        private = [feed.name for feed in self._feeds.active if feed.allow_private]
        return FilingReader(
            submissions=EdgarDocuments(fetcher, self._clock, timeout_s=timeout_s, private_feeds=private),
            parser=FilingTask(timeout_s=timeout_s),
            clock=self._clock,
        )

    async def _look_for_model(self, filings: FilingReader, tell: Callable[[str], None]) -> LlmJudge | NoJudge:
        choice = await choose_engine(settings_llm.engine_wish(self._settings))
        opening = Opening(clock=self._clock, limits=self._limits, tell=tell)
        return await open_judge(choice, opening, store=self._store, documents=filings)

    def _cycle(
        self,
        *,
        intake: Intake,
        fast: FastTier,
        judge: LateJudge,
        filings: FilingReader,
        late: LateVerdicts,
        gpus: ClusterGpus,
        housekeeping: Housekeeping,
        queues: Mapping[str, Callable[[], Mapping[str, float]]],
    ) -> Cycle:
        settings = self._settings
        releaser = Releaser(
            clock=self._clock, store=self._store, pictures=self._pictures, courier=self._courier
        )
        return Cycle(
            clock=self._clock,
            store=self._store,
            intake=intake,
            flow=self._flow(
                releaser, fast=fast, judge=judge, filings=filings, late=late, housekeeping=housekeeping
            ),
            releaser=releaser,
            late=late,
            late_s=settings.llm_timeout_secs + READ_PATIENCE_S,
            courier=self._courier,
            queues=queues,
            gpus=gpus,
            rss=own_rss_bytes,
            feeds=self._feeds.active,
            off=self._feeds.off,
            max_alerts=settings.max_alerts_per_cycle,
            period_s=settings.sleep_seconds,
            parallel=settings.feeds_parallel,
            span=timeline_span(),
        )

    def _flow(
        self,
        releaser: Releaser,
        *,
        fast: FastTier,
        judge: LateJudge,
        filings: FilingReader,
        late: LateVerdicts,
        housekeeping: Housekeeping,
    ) -> Flow:
        settings, store, clock = self._settings, self._store, self._clock
        return Flow(
            clock=clock,
            store=store,
            fast=fast,
            judge=judge,
            stories=Stories(clock=clock, store=store, releaser=releaser),
            gatekeeper=wiring.make_gatekeeper(settings, fast, store=store, prices=self._prices, clock=clock),
            releaser=releaser,
            late=late,
            alert_wait_s=settings.llm_alert_wait_secs,
            paperwork=Paperwork(documents=filings, clock=clock, wait_s=settings.filing_read_secs),
            on_revised=housekeeping.refresh_soon,
        )

    def _housekeeping(self) -> Housekeeping:
        page = self._settings.out_dir / "index.html"
        return Housekeeping(
            clock=self._clock,
            store=self._store,
            pictures=self._pictures,
            page=lambda alerts, report: write_page(page, alerts, report, self._gauges.get),
            chart_keep_s=self._settings.chart_keep_seconds,
            retention=timedelta(days=self._settings.retention_days),
            trim=give_back_memory,
        )

    def _driver(
        self,
        cycle: Cycle,
        housekeeping: Housekeeping,
        on_report: Callable[[CycleReport], None],
        stop: StopSignal,
    ) -> Driver:
        return Driver(
            clock=self._clock,
            store=self._store,
            cycle=cycle,
            courier=self._courier,
            housekeeping=housekeeping,
            sleep_s=self._settings.sleep_seconds,
            on_begin=self._pulse.cycle_begins,
            on_report=on_report,
            stop=stop,
        )

    def _report(self, report: CycleReport) -> None:
        self._pulse.tell(report)
        self._start.on_report(report)

    async def _keep_fresh(self, fast: FastTier, tickers: SecTickers) -> None:
        told: tuple[Reason, ...] = ()
        while True:
            await self._clock.sleep(TICKERS_CHECK_S)
            fast.directory, notes = await tickers.load(self._clock.now_utc())
            if notes != told:
                _warn_of(notes)
            told = notes


def _warn_of(notes: Sequence[Reason]) -> None:
    for note in notes:
        log.warning("ticker map", extra={"reason": note.detail or note.code})


async def _end(task: asyncio.Future[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task

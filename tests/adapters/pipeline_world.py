"""A small invented world around the pipeline: the real store on SQLite, hand-written fakes for the rest."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from catalyst_ray.adapters.store import SqlStore
from catalyst_ray.core.directory import Listing, TickerDirectory
from catalyst_ray.core.fast_tier import FastTier, ModelUses
from catalyst_ray.core.policy import default_policy
from catalyst_ray.core.sentiment import SentimentModel
from catalyst_ray.models import (
    Bars,
    FeedKind,
    FeedSpec,
    FeedState,
    Fetched,
    Picture,
    Reason,
    Receipt,
    Verdict,
)
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

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from catalyst_ray.models import Alert, ChartRequest, CycleReport, GpuSample, Item, Link, LlmUse, Score
    from catalyst_ray.pipeline.paperwork import Paperwork

NOW = datetime(2026, 3, 17, 14, 0, tzinfo=UTC)
PNG = b"\x89PNG invented"
TICKERS = ("QLLN", "MRPK", "TRVX", "OSTL", "BRND", "KELP", "VONA", "DRUM")
URGENT = "files for Chapter 11 bankruptcy"
STRONG = "wins supply contract"
MILD = "announces a strategic partnership"
DULL = "to present at the spring conference"
POLL_S = 0.2
"""Shorter sleeps are polls: they pass by themselves."""


class FakeClock:
    """Time that stands still: polls move it on, longer sleeps wait for ``advance``."""

    def __init__(self) -> None:
        self._now_s = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Event]] = []
        self._numbers = itertools.count()
        self.slept: list[float] = []
        """Every longer sleep that was asked for."""

    def now_utc(self) -> datetime:
        """Return the invented time."""
        return NOW + timedelta(seconds=self._now_s)

    def monotonic(self) -> float:
        """Return the invented seconds."""
        return self._now_s

    async def sleep(self, seconds: float) -> None:
        """Pass at once when it is a poll; wait for ``advance`` otherwise."""
        if seconds < POLL_S:
            self._now_s += max(0.0, seconds)
            await asyncio.sleep(0.0005)
            return
        self.slept.append(seconds)
        woken = asyncio.Event()
        heapq.heappush(self._sleepers, (self._now_s + seconds, next(self._numbers), woken))
        await woken.wait()

    def advance(self, seconds: float) -> None:
        """Let time pass and wake who slept until then."""
        self._now_s += seconds
        while self._sleepers and self._sleepers[0][0] <= self._now_s:
            heapq.heappop(self._sleepers)[2].set()

    def sleepers(self) -> int:
        """Return how many are asleep."""
        return len(self._sleepers)


async def until(holds: Callable[[], Any]) -> None:
    """Wait until something holds, at most some seconds."""
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110  (what is waited for is often in the store)
            await asyncio.sleep(0.001)


class FakeFetcher:
    """Answers what it was told, feed by feed; ``None`` in the list of answers is a 304."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.answers: dict[str, Any] = {}
        """A body, an error to raise, None for a 304, or an event to wait for; by feed."""
        self.etags: dict[str, str] = {}
        self.asked: list[FeedState] = []

    async def fetch(self, spec: FeedSpec, state: FeedState) -> Fetched:
        """Answer; see ``answers``."""
        self.asked.append(state)
        answer = self.answers[spec.name]
        if isinstance(answer, asyncio.Event):
            await answer.wait()
            answer = rss()
        if isinstance(answer, Exception):
            raise answer
        now = self._clock.now_utc()
        return Fetched(
            feed=spec.name,
            url=spec.url,
            status=304 if answer is None else 200,
            body=b"" if answer is None else answer.encode(),
            etag=None if answer is None else self.etags.get(spec.name),
            not_modified=answer is None,
            first_byte_utc=now,
            received_utc=now,
            seconds=0.25,
        )

    def times_asked(self, feed: str) -> int:
        """Return how often a feed was asked."""
        return sum(state.feed == feed for state in self.asked)


class FakeJudge:
    """Gives one verdict, or raises for titles that hold ``breaks_on``; waits for ``gate`` if there is one."""

    def __init__(self) -> None:
        self.verdict = Verdict(None, Reason("llm_off"))
        self.breaks_on: str | None = None
        self.gate: asyncio.Event | None = None
        self.expected = 0.0
        self.judged: list[str] = []
        self.uses: list[LlmUse] = []

    async def judge(self, item: Item, link: Link, score: Score, *, use: LlmUse, priority: int) -> Verdict:
        """Return the verdict."""
        self.judged.append(item.title)
        self.uses.append(use)
        if self.gate:
            await self.gate.wait()
        if self.breaks_on and self.breaks_on in item.title:
            raise RuntimeError("the judge broke")
        return self.verdict

    def expected_s(self, ahead: int) -> float:
        """Return what was set."""
        return self.expected

    def stats(self) -> Mapping[str, float]:
        """Return one figure."""
        return {"requests": len(self.judged)}


class FakeArtist:
    """Draws one picture, or raises ``error``; waits for ``gate`` if there is one."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.drawn: list[ChartRequest] = []
        self.cancelled = 0

    async def draw(self, request: ChartRequest, *, priority: int, timeout_s: float | None = None) -> Picture:
        """Return the picture."""
        self.drawn.append(request)
        try:
            if self.gate:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error:
            raise self.error
        return Picture(png=PNG, seconds=0.1)

    def stats(self) -> Mapping[str, float]:
        """Return one figure."""
        return {"requests": len(self.drawn)}


class FakePrices:
    """Has two bars for every ticker; or None, bars by timeframe, an error, or a wait without end."""

    name = "fake"

    def __init__(self) -> None:
        self.answer: Any = "bars"
        self.asked: list[str] = []

    async def bars(self, ticker: str, timeframe: str) -> Bars | None:
        """Return the bars; see ``answer``."""
        self.asked.append(ticker)
        if isinstance(self.answer, Exception):
            raise self.answer
        if isinstance(self.answer, dict):
            return self.answer.get(timeframe)
        if self.answer == "late":
            await asyncio.Event().wait()
        return two_bars(ticker) if self.answer == "bars" else None

    async def close(self) -> None:
        """Do nothing."""


class FakeSink:
    """Takes alerts; raises what ``errors`` holds first; ``gate`` makes it slow."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.errors: list[Exception] = []
        self.always: Exception | None = None
        self.gate: asyncio.Event | None = None
        self.calls: list[str] = []
        self.taken: list[Alert] = []
        self.edited: list[Alert] = []
        self.charts: list[bytes | None] = []
        self.on_call: Callable[[Alert], None] | None = None

    async def send(self, alert: Alert, *, chart: bytes | None, gauge: bytes | None) -> Receipt:
        """Take an alert."""
        self.calls.append(alert.id)
        if self.on_call:
            self.on_call(alert)
        if self.gate:
            await self.gate.wait()
        if self.errors:
            raise self.errors.pop(0)
        if self.always:
            raise self.always
        self.taken.append(alert)
        self.charts.append(chart)
        return Receipt(message_id=f"{self.name}-{len(self.taken)}")

    async def edit(
        self, alert: Alert, *, message_id: str | None, chart: bytes | None, gauge: bytes | None
    ) -> Receipt:
        """Take a revised alert."""
        self.edited.append(alert)
        return Receipt(message_id=message_id)

    async def close(self) -> None:
        """Do nothing."""

    def titles(self) -> list[str]:
        """Return the titles taken, in order."""
        return [alert.item.title for alert in self.taken]


class Telling:
    """The real store, with ``tell`` called before each method; what it raises, the method raises."""

    def __init__(self, store: SqlStore) -> None:
        self._store = store
        self.tell: Callable[[str, tuple[Any, ...]], None] = lambda _name, _args: None

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def telling(*args: Any, **options: Any) -> Any:
            self.tell(name, args)
            return method(*args, **options)

        return telling


class FakeGpus:
    """Cards that did always the same."""

    def __init__(self, cards: Sequence[GpuSample]) -> None:
        self._cards = cards

    async def window(self, seconds: float) -> tuple[GpuSample, ...]:
        """Return the cards."""
        assert seconds >= 0.0
        return tuple(self._cards)


@dataclass
class World:
    """Everything that one test needs, with the parts that it may change."""

    folder: Path
    store: Any
    clock: FakeClock = field(default_factory=FakeClock)
    judge: FakeJudge = field(default_factory=FakeJudge)
    artist: FakeArtist = field(default_factory=FakeArtist)
    prices: FakePrices = field(default_factory=FakePrices)
    sinks: list[FakeSink] = field(default_factory=lambda: [FakeSink("wall")])
    max_alerts: int = 10
    period_s: float = 60.0
    parallel: bool = True
    off: dict[str, str] = field(default_factory=dict)
    chart_timeout_s: float = 5.0
    quote_timeout_s: float = 5.0
    alert_wait_s: float = 30.0
    paperwork: Paperwork | None = None
    jitter: float = 0.0
    gpus: list[GpuSample] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the parts that need others."""
        self.fetcher = FakeFetcher(self.clock)
        self.fast = fast_tier()
        self.courier = self.new_courier()
        self.late = LateVerdicts()
        self.revisions = 0
        self._releaser: Releaser | None = None
        self._number = 0

    def new_courier(self) -> Courier:
        """Return a courier to the sinks, as a new process would have it."""
        return Courier(
            store=self.store,
            sinks=self.sinks,
            clock=self.clock,
            gauge=lambda _value: b"gauge",
            chance=lambda: self.jitter,
        )

    def limit(self, **limits: Any) -> None:
        """Set limits of the decision, by their names in ``Gates``."""
        self.fast = fast_tier(**limits)

    def feed(self, name: str, answer: Any, *, etag: str | None = None) -> None:
        """Say what a feed answers from now on."""
        self.fetcher.answers[name] = answer
        if etag:
            self.fetcher.etags[name] = etag

    def pictures(self) -> Pictures:
        """Return what makes the charts."""
        return Pictures(
            prices=self.prices,
            artist=self.artist,
            clock=self.clock,
            folder=self.folder / "charts",
            timeout_s=self.chart_timeout_s,
            timeframe="1D",
            look=ChartLook(),
        )

    def intake(self) -> Intake:
        """Return what takes the feeds."""
        return Intake(clock=self.clock, fetcher=self.fetcher, store=self.store, chance=lambda: self.jitter)

    def cycle(self) -> Cycle:
        """Return a cycle over all feeds that have an answer."""
        if self._releaser is None:  # one for all cycles, as in the program
            self._releaser = Releaser(
                clock=self.clock, store=self.store, pictures=self.pictures(), courier=self.courier
            )
            self._stories = Stories(clock=self.clock, store=self.store, releaser=self._releaser)
        releaser = self._releaser
        quotes = Quotes(prices=self.prices, clock=self.clock, timeout_s=self.quote_timeout_s)
        flow = Flow(
            clock=self.clock,
            store=self.store,
            fast=self.fast,
            judge=self.judge,
            stories=self._stories,
            gatekeeper=Gatekeeper(gates=self.fast.gates, store=self.store, quotes=quotes, clock=self.clock),
            releaser=releaser,
            late=self.late,
            alert_wait_s=self.alert_wait_s,
            paperwork=self.paperwork,
            on_revised=self._revised,
        )
        return Cycle(
            clock=self.clock,
            store=self.store,
            intake=self.intake(),
            flow=flow,
            releaser=releaser,
            late=self.late,
            late_s=5.0,
            courier=self.courier,
            queues={"llm": self.judge.stats, "charts": self.artist.stats},
            gpus=FakeGpus(self.gpus),
            rss=lambda: 123_000_000,
            feeds=[spec(name) for name in self.fetcher.answers],
            off=self.off,
            max_alerts=self.max_alerts,
            period_s=self.period_s,
            parallel=self.parallel,
        )

    def _revised(self) -> None:
        self.revisions += 1

    async def run(self, **options: Any) -> CycleReport:
        """Run the next cycle with the courier beside it."""
        self._number += 1
        async with self.delivering():
            return await self.cycle().run(self._number, **options)

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[asyncio.Future[None]]:
        """Run the courier meanwhile."""
        task = asyncio.ensure_future(self.courier.run())
        try:
            yield task
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def action(self, title: str) -> str | None:
        """Return what the store says became of the one item with a title."""
        decision = self.record(title).decision
        return decision.action.value if decision else None

    def codes(self, title: str) -> list[str]:
        """Return the reasons for it."""
        decision = self.record(title).decision
        return [reason.code for reason in decision.reasons] if decision else []

    def record(self, title: str) -> Any:
        """Return the record of the one item with a title."""
        (record,) = [r for r in self.store.explain(title, limit=50) if r.item.title == title]
        return record

    @property
    def wall(self) -> FakeSink:
        """Return the first sink."""
        return self.sinks[0]


def open_world(folder: Path, **options: Any) -> World:
    """Return a world whose store lies in a folder; a second one there is the same after a restart."""
    return World(folder=folder, store=Telling(SqlStore.open(f"sqlite:///{folder / 'store.db'}")), **options)


def fast_tier(**limits: Any) -> FastTier:
    """Return the real fast tier over the invented companies, with other limits where given."""
    policy = default_policy()
    listings = [Listing(ticker, 100 + n, f"{ticker} Inc") for n, ticker in enumerate(TICKERS)]
    return FastTier(
        directory=TickerDirectory.from_listings(listings),
        sentiment=SentimentModel(),
        policy=replace(policy, gates=replace(policy.gates, **limits)),
        uses=ModelUses(),
    )


def spec(name: str, kind: FeedKind = FeedKind.RSS) -> FeedSpec:
    """Return a feed."""
    return FeedSpec(name=name, url=f"https://{name}.example/rss", kind=kind, source=name)


def headline(ticker: str, what: str = STRONG) -> str:
    """Return a headline on an invented company."""
    return f"{ticker.title()} Works (NASDAQ: {ticker}) {what}"


def rss(*titles: str, site: str = "wire", at: datetime = NOW) -> str:
    """Return a feed whose entries have addresses of their own on a site."""
    return _channel(
        f"<item><title>{escape(title)}</title><link>https://{site}.example/{slug(title)}</link>"
        f"<pubDate>{format_datetime(at)}</pubDate></item>"
        for title in titles
    )


def _channel(items: Iterable[str]) -> str:
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Wire</title>{"".join(items)}</channel></rss>'


def slug(title: str) -> str:
    """Return a title as a part of an address."""
    return "".join(letter if letter.isalnum() else "-" for letter in title.lower())


def two_bars(ticker: str) -> Bars:
    """Return two one-minute bars."""
    start_s = int(NOW.timestamp()) - 120
    return Bars(
        ticker=ticker,
        timeframe="1D",
        times_s=(start_s, start_s + 60),
        open=(10.0, 10.5),
        high=(11.0, 11.0),
        low=(9.5, 10.0),
        close=(10.5, 11.0),
        volume=(1000.0, 2000.0),
        previous_close=10.0,
        source="fake",
    )


def balance(report: CycleReport) -> tuple[int, int]:
    """Return how many items came in and how many left with a decision."""
    counts = report.counts
    came = counts["new"] + counts["recovered"] + counts["extended"]
    return came, sum(counts[name] for name in ("alert", "hold", "suppress", "drop", "failed"))

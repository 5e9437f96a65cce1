"""The guard of a price source: asked once, at its pace, and not while it is down."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

import pytest

from catalyst_ray.errors import CircuitOpen, ConfigError, ParseError, RateLimited, TransportError
from catalyst_ray.models import Reason
from catalyst_ray.pipeline import price_guard
from catalyst_ray.pipeline.price_guard import LONGEST_REST_S, REST_S, GuardedPrices
from tests.adapters.pipeline_world import FakeClock, two_bars, until

if TYPE_CHECKING:
    from catalyst_ray.models import Bars

pytestmark = pytest.mark.anyio

DOWN = TransportError("Acme answered 502", status=502)


class Source:
    """A source that answers what a test sets, when it lets it."""

    name = "acme"

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.answer: Bars | Exception | None = two_bars("QLLN")
        self.gate = asyncio.Event()
        self.gate.set()
        self.is_closed = False

    async def bars(self, ticker: str, timeframe: str) -> Bars | None:
        """Answer once the gate is open."""
        self.asked.append((ticker, timeframe))
        await self.gate.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def close(self) -> None:
        """Take note."""
        self.is_closed = True


@pytest.fixture
def clock() -> FakeClock:
    """Give a clock that stands still."""
    return FakeClock()


@pytest.fixture
def source() -> Source:
    """Give a source that has bars."""
    return Source()


def guard(
    source: Source, clock: FakeClock, *, keep_s: float = 30.0, per_minute: float | None = None
) -> GuardedPrices:
    """Return the source, guarded."""
    return GuardedPrices(source, clock=clock, keep_s=keep_s, per_minute=per_minute)


async def test_bars_are_given_again_for_a_while(source, clock):
    """Within its time a ticker's timeframe is not asked for again, whatever its case; after it it is."""
    prices = guard(source, clock)
    first = await prices.bars("qlln", "1D")
    assert await prices.bars("QLLN", "1D") is first
    await prices.bars("QLLN", "5D")
    assert source.asked == [("QLLN", "1D"), ("QLLN", "5D")]
    clock.advance(30)
    await prices.bars("QLLN", "1D")
    assert len(source.asked) == 3
    assert prices.name == "acme"


async def test_what_is_asked_again_is_counted(source, clock):
    """Statistics tell a cache that is too short (asked again) from one that works, and how long a turn is waited for."""
    prices = guard(source, clock, keep_s=10.0, per_minute=60)
    await prices.bars("QLLN", "1D")
    await prices.bars("QLLN", "1D")
    clock.advance(11)
    await asyncio.gather(prices.bars("QLLN", "1D"), prices.bars("QLLN", "1D"))
    source.answer = DOWN
    with pytest.raises(TransportError):
        await prices.bars("MMMM", "1D")
    stats = prices.stats()
    counts = {name: stats[name] for name in ("requests", "cached", "joined", "worked", "failed", "repeated")}
    assert counts == {"requests": 5, "cached": 1, "joined": 1, "worked": 2, "failed": 1, "repeated": 1}
    assert stats["waited_s"] == 0.0


async def test_the_wait_for_a_turn_is_counted(source, clock):
    """It says that PRICE_RATE_PER_MIN is what holds alerts up."""
    prices = guard(source, clock, per_minute=24)
    asked = [asyncio.create_task(prices.bars(ticker, "1D")) for ticker in ("A", "B", "C", "D", "E")]
    await until(clock.sleepers)
    clock.advance(2.5)
    await asyncio.gather(*asked)
    assert prices.stats()["waited_s"] == 2.5


async def test_the_word_that_there_are_none_is_kept_too(source, clock):
    """A ticker without bars is not asked for again and again; what is no ticker never."""
    source.answer = None
    prices = guard(source, clock)
    assert [await prices.bars(ticker, "1D") for ticker in ("QLLN", "QLLN", "../x")] == [None] * 3
    assert len(source.asked) == 1


async def test_nothing_is_kept_where_that_is_set(source, clock):
    """PRICE_CACHE_SECS=0 asks every time."""
    prices = guard(source, clock, keep_s=0)
    await prices.bars("QLLN", "1D")
    await prices.bars("QLLN", "1D")
    assert len(source.asked) == 2


async def test_the_cache_is_bounded(source, clock, monkeypatch):
    """The table asked for longest ago goes first."""
    monkeypatch.setattr(price_guard, "MOST_KEPT", 2)
    prices = guard(source, clock)
    for ticker in ("A", "B", "C", "B", "A"):
        await prices.bars(ticker, "1D")
    assert [ticker for ticker, _ in source.asked] == ["A", "B", "C", "A"]


async def test_equal_requests_are_asked_once_and_nobody_ends_them_for_the_others(source, clock):
    """Two who ask at once share one request; one who leaves does not end it, and the next finds its answer."""
    source.gate.clear()
    prices = guard(source, clock)
    one, two = (asyncio.create_task(prices.bars("QLLN", "1D")) for _ in range(2))
    await until(lambda: source.asked)
    one.cancel()
    source.gate.set()
    assert await two is not None
    assert await prices.bars("QLLN", "1D") is not None
    assert len(source.asked) == 1


async def test_who_would_wait_too_long_is_refused_at_once(source, clock):
    """A burst goes, a short wait is waited, a long one is refused with its length and takes no turn."""
    prices = guard(source, clock, keep_s=0, per_minute=30)
    for _ in range(5):
        await prices.bars("QLLN", "1D")
    waiting = [asyncio.create_task(prices.bars(ticker, "1D")) for ticker in ("A", "B")]
    await until(lambda: clock.sleepers() == 2)
    assert sorted(clock.slept) == [2.0, 4.0]
    with pytest.raises(RateLimited, match="PRICE_RATE_PER_MIN") as refused:
        await prices.bars("C", "1D")
    assert refused.value.retry_after_s == pytest.approx(6.0)
    clock.advance(4.0)
    assert all(await asyncio.gather(*waiting))
    assert len(source.asked) == 7


async def test_a_source_that_fails_is_left_alone_and_then_probed_once(source, clock):
    """After three failures nobody asks; when the rest is over one does, and the others are told at once."""
    source.answer = DOWN
    prices = guard(source, clock)
    for _ in range(3):
        with pytest.raises(TransportError, match="502"):
            await prices.bars("QLLN", "1D")
    with pytest.raises(CircuitOpen, match=r"acme is not asked .* Acme answered 502") as refused:
        await prices.bars("QLLN", "1D")
    assert refused.value.retry_after_s == REST_S
    assert len(source.asked) == 3
    clock.advance(REST_S)
    source.answer = two_bars("QLLN")
    source.gate.clear()
    probe = asyncio.create_task(prices.bars("QLLN", "1D"))
    await until(lambda: len(source.asked) == 4)
    with pytest.raises(CircuitOpen):
        await prices.bars("MRPK", "1D")
    source.gate.set()
    assert await probe is not None
    assert await prices.bars("MRPK", "1D") is not None


async def test_a_source_that_stays_down_is_probed_less_and_less(source, clock):
    """The rest doubles up to five minutes."""
    source.answer = DOWN
    prices = guard(source, clock)
    rests = []
    for _ in range(11):
        with pytest.raises(TransportError) as refused:
            await prices.bars("QLLN", "1D")
        if isinstance(refused.value, CircuitOpen):
            rests.append(refused.value.retry_after_s)
            clock.advance(rests[-1])
    assert rests == [15, 30, 60, 120]
    assert max(rests) <= LONGEST_REST_S


async def test_a_wait_that_the_source_names_is_kept_at_once(source, clock):
    """One 429 with its wait is enough."""
    source.answer = RateLimited("slow down", status=429, retry_after_s=77.0)
    prices = guard(source, clock)
    with pytest.raises(RateLimited):
        await prices.bars("QLLN", "1D")
    with pytest.raises(CircuitOpen) as refused:
        await prices.bars("MRPK", "1D")
    assert refused.value.retry_after_s == 77.0


async def test_a_probe_that_the_pace_refuses_is_not_the_last(source, clock):
    """Who may not ask yet has probed nothing: the next one whose turn it is does."""
    source.answer = RateLimited("slow down", status=429, retry_after_s=1.0)
    prices = guard(source, clock, per_minute=2)
    with pytest.raises(RateLimited, match="slow down"):
        await prices.bars("QLLN", "1D")
    clock.advance(2.0)
    with pytest.raises(RateLimited, match="PRICE_RATE_PER_MIN"):
        await prices.bars("QLLN", "1D")
    source.answer = two_bars("QLLN")
    clock.advance(60.0)
    assert await prices.bars("QLLN", "1D") is source.answer


@pytest.mark.parametrize(
    "error",
    [ParseError("no table"), TransportError("invalid symbol", status=422), ConfigError("no timeframe '2W'")],
    ids=["garbage", "refused", "ours"],
)
async def test_one_bad_ticker_does_not_stop_the_others(source, clock, error):
    """What is wrong with one request says nothing of the source."""
    source.answer = error
    prices = guard(source, clock)
    for _ in range(5):
        with pytest.raises(type(error)):
            await prices.bars("QLLN", "1D")
    assert len(source.asked) == 5


@pytest.mark.parametrize("status", [401, 403, 408])
async def test_a_refused_key_is_not_sent_on_and_on(source, clock, status):
    """A refusal that meets every request opens the breaker too."""
    source.answer = TransportError("refused", status=status)
    prices = guard(source, clock)
    for _ in range(5):
        with pytest.raises(TransportError):
            await prices.bars("QLLN", "1D")
    assert len(source.asked) == 3


async def test_what_was_mended_stands_in_the_log(source, clock, caplog):
    """Each time that bars come, not each time that they are given again."""
    bars = two_bars("QLLN")
    source.answer = type(bars)(
        **{name: getattr(bars, name) for name in bars.__slots__} | {"remarks": (Reason("unit_error", "100 times off", 3),)}
    )  # fmt: skip
    caplog.set_level(logging.INFO, logger="catalyst_ray")
    prices = guard(source, clock)
    await prices.bars("QLLN", "1D")
    await prices.bars("QLLN", "1D")
    (line,) = [record for record in caplog.records if record.message == "price bars mended"]
    assert (line.ticker, line.remarks) == ("QLLN", ["unit_error: 100 times off [+3.00]"])


async def test_closing_ends_what_is_under_way(source, clock):
    """A request in hand is ended, nobody is left waiting, and the source is closed."""
    source.gate.clear()
    prices = guard(source, clock)
    asking = asyncio.create_task(prices.bars("QLLN", "1D"))
    await until(lambda: source.asked)
    await prices.close()
    assert source.is_closed
    with pytest.raises(asyncio.CancelledError):
        await asking

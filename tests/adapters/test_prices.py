"""Price sources against real files, real sockets and a table in pandas' form."""

from __future__ import annotations

import asyncio
import sys
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from catalyst_ray.adapters.prices import NoPrices
from catalyst_ray.adapters.prices_folder import CsvPrices
from catalyst_ray.adapters.prices_http import HttpPrices
from catalyst_ray.adapters.prices_yfinance import YfinancePrices
from catalyst_ray.core.bars import eastern, shown_rows
from catalyst_ray.errors import ConfigError, ParseError, RateLimited, TransportError

pytestmark = pytest.mark.anyio

DAILY = "Date,Open,High,Low,Close,Volume\n2025-11-20,10,11,9,10.5,100\n2025-11-21,10.5,12,10,11.5,200\n"
MINUTES = "Datetime,Open,High,Low,Close,Volume\n2025-11-21 09:30,1,2,1,2,5\n2025-11-21 09:31,2,3,2,3,5\n"


async def test_no_prices_has_none():
    """Without a source every ticker has no bars."""
    source = NoPrices()
    assert await source.bars("ACME", "1D") is None
    await source.close()


async def test_csv_prefers_the_timeframes_own_file(tmp_path):
    """``ACME_1D.csv`` serves 1D, ``ACME.csv`` the rest, whatever the ticker's case."""
    (tmp_path / "ACME.csv").write_text(DAILY)
    (tmp_path / "ACME_1D.csv").write_text(MINUTES)
    source = CsvPrices(tmp_path)
    day, month = await source.bars("acme", "1D"), await source.bars("ACME", "1M")
    assert (day.timeframe, day.close, day.volume) == ("1D", (3,), (10,))
    assert (month.timeframe, month.close, month.source) == ("1M", (10.5, 11.5), "csv")


async def test_csv_with_days_only_shows_a_month_for_a_day(tmp_path):
    """Without minute bars a day's request is answered by daily bars that say so."""
    (tmp_path / "ACME.csv").write_text(DAILY)
    bars = await CsvPrices(tmp_path).bars("ACME", "1D")
    assert bars.timeframe == "1M"


async def test_csv_never_leaves_its_folder(tmp_path):
    """A ticker that is a path finds nothing, though the file exists."""
    (tmp_path / "SECRET.csv").write_text(DAILY)
    inner = tmp_path / "inner"
    inner.mkdir()
    source = CsvPrices(inner)
    for ticker in ("../SECRET", "..", str(tmp_path / "SECRET"), "inner/../../SECRET", "A\x00B", ""):
        assert await source.bars(ticker, "1M") is None


async def test_csv_problems_are_ours(tmp_path):
    """No folder, no file, no table, no usable row and an unknown timeframe each have their own answer."""
    with pytest.raises(ConfigError, match="no folder"):
        CsvPrices(tmp_path / "absent")
    source = CsvPrices(tmp_path)
    assert await source.bars("ACME", "1D") is None
    (tmp_path / "BAD.csv").write_text("<html>")
    with pytest.raises(ParseError, match="BAD"):
        await source.bars("BAD", "1D")
    (tmp_path / "NAN.csv").write_text("Date,Open,High,Low,Close\n2025-11-21,1,1,1,nan\n")
    with pytest.raises(ParseError, match="none of 1 price bars is usable"):
        await source.bars("NAN", "1D")
    with pytest.raises(ConfigError, match="2W"):
        await source.bars("ACME", "2W")


class PriceServer:
    """A real server on loopback whose next answer a test sets."""

    def __init__(self) -> None:
        self.status, self.body, self.headers, self.wait_s = 200, b"", {}, 0.0
        self.asked: list[str] = []

    async def answer(self, request: web.Request) -> web.Response:
        self.asked.append(request.path_qs)
        await asyncio.sleep(self.wait_s)
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@pytest.fixture
async def server():
    """Start a price server; give it, and its address."""
    prices = PriceServer()
    app = web.Application()
    app.router.add_get("/{path:.*}", prices.answer)
    async with TestServer(app) as running:
        prices.url = str(running.make_url("/base"))
        yield prices


@pytest.fixture
async def source(server):
    """Give a source that asks the server."""
    prices = HttpPrices(server.url, timeout_s=0.5)
    yield prices
    await prices.close()


GOOD = (
    b'{"times":[1763735400,1763735700],"open":[1,2],"high":[3,1],"low":[1,2],"close":[2,null],'
    b'"volume":[5,6],"previous_close":1.5}'
)


async def test_http_bars_are_asked_for_and_cleaned(server, source):
    """The server is asked for ticker and timeframe, and what it says is cleaned."""
    server.body = GOOD
    bars = await source.bars("brk.b", "1D")
    assert server.asked == ["/base/prices/BRK.B?timeframe=1D"]
    assert (bars.close, bars.previous_close, bars.source) == ((2,), 1.5, "http")


async def test_http_absence_is_none(server, source):
    """404, an empty table and an impossible ticker mean no bars; the last is not even asked."""
    server.status = 404
    assert await source.bars("ACME", "1D") is None
    server.status = 200
    server.body = b'{"times":[],"open":[],"high":[],"low":[],"close":[],"volume":[],"previous_close":null}'
    assert await source.bars("ACME", "1D") is None
    assert await source.bars("../etc", "1D") is None
    assert len(server.asked) == 2


async def test_http_refusals_carry_status_and_wait(server, source):
    """429 is RateLimited with its wait, other statuses and redirects are TransportErrors."""
    server.status, server.headers = 429, {"Retry-After": "7"}
    with pytest.raises(RateLimited) as limited:
        await source.bars("ACME", "1D")
    assert (limited.value.status, limited.value.retry_after_s) == (429, 7)
    for status in (500, 302):
        server.status, server.headers = status, {"Location": "http://127.0.0.1:1/"}
        with pytest.raises(TransportError) as refused:
            await source.bars("ACME", "1D")
        assert (refused.value.status, refused.value.key) == (status, "ACME")
        assert type(refused.value) is TransportError


async def test_http_nonsense_silence_and_floods_are_bounded(server, source):
    """HTML and a flood are ParseErrors, a silent server and a closed port TransportErrors."""
    server.body = b"<html>"
    with pytest.raises(ParseError):
        await source.bars("ACME", "1D")
    server.body = b" " * (5 * 1024 * 1024)
    with pytest.raises(ParseError, match="larger"):
        await source.bars("ACME", "1D")
    server.wait_s = 2.0
    with pytest.raises(TransportError, match="within"):
        await source.bars("ACME", "1D")
    closed = HttpPrices("http://127.0.0.1:9")
    with pytest.raises(TransportError):
        await closed.bars("ACME", "1D")
    await closed.close()


async def test_http_leaves_a_lent_session_open(server):
    """A session that was given stays its owner's."""
    server.body = GOOD
    async with ClientSession() as session:
        prices = HttpPrices(server.url, session)
        assert len(await prices.bars("ACME", "1D")) == 1
        await prices.close()
        assert not session.closed


class Table:
    """The little of a pandas table that is used: columns by name, an index of times, a length."""

    def __init__(self, index: list[datetime], price: float = 10.0) -> None:
        self.index = index
        self._price = price

    def __len__(self) -> int:
        return len(self.index)

    def __contains__(self, name: str) -> bool:
        return name in {"Open", "High", "Low", "Close", "Volume"}

    def __getitem__(self, name: str) -> list[float]:
        return [1000 if name == "Volume" else self._price + i for i in range(len(self.index))]


async def test_yahoo_days_keep_their_date():
    """Daily rows stamped midnight elsewhere are that date's bars, and BRK.B is asked as BRK-B."""
    asked = []
    days = [datetime(2025, 11, day, tzinfo=ZoneInfo("Europe/London")) for day in (19, 20, 21)]

    def history(*question: object) -> Table:
        asked.append(question)
        return Table(days)

    bars = await YfinancePrices(history, timeout_s=3).bars("BRK.B", "1M")
    assert asked == [("BRK-B", "6mo", "1d", 3)]
    assert [eastern(t).date() for t in bars.times_s] == [date(2025, 11, day) for day in (19, 20, 21)]
    assert (bars.ticker, bars.source) == ("BRK.B", "yfinance")


async def test_yahoo_day_is_compared_with_the_session_before():
    """Of several sessions the last is shown, and the one before gives the previous close."""
    new_york = ZoneInfo("America/New_York")
    index = [datetime(2025, 11, day, 15, 5 * i, tzinfo=new_york) for day in (20, 21) for i in range(12)]
    bars = await YfinancePrices(lambda *_: Table(index)).bars("ACME", "1D")
    assert (len(shown_rows(bars)), bars.previous_close, shown_rows(bars)[0].close) == (12, 21, 22)


async def test_yahoos_own_table_with_a_split_in_it():
    """Pandas' table as yfinance returns it: Yahoo names a split that its older prices lack, and they are adjusted."""
    pandas = pytest.importorskip("pandas")
    days = pandas.bdate_range("2025-10-01", "2025-11-21", tz="America/New_York")
    price = [40.0] * 30 + [20.0] * (len(days) - 30)
    table = pandas.DataFrame(dict.fromkeys(("Open", "High", "Low", "Close", "Adj Close"), price), index=days)
    table["Volume"] = 1000
    table["Dividends"] = 0.0
    table["Stock Splits"] = [2.0 if number == 30 else 0.0 for number in range(len(days))]
    bars = await YfinancePrices(lambda *_: table).bars("ACME", "1M")
    assert set(bars.close) == {20.0}
    assert [(split.day, split.ratio) for split in bars.splits] == [(days[30].date(), 2.0)]
    assert [remark.code for remark in bars.remarks] == ["split_adjusted"]


class YFRateLimitError(Exception):
    """Named as yfinance's own."""


class YFTickerMissingError(Exception):
    """Named as yfinance's own."""


class YFPricesMissingError(YFTickerMissingError):
    """Named as yfinance's own."""


async def test_yahoo_moods_become_our_errors():
    """A refusal is RateLimited, an unknown ticker or empty table None, anything else a TransportError."""

    def failing(error: Exception):
        def history(*_: object) -> Table:
            raise error

        return YfinancePrices(history)

    with pytest.raises(RateLimited) as limited:
        await failing(YFRateLimitError()).bars("ACME", "1D")
    assert limited.value.retry_after_s > 0
    assert await failing(YFPricesMissingError()).bars("ACME", "1D") is None
    for error in (KeyError("chart"), OSError("refused"), TypeError()):
        with pytest.raises(TransportError, match=type(error).__name__):
            await failing(error).bars("ACME", "1D")
    assert await YfinancePrices(lambda *_: Table([])).bars("ACME", "1D") is None


async def test_missing_yfinance_says_what_to_install(monkeypatch):
    """Without the extra the source is refused when it is made, with the command that mends it."""
    monkeypatch.setitem(sys.modules, "yfinance", None)
    with pytest.raises(ConfigError, match=r"pip install 'catalyst-ray\[market\]'"):
        YfinancePrices()

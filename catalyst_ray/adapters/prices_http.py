"""Price bars from a JSON server: ``GET {base}/prices/{ticker}?timeframe=1D``.

Owns the asking. The answer's format is ``core.price_table``'s.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from catalyst_ray.core.bar_repair import clean_bars
from catalyst_ray.core.bar_windows import check_timeframe
from catalyst_ray.core.price_table import normal_ticker, parse_price_json
from catalyst_ray.errors import ParseError, RateLimited, TransportError

if TYPE_CHECKING:
    from catalyst_ray.models import Bars

_MAX_BYTES = 4 * 1024 * 1024
_MAX_RETRY_AFTER_S = 86_400.0

log = logging.getLogger(__name__)


class HttpPrices:
    """Asks one server, without redirects.

    Args:
        base_url: Address before ``/prices``.
        session: Session to use; without one it makes its own, which ``close`` closes.
        timeout_s: Seconds for one answer in all.
    """

    name = "http"

    def __init__(
        self, base_url: str, session: aiohttp.ClientSession | None = None, *, timeout_s: float = 10.0
    ) -> None:
        self._base = URL(base_url)
        self._session = session
        self._owns_session = session is None
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)

    async def bars(self, ticker: str, timeframe: str) -> Bars | None:
        """Return the server's bars, cleaned; see ``PriceSource``."""
        check_timeframe(timeframe)
        name = normal_ticker(ticker)
        body = await self._get(name, timeframe) if name else None
        if name is None or body is None:
            return None
        bars, repairs = clean_bars(parse_price_json(body, ticker=name, timeframe=timeframe, source=self.name))
        if repairs:
            log.info("price bars repaired", extra={"ticker": name, "repairs": [str(r) for r in repairs]})
        return bars if len(bars) else None

    async def close(self) -> None:
        """Close the session, if it is our own."""
        if self._session is not None and self._owns_session:
            await self._session.close()
            self._session = None

    async def _get(self, ticker: str, timeframe: str) -> bytes | None:
        if self._session is None:
            self._session = aiohttp.ClientSession()
        url = self._base / "prices" / ticker
        try:
            async with self._session.get(
                url, params={"timeframe": timeframe}, timeout=self._timeout, allow_redirects=False
            ) as response:
                if response.status == 404:
                    return None
                _check_status(response, ticker, url)
                return await _read_capped(response, ticker)
        except TimeoutError as error:
            waited = f"no price answer within {self._timeout.total:g} s"
            raise TransportError(waited, url=str(url), key=ticker) from error
        except (aiohttp.ClientError, OSError) as error:
            words = f"could not ask for prices: {type(error).__name__}"
            raise TransportError(words, url=str(url), key=ticker) from error


def _check_status(response: aiohttp.ClientResponse, ticker: str, url: URL) -> None:
    if response.status == 200:
        return
    after = response.headers.get("Retry-After", "")
    kind = RateLimited if response.status in {429, 503} else TransportError
    raise kind(
        f"price server answered {response.status}",
        url=str(url),
        status=response.status,
        retry_after_s=min(float(after), _MAX_RETRY_AFTER_S) if after.isdecimal() else None,
        key=ticker,
    )


async def _read_capped(response: aiohttp.ClientResponse, ticker: str) -> bytes:
    body = bytearray()
    async for part in response.content.iter_chunked(65_536):
        body += part
        if len(body) > _MAX_BYTES:
            raise ParseError(f"price answer is larger than {_MAX_BYTES} bytes", key=ticker)
    return bytes(body)

"""Price bars from a JSON server: ``GET {base}/prices/{ticker}?timeframe=1D``.

Owns the asking. The answer's format is ``core.price_table``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from yarl import URL

from catalyst_ray.adapters.price_wire import PriceWire
from catalyst_ray.core.bar_intake import take_in
from catalyst_ray.core.bar_windows import check_timeframe
from catalyst_ray.core.price_table import normal_ticker, parse_price_json
from catalyst_ray.errors import RateLimited, TransportError

if TYPE_CHECKING:
    import aiohttp

    from catalyst_ray.models import Bars


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
        self._wire = PriceWire(session, timeout_s=timeout_s)

    async def bars(self, ticker: str, timeframe: str) -> Bars | None:
        """Return the server's bars, cleaned; see ``PriceSource``."""
        check_timeframe(timeframe)
        name = normal_ticker(ticker)
        if name is None:
            return None
        url = self._base / "prices" / name
        reply = await self._wire.get(url, {"timeframe": timeframe}, ticker=name)
        if reply.status == 404:
            return None
        if reply.status != 200:
            raise (RateLimited if reply.status in {429, 503} else TransportError)(
                f"price server answered {reply.status}",
                url=str(url),
                status=reply.status,
                retry_after_s=reply.retry_after_s(),
                key=name,
            )
        return take_in(parse_price_json(reply.body, ticker=name, timeframe=timeframe, source=self.name))

    async def close(self) -> None:
        """Close the session, if it is our own."""
        await self._wire.close()

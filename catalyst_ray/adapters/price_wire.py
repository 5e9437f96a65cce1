"""GETs from price servers: one session, no redirects, sizes capped, every failure one of ours.

Owns the transport. Which address, what a status means and how the answer reads are the sources' own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from catalyst_ray.errors import ParseError, TransportError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from yarl import URL

MAX_BYTES = 4 * 1024 * 1024
MAX_RETRY_AFTER_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Reply:
    """A server's whole answer, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def retry_after_s(self) -> float | None:
        """Return the wait that ``Retry-After`` names in seconds, a day at most."""
        text = self.headers.get("Retry-After", "")
        return min(float(text), MAX_RETRY_AFTER_S) if text.isdecimal() else None


class PriceWire:
    """Asks a price server.

    Args:
        session: Session to use; without one it makes its own, which ``close`` closes.
        timeout_s: Seconds for one answer in all.
        headers: Sent with every request; a redirect is never followed, so nobody else gets them.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession | None = None,
        *,
        timeout_s: float,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._session = session
        self._owns_session = session is None
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._headers = dict(headers or {})

    async def get(self, url: URL, params: Mapping[str, str], *, ticker: str) -> Reply:
        """Return the answer to a GET.

        Raises:
            TransportError: None came; ``url`` is without the parameters.
            ParseError: It is too large.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession()
        try:
            async with self._session.get(
                url, params=params, headers=self._headers, timeout=self._timeout, allow_redirects=False
            ) as response:
                return Reply(response.status, response.headers, await _read_capped(response, ticker))
        except TimeoutError:
            words = f"no price answer within {self._timeout.total:g} s"
        except (aiohttp.ClientError, OSError) as error:
            words = f"could not ask for prices: {type(error).__name__}"
        # Raised outside any ``except``: some of aiohttp's errors hold the request, and its headers the key.
        raise TransportError(words, url=str(url), key=ticker)

    async def close(self) -> None:
        """Close the session, if it is our own."""
        if self._session is not None and self._owns_session:
            await self._session.close()
            self._session = None


async def _read_capped(response: aiohttp.ClientResponse, ticker: str) -> bytes:
    body = bytearray()
    async for part in response.content.iter_chunked(65_536):
        body += part
        if len(body) > MAX_BYTES:
            raise ParseError(f"price answer is larger than {MAX_BYTES} bytes", key=ticker)
    return bytes(body)

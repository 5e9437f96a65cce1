"""Gets a filing's full submission text from EDGAR, or from a host of the same shape.

Owns where it lies, how much of it is asked for, and waiting for one that EDGAR lists before it serves it.
Does not read it, and does not know how HTTP is done: the fetcher of feeds keeps SEC's pace for both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from catalyst_ray.core.filings import submission_url
from catalyst_ray.errors import TransportError

if TYPE_CHECKING:
    from collections.abc import Collection

    from catalyst_ray.models import Item
    from catalyst_ray.ports import Clock

MAX_BYTES = 4 * 1024 * 1024
"""Main document and exhibits stand first in a submission; the rest is data files and pictures."""
LISTED_BEFORE_SERVED_S = 3.0
"""EDGAR's index shows a filing a moment before its documents can be had."""


class DocumentFetcher(Protocol):
    """What is needed of the fetcher of feeds."""

    async def document(
        self, url: str, *, max_bytes: int, timeout_s: float, allow_private: bool = False
    ) -> tuple[bytes, bool]:
        """GET at most ``max_bytes``, and say whether there was more.

        Raises:
            TransportError: No usable answer came.
        """
        ...


class EdgarDocuments:
    """Fetches full submission texts.

    Args:
        timeout_s: Seconds for one request.
        private_feeds: Names of feeds that may lead to loopback and private addresses (demo, tests).
    """

    def __init__(
        self,
        fetcher: DocumentFetcher,
        clock: Clock,
        *,
        timeout_s: float = 20.0,
        max_bytes: int = MAX_BYTES,
        private_feeds: Collection[str] = (),
    ) -> None:
        self._fetcher = fetcher
        self._clock = clock
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._private_feeds = frozenset(private_feeds)

    async def submission(self, item: Item) -> tuple[bytes, bool]:
        """Return a filing's submission as bytes, and whether it was cut; one that is not there is asked twice.

        Raises:
            TransportError: It has no address, or could not be fetched.
        """
        url = submission_url(item)
        if url is None:
            raise TransportError("the link leads to no EDGAR filing", key=item.key)
        try:
            return await self._get(url, item)
        except TransportError as error:
            if error.status != 404:
                raise
        await self._clock.sleep(LISTED_BEFORE_SERVED_S)
        return await self._get(url, item)

    async def _get(self, url: str, item: Item) -> tuple[bytes, bool]:
        return await self._fetcher.document(
            url,
            max_bytes=self._max_bytes,
            timeout_s=self._timeout_s,
            allow_private=item.feed in self._private_feeds,
        )

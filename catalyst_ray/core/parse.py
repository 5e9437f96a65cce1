"""From the bytes of any source to items: the one door to all readers.

Owns the choice of the reader and the promise that only ``ParseError`` comes out, with the feed's name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from catalyst_ray.core.feed_bytes import not_a_feed, tame
from catalyst_ray.core.parse_edgar import parse_edgar
from catalyst_ray.core.parse_finnhub import parse_finnhub
from catalyst_ray.core.parse_rss import parse_rss
from catalyst_ray.errors import ParseError
from catalyst_ray.models import FeedKind, ParsedFeed

if TYPE_CHECKING:
    from catalyst_ray.models import FeedSpec, Fetched


def parse_feed(fetched: Fetched, spec: FeedSpec) -> ParsedFeed:
    """Read one answer of a feed; ``not_modified`` gives no items.

    Raises:
        ParseError: The bytes are no feed of this kind, or hostile; key = the feed, hint = what to do.
    """
    if fetched.not_modified:
        return ParsedFeed(feed=spec.name, items=(), entries=0)
    try:
        return _read(fetched, spec)
    except ParseError as error:
        raise ParseError(error.message, key=spec.name, hint=error.hint) from error
    except Exception as error:
        # The boundary to three parsers that others wrote; nothing a source sends may end the cycle.
        raise ParseError(
            f"the parser failed: {type(error).__name__}: {str(error)[:200]}",
            key=spec.name,
            hint="keep the answer and report it; other feeds are not affected",
        ) from error


def _read(fetched: Fetched, spec: FeedSpec) -> ParsedFeed:
    if spec.kind is FeedKind.FINNHUB:
        return parse_finnhub(fetched.body, fetched, spec)
    if fetched.body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in {b"", b"{", b"["}:
        raise not_a_feed(fetched.body)
    body = tame(fetched.body)
    if spec.kind is FeedKind.EDGAR:
        return parse_edgar(body, fetched, spec)
    return parse_rss(body, fetched, spec)

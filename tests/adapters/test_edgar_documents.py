"""Submissions from EDGAR: where they lie, and one that is listed before it is served. The world here is hand-made."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from catalyst_ray.adapters.edgar_documents import LISTED_BEFORE_SERVED_S, MAX_BYTES, EdgarDocuments
from catalyst_ray.errors import TransportError
from catalyst_ray.models import Item

pytestmark = pytest.mark.anyio
FOLDER = "https://www.sec.gov/Archives/edgar/data/7/000000000726000001"


class FakeClock:
    """Time that passes only in its own sleep."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now_utc(self) -> datetime:
        return datetime(2026, 11, 23, tzinfo=UTC)

    def monotonic(self) -> float:
        return sum(self.slept)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)


class FakeFetcher:
    """Answers with what it was given, in turn; an int is a status."""

    def __init__(self, *answers: bytes | int) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, int, float, bool]] = []

    async def document(
        self, url: str, *, max_bytes: int, timeout_s: float, allow_private: bool = False
    ) -> tuple[bytes, bool]:
        self.asked.append((url, max_bytes, timeout_s, allow_private))
        answer = self.answers.pop(0)
        if isinstance(answer, int):
            raise TransportError(f"HTTP {answer}", status=answer)
        return answer, len(answer) >= max_bytes


def filing(url: str = f"{FOLDER}/0000000007-26-000001-index.htm", feed: str = "edgar") -> Item:
    """Return a filing with this link."""
    return Item(key="sec:1", feed=feed, title="t", url=url, received_utc=datetime(2026, 11, 23, tzinfo=UTC))


async def test_the_full_text_is_asked_for_within_the_cap():
    """One request for the submission beside the index, bounded in size and time, not to private addresses."""
    fetcher, clock = FakeFetcher(b"text"), FakeClock()
    documents = EdgarDocuments(fetcher, clock, timeout_s=9.0)
    assert await documents.submission(filing()) == (b"text", False)
    assert fetcher.asked == [(f"{FOLDER}/0000000007-26-000001.txt", MAX_BYTES, 9.0, False)]
    assert clock.slept == []


async def test_one_that_is_not_there_yet_is_asked_for_again():
    """A 404 is waited out once; the second one is final."""
    fetcher, clock = FakeFetcher(404, b"text"), FakeClock()
    assert (await EdgarDocuments(fetcher, clock).submission(filing()))[0] == b"text"
    assert clock.slept == [LISTED_BEFORE_SERVED_S]
    fetcher = FakeFetcher(404, 404, b"text")
    with pytest.raises(TransportError) as caught:
        await EdgarDocuments(fetcher, FakeClock()).submission(filing())
    assert (caught.value.status, len(fetcher.asked)) == (404, 2)


async def test_other_refusals_are_not_asked_again():
    """Only a missing document is worth a second request."""
    fetcher = FakeFetcher(403, b"text")
    with pytest.raises(TransportError) as caught:
        await EdgarDocuments(fetcher, FakeClock()).submission(filing())
    assert (caught.value.status, len(fetcher.asked)) == (403, 1)


async def test_a_link_to_no_filing_is_refused_without_a_request():
    """What has no address is not guessed at; the error names the item."""
    fetcher = FakeFetcher(b"text")
    with pytest.raises(TransportError) as caught:
        await EdgarDocuments(fetcher, FakeClock()).submission(filing("https://news.example/1"))
    assert (caught.value.key, fetcher.asked) == ("sec:1", [])


async def test_feeds_of_ones_own_may_lead_inside():
    """Only filings of the feeds named so are fetched from private addresses."""
    fetcher = FakeFetcher(b"text", b"text")
    documents = EdgarDocuments(fetcher, FakeClock(), private_feeds={"demo"})
    await documents.submission(filing(feed="demo"))
    await documents.submission(filing(feed="edgar"))
    assert [allowed for *_, allowed in fetcher.asked] == [True, False]

"""Owns the map of US-listed companies (SEC's company_tickers.json): ticker, CIK and name of each.

Immutable, picklable, built from bytes, with an index of their names (``company_names``). It fetches nothing
(``adapters/sec_tickers``) and reads no texts (``tickers``).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from catalyst_ray.core.company_names import CompanyNames
from catalyst_ray.errors import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_HINT = "expected the layout of https://www.sec.gov/files/company_tickers.json"
_MARK = re.compile(r"[./\-^ ]+")
_PREFERRED = re.compile(r"PR?([A-Z]?)")
_SPELLINGS = {"WS": "WT", "U": "UN", "R": "RI", "RT": "RI"}
"""Exchange marks of warrants, units and rights, and how SEC writes them."""
_DERIVED = re.compile(r".*-(?:P[A-Z]?|WT[A-Z]?|UN|RI|RT|W[SI])|[A-Z]{4}[WUR]")
"""Preferreds, warrants, units and rights: never a company's first ticker while it has another."""

_FOREIGN = re.compile(r"[A-Z]{4}[FY]")
"""The OTC forms of shares that are listed abroad, or under another ticker."""


@dataclass(frozen=True, slots=True)
class Listing:
    """One ticker of one company; ``venue`` is empty where the map does not tell it."""

    ticker: str
    cik: int
    name: str
    venue: str = ""


@dataclass(frozen=True, slots=True)
class TickerDirectory:
    """The listings by ticker and by CIK. Without arguments it is empty, and falsy."""

    _by_ticker: Mapping[str, Listing] = field(default_factory=dict)
    _by_cik: Mapping[int, tuple[Listing, ...]] = field(default_factory=dict)
    _names: CompanyNames | None = field(default=None, init=False, repr=False, compare=False)

    @classmethod
    def from_json(cls, body: bytes) -> Self:
        """Read company_tickers.json or company_tickers_exchange.json.

        Rows without ticker or CIK are passed over.

        Raises:
            ParseError: It is no JSON, of another layout, or holds rows and not one listing.
        """
        try:
            document = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ParseError(f"the ticker map is no JSON: {error}", key="tickers", hint=_HINT) from error
        rows = list(_rows(document))
        directory = cls.from_listings(listing for row in rows if (listing := _listing(row)))
        if rows and not directory:
            raise ParseError(
                f"the ticker map holds {len(rows)} rows and no listing", key="tickers", hint=_HINT
            )
        return directory

    @classmethod
    def from_listings(cls, listings: Iterable[Listing]) -> Self:
        """Build a directory; of two listings with one ticker the first stands."""
        by_ticker: dict[str, Listing] = {}
        by_cik: dict[int, list[Listing]] = {}
        for listing in listings:
            if by_ticker.setdefault(listing.ticker, listing) is listing:
                by_cik.setdefault(listing.cik, []).append(listing)
        return cls(by_ticker, {cik: _shares_first(found) for cik, found in by_cik.items()})

    def __len__(self) -> int:
        return len(self._by_ticker)

    def __iter__(self) -> Iterator[Listing]:
        return iter(self._by_ticker.values())

    def by_ticker(self, ticker: str) -> Listing | None:
        """Return the listing of a ticker in any of its spellings (BRK.B, brk/b, BRK-B)."""
        return self._by_ticker.get(ticker) or self._by_ticker.get(normal_ticker(ticker))

    @property
    def names(self) -> CompanyNames:
        """Return the index of the companies' names; built when it is first asked for (0.1 s)."""
        if self._names is None:
            companies = ((listing.cik, listing.name) for listing in self)
            object.__setattr__(self, "_names", CompanyNames.of(companies))
        return self._names or CompanyNames()

    def by_cik(self, cik: int) -> tuple[Listing, ...]:
        """Return a company's listings, its first common share first; empty for one that has none."""
        return self._by_cik.get(cik, ())


def normal_ticker(written: str) -> str:
    """Return the form in which SEC writes a ticker: upper case, one dash before the class.

    ``BRK.B`` → ``BRK-B``, ``ABC PR A`` and ``ABC^A`` → ``ABC-PA``, ``ABC.WS`` → ``ABC-WT``,
    ``ABC.U`` → ``ABC-UN``.
    """
    upper = written.strip().upper()
    if upper.isalnum():
        return upper
    root, *marks = _MARK.split(upper)
    mark = "".join(marks)
    if "^" in upper and not mark.startswith("P"):
        mark = f"P{mark}"
    if upper == f"{root}-PR":
        return upper  # SEC's way to write series R; "ABC.PR" is a preferred without series
    if preferred := _PREFERRED.fullmatch(mark):
        mark = f"P{preferred[1]}"
    elif mark.startswith("WS"):
        mark = f"WT{mark[2:]}"
    mark = _SPELLINGS.get(mark, mark)
    return f"{root}-{mark}" if mark else root


def _rows(document: Any) -> Iterator[dict[str, Any]]:
    """Yield the rows of either layout under the names of the first."""
    if isinstance(document, dict) and isinstance(document.get("fields"), list):
        names = [{"cik": "cik_str", "name": "title"}.get(str(name), str(name)) for name in document["fields"]]
        table = document.get("data")
        if not isinstance(table, list) or not all(isinstance(row, list) for row in table):
            raise ParseError("the ticker map has fields but no rows", key="tickers", hint=_HINT)
        for row in table:
            yield dict(zip(names, row, strict=False))
    elif isinstance(document, dict) and all(isinstance(row, dict) for row in document.values()):
        yield from document.values()
    else:
        raise ParseError("the ticker map has another layout", key="tickers", hint=_HINT)


def _listing(row: dict[str, Any]) -> Listing | None:
    ticker, cik = row.get("ticker"), str(row.get("cik_str", "")).lstrip("0")
    if (
        not isinstance(ticker, str)
        or not ticker.strip()
        or not (cik.isascii() and cik.isdigit() and len(cik) <= 10)
    ):
        return None
    return Listing(
        ticker.strip().upper(),
        int(cik),
        str(row.get("title") or "")[:200],
        str(row.get("exchange") or "")[:40],
    )


def _shares_first(listings: list[Listing]) -> tuple[Listing, ...]:
    if len(listings) == 1:
        return (listings[0],)
    return tuple(sorted(listings, key=lambda listing: _distance(listing.ticker)))


def _distance(ticker: str) -> int:
    """Return how far a ticker is from the share that people trade: derived securities last, foreign forms before."""
    if _DERIVED.fullmatch(ticker):
        return 2
    return 1 if _FOREIGN.fullmatch(ticker) else 0

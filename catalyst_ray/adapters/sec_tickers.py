"""Gets SEC's ticker map: from a file, from the cache on disk, or over HTTP, refreshed when it has aged.

Owns the cache folder's two files. It never raises for the network's faults: an old map is better than
none, and none is an empty directory with the reason. What the map means is ``core/directory``.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
import os
import tempfile
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from catalyst_ray.core.directory import TickerDirectory
from catalyst_ray.core.reasons import Code
from catalyst_ray.errors import CatalystError, ConfigError, ParseError, TransportError
from catalyst_ray.models import Reason

MAX_BODY_BYTES = 32 * 1024 * 1024
"""About forty times the map of 2026."""
_RETRY_AFTER = timedelta(hours=1)
"""How long a failed refresh is left alone."""
_RETRY_MISSING = timedelta(minutes=1)
"""The same while there is no map at all: filings wait for it."""
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stamp:
    """What is kept beside the cached map: where it came from, and when SEC last stood by it."""

    url: str
    checked_utc: datetime = _NEVER
    etag: str | None = None
    last_modified: str | None = None


class SecTickers:
    """The ticker map with its cache; ``load`` may be called every cycle.

    Args:
        cache_dir: Folder for the cache; made when it is missing.
        url: Address of company_tickers.json or company_tickers_exchange.json.
        path: File to read instead of asking anybody (offline).
        user_agent: With a contact, as SEC demands; None keeps the network out.
        max_age: Age at which the map is asked for again.
        timeout_s: Seconds that one request may take in all.
        allow_private: Allow loopback and private addresses (demo, tests).
    """

    def __init__(
        self,
        *,
        cache_dir: Path,
        url: str,
        path: Path | None = None,
        user_agent: str | None = None,
        max_age: timedelta = timedelta(days=7),
        timeout_s: float = 20.0,
        allow_private: bool = False,
    ) -> None:
        self._body_file = cache_dir / "company_tickers.json"
        self._stamp_file = cache_dir / "company_tickers.stamp.json"
        self._url = url
        self._path = path
        self._user_agent = user_agent
        self._max_age = max_age
        self._timeout_s = timeout_s
        self._allow_private = allow_private
        self._directory = TickerDirectory()
        self._stamp = _Stamp(url=url)
        self._retry_utc = _NEVER
        self._problem: Reason | None = None

    async def load(self, now_utc: datetime) -> tuple[TickerDirectory, tuple[Reason, ...]]:
        """Return the map, and what is wrong with it: ``ticker_map_stale``, ``_missing`` or ``_not_cached``.

        Raises:
            ConfigError: The file that the operator named cannot be used.
        """
        if self._path is not None:
            if not self._directory:
                self._directory = await asyncio.to_thread(_read_named, self._path)
            return self._directory, ()
        if not self._directory:
            self._directory, self._stamp = await asyncio.to_thread(self._read_cache)
        is_due = not self._directory or now_utc - self._stamp.checked_utc >= self._max_age
        # A clock set back, or a stamp from the future, must not keep the map for ever.
        is_due = is_due or self._stamp.checked_utc > now_utc + _RETRY_AFTER
        if is_due and now_utc >= self._retry_utc:
            self._problem = await self._refresh(now_utc)
        return self._directory, (self._problem,) if self._problem else ()

    async def _refresh(self, now_utc: datetime) -> Reason | None:
        """Ask for the map and keep it; return what went wrong."""
        try:
            stamp, body = await self._ask(now_utc)
            if body is not None:
                self._directory = await asyncio.to_thread(_directory, body)
        except CatalystError as error:
            self._retry_utc = now_utc + (_RETRY_AFTER if self._directory else _RETRY_MISSING)
            if not self._directory:
                return Reason(Code.TICKER_MAP_MISSING, str(error)[:200])
            age = now_utc - self._stamp.checked_utc
            return Reason(Code.TICKER_MAP_STALE, str(error)[:200], value=age / timedelta(days=1))
        self._stamp = stamp
        try:
            await asyncio.to_thread(self._write_cache, body)
        except OSError as error:
            return Reason(
                Code.TICKER_MAP_NOT_CACHED, f"{self._body_file.parent}: {error.strerror or error}"[:200]
            )
        return None

    async def _ask(self, now_utc: datetime) -> tuple[_Stamp, bytes | None]:
        """GET the map; a body of None means that the one we have still stands."""
        if not self._user_agent:
            raise TransportError("SEC's ticker map was not asked for", hint="set SEC_CONTACT to your e-mail")
        headers = {"User-Agent": self._user_agent, "Accept": "application/json"}
        if self._directory and self._stamp.etag:
            headers["If-None-Match"] = self._stamp.etag
        if self._directory and self._stamp.last_modified:
            headers["If-Modified-Since"] = self._stamp.last_modified
        try:
            await asyncio.wait_for(self._check_address(), self._timeout_s)
            async with (
                asyncio.timeout(self._timeout_s),
                aiohttp.ClientSession() as session,
                # A redirect could lead anywhere; SEC's address has none.
                session.get(self._url, headers=headers, allow_redirects=False) as answer,
            ):
                if answer.status == 304 and self._directory:
                    return replace(self._stamp, checked_utc=now_utc), None
                if answer.status != 200:
                    raise TransportError(f"SEC answered {answer.status}", url=self._url, status=answer.status)
                body = await _read_capped(answer)
                etag, modified = answer.headers.get("ETag"), answer.headers.get("Last-Modified")
        except TimeoutError as error:
            raise TransportError(
                f"no whole ticker map within {self._timeout_s:g} s", url=self._url
            ) from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise TransportError(f"could not fetch the ticker map: {error}", url=self._url) from error
        return _Stamp(url=self._url, checked_utc=now_utc, etag=etag, last_modified=modified), body

    async def _check_address(self) -> None:
        host = urlsplit(self._url).hostname
        if self._allow_private or host is None:
            return
        found = await asyncio.get_running_loop().getaddrinfo(host, None)
        if not all(ipaddress.ip_address(str(address[4][0]).partition("%")[0]).is_global for address in found):
            raise TransportError(
                f"{host} is a private address", url=self._url, hint="allow private addresses if it is yours"
            )

    def _read_cache(self) -> tuple[TickerDirectory, _Stamp]:
        """Return what the cache holds; nothing, when it is absent, damaged or of another address."""
        fresh = _Stamp(url=self._url)
        try:
            directory = _directory(self._body_file.read_bytes())
        except (OSError, ParseError):
            return TickerDirectory(), fresh
        try:
            stored = json.loads(self._stamp_file.read_bytes())
            checked_utc = datetime.fromisoformat(stored["checked_utc"])
            stamp = _Stamp(
                url=stored["url"],
                checked_utc=checked_utc if checked_utc.tzinfo else _NEVER,
                etag=stored["etag"],
                last_modified=stored["last_modified"],
            )
        except (OSError, ValueError, KeyError, TypeError):
            return directory, fresh  # usable, of unknown age: asked for again
        return (directory, stamp) if stamp.url == self._url else (TickerDirectory(), fresh)

    def _write_cache(self, body: bytes | None) -> None:
        """Write the map, then its stamp: after a crash between them the map is only asked for too soon."""
        self._body_file.parent.mkdir(parents=True, exist_ok=True)
        if body is not None:
            _replace(self._body_file, body)
        stamp = asdict(self._stamp) | {"checked_utc": self._stamp.checked_utc.isoformat()}
        _replace(self._stamp_file, json.dumps(stamp).encode())


def _directory(body: bytes) -> TickerDirectory:
    directory = TickerDirectory.from_json(body)
    if not directory:
        raise ParseError("the ticker map is empty", key="tickers")
    return directory


def _read_named(path: Path) -> TickerDirectory:
    hint = "give the path of a saved company_tickers.json, or none to fetch it"
    try:
        return TickerDirectory.from_json(path.read_bytes())
    except OSError as error:
        raise ConfigError(
            f"cannot read {path}: {error.strerror or error}", key="SEC_TICKERS_FILE", hint=hint
        ) from error
    except ParseError as error:
        raise ConfigError(f"{path}: {error.message}", key="SEC_TICKERS_FILE", hint=hint) from error


async def _read_capped(answer: aiohttp.ClientResponse) -> bytes:
    body = bytearray()
    async for chunk in answer.content.iter_chunked(1 << 16):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            raise TransportError(
                f"the ticker map is larger than {MAX_BODY_BYTES} bytes", status=answer.status
            )
    return bytes(body)


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise

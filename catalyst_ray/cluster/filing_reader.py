"""Reads filings: fetched by the driver, small ones parsed in a thread of it, large ones in a Ray task.

Owns the bounds: how many at a time, how long, how much memory a task may take, how many texts are kept.
Knows nothing of what a filing says.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import ray
from ray.exceptions import RayError

from catalyst_ray.core.filings import read_submission
from catalyst_ray.errors import CatalystError, ParseError, TransportError
from catalyst_ray.models import FilingText

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from catalyst_ray.models import Item
    from catalyst_ray.ports import Clock

log = logging.getLogger(__name__)

RAY: Any = ray
"""Untyped in good part; what comes out of it is typed at once."""

TASK_NAME = "filing:read"
TASK = {"num_cpus": 1, "max_retries": 1}
"""A lost worker costs one more try."""
MEMORY_BYTES = 1024 * 1024 * 1024
"""What reading may add to a worker's address space: sixty times the largest submission that is looked at."""
CACHE_SIZE = 128
SMALL_BYTES = 256 * 1024


class Submissions(Protocol):
    """Where the bytes of filings come from."""

    async def submission(self, item: Item) -> tuple[bytes, bool]:
        """Return a filing's submission, and whether it was cut.

        Raises:
            TransportError: It could not be fetched.
        """
        ...


class Parser(Protocol):
    """Turns bytes into text somewhere."""

    async def parse(self, body: bytes, item: Item) -> FilingText:
        """Parse a submission.

        Raises:
            TransportError: It was not done in time, or the worker was lost.
            ParseError: There is nothing in it that can be read.
        """
        ...


def read_filing(body: bytes, form: str | None, items: tuple[str, ...]) -> FilingText | ParseError:
    """Read a submission in a worker within ``MEMORY_BYTES``; that it cannot be read is a value, too."""
    try:
        with _memory_cap(MEMORY_BYTES):
            return read_submission(body, form=form, items=items)
    except ParseError as error:
        return error
    except MemoryError:
        return ParseError("reading the filing takes too much memory")


@contextmanager
def _memory_cap(extra_bytes: int) -> Iterator[None]:
    """Let this process grow by so much at most; the worker is used again, so the cap is lifted after."""
    statm = Path("/proc/self/statm")
    if not statm.exists():  # macOS has no such file and does not keep the limit
        yield
        return
    size = int(statm.read_text(encoding="ascii").split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    cap = size + extra_bytes
    if soft != resource.RLIM_INFINITY:
        cap = min(cap, soft)
    resource.setrlimit(resource.RLIMIT_AS, (cap, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class FilingTask:
    """Parses small submissions in a thread of this process and large ones in a Ray task.

    Args:
        timeout_s: Seconds that parsing may take, waiting for a worker included.
        small_bytes: Below this a thread is used: a task takes longer to start than the parser to end.
    """

    def __init__(self, *, timeout_s: float, small_bytes: int = SMALL_BYTES) -> None:
        self._timeout_s = timeout_s
        self._small_bytes = small_bytes
        # The name is constant: it is a row of the dashboard's task table and a label of its metrics.
        self._task = RAY.remote(**TASK)(read_filing).options(name=TASK_NAME)

    async def parse(self, body: bytes, item: Item) -> FilingText:
        """Parse a submission; see ``Parser``."""
        if len(body) < self._small_bytes:
            return await asyncio.to_thread(read_submission, body, form=item.form, items=item.filing_items)
        ref = self._task.remote(body, item.form, item.filing_items)
        try:
            async with asyncio.timeout(self._timeout_s):
                result = await ref
        except TimeoutError as error:
            RAY.cancel(ref, force=True)  # a parser that hangs is ended by nothing softer
            raise TransportError(
                f"not read within {self._timeout_s:g} s", hint="add CPUs if filings wait for one"
            ) from error
        except asyncio.CancelledError:
            RAY.cancel(ref, force=True)
            raise
        except RayError as error:
            raise TransportError(f"not read: {_last_line(error)}") from error
        if isinstance(result, ParseError):
            raise result
        if not isinstance(result, FilingText):
            raise ParseError(f"the parser gave {type(result).__name__}")
        return result


class FilingReader:
    """Gives the text of filings; implements the port ``DocumentSource``.

    Args:
        parallel: Filings fetched and parsed at a time.
        cache_size: Texts kept, by filing.
    """

    def __init__(
        self,
        *,
        submissions: Submissions,
        parser: Parser,
        clock: Clock,
        parallel: int = 4,
        cache_size: int = CACHE_SIZE,
    ) -> None:
        self._submissions = submissions
        self._parser = parser
        self._clock = clock
        self._free = asyncio.Semaphore(parallel)
        self._cache_size = cache_size
        self._cache: OrderedDict[str, FilingText] = OrderedDict()
        self._running: dict[str, asyncio.Task[FilingText]] = {}
        self._counts = {"requests": 0, "cached": 0, "joined": 0, "read": 0, "failed": 0}
        self._seconds = 0.0

    async def text(self, item: Item) -> FilingText:
        """Return a filing's text, read once for all who ask; see the port ``DocumentSource``."""
        self._counts["requests"] += 1
        cached = self._cache.get(item.key)
        if cached is not None:
            self._cache.move_to_end(item.key)
            self._counts["cached"] += 1
            return cached
        running = self._running.get(item.key)
        if running is None:
            running = asyncio.ensure_future(self._read(item))
            self._running[item.key] = running
            running.add_done_callback(lambda task: self._ended(item.key, task))
        else:
            self._counts["joined"] += 1
        # A caller who gives up leaves the reading to the others, and to the cache.
        return await asyncio.shield(running)

    def _ended(self, key: str, task: asyncio.Task[FilingText]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # told to those who wait; where nobody does, asyncio must not complain

    def stats(self) -> Mapping[str, float]:
        """Return counts since the start, and the mean seconds that a filing took, fetching included."""
        read = self._counts["read"]
        return {**self._counts, "mean_seconds": self._seconds / read if read else 0.0}

    async def close(self) -> None:
        """Give up what is being read."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _read(self, item: Item) -> FilingText:
        async with self._free:
            started = self._clock.monotonic()
            try:
                body, is_cut = await self._submissions.submission(item)
                text = await self._parser.parse(body, item)
            except CatalystError as error:
                self._counts["failed"] += 1
                error.key = item.key
                raise
            except Exception as error:
                # The boundary of a stage: a document that breaks the parser must not stop the cycle.
                self._counts["failed"] += 1
                log.exception("the parser of filings failed", extra={"item_key": item.key})
                raise ParseError(f"the parser failed: {_last_line(error)}", key=item.key) from error
        self._counts["read"] += 1
        self._seconds += self._clock.monotonic() - started
        text = replace(text, cut=text.cut or is_cut)
        self._cache[item.key] = text
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)
        return text


def _last_line(error: Exception) -> str:
    return str(error).splitlines()[-1][:200] if str(error) else type(error).__name__

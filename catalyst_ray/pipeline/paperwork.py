"""Filings read before they are decided: the document fetched in time, and the fast tier asked again.

Owns the wait. What a document says, and what that changes, is ``core.filing_facts``'s; the deadline and memory of
the parser are the reader's.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from catalyst_ray.core.reasons import Code
from catalyst_ray.errors import CatalystError
from catalyst_ray.models import Reason

if TYPE_CHECKING:
    from catalyst_ray.core.fast_tier import FastTier, Reading
    from catalyst_ray.pipeline.tally import Tally
    from catalyst_ray.ports import Clock, DocumentSource

log = logging.getLogger(__name__)


class Paperwork:
    """Reads the documents of filings that the policy names.

    Args:
        wait_s: How long a filing's decision waits for its document; 0 reads none. What comes later is kept for
            the language model.
    """

    def __init__(self, *, documents: DocumentSource, clock: Clock, wait_s: float) -> None:
        self._documents = documents
        self._clock = clock
        self._wait_s = wait_s

    async def read(self, reading: Reading, fast: FastTier, tally: Tally) -> Reading:
        """Return a reading with what the document says, or with why it was not read."""
        if not self._wait_s or not fast.reads(reading):
            return reading
        with tally.stage("read"):
            try:
                async with asyncio.timeout(self._wait_s):
                    document = await self._documents.text(reading.item)
                # In a thread: a long document takes some ten milliseconds.
                return await asyncio.to_thread(fast.reread, reading, document, now_utc=self._clock.now_utc())
            except TimeoutError:
                return _unread(reading, f"not read within {self._wait_s:g} s")
            except CatalystError as error:
                log.info("filing not read", extra={"key": reading.item.key, "error": str(error)})
                return _unread(reading, str(error)[:200])
            except Exception as error:  # the stage's one boundary: a document's text never costs the alert
                log.exception("filing not read", extra={"key": reading.item.key})
                return _unread(reading, f"{type(error).__name__}: {error}"[:200])


def _unread(reading: Reading, why: str) -> Reading:
    return replace(reading, notes=(Reason(Code.FILING_UNREAD, why),))

"""One check of the doctor: what it may come to, and how long it may take. Knows no check."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from catalyst_ray.cluster.cut_off import side_by_side
from catalyst_ray.core.node_health import BROKEN
from catalyst_ray.errors import CatalystError
from catalyst_ray.models import Finding

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

log = logging.getLogger(__name__)

T = TypeVar("T")

STEP_S = 60.0
"""How long a check may take that has no limit of its own."""
THREAD_S = 20.0
"""How long one may that blocks: a disk or a database."""


async def step(name: str, check: Awaitable[Finding], mend: str, *, limit_s: float = STEP_S) -> Finding:
    """Return what a check found; where it fails, hangs or breaks off, that is what was found.

    Args:
        name: Of the check.
        check: What is done.
        mend: What mends an error that has no hint of its own.
        limit_s: After so long it is cut off.
    """
    try:
        async with asyncio.timeout(limit_s):
            return await check
    except CatalystError as error:
        return Finding(name, "fail", error.message, error.hint or mend)
    except TimeoutError as error:
        return Finding(name, "fail", f"cut off: {str(error) or f'not done in {limit_s:g} s'}", mend)
    except Exception as error:  # the boundary of a check: the others must still run
        log.exception("a check broke off", extra={"check": name})
        return Finding(name, "fail", f"broke off: {type(error).__name__}", BROKEN)


async def blocking(work: Callable[[], T], limit_s: float = THREAD_S) -> T:
    """Do work that may block in a thread, and leave it behind when its time is out.

    Raises:
        TimeoutError: It is not done in time.
    """
    result = (await asyncio.to_thread(side_by_side, {"work": work}, limit_s))["work"]
    if isinstance(result, Exception):
        raise result
    return result


async def under(part: str, findings: AsyncIterator[Finding]) -> AsyncIterator[Finding]:
    """Yield findings under a heading."""
    async for finding in findings:
        yield replace(finding, part=part)

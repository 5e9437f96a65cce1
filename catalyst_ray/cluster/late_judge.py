"""A judge that is there at once and judges once its model is: opens it in the background, looks again if there is none.

Owns the looking only; what is looked for and how it starts comes as a callable.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from catalyst_ray.cluster.judge import NoJudge
from catalyst_ray.cluster.llm_pool import why
from catalyst_ray.errors import CatalystError, ConfigError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from catalyst_ray.cluster.judge import LlmJudge
    from catalyst_ray.cluster.llm_replica import ReplicaInfo
    from catalyst_ray.models import Item, Link, LlmUse, Score, Verdict
    from catalyst_ray.ports import Clock

log = logging.getLogger(__name__)

RETRY_S = 60.0
"""Rest between two looks for a model."""
LOADING = "the model is still loading"


class LateJudge:
    """Stands in until a model judges, and after; implements the port ``Judge``.

    Args:
        look: Chooses an engine and opens its judge, and is given whom to tell what it waits for. What it
            raises counts as no model.
    """

    def __init__(
        self, look: Callable[[Callable[[str], None]], Awaitable[LlmJudge | NoJudge]], *, clock: Clock
    ) -> None:
        self._look = look
        self._clock = clock
        self._judge: LlmJudge | NoJudge = NoJudge(LOADING)
        self._looked = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def words(self) -> str:
        """Which model judges, or why none does; for the log."""
        return self._judge.words

    def start(self) -> None:
        """Begin to look; needs a running event loop."""
        self._task = asyncio.create_task(self._keep_looking(), name="late-judge")

    async def ready(self, timeout_s: float) -> bool:
        """Wait until the first look has ended, at most ``timeout_s``; return whether a model judges."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._looked.wait()
        except TimeoutError:
            return False
        return not isinstance(self._judge, NoJudge)

    async def judge(self, item: Item, link: Link, score: Score, *, use: LlmUse, priority: int) -> Verdict:
        """Return the model's verdict, or at once why there is none."""
        return await self._judge.judge(item, link, score, use=use, priority=priority)

    def _tell(self, words: str) -> None:
        log.info("a replica of the language model is not there yet", extra={"what": words})
        if isinstance(self._judge, NoJudge):
            self._judge = NoJudge(LOADING, words)

    def expected_s(self, ahead: int) -> float:
        """Return when the model's verdict may be expected."""
        return self._judge.expected_s(ahead)

    def stats(self) -> Mapping[str, float]:
        """Return the model's queue statistics; nothing before it is there."""
        return self._judge.stats()

    def replicas(self) -> Sequence[ReplicaInfo]:
        """Return where the model's replicas run; nothing before they do."""
        return self._judge.replicas()

    async def close(self) -> None:
        """End the looking, then the judge."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._judge.close()

    async def _keep_looking(self) -> None:
        while True:
            found = await self._look_once()
            before, self._judge = self._judge, found
            self._looked.set()
            if not isinstance(found, NoJudge):
                log.info("the language model is ready", extra={"model": found.words})
                return
            if isinstance(before, NoJudge) and found.lack != before.lack:
                level = logging.INFO if found.is_final else logging.WARNING
                again = {} if found.is_final else {"looks_again_in_s": RETRY_S}
                log.log(level, "no language model", extra={"why": found.words, **again})
            if found.is_final:
                return
            await self._clock.sleep(RETRY_S)

    async def _look_once(self) -> LlmJudge | NoJudge:
        try:
            return await self._look(self._tell)
        except CatalystError as error:
            return NoJudge(why(error), str(error), is_final=isinstance(error, ConfigError))
        except Exception as error:  # the boundary of this stage: alerts go out without a model
            log.exception("looking for a language model failed")
            return NoJudge("the model does not start", type(error).__name__)

"""One POST to somebody's webhook, and what its answer means for the alert; shared by the sinks that post JSON.

Owns the connection, its limits and the meaning of HTTP's own words. Does not know what is posted nor how a service
words its refusals. The address is a secret as a whole: only its host is ever shown.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from catalyst_ray import __version__
from catalyst_ray.core.limits import retry_after_s
from catalyst_ray.core.message_text import clip, plain
from catalyst_ray.errors import ConfigError, DeliveryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from catalyst_ray.ports import Clock

_MAX_ANSWER_BYTES = 4 * 1024
# A gateway's word: what stands behind it may have taken the alert all the same.
_UNKNOWN_STATUSES = frozenset({502, 504, 520, 524})
_PASSING = frozenset({408, 425, 429})
_REDIRECTS = range(300, 400)
_OF_THE_ADDRESS = frozenset({401, 403, 404, 405, 410})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said; ``text`` is the beginning of its body, in one visible line."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def words(self) -> str:
        """Return it for people."""
        return ", ".join(filter(None, (f"HTTP {self.status}", clip(self.text, 120))))


class HookExchange:
    """Posts to one address and never follows it elsewhere.

    Args:
        url: The address, a secret.
        sink: The sink's name, for errors.
        setting: The setting that holds the address.
        timeout_s: For one exchange in all; reaching the host may take half of it.

    Raises:
        ConfigError: The address is none of http or https.
    """

    def __init__(
        self,
        url: str,
        *,
        sink: str,
        setting: str,
        clock: Clock,
        timeout_s: float,
    ) -> None:
        self.url = _address(url, setting)
        self.host = self.url.host or ""
        self._error = functools.partial(DeliveryError, key=sink)
        self._setting = setting
        self._clock = clock
        self._timeout = aiohttp.ClientTimeout(total=timeout_s, connect=timeout_s / 2)
        self._session: aiohttp.ClientSession | None = None

    async def post(self, body: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Post JSON and return the answer, whatever its status.

        Raises:
            DeliveryError: None came; ``outcome_known`` is False when the server may have got it all.
        """
        return await self._ask("POST", body, {"Content-Type": "application/json", **(headers or {})})

    async def reach(self) -> Answer:
        """Ask for the address with GET, which delivers nothing; any answer shows that somebody is there.

        Raises:
            DeliveryError: Nobody is.
        """
        return await self._ask("GET", None, {})

    async def close(self) -> None:
        """Close connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    def refusal(self, answer: Answer, *, hint: str | None = None) -> DeliveryError:
        """Return what a status outside 200 to 299 means.

        408, 425, 429 and 5xx pass. Redirects, 401, 403, 404, 405 and 410 are of the address: nothing is taken there
        until somebody mends it. Everything else is of this alert.
        """
        status = answer.status
        passes = status in _PASSING or status >= 500
        is_dead = status in _OF_THE_ADDRESS or status in _REDIRECTS
        if status in _REDIRECTS:
            hint = f"the address has moved: set {self._setting} to the new one"
        elif is_dead:
            hint = hint or f"check {self._setting}: the receiver does not take what is posted there"
        words = "slows us down" if status == 429 else "is in trouble" if passes else "refused the alert"
        return self._error(
            f"{self.host} {words} ({answer.words})",
            permanent=not passes and not is_dead,
            sink_dead=is_dead,
            outcome_known=status not in _UNKNOWN_STATUSES,
            retry_after_s=self._wait_s(answer) if passes else None,
            hint=hint,
        )

    def _wait_s(self, answer: Answer) -> float | None:
        return retry_after_s(answer.headers.get("Retry-After"), now_utc=self._clock.now_utc())

    async def _ask(self, method: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        outcome = await self._attempt(method, body, headers)
        # Raised here, outside any ``except``: aiohttp's own errors hold the address, and a traceback
        # or an error tracker that follows ``__context__`` would show it.
        if isinstance(outcome, DeliveryError):
            raise outcome
        return outcome

    async def _attempt(
        self, method: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer | DeliveryError:
        if self._session is None:
            # A connection kept from the alert before may be closed by now: whether this one arrived would be unknown.
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True))
        named = {"User-Agent": f"catalyst-ray/{__version__}", **headers}
        asked = self._session.request(
            method, self.url, data=body, headers=named, timeout=self._timeout, allow_redirects=False
        )
        status = 0
        try:
            async with asked as response:
                status = response.status
                said = await response.content.read(_MAX_ANSWER_BYTES)
                return Answer(status, response.headers, plain(said.decode("utf-8", "replace")))
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            kind = type(
                error
            ).__name__  # the type only: the text of some of aiohttp's errors holds the address
            return self._error(f"cannot reach {self.host} ({kind})", hint="check the network and DNS")
        except TimeoutError:
            said_of_it = "no answer in time"
        except (aiohttp.ClientError, OSError) as error:
            said_of_it = f"connection lost ({type(error).__name__})"
        # A cut answer counts by its status; without one the alert may have arrived.
        return Answer(status, {}, "") if status else self._error(said_of_it, outcome_known=False)


def _address(text: str, setting: str) -> URL:
    try:
        url = URL(text.strip())
        is_one = url.scheme in {"http", "https"} and bool(url.host)
    except ValueError:
        is_one = False
    if (
        not is_one
    ):  # raised outside ``except``: yarl's error, which holds the address, must not be its context
        raise ConfigError("this is no http:// or https:// address", key=setting)
    return url

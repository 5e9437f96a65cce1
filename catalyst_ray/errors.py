"""The whole error tree, with what an operator should do about each branch.

CatalystError                      key = what failed, hint = what to do
├── ConfigError(ValueError)        settings or files are wrong: every problem at once; exit code 2
├── TransportError                 we could not ask: url, status, retry_after_s; the only branch retried
│   ├── RateLimited                the host said "later": moves its next allowed time
│   ├── CircuitOpen                refused here, nothing was sent: it failed too often (core/breaker)
│   ├── NoPlace                    no node of the cluster can hold it, and none is coming
│   └── ReplicaLost                the process that served is gone: another may serve, or it comes back
├── ParseError(ValueError)         bytes that could not become the model (feed, filing, LLM answer)
├── DeliveryError                  a sink did not take an alert: permanent, outcome_known, sink_dead
└── StoreError                     the store failed: stop the cycle, keep the outbox

Standard library only; nothing here imports the rest of the package.
"""

from __future__ import annotations

from typing import Any


class CatalystError(Exception):
    """Base of every expected failure.

    Args:
        message: What went wrong, one line, without secrets.
        key: What it concerns (feed name, item key, sink name).
        hint: What the operator should do about it, if anything.
    """

    def __init__(self, message: str, *, key: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.key = key
        self.hint = hint

    def __str__(self) -> str:
        head = f"{self.key}: {self.message}" if self.key else self.message
        return f"{head} ({self.hint})" if self.hint else head

    def __reduce__(self) -> tuple[Any, ...]:
        # Without this an exception with keyword-only arguments comes out of a Ray task as
        # UnserializableException, and `except` misses it.
        return _rebuild, (type(self), self.message, self.__dict__.copy())


def _rebuild(cls: type[CatalystError], message: str, state: dict[str, Any]) -> CatalystError:
    error = cls.__new__(cls)
    Exception.__init__(error, message)
    error.__dict__.update(state)
    return error


class ConfigError(CatalystError, ValueError):
    """Settings or configuration files that cannot be used; exit code 2.

    Args:
        problems: Every problem found, one line each, each naming its variable or file.
    """

    def __init__(
        self,
        message: str,
        *,
        problems: tuple[str, ...] = (),
        key: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, key=key, hint=hint)
        self.problems = problems or (message,)

    def __str__(self) -> str:
        words = super().__str__()
        return words if self.problems == (self.message,) else f"{words}: {'; '.join(self.problems)}"


class TransportError(CatalystError):
    """We could not ask, or the answer was a refusal.

    Args:
        url: Address asked, without query string (it may hold a key).
        status: HTTP status, or None when no answer came.
        retry_after_s: Seconds the server asked us to wait, if it said so.
    """

    def __init__(
        self,
        message: str,
        *,
        url: str | None = None,
        status: int | None = None,
        retry_after_s: float | None = None,
        key: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, key=key, hint=hint)
        self.url = url
        self.status = status
        self.retry_after_s = retry_after_s


class RateLimited(TransportError):
    """The server asked us to slow down (429, or 503 with Retry-After)."""


class CircuitOpen(TransportError):
    """Refused on our side after failures: nothing was sent. ``retry_after_s`` is the rest that is left."""


class NoPlace(TransportError):
    """A model replica found no node that could hold it, and the autoscaler brings none."""


class ReplicaLost(TransportError):
    """A model replica's process, or its node, is gone; what it had in hand was not answered."""


class ParseError(CatalystError, ValueError):
    """Bytes arrived and could not become the model they should be."""


class DeliveryError(CatalystError):
    """A sink did not take an alert.

    Args:
        permanent: Trying this alert again cannot help (a refused message).
        outcome_known: False when the message may have been accepted (time-out after sending).
        retry_after_s: Seconds to wait before the next attempt, if the sink said so.
        sink_dead: The sink takes nothing until the operator mends it (a deleted webhook): its alerts wait.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = False,
        outcome_known: bool = True,
        retry_after_s: float | None = None,
        sink_dead: bool = False,
        key: str | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, key=key, hint=hint)
        self.permanent = permanent
        self.outcome_known = outcome_known
        self.retry_after_s = retry_after_s
        self.sink_dead = sink_dead


class StoreError(CatalystError):
    """The store could not be read or written; the cycle stops, the outbox is kept."""

"""One session of tuning: measure, take the top advice, try it in turns, keep or roll back, go on. Writes nothing."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from catalyst_ray.core.advice import advise
from catalyst_ray.core.advice_figures import number
from catalyst_ray.errors import CatalystError
from catalyst_ray.tuner.decide import Decision, Turn, decide, is_hopeless, turn_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from catalyst_ray.models import Advice, ProfileReport
    from catalyst_ray.ports import Clock


log = logging.getLogger(__name__)

WAIT = "LLM_ALERT_WAIT_SECS"


class Stopped(Exception):
    """A measurement was stopped by whoever asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is tried.

    Args:
        rounds: Changes tried at most.
        pairs: Pairs of turns of one trial.
        minutes: No trial is begun that would not end in time.
    """

    rounds: int = 6
    pairs: int = 4
    minutes: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A change that was tried.

    Args:
        old: What was set before.
        decision: None where it could not be tried; ``error`` says why.
        again: What the profile's evidence became with the change, where it was kept and the rule still has one.
    """

    advice: Advice
    old: str
    decision: Decision | None
    error: str = ""
    again: str = ""

    @property
    def kept(self) -> bool:
        """Return whether the change stays."""
        return self.decision is not None and self.decision.keep

    @property
    def why(self) -> str:
        """Return why it was kept or not."""
        return self.decision.why if self.decision else self.error


@dataclass(slots=True, kw_only=True)
class TuneResult:
    """What came of a session.

    Args:
        first: The profile that it began with, and ``last`` the one with all that was kept.
        told: Advice that no trial can judge, as of the last profile.
        ended: Why it ended, where advice was left.
    """

    first: ProfileReport
    last: ProfileReport
    trials: list[Trial] = field(default_factory=list)
    changes: dict[str, str] = field(default_factory=dict)
    told: tuple[Advice, ...] = ()
    ended: str = ""
    stopped: bool = False


class Tuner:
    """Tries advice.

    Args:
        measure: Profiles a fresh run of one and the same load with changes to the settings. Raises ``Stopped``
            when it was stopped, ``CatalystError`` when it cannot run.
        tell: Told of every step, in words.
    """

    def __init__(
        self,
        measure: Callable[[Mapping[str, str]], ProfileReport],
        *,
        limits: Limits,
        clock: Clock,
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._measure = measure
        self._limits = limits
        self._clock = clock
        self._tell = tell
        self._begun_s = 0.0
        self._turn_s = 0.0
        """How long the longest turn took."""

    def run(self) -> TuneResult:
        """Tune until nothing is left to be tried.

        Raises:
            CatalystError: It does not run with the settings as they are.
            Stopped: The first measurement was stopped.
        """
        self._begun_s = self._clock.monotonic()
        first = self._profile({}, "as it is set")
        result = TuneResult(first=first, last=first)
        done: set[str] = set()
        try:
            while advice := self._next(result, done):
                trial = self._try(advice, result)
                result.trials.append(trial)
                self._tell(f"{_change(trial.advice)}: {'kept' if trial.kept else 'rolled back'}, {trial.why}")
                if not trial.kept:
                    done.add(advice.rule)
        except Stopped:
            result.stopped = True
        result.told = tuple(one for one in advise(result.last) if not _can_be_tried(one))
        return result

    def _next(self, result: TuneResult, done: set[str]) -> Advice | None:
        found = [one for one in advise(result.last) if _can_be_tried(one) and one.rule not in done]
        if not found:
            return None
        used_s = self._clock.monotonic() - self._begun_s
        if len(result.trials) >= self._limits.rounds:
            tried = "1 change was" if self._limits.rounds == 1 else f"{self._limits.rounds} changes were"
            result.ended = f"{tried} tried; more advice is left"
        elif used_s + 2 * self._limits.pairs * self._turn_s > 60 * self._limits.minutes:
            minutes = "1 minute" if self._limits.minutes == 1 else f"{self._limits.minutes:g} minutes"
            result.ended = f"no time is left of {minutes}; more advice is left"
        else:
            return found[0]
        return None

    def _try(self, advice: Advice, result: TuneResult) -> Trial:
        self._tell(f"{advice.evidence} Trying {_change(advice)}.")
        old = result.last.settings.get(advice.setting or "", "")
        with_it = {**result.changes, advice.setting or "": advice.value or ""}
        before: list[Turn] = []
        after: list[Turn] = []
        try:
            *_, report = self._turns(advice, result.changes, with_it, before, after)
        except Stopped:
            raise
        except CatalystError as error:
            return Trial(advice=advice, old=old, decision=None, error=f"could not be tried: {error}")
        except Exception as error:  # the boundary of a trial: Ray that does not start costs this one only
            log.exception("a turn broke", extra={"setting": advice.setting})
            words = f"could not be tried: {type(error).__name__}: {str(error).splitlines()[0][:200] if str(error) else ''}"
            return Trial(advice=advice, old=old, decision=None, error=words)
        granted = "0" if advice.setting == WAIT else result.last.settings.get(WAIT)
        decision = decide(before, after, advice.aim, granted_s=number(granted) or 0.0)
        again = ""
        if decision.keep:
            result.changes, result.last = with_it, report
            again = next((one.evidence for one in advise(report) if one.rule == advice.rule), "")
        return Trial(advice=advice, old=old, decision=decision, again=again)

    def _turns(
        self,
        advice: Advice,
        without: Mapping[str, str],
        with_it: Mapping[str, str],
        before: list[Turn],
        after: list[Turn],
    ) -> Iterator[ProfileReport]:
        """Yield the profiles with the change, a turn without it before each; ends early where it cannot help."""
        pairs = self._limits.pairs
        for pair in range(1, pairs + 1):
            before.append(turn_of(self._profile(without, f"pair {pair} of {pairs}, without")))
            report = self._profile(with_it, f"pair {pair} of {pairs}, with {_change(advice)}")
            after.append(turn_of(report))
            yield report
            if is_hopeless(before, after, advice.aim, pairs=pairs):
                return

    def _profile(self, changes: Mapping[str, str], words: str) -> ProfileReport:
        begun_s = self._clock.monotonic()
        report = self._measure(changes)
        self._turn_s = max(self._turn_s, self._clock.monotonic() - begun_s)
        self._tell(f"{words}: {_shown(turn_of(report))}")
        return report


def _can_be_tried(advice: Advice) -> bool:
    return bool(advice.setting and advice.value and advice.aim)


def _change(advice: Advice) -> str:
    return f"{advice.setting}={advice.value}"


def _shown(turn: Turn) -> str:
    names = {
        "cycle": "cycle {:.2f} s",
        "post": "to post {:.2f} s",
        "answer": "to verdict {:.2f} s",
        "verdicts": "late {:.0%}",
    }
    return ", ".join(names[aim].format(value) for aim, value in turn.figures.items())

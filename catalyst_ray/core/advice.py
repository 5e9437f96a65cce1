"""What a profile suggests: rules over measured figures, each with its evidence and the setting to change.

Pure. The rules are data (``data/advice.toml`` says what their parts are). Measures nothing and changes nothing.
"""

from __future__ import annotations

import math
import operator
import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import TYPE_CHECKING, Any

from catalyst_ray.core.advice_figures import FIGURES, WORDS, measured, number
from catalyst_ray.errors import ConfigError
from catalyst_ray.models import Advice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from catalyst_ray.models import ProfileReport

AIMS = ("cycle", "post", "answer", "verdicts", "none")
_COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SETTING = re.compile(r"[A-Z][A-Z0-9_]+")
Operand = float | str
"""A number, a figure (small letters) or a setting (capitals)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A comparison that must hold."""

    left: Operand
    sign: str
    right: Operand

    def holds(self, known: Mapping[str, float]) -> bool:
        """Return whether it does; what is not known makes it false."""
        left, right = _value(self.left, known), _value(self.right, known)
        return left is not None and right is not None and _COMPARE[self.sign](left, right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """How a setting's new value follows from what is known."""

    of: Operand
    times: float = 1.0
    plus: float = 0.0
    least: Operand | None = None
    most: Operand | None = None
    whole: bool = False

    def value(self, known: Mapping[str, float]) -> float | None:
        """Return it within its bounds; None where something is not known."""
        base = _value(self.of, known)
        if base is None:
            return None
        value = base * self.times + self.plus
        if self.least is not None and (least := _value(self.least, known)) is not None:
            value = max(value, least)
        if self.most is not None and (most := _value(self.most, known)) is not None:
            value = min(value, most)
        return float(math.ceil(value - 1e-9)) if self.whole else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; ``data/advice.toml`` says what its parts are."""

    name: str
    source: str
    aim: str
    when: tuple[Condition, ...]
    evidence: str
    words: str
    gain: Change
    setting: str | None = None
    change: Change | None = None
    up: bool = True

    @property
    def operands(self) -> frozenset[str]:
        """Return every figure, setting and word that it names."""
        found: set[Operand | None] = {name for c in self.when for name in (c.left, c.right)}
        for change in (self.gain, self.change):
            found |= {change.of, change.least, change.most} if change else set()
        named = {name for text in (self.evidence, self.words) for name in _fields(text)}
        return frozenset(name for name in found if isinstance(name, str)) | named


def advise(report: ProfileReport) -> tuple[Advice, ...]:
    """Return what a profile suggests, the most promising first; nothing where nothing is short."""
    seen = measured(report)
    settings = {name: value for name, text in report.settings.items() if (value := number(text)) is not None}
    known = {**settings, **seen.figures}
    said: dict[str, str | float] = {**report.settings, **seen.figures, **seen.words}
    found = (_advice(rule, known, said) for rule in shipped_rules())
    return tuple(sorted(filter(None, found), key=lambda one: -one.weight))


@cache
def shipped_rules() -> tuple[Rule, ...]:
    """Return the rules that ship with the program.

    Raises:
        ConfigError: One of them is wrong.
    """
    return read_rules(files("catalyst_ray.core").joinpath("data/advice.toml").read_text("utf-8"))


def read_rules(text: str) -> tuple[Rule, ...]:
    """Build rules from TOML.

    Raises:
        ConfigError: The text is none, a rule lacks a part, or it names a figure that there is not.
    """
    try:
        rules = tuple(_rule(dict(table)) for table in tomllib.loads(text)["rule"])
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ConfigError(
            f"unreadable: {error}", key="advice.toml", hint="compare it with the file shipped"
        ) from error
    problems = tuple(problem for rule in rules for problem in _problems(rule))
    if problems:
        raise ConfigError("rules name what there is not", key="advice.toml", problems=problems)
    return rules


def _rule(table: dict[str, Any]) -> Rule:
    change = table.pop("value", None)
    gain = table.pop("gain")
    aim = table.pop("aim")
    if aim not in AIMS:
        raise ValueError(f"aim must be one of {', '.join(AIMS)}, was {aim!r}")
    return Rule(
        aim="" if aim == "none" else aim,
        when=tuple(_condition(words) for words in table.pop("when")),
        change=Change(of=change.pop("from"), **change) if change else None,
        gain=Change(**gain),
        **table,
    )


def _condition(words: str) -> Condition:
    left, sign, right = words.split()
    if sign not in _COMPARE:
        raise ValueError(f"no comparison {sign!r} in {words!r}")
    return Condition(left=_operand(left), sign=sign, right=_operand(right))


def _operand(text: str) -> Operand:
    return text if text[0].isalpha() else float(text)


def _problems(rule: Rule) -> Iterable[str]:
    for name in sorted(rule.operands):
        if name not in FIGURES and name not in WORDS and not _SETTING.fullmatch(name):
            yield f"{rule.name}: there is no figure {name}"
    if rule.change and not rule.setting:
        yield f"{rule.name}: a value for no setting"


def _fields(text: str) -> Iterable[str]:
    return (field for _, field, _, _ in Formatter().parse(text) if field)


def _value(operand: Operand, known: Mapping[str, float]) -> float | None:
    return known.get(operand) if isinstance(operand, str) else operand


def _advice(rule: Rule, known: Mapping[str, float], said: Mapping[str, str | float]) -> Advice | None:
    if not all(condition.holds(known) for condition in rule.when):
        return None
    value = None
    if rule.change is not None and rule.setting is not None:
        new, old = rule.change.value(known), known.get(rule.setting)
        if new is None or (old is not None and (new <= old if rule.up else new >= old)):
            return None  # it stands at its bound already
        value = f"{new:.6g}"
    if any(field not in said for text in (rule.evidence, rule.words) for field in _fields(text)):
        return None  # no advice without its evidence
    return Advice(
        rule=rule.name,
        evidence=rule.evidence.format_map(said),
        figures={name: known[name] for name in sorted(rule.operands & FIGURES.keys()) if name in known},
        setting=rule.setting,
        value=value,
        words=rule.words.format_map(said),
        weight=round(max(0.0, rule.gain.value(known) or 0.0), 3),
        aim=rule.aim,
    )

"""The settings of the judgement: which items become alerts, and what is wrong with what was set."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings

from catalyst_ray.core.market_hours import Session
from catalyst_ray.settings_fields import Share, setting

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from catalyst_ray.core.policy import Policy
    from catalyst_ray.settings import Settings

Usd = Annotated[float, Field(gt=0, le=1_000_000)]
MaxAge = Annotated[float, Field(ge=60, le=2_592_000)]
_GROUP = "Judgement"


class JudgementSettings(BaseSettings):
    """Part of ``settings.Settings``."""

    alert_threshold: Share = setting(0.35, _GROUP, "Smallest strength of a score that makes an alert.")
    watch_list: str = setting(
        "", _GROUP, "Tickers, comma-separated, that are served first and alerted at less strength."
    )
    source_weights: str = setting(
        "", _GROUP, "Trust in feeds, 0 to 1, in place of the list's: name=0.5 pairs, comma-separated."
    )
    news_max_age_seconds: MaxAge | None = setting(
        None, _GROUP, "Age from which news is dropped as stale; unset = the policy's 6 hours."
    )
    filing_max_age_seconds: MaxAge | None = setting(
        None, _GROUP, "The same for filings; unset = the policy's 12 to 48 hours, by form."
    )
    filing_read_secs: Annotated[float, Field(ge=0, le=600)] = setting(
        5.0,
        _GROUP,
        "Seconds that the decision on a filing waits for its document, with or without a model; 0 = decide on form and"
        " items alone.",
    )
    alert_cooldown_seconds: Annotated[float, Field(ge=0, le=86_400)] = setting(
        1800.0,
        _GROUP,
        "How long an alert keeps others of its ticker, event and direction back, unless they are clearly stronger or"
        " name other figures; 0 = not at all.",
    )
    alert_sessions: str = setting(
        "pre, regular, after, closed",
        _GROUP,
        "Sessions of the US market in which alerts are made, comma-separated.",
    )
    price_floor: Usd | None = setting(
        None, _GROUP, "USD; no alert on shares that cost less. Needs a PRICE_SOURCE, like the next two."
    )
    price_ceiling: Usd | None = setting(None, _GROUP, "USD; no alert on shares that cost more.")
    min_avg_volume: Annotated[float, Field(gt=0, le=1e12)] | None = setting(
        None, _GROUP, "Shares; no alert where fewer are traded on an average day of the last month."
    )

    @field_validator("alert_sessions")
    @classmethod
    def _are_sessions(cls, value: str) -> str:
        unknown = sorted(set(_words(value.lower())) - set(Session))
        if unknown or not _words(value):
            raise ValueError(f"must be some of {', '.join(Session)}")
        return value.lower()

    @field_validator("source_weights")
    @classmethod
    def _are_weights(cls, value: str) -> str:
        _weights(value)
        return value

    @property
    def watched(self) -> frozenset[str]:
        """Return the watch list as upper-case tickers."""
        return frozenset(_words(self.watch_list.upper()))

    @property
    def weights(self) -> Mapping[str, float]:
        """Return the trust that is set, by feed name."""
        return _weights(self.source_weights)


def judgement_problems(settings: Settings) -> Iterator[str]:
    """Yield a line for every limit of the judgement that cannot work."""
    limits = {
        "PRICE_FLOOR": settings.price_floor,
        "PRICE_CEILING": settings.price_ceiling,
        "MIN_AVG_VOLUME": settings.min_avg_volume,
    }
    if settings.price_source == "none":
        names = ", ".join(name for name, limit in limits.items() if limit is not None)
        if names:
            yield f"{names}: cannot be applied without a PRICE_SOURCE"
    floor, ceiling = settings.price_floor, settings.price_ceiling
    if floor is not None and ceiling is not None and floor >= ceiling:
        yield f"PRICE_FLOOR: must be below PRICE_CEILING, {floor:g} is not below {ceiling:g}"


def judgement_policy(settings: Settings) -> Policy:
    """Return the policy with what the settings change of it."""
    from catalyst_ray.core.policy import default_policy  # noqa: PLC0415  (not for --help)

    policy = default_policy(
        alert_min_value=settings.alert_threshold,
        llm_min_value=settings.llm_prescale,
        watch_list=settings.watched,
    )
    gates = replace(
        policy.gates,
        cooldown_s=settings.alert_cooldown_seconds,
        sessions=frozenset(Session(name) for name in _words(settings.alert_sessions)),
        price_floor_usd=settings.price_floor,
        price_ceiling_usd=settings.price_ceiling,
        min_average_volume=settings.min_avg_volume,
    )
    aged = policy.with_max_age(news_s=settings.news_max_age_seconds, filing_s=settings.filing_max_age_seconds)
    return replace(aged, gates=gates)


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def _weights(text: str) -> dict[str, float]:
    weights = {}
    for pair in re.split(r"\s*,\s*", text.strip()) if text.strip() else ():
        name, sign, figure = pair.partition("=")
        try:
            weight = float(figure)
        except ValueError:
            weight = -1.0
        if not (sign and name.strip() and 0 <= weight <= 1):
            raise ValueError("must be name=0.5 pairs with weights from 0 to 1")
        weights[name.strip().lower()] = weight
    return weights

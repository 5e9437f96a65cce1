"""What a language model may answer: a pydantic model for each kind of answer, and its JSON schema as compact text.

The schemas are narrower than what is accepted: an engine that is not held by one may still be understood.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from catalyst_ray.core.deal_terms import TERMS
from catalyst_ray.errors import ParseError

EventCode = Literal[
    "offering", "buyback", "dividend", "earnings_beat", "earnings_miss", "guidance_up", "guidance_down",
    "approval", "rejection", "trial_success", "trial_failure", "merger", "contract", "partnership", "product",
    "bankruptcy", "delisting", "legal", "management", "split", "financing", "routine", "promotion", "other",
]  # fmt: skip
EVENT_CODES = frozenset(get_args(EventCode))
"""The last, ``other``, says that none fits: a model must name one, or a small one always leaves the list empty."""

LONGEST_ANSWER_CHARS = 20_000
MAX_SENTENCES = 2
MAX_EVENTS = 3
MAX_QUOTES = 2
STEPS = [tenth / 10 for tenth in range(-10, 11)]
"""Tenths: as fine as the figure means, and a small model cannot run on in decimals."""


def _one_of(values: list[float]) -> WithJsonSchema:
    return WithJsonSchema({"enum": values})


def _list(items: dict[str, Any], *, least: int, most: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "array", "items": items, "minItems": least, "maxItems": most})


class HeadlineAnswer(BaseModel):
    """What the model answers about a headline. Evidence comes first, so that the figures follow from it."""

    model_config = ConfigDict(frozen=True, strict=True, allow_inf_nan=False)

    evidence: Annotated[list[str], _list({"type": "string", "maxLength": 120}, least=0, most=MAX_QUOTES)]
    events: Annotated[list[str], _list({"enum": list(get_args(EventCode))}, least=1, most=MAX_EVENTS)]
    direction: Annotated[float, Field(ge=-1.0, le=1.0), _one_of(STEPS)]
    confidence: Annotated[float, Field(ge=0.0, le=1.0), _one_of(STEPS[10:])]
    summary: Annotated[str, WithJsonSchema({"type": "string", "maxLength": 240})]


Term = Annotated[float | None, WithJsonSchema({"type": ["number", "null"]})]


class FilingAnswer(HeadlineAnswer):
    """What the model answers about a filing: the terms of its deal besides, null where it states none."""

    size_usd: Term = None
    price_usd: Term = None
    discount_pct: Term = None
    warrants: Term = None
    dilution_pct: Term = None


def schema_text(answer: type[HeadlineAnswer]) -> str:
    """Return the JSON schema of an answer: closed, every field required, terms before the direction they explain."""
    fields = {
        name: {key: value for key, value in field.items() if key not in {"title", "default"}}
        for name, field in answer.model_json_schema()["properties"].items()
    }
    order = ["evidence", "events", *(term for term in TERMS if term in fields)]
    order += [name for name in fields if name not in order]
    compact = {"type": "object", "properties": {name: fields[name] for name in order}, "required": order}
    return json.dumps({**compact, "additionalProperties": False}, separators=(",", ":"))


def parse_answer(answer: type[HeadlineAnswer], text: str, *, key: str) -> HeadlineAnswer:
    """Read a model's text.

    Raises:
        ParseError: It is no answer of that kind; ``key`` says about what it was asked.
    """
    if len(text) > LONGEST_ANSWER_CHARS:
        raise ParseError(f"the model's answer is {len(text)} characters long", key=key)
    try:
        return answer.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "answer"
        raise ParseError(f"the model's {where} is not what was asked: {first['msg']}", key=key) from error

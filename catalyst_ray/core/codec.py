"""Owns the JSON form of the models, for what outlives the process or crosses it.

Encoding needs no schema; decoding checks every field against the dataclass, so what comes back is the
model and not a dict. Fields that a newer version added are ignored, fields that it left out take their
defaults. Does no I/O and knows no table. Models that hold bytes (``Fetched``, ``Picture``) have no JSON
form.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from catalyst_ray.errors import ParseError

Model = TypeVar("Model")


def encode(value: object) -> str:
    """Return a model as JSON: times in ISO 8601 to the microsecond, NaN and infinities kept as words.

    Lone surrogates, which JSON feeds can smuggle in and UTF-8 cannot hold, become question marks.

    Raises:
        ValueError: The value holds something that has no JSON form.
    """
    try:
        text = to_json(value, inf_nan_mode="strings")
    except PydanticSerializationError:
        text = to_json(_without_surrogates(value), inf_nan_mode="strings")
    return text.decode()


def decode(model: type[Model], text: str | bytes) -> Model:
    """Return the model that ``encode`` wrote.

    Raises:
        ParseError: The text is no JSON or does not fit the model.
    """
    try:
        # mypy looks for __hash__ on the model, where it needs that of its class.
        found: Model = _adapter(model).validate_json(text)  # type: ignore[arg-type]
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(step) for step in first["loc"]) or "text"
        raise ParseError(f"no {model.__name__}: {field}: {first['msg']}") from None
    return found


@lru_cache(maxsize=64)
def _adapter(model: type[Any]) -> TypeAdapter[Any]:
    # Building one takes milliseconds: done on first use, then kept.
    return TypeAdapter(model)


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        # An enum member is a str as well, and encodes to its value.
        return value.encode("utf-8", "replace").decode()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _without_surrogates(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(held) for key, held in value.items()}
    if isinstance(value, (tuple, list)):
        return [_without_surrogates(held) for held in value]
    return value

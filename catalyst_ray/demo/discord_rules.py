"""Discord's rules for a webhook's message: what is refused, and in which words.

Pure: a payload and the names of its files come in, problems go out in the shape of Discord's error 50035.
Limits as in discord-api-docs at c98d64bc23, inclusive, measured after trimming.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

MAX_EMBEDS = 10
MAX_FIELDS = 25
MAX_EMBED_CHARS = 6000
MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_REQUEST_BYTES = 25 * 1024 * 1024
UNKNOWN_WEBHOOK = (404, {"message": "Unknown Webhook", "code": 10015})
UNKNOWN_MESSAGE = (404, {"message": "Unknown Message", "code": 10008})
BAD_TOKEN = (401, {"message": "Invalid Webhook Token", "code": 50027})
NOT_JSON = (400, {"message": "The request body contains invalid JSON.", "code": 50109})
EMPTY_MESSAGE = (400, {"message": "Cannot send an empty message", "code": 50006})
FILE_TOO_LARGE = (400, {"message": "File uploaded exceeds the maximum size", "code": 50045})
TOO_LARGE = (413, {"message": "Request entity too large", "code": 40005})
PLANNED: Mapping[str, Mapping[str, Any]] = {
    "400": {"message": "Invalid Form Body", "code": 50035},
    "413": TOO_LARGE[1],
    "500": {"message": "500: Internal Server Error", "code": 0},
    "503": {"message": "API resource is currently overloaded. Try again a little later.", "code": 130000},
}
"""Bodies of refusals that a plan asks for, by status."""

_EMBED_LIMITS = {"title": 256, "description": 4096}
_NESTED_LIMITS = {"footer": ("text", 2048), "author": ("name", 256)}
_FIELD_LIMITS = {"name": 256, "value": 1024}
_PICTURES = ("image", "thumbnail")
_BANNED_NAMES = ("clyde", "discord")
_MAX_COLOUR = 0xFFFFFF

Problem = tuple[tuple[str, ...], str, str]
"""Where (path of keys), Discord's code, its words."""


def problems(payload: Mapping[str, Any], filenames: Collection[str]) -> list[Problem]:
    """Return everything that Discord would refuse in a payload sent with these files."""
    return [
        *_too_long(payload, ("content",), 2000),
        *_username(payload),
        *_embeds(payload.get("embeds"), filenames),
        *_attachments(payload.get("attachments"), filenames),
    ]


def form_error(found: Sequence[Problem]) -> dict[str, Any]:
    """Return Discord's body for an invalid form, problems nested by key as it does."""
    errors: dict[str, Any] = {}
    for path, code, message in found:
        place = errors
        for key in path:
            place = place.setdefault(key, {})
        place.setdefault("_errors", []).append({"code": code, "message": message})
    return {"message": "Invalid Form Body", "code": 50035, "errors": errors}


def is_empty(payload: Mapping[str, Any], files: int) -> bool:
    """Return whether a message has nothing to show."""
    return not (str(payload.get("content") or "").strip() or payload.get("embeds") or files)


def _username(payload: Mapping[str, Any]) -> Iterator[Problem]:
    name = payload.get("username")
    if name is None:
        return
    if not isinstance(name, str) or not 1 <= len(name.strip()) <= 80:
        yield ("username",), "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 80 in length."
    elif any(word in name.lower() for word in _BANNED_NAMES):
        yield ("username",), "USERNAME_INVALID_CONTAINS", 'Username cannot contain "discord"'


def _embeds(embeds: Any, filenames: Collection[str]) -> Iterator[Problem]:
    if embeds is None:
        return
    if not isinstance(embeds, list):
        yield ("embeds",), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType"
        return
    if len(embeds) > MAX_EMBEDS:
        yield ("embeds",), "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_EMBEDS} or fewer in length."
    total = 0
    for number, embed in enumerate(embeds):
        if not isinstance(embed, dict):
            yield ("embeds", str(number)), "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType"
            continue
        total += sum(len(text) for text in _texts(embed))
        for path, code, message in _embed(embed, filenames):
            yield ("embeds", str(number), *path), code, message
    if total > MAX_EMBED_CHARS:
        yield ("embeds",), "MAX_EMBED_SIZE_EXCEEDED", f"Embed size exceeds maximum size of {MAX_EMBED_CHARS}"


def _texts(embed: Mapping[str, Any]) -> Iterator[str]:
    """Yield the texts that count towards the limit over all embeds, trimmed."""
    places = [embed.get(key) for key in _EMBED_LIMITS]
    for key, (inner, _) in _NESTED_LIMITS.items():
        nested = embed.get(key)
        places.append(nested.get(inner) if isinstance(nested, dict) else None)
    for field in _dicts(embed.get("fields")):
        places += [field.get(key) for key in _FIELD_LIMITS]
    yield from (place.strip() for place in places if isinstance(place, str))


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _embed(embed: Mapping[str, Any], filenames: Collection[str]) -> Iterator[Problem]:
    for key, limit in _EMBED_LIMITS.items():
        yield from _too_long(embed, (key,), limit)
    for key, (inner, limit) in _NESTED_LIMITS.items():
        yield from _too_long(embed, (key, inner), limit)
    yield from _fields(embed.get("fields"))
    colour = embed.get("color", 0)
    if not isinstance(colour, int) or not 0 <= colour <= _MAX_COLOUR:
        yield ("color",), "NUMBER_TYPE_COERCE", "Value must be an int between 0 and 16777215."
    yield from _address(embed.get("url"), ("url",), ())
    for key in _PICTURES:
        picture = embed.get(key)
        if isinstance(picture, dict):
            yield from _address(picture.get("url"), (key, "url"), filenames)


def _fields(fields: Any) -> Iterator[Problem]:
    rows = _dicts(fields)
    if len(rows) > MAX_FIELDS:
        yield ("fields",), "BASE_TYPE_MAX_LENGTH", f"Must be {MAX_FIELDS} or fewer in length."
    for number, field in enumerate(rows):
        for key, limit in _FIELD_LIMITS.items():
            if not str(field.get(key) or "").strip():
                yield ("fields", str(number), key), "BASE_TYPE_REQUIRED", "This field is required"
            else:
                for path, code, message in _too_long(field, (key,), limit):
                    yield ("fields", str(number), *path), code, message


def _address(url: Any, path: tuple[str, ...], filenames: Collection[str]) -> Iterator[Problem]:
    if url is None:
        return
    name = url.removeprefix("attachment://") if isinstance(url, str) else ""
    if isinstance(url, str) and name != url:
        if name not in filenames:
            yield path, "ATTACHMENT_NOT_FOUND", f"Attachment {name!r} not found"
    elif not (isinstance(url, str) and url.startswith(("http://", "https://"))):
        yield path, "URL_TYPE_INVALID_SCHEME", "Scheme must be one of ('http', 'https')."


def _attachments(attachments: Any, filenames: Collection[str]) -> Iterator[Problem]:
    for number, attachment in enumerate(_dicts(attachments)):
        name = attachment.get("filename")
        if name is not None and name not in filenames:
            yield ("attachments", str(number), "filename"), "ATTACHMENT_NOT_FOUND", f"No file named {name!r}"


def _too_long(holder: Mapping[str, Any], path: tuple[str, ...], limit: int) -> Iterator[Problem]:
    value: Any = holder
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    if value is None:
        return
    if not isinstance(value, str):
        yield path, "STRING_TYPE_CONVERT", "Could not interpret value as string."
    elif len(value.strip()) > limit:
        yield path, "BASE_TYPE_MAX_LENGTH", f"Must be {limit} or fewer in length."

"""Signatures of webhooks, as Standard Webhooks 1.0 has them (github.com/standard-webhooks/standard-webhooks).

Owns the form of the secret and of the signature. Pure: the time is an argument.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PREFIX = "whsec_"
_KEY_BYTES = range(24, 65)


def signing_keys(secrets: str) -> tuple[bytes, ...]:
    """Return the keys of one or more secrets, divided by white space; a second one is for its replacement.

    Raises:
        ValueError: One is not ``whsec_`` and the base64 of 24 to 64 bytes.
    """
    return tuple(_key(secret) for secret in secrets.split())


def signature(keys: Iterable[bytes], *, event_id: str, timestamp_s: int, body: bytes) -> str:
    """Return the value of ``webhook-signature``: ``v1,<base64>`` for each key, divided by spaces.

    What is signed is id, time and body, divided by full stops: no part can be changed, and none moved.
    """
    signed = b".".join((event_id.encode("ascii"), b"%d" % timestamp_s, body))
    made = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return " ".join(f"v1,{base64.b64encode(one).decode('ascii')}" for one in made)


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or len(key) not in _KEY_BYTES:
        raise ValueError(f"must be {_PREFIX} and the base64 of 24 to 64 random bytes")
    return key

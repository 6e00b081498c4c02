"""When a bearer token expires, where it says so itself."""

from __future__ import annotations

import base64
import binascii
import json
from datetime import UTC, datetime


def token_expires_at(token: str) -> datetime | None:
    """Return the `exp` of a JSON Web Token (RFC 7519), None for tokens of another form. Nothing is verified."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    payload = parts[1]
    try:
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (binascii.Error, ValueError, KeyError, TypeError, OverflowError, OSError, RecursionError):
        return None

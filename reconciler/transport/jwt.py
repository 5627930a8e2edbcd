"""What a key says of itself, where it is a JSON Web Token (RFC 7519): when it ends, and its scopes.

Nothing is verified: what it opens does that. It is only read to warn in time.
"""

import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from typing import Any

from reconciler.transport.auth import Secret

_PARTS = 3
_LAST = 253402300799
"""The last second of the year 9999."""


def ends(secret: Secret) -> float | None:
    """When it ends, in seconds since 1970; None where it does not say."""
    said = _claims(secret).get("exp")
    if isinstance(said, bool) or not isinstance(said, (int, float)) or not 0 < said <= _LAST:
        return None
    return float(said)


def scopes(secret: Secret) -> frozenset[str]:
    """What it says that it may do; empty where it does not say."""
    claims = _claims(secret)
    said = claims.get("scope", claims.get("scp"))
    words = said if isinstance(said, list) else said.split() if isinstance(said, str) else []
    return frozenset(word for word in words if isinstance(word, str))


def _claims(secret: Secret) -> Mapping[str, Any]:
    parts = secret.reveal().split(".")
    if len(parts) != _PARTS:
        return {}
    try:
        claims = json.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}

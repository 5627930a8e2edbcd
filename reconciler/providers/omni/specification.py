"""An instance's description of itself (OpenAPI), compared with what is used here.

It is served beside the API, at ``<login URL>/openapi.json`` (seen live), and is
known to lag behind the service, so it is a hint and never a proof.
"""

import re
from collections.abc import Iterator, Mapping

PATH = "/openapi.json"

_USED = (
    "GET /v1/whoami",
    "GET /v1/user-attributes",
    *(f"{method} /scim/v2/{kind}" for kind in ("users", "groups") for method in ("GET", "POST")),
    *(
        f"{method} /scim/v2/{kind}/{{}}"
        for kind in ("users", "groups")
        for method in ("GET", "PATCH", "DELETE")
    ),
)


def described(body: object) -> frozenset[str]:
    """Every method and path, as ``GET /scim/v2/users/{}``; empty where this is no OpenAPI document."""
    return frozenset(_described(body))


def lacking(operations: frozenset[str]) -> list[str]:
    """What is used here and not among these."""
    return [operation for operation in _USED if operation not in operations]


def _described(body: object) -> Iterator[str]:
    paths = body.get("paths") if isinstance(body, Mapping) else None
    for path, methods in (paths if isinstance(paths, Mapping) else {}).items():
        # Letters in either case are served alike, and what stands in braces is a free choice.
        plain = re.sub(r"\{[^}]*\}", "{}", str(path).lower()).removeprefix("/api")
        yield from (f"{str(method).upper()} {plain}" for method in methods)

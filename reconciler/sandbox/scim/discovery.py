"""What a directory says of itself (RFC 7644 section 4, RFC 7643 sections 5 to 7)."""

from collections.abc import Sequence
from http import HTTPStatus

from reconciler.sandbox.scim.answers import LIST_RESPONSE, Refusal, Row, answer
from reconciler.sandbox.scim.core import DISCOVERY
from reconciler.sandbox.scim.directory import Directory
from reconciler.transport.messages import Request, Response

ENDPOINTS = ("ServiceProviderConfig", "ResourceTypes", "Schemas")


def describe(directory: Directory, request: Request, endpoint: str, ident: str, base: str) -> Response:
    """Answer a question about the directory itself."""
    if request.method != "GET":
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "Discovery is read")
    if "filter" in request.query:
        raise Refusal(HTTPStatus.FORBIDDEN, "Discovery takes no filter")
    if endpoint == "ServiceProviderConfig":
        if ident:
            raise Refusal(HTTPStatus.NOT_FOUND, f"Not found: {request.path}")
        return answer(_config(directory, base))
    rows = _resource_types(directory, base) if endpoint == "ResourceTypes" else _schemas(directory, base)
    if not ident:
        return answer(_list(rows))
    found = next((row for row in rows if str(row["id"]).lower() == ident.lower()), None)
    if found is None:
        raise Refusal(HTTPStatus.NOT_FOUND, f"Not found: {request.path}")
    return answer(found)


def _list(rows: Sequence[Row]) -> Row:
    return {
        "schemas": [LIST_RESPONSE],
        "totalResults": len(rows),
        "startIndex": 1,
        "itemsPerPage": len(rows),
        "Resources": list(rows),
    }


def _resource_types(directory: Directory, base: str) -> list[Row]:
    return [
        kind.to_json() | _meta("ResourceType", f"{base}/ResourceTypes/{kind.name}")
        for kind in directory.kinds.values()
    ]


def _schemas(directory: Directory, base: str) -> list[Row]:
    every = {urn: schema for kind in directory.kinds.values() for urn, schema in kind.schemas.items()}
    return [
        schema.to_json() | _meta("Schema", f"{base}/Schemas/{schema.urn}")
        for schema in (*every.values(), *DISCOVERY)
    ]


def _meta(kind: str, location: str) -> Row:
    return {"meta": {"resourceType": kind, "location": location}}


def _config(directory: Directory, base: str) -> Row:
    switches = directory.switches
    row: Row = {
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"],
        "patch": {"supported": switches.patch != "off"},
        "bulk": {
            "supported": switches.bulk == "on",
            "maxOperations": switches.bulk_max_operations if switches.bulk == "on" else 0,
            "maxPayloadSize": switches.bulk_max_payload if switches.bulk == "on" else 0,
        },
        "filter": {
            "supported": switches.filters == "on",
            "maxResults": switches.page_cap if switches.filters == "on" else 0,
        },
        "changePassword": {"supported": True},
        "sort": {"supported": switches.sorting == "on"},
        "etag": {"supported": switches.etags in ("on", "required")},
        "authenticationSchemes": [
            {
                "type": "oauthbearertoken",
                "name": "OAuth Bearer Token",
                "description": "A token in the Authorization header",
                "specUri": "https://www.rfc-editor.org/info/rfc6750",
            }
        ],
    } | _meta("ServiceProviderConfig", f"{base}/ServiceProviderConfig")
    if switches.paging != "index":
        row["pagination"] = _pagination(directory)
    return row


def _pagination(directory: Directory) -> Row:
    """RFC 9865 section 4."""
    switches = directory.switches
    return {
        "cursor": True,
        "index": switches.paging == "both",
        "defaultPaginationMethod": "index" if switches.paging == "both" else "cursor",
        "defaultPageSize": switches.page_cap,
        "maxPageSize": switches.page_cap,
        "cursorTimeout": 3600,
    }

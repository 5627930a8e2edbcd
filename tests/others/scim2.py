"""scim2-server, of other authors, as a Transport in this process."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from scim2_models import ResourceType, Schema, ScimProvider, ServiceProviderConfig
from scim2_server.memory import InMemoryStorage
from scim2_server.requests import ScimRequest
from scim2_server.testserver.application import BearerTokenApplication
from scim2_server.utils import load_json_resource

from reconciler.transport.messages import Request, Response

KEY = "a-token-that-opens-nothing"
BADGE = "urn:ietf:params:scim:schemas:extension:acme:2.0:User"
_BADGE_SCHEMA = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
    "id": BADGE,
    "name": "Badge",
    "description": "What opens the doors.",
    "attributes": [
        {
            "name": name,
            "type": kind,
            "multiValued": multiple,
            "description": "",
            "required": False,
            "caseExact": True,
            "mutability": "readWrite",
            "returned": "default",
            "uniqueness": "none",
        }
        for name, kind, multiple in (
            ("badge", "string", False),
            ("tags", "string", True),
            ("level", "integer", False),
            ("weight", "decimal", False),
            ("trusted", "boolean", False),
            ("since", "dateTime", False),
        )
    ],
}


class Scim2Server:
    """The server. ``features`` are those of its ServiceProviderConfig that differ, such as ``patch``.

    With ``wrong_totals`` it says the size of a page for the total, as version 0.1.9 did.
    """

    def __init__(self, *, wrong_totals: bool = False, **features: Mapping[str, object]) -> None:
        self.storage = InMemoryStorage()
        self.wrong_totals = wrong_totals
        self._app = BearerTokenApplication(self.storage, _provider(features), bearer_tokens=[KEY])

    def send(self, request: Request) -> Response:
        """Answer one request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = b"" if request.json is None else json.dumps(request.json).encode()
        headers["content-type"] = "application/scim+json"
        asked = ScimRequest(
            request.method, "http://directory.example/v2", unquote(request.path), request.query, headers, body
        )
        said = self._app.serve(asked)
        answer = json.loads(json.dumps(said.body))
        if self.wrong_totals and isinstance(answer, dict) and "totalResults" in answer:
            answer["totalResults"] = len(answer.get("Resources", ()))
        return Response(
            said.status.value, {name.lower(): value for name, value in said.headers.items()}, answer
        )

    def holds(self, kind: str) -> dict[str, dict[str, Any]]:
        """What is kept, by userName or displayName, as a client would read it."""
        path, name = {"user": ("/Users", "userName"), "group": ("/Groups", "displayName")}[kind]
        request = Request("GET", path, {"count": "1000"}, {"authorization": f"Bearer {KEY}"})
        body: Any = self.send(request).json
        return {one[name]: one for one in body.get("Resources", ())}


def _provider(features: Mapping[str, Mapping[str, object]]) -> ScimProvider:
    config = load_json_resource("default-service-provider-config.json")
    for name, feature in features.items():
        config[name] = {**config.get(name, {}), **feature}
    types = load_json_resource("default-resource-types.json")
    for one in types:
        if one["name"] == "User":
            one["schemaExtensions"].append({"schema": BADGE, "required": False})
    schemas = [*load_json_resource("default-schemas.json"), _BADGE_SCHEMA]
    return ScimProvider.from_discovery(
        [Schema.model_validate(one) for one in schemas],
        [ResourceType.model_validate(one) for one in types],
        config=ServiceProviderConfig.model_validate(config),
    )

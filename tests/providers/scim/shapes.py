"""The shape of users of a server that describes itself as the RFC does, and has an extension."""

from reconciler.providers.scim.names import Shape, shape_of
from reconciler.providers.scim.schema import CORE, ENTERPRISE, RFC, Attribute

BADGE = "urn:acme:params:scim:schemas:extension:badge:2.0:User"
OTHER = "urn:other:2.0:User"
BADGES = (
    Attribute("badge", exact_case=True),
    Attribute("level", "integer"),
    Attribute("tags", several=True),
    Attribute("hired", "dateTime", mutability="immutable"),
    Attribute("trusted", "boolean"),
    Attribute("desk", "complex", parts=(Attribute("floor", "integer"), Attribute("room"))),
    Attribute(
        "doors",
        "complex",
        several=True,
        parts=(Attribute("value"), Attribute("since", "dateTime")),
    ),
    Attribute(
        "keys",
        "complex",
        several=True,
        parts=(Attribute("value"), Attribute("type"), Attribute("primary", "boolean")),
    ),
    Attribute("serial", mutability="readOnly"),
    Attribute("pin", mutability="writeOnly", returned="never"),
)
SHAPE: Shape = shape_of(
    {CORE: RFC[CORE], ENTERPRISE: RFC[ENTERPRISE], BADGE: BADGES, OTHER: (Attribute("desk"),)},
    {"acme": BADGE},
)

"""What a resource may hold: attributes with their characteristics (RFC 7643 sections 2.2 and 7).

Names of attributes and URNs of schemas are found without case (RFC 7643 section 2.1).
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Literal

Type = Literal["string", "boolean", "decimal", "integer", "dateTime", "binary", "reference", "complex"]
Mutability = Literal["readWrite", "readOnly", "immutable", "writeOnly"]
Returned = Literal["default", "always", "never", "request"]

TYPES: tuple[Type, ...] = (
    "string",
    "boolean",
    "decimal",
    "integer",
    "dateTime",
    "binary",
    "reference",
    "complex",
)


@dataclass(frozen=True)
class Attribute:
    """One attribute, or one sub-attribute of a complex one."""

    name: str
    type: Type = "string"
    many: bool = False
    required: bool = False
    case_exact: bool = False
    mutability: Mutability = "readWrite"
    returned: Returned = "default"
    unique: bool = False
    canonical: tuple[str, ...] = ()
    references: tuple[str, ...] = ()
    subs: tuple["Attribute", ...] = ()
    description: str = ""

    @cached_property
    def by_name(self) -> dict[str, "Attribute"]:
        """Its sub-attributes, by their names in lower case."""
        return {sub.name.lower(): sub for sub in self.subs}

    def sub(self, name: str) -> "Attribute | None":
        """The sub-attribute of this name."""
        return self.by_name.get(name.lower())

    def to_json(self) -> dict[str, object]:
        """As /Schemas shows it."""
        row: dict[str, object] = {
            "name": self.name,
            "type": self.type,
            "multiValued": self.many,
            "description": self.description or self.name,
            "required": self.required,
            "mutability": self.mutability,
            "returned": self.returned,
        }
        if self.type not in ("complex", "boolean"):
            row |= {"caseExact": self.case_exact, "uniqueness": "server" if self.unique else "none"}
        if self.canonical:
            row["canonicalValues"] = list(self.canonical)
        if self.references:
            row["referenceTypes"] = list(self.references)
        if self.subs:
            row["subAttributes"] = [sub.to_json() for sub in self.subs]
        return row


@dataclass(frozen=True)
class Schema:
    """A URN and its attributes."""

    urn: str
    name: str
    attributes: tuple[Attribute, ...]

    @cached_property
    def by_name(self) -> dict[str, Attribute]:
        """Its attributes, by their names in lower case."""
        return {attribute.name.lower(): attribute for attribute in self.attributes}

    def find(self, name: str) -> Attribute | None:
        """The attribute of this name."""
        return self.by_name.get(name.lower())

    def to_json(self) -> dict[str, Any]:
        """As /Schemas shows it."""
        return {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:Schema"],
            "id": self.urn,
            "name": self.name,
            "description": self.name,
            "attributes": [attribute.to_json() for attribute in self.attributes],
        }


@dataclass(frozen=True)
class Extension:
    """A schema beside the core one of a resource type."""

    schema: Schema
    required: bool = False


@dataclass(frozen=True)
class ResourceType:
    """One kind of resource: its endpoint, its schema and what extends it."""

    name: Literal["User", "Group"]
    core: Schema
    common: tuple[Attribute, ...]
    extensions: tuple[Extension, ...] = ()

    @property
    def endpoint(self) -> str:
        """The path below which its resources are."""
        return f"/{self.name}s"

    @cached_property
    def by_name(self) -> dict[str, Attribute]:
        """The attributes at the top of a resource, by their names in lower case."""
        return {attribute.name.lower(): attribute for attribute in (*self.common, *self.core.attributes)}

    @cached_property
    def schemas(self) -> dict[str, Schema]:
        """Its schemas, by their URNs in lower case."""
        every = (self.core, *(extension.schema for extension in self.extensions))
        return {schema.urn.lower(): schema for schema in every}

    def schema(self, urn: str) -> Schema | None:
        """The schema with this URN, of the core or of an extension."""
        return self.schemas.get(urn.lower())

    def extension(self, urn: str) -> Schema | None:
        """The extension with this URN."""
        found = self.schema(urn)
        return None if found is self.core else found

    def attribute(self, schema: Schema | None, name: str) -> Attribute | None:
        """The attribute of this name in an extension; at the top of the resource without one."""
        if schema is None or schema is self.core:
            return self.by_name.get(name.lower())
        return schema.find(name)

    def to_json(self) -> dict[str, Any]:
        """As /ResourceTypes shows it."""
        return {
            "schemas": ["urn:ietf:params:scim:schemas:core:2.0:ResourceType"],
            "id": self.name,
            "name": self.name,
            "endpoint": self.endpoint,
            "description": self.core.name,
            "schema": self.core.urn,
            "schemaExtensions": [
                {"schema": each.schema.urn, "required": each.required} for each in self.extensions
            ],
        }


def with_extension(base: ResourceType, extension: Extension) -> ResourceType:
    """The resource type with one more schema beside those that it has."""
    return replace(base, extensions=(*base.extensions, extension))

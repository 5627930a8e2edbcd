"""The schemas that RFC 7643 defines: User, Group, the enterprise user, and those of discovery itself."""

from typing import Any

from reconciler.sandbox.scim.schemas import Attribute, Extension, Mutability, ResourceType, Schema

_A = Attribute

USER_URN = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP_URN = "urn:ietf:params:scim:schemas:core:2.0:Group"
ENTERPRISE_URN = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
_META = "urn:ietf:params:scim:schemas:core:2.0:"


def _complex(name: str, *subs: Attribute, **more: Any) -> Attribute:
    return _A(name, "complex", subs=subs, **more)


def _values(name: str, *types: str, **value: Any) -> Attribute:
    """A multi-valued attribute with the sub-attributes that all of them have (RFC 7643 section 2.4)."""
    return _complex(
        name,
        _A("value", **value),
        _A("display"),
        _A("type", canonical=types),
        _A("primary", "boolean"),
        many=True,
    )


def _reference(name: str, *types: str, mutability: Mutability = "readWrite", **more: Any) -> Attribute:
    return _A(name, "reference", case_exact=True, references=types, mutability=mutability, **more)


COMMON = (
    _A("schemas", "reference", many=True, required=True, case_exact=True, returned="always"),
    _A("id", case_exact=True, mutability="readOnly", returned="always", unique=True),
    _A("externalId", case_exact=True),
    _complex(
        "meta",
        _A("resourceType", case_exact=True, mutability="readOnly"),
        _A("created", "dateTime", mutability="readOnly"),
        _A("lastModified", "dateTime", mutability="readOnly"),
        _reference("location", "uri", mutability="readOnly"),
        _A("version", case_exact=True, mutability="readOnly"),
        mutability="readOnly",
    ),
)
"""What every resource has; /Schemas does not show it (RFC 7643 section 3.1)."""

_NAME = ("formatted", "familyName", "givenName", "middleName", "honorificPrefix", "honorificSuffix")
_ADDRESS = ("formatted", "streetAddress", "locality", "region", "postalCode", "country")

USER = Schema(
    USER_URN,
    "User",
    (
        _A("userName", required=True, unique=True),
        _complex("name", *(_A(name) for name in _NAME)),
        _A("displayName"),
        _A("nickName"),
        _reference("profileUrl", "external"),
        _A("title"),
        _A("userType"),
        _A("preferredLanguage"),
        _A("locale"),
        _A("timezone"),
        _A("active", "boolean"),
        _A("password", mutability="writeOnly", returned="never", case_exact=True),
        _values("emails", "work", "home", "other"),
        _values("phoneNumbers", "work", "home", "mobile", "fax", "pager", "other"),
        _values("ims", "aim", "gtalk", "icq", "xmpp", "msn", "skype", "qq", "yahoo"),
        _values("photos", "photo", "thumbnail", type="reference", references=("external",), case_exact=True),
        _complex(
            "addresses",
            *(_A(name) for name in _ADDRESS),
            _A("type", canonical=("work", "home", "other")),
            _A("primary", "boolean"),
            many=True,
        ),
        _complex(
            "groups",
            _A("value", mutability="readOnly"),
            _reference("$ref", "User", "Group", mutability="readOnly"),
            _A("display", mutability="readOnly"),
            _A("type", canonical=("direct", "indirect"), mutability="readOnly"),
            many=True,
            mutability="readOnly",
        ),
        _values("entitlements"),
        _values("roles"),
        _values("x509Certificates", type="binary", case_exact=True),
    ),
)

GROUP = Schema(
    GROUP_URN,
    "Group",
    (
        _A("displayName", required=True),
        _complex(
            "members",
            _A("value", mutability="immutable", case_exact=True),
            _reference("$ref", "User", "Group", mutability="immutable"),
            _A("display", mutability="readOnly"),
            _A("type", canonical=("User", "Group"), mutability="immutable"),
            many=True,
        ),
    ),
)

ENTERPRISE = Schema(
    ENTERPRISE_URN,
    "EnterpriseUser",
    (
        *(_A(name) for name in ("employeeNumber", "costCenter", "organization", "division", "department")),
        _complex(
            "manager",
            _A("value", case_exact=True),
            _reference("$ref", "User"),
            _A("displayName", mutability="readOnly"),
        ),
    ),
)

USERS = ResourceType("User", USER, COMMON, (Extension(ENTERPRISE),))
GROUPS = ResourceType("Group", GROUP, COMMON)


def _read_only(name: str, type_: Any = "string", *subs: Attribute, **more: Any) -> Attribute:
    return _A(name, type_, subs=subs, mutability="readOnly", **more)


def _supported(name: str, *more: Attribute) -> Attribute:
    return _read_only(
        name, "complex", _read_only("supported", "boolean", required=True), *more, required=True
    )


_CHARACTERISTICS = (
    _read_only("name", required=True, case_exact=True),
    _read_only("type", required=True),
    _read_only("multiValued", "boolean", required=True),
    _read_only("description"),
    _read_only("required", "boolean"),
    _read_only("canonicalValues", many=True),
    _read_only("caseExact", "boolean"),
    _read_only("mutability", case_exact=True),
    _read_only("returned", case_exact=True),
    _read_only("uniqueness", case_exact=True),
    _read_only("referenceTypes", many=True, case_exact=True),
)

DISCOVERY = (
    Schema(
        f"{_META}ServiceProviderConfig",
        "ServiceProviderConfig",
        (
            _read_only("documentationUri", "reference", references=("external",)),
            _supported("patch"),
            _supported(
                "bulk", _read_only("maxOperations", "integer"), _read_only("maxPayloadSize", "integer")
            ),
            _supported("filter", _read_only("maxResults", "integer")),
            _supported("changePassword"),
            _supported("sort"),
            _supported("etag"),
            _read_only(
                "authenticationSchemes",
                "complex",
                _read_only("type", required=True),
                _read_only("name", required=True),
                _read_only("description", required=True),
                _read_only("specUri", "reference", references=("external",)),
                _read_only("documentationUri", "reference", references=("external",)),
                many=True,
                required=True,
            ),
        ),
    ),
    Schema(
        f"{_META}ResourceType",
        "ResourceType",
        (
            _read_only("id"),
            _read_only("name", required=True),
            _read_only("description"),
            _read_only("endpoint", "reference", required=True, references=("uri",)),
            _read_only("schema", "reference", required=True, references=("uri",), case_exact=True),
            _read_only(
                "schemaExtensions",
                "complex",
                _read_only("schema", "reference", required=True, references=("uri",), case_exact=True),
                _read_only("required", "boolean", required=True),
                many=True,
            ),
        ),
    ),
    Schema(
        f"{_META}Schema",
        "Schema",
        (
            _read_only("id", required=True),
            _read_only("name", required=True),
            _read_only("description"),
            _read_only(
                "attributes",
                "complex",
                *_CHARACTERISTICS,
                _read_only("subAttributes", "complex", *_CHARACTERISTICS, many=True),
                many=True,
                required=True,
            ),
        ),
    ),
)
"""The schemas of what discovery answers (RFC 7643 section 8.7.2)."""

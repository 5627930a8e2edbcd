"""Omni's SCIM server as data (Omni docs: list users, list user groups, authentication)."""

from reconciler.providers.scim.dialect import Dialect

OMNI = Dialect(
    name="Omni",
    users=("scim", "v2", "users"),
    groups=("scim", "v2", "groups"),
    attributes="urn:omni:params:1.0:UserAttribute",
    page=100,
    personal_key="User-scoped API keys are not allowed",
    key_hint=(
        "This key belongs to a user. Users and groups need an organization API key, "
        "which an Organization Admin makes in Omni's settings under API keys"
    ),
)

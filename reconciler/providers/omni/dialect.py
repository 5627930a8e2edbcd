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
    lists_hint="`reconciler doctor --probe` finds out whether a list may leave out what somebody has",
)

LISTS_LEAVE_OUT = (
    "lists here leave out what somebody has (`lists_carry_attributes` in quirks.yaml), so a plan asks for "
    "less only where the files and `exact_attributes` name fewer attributes"
)
"""The hint where a probe has found that out."""

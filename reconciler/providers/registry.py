"""Which kinds of system there are, listed by hand."""

from collections.abc import Mapping

from reconciler.providers.kind import Kind
from reconciler.providers.omni.kind import OmniKind
from reconciler.providers.pleio.kind import PleioKind
from reconciler.providers.scim.kind import ScimKind

KINDS: Mapping[str, Kind] = {"omni": OmniKind(), "pleio": PleioKind(), "scim": ScimKind()}
"""Each ``kind`` that target.yaml may name."""
DEFAULT = "omni"
"""The one that is meant where a command is not told."""

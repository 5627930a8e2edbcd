"""Which kinds of system there are, listed by hand."""

from collections.abc import Callable, Mapping

from reconciler.providers.base import Provider
from reconciler.providers.omni.provider import Omni
from reconciler.providers.quirks import Quirks

PROVIDERS: Mapping[str, Callable[[Quirks], Provider]] = {"omni": Omni}
"""A provider for each ``kind`` that target.yaml may name."""

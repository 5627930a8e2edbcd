"""Which kinds of system there are, listed by hand."""

from collections.abc import Callable, Mapping

from reconciler.providers.base import Provider
from reconciler.providers.omni.provider import Omni

PROVIDERS: Mapping[str, Callable[[], Provider]] = {"omni": Omni}
"""A provider for each ``kind`` that target.yaml may name."""

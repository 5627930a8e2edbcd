"""Omni as a kind of system: its hosts, its pace, and whom to ask for everything else."""

from reconciler.providers.base import Provider
from reconciler.providers.omni.provider import Omni
from reconciler.providers.quirks import Quirks
from reconciler.transport.hosts import Hosts


class OmniKind:
    """What shared code asks of ``kind: omni``."""

    title = "Omni"
    # Its own domains are those that its command line client lists (exploreomni/cli, internal/config).
    hosts = Hosts(
        owner="Omni",
        suffixes=(
            ".omniapp.co",
            ".exploreomni.dev",
            ".thundersalmon.com",
            ".embed-omniapp.co",
            ".embed-exploreomni.dev",
            ".embed-thundersalmon.com",
        ),
        example="https://acme.omniapp.co",
        api=("/api", "/api/v1"),
    )
    # 60 a minute are allowed for each key, and neither Retry-After nor counters are sent (Omni docs).
    pace = 55

    def provider(self, quirks: Quirks) -> Provider:
        """The provider, as far as the quirks of an instance are known."""
        return Omni(quirks)

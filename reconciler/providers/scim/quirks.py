"""How one server behaves where it does not say, or says otherwise; kept in quirks.yaml."""

from dataclasses import dataclass, replace
from typing import Literal

from reconciler.providers.scim.dialect import Dialect


@dataclass(frozen=True, slots=True)
class Quirks:
    """What is known of a server beyond what it says of itself; None is not known.

    ``totals``: whether totalResults counts the whole list or the page alone. ``count``: whether a
    listing may ask for a number of rows. ``patch``, ``filters`` and ``etags``: whether these work, whatever
    the server says. ``members``: whether a group that is read shows all its members. ``media``: the type
    of the JSON that it is sent, SCIM's own or none.
    """

    totals: Literal["whole", "page"] | None = None
    count: bool | None = None
    patch: bool | None = None
    filters: bool | None = None
    etags: bool | None = None
    members: Literal["shown", "hidden"] | None = None
    media: Literal["scim", "json"] | None = None
    found_at: str = ""

    def of(self, dialect: Dialect) -> Dialect:
        """The dialect, with what is known."""
        return replace(
            dialect,
            totals=self.totals or dialect.totals,
            counts=dialect.counts if self.count is None else self.count,
            patches=dialect.patches if self.patch is None else self.patch,
            filters=dialect.filters if self.filters is None else self.filters,
            versions=dialect.versions if self.etags is None else self.etags,
            silence_is_empty=self.members != "hidden" and dialect.silence_is_empty,
            members_shown=None if self.members is None else self.members == "shown",
        )


NO_QUIRKS = Quirks()

"""What a doctor asks of a site: whether its token is accepted, and who can be read."""

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model import Need
from reconciler.providers.checks import KEY_HINT, tried
from reconciler.providers.kind import Reading
from reconciler.providers.pleio.answers import words
from reconciler.providers.pleio.paging import PAGE, PATH
from reconciler.providers.pleio.provider import OWN, Pleio
from reconciler.report import Check, number_of
from reconciler.transport.messages import Reader, Response

_FORBIDDEN = (401, 403)


class PleioChecks:
    """The checks for ``kind: pleio``."""

    greeting, description = PATH, ""
    names = ("key", "users", "profile", "pace")
    quirks = ()

    def key(self, greeted: Response) -> Check:
        """Whether the site accepts the token; it belongs to the site, and to no person."""
        if greeted.ok:
            return Check("key", "ok", "the token of this site's profile sync")
        said = f"GET {PATH} was answered {greeted.status}: {words(greeted)}"
        refused = greeted.status in _FORBIDDEN
        return Check("key", "failed" if refused else "unknown", said, KEY_HINT if refused else "try again")

    def checks(self, greeted: Response, reader: Reader, reading: Reading) -> Iterator[Check]:
        """Whose token it is, who can be read, and which profile fields there are."""
        found: list[int] = []
        fields: list[str] = []

        def users() -> Check:
            live = Pleio({}).read(reader, Need())
            found.append(len(live.users))
            fields.extend(name for name in live.definitions or {} if name not in OWN)
            banned = sum(user.resource.active is False for user in live.users)
            return Check(
                "users", "ok", f"may be read; {number_of(len(live.users), 'user')}, {banned} of them banned"
            )

        yield self.key(greeted)
        yield tried("users", users, KEY_HINT)
        shown = ", ".join(sorted(fields))
        yield Check("profile", "ok" if fields else "unknown", shown or "no profile field was seen")
        pace = number_of(reading.requests_per_minute, "request")
        pages = (
            f"a complete read takes about {number_of(found[0] // PAGE + 2, 'request')}"
            if found
            else "not known"
        )
        yield Check("pace", "ok" if found else "unknown", f"{pace} a minute: {pages}")

    def described(self, answer: Response) -> Check:
        """A site does not describe itself."""
        raise NotImplementedError

    def advice(self, quirks: Mapping[str, Any]) -> str:  # noqa: ARG002 (none of them needs any)
        """Nothing to mind."""
        return ""

"""What no Pleio site can hold, told from the files alone."""

import re
from collections.abc import Iterator

from reconciler.errors import Problem
from reconciler.model import Address, DesiredState, User
from reconciler.providers.pleio.translate import AVATAR, EXTERNAL_ID, JOINS, NAMED_GROUP

_LONGEST = {"e-mail": 255, "name": 100, EXTERNAL_ID: 200}
"""Characters that the columns of the site's database hold (server source)."""
_EMAIL = re.compile(r"[^\s@,;<>\"]+@[^\s@,;<>\"]+")
_RESERVED = "Verwijderde gebruiker"
_WHY = "Pleio never shows who is in a group"
_HINT = f"write `{JOINS}` among a person's attributes: it adds them, and takes nobody out"
_FINAL = {
    EXTERNAL_ID: "a site never clears it once it is there",
    AVATAR: "a site has no way to take a picture away",
    JOINS: "a site takes nobody out of a group",
}


def rules(desired: DesiredState) -> Iterator[Problem]:
    """Logins that are no e-mail, texts that are too long, groups, and what can never be cleared."""
    for key, user in sorted(desired.users.items()):
        address = Address("user", key)
        yield from _person(desired, address, user)
        if user.groups is not None:
            yield Problem(desired.locate(address, ("groups",)), f"`groups` cannot be said: {_WHY}", _HINT)
    for key in sorted(desired.groups):
        yield Problem(desired.locate(Address("group", key), ()), f"no group can be declared: {_WHY}", _HINT)


def _person(desired: DesiredState, address: Address, user: User) -> Iterator[Problem]:
    attributes = user.attributes or {}
    number = attributes.get(EXTERNAL_ID)
    if not _EMAIL.fullmatch(user.email):
        message = f"a name in `users` cannot be the text `{user.email[:60]}`"
        yield Problem(desired.locate(address, ()), message, "name a person by an e-mail address")
    texts = {
        "e-mail": user.email,
        "name": user.name or "",
        EXTERNAL_ID: "" if number is None else str(number),
    }
    for what, text in texts.items():
        if len(text) > _LONGEST[what]:
            message = f"the {what} has {len(text)} characters, and Pleio holds at most {_LONGEST[what]}"
            path = {"e-mail": (), "name": ("name",)}.get(what, ("attributes", what))
            yield Problem(desired.locate(address, path), message, "shorten it")
    if user.name == _RESERVED:
        message = f"nobody can be called {_RESERVED}: a site calls deleted people so, and shows them no more"
        yield Problem(desired.locate(address, ("name",)), message, "give the person another name")
    if isinstance(number, str) and number != number.strip():
        place = desired.locate(address, ("attributes", EXTERNAL_ID))
        yield Problem(
            place, f"`{EXTERNAL_ID}` begins or ends with a blank, which a site leaves out", "remove it"
        )
    joins = attributes.get(JOINS)
    for name in joins if isinstance(joins, tuple) else ():
        if NAMED_GROUP.fullmatch(str(name)):
            message = f"`{str(name)[:80]}` has a name and an id: the one might be another group's"
            yield Problem(desired.locate(address, ("attributes", JOINS)), message, "write one of them")
    for name, why in _FINAL.items():
        if name in attributes and attributes[name] in (None, ""):
            yield Problem(
                desired.locate(address, ("attributes", name)),
                f"`{name}` cannot be cleared: {why}",
                "remove it here",
            )

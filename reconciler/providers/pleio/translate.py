"""Changes of people as requests of the profile sync API.

One request says name, e-mail, number, profile fields and groups together. A picture, a ban and its end
are requests of their own. An update lets a banned person in again (server source), so a ban comes last. An
unban comes before it: it alone takes the reason of the ban away, and what is half done then is an update.
A picture comes first, since nothing shows afterwards whether it was sent. An update always sets the name
and the e-mail, so those that stay as they are go along.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from reconciler.changes import Atom, Change, Create, Delete, atoms
from reconciler.model import ACTIVE, NAMED_BY, Address, FieldPath, Live, User, Value, user_key
from reconciler.operations import Content, Field, Json, Multipart, Operation, Ref
from reconciler.values import MARK

EXTERNAL_ID, AVATAR, JOINS, PROFILE = "external_id", "avatar", "joins", "profile."
NAMED_GROUP: Final = re.compile(r".* \(([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})\)", re.DOTALL)
"""A group of `joins` by its name, with its id: so a plan shows and seals both."""
_EMAIL = NAMED_BY["user"]
_PICTURE: FieldPath = ("attributes", AVATAR)


@dataclass(frozen=True, slots=True)
class Says:
    """What a request must know beside the change.

    ``live`` has everybody who was read, by id and by login.
    """

    live: Mapping[str, User] = field(default_factory=dict)

    @classmethod
    def of(cls, people: Sequence[Live[User]]) -> "Says":
        """The same, from what was read."""
        logins = {user_key(live.resource.email): live.resource for live in people}
        return cls(logins | {live.id: live.resource for live in people})


NOTHING_READ = Says()


def translate(changes: Sequence[Change], says: Says) -> list[Operation]:
    """The requests for changes of one stage, in their order."""
    return [operation for change in changes for operation in _operations(change, says)]


def _operations(change: Change, says: Says) -> Iterator[Operation]:
    address, every = change.address, atoms(change)
    if isinstance(change, Delete):
        yield Operation(every, "DELETE", ("users", Ref(address)), None, f"delete {address}")
        return
    makes = isinstance(change, Create) and any(atom.path == _EMAIL for atom in every)
    switch = [atom for atom in every if atom.path == ACTIVE and not makes]
    pictures = [_picture(address, atom) for atom in every if atom.path == _PICTURE and atom.after]
    yield from () if makes else pictures
    yield from (_switched(atom, "unban") for atom in switch if atom.after)
    told = tuple(atom for atom in every if atom.path != _PICTURE and (makes or atom.path != ACTIVE))
    if told:
        body = _body(change, told, says, makes=makes)
        yield Operation(told, "POST", ("users",), body, f"{'create' if makes else 'update'} {address}")
    yield from pictures if makes else ()
    yield from (_switched(atom, "ban") for atom in switch if not atom.after)


def _switched(atom: Atom, word: str) -> Operation:
    return Operation((atom,), "POST", ("users", Ref(atom.address), word), None, f"{word} {atom.address}")


def _body(change: Change, told: Sequence[Atom], says: Says, *, makes: bool) -> dict[str, Json]:
    values = {atom.path: atom.after for atom in told}
    body: dict[str, Json] = {} if makes else {"guid": Ref(change.address)}
    body |= _called(change, values, says, makes=makes)
    if number := values.get(("attributes", EXTERNAL_ID)):
        body["external_id"] = str(number)
    if joins := values.get(("attributes", JOINS)):
        names = joins if isinstance(joins, tuple) else (joins,)
        ids = [group_id(str(name)) for name in names]
        # What was an id once is none any more, and might be something else's one day.
        if known := [each for each in ids if not each.isdecimal()]:
            body["groups"] = ",".join(known)
    profile = {
        path[1].removeprefix(PROFILE): "" if value is None else str(value)
        for path, value in values.items()
        if path[-1].startswith(PROFILE)
    }
    if profile:
        body["profile"] = dict[str, Json](profile)
    return body


def _called(change: Change, values: Mapping[FieldPath, Value], says: Says, *, makes: bool) -> dict[str, Json]:
    """The name and the e-mail, as they are to be: those that the change leaves alone are as they were read.

    Of somebody who was not read nothing is made up: an update without them is refused as a whole.
    """
    key = change.address.key
    live = says.live.get(key if isinstance(change, Create) else change.id)
    email = values.get(_EMAIL) or (live.email if live else None)
    name = values.get(("name",)) or (key if makes else (live.name or "") if live else None)
    return {what: str(value) for what, value in (("name", name), ("email", email)) if value is not None}


def group_id(text: str) -> str:
    """The id of a group: alone, or behind the name that target.yaml gives it."""
    found = NAMED_GROUP.fullmatch(text)
    return found[1] if found else text


def _picture(address: Address, atom: Atom) -> Operation:
    value = str(atom.after)
    name = value.rpartition(MARK)[0].rpartition("/")[2]
    part = Field(AVATAR, Content(value), name, "image/jpeg")
    return Operation(
        (atom,), "POST", ("users", Ref(address), "avatar"), Multipart((part,)), f"picture of {address}"
    )

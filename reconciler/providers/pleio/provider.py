"""Pleio: who is on a site, what of them can be said, and what cannot."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Any, Final
from uuid import UUID

from reconciler.changes import Atom, Change, Create, Delete
from reconciler.errors import Problem
from reconciler.model import Address, Definition, DesiredState, Habits, Live, LiveState, Need, User
from reconciler.operations import Operation
from reconciler.plan import Note
from reconciler.providers.base import Answer
from reconciler.providers.fitting import misfits
from reconciler.providers.pleio.answers import receive
from reconciler.providers.pleio.logs import records
from reconciler.providers.pleio.paging import Row, everybody
from reconciler.providers.pleio.translate import (
    AVATAR,
    EXTERNAL_ID,
    JOINS,
    NOTHING_READ,
    PROFILE,
    Says,
    group_id,
    translate,
)
from reconciler.report import Report, number_of
from reconciler.transport.messages import Reader, Response

OWN: Final = {
    EXTERNAL_ID: Definition(EXTERNAL_ID, exact_case=False, clearable=False, unique=True),
    AVATAR: Definition(
        AVATAR, "file", readable=False, clearable=False, media=("image/jpeg", "image/png"), spare=True
    ),
    JOINS: Definition(JOINS, multiple=True, readable=False, grows=True, clearable=False),
}
"""What Pleio keeps of everybody; the profile fields are each site's own."""


@dataclass(frozen=True, slots=True)
class Pleio:
    """The provider for ``kind: pleio``. It holds no credential.

    ``groups`` are the ids of groups by the names that target.yaml gives them. ``lax`` says that people
    without external_id can be created, however many have none. ``logs`` says that the site's log is
    told what an apply did. ``says`` is what a write must know of those who are live.
    """

    groups: Mapping[str, str]
    lax: bool = False
    logs: bool = False
    says: Says = NOTHING_READ

    def read(self, reader: Reader, need: Need) -> LiveState:  # noqa: ARG002 (one list holds everything)
        """Read everybody; the profile fields of a site are those that its people have."""
        rows = everybody(reader)
        fields = dict.fromkeys(name for row in rows for name in row.get("profile") or {})
        own = {f"{PROFILE}{name}": Definition(f"{PROFILE}{name}") for name in fields}
        return LiveState(
            users=tuple(map(_user, rows)),
            definitions=OWN | own,
            callers=(),
            logins_change=True,
            habits=Habits(
                updates_reactivate=True,
                roles_hidden=True,
                groups_hidden=True,
                sole_without="" if self.lax else EXTERNAL_ID,
            ),
        )

    def look(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:  # noqa: ARG002
        """Read everybody: nobody can be asked for alone."""
        return self.read(reader, Need())

    def audit(self, desired: DesiredState, live: LiveState) -> list[Problem]:
        """Profile fields that the site does not have, and names of groups that target.yaml does not know."""
        fields = misfits(desired, live.definitions or {}, "Pleio") if live.users else _nobody_yet(desired)
        return [*fields, *self._unclear_names(desired), *self._unknown_groups(desired)]

    def translate(self, changes: Sequence[Change]) -> list[Operation]:
        """Say changes of one stage as requests."""
        return translate(changes, self.says)

    def receive(self, operation: Operation, response: Response) -> Answer:
        """Understand the answer to one operation."""
        return receive(operation, response)

    def informed(self, live: LiveState, desired: DesiredState) -> "Pleio":  # noqa: ARG002 (the files are told as changes)
        """The same, which knows the names and e-mails that its writes must repeat."""
        return replace(self, says=Says.of(live.users))

    def named(self, desired: DesiredState) -> DesiredState:
        """The same, with the id behind each name of a group: a plan shows and seals which one it is."""
        users = dict(desired.users)
        for key, user in desired.users.items():
            joins = (user.attributes or {}).get(JOINS)
            if isinstance(joins, tuple):
                whole = tuple(self._with_id(str(name)) for name in joins)
                users[key] = replace(user, attributes={**(user.attributes or {}), JOINS: whole})
        return replace(desired, users=users)

    def _with_id(self, name: str) -> str:
        guid = self._ids.get(name.casefold())
        return f"{name} ({guid})" if guid else name

    def notes(self, desired: DesiredState, changes: Sequence[Change]) -> Iterator[Note]:
        """What these changes do beside what they say."""
        created = sum(isinstance(change, Create) for change in changes)
        if created:
            who = number_of(created, "new user")
            yield Note(
                "mail", f"{who} may each get mail: a welcome of the site, and of groups that they join"
            )
        if deleted := [change for change in changes if isinstance(change, Delete)]:
            what = "makes the person anonymous for ever, and ends their profile and memberships"
            yield Note(
                "deleted",
                f"{number_of(len(deleted), 'deletion')}: each {what}",
                deleted[0].place,
                warning=True,
            )
        for address, name in _joined(desired):
            if name.isdecimal():
                message = f"{address} is to join `{name}`, which is no id of a group (a UUID): it is left out"
                place = desired.locate(address, ("attributes", JOINS))
                yield Note("joins", message, place, warning=True)

    def log(self, report: Report) -> Sequence[Operation]:
        """What the site's own log is told of an apply."""
        return records(report) if self.logs else ()

    @property
    def _ids(self) -> Mapping[str, str]:
        return {name.casefold(): guid for name, guid in self.groups.items()}

    def _unclear_names(self, desired: DesiredState) -> Iterator[Problem]:
        """The names of groups that a list would take for several, and those that two groups have."""
        place = desired.locate(Address("user", ""), ())
        alike: dict[str, str] = {}
        for name in self.groups:
            other = alike.setdefault(name.casefold(), name)
            if "," in name:
                message = f"`groups_by_name` names `{name}`: in a list a comma stands between two names"
                yield Problem(place, message, "give the group a name without a comma")
            if other != name:
                message = f"`groups_by_name` names `{other}` and `{name}`, which differ in capitals alone"
                yield Problem(place, message, "give one of them another name")

    def _unknown_groups(self, desired: DesiredState) -> Iterator[Problem]:
        for address, name in _joined(desired):
            if name.isdecimal() or _is_guid(group_id(name)):
                continue
            near = get_close_matches(name, self.groups, n=1)
            hint = (
                f"did you mean `{near[0]}`?" if near else "name it there, with its id: groups_by_name: {...}"
            )
            message = f"`{name}` is neither a name in `groups_by_name` of target.yaml nor an id of a group"
            yield Problem(desired.locate(address, ("attributes", JOINS)), message, hint)


def _joined(desired: DesiredState) -> Iterator[tuple[Address, str]]:
    """Everybody who is to join a group, with each name that is written for one."""
    for key, user in sorted(desired.users.items()):
        value = (user.attributes or {}).get(JOINS)
        for name in value if isinstance(value, tuple) else ():
            yield Address("user", key), str(name)


def _is_guid(text: str) -> bool:
    try:
        return str(UUID(text)) == text.lower()
    except ValueError:
        return False


def _nobody_yet(desired: DesiredState) -> Iterator[Problem]:
    for key, user in sorted(desired.users.items()):
        for name in user.attributes or {}:
            if name not in OWN:
                message = (
                    f"whether the site has `{name}` is not known: its people show that, and it has none yet"
                )
                hint = "let its administrator sign in first, or add people without profile fields"
                yield Problem(desired.locate(Address("user", key), ("attributes", name)), message, hint)


def _user(row: Row) -> Live[User]:
    profile: Mapping[str, Any] = row.get("profile") or {}
    values = {f"{PROFILE}{name}": _text(value) for name, value in profile.items()}
    values[EXTERNAL_ID] = _text(row.get("external_id"))
    user = User(row["email"], _text(row.get("name")), row.get("is_banned") is not True, None, values)
    return Live(user, row["guid"])


def _text(value: object) -> str | None:
    return None if value in (None, "") else str(value)

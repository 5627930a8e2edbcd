"""What no instance of Omni can hold, told from the files alone."""

import re
from collections.abc import Iterator

from reconciler.errors import Problem
from reconciler.model import Address, DesiredState, FieldPath
from reconciler.providers.fitting import bare_boolean

_LONGEST_NAME = 64
"""Characters in the name of a group (Omni docs: create user group)."""
_SHOWN = 60
"""Characters of a login that a message repeats."""
_PART = r'[^\s@,:;<>()\[\]\\"]+'
_ADDRESS = re.compile(rf"(?!\.|.*(\.\.|\.@|@\.|\.$)){_PART}@{_PART}")
_LOOKS = (
    "a user is named by an e-mail address, such as ada@acme.com: text on both sides of one @, dots only "
    "between other characters, and no space, bracket, quote, comma, colon, semicolon or backslash"
)


def rules(desired: DesiredState) -> Iterator[Problem]:
    """Logins that are no e-mail address, names of groups that are too long, and true or false as a value.

    Omni has no attribute of such a type but its own, which exports of other tools hold as well.
    """
    yield from _logins(desired)
    for key, group in sorted(desired.groups.items()):
        if len(group.name) > _LONGEST_NAME:
            message = (
                f"the name has {len(group.name)} characters, and a group of Omni at most {_LONGEST_NAME}"
            )
            yield Problem(desired.locate(Address("group", key), ()), message, "shorten it")
    for key, user in sorted(desired.users.items()):
        follows = desired.lists.follows.get(key, ())
        for name, value in (user.attributes or {}).items():
            if name not in follows and (complaint := bare_boolean(name, value)):
                yield Problem(desired.locate(Address("user", key), ("attributes", name)), *complaint)


def is_address(text: str) -> bool:
    """Whether Omni takes this as the e-mail address of a user."""
    return _ADDRESS.fullmatch(text) is not None


def _logins(desired: DesiredState) -> Iterator[Problem]:
    """Every login that the files write, wherever they do."""
    for key in sorted({*desired.users, *(a.key for a in desired.absent if a.kind == "user")}):
        if not is_address(key):
            written = desired.users[key].email if key in desired.users else key
            yield _no_address(desired, Address("user", key), (), "a name in `users`", written)
    for address, earlier in sorted(desired.previously.items()):
        for old in earlier:
            if address.kind == "user" and not is_address(old):
                yield _no_address(desired, address, ("previously", old), "an item of `previously`", old)
    odd = {member for member in desired.members if not is_address(member)}
    for key, group in sorted(desired.groups.items()):
        for member in sorted(odd & (group.members or set())):
            path = ("members", member)
            yield _no_address(desired, Address("group", key), path, "an item of `members`", member)


def _no_address(
    desired: DesiredState, address: Address, path: FieldPath, subject: str, login: str
) -> Problem:
    shown = login if len(login) <= _SHOWN else f"{login[: _SHOWN - 1]}…"
    return Problem(desired.locate(address, path), f"{subject} cannot be the text `{shown}`", _LOOKS)

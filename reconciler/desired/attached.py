"""Files that are values of attributes, such as a picture: found below a target's folder, read and digested.

The files state a path, relative to the file that states it. The value in a plan is the path below the
target's folder, with the SHA-256 of what is in it: ``avatars/jan.jpg sha256:9f86d0...``. Which
attributes are files only the system says, so nothing is read before that is known; of an older
revision everything is digested while its folder is there.
"""

import hashlib
import os
import stat
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from reconciler.errors import FileUnusable, Place, Problem
from reconciler.links import is_hidden, leads_out
from reconciler.model import Address, Definition, DesiredState, Scalar, User, Value
from reconciler.values import MARK, digest_of, media_of

MAX_BYTES = 10 * 1024 * 1024
_HINT = "name a file below the target's folder, relative to the file that states it"


@dataclass(frozen=True, slots=True)
class Attached:
    """The files below one target's folder; ``shown_as`` begins the places of its desired state.

    ``digests`` are those of an older revision, whose folder is gone by now.
    """

    folder: Path
    shown_as: str
    digests: Mapping[str, str] | None = None

    def __call__(self, place: Place, text: str, media: Sequence[str] = ()) -> str:
        """The value for a path that is stated at a place; raises FileUnusable.

        ``media`` are the types that it may have, any where there are none.
        """
        path = _below(PurePosixPath(place.file), self.shown_as, text)
        digest = self.digests.get(path) if self.digests is not None else self._digest_now(path, media)
        if digest is None:
            message = f"there is no file {path!r}"
            raise FileUnusable(message)
        return f"{path}{MARK}{digest}"

    def _digest_now(self, path: str, media: Sequence[str]) -> str:
        content = read(self.folder, path)
        _check_type(path, content, media)
        return _digest(content)

    def kept(self) -> "Attached":
        """The same, of a folder that will be gone."""
        return replace(self, digests=dict(self._digests()))

    def _digests(self) -> Iterator[tuple[str, str]]:
        for where, folders, names in os.walk(self.folder):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                path = (Path(where) / name).relative_to(self.folder).as_posix()
                if not path.lower().endswith((".yaml", ".yml")):
                    try:
                        yield path, _digest(read(self.folder, path))
                    except FileUnusable:
                        continue


@dataclass(frozen=True, slots=True)
class Unusable:
    """What is wrong with files: ``problems`` stop a plan, and what is in ``spared`` is left out of it."""

    problems: tuple[Problem, ...] = ()
    spared: tuple[Problem, ...] = ()


def with_files(desired: DesiredState, definitions: Mapping[str, Definition]) -> tuple[DesiredState, Unusable]:
    """The desired state with the values of all attributes that are files, and what is wrong with these."""
    names = {name for name, each in definitions.items() if each.type == "file"}
    problems: list[Problem] = []
    spared: list[Problem] = []
    users: dict[str, User] = {}
    for key, user in desired.users.items() if names else ():
        attributes = dict(user.attributes or {})
        for name in sorted(names & attributes.keys()):
            place = desired.locate(Address("user", key), ("attributes", name))
            try:
                attributes[name] = _value(desired, place, attributes[name], definitions[name].media)
            except FileUnusable as error:
                spare = definitions[name].spare
                (spared if spare else problems).append(Problem(place, f"`{name}`: {error}", _HINT))
                if spare:
                    del attributes[name]
        users[key] = replace(user, attributes=attributes)
    found = Unusable(tuple(problems), tuple(spared))
    return (replace(desired, users={**desired.users, **users}) if users else desired), found


def _value(desired: DesiredState, place: Place, stated: Value, media: Sequence[str]) -> Value:
    def one(item: Scalar) -> Scalar:
        return desired.attached(place, str(item), media) if item != "" else item

    if stated is None:
        return None
    return tuple(map(one, stated)) if isinstance(stated, tuple) else one(stated)


def values_of(desired: DesiredState, definitions: Mapping[str, Definition]) -> Iterator[str]:
    """The value of each file that ``with_files`` found."""
    names = {name for name, each in definitions.items() if each.type == "file"}
    for user in desired.users.values() if names else ():
        for name in names & (user.attributes or {}).keys():
            value = (user.attributes or {})[name]
            yield from (str(item) for item in (value if isinstance(value, tuple) else (value,)) if item)


def named_in(desired: DesiredState) -> frozenset[str]:
    """The names of all files that an attribute may mean: which attributes are files, only the system says."""
    values = (value for user in desired.users.values() for value in (user.attributes or {}).values())
    items = (item for value in values for item in (value if isinstance(value, tuple) else (value,)))
    return frozenset(PurePosixPath(item).name for item in items if isinstance(item, str))


def content_of(folder: Path, value: str) -> bytes:
    """The bytes of a file, from its value; raises FileUnusable, also where they are not the reviewed ones."""
    path = value.rpartition(MARK)[0]
    content = read(folder, path)
    if _digest(content) != digest_of(value):
        message = f"the file {path!r} has changed since the review"
        raise FileUnusable(message)
    return content


def are_in(folder: Path, values: Iterable[str]) -> bool:
    """Whether a folder has all these files with the same content."""
    try:
        return all(content_of(folder, value) is not None for value in values)
    except FileUnusable:
        return False


def read(folder: Path, path: str) -> bytes:
    """The bytes of a file below a folder; raises FileUnusable where there is none that may be read."""
    whole = folder / path
    try:
        if leads_out(whole, folder):
            message = f"{path!r} leads out of the target's folder"
        elif is_hidden(whole, folder):
            message = f"{path!r} leads to what is hidden, and that is never read"
        elif not stat.S_ISREG((status := whole.stat()).st_mode):
            message = f"{path!r} is no regular file"
        elif status.st_size > MAX_BYTES:
            message = f"{path!r} is {status.st_size:,} bytes long, and at most {MAX_BYTES:,} are sent"
        else:
            with whole.open("rb") as file:
                return file.read(MAX_BYTES)
    except FileNotFoundError:
        message = f"there is no file {path!r}"
    except (OSError, ValueError) as error:
        message = f"{path!r} cannot be read: {error}"
    raise FileUnusable(message)


def _below(stating: PurePosixPath, shown_as: str, text: str) -> str:
    """The path below the target's folder, for a path in a file that is shown so; raises FileUnusable."""
    inside = stating.relative_to(shown_as).parent if stating.is_relative_to(shown_as) else PurePosixPath()
    path = os.path.normpath(inside / text) if text else ""
    steps = PurePosixPath(path).parts
    if not steps or steps[0] in ("..", "/") or PurePosixPath(text).is_absolute():
        message = f"{text!r} leads out of the target's folder"
        raise FileUnusable(message)
    if any(step.startswith(".") for step in steps):
        message = f"{text!r} is hidden, and what is hidden is never read"
        raise FileUnusable(message)
    return path


def _check_type(path: str, content: bytes, media: Sequence[str]) -> None:
    """Raise FileUnusable for a file that begins like none of these types."""
    if media and media_of(content) not in media:
        kinds = " nor ".join(each.partition("/")[2].upper() for each in media)
        message = f"{path!r} is neither {kinds}"
        raise FileUnusable(message)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()

"""The place of every object of a desired state, and of every field in it."""

from collections.abc import Iterable
from typing import Final

from reconciler.desired.sources import Source, Steps
from reconciler.errors import Place
from reconciler.model import KEY_OF, Address, FieldPath, Kind

SECTIONS: Final[dict[Kind, str]] = {"user": "users", "group": "groups"}
_LISTED: Final[dict[str, Kind]] = {"groups": "group", "members": "user"}


class Places:
    """Finds the place of an object or of a field in it. Keeps the text of the files, not their data."""

    def __init__(self, elsewhere: Place) -> None:
        self._elsewhere = elsewhere
        self.names: dict[Kind, dict[str, tuple[Source, str]]] = {"user": {}, "group": {}}
        self._added: dict[tuple[Address, FieldPath], tuple[Source, str]] = {}

    def add(self, address: Address, paths: Iterable[FieldPath], source: Source, name: str) -> None:
        """Note that these fields of an object stand in another file than the object itself."""
        self._added.update(dict.fromkeys(((address, path) for path in paths), (source, name)))

    def _stating(self, address: Address, path: FieldPath) -> tuple[Source, str] | None:
        """The file that states a field, or else declares the object, and its name there."""
        lengths = range(len(path), 0, -1) if self._added else ()
        added = (self._added.get((address, path[:length])) for length in lengths)
        return next(filter(None, added), None) or self.names[address.kind].get(address.key)

    def __call__(self, address: Address, path: FieldPath = ()) -> Place:
        """The place where a field is written, else the innermost thing around it.

        A field that comes from the defaults of a user's file has its place there.
        A member of a group whose members the users state has its place at the
        user. An object that no file declares is at ``elsewhere``: the settings
        decide about it.
        """
        declared = self._stating(address, path)
        if declared is None:
            return self._elsewhere
        source, name = declared
        place = find_field(source, address.kind, name, path)
        if not place and path[:1] == ("members",):
            own = ("groups", address.key)
            if person := self._stating(Address("user", path[-1]), own):
                place = find_field(person[0], "user", person[1], own)
        return place or source.nearest((SECTIONS[address.kind], name, *path))


def find_field(source: Source, kind: Kind, name: str, path: FieldPath) -> Place | None:
    """The place of a field, or of an item of a list of names; in the entry, else in its file's defaults."""
    listed = kind if path[:1] == ("previously",) else _LISTED.get("".join(path[:1]))
    entries: list[Steps] = [(SECTIONS[kind], name)]
    if kind == "user" and path:
        entries.append(("defaults", "users"))
    for entry in entries:
        place = source.find((*entry, *path))
        if not place and listed and path[1:]:
            place = source.find_item((*entry, path[0]), KEY_OF[listed], path[1])
        if place:
            return place
    return None

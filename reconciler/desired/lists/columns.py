"""Which column of a list says what: the mapping, as ``sources`` in target.yaml and a ``like`` write it.

A ``like`` is such data that ships with a kind of system. What the target writes
beside it counts before it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from reconciler.model import group_key

Type = Literal["csv", "json"]
Likes = Mapping[str, Mapping[str, Mapping[str, Any]]]
"""The mappings that ship with a kind of system: by name, then by the type of the file."""

Aliases = tuple[str, ...]
"""The names that a column may have; the first that is there counts."""

ATTRIBUTES = "attributes"
PREFIX = f"{ATTRIBUTES}."


@dataclass(frozen=True, slots=True)
class GroupRule:
    """Which groups one column decides, and how.

    With a ``map`` its values stand for groups, by value without case; ``otherwise`` are those for
    any other value. Without one a value names a group itself. ``decides`` are the groups that the
    rule speaks about, each name by its key; None stands for all that the list names.
    """

    column: Aliases
    map: Mapping[str, tuple[str, ...]] | None
    otherwise: tuple[str, ...]
    decides: Mapping[str, str] | None

    def groups_for(self, values: Sequence[str]) -> tuple[str, ...]:
        """The groups that a person with these values is in, among those that the rule decides."""
        if self.map is not None:
            found = [self.map.get(value.casefold(), self.otherwise) for value in values]
            return tuple(name for names in found for name in names) if values else self.otherwise
        if self.decides is None:
            return tuple(values)
        every = map(self.decides.get, map(group_key, values))
        return tuple(name for name in every if name is not None)


@dataclass(frozen=True, slots=True)
class Columns:
    """What each column of a list says.

    ``fields`` has the columns of ``name``, ``active``, ``attributes`` (all of them, as JSON) and of
    single attributes, such as ``attributes.region``. With ``rest_after`` the columns behind this one
    that nothing else names are attributes, under their own names, and so are those whose names begin
    as ``starting`` says. ``split`` has the sign between the items of a cell that holds several, by field.
    ``left`` are known and not read;
    with ``strict`` any further column is a problem. ``clears`` says what an empty cell does to a
    value, and ``follows`` which attributes hold only where the system lets anybody write them.
    ``group`` has the columns of a list of groups: ``name``, ``id``, ``members``.
    """

    login: Aliases
    id: Aliases
    op: Aliases
    fields: Mapping[str, Aliases]
    groups: tuple[GroupRule, ...]
    rest_after: Aliases
    starting: tuple[str, ...]
    split: Mapping[str, str]
    left: Aliases
    strict: bool
    clears: bool
    follows: tuple[str, ...]
    group: Mapping[str, Aliases]

    @property
    def known(self) -> list[str]:
        """Every name of a column that is spoken of."""
        aliases = (
            *(self.login, self.id, self.op, self.rest_after, self.left),
            *self.fields.values(),
            *(rule.column for rule in self.groups),
        )
        return list(dict.fromkeys(name for names in aliases for name in names))


def columns_of(entry: Mapping[str, Any], like: Mapping[str, Any]) -> Columns:
    """The columns of one entry of ``sources``, whose ``like`` is this data; empty for none."""
    both = {**like, **entry}
    fields = {**like.get("fields", {}), **entry.get("fields", {})}
    return Columns(
        login=_several(both.get("login")),
        id=_several(both.get("id")),
        op=_several(both.get("op")),
        fields={name: _several(column) for name, column in fields.items()},
        # A list of groups states its members by itself.
        groups=tuple(
            _rule(rule)
            for rule in (
                *(like.get("groups", ()) if "groups_file" not in entry else ()),
                *entry.get("groups", ()),
            )
        ),
        rest_after=_several(both.get("rest_after")),
        starting=_several(both.get("starting")),
        split=both.get("split", {}),
        left=(*_several(both.get("left")), *(rule["column"] for rule in like.get("groups", ()))),
        strict=bool(like),
        clears=both.get("empty") == "clear",
        follows=_several(both.get("follows")),
        group={name: _several(column) for name, column in both.get("group", {}).items()},
    )


def _rule(data: Mapping[str, Any]) -> GroupRule:
    otherwise = _several(data.get("otherwise"))
    if "map" not in data:
        decides = _by_key(_several(data["decides"])) if "decides" in data else None
        return GroupRule(_several(data["column"]), None, otherwise, decides)
    found = {str(value).strip().casefold(): _several(names) for value, names in data["map"].items()}
    every = (name for names in (*found.values(), otherwise) for name in names)
    return GroupRule(_several(data["column"]), found, otherwise, _by_key(every))


def _by_key(names: Iterable[str]) -> dict[str, str]:
    return {group_key(name): name for name in names}


T = TypeVar("T")


def _several(value: T | Sequence[T] | None) -> tuple[Any, ...]:
    """One or several, as several."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)  # type: ignore[arg-type]

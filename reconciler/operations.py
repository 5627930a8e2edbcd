"""A change said in a system's tongue, with names where ids are not known yet.

An *operation* becomes a *request* once every ``Ref`` in it has a real id.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from types import MappingProxyType
from typing import Literal, TypeGuard
from urllib.parse import quote

from reconciler.changes import Atom, Change, Create, Delete, atoms, ends_access, fields_of, narrow
from reconciler.errors import FileUnusable
from reconciler.model import Address
from reconciler.transport.messages import BodyPart, Method, Request
from reconciler.values import media_of


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands for the id of ``to`` until it is known; ``template`` is the text around it."""

    to: Address
    template: str = "{}"


@dataclass(frozen=True, slots=True)
class Content:
    """Stands for the bytes of a file until they are sent; ``value`` is the attribute's: path and digest."""

    value: str


@dataclass(frozen=True, slots=True)
class Rewritten:
    """Stands for a whole object, as it is live just before it is sent, with something in it changed.

    ``how`` is for the provider alone: it is handed back with every id filled in.
    """

    how: "Json"


Json = str | int | float | bool | None | Ref | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Form:
    """A body as an HTML form sends it: pairs in their order, a name perhaps more than once."""

    pairs: tuple[tuple[str, str | Ref], ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One part of a multipart body. It is a file where it has a file name.

    What the value of an attribute means has the type that its bytes show, if these are known.
    """

    name: str
    content: str | bytes | Ref | Content
    file_name: str = ""
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class Multipart:
    """A body of several parts, files among them."""

    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """Stands for several operations in one request; ``said`` makes one body of their requests."""

    operations: tuple["Operation", ...]
    said: Callable[[Sequence[Request]], object]


Body = Json | Form | Multipart | Rewritten | Together


@dataclass(frozen=True, slots=True)
class Operation:
    """One write. ``path`` is a tuple of segments, escaped by ``resolve``; ``body`` may hold Refs.

    ``covers`` are the atoms that are true once it is done; ``summary`` says it to a person.
    """

    covers: tuple[Atom, ...]
    method: Method
    path: tuple[str | Ref, ...]
    body: Body
    summary: str

    @property
    def of(self) -> Address | None:
        """The live object that it is about; None where it makes one, or is about several."""
        last = self.path[-1] if self.path else None
        return last.to if isinstance(last, Ref) else None

    @property
    def needs(self) -> frozenset[Address]:
        """The addresses of which an id is needed."""
        return frozenset(ref.to for ref in _refs([*self.path, self.body]))


Status = Literal["done", "adopted", "pending", "failed", "unsettled", "skipped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one atom.

    ``pending``: the system has taken it, and had not done it yet when it was looked at last; it is
    not sent again. ``unsettled``: it was sent, and nobody knows whether it took place. ``adopted``: somebody
    else had created the object; it was found and is used.
    """

    atom: Atom
    status: Status
    reason: str = ""


_LONGEST_ID = 500
_STEPS = re.compile(r"[/\\]")


def is_id(text: object) -> TypeGuard[str]:
    """Whether this can be the id of a user or group: any text that can be seen and leads nowhere else.

    Ids are escaped wherever they go, but no escape keeps the two steps of a path from being walked.
    """
    if not isinstance(text, str) or not text.isprintable() or text != text.strip():
        return False
    steps = _STEPS.split(text)
    return 0 < len(text) <= _LONGEST_ID and "." not in steps and ".." not in steps


def no_file(value: str) -> bytes:
    """Read nothing: where no file can be a value; raises FileUnusable."""
    message = f"{value}: nothing here reads files"
    raise FileUnusable(message)


def resolve(
    operation: Operation,
    ids: Mapping[Address, str],
    content: Callable[[str], bytes] = no_file,
    versions: Mapping[Address, str] = MappingProxyType({}),
) -> Request:
    """Fill in the ids, and what is in files; ``content`` reads one, by its value.

    Of an object that has one of the ``versions`` it is said which one is meant (RFC 9110, 13.1.1).

    Raises KeyError where no id is known, ValueError for what is no id, and FileUnusable.
    """
    segments = [
        quote(_fill(part, ids) if isinstance(part, Ref) else part, safe="") for part in operation.path
    ]
    request = Request(operation.method, "/" + "/".join(segments), headers=_condition(operation, versions))
    match operation.body:
        case Rewritten(how):
            return replace(request, json=_resolve_json(how, ids))
        case Together(operations, said):
            return replace(request, json=said([resolve(each, ids, content, versions) for each in operations]))
        case Form(pairs):
            return replace(request, form=tuple((name, _resolve_text(text, ids)) for name, text in pairs))
        case Multipart(fields):
            return replace(request, multipart=tuple(_resolve_field(each, ids, content) for each in fields))
        case plain:
            return replace(request, json=_resolve_json(plain, ids))


def _condition(operation: Operation, versions: Mapping[Address, str]) -> dict[str, str]:
    version = versions.get(operation.of) if operation.of else None
    return {"If-Match": version} if version else {}


def _resolve_text(text: str | Ref, ids: Mapping[Address, str]) -> str:
    return _fill(text, ids) if isinstance(text, Ref) else text


def _resolve_field(each: Field, ids: Mapping[Address, str], read: Callable[[str], bytes]) -> BodyPart:
    match each.content:
        case bytes(data):
            pass
        case Content(value):
            data = read(value)
            return BodyPart(each.name, data, each.file_name, media_of(data) or each.media_type)
        case text:
            data = _resolve_text(text, ids).encode()
    return BodyPart(each.name, data, each.file_name, each.media_type)


def _fill(ref: Ref, ids: Mapping[Address, str]) -> str:
    live_id = ids[ref.to]
    if not is_id(live_id):
        message = f"the id of {ref.to} is {live_id!r}, which no id of a directory looks like"
        raise ValueError(message)
    # What stands around an id is JSON, or a filter, whose texts are JSON.
    alone = ref.template == "{}"
    return live_id if alone else ref.template.format(json.dumps(live_id, ensure_ascii=False)[1:-1])


def _resolve_json(value: Json, ids: Mapping[Address, str]) -> object:
    if isinstance(value, Ref):
        return _fill(value, ids)
    if isinstance(value, list):
        return [_resolve_json(item, ids) for item in value]
    if isinstance(value, dict):
        return {key: _resolve_json(item, ids) for key, item in value.items()}
    return value


def _refs(value: object) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _refs(item)
    elif isinstance(value, dict):
        yield from _refs(list(value.values()))
    elif isinstance(value, Rewritten):
        yield from _refs(value.how)
    elif isinstance(value, Together):
        for operation in value.operations:
            yield from _refs([*operation.path, operation.body])
    elif isinstance(value, Form):
        yield from _refs([text for _, text in value.pairs])
    elif isinstance(value, Multipart):
        yield from _refs([each.content for each in value.fields])


class Stage(IntEnum):
    """When an atom is applied: access is given before any is taken away, and deletions come last.

    What a new person refers to is set once everybody and every group is there; where it can be written
    on creation only, the others are created first. A group is created
    together with its members, in one request. A rename goes with the request that adds members, else
    with the one that removes them. Nothing waits for it: no declared name is an older name of another
    group. An update that takes a person's access away waits as a whole.
    """

    CREATE_USERS = 0
    CREATE_GROUPS = 1
    UPDATE_USERS = 2
    ADD_MEMBERS = 3
    REMOVE_MEMBERS = 4
    REMOVE_USERS = 5
    DELETE_GROUPS = 6


def stage_of(change: Change, atom: Atom) -> Stage:
    """The stage at which an atom of this change is applied."""
    if isinstance(change, Create) and change.address.kind == "group":
        return Stage.CREATE_GROUPS
    if isinstance(change, Create):
        refers = any(f.refers and not f.with_creation and f.path == atom.path for f in change.fields)
        return Stage.UPDATE_USERS if refers else Stage.CREATE_USERS
    if atom.member:
        return Stage.ADD_MEMBERS if atom.after else Stage.REMOVE_MEMBERS
    if change.address.kind == "group":
        if isinstance(change, Delete):
            return Stage.DELETE_GROUPS
        edges = (
            Stage.ADD_MEMBERS if f.after else Stage.REMOVE_MEMBERS
            for f in change.fields
            if f.path != atom.path
        )
        return min(edges, default=Stage.ADD_MEMBERS)
    return Stage.REMOVE_USERS if ends_access(change) else Stage.UPDATE_USERS


def in_order(changes: Iterable[Change]) -> tuple[Change, ...]:
    """The changes by the stage of their first atom, then by address."""

    def key(change: Change) -> tuple[Stage, Address]:
        # A person who is only taken out of groups has no field of their own.
        first = min((stage_of(change, atom) for atom in atoms(change)), default=Stage.REMOVE_USERS)
        return first, change.address

    return tuple(sorted(changes, key=key))


def stages(changes: Sequence[Change]) -> Iterator[tuple[Change, ...]]:
    """The changes cut into the parts that are applied one after the other; empty parts are left out."""
    parts: dict[Stage, list[Change]] = {stage: [] for stage in Stage}
    for change in changes:
        by_stage: dict[Stage, list[Atom]] = {}
        for atom in atoms(change):
            by_stage.setdefault(stage_of(change, atom), []).append(atom)
        for stage, wanted in by_stage.items():
            part = narrow(change, wanted) if len(by_stage) > 1 else change
            if part is not None:  # pragma: no branch (an atom of a change is a part of it)
                parts[stage].append(part)
    yield from waves(parts.pop(Stage.CREATE_USERS))
    yield from (tuple(part) for part in parts.values() if part)


def waves(creations: Sequence[Change]) -> Iterator[tuple[Change, ...]]:
    """Creations in parts, each after those whom it refers to; what goes in a circle comes last, together."""
    named = {c.address: {n for f in fields_of(c) if f.with_creation for n in f.names} for c in creations}
    left = list(creations)
    while left:
        new = {change.address for change in left}
        now = [change for change in left if new.isdisjoint(named[change.address])] or left
        yield tuple(now)
        gone = {change.address for change in now}
        left = [change for change in left if change.address not in gone]

"""A change said in a system's tongue, with names where ids are not known yet.

An *operation* becomes a *request* once every ``Ref`` in it has a real id.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote

from reconciler.changes import Atom
from reconciler.model import Address
from reconciler.transport.messages import Method, Request


@dataclass(frozen=True, slots=True)
class Ref:
    """Stands for the id of ``to`` until it is known; ``template`` is the text around it."""

    to: Address
    template: str = "{}"


Json = str | int | float | bool | None | Ref | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class Operation:
    """One write. ``path`` is a tuple of segments, escaped by ``resolve``; ``body`` may hold Refs.

    ``covers`` are the atoms that are true once it is done; ``summary`` says it to a person.
    """

    covers: tuple[Atom, ...]
    method: Method
    path: tuple[str | Ref, ...]
    body: Json
    summary: str

    @property
    def needs(self) -> frozenset[Address]:
        """The addresses of which an id is needed."""
        return frozenset(ref.to for ref in _refs([*self.path, self.body]))


Status = Literal["done", "adopted", "failed", "unsettled", "skipped"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one atom. ``unsettled``: sent, and whether it took place is not known.

    ``adopted``: somebody else had made the object; it was found and is used.
    """

    atom: Atom
    status: Status
    reason: str = ""


_SAFE_ID = re.compile(r"[A-Za-z0-9_-]+")


def resolve(operation: Operation, ids: Mapping[Address, str]) -> Request:
    """Fill in the ids; raises KeyError for an address of which none is known."""
    segments = [
        quote(_fill(part, ids), safe="") if isinstance(part, Ref) else part for part in operation.path
    ]
    return Request(operation.method, "/" + "/".join(segments), json=_resolve_json(operation.body, ids))


def _fill(ref: Ref, ids: Mapping[Address, str]) -> str:
    live_id = ids[ref.to]
    if not _SAFE_ID.fullmatch(live_id):
        # An id goes into filter expressions; one that could end them is never sent.
        message = f"the id of {ref.to} is {live_id!r}, which no id of a directory looks like"
        raise ValueError(message)
    return ref.template.format(live_id)


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

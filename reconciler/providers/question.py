"""Some objects of a system, in place of a complete read: for questions, never for plans."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, runtime_checkable

from reconciler.model import Definition, Kind, LiveState
from reconciler.transport.messages import Reader


@dataclass(frozen=True, slots=True)
class Question:
    """Which users or groups are wanted.

    ``text`` is a ``key`` (a login, a group's name), an ``id``, or a ``filter`` in the system's own
    language. ``attributes``: all attributes of a user must be known.
    """

    kind: Kind
    by: Literal["key", "id", "filter"]
    text: str
    attributes: bool = False


@runtime_checkable
class Searching(Protocol):
    """A provider whose system can be asked for some objects; of any other, everything is read."""

    @property
    def extension(self) -> str:
        """The name of the object that holds the attributes in a user's row, where a row is SCIM's."""
        ...

    def find(self, reader: Reader, question: Question) -> LiveState | None:
        """What answers, in as few requests as possible; None where only a complete read tells.

        Of a user ``groups`` and ``attributes`` are None where the answer does not tell them; the groups
        that are told stand beside the users. The members of a group are None. Raises as ``Provider.read``.
        """
        ...

    def definitions(self, reader: Reader) -> Mapping[str, Definition]:
        """What the system knows of attributes, by name; raises as ``Provider.read``."""
        ...

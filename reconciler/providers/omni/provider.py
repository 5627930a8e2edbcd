"""Omni Analytics: its SCIM server, its attribute definitions, and what it cannot hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.changes import Atom, Change
from reconciler.errors import BadAnswer, CredentialRefused, NotAccepted, Problem
from reconciler.model import Address, Asked, Caller, Definition, DesiredState, LiveState, Need
from reconciler.operations import Operation
from reconciler.providers.base import Answer
from reconciler.providers.fitting import misfits
from reconciler.providers.omni.dialect import LISTS_LEAVE_OUT, OMNI
from reconciler.providers.omni.quirks import NO_QUIRKS, Quirks
from reconciler.providers.question import Question
from reconciler.providers.scim import translate as scim
from reconciler.providers.scim.codec import hinted
from reconciler.providers.scim.dialect import Dialect
from reconciler.providers.scim.find import find
from reconciler.providers.scim.flat import value as attribute_value
from reconciler.providers.scim.part import read_some
from reconciler.providers.scim.reader import ScimReader
from reconciler.transport.messages import Reader, Response

WHOAMI = "/v1/whoami"
DEFINITIONS = "/v1/user-attributes"
_SYSTEM_PREFIX = "omni_"


@dataclass(frozen=True, slots=True)
class Omni:
    """The provider for ``kind: omni``. It holds no state and no credential."""

    quirks: Quirks = NO_QUIRKS

    @property
    def dialect(self) -> Dialect:
        """Omni's SCIM server, as far as its quirks are known."""
        carry = self.quirks.lists_carry_attributes
        hint = LISTS_LEAVE_OUT if carry is False else OMNI.lists_hint
        twins = self.quirks.group_names_case_sensitive is not False
        return replace(OMNI, lists_carry_attributes=carry is True, lists_hint=hint, twins=twins)

    def read(self, reader: Reader, need: Need) -> LiveState:
        """Read whose each key is, the definitions where attributes are managed, every user and group."""
        server = ScimReader(reader, self.dialect)
        whoami = [server.get_or_none(WHOAMI, key) for key in range(reader.keys)]
        try:
            wanted = need.attributes or need.others or need.everything or need.definitions
            definitions = read_definitions(server.get(DEFINITIONS)) if wanted else None
            if need.everything and definitions:
                names = frozenset(d.name for d in definitions.values() if not d.system)
                need = replace(need, others=names, all_deleted=True)
            state = server.read(need)
        except CredentialRefused as error:
            personal = any(isinstance(one, Mapping) and one.get("keyScope") == "user" for one in whoami)
            if isinstance(error, NotAccepted) or not personal or OMNI.key_hint in str(error):
                raise
            raise CredentialRefused(hinted(str(error), OMNI), error.status, error.words) from None
        return replace(state, callers=tuple(map(_caller, whoami)), definitions=definitions)

    def read_some(self, reader: Reader, asked: Asked, need: Need) -> LiveState | None:
        """Read what is asked for, whose each key is, and the definitions where attributes are managed."""
        server = ScimReader(reader, self.dialect)
        state = read_some(server, asked, need)
        if state is None:
            return None
        whoami = [server.get_or_none(WHOAMI, key) for key in range(reader.keys)]
        wanted = need.attributes or need.others or need.definitions
        definitions = read_definitions(server.get(DEFINITIONS)) if wanted else None
        return replace(state, callers=tuple(map(_caller, whoami)), definitions=definitions)

    def look(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:
        """Read only the objects that these atoms are about."""
        return ScimReader(reader, self.dialect).look(covers, ids)

    def look_closely(self, reader: Reader, covers: Sequence[Atom], ids: Mapping[Address, str]) -> LiveState:
        """Read the same, one by one."""
        return ScimReader(reader, self.dialect, one_by_one=True).look(covers, ids)

    @property
    def extension(self) -> str:
        """The name of the object that holds the attributes in a user's row."""
        return OMNI.attributes

    def find(self, reader: Reader, question: Question) -> LiveState | None:
        """What answers a question; None where only a complete read tells."""
        return find(ScimReader(reader, self.dialect), question)

    def definitions(self, reader: Reader) -> Mapping[str, Definition]:
        """What the instance knows of attributes, by name."""
        return read_definitions(ScimReader(reader, self.dialect).get(DEFINITIONS))

    def audit(self, desired: DesiredState, live: LiveState) -> list[Problem]:
        """Attributes that the instance does not define, or defines otherwise.

        Omni ignores an attribute without a definition and answers 200 all the
        same (Omni's agent skills), so it must be found before anything is sent.
        """
        return misfits(desired, live.definitions, OMNI.name) if live.definitions is not None else []

    def translate(self, changes: Sequence[Change]) -> list[Operation]:
        """Say changes of one stage as SCIM operations."""
        return scim.translate(changes, OMNI)

    def receive(self, operation: Operation, response: Response) -> Answer:
        """Understand the answer to one operation."""
        return scim.receive(operation, response, OMNI)


def _caller(body: object) -> Caller:
    """Who the key belongs to; empty where an older instance does not say.

    Documented is ``{keyScope, orgRole, rolesByModel, user: {id, membershipId}}``
    without an e-mail (Omni docs: get current identity and permissions). The id of
    a SCIM user is the membership id.
    """
    if not isinstance(body, Mapping):
        return Caller()
    user = body.get("user")
    places = [user, body] if isinstance(user, Mapping) else [body]

    def first(*keys: str) -> str:
        found = (place.get(key) for place in places for key in keys)
        return next((text for text in found if isinstance(text, str)), "")

    return Caller(first("email", "userName"), first("membershipId"))


def read_definitions(body: object) -> dict[str, Definition]:
    """The attribute definitions by name; raises BadAnswer where the answer to DEFINITIONS holds none."""
    rows = body
    if isinstance(body, Mapping):
        rows = next((body[key] for key in ("records", "userAttributes", "attributes") if key in body), None)
    if not isinstance(rows, list):
        message = f"GET {DEFINITIONS} was answered with something that is not a list of attributes"
        raise BadAnswer(message)
    return {definition.name: definition for definition in map(_definition, rows)}


def _definition(row: object) -> Definition:
    if not isinstance(row, Mapping) or not isinstance(row.get("name"), str):
        message = f"GET {DEFINITIONS} listed an attribute without a name"
        raise BadAnswer(message)
    name, system = row["name"], row.get("system")
    # Omni's own can be written only where the instance says so.
    own = system is not False if name.startswith(_SYSTEM_PREFIX) else system is True
    return Definition(
        name=name,
        type="number" if str(row.get("type")).lower() == "number" else "text",
        multiple=row.get("multiple_values") is True,
        default=attribute_value(row.get("default_value")),
        written="never" if own else "always",
    )

"""What a directory holds, in terms that belong to no single system.

The same ``User`` and ``Group`` describe the desired and the live side, so like
is compared with like; ``Live`` adds the id, which stays out of the domain.
``None`` in a field means that its author said nothing: not managed, not read.
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, Literal, TypeVar

from reconciler.errors import Place, Problem

Kind = Literal["user", "group"]
KINDS: tuple[Kind, ...] = ("user", "group")
Scalar = str | int | float | bool
Value = Scalar | tuple[Scalar, ...] | None
"""An attribute's value: text, a number, true or false, several of those, or None for no value."""

FieldPath = tuple[str, ...]
"""Where a field is inside an object: ("name",), ("attributes", "region"), ("members", key)."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field that the reconciler reasons about; all else that a system keeps is an attribute.

    ``role`` is what it is in files and plans: what the object is ``called`` (its key in the
    files), a ``plain`` value, ``keyed`` (one fact for each key in it, such as a member), or
    ``stated`` by files alone: a user's groups are planned as members of the groups.
    """

    kind: Kind
    name: str
    role: Literal["called", "plain", "keyed", "stated"]
    has_default: bool = False


FIELDS: Final = (
    Field("user", "email", "called"),
    Field("user", "name", "plain"),
    Field("user", "active", "plain", has_default=True),
    Field("user", "groups", "stated", has_default=True),
    Field("user", "attributes", "keyed", has_default=True),
    Field("group", "name", "called"),
    Field("group", "members", "keyed"),
)
"""Every field there is, in the order in which files have them. ``has_default``: `defaults` may state it."""
NAMED_BY: Final[Mapping[Kind, FieldPath]] = {f.kind: (f.name,) for f in FIELDS if f.role == "called"}
"""The field that says what an object is called, by kind: its key comes from it."""
STATED: Final[Mapping[Kind, tuple[str, ...]]] = {
    kind: tuple(f.name for f in FIELDS if f.kind == kind and f.role != "called") for kind in KINDS
}
"""The fields that an entry of the files may have, by kind, in their order."""
PLAIN: Final[Mapping[Kind, tuple[str, ...]]] = {
    kind: tuple(f.name for f in FIELDS if f.kind == kind and f.role == "plain") for kind in KINDS
}
"""The fields with one value each, by kind."""
KEYED: Final[Mapping[Kind, str]] = {f.kind: f.name for f in FIELDS if f.role == "keyed"}
"""The field of each kind that has one fact for each key in it."""
ACTIVE: Final[FieldPath] = ("active",)
"""The field that says whether a person may sign in."""


def user_key(email: str) -> str:
    """The identity of a user: the e-mail address, lower-cased and NFC-normalised."""
    return unicodedata.normalize("NFC", email.strip().lower())


def group_key(name: str) -> str:
    """The identity of a group: its name, NFC-normalised and without case."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


KEY_OF: Mapping[Kind, Callable[[str], str]] = {"user": user_key, "group": group_key}
"""The identity of an object, from its name in any spelling."""


def looks_like(first: str, second: str) -> bool:
    """Whether two names are spelled alike; accents may be composed in one and decomposed in the other."""
    return unicodedata.normalize("NFC", first) == unicodedata.normalize("NFC", second)


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """The name of one object in every plan, journal and message: ``user/ada@acme.com``."""

    kind: Kind
    key: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.key}"


def user_address(email: str) -> Address:
    """The address of the user with this e-mail address, in any spelling."""
    return Address("user", user_key(email))


def group_address(name: str) -> Address:
    """The address of the group with this name, in any case."""
    return Address("group", group_key(name))


@dataclass(frozen=True, slots=True)
class User:
    """A person. ``groups`` holds group keys; a key missing in ``attributes`` is not managed or not known."""

    email: str
    name: str | None = None
    active: bool | None = None
    groups: frozenset[str] | None = None
    attributes: Mapping[str, Value] | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group. ``members`` holds user keys; on the desired side None means stated elsewhere or nowhere."""

    name: str
    members: frozenset[str] | None = None


def address_of(resource: User | Group) -> Address:
    """The address of a resource under its own name."""
    return user_address(resource.email) if isinstance(resource, User) else group_address(resource.name)


R = TypeVar("R", User, Group)


@dataclass(frozen=True, slots=True)
class Live(Generic[R]):
    """A resource as the system has it, with the id the system gave it."""

    resource: R
    id: str


Type = Literal["text", "number", "boolean", "date-time", "user", "group", "file"]
"""What an attribute's value is. ``user`` and ``group`` are references: the value names another object."""


@dataclass(frozen=True, slots=True)
class Definition:
    """What a system knows of one attribute of its users.

    ``exact_case`` is False where "EMEA" and "emea" are one value. ``written`` says when a
    value can be given, ``readable`` whether any answer ever shows it, and ``clearable`` whether it can
    be taken away. To what ``grows`` items are only ever added. A file must be of one of the types in
    ``media``, where there are any; one that is ``spare`` is left out with a warning if it cannot be sent.
    ``required`` says that nobody is created without it; ``choices`` are the values that it takes, empty
    where it takes any. Of what is ``unique`` no two people have one value.
    """

    name: str
    type: Type = "text"
    multiple: bool = False
    default: Value = None
    exact_case: bool = True
    written: Literal["always", "on creation", "never"] = "always"
    readable: bool = True
    clearable: bool = True
    grows: bool = False
    media: tuple[str, ...] = ()
    spare: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()
    unique: bool = False

    @property
    def refers(self) -> Kind | None:
        """The kind of object that a value names; None where it names none."""
        return self.type if self.type in ("user", "group") else None

    @property
    def system(self) -> bool:
        """Whether the system alone sets it."""
        return self.written == "never"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who the credential is; empty text where the system does not say."""

    email: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """A fact that a system has taken, and not made true yet: its path and value are those of an ``Atom``.

    ``of`` is the live id of what it is about, or the address of what is to be made.
    """

    of: str | Address
    path: FieldPath
    value: Value


@dataclass(frozen=True, slots=True)
class Lists:
    """What desired state holds because lists of other tools are part of it.

    ``decides`` are the groups that the ``groups`` of a person speak about, where these are not all.
    ``ids`` are those that the lists give, which only the system can. ``follows`` are the attributes
    of a person that hold where the system lets anybody write them. ``untracked`` is declared by
    lists alone that git ignores: that it is missing in a commit proves nothing. ``skipped`` has each
    row that was left out, ``remarks`` what else a reader of a plan should know. ``empty`` says that
    a list of people has no rows at all.
    """

    decides: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ids: Mapping[Address, str] = field(default_factory=dict)
    follows: Mapping[str, frozenset[str]] = field(default_factory=dict)
    untracked: frozenset[Address] = frozenset()
    skipped: tuple[Problem, ...] = ()
    remarks: tuple[Problem, ...] = ()
    empty: bool = False

    @property
    def tell_all(self) -> bool:
        """Whether they say of everybody that they are there: else who is missing did not leave."""
        return not self.skipped and not self.empty


def _nowhere(_address: Address, _path: FieldPath) -> Place:
    return Place("-")


def _as_stated(_place: Place, text: str, _media: Sequence[str]) -> str:
    return text


@dataclass(frozen=True, slots=True)
class DesiredState:
    """All that the files of one target say, defaults filled in and cross-references checked.

    ``users`` and ``groups`` are keyed by identity and hold no tombstones; those
    are in ``absent``. ``departed`` holds what an older revision declared and these
    files do not name any more, with its old place. ``from_users`` are the groups
    whose members the users state. ``previously`` holds the older keys of what is
    declared, absent or departed. ``lists`` is what only lists of other tools say. ``locate``
    finds the place of an object or of a field in it; it may read the file again. ``attached``
    gives the value of an attribute that is a file, for the path that stands at a place and the types
    that it may have; it raises FileUnusable.
    """

    users: Mapping[str, User] = field(default_factory=dict)
    groups: Mapping[str, Group] = field(default_factory=dict)
    absent: frozenset[Address] = frozenset()
    from_users: frozenset[str] = frozenset()
    previously: Mapping[Address, tuple[str, ...]] = field(default_factory=dict)
    departed: Mapping[Address, Place] = field(default_factory=dict)
    locate: Callable[[Address, FieldPath], Place] = field(default=_nowhere, compare=False)
    lists: Lists = Lists()
    attached: Callable[[Place, str, Sequence[str]], str] = field(default=_as_stated, compare=False)
    whole: "DesiredState | None" = field(default=None, compare=False)

    @property
    def files(self) -> "DesiredState":
        """All that the files say, where this is a part of it."""
        return self.whole or self

    @property
    def declared(self) -> frozenset[Address]:
        """Every object that is to exist."""
        users = {Address("user", key) for key in self.users}
        return frozenset(users | {Address("group", key) for key in self.groups})

    @property
    def named(self) -> frozenset[Address]:
        """Every address that the files name: what is declared or to be absent, and older names of both."""
        older = {Address(a.kind, key) for a, keys in self.previously.items() for key in keys}
        return self.declared | self.absent | older

    @property
    def members(self) -> frozenset[str]:
        """The people whom a group's own list names, by key."""
        return frozenset().union(*(group.members or () for group in self.groups.values()))

    def keys_of(self, address: Address) -> tuple[str, ...]:
        """The key of an object, and the older ones under which it may be live."""
        return (address.key, *self.previously.get(address, ()))

    def place(self, address: Address) -> Place:
        """Where an object is declared, or was before it departed from the files."""
        return self.departed.get(address) or self.locate(address, ())


@dataclass(frozen=True, slots=True)
class Habits:
    """What a system does beside what it is asked, and what a plan must mind therefore.

    ``updates_reactivate``: whatever changes of an inactive person lets them in again. ``roles_hidden``:
    nothing shows who administers it. ``groups_hidden``: nor who is in which group. ``sole_without``
    names the attribute without which only one person can be, empty where there is none.
    """

    updates_reactivate: bool = False
    roles_hidden: bool = False
    groups_hidden: bool = False
    sole_without: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """Some people and groups to be read, in place of everything.

    ``users`` are keys of people, ``groups`` the keys of groups with a spelling of each; ``ids`` are their
    live ids, as far as they are known. Of the people in ``with_groups`` each group is read too.
    ``strangers`` are ids of people whose login nobody knows. ``out_of`` is how many people there were,
    0 where nobody has counted them.
    """

    users: frozenset[str] = frozenset()
    groups: Mapping[str, str] = field(default_factory=dict)
    with_groups: frozenset[str] = frozenset()
    ids: Mapping[Address, str] = field(default_factory=dict)
    strangers: frozenset[str] = frozenset()
    out_of: int = 0

    def __contains__(self, address: Address) -> bool:
        """Whether it was looked for: then it is not live where it was not found."""
        return address.key in (self.users if address.kind == "user" else self.groups)


@dataclass(frozen=True, slots=True)
class LiveState:
    """All that one complete read of a system found, or that was ``asked`` for.

    ``Group.members`` here are the members that the user list knows;
    ``foreign`` counts the others by group id, and nothing ever touches them.
    A user's attribute key that is missing was not read; None means no value.
    ``definitions`` is None where nothing needed them. ``callers`` has one item for each
    key that the session may use. ``logins_change`` says that the system can give a person
    another login. ``under_way`` is what the system has taken and not done yet, where it shows
    that; it is not sent again. ``versions`` are by id, where the system says with a write which version
    it is about. ``remarks`` are what a plan should say of what was read, in whole sentences. ``memo`` is
    what the provider alone understands, and needs again to say changes. ``habits`` are those of the system.

    Where ``asked`` is not None nothing is known of anybody and anything else. ``unread`` has the ids of
    the members of a group, by its id, of whom nobody knows who they are: they are in neither
    ``members`` nor ``foreign``.
    """

    users: tuple[Live[User], ...] = ()
    groups: tuple[Live[Group], ...] = ()
    definitions: Mapping[str, Definition] | None = None
    foreign: Mapping[str, int] = field(default_factory=dict)
    callers: tuple[Caller, ...] = (Caller(),)
    logins_change: bool = False
    under_way: tuple[UnderWay, ...] = ()
    habits: Habits = Habits()
    versions: Mapping[str, str] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()
    memo: object = field(default=None, compare=False, repr=False)
    asked: Asked | None = None
    unread: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def closed(self) -> frozenset[str]:
        """The ids of inactive people whom any change would let in."""
        if not self.habits.updates_reactivate:
            return frozenset()
        return frozenset(live.id for live in self.users if live.resource.active is False)

    @property
    def objects(self) -> "Iterator[Live[User] | Live[Group]]":
        """Everything live: users, then groups."""
        yield from self.users
        yield from self.groups


@dataclass(frozen=True, slots=True)
class Need:
    """What a plan must know beyond the plain lists; a read makes no request for anything else.

    ``attributes`` maps a user key to the attribute keys whose values must be known.
    ``others`` are the attribute keys to know of every user that it does not name.
    ``deleted`` holds the keys of users who are to be deleted: an inactive row of one
    may be all that remains of a deleted account, so it is read by id to find out.
    ``all_deleted`` says so of every user. ``everything`` asks for every attribute of
    every user, and ``definitions`` for what
    the system knows of attributes, where nothing else needs that.
    """

    attributes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    deleted: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    all_deleted: bool = False
    everything: bool = False
    definitions: bool = False

    def __or__(self, other: "Need") -> "Need":
        """What must be known for both."""
        attributes = dict(self.attributes)
        for key, wanted in other.attributes.items():
            attributes[key] = attributes.get(key, frozenset()) | wanted
        return Need(
            attributes,
            self.deleted | other.deleted,
            self.others | other.others,
            self.all_deleted or other.all_deleted,
            self.everything or other.everything,
            self.definitions or other.definitions,
        )

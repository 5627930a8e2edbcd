"""A plan: all that one run would change at one target, with what a guard, a review and an apply must know.

It is data. Its digest seals all that an apply acts upon.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

from reconciler.changes import (
    Atom,
    Change,
    Counts,
    Create,
    Delete,
    Origin,
    Origins,
    atoms,
    count,
    encode_change,
    ends_access,
    is_removal,
    leaving_members,
    naming,
    narrow,
    renamed_from,
)
from reconciler.errors import Place
from reconciler.model import ACTIVE, Address, group_address


@dataclass(frozen=True, slots=True)
class Note:
    """Something that a reader of the plan should know and that is no change.

    ``code`` is one word for programs; ``warning`` says that a person should act.
    """

    code: str
    message: str
    place: Place | None = None
    warning: bool = False


Option = Literal["--allow-removals", "--allow-creations"]
"""What a person may give for one plan, with the exact number of its removals or of the users it creates."""


@dataclass(frozen=True, slots=True)
class Allow:
    """A refused plan is let through by this option with this number."""

    option: Option
    number: int

    def __str__(self) -> str:
        return f"{self.option} {self.number}"


@dataclass(frozen=True, slots=True)
class Absolute:
    """A refused plan is let through by nothing; ``why_not`` is a sentence for people."""

    why_not: str


Remedy = Allow | Absolute


@dataclass(frozen=True, slots=True)
class Violation:
    """One reason why a plan is not let through, and what can be done. ``code`` is one word for programs."""

    code: str
    message: str
    remedy: Remedy

    @property
    def is_absolute(self) -> bool:
        """Whether nobody can approve it."""
        return isinstance(self.remedy, Absolute)


Scope = Literal["users", "attributes", "memberships", "groups"]
"""A part of a plan that a run may be about alone; users include leaving, groups their deletion."""


@dataclass(frozen=True, slots=True)
class PullRequest:
    """The pull request that a plan was made for.

    ``head`` is its last commit, ``approvals`` the number of people who must approve it.
    """

    number: int
    head: str
    approvals: int


@dataclass(frozen=True, slots=True)
class Census:
    """What was live when the plan was made: the numbers that guards and summaries divide by.

    ``users``, ``groups``, ``memberships`` and ``values`` count the live things
    that the files manage, ``live_users`` all. ``ending`` are the keys of those active users
    whose access ends. ``members`` and ``losses`` count, by group address, the people
    in it and those whose membership ends (also through a deletion). ``deserted`` names the
    groups that lose all their people and that nobody joins; ``emptied`` those of them that hold
    nobody else either, such as an embed user. ``aliases`` are the other names of an address: the
    live one, and those that the files declare as older. ``callers`` are the users whom the keys
    belong to, with an empty text for a key whose owner is not known.
    """

    users: int = 0
    active_users: int = 0
    active_users_after: int = 0
    groups: int = 0
    memberships: int = 0
    values: int = 0
    live_users: int = 0
    unlisted_users: int = 0
    unlisted_groups: int = 0
    kept_members: int = 0
    members: Mapping[str, int] = field(default_factory=dict)
    losses: Mapping[str, int] = field(default_factory=dict)
    emptied: tuple[str, ...] = ()
    deserted: tuple[str, ...] = ()
    ending: tuple[str, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    callers: tuple[str, ...] = ()

    def names(self, address: Address) -> tuple[Address, ...]:
        """All names of one object; what is said of it under any of them holds."""
        older = self.aliases.get(str(address), ())
        return (address, *(Address(address.kind, key) for key in older))


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that one run would change at one target, in the order of its application.

    ``requests`` is the number of writes; ``requests_per_minute`` the target's
    pace, 0 for none. ``created_at`` is the only field that differs between two
    plans of the same inputs.

    ``base`` is the commit that the files were compared with, empty where there was none.
    With a base ``origins`` are known, and only those in ``included`` are to be applied; a
    report of drift includes none. ``applied`` is the commit that was applied last. What left
    the files is counted from the commit ``since``. Each is empty where none is known.

    ``violations`` are what the guards said, when the plan was made, of the part that is to
    be applied. ``sandbox`` says that the system is the embedded pretend one. ``resend`` are the
    attributes that are sent again, though no answer shows whether that is needed. ``words`` are what
    its people say for ours, such as "ban" for ``deactivate``, where they say it otherwise. ``scope``
    names the parts that the plan is about and ``only`` the people and groups, none where it is whole.
    ``partly_read`` says that not everything live was read, so nobody knows a share of it. ``meant`` is the
    live id, by address, of each person and group that the changes name as a member or by a reference; who
    is not live has none. ``called`` is the live login, by address, of each person among them, or who
    changes, whom the files know by another one. ``files`` is a digest of what files and settings said.
    """

    target: str
    provider: str
    url: str
    changes: tuple[Change, ...] = ()
    census: Census = Census()
    notes: tuple[Note, ...] = ()
    requests: int = 0
    requests_per_minute: int = 0
    created_at: str = ""
    base: str = ""
    origins: Origins = field(default_factory=dict)
    included: tuple[Origin, ...] = ("change",)
    violations: tuple[Violation, ...] = ()
    since: str = ""
    applied: str = ""
    pull: PullRequest | None = None
    sandbox: bool = False
    resend: tuple[str, ...] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    scope: tuple[Scope, ...] = ()
    only: tuple[str, ...] = ()
    partly_read: bool = False
    meant: Mapping[str, str] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)
    files: str = ""

    @property
    def counts(self) -> Counts:
        """How much changes, by kind."""
        return count(self.changes)

    @property
    def left_out_rows(self) -> bool:
        """Whether bad rows of a list took no part in it."""
        return any(note.code == "skipped" for note in self.notes)

    def cut(self, wanted: Callable[[Atom], bool]) -> tuple[Change, ...]:
        """The changes cut down to the wanted atoms.

        A revocation may change no field of the person, and only end memberships: it stays where one
        of these does.
        """
        parts: dict[Address, Change] = {}
        for change in self.changes:
            if part := narrow(change, filter(wanted, atoms(change))):
                parts[change.address] = part
        out_of_a_group = {a.member for part in parts.values() for a in atoms(part) if is_removal(a)}
        return tuple(
            parts.get(change.address, change)
            for change in self.changes
            if change.address in parts or (not atoms(change) and change.address in out_of_a_group)
        )

    def of_origin(self, *origins: Origin) -> tuple[Change, ...]:
        """The changes cut down to the atoms of these origins."""
        return self.cut(lambda atom: self.origins.get((atom.address, atom.path)) in origins)

    @property
    def intended(self) -> "Plan":
        """The part of the plan that is to be applied, with what its groups lose by that part."""
        return self.part(self.of_origin(*self.included) if self.base else self.changes)

    def part(self, changes: tuple[Change, ...]) -> "Plan":
        """A plan of some of the changes, or of parts of them; its census says what these alone end."""
        # A person's deletion names a group as it is called now, also where the plan renames it.
        now_called = {
            str(group_address(older)): str(change.address)
            for change in self.changes
            if change.address.kind == "group" and (older := renamed_from(change)) is not None
        }
        lost: dict[str, set[str]] = {}
        for change in changes:
            if isinstance(change, Delete) and change.address.kind == "user":
                for name in change.ends:
                    group = str(group_address(name))
                    lost.setdefault(now_called.get(group, group), set()).add(change.address.key)
            elif change.address.kind == "group":
                lost.setdefault(str(change.address), set()).update(leaving_members(change))
        census = self.census
        losses = {name: len(lost[name]) for name in census.losses if lost.get(name)}
        joined = _joined(self.changes, changes)
        deserted = {n for n in losses if losses[n] == census.members.get(n) and n not in joined}
        ended = {c.address.key for c in changes if ends_access(c)}
        # A group that the whole plan deletes is one more to be emptied, where this part lets it stay.
        stays = _deleted_groups(self.changes) - _deleted_groups(changes)
        census = replace(
            census,
            losses=losses,
            deserted=tuple(n for n in losses if n in deserted and n in {*census.deserted, *stays}),
            emptied=tuple(n for n in losses if n in deserted and n in {*census.emptied, *stays}),
            ending=tuple(key for key in census.ending if key in ended),
        )
        after = census.active_users + sum(map(_begins, changes)) - len(census.ending)
        return replace(self, changes=changes, census=replace(census, active_users_after=after))

    @property
    def digest(self) -> str:
        """SHA-256, in hex, of the canonical JSON of all that an apply acts upon.

        Target, address, changes with their origins and without their places, the revisions
        that they were compared with, what is included and what is sent again, the pull request,
        and the numbers that guards judge by.
        """
        numbers = asdict(self.census)
        return _sha256(
            {
                **self._named(self.changes, self.origins),
                "base": self.base,
                "since": self.since,
                "applied": self.applied,
                "pull": asdict(self.pull) if self.pull else None,
                "numbers": {name: numbers[name] for name in _JUDGED_BY},
                **({"sandbox": True} if self.sandbox else {}),
                **({"resend": list(self.resend)} if self.resend else {}),
                **({"words": dict(self.words)} if self.words else {}),
                **({"scope": list(self.scope)} if self.scope else {}),
                **({"only": list(self.only)} if self.only else {}),
                **({"partly_read": True} if self.partly_read else {}),
                **({"called": dict(self.called)} if self.called else {}),
                **({"files": self.files} if self.files else {}),
            }
        )

    @property
    def removals_digest(self) -> str:
        """SHA-256, in hex, of what is to be applied, for the line that approves it over the limits.

        It leaves out revisions and numbers, or one sign-up elsewhere would void the approval.
        """
        return _sha256(self._named(self.intended.changes, {}))

    def _named(self, changes: Iterable[Change], origins: Origins) -> dict[str, object]:
        changes = tuple(changes)
        encoded = [encode_change(each, origins) for each in changes]
        named = {str(name) for each in changes for _, names in naming(each) for name in names}
        meant = {name: self.meant[name] for name in sorted(named & self.meant.keys())}
        for change in encoded:
            del change["place"]
        included = list(self.included)
        about = {"target": self.target, "url": self.url, "included": included, "changes": encoded}
        return {**about, **({"meant": meant} if meant else {})}


_JUDGED_BY = (
    *("users", "active_users", "active_users_after", "groups", "memberships", "values"),
    *("live_users", "members", "losses", "emptied", "deserted", "ending", "aliases", "callers"),
)
"""The numbers of a census that a guard may read."""


def _sha256(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()


def _begins(change: Change) -> bool:
    """Whether a person is active after this change who was not before."""
    if change.address.kind == "group" or isinstance(change, Delete):
        return False
    return isinstance(change, Create) or any(
        (f.path, f.before, f.after) == (ACTIVE, False, True) for f in change.fields
    )


def _deleted_groups(changes: Sequence[Change]) -> set[str]:
    return {str(c.address) for c in changes if isinstance(c, Delete) and c.address.kind == "group"}


def _joined(whole: Sequence[Change], part: Sequence[Change]) -> set[str]:
    """The groups that somebody joins by a part of the changes: nobody joins whom the part does not create."""
    included = {change.address for change in part}
    missing = {c.address for c in whole if isinstance(c, Create) and c.address not in included}
    return {
        str(change.address)
        for change in part
        if any(atom.member and atom.after and atom.member not in missing for atom in atoms(change))
    }

"""One person or group of whom two files speak: what a list adds to what is declared already.

No field is stated twice, whatever both say: nobody could tell which of them to
correct. Attributes count key by key, and groups by the groups that are spoken
about.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from reconciler.desired.documents import Document, Listing
from reconciler.desired.text import too_few
from reconciler.errors import Place, Problem
from reconciler.model import KEY_OF, KINDS, PLAIN, Address, DesiredState, FieldPath, Lists, User

Rules = Callable[[DesiredState], Iterable[Problem]]
"""What is wrong with a desired state that no schema can know."""
Decides = AbstractSet[str] | None
"""The groups that a person's ``groups`` speak about; None stands for all."""


def stated(user: User) -> Iterator[FieldPath]:
    """The fields that a file states of a person."""
    yield from ((name,) for name in PLAIN["user"] if getattr(user, name) is not None)
    yield from ((("attributes", name)) for name in user.attributes or ())
    if user.groups is not None:
        yield ("groups",)


def clashes(first: User, second: User, decides: tuple[Decides, Decides]) -> list[FieldPath]:
    """The fields that both state."""
    both = set(stated(first)) & set(stated(second))
    if all(each is not None for each in decides) and not (decides[0] or set()) & (decides[1] or set()):
        both.discard(("groups",))
    return sorted(both)


def joined(first: User, second: User) -> User:
    """The person with what either states; the first counts where both do."""
    attributes = None
    if first.attributes is not None or second.attributes is not None:
        attributes = {**(second.attributes or {}), **(first.attributes or {})}
    groups = None
    if first.groups is not None or second.groups is not None:
        groups = (first.groups or frozenset()) | (second.groups or frozenset())
    fields = {name: getattr(second, name) for name in PLAIN["user"] if getattr(first, name) is None}
    return replace(first, groups=groups, attributes=attributes, **fields)


def undeclared_together(names: Sequence[str]) -> tuple[str, str]:
    """What is said of groups that a list names and no file declares, and YAML that declares them all."""
    entries = ", ".join(f"{json.dumps(name, ensure_ascii=False)}: {{members: from_users}}" for name in names)
    what = (
        "1 group that this list can name is"
        if len(names) == 1
        else f"{len(names)} groups that this list can name are"
    )
    return f"{what} not declared in any file", f"declare them: groups: {{{entries}}}"


def leave_out_refused(document: Document, state: DesiredState, rules: Rules) -> bool:
    """Leave out the rows that break a rule by themselves; returns whether there were any.

    ``state`` is what all files describe together.
    """
    listing = document.listing
    before = len(listing.skipped) if listing else 0
    for kind in KINDS:
        entries = document.data.get(f"{kind}s", {})
        for name in list(entries) if listing else ():
            if listing and (problems := list(rules(_alone(state, Address(kind, KEY_OF[kind](name)))))):
                listing.skipped += problems
                del entries[name]
    left = len(document.data.get("users", {}))
    if listing and len(listing.skipped) > before and left < listing.min_rows:
        document.problems.append(too_few(document.source.file, left, listing.min_rows))
    return bool(listing and len(listing.skipped) > before)


def _alone(state: DesiredState, address: Address) -> DesiredState:
    """The state with one object and no other."""
    users = {address.key: state.users[address.key]} if address.key in state.users else {}
    groups = {address.key: state.groups[address.key]} if address.key in state.groups else {}
    return DesiredState(
        users=users if address.kind == "user" else {},
        groups=groups if address.kind == "group" else {},
        absent=state.absent & {address},
        locate=state.locate,
    )


@dataclass(slots=True)
class Joined:
    """What the lists of a target add, while they are read; the fields are those of ``model.Lists``.

    ``absent`` are the tombstones that lists state.
    """

    decides: dict[str, frozenset[str]] = field(default_factory=dict)
    absent: set[Address] = field(default_factory=set)
    _ids: dict[Address, str] = field(default_factory=dict)
    _follows: dict[str, frozenset[str]] = field(default_factory=dict)
    _untracked: set[Address] = field(default_factory=set)
    _skipped: list[Problem] = field(default_factory=list)
    _spoken: list[Problem] = field(default_factory=list)
    _remarks: dict[Address, Problem] = field(default_factory=dict)
    _empty: bool = False
    _shared: dict[frozenset[str], frozenset[str]] = field(default_factory=dict)
    _matched: dict[tuple[tuple[str, ...], str], bool] = field(default_factory=dict)

    def take(self, listing: Listing) -> None:
        """Add what a list says beside its entries, once these were added."""
        self._ids |= listing.ids
        self._skipped += sorted(listing.skipped)
        self._spoken += listing.remarks
        self._empty = self._empty or listing.empty

    def note(self, own: Address, listing: Listing, user: User | None, *, is_new: bool) -> None:
        """An object is declared by a list, or a list adds to it."""
        if is_new and not listing.tracked:
            self._untracked.add(own)
        elif listing.tracked:
            self._untracked.discard(own)
        if user is None:
            return
        if listing.follows and (names := self._following(listing.follows, user)):
            self._follows[own.key] = names | self._follows.get(own.key, frozenset())

    def decide(self, key: str, groups: frozenset[str]) -> None:
        """The groups of a person speak about these."""
        before = self.decides.get(key)
        both = groups if before is None else before | groups
        self.decides[key] = self._shared.setdefault(both, both)

    def beaten(self, own: Address, place: Place, tombstone: Place) -> None:
        """A row counts for nothing, since somebody wrote a tombstone."""
        message = f"{own} stands in a list, and its tombstone at {tombstone} counts"
        self._remarks[own] = Problem(place, message, "take the row out once the list knows it")

    def lists(self) -> Lists:
        """All of it."""
        return Lists(
            decides=self.decides,
            ids=self._ids,
            follows=self._follows,
            untracked=frozenset(self._untracked),
            skipped=tuple(sorted(self._skipped)),
            remarks=(*self._spoken, *self._remarks.values()),
            empty=self._empty,
        )

    def _following(self, globs: tuple[str, ...], user: User) -> frozenset[str]:
        names = frozenset(name for name in user.attributes or () if self._is_matched(globs, name))
        return self._shared.setdefault(names, names)

    def _is_matched(self, globs: tuple[str, ...], name: str) -> bool:
        known = self._matched.get((globs, name))
        if known is None:
            known = self._matched[globs, name] = any(fnmatchcase(name, glob) for glob in globs)
        return known

"""A part of a plan: what ``--scope`` and ``--only`` name, and nothing else.

For ``--scope`` every atom belongs to one part:

* *users*: accounts, names and who may sign in; what can be given on creation only; and leaving,
  with the values and memberships that a revocation takes away;
* *groups*: that one is made, renamed or deleted;
* *memberships*: who joins and leaves a group that stays, but for those whose access is revoked;
* *attributes*: the values of people who are live already, or are made by the same run.

For ``--only`` every atom belongs to its object, and a membership to the person and to the group: of a
person that is all there is of them, of a group its name and who is in it.

What needs somebody or something that the rest of the plan would make waits for that, and is named. A person
waits whose account needs it, since what is given on creation cannot be given later. Nobody is never
listed in a part of a run, and nobody is left in two groups that exclude each other by it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from functools import cache
from typing import NamedTuple, get_args

from reconciler.changes import Atom, Change, Create, FieldChange, Update, atoms, fields_of
from reconciler.errors import Invalid
from reconciler.model import NAMED_BY, Address
from reconciler.plan import Note, Plan, Scope
from reconciler.planning.exclusive import left_halfway
from reconciler.planning.inputs import Inputs
from reconciler.planning.selection import Selection
from reconciler.values import TEXT

_MOST_NAMED = 20


class Cut(NamedTuple):
    """A part of a plan, what it leaves out, what of that was asked for and waits, and what to tell of it."""

    plan: Plan
    left: tuple[Atom, ...] = ()
    waiting: tuple[Atom, ...] = ()
    notes: tuple[Note, ...] = ()


def cut_to(plan: Plan, selection: Selection, inputs: Inputs, revoked: AbstractSet[str]) -> Cut:
    """The part of a whole plan that its scope and the selection name.

    ``revoked`` are the keys of the people whose access is revoked. Raises Invalid where the part alone
    would leave somebody in groups that exclude each other.
    """
    parts = {atom: part for change in plan.changes for atom, part in _parts(change, inputs, revoked)}
    never_listed = inputs.pairing.unlisted - inputs.desired.departed.keys()
    is_meant = _meant(plan, selection)
    asked = {
        atom
        for atom, part in parts.items()
        if part in (plan.scope or get_args(Scope))
        and (is_meant(atom.address) or (atom.member and is_meant(atom.member)))
        and not (part == "users" and (atom.member or atom.address) in never_listed)
    }
    waiting = _waiting(plan, asked)
    left = tuple(atom for atom in parts if atom not in asked or atom in waiting)
    numbers = Counter(parts[atom] for atom in left if atom not in waiting)
    # Who was never listed stays, and is no more managed than in a plan that keeps them all.
    others = sum(Address("user", key) in never_listed for key in plan.census.ending)
    census = replace(plan.census, active_users=plan.census.active_users - others)
    changes = plan.cut((asked - waiting.keys()).__contains__)
    # Who is revoked without losing a value is revoked by their own part alone.
    changes = tuple(change for change in changes if atoms(change) or is_meant(change.address))
    if problems := left_halfway(inputs, changes):
        raise Invalid(problems)
    notes = (_note(plan, numbers, waiting), *_unmatched(selection, plan, inputs))
    return Cut(replace(plan, census=census).part(changes), left, tuple(waiting), notes)


def _meant(plan: Plan, selection: Selection) -> Callable[[Address], bool]:
    """Whether a person or group is asked for, under any name."""
    if not selection:
        return lambda _: True
    return cache(lambda address: selection.matches(*plan.census.names(address)))


def _waiting(plan: Plan, asked: AbstractSet[Atom]) -> Mapping[Atom, AbstractSet[Address]]:
    """What is asked for and cannot be yet, with those whom it needs and only the rest of the plan makes.

    Who waits is not made here either, so what needs them waits as well.
    """
    waiting: dict[Atom, AbstractSet[Address]] = {}
    while True:
        made_elsewhere = {
            change.address
            for change in plan.changes
            if isinstance(change, Create)
            and any(atom not in asked or atom in waiting for atom in _making(change))
        }
        more = {
            atom: missing
            for change in plan.changes
            for atom, needed in _needs(change)
            if atom in asked and atom not in waiting and (missing := made_elsewhere & needed)
        }
        if not more:
            return waiting
        waiting |= more


def _parts(change: Change, inputs: Inputs, revoked: AbstractSet[str]) -> Iterator[tuple[Atom, Scope]]:
    """Each atom of a change, with the part that it belongs to."""
    for atom in atoms(change):
        if atom.member:
            ends = atom.after is None and atom.member.key in revoked
            yield atom, "users" if ends else "memberships"
        elif change.address.kind == "group":
            yield atom, "groups"
        elif atom.path[:1] == ("attributes",) and not _with_account(change, atom, inputs):
            yield atom, "attributes"
        else:
            yield atom, "users"


def _with_account(change: Change, atom: Atom, inputs: Inputs) -> bool:
    """Whether an attribute goes with the account: it is taken away, or can be given on creation only."""
    if isinstance(change, Update):
        return change.removal in ("revoke", "revoke, deactivate")
    definition = inputs.definitions.get(atom.path[1], TEXT)
    return definition.written == "on creation" or not definition.readable


def _making(change: Create) -> Iterable[Atom]:
    """The atom that makes the object."""
    return (atom for atom in atoms(change) if atom.path == NAMED_BY[change.address.kind])


def _needs(change: Change) -> Iterator[tuple[Atom, set[Address]]]:
    """Each atom, and who must be there for it; an account needs whom it can name on creation only."""
    fields: Iterable[FieldChange] = fields_of(change)
    at_once = {name for item in fields if item.with_creation for name in item.names}
    for atom, item in zip(atoms(change), fields, strict=False):
        needed = {change.address, *item.names, *([atom.member] if atom.member else [])}
        yield atom, needed | at_once if atom.path == NAMED_BY[change.address.kind] else needed


def _note(plan: Plan, left: Counter[Scope], waiting: Mapping[Atom, AbstractSet[Address]]) -> Note:
    """How much is left out, and for whom the rest waits."""
    numbers = [f"{left[part]} of {part}" for part in get_args(Scope) if left[part]]
    said = f"left out are these details: {', '.join(numbers)}" if numbers else "nothing is left out"
    if waiting:
        missing = sorted(frozenset().union(*waiting.values()))
        names = ", ".join(map(str, missing[:_MOST_NAMED]))
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        what = f"{len(waiting)} more {'waits' if len(waiting) == 1 else 'wait'}"
        said += f"; {what} for people or groups that these make: {names}{more}"
    return Note("only" if plan.only else "scope", f"{_asked(plan)}: {said}")


def _asked(plan: Plan) -> str:
    """The options that cut the plan down, as they were given."""
    shown = plan.only[:_MOST_NAMED]
    more = f" and {len(plan.only) - _MOST_NAMED} more" if len(plan.only) > _MOST_NAMED else ""
    scope = [f"--scope {','.join(plan.scope)}"] if plan.scope else []
    return " ".join([*scope, *(f"--only {text}" for text in shown)]) + more


def _unmatched(selection: Selection, plan: Plan, inputs: Inputs) -> Iterator[Note]:
    """A warning for each pattern that means nothing in the files, and nothing live that is ours."""
    if not selection:
        return
    members = (Address("user", key) for key in inputs.desired.members)
    known = {*inputs.pairing.live, *inputs.desired.named, *inputs.desired.departed, *members}
    named = {name for address in known for name in plan.census.names(address)}
    for text in selection.unmatched(named):
        message = f"--only {text} matches nothing in the files, and nothing live that is not ignored"
        yield Note("only", f"{message}: correct it", warning=True)

"""A part of a plan: what ``--scope`` names, and nothing else.

Every atom belongs to one part:

* *users*: accounts, names and who may sign in; what can be given on creation only; and leaving,
  with the values and memberships that a revocation takes away;
* *groups*: that one is made, renamed or deleted;
* *memberships*: who joins and leaves a group that stays, but for those whose access is revoked;
* *attributes*: the values of people who are live already, or are made by the same run.

What needs somebody or something that another part would make waits for that. Nobody is
never listed in a part of a run.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import get_args

from reconciler.changes import Atom, Change, Create, FieldChange, Update, atoms, fields_of
from reconciler.model import NAMED_BY, Address
from reconciler.plan import Note, Plan, Scope
from reconciler.planning.inputs import Inputs
from reconciler.values import TEXT


def cut_to(
    plan: Plan, inputs: Inputs, revoked: AbstractSet[str]
) -> tuple[Plan, tuple[Atom, ...], tuple[Note, ...]]:
    """The part of a whole plan that its scope names, what it leaves out, and a note that says how much.

    ``revoked`` are the keys of the people whose access is revoked.
    """
    parts = {atom: part for change in plan.changes for atom, part in _parts(change, inputs, revoked)}
    never_listed = inputs.pairing.unlisted - inputs.desired.departed.keys()
    asked = {
        atom
        for atom, part in parts.items()
        if part in plan.scope and not (part == "users" and (atom.member or atom.address) in never_listed)
    }
    waiting = _waiting(plan, asked)
    left = tuple(atom for atom in parts if atom not in asked - waiting)
    numbers = Counter(parts[atom] for atom in left if atom not in waiting)
    # Who was never listed stays, and is no more managed than in a plan that keeps them all.
    others = sum(Address("user", key) in never_listed for key in plan.census.ending)
    census = replace(plan.census, active_users=plan.census.active_users - others)
    part = replace(plan, census=census).part(plan.cut((asked - waiting).__contains__))
    return part, left, (_note(plan.scope, numbers, len(waiting)),)


def _waiting(plan: Plan, asked: AbstractSet[Atom]) -> AbstractSet[Atom]:
    """What is asked for, and needs somebody or something that only the rest of the plan makes."""
    made_elsewhere = {
        change.address
        for change in plan.changes
        if isinstance(change, Create) and not asked >= set(_making(change))
    }
    return {
        atom
        for change in plan.changes
        for atom, needed in _needs(change)
        if atom in asked and not made_elsewhere.isdisjoint(needed)
    }


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
    """Each atom, and who must be there for it."""
    fields: Iterable[FieldChange] = fields_of(change)
    for atom, item in zip(atoms(change), fields, strict=False):
        yield atom, {change.address, *item.names, *([atom.member] if atom.member else [])}


def _note(scope: tuple[Scope, ...], left: Counter[Scope], waiting: int) -> Note:
    numbers = [f"{left[part]} of {part}" for part in get_args(Scope) if left[part]]
    said = f"left out are these details: {', '.join(numbers)}" if numbers else "nothing is left out"
    if waiting:
        said += f"; {waiting} more {'waits' if waiting == 1 else 'wait'} for people or groups that these make"
    return Note("scope", f"--scope {','.join(scope)}: {said}")

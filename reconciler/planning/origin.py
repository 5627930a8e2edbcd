"""Why each line of a plan is there: three pure plans over one live read.

Terms: *head* is the plan of the files as proposed, *base* that of the files as
they are on the branch to merge into, *applied* that of the files that were last
applied completely. All three are compared with the same live state, so:

* what head wants and base does not is *this change*;
* what base wants as well was wanted before. If applied wants it too, it once
  was so, and somebody changed the live state since: *drift*;
* if applied does not, or nothing is recorded as applied, it was merged earlier
  and never applied: *backlog*.

Where the settings change as well, an older state is planned with those it was
written under, and with those that hold for head: what either wants was wanted
then, so that stricter settings never turn drift into this change.

What this change needs, it brings along: an object that it fills, or a person
whom it adds, must be created first, and is this change too where that creation
is only backlog. Where somebody deleted it by hand it stays drift, and what
needs it is skipped when the plan is applied: an emergency is never undone in passing.
"""

from collections.abc import Iterable

from reconciler.changes import Atom, Create, Origin, Origins, atoms
from reconciler.model import Address, FieldPath
from reconciler.plan import Plan


def origins(head: Plan, base: Iterable[Plan], applied: Iterable[Plan]) -> Origins:
    """The origin of every atom of ``head``; older states have a plan for each policy that may hold."""
    wanted_before, wanted_then = _wanted(base), _wanted(applied)
    found: dict[tuple[Address, FieldPath], Origin] = {}
    for change in head.changes:
        for atom in atoms(change):
            key = atom.address, atom.path
            if atom not in wanted_before:
                found[key] = "change"
            else:
                found[key] = "drift" if atom in wanted_then else "backlog"
    _bring_along(head, found)
    return found


def _wanted(plans: Iterable[Plan]) -> frozenset[Atom]:
    return frozenset(atom for plan in plans for change in plan.changes for atom in atoms(change))


def _bring_along(head: Plan, found: dict[tuple[Address, FieldPath], Origin]) -> None:
    creates = {change.address: change for change in head.changes if isinstance(change, Create)}
    needed = [
        address
        for (address, path), origin in found.items()
        if origin == "change"
        for address in (address, *([Address("user", path[1])] if path[:1] == ("members",) else []))
        if address in creates
    ]
    for address in needed:
        for atom in atoms(creates[address]):
            if not atom.member and found[address, atom.path] == "backlog":
                found[address, atom.path] = "change"

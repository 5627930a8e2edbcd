"""One object on both sides, field by field.

Both sides are flattened to *facts*: path -> value, with values in one
canonical spelling, so that "differs" is ``!=``, but where an attribute's case
does not matter.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from reconciler.changes import Atom, FieldChange, is_removal
from reconciler.model import (
    NAMED_BY,
    PLAIN,
    Address,
    Definition,
    FieldPath,
    Group,
    Kind,
    UnderWay,
    User,
    Value,
    group_key,
    looks_like,
    user_key,
)
from reconciler.values import TEXT, alike, canonical

Facts = Mapping[FieldPath, Value]
Definitions = Mapping[str, Definition]


_EMAIL: Final = NAMED_BY["user"]
_PLAIN: Final = tuple((name, (name,)) for name in PLAIN["user"])


def user_facts(user: User, definitions: Definitions) -> dict[FieldPath, Value]:
    """All that is known of a live user; an attribute that was not read is missing."""
    facts: dict[FieldPath, Value] = {_EMAIL: user_key(user.email)}
    for name, path in _PLAIN:
        facts[path] = getattr(user, name)
    for key, value in (user.attributes or {}).items():
        facts["attributes", key] = canonical(value, definitions.get(key, TEXT))
    return facts


def group_facts(group: Group) -> dict[FieldPath, Value]:
    """All that is known of a live group; one fact for each member."""
    facts: dict[FieldPath, Value] = {NAMED_BY["group"]: group.name}
    facts.update((("members", key), True) for key in group.members or ())
    return facts


def facts_of(resource: User | Group, definitions: Definitions) -> dict[FieldPath, Value]:
    """All that is known of a live resource."""
    return user_facts(resource, definitions) if isinstance(resource, User) else group_facts(resource)


def compare(facts: Facts, wanted: Facts, definitions: Definitions) -> tuple[FieldChange, ...]:
    """What must change so that the wanted facts hold; facts that are not wanted stay as they are."""
    return tuple(
        FieldChange(path, facts.get(path), after, refers(path, definitions))
        for path, after in wanted.items()
        if not same(path, facts.get(path), after, definitions)
    )


def refers(path: FieldPath, definitions: Definitions) -> Kind | None:
    """The kind of object that the values of a field name; None where they name none."""
    return definitions[path[1]].refers if path[0] == "attributes" and path[1] in definitions else None


def same(path: FieldPath, before: Value, after: Value, definitions: Definitions) -> bool:
    """Whether a field has the wanted value. Where none is wanted, the definition's default will do."""
    if before == after:
        return True
    if path[0] != "attributes":
        return False
    definition = definitions.get(path[1], TEXT)
    default = canonical(definition.default, definition) if after is None else None
    return alike(before, after, definition) or (default is not None and alike(before, default, definition))


def holds(atom: Atom, facts: Facts | None, definitions: Definitions) -> bool:
    """Whether an atom is already true; ``facts`` is None for an object that is not live.

    A person without an account is not active and in no group: some instances
    may answer a deactivation by removing the account.
    """
    if atom.path == ():
        return facts is None
    if facts is None:
        return is_removal(atom)
    before = facts.get(atom.path)
    if atom.address.kind == "group" and isinstance(before, str) and isinstance(atom.after, str):
        # To create a group, one in other capitals will do; a rename may be about just these capitals.
        alike = group_key(before) == group_key(atom.after)
        return alike if atom.before is None else looks_like(before, atom.after)
    return same(atom.path, before, atom.after, definitions)


def was(atom: Atom, facts: Facts | None, definitions: Definitions) -> bool:
    """Whether what an atom changes is still as it was when the atom was planned."""
    if atom.path == () or facts is None:
        return (facts is not None) == (atom.path == () or atom.id is not None)
    if atom.path not in facts and not atom.member:
        return True
    return same(atom.path, facts.get(atom.path), atom.before, definitions)


def taken(atoms: Iterable[Atom], under_way: Sequence[UnderWay], definitions: Definitions) -> list[Atom]:
    """Those of the atoms that the system has taken already, and not done yet."""
    if not under_way:
        return []
    waiting = {(one.of, one.path): one.value for one in under_way}
    return [atom for atom in atoms if _is_taken(atom, waiting, definitions)]


def _is_taken(
    atom: Atom, waiting: Mapping[tuple[str | Address, FieldPath], Value], definitions: Definitions
) -> bool:
    key = (atom.id or atom.address, atom.path)
    if key not in waiting or atom.path[:1] != ("attributes",):
        return key in waiting and waiting[key] == atom.after
    definition = definitions.get(atom.path[1], TEXT)
    return alike(canonical(waiting[key], definition), atom.after, definition)


def explain(before: Sequence[Value], after: Sequence[Value]) -> tuple[str, str]:
    """What joins and what leaves between two lists, each as text for a person to read."""
    from deepdiff import DeepDiff  # noqa: PLC0415 (0.3 s to import, and only a nested difference needs it)

    difference = DeepDiff(list(before), list(after), ignore_order=True)
    replaced = [*difference.get("values_changed", {}).values(), *difference.get("type_changes", {}).values()]
    joins = [*difference.get("iterable_item_added", {}).values(), *(item["new_value"] for item in replaced)]
    leaves = [
        *difference.get("iterable_item_removed", {}).values(),
        *(item["old_value"] for item in replaced),
    ]
    return ", ".join(sorted(map(str, joins))), ", ".join(sorted(map(str, leaves)))

"""One object on both sides, field by field.

Both sides are flattened to *facts*: path -> value, with values in one
canonical spelling, so that "differs" is ``!=`` and nothing else. An attribute's
spelling depends on its definition, since a system may store numbers as text and
multi-value attributes as lists.
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation

from reconciler.changes import Atom, FieldChange, is_removal
from reconciler.model import (
    ACTIVE,
    NAMED_BY,
    Definition,
    FieldPath,
    Group,
    User,
    Value,
    group_key,
    looks_like,
    user_key,
)

Facts = Mapping[FieldPath, Value]
Definitions = Mapping[str, Definition]

EXACT = 2**53
"""JSON numbers beyond this are rounded by the server without a word, so they travel as text."""

_TEXT = Definition("")
_LONG_NUMBER = 400


def canonical(value: Value, definition: Definition = _TEXT) -> Value:
    """One spelling for values that mean the same: None for no value, lists sorted and without repeats.

    A number for a String attribute is its text; for a Number attribute ``"5.0"``
    is 5, and what a JSON number cannot carry exactly stays text.
    """
    if isinstance(value, tuple):
        items = {scalar for item in value if (scalar := _scalar(item, definition)) is not None}
        return tuple(sorted(items, key=lambda item: (isinstance(item, str), item))) or None
    single = _scalar(value, definition)
    return (single,) if definition.multiple and single is not None else single


def _scalar(value: str | float | None, definition: Definition) -> str | int | float | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if definition.type == "Number":
        return _number(str(value))
    return value if isinstance(value, str) else str(value)


def _number(text: str) -> str | int | float:
    if len(text) > _LONG_NUMBER or not re.fullmatch(r"\s*[-+]?[0-9.]+([eE][-+]?[0-9]{1,3})?\s*", text):
        return text
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return text
    if number == number.to_integral_value():
        whole = int(number)
        return whole if abs(whole) <= EXACT else str(whole)
    short = float(number)
    return short if Decimal(repr(short)) == number else format(number, "f").rstrip("0")


def user_facts(user: User, definitions: Definitions) -> dict[FieldPath, Value]:
    """All that is known of a live user; an attribute that was not read is missing."""
    facts: dict[FieldPath, Value] = {
        NAMED_BY["user"]: user_key(user.email),
        ("name",): user.name,
        ACTIVE: user.active,
    }
    for key, value in (user.attributes or {}).items():
        facts["attributes", key] = canonical(value, definitions.get(key, _TEXT))
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
        FieldChange(path, facts.get(path), after)
        for path, after in wanted.items()
        if not same(path, facts.get(path), after, definitions)
    )


def same(path: FieldPath, before: Value, after: Value, definitions: Definitions) -> bool:
    """Whether a field has the wanted value. Where none is wanted, the definition's default will do."""
    if before == after:
        return True
    if after is not None or path[0] != "attributes":
        return False
    definition = definitions.get(path[1], _TEXT)
    return before == canonical(definition.default, definition)


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

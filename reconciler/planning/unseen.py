"""What no answer ever shows: all that is known of it is what the files said when they were applied last.

1. A new person gets it with the creation.
2. A live one gets it where the files say something else than when they were last applied completely.
   What journals tell of later applies, complete or not, counts before that. Where nothing is known,
   nothing is sent, and the plan says so.
3. ``--resend NAME`` sends it to everybody whose files state it. To a person whom a reviewed plan
   creates it is sent as well, since a creation may have come half way.
4. Where access ends, it is cleared if the files had a value when they were applied last.

What takes a value on creation only is never sent to somebody who is live.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from reconciler.changes import Atom, Change, FieldChange, fields_of
from reconciler.errors import Place, Problem
from reconciler.model import Address, Definition, DesiredState, FieldPath, Live, User, Value
from reconciler.plan import Note
from reconciler.planning.diff import Definitions, Facts, refers, same
from reconciler.values import canonical

SEPARATOR = "\n"
"""Between the items of a value in a journal: no text of the files holds one."""
_MOST_NAMED = 5
"""People whom a note names; beyond that they are counted."""


@dataclass(frozen=True, slots=True)
class Sent:
    """What is known to have been sent.

    ``state`` is what the files said when they were last applied completely, None where that is not
    known; ``logged`` is what journals tell of what was sent since, by live id. ``again`` are the attributes
    to send again. ``created`` are the people whom a reviewed plan creates, and who may be live by now.
    """

    state: DesiredState | None = None
    again: frozenset[str] = frozenset()
    created: frozenset[Address] = frozenset()
    logged: Mapping[str, Facts] = field(default_factory=dict)

    def anew(self, address: Address) -> "Sent":
        """The same, but of this person nothing counts as sent."""
        return replace(self, created=self.created | {address})

    def facts(self, address: Address, live_id: str, keys: Iterable[str], definitions: Definitions) -> Facts:
        """What was sent of one person, who may have had any of these keys then."""
        if address in self.created:
            return {}
        users = self.state.users if self.state else {}
        then = next((users[key] for key in keys if key in users), None)
        stated = (then.attributes if then else None) or {}
        paths = ((name, ("attributes", name)) for name in stated)
        applied = {
            path: canonical(stated[name], definitions[name])
            for name, path in paths
            if is_unseen(path, definitions)
        }
        return applied | dict(self.logged.get(live_id, {}))


def is_unseen(path: FieldPath, definitions: Definitions) -> bool:
    """Whether no answer shows this field."""
    definition = definitions.get(path[1]) if path[:1] == ("attributes",) else None
    return definition is not None and not definition.readable


def to_send(
    address: Address, before: Facts, wanted: Facts, sent: Sent, definitions: Definitions, *, ends: bool
) -> tuple[FieldChange, ...]:
    """What a live person is sent of what cannot be seen; ``before`` is what was sent earlier.

    ``ends`` says that the person's access ends, so that only what has a value is cleared.
    """

    def differs(path: FieldPath) -> bool:
        if ends:
            return before.get(path) is not None and definitions[path[1]].clearable
        if path[1] in sent.again or address in sent.created:
            return True
        if _adds_nothing(definitions[path[1]], before.get(path), wanted[path]):
            return False
        known = sent.state is not None or path in before
        return known and (path not in before or not same(path, before[path], wanted[path], definitions))

    return tuple(
        FieldChange(path, None, after, refers(path, definitions), unseen=True)
        for path, after in wanted.items()
        if is_unseen(path, definitions) and definitions[path[1]].written == "always" and differs(path)
    )


def tellable(
    done: Iterable[Atom], ids: Mapping[Address, str], definitions: Definitions
) -> dict[str, dict[str, str]]:
    """What a journal keeps of values that no answer shows, by live id and attribute: of files their digest.

    Of what only grows it keeps the items. Of anything else nothing: it may be a secret.
    """
    found: dict[str, dict[str, str]] = {}
    for atom in done:
        definition = definitions.get(atom.path[1]) if is_unseen(atom.path, definitions) else None
        if definition is None or atom.address not in ids:
            continue
        if definition.type == "file" and isinstance(atom.after, str):
            found.setdefault(ids[atom.address], {})[atom.path[1]] = atom.after
        elif definition.grows and isinstance(atom.after, tuple):
            found.setdefault(ids[atom.address], {})[atom.path[1]] = SEPARATOR.join(map(str, atom.after))
    return found


def _adds_nothing(definition: Definition, before: Value, after: Value) -> bool:
    """Whether a value that only grows has all of these items already."""
    has, wanted = (set(value) if isinstance(value, tuple) else set() for value in (before, after))
    return definition.grows and wanted <= has


def notes(
    desired: DesiredState,
    live: Mapping[Address, Live[User]],
    sent: Sent,
    definitions: Definitions,
    changes: Iterable[Change] = (),
) -> Iterator[Note]:
    """Which values are not sent to whom of those who are ``live``, since nobody knows whether they differ.

    What the ``changes`` send is not among them.
    """
    sends = {(c.address, f.path[1]) for c in changes for f in fields_of(c) if f.unseen}
    hidden = {name: each for name, each in definitions.items() if not each.readable and not each.system}
    people = sorted(live) if hidden and sent.state is None else ()
    stating: dict[str, list[str]] = {name: [] for name in hidden}
    for address in people:
        stated = (desired.users[address.key].attributes if address.key in desired.users else None) or {}
        for name in hidden.keys() & stated:
            told = ("attributes", name) in sent.logged.get(live[address].id, {})
            again = name in sent.again or address in sent.created or (address, name) in sends
            if not again and not told:
                stating[name].append(address.key)
    for name in sorted(hidden):
        if keys := stating[name]:
            yield _not_sent(hidden[name], keys)


def _not_sent(definition: Definition, keys: list[str]) -> Note:
    name = definition.name
    more = f" and {len(keys) - _MOST_NAMED} more" if len(keys) > _MOST_NAMED else ""
    whose = f"`{name}` of {len(keys)} live {'user' if len(keys) == 1 else 'users'}"
    why = "what was applied last is not known"
    how = f"--resend {name} sends it" if definition.written == "always" else "it is written on creation only"
    listed = f"{', '.join(keys[:_MOST_NAMED])}{more}"
    return Note("unseen", f"{whose} cannot be seen, not sent ({why}; {how}): {listed}")


def waiting(desired: DesiredState, keys: Iterable[str], definitions: Definitions) -> Iterator[Note]:
    """What is not sent to those who wait for their first sign-in: by then it counts as applied."""
    names = {name for name, each in definitions.items() if not each.readable and not each.system}
    stated = {name for key in keys for name in names & (desired.users[key].attributes or {}).keys()}
    for name in sorted(stated):
        message = f"`{name}` cannot be seen, and is not sent to those who wait once they have signed in"
        yield Note("unseen", f"{message}: --resend {name} sends it then")


def unsendable(
    again: Iterable[str], desired: DesiredState, definitions: Mapping[str, Definition], system: str
) -> Iterator[Problem]:
    """Each attribute that is to be sent again and cannot be, or that no file states."""
    stated = {name for user in desired.users.values() for name in user.attributes or ()}
    for name in sorted(again):
        definition = definitions.get(name)
        if name not in stated:
            why = "no user of the files states it"
        elif definition is None:
            continue
        elif definition.readable:
            why = f"{system} shows it, so a plan has it wherever it differs"
        elif definition.written != "always":
            why = "it is written on creation only"
        else:
            continue
        yield Problem(Place(f"--resend {name}"), why, "leave it out")

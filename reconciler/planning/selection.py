"""Which people and groups a run is about alone: what ``--only`` asks for.

``user/ada@acme.com`` and ``group/Finance`` name one each; a glob such as ``user/*@acme.com`` names all
that it matches, without case. Whoever has several names (the declared one, the live one, an older one) is
meant by any of them. ``changed`` is what the files changed since a revision (see ``changed``).
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from reconciler.errors import Invalid, Place, Problem
from reconciler.model import KEY_OF, KINDS, Address, Kind
from reconciler.planning.scope import Globs, is_matched

CHANGED = "changed"
"""The word for what the files changed; it stands alone."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a run is about alone; an empty one is about everything.

    ``texts`` say it as a person does. ``names`` are objects, ``globs`` patterns: also the text of a name
    that could be one, so that `group/Sales [EMEA]` means the group which is called so.
    """

    texts: tuple[str, ...] = ()
    names: AbstractSet[Address] = frozenset()
    globs: Globs = Globs()  # noqa: RUF009 (frozen)

    def __bool__(self) -> bool:
        """Whether it leaves anything out."""
        return bool(self.texts)

    @property
    def of_changes(self) -> bool:
        """Whether it is what the files changed, since a revision that it does not say."""
        return self.texts == (CHANGED,)

    def matches(self, *names: Address) -> bool:
        """Whether it asks for the object that has these names."""
        return any(name in self.names or self.globs.match(name) for name in names)

    def unmatched(self, known: AbstractSet[Address]) -> Iterator[str]:
        """The texts that mean none of these names."""
        for text in self.texts if not self.of_changes else ():
            kind, name = _parsed(text)
            keys = (each.key for each in known if each.kind == kind)
            if Address(kind, KEY_OF[kind](name)) not in known and not is_matched(kind, name, keys):
                yield text

    def about(self, names: Iterable[Address]) -> "Selection":
        """The same, as these objects: what the files are found to have changed."""
        return replace(self, names=frozenset(names))


EVERYTHING = Selection()


def selection(texts: Sequence[str]) -> Selection:
    """What these texts ask for; raises Invalid, with what to write instead, for each that names nobody."""
    given = tuple(dict.fromkeys(texts))
    problems = [problem for text in given if (problem := _wrong(text, given))]
    if problems:
        raise Invalid(problems)
    parts = [_parsed(text) for text in given if text != CHANGED]
    names = frozenset(Address(kind, KEY_OF[kind](name)) for kind, name in parts)
    globs = (tuple(name for kind, name in parts if kind == each and _is_glob(name)) for each in KINDS)
    return Selection(given, names, Globs(*globs))


def _wrong(text: str, given: Sequence[str]) -> Problem | None:
    place = Place(f"--only {text}")
    if text == CHANGED:
        alone = "it is all that the files changed, and stands alone"
        return Problem(place, alone, "leave out every other --only") if given[1:] else None
    kind, slash, name = text.partition("/")
    if kind in KINDS and name.strip():
        return None
    guess = f"user/{text}" if "@" in text else f"group/{text}"
    hint = f"did you mean {guess!r}?" if text.strip() and not slash else f"write {_EXAMPLES}"
    return Problem(place, f"it is neither a user, nor a group, nor `{CHANGED}`", hint)


_EXAMPLES = "'user/ada@acme.com', 'user/*@acme.com' or 'group/Finance'"


def _parsed(text: str) -> tuple[Kind, str]:
    kind, _, name = text.partition("/")
    return ("user" if kind == "user" else "group"), name


def _is_glob(text: str) -> bool:
    return any(character in text for character in "*?[")

"""Which people and groups a run is about alone: what ``--only`` asks for.

``user/ada@acme.com`` and ``group/Finance`` name one each; a glob such as ``user/*@acme.com`` names all
that it matches, without case. Whoever has several names (the declared one, the live one, an older one) is
meant by any of them. ``changed`` is what the files changed since a revision (see ``changed``).
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from reconciler.model import KEY_OF, KINDS, Address, Kind
from reconciler.planning.scope import Globs

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

    def matches(self, address: Address, *older: str) -> bool:
        """Whether it asks for an object, which has these other keys as well."""
        names = (address, *(Address(address.kind, key) for key in older))
        return any(name in self.names or self.globs.match(name) for name in names)

    def about(self, names: Iterable[Address]) -> "Selection":
        """The same, as these objects: what the files are found to have changed."""
        return replace(self, names=frozenset(names))


EVERYTHING = Selection()


def selection(texts: Sequence[str]) -> Selection:
    """What these texts ask for; raises ValueError, with what to write instead, where one asks for nothing."""
    if CHANGED in texts and len(set(texts)) > 1:
        message = f"--only {CHANGED} stands alone: it is all that the files changed, and nothing else"
        raise ValueError(message)
    given = tuple(dict.fromkeys(texts))
    parts = [_parsed(text) for text in given if text != CHANGED]
    names = frozenset(Address(kind, KEY_OF[kind](name)) for kind, name in parts)
    globs = (tuple(name for kind, name in parts if kind == each and _is_glob(name)) for each in KINDS)
    return Selection(given, names, Globs(*globs))


def _parsed(text: str) -> tuple[Kind, str]:
    for kind in KINDS:
        if text.startswith(f"{kind}/") and text.removeprefix(f"{kind}/").strip():
            return kind, text.removeprefix(f"{kind}/")
    guess = f"user/{text}" if "@" in text else f"group/{text}"
    known = "/" not in text and text.strip()
    hint = f"did you mean {guess!r}?" if known else "write 'user/ada@acme.com' or 'group/Finance'"
    message = (
        f"--only takes user/LOGIN, group/NAME or a glob of these, or {CHANGED}, and not {text!r}: {hint}"
    )
    raise ValueError(message)


def _is_glob(text: str) -> bool:
    return any(character in text for character in "*?[")

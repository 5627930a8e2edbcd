"""What the row of a list leaves open of a user, and how many requests for one thing each that makes.

It is told before they are made: they can take most of an hour, and a setting may spare them.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from reconciler.model import Need
from reconciler.providers.scim.codec import GroupRow, UserRow
from reconciler.providers.scim.dialect import Dialect
from reconciler.report import number_of
from reconciler.transport.messages import Reader

_MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Gap:
    """What a row does not tell of one user; ``keys`` are the attributes that are needed.

    ``missing`` are those that the row lacks: without a value, or unknown. ``doubtful``: the row may be
    the trace of a deletion, which some lists go on showing, as inactive (not documented).
    """

    keys: frozenset[str]
    missing: frozenset[str]
    doubtful: bool

    def is_open(self, dialect: Dialect) -> bool:
        """Whether only a request for this user tells."""
        # A list row may lack attributes that the user has (seen live), so what is missing is unknown.
        return self.doubtful or bool(self.missing and not dialect.lists_carry_attributes)


def gap(row: UserRow, need: Need, key: str) -> Gap:
    """What the row of ``key`` does not tell of what is needed."""
    user = row.live.resource
    keys = need.attributes.get(key, need.others)
    doubtful = user.active is False and (need.all_deleted or key in need.deleted)
    return Gap(keys, keys - (user.attributes or {}).keys(), doubtful)


def announce(reader: Reader, gaps: Iterable[Gap], silent: Collection[GroupRow], dialect: Dialect) -> None:
    """Tell how many users and groups are about to be read one by one, and why."""
    found = [gap for gap in gaps if gap.is_open(dialect)]
    if requests := len(found) + len(silent):
        reader.announce(requests, "; ".join(filter(None, _reasons(found, len(silent), dialect))))


def _reasons(gaps: Collection[Gap], silent: int, dialect: Dialect) -> Iterator[str]:
    lacking = [] if dialect.lists_carry_attributes else [gap for gap in gaps if gap.missing]
    if lacking:
        users = number_of(len(lacking), "user")
        yield f"for {users} the list shows no value of {_names(lacking)}, so each is read by id"
        yield dialect.lists_hint
    if doubtful := len(gaps) - len(lacking):
        yield f"{number_of(doubtful, 'inactive user')} may be deleted already, so each is read by id"
    if silent:
        yield f"of {number_of(silent, 'group')} the list shows no members, so each is read by id"


def _names(gaps: Iterable[Gap]) -> str:
    """The attributes that are missing, those of most users first."""
    tally = Counter(name for gap in gaps for name in gap.missing)
    names = sorted(tally, key=lambda name: (-tally[name], name))
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(f"`{name}`" for name in names[:_MOST_NAMED]) + more

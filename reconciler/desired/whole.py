"""All documents of a target as one desired state, by every rule of files, lists and the kind."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.desired.build import build
from reconciler.desired.documents import Document
from reconciler.desired.joining import Rules, leave_out_refused
from reconciler.errors import Invalid, Place, Problem
from reconciler.model import KINDS, DesiredState, Kind


def whole(
    target: Document,
    documents: Sequence[Document],
    settings: Mapping[str, Any],
    rules: Rules,
    problems: Sequence[Problem],
    elsewhere: Place,
) -> DesiredState:
    """The state that the documents describe together; raises Invalid with every problem, ``problems`` first.

    ``target`` is that of target.yaml, ``settings`` what holds of it. What no document states is at
    ``elsewhere``. Rows that ``rules`` refuse are left out where their list says so.
    """
    ignore = settings.get("ignore", {})
    beside = (ignore.get("users", ()), ignore.get("groups", ()), elsewhere)
    dropped = _ignored(settings) - _ignored(target.data)
    state, between = build(documents, *beside, dropped)
    broken = list(rules(state))
    skipping = [d for d in documents if broken and d.listing and d.listing.skips]
    if [document for document in skipping if leave_out_refused(document, state, rules)]:
        state, between = build(documents, *beside, dropped)
        broken = list(rules(state))
    found = [*problems, *between, *broken]
    for document in (target, *documents):
        found += document.problems
    if found:
        raise Invalid(found)
    return state


def _ignored(settings: Mapping[str, Any]) -> frozenset[tuple[Kind, str]]:
    """The globs of ``ignore``, each with the kind of object that it is for."""
    ignore = settings.get("ignore", {})
    return frozenset((kind, glob) for kind in KINDS for glob in ignore.get(f"{kind}s", ()))

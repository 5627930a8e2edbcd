"""A plan as one HTML page, by object and by person, to read, filter and print. It needs no network.

Jinja2 escapes everything that the page is given, except our own style and script. A
Content-Security-Policy names the hashes of these two, and lets nothing else run or load.
Invisible characters are spelled out as everywhere.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from reconciler.changes import Change, Delete, FieldChange, Origin, atoms, only_names, takes_away
from reconciler.model import Address
from reconciler.plan import Plan
from reconciler.planning.allowance import DIGEST_DIGITS, needed
from reconciler.views.differences import long_difference
from reconciler.views.headline import headline
from reconciler.views.layout import Line, draw
from reconciler.views.lines import (
    EXPLAINED,
    ORIGINS,
    PRETEND,
    TITLES,
    asked,
    before_of,
    by_origin,
    deed,
    effort,
    field_name,
    kept,
    live_login,
    note_line,
    notes_of,
    sign_of,
    sign_of_field,
    summary,
)
from reconciler.views.people import Person, by_person
from reconciler.views.refusal import why_absolute
from reconciler.views.safe import label, printable, quote, short_commit

_KINDS = {"+": "add", "~": "change", "-": "remove"}


@dataclass(frozen=True, slots=True)
class Badge:
    """An origin, for a class of the style and for people."""

    key: Origin
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One field or membership: what it was and what it will be. ``differs`` is for a long value."""

    sign: str
    name: str
    before: str
    after: str
    origin: Badge | None = None
    differs: str = ""

    @property
    def kind(self) -> str:
        """The class that colours it."""
        return _KINDS[self.sign]


def plan_html(plan: Plan) -> str:
    """The page. Every text in it is escaped by the template."""
    from markupsafe import Markup  # noqa: PLC0415 (as in _template)

    pretend = f", {PRETEND}" if plan.sandbox else ""
    style, script = _ours("plan.css"), _ours("plan.js")
    allowance = needed(plan)
    text: str = _template().render(
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704 (a file of this package)
        script=Markup(script),  # noqa: S704 (a file of this package)
        title=f"{TITLES[bool(plan.included)]} {label(plan.target)}{pretend}",
        headline=", ".join(map(str, headline(plan))),
        provider=label(plan.provider),
        url=label(plan.url),
        created_at=printable(plan.created_at),
        base=short_commit(plan.base),
        digest=plan.digest[:DIGEST_DIGITS],
        asked=draw(asked(plan), width=None, color=False).strip() if plan.pull else "",
        violations=[
            {"message": printable(violation.message), "absolute": violation.is_absolute}
            for violation in plan.violations
        ],
        allowance=printable(allowance.line(plan.target)) if allowance else "",
        why_absolute=printable(why_absolute(plan)),
        cards=list(_cards(plan)),
        notes=list(_notes(plan)),
        objects=[_object(change, plan) for change in plan.changes],
        people=[_person(person) for person in by_person(plan)],
        effort=effort(plan.requests, plan.requests_per_minute) if plan.changes and plan.included else "",
    )
    return text


@cache
def _template() -> Any:
    # It takes 0.05 s to import, which no other command must pay.
    from jinja2 import Environment  # noqa: PLC0415 (see above)

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_ours("plan.html.jinja"))


@cache
def _ours(name: str) -> str:
    return (files("reconciler.views") / "page" / name).read_text("utf-8")


def _policy(style: str, script: str) -> str:
    def hashed(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; style-src {hashed(style)}; script-src {hashed(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _cards(plan: Plan) -> Iterator[dict[str, Any]]:
    if not plan.changes:
        yield {"title": "No changes" if plan.included else "No drift", "rows": []}
        return
    card: dict[str, Any] = {}
    for line in summary(plan.counts, plan.census, plan.words):
        text = _plain(line)
        if line.indent == 0:
            if card:
                yield card
            card = {"title": text, "rows": []}
        else:
            card["rows"].append({"kind": _KINDS.get(text[:1], ""), "text": text, "more": ""})
    yield card
    if plan.base:
        first, *rest = by_origin(plan)
        rows = [
            {
                "kind": "",
                "text": " ".join(part.text for part in line.parts if part.text not in EXPLAINED.values()),
                "more": next((part.text for part in line.parts if part.text in EXPLAINED.values()), ""),
            }
            for line in rest
        ]
        yield {"title": _plain(first), "rows": rows}


def _notes(plan: Plan) -> Iterator[dict[str, Any]]:
    for note in notes_of(plan):
        yield {"warning": note.warning, "text": _plain(note_line(note))}
    for line in kept(plan):
        yield {"warning": False, "text": _plain(line)}


def _object(change: Change, plan: Plan) -> dict[str, Any]:
    sign = sign_of(change)
    origins = {plan.origins.get((atom.address, atom.path)) for atom in atoms(change)} - {None}
    return {
        "sign": sign,
        "kind": _KINDS[sign],
        "takes": takes_away(change),
        "name": f"{change.address.kind}/{label(change.label)} {live_login(plan, change.address)}".rstrip(),
        "deed": deed(change, plan),
        "place": printable(str(change.place)),
        "origin": _badge(next(iter(origins))) if len(origins) == 1 else None,
        "mixed": len(origins) > 1,
        "rows": list(_rows(change, plan)),
    }


def _rows(change: Change, plan: Plan) -> Iterator[Row]:
    if isinstance(change, Delete):
        for name in change.ends:
            known = live_login(plan, Address("user", name)) if change.address.kind == "group" else ""
            yield Row("-", f"{label(name)} {known}".rstrip(), "member", "")
        return
    for item in change.fields:
        if not only_names(change, item):
            named = (Address("user", item.path[1]),) if item.path[0] == "members" else item.names
            known = live_login(plan, *named)
            yield _row(item, _badge(plan.origins.get((change.address, item.path))), known)


def _row(item: FieldChange, origin: Badge | None = None, known: str = "") -> Row:
    sign = sign_of_field(item)
    if item.path[0] == "members":
        before, after = ("member", "") if sign == "-" else ("", "member")
        return Row(sign, f"{label(item.path[1])} {known}".rstrip(), before, after, origin)
    before = before_of(item) if item.unseen or item.before is not None else ""
    after = "" if item.after is None else f"{quote(item.after)} {known}".rstrip()
    differs = long_difference(item.before, item.after)
    return Row(sign, field_name(item.path), before, after, origin, differs)


def _person(person: Person) -> dict[str, Any]:
    sign = "-" if person.loses else "+" if person.account == "create" or person.joins else "~"
    rows = [Row("-", f"leaves {label(name)}", "member", "") for name in person.leaves]
    rows += [Row("+", f"joins {label(name)}", "", "member") for name in person.joins]
    rows += [_row(item) for item in person.fields]
    return {
        "sign": sign,
        "kind": _KINDS[sign],
        "takes": person.loses,
        "name": f"{label(person.key)} {person.known}".rstrip(),
        "deed": person.deed,
        "origins": [_badge(origin) for origin in ORIGINS if origin in person.origins],
        "rows": rows,
    }


def _badge(origin: Origin | None) -> Badge | None:
    return Badge(origin, ORIGINS[origin]) if origin else None


def _plain(line: Line) -> str:
    return " ".join(part.text for part in line.parts)

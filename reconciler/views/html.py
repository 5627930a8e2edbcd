"""A plan as one HTML page: by object and by person, to be filtered, read and printed, without any network.

Jinja2 escapes all that the page is given, but for our own style and script; a
Content-Security-Policy lets nothing run or load but these two, by their hashes.
Invisible characters are spelled out as everywhere.
"""

import base64
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from reconciler.changes import Change, Create, Delete, FieldChange, Origin, atoms
from reconciler.plan import Plan
from reconciler.planning.approval import DIGEST_DIGITS, needed
from reconciler.views.differences import long_difference
from reconciler.views.layout import Line, draw
from reconciler.views.lines import (
    EXPLAINED,
    ORIGINS,
    PRETEND,
    TITLES,
    asked,
    by_origin,
    deed,
    effort,
    field_name,
    kept,
    no_override,
    note_line,
    sign_of,
    summary,
)
from reconciler.views.markdown import takes_away
from reconciler.views.people import Person, by_person
from reconciler.views.safe import label, printable, quote

_KINDS = {"+": "add", "~": "change", "-": "remove"}
_SHORT_COMMIT = 8


@dataclass(frozen=True, slots=True)
class Badge:
    """An origin, for a class of the style and for people."""

    key: Origin
    text: str


@dataclass(frozen=True, slots=True)
class Row:
    """One field or membership: what it was, and what it will be; ``differs`` begins what is long."""

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
    approval = needed(plan)
    text: str = _template().render(
        policy=_policy(style, script),
        style=Markup(style),  # noqa: S704 (a file of this package)
        script=Markup(script),  # noqa: S704 (a file of this package)
        title=f"{TITLES[bool(plan.included)]} {label(plan.target)}{pretend}",
        provider=label(plan.provider),
        url=label(plan.url),
        created_at=printable(plan.created_at),
        base=printable(plan.base[:_SHORT_COMMIT]),
        digest=plan.digest[:DIGEST_DIGITS],
        asked=draw(asked(plan), width=None, color=False).strip() if plan.pull else "",
        violations=[
            {"message": printable(one.message), "overridable": one.overridable} for one in plan.violations
        ],
        override=printable(approval.line(plan.target)) if approval else "",
        no_override=no_override(plan),
        cards=list(_cards(plan)),
        notes=list(_notes(plan)),
        objects=[_object(change, plan) for change in plan.changes],
        people=[_person(one) for one in by_person(plan)],
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
    for line in summary(plan.counts, plan.census):
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
    for note in sorted(plan.notes, key=lambda one: not one.warning):
        yield {"warning": note.warning, "text": _plain(note_line(note))}
    for line in kept(plan.census):
        yield {"warning": False, "text": _plain(line)}


def _object(change: Change, plan: Plan) -> dict[str, Any]:
    sign = sign_of(change)
    origins = {plan.origins.get((atom.address, atom.path)) for atom in atoms(change)} - {None}
    return {
        "sign": sign,
        "kind": _KINDS[sign],
        "takes": takes_away(change),
        "name": f"{change.address.kind}/{label(change.label)}",
        "deed": deed(change, plan.census),
        "place": printable(str(change.place)),
        "origin": _badge(next(iter(origins))) if len(origins) == 1 else None,
        "mixed": len(origins) > 1,
        "rows": list(_rows(change, plan)),
    }


def _rows(change: Change, plan: Plan) -> Iterator[Row]:
    if isinstance(change, Delete):
        for name in change.ends:
            yield Row("-", label(name), "member", "")
        return
    for item in change.fields:
        if isinstance(change, Create) and item.path in {("email",), ("name",)} and item.after == change.label:
            continue
        yield _row(item, _badge(plan.origins.get((change.address, item.path))))


def _row(item: FieldChange, origin: Badge | None = None) -> Row:
    if item.path[0] == "members":
        name = label(item.path[1])
        joins = item.after is not None
        return Row("+" if joins else "-", name, "" if joins else "member", "member" if joins else "", origin)
    gone = item.after is None or (item.path == ("active",) and item.after is False)
    sign = "+" if item.before is None else "-" if gone else "~"
    before = "" if item.before is None else quote(item.before)
    after = "" if item.after is None else quote(item.after)
    differs = long_difference(item.before, item.after)
    return Row(sign, field_name(item.path), before, after, origin, differs)


def _person(one: Person) -> dict[str, Any]:
    sign = "-" if one.loses else "+" if one.account == "create" or one.joins else "~"
    rows = [Row("-", f"leaves {label(name)}", "member", "") for name in one.leaves]
    rows += [Row("+", f"joins {label(name)}", "", "member") for name in one.joins]
    rows += [_row(item) for item in one.fields]
    return {
        "sign": sign,
        "kind": _KINDS[sign],
        "takes": one.loses,
        "name": label(one.key),
        "deed": one.account,
        "origins": [_badge(origin) for origin in ORIGINS if origin in one.origins],
        "rows": rows,
    }


def _badge(origin: Origin | None) -> Badge | None:
    return Badge(origin, ORIGINS[origin]) if origin else None


def _plain(line: Line) -> str:
    return " ".join(part.text for part in line.parts)

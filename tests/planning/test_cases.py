"""Desired files and a live state in, a plan out: one file in cases/ for each rule.

A case holds ``files`` (the text of a desired-state file, or several by name),
``target`` (what its target.yaml adds), ``since`` (an older file), ``scope`` and ``only``
(the options), ``live`` and, last, ``expect``. To write
``expect`` anew: UPDATE_GOLDEN=1 pytest tests/planning/test_cases.py
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from builders import live as live_state

from reconciler.changes import Delete, Update, atoms
from reconciler.desired.files import load
from reconciler.desired.history import with_departed
from reconciler.errors import ReconcilerError
from reconciler.model import Caller, Definition, Group, LiveState, User, user_key
from reconciler.planning.guard import check
from reconciler.planning.plan import make_plan
from reconciler.planning.selection import selection
from reconciler.target.settings import load_targets

CASES = sorted((Path(__file__).parent / "cases").glob("*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_case(path: Path, a_target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = path.read_text(encoding="utf-8")
    head, _, _ = text.partition("\nexpect:")
    case = yaml.safe_load(text)
    monkeypatch.chdir(a_target)
    found = _plan(case, a_target)
    if os.environ.get("UPDATE_GOLDEN"):
        body = "".join(f"  {line}\n" for line in found)
        path.write_text(f"{head}\nexpect: |\n{body}", encoding="utf-8")
    else:
        assert found == case["expect"].splitlines()


def _plan(case: dict[str, Any], folder: Path) -> list[str]:
    settings = {"kind": "omni", "url": "https://acme.omniapp.co", "keys": [{"env": "KEY"}]}
    (folder / "target.yaml").write_text(yaml.safe_dump(settings | case.get("target", {})), encoding="utf-8")
    files = case["files"] if isinstance(case["files"], dict) else {"people.yaml": case["files"]}
    then = None
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    if "since" in case:
        older = folder.parent / "older"
        older.mkdir()
        (older / "target.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        (older / "people.yaml").write_text(case["since"], encoding="utf-8")
        then = load(older, shown_as="v1")
        (older / "target.yaml").unlink()
    try:
        (target,) = load_targets(folder.parent)
        planned = make_plan(
            with_departed(target.load(), then),
            _live(case.get("live", {})),
            target.policy,
            system="Omni",
            target="acme",
            provider="omni",
            url="",
            scope=tuple(case.get("scope", ())),
            selection=selection(case.get("only", ())),
        )
    except ReconcilerError as error:
        return [f"{type(error).__name__}:", *str(error).splitlines()]
    lines = []
    for change in planned.plan.changes:
        action = type(change).__name__.lower()
        if isinstance(change, Update) and change.removal:
            action = change.removal
        lines.append(f"{action} {change.address} at {change.place}")
        if isinstance(change, Delete):
            lines += [f"  ends: {name}" for name in change.ends]
        else:
            lines += [f"  {' '.join(a.path)}: {a.before!r} -> {a.after!r}" for a in atoms(change)]
    lines += [
        f"{'warning' if note.warning else 'note'} {note.code}: {note.message}" for note in planned.plan.notes
    ]
    census = planned.plan.census
    kept = (census.unlisted_users, census.unlisted_groups, census.kept_members)
    if any(kept):
        lines.append("kept: {} users, {} groups, {} members".format(*kept))
    lines += [
        f"refused {violation.code}: {violation.message}" for violation in check(planned.plan, target.policy)
    ]
    return lines or ["no changes"]


def _live(data: dict[str, Any]) -> LiveState:
    users = [
        User(email, row.get("name", email), row.get("active", True), None, _attributes(row, data))
        for email, row in data.get("users", {}).items()
    ]
    groups = [
        Group(name, frozenset(user_key(member) for member in members))
        for name, members in data.get("groups", {}).items()
    ]
    state = live_state(
        *users,
        *groups,
        definitions=[_definition(name, row) for name, row in data.get("attributes", {}).items()],
        foreign=data.get("foreign"),
        caller=Caller(*data.get("caller", ("robot@acme.com", "robot"))),
    )
    return replace(state, logins_change=data.get("logins_change", False))


def _definition(name: str, row: dict[str, Any]) -> Definition:
    default = row.get("default")
    return Definition(
        name,
        type="number" if row.get("type") == "Number" else "text",
        multiple=row.get("multiple", False),
        default=tuple(default) if isinstance(default, list) else default,
        written="never" if row.get("system") else "always",
        exact_case=row.get("exact_case", True),
        readable=row.get("readable", True),
    )


def _attributes(row: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    values = dict.fromkeys(data.get("attributes", {})) | row.get("attributes", {})
    return {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}

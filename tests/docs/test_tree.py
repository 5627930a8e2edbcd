"""What is said of the code is so: the tree in CONTRIBUTING, the stages of one datum, the picture."""

import json
import re
from importlib.util import find_spec
from pathlib import Path
from runpy import run_path
from shutil import copytree, ignore_patterns

import pytest
from book import DOCS, TOP, Fence, parts, rows_of

from reconciler import workflow
from reconciler.changes import Change, Update
from reconciler.operations import Operation, Ref, resolve
from reconciler.target.session import connect
from reconciler.target.settings import load_targets

PACKAGE = TOP / "reconciler"


def test_the_tree_in_contributing_is_the_tree() -> None:
    (drawn,) = [
        p.text
        for p in parts(TOP / "CONTRIBUTING.md")
        if isinstance(p, Fence) and p.text.startswith("reconciler/")
    ]
    entries = re.findall(r"^[├└]── (.*)", drawn, re.MULTILINE)
    shown = {
        name for entry in entries for name in re.findall(r"^[\w/.]+(?:  ?[\w/.]+\.py)*", entry)[0].split()
    }
    there = {path.name + "/" * path.is_dir() for path in PACKAGE.iterdir() if not path.name.startswith("__")}
    assert shown == there


@pytest.mark.parametrize(
    "row", [row for row in rows_of(DOCS / "how-it-works.md") if row[0].isdigit()], ids=lambda row: row[0]
)
def test_each_stage_is_where_the_book_says(row: list[str]) -> None:
    named = re.findall(r"`([a-z_.]+)`", row[3])
    assert named
    for name in named:
        assert (PACKAGE / name.replace(".", "/")).is_dir() or find_spec(f"reconciler.{name}"), name


def test_a_name_becomes_a_change_an_operation_and_a_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shown,) = [part.text for part in parts(DOCS / "how-it-works.md") if isinstance(part, Fence)]
    monkeypatch.chdir(tmp_path)
    copytree(TOP / "desired-state", "desired-state", ignore=ignore_patterns(".reconciler"))
    (target,) = load_targets(Path("desired-state"), ["demo"])
    with connect(target) as session:
        changes = workflow.plan(target, session).plan.changes
    (change,) = [change for change in changes if change.label == "ada@acme.com"]
    (operation,) = target.provider.translate([change])
    assert shown == told(change, operation)


def told(change: Change, operation: Operation) -> str:
    """The three, as the book writes them; what every body of SCIM has in common is left out."""
    assert isinstance(change, Update)
    assert isinstance(operation.body, dict)
    fields = ", ".join(f"{field.path[0]}: {field.before} -> {field.after}" for field in change.fields)
    path = "/".join(f"<{part.to}>" if isinstance(part, Ref) else part for part in operation.path)
    request = resolve(operation, {change.address: change.id})
    return (
        f"change     Update {change.address}   {fields}\n"
        f"operation  {operation.method} {path}\n{'':11}{json.dumps(operation.body['Operations'])}\n"
        f"request    {request.method} {request.path}   the same body\n"
    )


def test_the_picture_is_the_plan_of_the_demo() -> None:
    drawing = run_path(str(DOCS / "plan_svg.py"))
    assert drawing["picture"]() == drawing["PICTURE"].read_text("utf-8")

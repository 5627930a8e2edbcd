"""Every block of YAML in the book is what it says: a target, desired state, expected drift, a pipeline."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from book import DOCS, PAGES, Fence, Note, parts

from reconciler import cli
from reconciler.desired import schema
from reconciler.desired.documents import parse
from reconciler.desired.files import settings_of
from reconciler.sandbox.scim.store import Store
from reconciler.target.schemas import target_schema
from reconciler.target.settings import load_targets

SMALLEST = {"kind": "omni", "url": "https://acme.omniapp.co", "keys": "[{env: OMNI_API_KEY}]"}


def blocks() -> list[tuple[str, str, Fence]]:
    """Each block with where it stands and what it is: by its path, or by the note before it."""
    found = []
    for page in PAGES:
        note = ""
        for part in parts(page):
            match part:
                case Note("of", text):
                    note = text
                case Fence("yaml"):
                    found.append((f"{page.stem}:{part.line}", note or part.path, part))
                    note = ""
    return found


@pytest.mark.parametrize(
    ("kind", "fence"), [pytest.param(kind, fence, id=where) for where, kind, fence in blocks()]
)
def test_it_is_valid(kind: str, fence: Fence, a_target: Path, capsys: pytest.CaptureFixture[str]) -> None:
    match Path(kind).name:
        case ".gitlab-ci.yml":
            pipeline(fence.text, a_target)
            return
        case "expected.yaml":
            schema.check(parse(fence.text.encode(), kind), "expected-drift")
            return
        case "seed":
            Store.from_seed(parse(fence.text.encode(), kind).data)
            return
        case "target" | "target.yaml":
            target = fence.text
        case _:
            assert kind.startswith("desired-state/"), (
                "say what it is: in its first line, or in a note before it"
            )
            target = ""
            (a_target / "people.yaml").write_text(fence.text)
    (a_target / "target.yaml").write_text(whole(target))
    if "path: " in target:
        settings_of(a_target)  # the lists that it names are not on the page
        return
    code = cli.run(["validate", "--dir", str(a_target.parent)])
    assert code == 0, capsys.readouterr().err


def whole(text: str) -> str:
    """A part of a target.yaml, with what no target does without."""
    missing = [name for name in SMALLEST if f"\n{name}:" not in f"\n{text}"]
    let_in = "\nsandbox:" in text or "\ncredential:" in text
    missing = [name for name in missing if name != "keys" or not let_in]
    return text + "".join(f"{name}: {SMALLEST[name]}\n" for name in missing)


def pipeline(text: str, folder: Path) -> None:
    """Have GitLab's own schema look at it."""
    file = folder / "pipeline.yml"
    file.write_text(text)
    checker = Path(sys.executable).with_name("check-jsonschema")
    subprocess.run(
        [checker, "--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci", file], check=True
    )


def test_the_settings_that_are_shown_as_defaults_are_the_defaults(a_target: Path) -> None:
    (shown,) = [
        part
        for part in parts(DOCS / "target.md")
        if isinstance(part, Fence) and part.path.endswith("target.yaml")
    ]
    root = a_target.parent
    (a_target / "target.yaml").write_text(whole(""))
    (smallest,) = load_targets(root)
    (a_target / "target.yaml").write_text(shown.text)
    (described,) = load_targets(root)
    assert replace(described, settings={}) == replace(smallest, settings={})


def test_every_setting_is_on_the_page() -> None:
    text = (DOCS / "target.md").read_text("utf-8")
    settings = target_schema({"kind": "omni"}).data["properties"]
    assert [name for name in settings if f"`{name}`" not in text] == []

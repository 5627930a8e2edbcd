"""Older revisions, in real repositories."""

import os
from pathlib import Path

import pytest
from repository import git

from reconciler.desired import history
from reconciler.desired.files import load
from reconciler.desired.history import last_applied, left_since, load_at, record_applied
from reconciler.errors import Invalid, ReconcilerError
from reconciler.github import steps
from reconciler.model import DesiredState, user_address
from reconciler.settings import load_targets

TARGET = "kind: omni\nurl: https://acme.omniapp.co\nkeys: [{env: KEY}]\n"


@pytest.fixture
def folder(a_target: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    top = a_target.parent.parent
    monkeypatch.chdir(top)
    git(top, "init", "--quiet", "--initial-branch=main")
    (a_target / "target.yaml").write_text(TARGET)
    (a_target / "people.yaml").write_text("users:\n  ada@acme.com: {}\n  bob@acme.com: {}\n")
    (top / ".gitignore").write_text(".reconciler/\n")
    git(top, "add", ".")
    git(top, "commit", "--quiet", "--message", "one")
    return a_target


def commit(folder: Path, text: str) -> None:
    (folder / "people.yaml").write_text(text)
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "more")


def keys(state: DesiredState) -> list[str]:
    return sorted(state.users)


def test_an_older_revision_loads_with_places_that_name_it(folder: Path) -> None:
    commit(folder, "users:\n  ada@acme.com: {}\n")
    then = load_at(folder, "HEAD~1")
    assert keys(then) == ["ada@acme.com", "bob@acme.com"]
    revision = git(folder, "rev-parse", "HEAD~1")[:8]
    left = left_since(load(folder), then)
    assert {a: str(place) for a, place in left.items()} == {
        user_address("bob@acme.com"): f"{revision}:desired-state/acme/people.yaml:3:3"
    }


def test_what_is_not_committed_counts_as_now(folder: Path) -> None:
    (folder / "people.yaml").write_text("users:\n  bob@acme.com: {state: absent}\n")
    assert left_since(load(folder), load_at(folder, "main")).keys() == {user_address("ada@acme.com")}


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        ("nothing", "there is no such revision here"),
        ("--output=x", "there is no such revision here"),
        ("", "there is no such revision here"),
        ("HEAD:desired-state", "there is no such revision here"),
    ],
)
def test_a_revision_that_is_none(folder: Path, revision: str, words: str) -> None:
    with pytest.raises(Invalid, match=words) as caught:
        load_at(folder, revision)
    assert str(caught.value).startswith(f"--since {revision}: ")


def test_a_revision_of_another_branch_is_refused(folder: Path) -> None:
    git(folder, "checkout", "--quiet", "-b", "other")
    commit(folder, "users:\n  carl@acme.com: {}\n")
    git(folder, "checkout", "--quiet", "main")
    with pytest.raises(Invalid, match="no ancestor of HEAD"):
        load_at(folder, "other")


def test_a_revision_before_the_folder_is_refused(folder: Path) -> None:
    new = folder.parent / "new"
    new.mkdir()
    (new / "target.yaml").write_text(TARGET)
    with pytest.raises(Invalid, match="was not there at that revision"):
        load_at(new, "HEAD")


def test_a_revision_whose_files_do_not_load_says_where(folder: Path) -> None:
    commit(folder, "users: [\n")
    with pytest.raises(Invalid, match=r"desired-state/acme/people\.yaml:"):
        load_at(folder, "HEAD")


def test_without_git_it_says_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Invalid, match="git is not installed"):
        load_at(folder, "HEAD")
    assert last_applied(folder, "acme") is None
    assert not record_applied(folder, "acme")


def test_a_git_that_hangs_is_given_up(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "bin" / "git"
    hanging.parent.mkdir()
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    monkeypatch.setenv("PATH", str(hanging.parent), prepend=os.pathsep)
    monkeypatch.setattr(history, "_PATIENCE", 0.05)
    with pytest.raises(ReconcilerError, match=r"git rev-parse did not end within 0.05 s"):
        load_at(folder, "HEAD")
    monkeypatch.setattr(steps, "_PATIENCE", 0.05)
    (target,) = load_targets(folder.parent)
    with pytest.raises(ReconcilerError, match=r"git fetch did not work: git took more than 0.05 s"):
        steps.fetch_applied(target)
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ReconcilerError, match=r"git fetch did not work: git is not installed"):
        steps.fetch_applied(target)


def test_the_applied_revision_is_recorded_from_a_clean_checkout_only(folder: Path) -> None:
    assert last_applied(folder, "acme") is None
    (folder / "people.yaml").write_text("users: {}\n")
    assert not record_applied(folder, "acme")
    git(folder, "checkout", "--quiet", ".")
    (folder / "new.yaml").write_text("users: {}\n")
    assert not record_applied(folder, "acme")
    (folder / "new.yaml").unlink()
    assert record_applied(folder, "acme")
    assert last_applied(folder, "acme") == git(folder, "rev-parse", "HEAD")
    assert last_applied(folder, "other") is None


def test_outside_of_a_repository_nothing_is_recorded(a_target: Path) -> None:
    assert last_applied(a_target, "acme") is None
    assert not record_applied(a_target, "acme")


def test_a_link_that_leads_out_of_an_older_folder_stops_it(folder: Path) -> None:
    (folder / "link.yaml").symlink_to("/etc/hostname")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "link")
    with pytest.raises(Invalid, match="cannot be unpacked"):
        load_at(folder, "HEAD")

"""Older revisions, in real repositories."""

from dataclasses import replace
from pathlib import Path

import pytest
from repository import git

from reconciler.desired.files import load, settings_of
from reconciler.desired.history import (
    Applied,
    Loaded,
    applied,
    blame,
    checked_out,
    departed_since,
    record_applied,
)
from reconciler.desired.named import Reach
from reconciler.desired.older import load_at
from reconciler.errors import Invalid
from reconciler.model import DesiredState, user_address

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


def loaded(folder: Path, reach: Reach = Reach()) -> Loaded:  # noqa: B008 (frozen)
    settings = settings_of(folder)
    return Loaded(checked_out(folder), load(folder, reach=reach), settings, settings)


def record(folder: Path, target: str, reach: Reach = Reach()) -> str:  # noqa: B008 (frozen)
    """What was read just now is recorded."""
    return record_applied(folder, target, loaded(folder, reach), reach)


def keys(state: DesiredState) -> list[str]:
    return sorted(state.users)


def test_an_older_revision_loads_with_places_that_name_it(folder: Path) -> None:
    commit(folder, "users:\n  ada@acme.com: {}\n")
    then = load_at(folder, "HEAD~1")
    assert keys(then) == ["ada@acme.com", "bob@acme.com"]
    revision = git(folder, "rev-parse", "HEAD~1")[:8]
    departed = departed_since(load(folder), then)
    assert {a: str(place) for a, place in departed.items()} == {
        user_address("bob@acme.com"): f"{revision}:desired-state/acme/people.yaml:3:3"
    }


def test_what_is_not_committed_counts_as_now(folder: Path) -> None:
    (folder / "people.yaml").write_text("users:\n  bob@acme.com: {state: absent}\n")
    assert departed_since(load(folder), load_at(folder, "main")).keys() == {user_address("ada@acme.com")}


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
    assert applied(folder, "acme").why == "git is not installed"
    assert record(folder, "acme") == "git is not installed"


def test_the_applied_revision_is_recorded_from_a_clean_checkout_only(folder: Path) -> None:
    others = "the files here are not those of the commit that is checked out"
    assert applied(folder, "acme") == Applied(is_first=True)
    (folder / "people.yaml").write_text("users: {}\n")
    assert record(folder, "acme") == others
    git(folder, "checkout", "--quiet", ".")
    (folder / "new.yaml").write_text("users: {eve@acme.com: {}}\n")
    assert record(folder, "acme") == others
    (folder / "new.yaml").unlink()
    (folder / "target.yaml").write_text(TARGET + "leavers: {users: {left_files: deactivate}}\n")
    assert record(folder, "acme") == others
    git(folder, "checkout", "--quiet", ".")
    assert record(folder, "acme") == ""
    assert str(applied(folder, "acme").revision).endswith(f"({git(folder, 'rev-parse', 'HEAD')[:8]})")
    assert applied(folder, "other") == Applied(is_first=True)


def test_what_nobody_read_is_not_recorded(folder: Path) -> None:
    """As where somebody commits, or changes a file, after it was read."""
    head, read = git(folder, "rev-parse", "HEAD"), loaded(folder)
    commit(folder, "users: {ada@acme.com: {}}\n")
    now = git(folder, "rev-parse", "HEAD")
    moved = f"{now[:8]} is checked out now, and the files were read at {head[:8]}"
    assert record_applied(folder, "acme", read) == moved
    others = "the files here are not those of the commit that is checked out"
    assert record_applied(folder, "acme", replace(read, commit=now)) == others
    assert applied(folder, "acme") == Applied(is_first=True)


def test_where_the_record_cannot_be_written_it_says_why(folder: Path) -> None:
    head = git(folder, "rev-parse", "HEAD")
    git(folder, "update-ref", "refs/reconciler/applied/acme/older", head)
    assert "refs/reconciler/applied/acme" in record(folder, "acme")
    new = folder.parent / "new"
    new.mkdir()
    (new / "target.yaml").write_text(TARGET)
    assert record(new, "new") == (
        "of the commit that is checked out: the target's folder was not there at that revision"
    )


def test_a_record_of_what_is_not_here_is_named(folder: Path) -> None:
    """As a checkout without its history has it, or one whose history was rewritten and cleaned up."""
    (folder.parents[1] / ".git/refs/reconciler/applied").mkdir(parents=True)
    (folder.parents[1] / ".git/refs/reconciler/applied/acme").write_text("12345678" * 5 + "\n")
    why = "refs/reconciler/applied/acme names 12345678, which is not in this repository"
    assert applied(folder, "acme") == Applied(why=why)


def test_a_shallow_checkout_without_the_record_says_so(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert record(folder, "acme") == ""
    commit(folder, "users: {ada@acme.com: {}}\n")
    copy = tmp_path / "copy"
    git(tmp_path, "clone", "--quiet", "--depth", "1", folder.parents[1].as_uri(), str(copy))
    monkeypatch.chdir(copy)
    why = applied(copy / "desired-state" / "acme", "acme").why
    assert why.startswith("refs/reconciler/applied/acme is not here; this is a shallow checkout: ")
    assert "git fetch origin '+refs/reconciler/applied/*:refs/reconciler/applied/*'" in why


def test_a_target_whose_folder_was_renamed_has_no_record_and_says_so(folder: Path) -> None:
    assert record(folder, "acme") == ""
    renamed = folder.rename(folder.parent / "live")
    commit(renamed, "users: {}\n")
    why = applied(renamed, "live").why
    assert why.startswith("refs/reconciler/applied/live is not here, and acme is recorded and has no folder")
    assert record(renamed, "live") == ""
    assert applied(renamed, "live").revision


def test_outside_of_a_repository_nothing_is_recorded(a_target: Path) -> None:
    (a_target / "target.yaml").write_text(TARGET)
    assert applied(a_target, "acme") == Applied()
    assert record(a_target, "acme") == ""
    with pytest.raises(Invalid, match="no git repository, so it has no revisions"):
        load_at(a_target, "HEAD")


def test_a_link_that_leads_out_of_an_older_folder_is_not_followed(folder: Path) -> None:
    outside = folder.parent / "outside.yaml"
    outside.write_text("users: {eve@acme.com: {}}\n")
    (folder / "link.yaml").symlink_to("../outside.yaml")
    (folder / "within.yaml").symlink_to("people.yaml")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "links")
    assert keys(load_at(folder, "HEAD")) == keys(load(folder)) == ["ada@acme.com", "bob@acme.com"]


LIST = """\
sources: [{type: csv, path: ../shared/hr.csv, login: email}, {type: csv, path: private.csv, login: email}]
files: [../shared]
"""


@pytest.fixture
def listed(folder: Path) -> tuple[Path, Reach]:
    """Lists and YAML beside the target's folder; git ignores one of the lists."""
    (folder.parent / "shared").mkdir()
    (folder.parent / "shared" / "hr.csv").write_text("email\neve@acme.com\nzoe@acme.com\n")
    (folder.parent / "shared" / "more.yaml").write_text("groups: {All: {}}\n")
    (folder / "target.yaml").write_text(TARGET + LIST)
    (folder / "private.csv").write_text("email\nmax@acme.com\ntom@acme.com\n")
    (folder.parent.parent / ".gitignore").write_text("private.csv\n.reconciler/\n")
    git(folder.parent.parent, "add", ".")
    commit(folder, "users: {bob@acme.com: {}}\n")
    return folder, Reach(folder.parent)


def test_an_older_revision_reads_what_its_target_names(listed: tuple[Path, Reach]) -> None:
    folder, reach = listed
    (folder.parent / "shared" / "hr.csv").write_text("email\nzoe@acme.com\n")
    (folder.parent / "shared" / "more.yaml").write_text("groups: {}\n")
    (folder / "private.csv").write_text("email\ntom@acme.com\n")
    then, now = load_at(folder, "HEAD", reach=reach), load(folder, reach=reach)
    assert keys(then) == ["bob@acme.com", "eve@acme.com", "tom@acme.com", "zoe@acme.com"]
    assert [*then.groups] == ["all"]
    revision = git(folder, "rev-parse", "HEAD")[:8]
    # Whoever left the list that git ignores is not noticed.
    assert {str(a): str(place) for a, place in departed_since(now, then).items()} == {
        "group/all": f"{revision}:desired-state/shared/more.yaml:1:10",
        "user/eve@acme.com": f"{revision}:desired-state/shared/hr.csv:2:email",
    }
    (folder / "target.yaml").write_text(TARGET)
    assert {a.key for a in departed_since(load(folder, reach=reach), then)} == {
        "all",
        "eve@acme.com",
        "zoe@acme.com",
    }


def test_what_was_applied_is_recorded_where_lists_are_as_committed(listed: tuple[Path, Reach]) -> None:
    folder, reach = listed
    (folder / "private.csv").write_text("email\ntom@acme.com\n")
    assert record(folder, "acme", reach=reach) == ""
    state = applied(folder, "acme", reach=reach).state
    assert state
    assert keys(state) == ["bob@acme.com", "eve@acme.com", "tom@acme.com", "zoe@acme.com"]
    (folder.parent / "shared" / "hr.csv").write_text("email\n")
    assert "not those of the commit" in record(folder, "acme", reach=reach)


def test_the_applied_revision_counts_where_it_was_the_branch_itself(folder: Path) -> None:
    first = git(folder, "rev-parse", "HEAD")
    git(folder, "checkout", "--quiet", "-b", "side")
    commit(folder, "users: {eve@acme.com: {}}\n")
    side = git(folder, "rev-parse", "HEAD")
    git(folder, "checkout", "--quiet", "main")
    (folder / "more.yaml").write_text("users: {}\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "more")
    git(folder, "merge", "--quiet", "--no-ff", "--message", "merge", "side")
    git(folder, "update-ref", "refs/reconciler/applied/acme", first)
    found = applied(folder, "acme")
    assert found.revision
    assert found.revision.commit == first
    assert found.revision.day.startswith("20")
    assert found.state
    assert keys(found.state) == ["ada@acme.com", "bob@acme.com"]
    # Merged, and an ancestor; yet it never was the head of main.
    git(folder, "update-ref", "refs/reconciler/applied/acme", side)
    found = applied(folder, "acme")
    assert (found.revision, found.state) == (None, None)
    assert (
        found.why == f"refs/reconciler/applied/acme names {side[:8]}, which never was the head of this branch"
    )


def test_an_applied_revision_whose_files_do_not_load_says_so(folder: Path) -> None:
    commit(folder, "users: [\n")
    git(folder, "update-ref", "refs/reconciler/applied/acme", "HEAD")
    assert "desired-state/acme/people.yaml:" in applied(folder, "acme").why


def test_a_shallow_checkout_is_told_as_one(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = git(folder, "rev-parse", "HEAD")
    commit(folder, "users: {}\n")
    shallow = tmp_path / "shallow"
    git(tmp_path, "clone", "--quiet", "--depth", "1", f"file://{tmp_path}", str(shallow))
    monkeypatch.chdir(shallow)
    with pytest.raises(Invalid, match=r"no such revision here .*shallow checkout: git fetch --unshallow"):
        load_at(shallow / "desired-state" / "acme", first)


def test_who_wrote_a_line_is_known_of_committed_files_alone(folder: Path) -> None:
    path = folder / "people.yaml"
    (lines,) = blame(folder, [path, folder / "nothing.yaml", Path("/etc/hostname")]).values()
    assert {revision.commit for revision in lines.values()} == {git(folder, "rev-parse", "HEAD")}
    assert sorted(lines) == [1, 2, 3]
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert blame(folder, [path]) == {path: lines}
    path.write_text("users: {}\n")
    assert blame(folder, [path]) == {}

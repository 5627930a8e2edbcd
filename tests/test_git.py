"""The one door to git, in real repositories."""

import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from repository import commit, git

from reconciler import git as door
from reconciler.errors import GitFailed
from reconciler.git import process

HEADER = "https://git.example/ AUTHORIZATION: basic c2VjcmV0"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "a b.txt").write_text("one\n")
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "x.yaml").write_bytes(b"\x00\xff\r\n")
    commit(folder)
    return folder


def found(folder: Path) -> door.Repository:
    repository = door.find(folder)
    assert repository
    return repository


def test_a_repository_is_found_from_anywhere_in_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(here / "deep" / "er") == door.Repository(here, here / ".git", is_shallow=False)
    monkeypatch.chdir(here / "deep")
    assert found(Path("er")).top == here
    assert found(Path("er")).inside(Path("er")) == "deep/er"
    assert found(here).inside(here) == ""
    monkeypatch.chdir("/")
    assert found(here / "deep").top == here


def test_without_a_repository_there_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert door.find(tmp_path) is None


def test_what_a_commit_holds(here: Path) -> None:
    repository = found(here)
    newest = repository.commit("HEAD")
    assert newest == git(here, "rev-parse", "HEAD")
    entries = repository.entries(newest, "")
    assert [str(entry.path) for entry in entries] == ["a b.txt", "deep/er/x.yaml"]
    assert list(repository.contents([entry.id for entry in entries])) == [b"one\n", b"\x00\xff\r\n"]
    assert [str(entry.path) for entry in repository.entries(newest, "deep")] == ["er/x.yaml"]
    assert repository.entries(newest, "nothing") == []
    assert repository.commit("nothing") is None
    assert repository.commit("a\0b") is None


def test_a_worktree_and_a_submodule_have_their_repository(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git(here, "worktree", "add", "--quiet", "../beside")
    beside = here.parent / "beside"
    monkeypatch.chdir(beside)
    assert found(beside / "deep").top == beside
    assert found(beside).commit("HEAD") == git(here, "rev-parse", "HEAD")
    git(here, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(here), "sub")
    monkeypatch.chdir(here / "sub")
    assert found(here / "sub" / "deep").top == here / "sub"


def test_the_server_is_asked_and_told(here: Path) -> None:
    server = here.parent / "server.git"
    git(here, "init", "--quiet", "--bare", str(server))
    git(here, "remote", "add", "origin", str(server))
    repository = found(here)
    newest = git(here, "rev-parse", "HEAD")
    assert repository.remote_refs("refs/reconciler/*") == {}
    repository.push(newest, "refs/reconciler/applied/acme", HEADER)
    older = git(here, "commit-tree", f"{newest}^{{tree}}", "-m", "another")
    repository.push(older, "refs/reconciler/applied/acme")
    assert repository.remote_refs("refs/reconciler/*") == {"refs/reconciler/applied/acme": older}
    assert git(here, "for-each-ref", "refs/reconciler") == "", "nothing is written here unasked"


def test_a_shallow_checkout_pushes_too(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "more").write_text("more\n")
    commit(here)
    git(here.parent, "clone", "--quiet", "--depth=1", f"file://{here}", "shallow")
    shallow = here.parent / "shallow"
    monkeypatch.chdir(shallow)
    repository = found(shallow)
    assert repository.is_shallow
    newest = git(here, "rev-parse", "HEAD")
    repository.push(newest, "refs/reconciler/applied/acme")
    assert git(here, "rev-parse", "refs/reconciler/applied/acme") == newest


def test_a_server_that_is_not_there_is_said(here: Path) -> None:
    with pytest.raises(GitFailed, match="no remote `origin`"):
        found(here).remote_refs("refs/*")
    git(here, "remote", "add", "origin", str(here.parent / "nowhere.git"))
    with pytest.raises(GitFailed, match=r"git ls-remote did not work: .*nowhere\.git"):
        found(here).remote_refs("refs/*")


def test_a_damaged_repository_is_said(here: Path) -> None:
    repository = found(here)
    with pytest.raises(GitFailed, match="git ls-tree did not work: "):
        repository.entries("0" * 40, "")
    with pytest.raises(GitFailed, match="the object 00000000 is not here"):
        list(repository.contents(["0" * 40]))
    (here / ".git" / "HEAD").unlink()
    with pytest.raises(GitFailed, match="git rev-parse did not work: fatal: not a git repository"):
        door.find(here)


def test_a_missing_git_is_told_as_that(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(GitFailed, match="git is not installed"):
        door.find(here)


def _fake_git(folder: Path, script: str) -> str:
    path = folder / "bin" / "git"
    path.parent.mkdir()
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path.parent)


def test_a_git_that_hangs_is_given_up(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", _fake_git(here.parent, "exec sleep 60"), prepend=os.pathsep)
    monkeypatch.setattr(process, "_PATIENCE", 0.05)
    with pytest.raises(GitFailed, match=r"git did not end within 0\.05 s"):
        door.find(here)


def test_a_git_that_cannot_run_is_said(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bin_folder = _fake_git(here.parent, "")
    (Path(bin_folder) / "git").write_text("#!/no/such/shell\n")
    monkeypatch.setenv("PATH", bin_folder, prepend=os.pathsep)
    with pytest.raises(GitFailed, match="git cannot be run: "):
        door.find(here)


def test_an_answer_that_is_no_listing_is_not_believed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repository = found(here)
    monkeypatch.setenv("PATH", _fake_git(here.parent, r"printf 'odd\0'"), prepend=os.pathsep)
    with pytest.raises(GitFailed, match="no entry of a tree"):
        repository.entries("HEAD", "")


def test_whose_repository_it_is_matters(here: Path) -> None:
    """Only root can give a folder away, and git asks who owns it."""
    if os.getuid():
        pytest.skip("needs to be root, to make a folder somebody else's")
    os.chown(here / ".git", 12345, 12345)
    os.chown(here, 12345, 12345)
    with pytest.raises(GitFailed, match=r"belongs to another user.*safe\.directory"):
        door.find(here)


_PIECES = st.sampled_from(
    ["a", "é", ".", "..", "/", "//", ".lock", "lock", "@", "@{", "{", " ", "~", "^", ":", "-"]
)
_CHARACTERS = st.sampled_from(["?", "*", "[", "]", "\\", "\t", "\x7f", "\x01", "\u2028", "acme", "b.c"])


@settings(max_examples=150)
@given(st.lists(_PIECES | _CHARACTERS, min_size=1, max_size=5).map("".join))
def test_git_and_we_agree_on_what_a_target_may_be_called(name: str) -> None:
    done = subprocess.run(
        ["git", "check-ref-format", f"refs/reconciler/applied/{name}"], check=False, timeout=30
    )
    assert (done.returncode == 0) == (door.fault_in_ref(name) == "")

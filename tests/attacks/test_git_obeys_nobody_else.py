"""Somebody opens a pull request whose files are meant to be taken by git for configuration.

Each story puts something into a branch, or into the environment, that makes git
run a command where the key is. The command leaves a file behind: no story may.
"""

import json
import os
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project import Project, a_project
from repository import begin, commit, git

from reconciler import cli
from reconciler.desired.files import load, settings_of
from reconciler.desired.history import Loaded, applied, blame, checked_out, head, record_applied
from reconciler.desired.named import Reach
from reconciler.desired.older import at, load_at
from reconciler.errors import ExitCode, Invalid
from reconciler.links import pass_no_link

KEY = "omni_osk_the-key-of-the-whole-tenant"
Output = pytest.CaptureFixture[str]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A clone on somebody's machine, with the key in the environment."""
    root = tmp_path / "clone"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("OMNI_API_KEY", KEY)
    project = a_project(root)
    begin(project)
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    project.write("more.yaml", "users: {}\n")
    commit(root)
    return project


def loot(project: Project) -> Path:
    """Where a command that was smuggled in leaves what it got hold of."""
    return project.root.parent / "loot"


def script(project: Project, name: str = "steal") -> Path:
    path = project.root.parent / name
    path.write_text(f'#!/bin/sh\nenv >> "{loot(project)}"\nexit 1\n')
    path.chmod(0o755)
    return path


def everything_that_asks_git(project: Project) -> None:
    """Every command that reads history, and the steps of a job that speak to the server."""
    for arguments in (
        ["plan"],
        ["plan", "--base", "HEAD~1"],
        ["plan", "--since", "HEAD~1"],
        ["drift"],
        ["apply", "--auto-approve"],
        ["github", "drift", "acme"],
        ["github", "plan", "acme", "--pull", "1", "--out-dir", str(project.root.parent / "out")],
    ):
        cli.run(arguments)
    folder = project.target
    head(folder)
    applied(folder, "acme")
    settings = settings_of(folder)
    record_applied(folder, "acme", Loaded(checked_out(folder), load(folder), settings, settings))
    blame(folder, [folder / "people.yaml"])


def bare(project: Project, folder: Path, config: str) -> None:
    """The committed files of a bare repository, which git takes for one, with a configuration."""
    for name in ("refs", "objects/info"):
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / ".keep").touch()
    (folder / "HEAD").write_text(git(project.root, "rev-parse", "HEAD") + "\n")
    (folder / "objects" / "info" / "alternates").write_text(f"{project.root}/.git/objects\n")
    (folder / "config").write_text(f"[core]\n\trepositoryformatversion = 0\n\tbare = true\n{config}")
    commit(project.root)


CONFIG = """\
[remote "origin"]
\turl = {origin}
\tuploadpack = {steal}
\treceivepack = {steal}
[core]
\tfsmonitor = {steal}
\thooksPath = {hooks}
\tpager = {steal}
\teditor = {steal}
\tsshCommand = {steal}
\talternateRefsCommand = {steal}
\tattributesFile = {attributes}
[filter "x"]
\tsmudge = {steal}
\tclean = {steal}
\tprocess = {steal}
\trequired = true
[diff "x"]
\ttextconv = {steal}
\tcommand = {steal}
[diff]
\texternal = {steal}
[credential]
\thelper = {steal}
[tar "tar"]
\tcommand = {steal}
[protocol]
\tallow = always
[url "ext::{steal} "]
\tinsteadOf = https://
"""


def evil_config(project: Project) -> str:
    steal, beside = script(project), project.root.parent
    hooks = beside / "hooks"
    hooks.mkdir(exist_ok=True)
    for name in (
        "reference-transaction",
        "pre-push",
        "post-checkout",
        "post-index-change",
        "fsmonitor-watchman",
    ):
        script(project, f"hooks/{name}")
    (beside / "attributes").write_text("* filter=x diff=x\n")
    return CONFIG.format(
        steal=steal, hooks=hooks, origin=project.root / ".git", attributes=beside / "attributes"
    )


@pytest.mark.parametrize("where", [".", "desired-state", "desired-state/acme", "desired-state/acme/deep"])
def test_a_folder_with_the_files_of_a_bare_repository_is_no_repository(project: Project, where: str) -> None:
    """Somebody commits a folder that git takes for a repository, with commands in its configuration."""
    bare(project, project.root / where, evil_config(project))
    everything_that_asks_git(project)
    assert not loot(project).exists()


def test_the_attack_is_real(project: Project) -> None:
    """The same folder, asked by plain git: the command runs, and has the key. So the story can fail."""
    folder = project.target
    bare(project, folder, evil_config(project))
    subprocess.run(["git", "-C", folder, "fetch", "origin"], capture_output=True, check=False)
    assert KEY in loot(project).read_text()


def test_the_repositorys_own_configuration_runs_nothing(project: Project) -> None:
    """A team has `include.path = ../.gitconfig` in its clones, and somebody changes that file."""
    config = project.root / ".git" / "config"
    config.write_text(config.read_text() + "[include]\n\tpath = ../.gitconfig\n")
    (project.root / ".gitconfig").write_text(evil_config(project))
    (project.root / ".gitattributes").write_text("* filter=x diff=x\n")
    (project.root / "desired-state" / "acme" / "people.yaml").touch()
    everything_that_asks_git(project)
    assert not loot(project).exists()


def test_a_hook_runs_nothing(project: Project) -> None:
    """Somebody left hooks in a clone; they are no business of a plan."""
    for name in ("reference-transaction", "pre-push", "post-index-change"):
        shutil.copy(script(project), project.root / ".git" / "hooks" / name)
    everything_that_asks_git(project)
    assert not loot(project).exists()


def test_git_answers_from_this_repository_within_a_hook_of_another(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A hook of another repository runs a plan: there GIT_DIR and its like name that other one."""
    other = tmp_path / "other"
    git(tmp_path, "init", "--quiet", str(other))
    expected = git(project.root, "rev-parse", "HEAD")
    steal = script(project)
    for name, value in {
        "GIT_DIR": str(other / ".git"),
        "GIT_WORK_TREE": str(other),
        "GIT_INDEX_FILE": str(other / "index"),
        "GIT_OBJECT_DIRECTORY": str(other / ".git" / "objects"),
        "GIT_COMMON_DIR": str(other / ".git"),
        "GIT_NAMESPACE": "other",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.fsmonitor",
        "GIT_CONFIG_VALUE_0": str(steal),
        "GIT_CONFIG_PARAMETERS": f"'core.fsmonitor={steal}'",
        "GIT_EXTERNAL_DIFF": str(steal),
        "GIT_SSH_COMMAND": str(steal),
        "GIT_ASKPASS": str(steal),
        "GIT_EXEC_PATH": str(other),
        "GIT_PAGER": str(steal),
        "GIT_EDITOR": str(steal),
        "GIT_TRACE": str(tmp_path / "trace"),
        "GIT_TRACE2_EVENT": str(tmp_path / "trace"),
        "GIT_CEILING_DIRECTORIES": str(project.root.parent),
    }.items():
        monkeypatch.setenv(name, value)
    assert head(project.target) == expected
    assert load_at(project.target, "HEAD").users
    everything_that_asks_git(project)
    assert not loot(project).exists()
    assert not (tmp_path / "trace").exists()


def test_no_git_process_ever_has_the_key(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody has a program of their own where git looks for helpers, and waits for the key to come by."""
    spy = project.root.parent / "spy"
    spy.mkdir()
    real = shutil.which("git")
    (spy / "git").write_text(f'#!/bin/sh\nenv >> "{loot(project)}"\nexec {real} "$@"\n')
    (spy / "git").chmod(0o755)
    monkeypatch.setenv("PATH", str(spy), prepend=os.pathsep)
    for name in ("GITHUB_TOKEN", "ACTIONS_RUNTIME_TOKEN", "AWS_SECRET_ACCESS_KEY", "SOMETHING_NEW"):
        monkeypatch.setenv(name, f"the-secret-of-{name}")
    everything_that_asks_git(project)
    seen = loot(project).read_text()
    assert "PATH=" in seen
    assert KEY not in seen
    assert "the-secret-of-" not in seen


def test_a_git_in_the_tree_is_not_run(project: Project) -> None:
    """Somebody commits a program called git, for whoever has `.` or a folder of the tree in PATH."""
    bin_folder = project.root / "bin"
    bin_folder.mkdir()
    for folder in (project.root, bin_folder):
        shutil.copy(script(project), folder / "git")
    path = os.pathsep.join((".", "", "bin", str(bin_folder), os.environ["PATH"]))
    code = "import sys; from reconciler import cli; sys.exit(cli.run(['plan', '--base', 'HEAD~1']))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PATH": path},
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == ExitCode.OK, done.stderr
    assert not loot(project).exists()


# What attributes and trees do to older revisions


@pytest.mark.parametrize(
    "attributes",
    [
        "people.yaml export-ignore",
        "* export-ignore",
        "people.yaml export-subst ident",
        "people.yaml working-tree-encoding=UTF-16",
        "people.yaml filter=x diff=x merge=x",
        "people.yaml eol=crlf text",
        "people.yaml binary -diff",
        "[attr]mine export-ignore\npeople.yaml mine",
    ],
)
def test_attributes_do_not_change_what_an_older_revision_says(project: Project, attributes: str) -> None:
    """Somebody merges a `.gitattributes` alone, so that later drift counts as a change of the files."""
    before = load_at(project.target, "HEAD")
    for folder in (project.root, project.target):
        (folder / ".gitattributes").write_text(f"{attributes}\n")
    git(project.root, "add", ".gitattributes", "desired-state/acme/.gitattributes")
    git(project.root, "commit", "--quiet", "--message", "attributes")
    after = load_at(project.target, "HEAD")
    assert (after.users, after.groups, after.absent) == (before.users, before.groups, before.absent)


def test_a_nested_repository_is_not_asked(project: Project, tmp_path: Path) -> None:
    """Somebody has a repository within the target's folder: its history is not the one that was reviewed."""
    expected = head(project.target)
    git(project.target, "init", "--quiet")
    git(project.target, "commit", "--quiet", "--allow-empty", "--message", "mine")
    assert head(project.target) == expected
    shutil.rmtree(project.target / ".git")
    elsewhere = tmp_path / "elsewhere"
    git(tmp_path, "init", "--quiet", str(elsewhere))
    git(elsewhere, "commit", "--quiet", "--allow-empty", "--message", "mine")
    (project.target / ".git").write_text(f"gitdir: {elsewhere}/.git\n")
    assert head(project.target) == expected


def test_a_submodule_in_place_of_the_files_is_said(project: Project, capsys: Output) -> None:
    """Somebody replaces the target's folder by a submodule, whose history they write alone."""
    oid = git(project.root, "rev-parse", "HEAD")
    git(project.root, "rm", "-r", "--quiet", "--cached", "desired-state/acme")
    git(project.root, "update-index", "--add", "--cacheinfo", f"160000,{oid},desired-state/acme")
    git(project.root, "commit", "--quiet", "--message", "submodule")
    assert cli.run(["plan", "--base", "HEAD"]) == ExitCode.ERROR
    assert "the target's folder was not there at that revision" in capsys.readouterr().err


_NAMES = st.sampled_from(
    [
        "..",
        ".",
        ".git",
        "config",
        "HEAD",
        "objects",
        "refs",
        "people.yaml",
        "a",
        "b",
        "ü",
        "a\tb",
        "a\nb",
        '"',
        "-x",
    ]
)
_MODES = st.sampled_from(["100644", "100755", "120000"])
_CONTENTS = st.sampled_from(
    [
        "users: {}\n",
        "/etc/passwd",
        "..",
        "../../..",
        "a",
        ".",
        "people.yaml",
        "ref: refs/heads/main\n",
        "[core]\n\tfsmonitor = touch loot\n",
        "x" * 5000,
        "\ufffd",
    ]
)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.lists(_NAMES, min_size=1, max_size=3), _MODES, _CONTENTS), max_size=8))
def test_any_tree_is_laid_out_within_its_folder(
    tmp_path_factory: pytest.TempPathFactory, entries: list[tuple[list[str], str, str]]
) -> None:
    """Somebody pushes a commit that no `git add` makes: its paths climb out, or lead through a link."""
    root = tmp_path_factory.mktemp("hostile")
    git(root, "init", "--quiet", "--initial-branch=main")
    tree = _tree(root, entries)
    made = git(root, "commit-tree", tree, "-m", "hostile")
    git(root, "update-ref", "HEAD", made)
    folder = root / "desired-state"
    folder.mkdir()
    # Refused in words is fine, too: every problem names the option.
    with suppress(Invalid), at(folder, "HEAD", "--base") as then:
        real = then.folder.resolve()
        for path in then.folder.rglob("*"):
            assert path.is_symlink() or path.resolve().is_relative_to(real)
            assert ".git" not in path.parts
    assert {path.name for path in root.iterdir()} == {".git", "desired-state"}
    assert not list(folder.iterdir())


def test_an_older_link_is_no_way_out_for_a_list_of_today(tmp_path: Path, project: Project) -> None:
    """Somebody merges a link, and later a folder in its place that holds a list which git ignores."""
    evil = tmp_path / "evil"
    shared = project.target.parent / "shared" / "base"
    shared.mkdir(parents=True)
    (shared / "lnk").symlink_to(evil)
    (project.root / ".gitignore").write_text(".reconciler/\n*.json\n*.csv\n")
    path = "../shared/base/lnk/pwn.csv"
    source = {"type": "csv", "path": path, "login": "email", "fields": {"name": "name"}}
    project.configure(files=["../shared/base"], sources=[source])
    commit(project.root)
    (shared / "lnk").unlink()
    (shared / "lnk").mkdir()
    (shared / "lnk" / "pwn.csv").write_text("email,name\neve@acme.com,Eve\n")
    (shared / "more.yaml").write_text("users: {}\n")
    commit(project.root)
    assert cli.run(["plan", "--since", "HEAD~1"]) == ExitCode.ERROR
    assert not evil.exists()
    evil.mkdir()
    assert cli.run(["plan", "--since", "HEAD~1"]) == ExitCode.ERROR
    assert not list(evil.iterdir())


_LINKS = st.sampled_from(
    [
        "acme/a",
        "acme/people.csv",
        "shared",
        "shared/a",
        "shared/a/b",
        "shared/people.csv",
        "shared/a/people.csv",
    ]
)
_LEADS = st.sampled_from(["OUT", "OUT", "OUT/new.csv", "a", "..", "../acme"])
_NAMED = st.sampled_from(
    [
        "people.csv",
        "a/people.csv",
        "../shared/people.csv",
        "../shared/a/people.csv",
        "../shared/a/b/people.csv",
    ]
)
_SHARED = st.sampled_from(["../shared", "../shared/a", "a"])


@settings(max_examples=60)
@given(
    st.dictionaries(_LINKS, _LEADS, min_size=1, max_size=3),
    st.lists(_NAMED, min_size=1, max_size=3, unique=True),
    st.lists(_SHARED, max_size=2, unique=True),
)
def test_what_a_target_names_is_laid_out_within_the_folder(
    tmp_path_factory: pytest.TempPathFactory,
    links: dict[str, str],
    lists: list[str],
    shared: list[str],
) -> None:
    """Somebody had links where lists and shared files are now: nothing is written where they led."""
    root = tmp_path_factory.mktemp("hostile")
    out = root / "out"
    out.mkdir()
    git(root, "init", "--quiet", "--initial-branch=main")
    sources = [{"type": "csv", "path": path, "login": "email"} for path in lists]
    target = json.dumps({"kind": "omni", "url": "https://a.omniapp.co", "files": shared, "sources": sources})
    folder = root / "desired-state" / "acme"
    folder.mkdir(parents=True)
    (folder / "target.yaml").write_text(target)
    for path, lead in sorted(links.items()):
        link = folder.parent / path
        with suppress(OSError):  # another link is in its place or on its way
            pass_no_link(root, link)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(lead.replace("OUT", str(out)))
    commit(root)
    shutil.rmtree(folder.parent)
    (root / ".gitignore").write_text("*.csv\n")
    folder.mkdir(parents=True)
    for path in lists:
        (folder / path).resolve().parent.mkdir(parents=True, exist_ok=True)
        (folder / path).resolve().write_text("email\n")
    with suppress(Invalid), at(folder, "HEAD", "--since", Reach(folder.parent)) as then:
        real = then.folder.parent.resolve()
        for path in real.rglob("*"):
            assert path.is_symlink() or path.resolve().is_relative_to(real)
    assert not list(out.iterdir())


def _tree(root: Path, entries: list[tuple[list[str], str, str]]) -> str:
    """A tree object below desired-state/, written without git's checks, by nesting single trees."""
    rows: dict[str, tuple[str, str]] = {}
    for steps, mode, content in entries:
        name, oid, kind = steps[-1], _write(root, "blob", content.encode()), mode
        for step in reversed(steps[:-1]):
            oid, kind = _write(root, "tree", _row(kind, name, oid)), "40000"
            name = step
        rows[name] = (kind, oid)
    inner = b"".join(_row(kind, name, oid) for name, (kind, oid) in sorted(rows.items()))
    return _write(root, "tree", _row("40000", "desired-state", _write(root, "tree", inner)))


def _row(mode: str, name: str, oid: str) -> bytes:
    return f"{mode} {name}\0".encode() + bytes.fromhex(oid)


def _write(root: Path, kind: str, data: bytes) -> str:
    done = subprocess.run(
        ["git", "-C", root, "hash-object", "-t", kind, "--literally", "-w", "--stdin"],
        input=data,
        capture_output=True,
        check=True,
    )
    return done.stdout.decode().strip()

"""A project in a git repository, for tests of what the history tells."""

import subprocess
from pathlib import Path

from project import Project, a_project

from reconciler import cli
from reconciler.errors import ExitCode

IDENTITY = ("-c", "user.name=Ada", "-c", "user.email=ada@acme.com", "-c", "commit.gpgsign=false")


def git(folder: Path, *arguments: str) -> str:
    """Run git as a person with a name; returns what it prints."""
    done = subprocess.run(
        ["git", "-C", str(folder), *IDENTITY, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.strip()


def begin(project: Project) -> None:
    """Put the project under version control."""
    git(project.root, "init", "--quiet", "--initial-branch=main")
    (project.root / ".gitignore").write_text(".reconciler/\n*.json\n")
    commit(project.root)


def applied(root: Path, people: str) -> Project:
    """A project in a repository, whose files were applied, and are the live state."""
    project = a_project(root)
    project.write("people.yaml", people)
    begin(project)
    assert cli.run(["apply", "--auto-approve"]) == ExitCode.OK
    git(root, "rev-parse", "--verify", "refs/reconciler/applied/acme")
    return project


def commit(folder: Path) -> str:
    """Commit everything; returns the commit."""
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "a change")
    return git(folder, "rev-parse", "HEAD")

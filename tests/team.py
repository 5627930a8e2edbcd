"""A team on a small GitHub: a repository, an Omni behind a socket, and the jobs of the workflows.

Real git repositories, the sandbox behind a socket as Omni, and a small GitHub
behind another. A job is a fresh clone and a command, as in the workflows.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from fake_github import REPOSITORY, TOKEN, FakeGitHub, serving
from project import LIVE, Served, served
from repository import commit, git

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.github.pulls import artifact_name
from reconciler.views.markdown import marker_of

PEOPLE = """\
users:
  ada@acme.com:
    name: Ada
  bob@acme.com:
    name: Bob
  dora@acme.com:
    name: Dora
groups:
  Finance:
    members: [ada@acme.com, bob@acme.com]
"""
RENAMED = PEOPLE.replace("name: Ada", "name: Augusta")
SEED = LIVE | {
    "users": {f"{name.lower()}@acme.com": {"name": name} for name in ("Ada", "Bob", "Dora")},
}


@dataclass
class Team:
    """A repository on the small GitHub, the Omni that it is about, and the people who work on them."""

    root: Path
    omni: Served
    github: FakeGitHub
    monkeypatch: pytest.MonkeyPatch
    pulls: int = 0
    lose_the_server: bool = False
    attempt: int = 1
    asked: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.origin = self.root / "origin.git"
        git(self.root, "init", "--quiet", "--bare", "--initial-branch=main", str(self.origin))
        self.desk = self.clone("desk")
        source = self.omni.target
        self.folder = self.desk / "desired-state" / "acme"
        self.folder.mkdir(parents=True)
        (self.folder / "target.yaml").write_text((source / "target.yaml").read_text())
        self.write(PEOPLE)
        self.push("main")

    def clone(self, name: str) -> Path:
        folder = self.root / name
        git(self.root, "clone", "--quiet", str(self.origin), str(folder))
        return folder

    def write(self, text: str, name: str = "people.yaml") -> None:
        (self.folder / name).write_text(text)

    def push(self, branch: str) -> str:
        made = commit(self.desk)
        git(self.desk, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        return made

    def open_pull(self, text: str, body: str = "", name: str = "people.yaml") -> int:
        """Push a branch from main with this file, and open a pull request; GitHub makes its test merge."""
        self.pulls += 1
        number = self.pulls
        git(self.desk, "fetch", "--quiet", "origin")
        git(self.desk, "checkout", "--quiet", "-B", f"pull-{number}", "origin/main")
        self.write(text, name)
        self.github.add_pull(number, self.push(f"pull-{number}"), body)
        self.test_merge(number)
        return number

    def planned(self, text: str, body: str = "", name: str = "people.yaml") -> int:
        """Open a pull request, and have its plan made, which no guard refuses."""
        number = self.open_pull(text, body, name)
        assert self.plan(number) == ExitCode.OK
        return number

    def head(self, number: int) -> str:
        """The last commit of a pull request."""
        return str(self.github.pulls[number]["head"]["sha"])

    def settings(self, **more: object) -> str:
        """The text of target.yaml with these settings, too."""
        return json.dumps(json.loads((self.folder / "target.yaml").read_text()) | more)

    def on_main(self, text: str, name: str = "people.yaml") -> None:
        """A file as it is on the main branch already."""
        git(self.desk, "checkout", "--quiet", "-B", "main", "origin/main")
        self.write(text, name)
        self.push("main")

    def send(self, made: str, *refs: str) -> None:
        """Push a commit to refs as somebody does who may write, whatever stands there."""
        git(self.desk, "push", "--quiet", "--force", "origin", *(f"{made}:{ref}" for ref in refs))

    def push_again(self, number: int, text: str) -> None:
        """Another commit on the branch of a pull request."""
        git(self.desk, "checkout", "--quiet", f"pull-{number}")
        self.write(text)
        self.github.push(number, self.push(f"pull-{number}"))
        self.test_merge(number)

    def test_merge(self, number: int) -> None:
        git(self.desk, "fetch", "--quiet", "origin")
        git(self.desk, "checkout", "--quiet", "-B", "merging", "origin/main")
        git(self.desk, "merge", "--quiet", "--no-ff", "--message", f"Merge #{number}", self.head(number))
        git(self.desk, "push", "--quiet", "--force", "origin", f"HEAD:refs/pull/{number}/merge")

    def merge(self, number: int, *, approved: bool = True) -> str:
        """Bob approves, and merges."""
        if approved:
            self.github.review(number, "bob")
        self.test_merge(number)
        git(self.desk, "push", "--quiet", "origin", "HEAD:refs/heads/main")
        made = git(self.desk, "rev-parse", "HEAD")
        self.github.pulls[number] |= {
            "merge_commit_sha": made,
            "merged_at": self.github.now(),
            "merged_by": {"login": "Bob", "type": "User"},
        }
        return made

    # Jobs

    def job(
        self, name: str, revision: str, *arguments: str, event: object = None
    ) -> tuple[int, dict[str, str]]:
        """Run a step in a fresh clone; returns its exit code and its outputs."""
        folder = self.root / f"job-{self.github.new_id()}-{name}"
        git(self.root, "init", "--quiet", str(folder))
        git(folder, "remote", "add", "origin", str(self.origin))
        git(
            folder,
            "fetch",
            "--quiet",
            "origin",
            "+refs/heads/*:refs/remotes/origin/*",
            f"+{revision}:refs/job",
        )
        git(folder, "checkout", "--quiet", "--detach", "refs/job")
        if self.lose_the_server:
            git(folder, "remote", "set-url", "origin", str(self.root / "nowhere.git"))
        files = {path: folder.parent / f"{folder.name}.{path}" for path in ("output", "summary", "event")}
        for file in files.values():
            file.touch()
        files["event"].write_text(json.dumps(event or {}))
        with self.monkeypatch.context() as patch:
            patch.chdir(folder)
            for key, value in {
                **self.omni.environ,
                "CI": "true",
                "GITHUB_REPOSITORY": REPOSITORY,
                "GITHUB_TOKEN": TOKEN,
                "GITHUB_API_URL": self.github.url,
                "GITHUB_OUTPUT": str(files["output"]),
                "GITHUB_STEP_SUMMARY": str(files["summary"]),
                "GITHUB_REF": "refs/heads/main",
                "GITHUB_RUN_ID": "7",
                "GITHUB_RUN_ATTEMPT": str(self.attempt),
                "GITHUB_EVENT_PATH": str(files["event"]),
            }.items():
                patch.setenv(key, value)
            code = cli.run(["github", *arguments])
        self.summary = files["summary"].read_text("utf-8")
        lines = files["output"].read_text("utf-8").splitlines()
        return code, {name: json.loads(value) for name, value in (line.split("=", 1) for line in lines)}

    def plan(self, number: int) -> int:
        """The job `plan` of a pull request; its artifact is kept."""
        out = self.root / f"plan-{self.github.new_id()}"
        event = {"pull_request": {"number": number}}
        revision = f"refs/pull/{number}/merge"
        code, _ = self.job("plan", revision, "plan", "acme", "--out-dir", str(out), *self.asked, event=event)
        if out.exists():
            self.github.add_artifact(artifact_name("acme", number, self.head(number)), packed=packed(out))
        return code

    def apply(self, merged: str) -> int:
        """The jobs of the workflow `apply` after a merge."""
        code, said = self.job("reviewed", merged, "reviewed", "--commit", merged)
        if code:
            return code
        for target in said["targets"]:
            kept = ("--artifact", str(target["id"]), "--digest", target["digest"])
            pull = ("--pull", str(said["pull"]))
            code, _ = self.job("apply", merged, "apply", target["name"], *kept, *pull)
        return code

    def drift(self) -> int:
        """The scheduled job."""
        return self.job("drift", "refs/heads/main", "drift", "acme")[0]

    def comment(self, number: int, about: str = "acme") -> str:
        """The one comment about the plan, or about its application ("apply acme")."""
        (found,) = [text for text in self.github.texts(number) if text.startswith(marker_of(about))]
        return found

    def applied(self) -> str:
        """Which commit was applied completely, as the server has it."""
        return git(self.origin, "rev-parse", "refs/reconciler/applied/acme")


def packed(folder: Path) -> bytes:
    """A folder as actions/upload-artifact keeps it."""
    made = BytesIO()
    with ZipFile(made, "w") as archive:
        for path in sorted(folder.iterdir()):
            archive.write(path, path.name)
    return made.getvalue()


@contextmanager
def working(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    """A team in a folder, with its Omni and its GitHub up."""
    (root / "omni").mkdir()
    with served(root / "omni", SEED) as omni, serving() as github:
        yield Team(root, omni, github, monkeypatch)


def name_of(team: Team, email: str = "ada@acme.com") -> str:
    """What a person is called in Omni now."""
    return str(team.omni.live()["users"][email]["name"])

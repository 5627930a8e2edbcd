"""Somebody wants to change what runs beside the key, or what limits hold, without those who answer for it.

`init` writes CODEOWNERS. What its lines cover is asked of git itself: GitHub takes them
as patterns of `.gitignore`, and the last one that fits wins (GitHub docs, "About code owners").
"""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from reconciler import cli
from reconciler.errors import ExitCode

INIT = [
    *("init", "live", "--url", "https://acme.omniapp.co"),
    *("--install", "python -m pip install --require-hashes --requirement requirements.txt"),
]
CODEOWNERS = ".github/CODEOWNERS"
Output = pytest.CaptureFixture[str]


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository to run `init` in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def owners(text: str, paths: Sequence[str], scratch: Path) -> dict[str, str]:
    """Who must review a change to each path: those in the last line that fits it."""
    subprocess.run(["git", "init", "--quiet", str(scratch)], check=True)
    found: dict[str, str] = {}
    for line in text.splitlines():
        pattern, _, names = line.partition(" ")
        if pattern.startswith("#") or not pattern:
            continue
        # One at a time: git would not look into a folder that an earlier line fits.
        (scratch / ".git/info/exclude").write_text(f"{pattern}\n")
        command = ["git", "-C", str(scratch), "check-ignore", "--no-index", "--stdin"]
        fits = subprocess.run(command, input="\n".join(paths), capture_output=True, text=True, check=False)
        found |= dict.fromkeys(fits.stdout.splitlines(), names.strip())
    return found


STRICT = (
    ".github/CODEOWNERS",
    ".github/workflows/plan.yml",
    ".github/actions/own/action.yml",
    "requirements.txt",
    "requirements-ci.txt",
    "requirements.lock",
    "vendor/access_reconciler-1.2.3-py3-none-any.whl",
    "pyproject.toml",
    "uv.lock",
    "uv.toml",
    "pip.py",
    "pip/__main__.py",
    ".gitattributes",
    ".gitmodules",
    "desired-state/live/.gitattributes",
    "desired-state/target.yaml",
    "desired-state/live/target.yaml",
    "desired-state/eu/live/target.yaml",
    "desired-state/live/quirks.yaml",
    "desired-state/eu/live/quirks.yaml",
)


def test_somebody_of_the_wider_team_lifts_a_limit_or_adds_a_step(team: Path, tmp_path: Path) -> None:
    """Somebody of the wider team, who may review members, changes a workflow or a target's limits."""
    assert cli.run([*INIT, "--owners", "@acme/security"]) == ExitCode.OK
    text = (team / CODEOWNERS).read_text()
    # As the file says: a wider team may stand at the people.
    wider = text.replace("/desired-state/                 @acme/security", "/desired-state/  @acme/data")
    assert wider != text
    people = "desired-state/live/people.yaml"
    expected = dict.fromkeys(STRICT, "@acme/security") | {people: "@acme/data"}
    assert owners(wider, [people, *STRICT], tmp_path / "scratch") == expected


def test_somebody_adds_what_no_line_names(team: Path, tmp_path: Path) -> None:
    """Somebody adds a module that `python -m pip` finds at the top of the repository before its own."""
    assert cli.run([*INIT, "--owners", "@acme/security @ada ops@acme.com"]) == ExitCode.OK
    said = owners((team / CODEOWNERS).read_text(), ["json.py"], tmp_path / "scratch")
    assert said == {"json.py": "@acme/security @ada ops@acme.com"}


@pytest.mark.parametrize(
    "names",
    [
        "",
        "  ",
        "acme/security",
        "@acme/",
        "@acme/a/b",
        "@-acme",
        "@acme/security,@ada",
        "ada@acme",
        "@ada # and nobody else",
        "@ada\u2028@eve\x00",
        "#@ada",
        "@acme/sécurité",
    ],
)
def test_somebody_slips_in_an_owner_that_github_does_not_know(names: str, team: Path, capsys: Output) -> None:
    """Somebody lends a team a list of owners that GitHub skips: a line with a mistake in it has no owner."""
    assert cli.run([*INIT, "--owners", names]) == ExitCode.USAGE
    assert "owners are @user, @org/team or an e-mail address" in capsys.readouterr().err
    assert not list(team.iterdir())


def test_somebody_relies_on_owners_that_were_never_named(team: Path, tmp_path: Path, capsys: Output) -> None:
    """Somebody relies on nobody having read the file: without owners it says so, and the command, too."""
    assert cli.run(INIT) == ExitCode.OK
    text = (team / CODEOWNERS).read_text()
    assert all(line.startswith("#") or not line for line in text.splitlines())
    assert "Nobody is named here yet" in text.splitlines()[0]
    assert f"{CODEOWNERS} names nobody yet" in capsys.readouterr().out.splitlines()[-2]
    # What the top says to do makes it whole.
    done = re.sub(r"^# (?=\S+ +@acme/security$)", "", text, flags=re.MULTILINE).replace(
        "@acme/security", "@ada"
    )
    assert owners(done, STRICT, tmp_path / "scratch") == dict.fromkeys(STRICT, "@ada")


@pytest.mark.parametrize("place", ["CODEOWNERS", "docs/CODEOWNERS", CODEOWNERS])
def test_somebody_puts_the_owners_of_a_repository_out_of_force(
    place: str, team: Path, capsys: Output
) -> None:
    """Somebody has `init` write a file that GitHub takes before the one in which the owners are named."""
    (team / place).parent.mkdir(exist_ok=True)
    (team / place).write_text("* @acme/security\n")
    assert cli.run([*INIT, "--owners", "@eve"]) == ExitCode.OK
    said = capsys.readouterr().out
    assert f"kept {place}\n" in said
    assert f"{place} was kept" in said
    assert [path.relative_to(team).as_posix() for path in team.rglob("CODEOWNERS")] == [place]
    assert (team / place).read_text() == "* @acme/security\n"


def test_somebody_who_works_alone_says_so(team: Path, capsys: Output) -> None:
    """Nobody attacks: a person alone has nobody to approve, and is told what that costs."""
    assert cli.run([*INIT, "--alone"]) == ExitCode.OK
    said = capsys.readouterr().out
    assert "You work alone" in said
    assert "whoever gets into your account can change access" in said
    assert not list(team.rglob("CODEOWNERS"))
    settings = team / "desired-state/live/target.yaml"
    assert "\ngithub: {approvals: 0} " in settings.read_text()
    assert cli.run(["validate"]) == ExitCode.OK
    # Asked for again where the file is there, it is not touched, and nobody is told that it was.
    settings.write_text(settings.read_text().replace("approvals: 0", "approvals: 2"))
    capsys.readouterr()
    assert cli.run([*INIT, "--alone"]) == ExitCode.OK
    assert "was kept: write `github: {approvals: 0}` into it" in capsys.readouterr().out
    assert "approvals: 2" in settings.read_text()


def test_somebody_alone_names_owners(team: Path, capsys: Output) -> None:
    """Somebody says two things that cannot both be."""
    assert cli.run([*INIT, "--alone", "--owners", "@ada"]) == ExitCode.USAGE
    assert "--alone has no owners" in capsys.readouterr().err
    assert not list(team.iterdir())

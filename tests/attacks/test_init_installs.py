"""Somebody wants their own code to be installed in the job that holds the key, by way of what `init` writes.

What is told here is told from outside: a folder, the command line, and what then
stands in the workflows. How this reconciler was installed is said as pip says it,
by a `direct_url.json` (PEP 610) beside the package's metadata.
"""

import hashlib
import json
import shlex
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from starting import a_wish

from reconciler import cli
from reconciler.errors import ExitCode
from reconciler.starter.install import Unpinned, how_installed, what_is_wrong
from reconciler.starter.write import WORKFLOWS, workflow

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "ab" * 32
HASHES = "python -m pip install --require-hashes --requirement requirements.txt"
INIT = ["init", "--url", "https://acme.omniapp.co"]
Output = pytest.CaptureFixture[str]


def git(url: str, commit: str = COMMIT, **more: str) -> str:
    return json.dumps({"url": url, "vcs_info": {"vcs": "git", "commit_id": commit}, **more})


def archive(url: str, **hashes: str) -> str:
    return json.dumps({"url": url, "archive_info": {"hashes": hashes}})


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository to run `init` in."""
    folder = tmp_path / "team"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: str | None) -> None:
    """This reconciler was installed as ``origin`` says; None is from an index."""
    metadata = tmp_path / "site" / "access_reconciler-1.2.3.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: access-reconciler\nVersion: 1.2.3\n")
    if origin is not None:
        (metadata / "direct_url.json").write_text(origin)
    monkeypatch.syspath_prepend(str(metadata.parent))


def install_lines(repository: Path) -> set[str]:
    """What the workflows of a repository run to install."""
    jobs = [
        job
        for name in WORKFLOWS
        for job in yaml.safe_load((repository / f".github/workflows/{name}.yml").read_text())["jobs"].values()
    ]
    return {
        step["run"].rstrip("\n") for job in jobs for step in job["steps"] if step.get("name") == "Install"
    }


def test_somebody_registers_the_name_on_the_index_and_waits_for_a_team_to_run_init(
    team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """Somebody registers the name on the index and waits for a team to run `init`."""
    installed(tmp_path, monkeypatch, None)
    assert cli.run(INIT) == ExitCode.ERROR
    said = capsys.readouterr()
    assert said.out == ""
    assert "by its name alone" in said.err
    assert "echo access-reconciler==1.2.3 | python -m uv pip compile - " in said.err
    assert "--generate-hashes --output-file requirements.txt\n" in said.err
    assert f"--install '{HASHES}'" in said.err
    assert not list(team.iterdir())
    # What it says to do is what it takes.
    assert cli.run([*INIT, "--install", HASHES]) == ExitCode.OK
    assert install_lines(team) == {HASHES}


@pytest.mark.parametrize(
    "command",
    [
        "pip install access-reconciler",
        "pip install access-reconciler==1.2.3",
        "pip install 'access-reconciler @ git+https://github.com/acme/r.git'",
        "pip install 'access-reconciler @ git+https://github.com/acme/r.git@main'",
        f"pip install 'access-reconciler @ git+https://github.com/acme/r.git@{COMMIT[:12]}'",
        f"pip install 'access-reconciler @ git+https://github.com/acme/r.git@{COMMIT}0'",
        f"pip install access-reconciler @{COMMIT}",
        f"pip install pyyaml 'access-reconciler @ git+https://github.com/acme/r.git@{COMMIT}'",
        f"{HASHES}\npip install access-reconciler",
        f"{HASHES} && pip install --no-deps access-reconciler",
        f"{HASHES}; pip install --no-deps --no-build-isolation access-reconciler",
        "pip install access-reconciler # --require-hashes",
        "echo --require-hashes; pip install access-reconciler",
        "curl https://acme.com/install.sh | sh",
        "uv sync",
        "uv sync --locked && uv pip install access-reconciler",
        "npm ci --locked",
        "pipx install access-reconciler",
        "uvx --from access-reconciler reconciler --version",
        "./setup",
        "x",
    ],
)
def test_somebody_hopes_that_a_team_gives_a_command_that_names_what_may_change(
    command: str, team: Path, capsys: Output
) -> None:
    """Somebody hopes that a team installs by a name, a version or a branch, which they can move later."""
    assert cli.run([*INIT, "--install", command]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "--install cannot be used" in said
    assert "# --" in command or "`--require-hashes`, a commit's full hash" in said
    assert not list(team.iterdir())


@pytest.mark.parametrize(
    "command",
    [
        HASHES,
        f"pip install 'access-reconciler @ git+https://github.com/acme/r.git@{COMMIT}'",
        f"pip install --upgrade 'access-reconciler @ git+ssh://git@github.com/acme/r.git@{COMMIT}'",
        f'pip install "access-reconciler @ git+https://x:${{TOKEN}}@github.com/acme/r.git@{COMMIT}"',
        f"pip install access-reconciler@https://acme.com/r.whl#sha256={DIGEST}",
        f"docker run registry.acme.com/reconciler@sha256:{DIGEST}",
        "uv sync --locked",
        "python -m uv sync --frozen --no-dev",
        f"{HASHES}\npython -m pip install --no-deps --no-build-isolation .",
        "if true; then\n  pip install \\\n    --require-hashes -r requirements.txt\nfi",
    ],
)
def test_what_pins_is_taken_as_it_was_given(command: str, team: Path) -> None:
    """Nobody attacks: what pins all that it installs stands in every workflow, word for word."""
    assert cli.run([*INIT, "--install", command]) == ExitCode.OK
    assert install_lines(team) == {command}


@pytest.mark.parametrize(
    "command",
    [
        f"{HASHES}\necho ${{{{ github.head_ref }}}}",
        f"{HASHES}\u2028      - run: evil",
        f"{HASHES}\x85      - run: evil",
        f"{HASHES}\r\n",
        f"{HASHES} \x1b[2J",
        f"{HASHES} \ud800",
        f"{HASHES} '",
        f"pip install 'access-reconciler @ git+https://bot:hunter2@github.com/acme/r.git@{COMMIT}'",
    ],
)
def test_somebody_hands_on_a_command_that_does_more_than_it_shows(
    command: str, team: Path, capsys: Output
) -> None:
    """Somebody hands a team a command to paste, with a step, an expression or a credential hidden in it."""
    assert cli.run([*INIT, "--install", command]) == ExitCode.USAGE
    said = capsys.readouterr().err
    assert "--install cannot be used" in said
    assert said.count("\n") == 1
    assert said.rstrip("\n").isprintable()
    assert "hunter2" not in said
    assert not list(team.iterdir())


WORDS = [
    *("--require-hashes", "pip install", "uv sync --locked", f"@{COMMIT}", "- run: evil", "${{ x }}"),
    *(" ", "\n", "\t", "'", '"', "#", "\\", "&&", ";", ": ", "{", "%", "*", "? "),
]


@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=12).map("".join))
@example(f"{HASHES}\n- run: evil")
def test_somebody_tries_every_command_to_get_a_step_of_their_own(command: str) -> None:
    """Somebody tries every command to get a step of their own: what is taken stays one text of one step."""
    if what_is_wrong(command):
        return
    jobs = yaml.safe_load(workflow("drift", a_wish(command)))["jobs"].values()
    names = [[step.get("name", step.get("uses")) for step in job["steps"]] for job in jobs]
    plain = yaml.safe_load(workflow("drift", a_wish(HASHES)))["jobs"].values()
    assert names == [[step.get("name", step.get("uses")) for step in job["steps"]] for job in plain]
    (line,) = {step["run"] for job in jobs for step in job["steps"] if step.get("name") == "Install"}
    assert line.split() == command.split()


@pytest.mark.parametrize(
    ("origin", "line"),
    [
        (
            git("https://github.com/acme/r.git"),
            f'python -m pip install "access-reconciler @ git+https://github.com/acme/r.git@{COMMIT}"',
        ),
        (
            git("https://git.acme.com:8443/r", COMMIT + "0" * 24),
            f'python -m pip install "access-reconciler @ git+https://git.acme.com:8443/r@{COMMIT}{"0" * 24}"',
        ),
        (
            archive("https://acme.com/r-1.2.3.whl", sha256=DIGEST),
            f'python -m pip install "access-reconciler @ https://acme.com/r-1.2.3.whl#sha256={DIGEST}"',
        ),
    ],
)
def test_what_runs_now_is_installed_again_by_its_commit_or_its_hash(
    origin: str, line: str, team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody attacks: what is installed in the job is what the team tried out, byte for byte."""
    installed(tmp_path, monkeypatch, origin)
    assert cli.run(INIT) == ExitCode.OK
    assert install_lines(team) == {line}


@pytest.mark.parametrize(
    "origin",
    [
        git("https://bot:hunter2@github.com/acme/r.git"),
        git("https://hunter2@github.com/acme/r.git"),
        git("https://github.com/acme/$(hunter2).git"),
        git("https://github.com/acme/`hunter2`.git"),
        git('https://github.com/acme/r.git" hunter2; "'),
        git("https://github.com/acme/r.git?hunter2"),
        git("https://github.com/acme/r.git#hunter2"),
        git("https://github.com/acme/r.git\nhunter2"),
        git("https://github.com/acme/${{ hunter2 }}.git"),
        git("http://github.com/acme/hunter2.git"),
        git("ssh://git@github.com/acme/hunter2.git"),
        git("https://github.com/acme/hunter2.git", "main"),
        git("https://github.com/acme/hunter2.git", COMMIT[:12]),
        git("https://github.com/acme/hunter2.git", f"{COMMIT}\n"),
        git("https://github.com/acme/hunter2.git", subdirectory="x"),
        archive("https://acme.com/hunter2.whl"),
        archive("https://acme.com/hunter2.whl", md5="ab" * 16),
        archive("https://acme.com/hunter2.whl", sha256="ab"),
        archive("http://acme.com/hunter2.whl", sha256=DIGEST),
        "{}",
        "[]",
        "not json",
    ],
)
def test_somebody_names_the_place_it_came_from_so_that_a_shell_or_a_reader_gets_more(
    origin: str, team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """Somebody lends a team an address with a command in it, or waits for a credential to be published."""
    installed(tmp_path, monkeypatch, origin)
    assert cli.run(INIT) == ExitCode.ERROR
    said = capsys.readouterr()
    assert "hunter2" not in said.out + said.err
    assert "python -m pip wheel --no-deps --wheel-dir vendor FOLDER-OF-THE-RECONCILER\n" in said.err
    assert not list(team.iterdir())


def test_somebody_has_a_folder_of_the_same_name_and_nothing_to_compare_it_with(
    team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    """Somebody hopes that a team that tried it from a folder installs from anywhere in the job."""
    origin = {"url": "file:///home/ada/my%20tools/it's", "dir_info": {"editable": True}}
    installed(tmp_path, monkeypatch, json.dumps(origin))
    assert cli.run(INIT) == ExitCode.ERROR
    said = capsys.readouterr().err
    (wheel,) = (line for line in said.splitlines() if " pip wheel " in line)
    assert shlex.split(wheel)[-1] == "/home/ada/my tools/it's"
    assert "echo ./vendor/access_reconciler-*.whl | python -m uv pip compile - " in said
    assert not list(team.iterdir())


def test_a_source_tree_that_was_never_installed_is_a_folder_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody attacks: without any metadata there is nothing to go by but the folder."""
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    with pytest.raises(Unpinned) as said:
        how_installed()
    assert shlex.split(said.value.commands[1])[-1] == str(Path(cli.__file__).parents[2])


URLS = st.one_of(
    st.text(max_size=30),
    st.builds("https://{}/{}".format, st.text(max_size=10), st.text(max_size=20)),
    st.builds("https://acme.com/{}".format, st.text("ab./-_~@:%$`'\"\\ \n;&|{}()#?*", max_size=15)),
)
HEX = st.one_of(st.just(COMMIT), st.just(DIGEST), st.text("0123456789abcdefgA\n", max_size=65))
ORIGINS = st.one_of(
    st.fixed_dictionaries(
        {"url": URLS, "vcs_info": st.fixed_dictionaries({"vcs": st.just("git"), "commit_id": HEX})}
    ),
    st.fixed_dictionaries(
        {
            "url": URLS,
            "archive_info": st.fixed_dictionaries({"hashes": st.dictionaries(st.just("sha256"), HEX)}),
        }
    ),
    st.recursive(st.none() | st.text(), lambda inner: st.dictionaries(st.text(), inner) | st.lists(inner)),
)


@given(origin=ORIGINS)
@example(origin=json.loads(git("https://github.com/acme/r.git")))
def test_somebody_writes_whatever_they_like_into_the_record_of_the_installation(
    origin: object, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Somebody writes whatever they like into direct_url.json; what comes of it is pinned, or nothing."""
    with pytest.MonkeyPatch.context() as patch:
        installed(tmp_path_factory.mktemp("any"), patch, json.dumps(origin))
        try:
            line = how_installed()
        except Unpinned:
            return
    *words, what = shlex.split(line)
    assert words == ["python", "-m", "pip", "install"]
    assert not set(line) & set("$`\\;&|<>\n'*?{}()")
    assert what.startswith(("access-reconciler @ git+https://", "access-reconciler @ https://"))
    assert what_is_wrong(line) == ""


def test_somebody_puts_another_archive_behind_the_address(
    team: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody puts another archive behind the address that a workflow installs from."""
    name = "access_reconciler-1.2.3-py3-none-any.whl"
    first = a_wheel(tmp_path / "served" / name, "ours = True")
    installed(tmp_path, monkeypatch, archive(f"https://acme.com/{name}", sha256=first))
    assert cli.run(INIT) == ExitCode.OK
    (line,) = install_lines(team)
    # The same line, but for where the address leads, and without a network.
    words = shlex.split(line.replace("https://acme.com", (tmp_path / "served").as_uri()))
    command = [sys.executable, *words[1:], "--no-index", "--no-deps", "--target", str(tmp_path / "there")]
    assert subprocess.run(command, check=False, capture_output=True).returncode == 0
    assert (tmp_path / "there" / "reconciler.py").read_text() == "ours = True"
    a_wheel(tmp_path / "served" / name, "evil = True")
    second = subprocess.run([*command, "--upgrade"], check=False, capture_output=True, text=True)
    assert second.returncode == 1
    assert "DO NOT MATCH THE HASHES" in second.stderr
    assert (tmp_path / "there" / "reconciler.py").read_text() == "ours = True"


def a_wheel(path: Path, code: str) -> str:
    """The smallest wheel; returns its SHA-256."""
    path.parent.mkdir(exist_ok=True)
    about = "access_reconciler-1.2.3.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("reconciler.py", code)
        wheel.writestr(
            f"{about}/METADATA", "Metadata-Version: 2.1\nName: access-reconciler\nVersion: 1.2.3\n"
        )
        wheel.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{about}/RECORD", f"reconciler.py,,\n{about}/METADATA,,\n{about}/WHEEL,,\n")
    return hashlib.sha256(path.read_bytes()).hexdigest()

"""The recipes of the page about Pleio are run: a list every night, and as a pull request."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from book import DOCS, Fence, parts, rows_of
from project import Hooked
from repository import git

from reconciler.sandbox.pleio.instance import PretendPleio, site_of
from reconciler.sandbox.pleio.site import PleioSite
from reconciler.sandbox.server import serve

PAGE = DOCS / "pleio.md"
GROUP = "57979220-0000-4000-8000-000000000001"
SEED = {
    "groups": {GROUP: {"name": "Docenten"}},
    "profile_fields": ["phone"],
    "users": {
        "beheer@acme.nl": {"name": "Beheer", "external_id": "1"},
        "oud@acme.nl": {"name": "Oud", "external_id": "2"},
    },
}
ROW = "external_id,name,email,profile.phone\n{}"
PEOPLE = "".join(f"N{n},P{n},p{n}@acme.nl,06\n" for n in range(20))
OLD = ("--api-secret", "--source", "--destination", "--ban", "--delete", "--dry-run", "--verbose", "--help")


def recipe(name: str) -> str:
    """The script of this name, as the page has it."""
    found = [part.text for part in parts(PAGE) if isinstance(part, Fence) and f"/{name}\n" in part.text]
    (text,) = [text for text in found if text.startswith("#!/bin/sh")]
    return text


@pytest.fixture
def site() -> Iterator[tuple[PleioSite, str]]:
    found = PleioSite.from_seed(SEED)
    with serve(Hooked(PretendPleio(found)), site_of(found)) as server:
        yield found, server.url


@pytest.fixture
def access(tmp_path: Path, site: tuple[PleioSite, str]) -> Path:
    """The folder of the recipes, with the settings that the page shows before them."""
    settings = [p.text for p in parts(PAGE) if isinstance(p, Fence) and "like: pleio, bad_rows" in p.text]
    (text,) = settings
    text = text.replace("https://acme.pleio.nl", site[1]).replace(
        "/etc/access/acme.token", f"{tmp_path}/token"
    )
    (tmp_path / "token").write_text("sandbox")
    (tmp_path / "hr").mkdir()
    (tmp_path / "hr" / "users.csv").write_text(ROW.format(PEOPLE))
    folder = tmp_path / "access"
    (folder / "desired-state" / "acme" / "lists").mkdir(parents=True)
    text = text.replace("min_rows: 800", "min_rows: 15")
    (folder / "desired-state" / "acme" / "target.yaml").write_text(text)
    return folder


def run(name: str, access: Path, url: str, more: str = "") -> subprocess.CompletedProcess[str]:
    """The recipe as it stands, but for its folders."""
    script = recipe(name).replace("/srv/access", str(access)).replace("/srv/hr", str(access.parent / "hr"))
    path = access.parent / name
    path.write_text(script)
    path.chmod(0o755)
    tools = access.parent / "bin"
    tools.mkdir(exist_ok=True)
    for tool, text in {
        "reconciler": f'exec {sys.executable} -m reconciler "$@"',
        "gh": more or "exit 9",
    }.items():
        (tools / tool).write_text(f"#!/bin/sh\n{text}\n")
        (tools / tool).chmod(0o755)
    return subprocess.run(
        [path],
        env={
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": str(access.parent),
            "RECONCILER_ALLOWED_HOSTS": url.removeprefix("http://"),
            **{
                f"GIT_{who}_{what}": "ada@acme.nl"
                for who in ("AUTHOR", "COMMITTER")
                for what in ("NAME", "EMAIL")
            },
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_every_night_the_site_follows_the_list_and_the_limits_are_the_review(
    access: Path, site: tuple[PleioSite, str]
) -> None:
    live, url = site
    done = run("nightly.sh", access, url)
    assert done.returncode == 0, done
    assert live.snapshot()["users"].keys() >= {"p0@acme.nl", "p19@acme.nl"}
    assert not live.snapshot()["users"]["oud@acme.nl"]["active"]
    assert live.log
    # Who is on a list that was cut short loses nothing, and the script says so by its code.
    for rows, code in ((PEOPLE[:60], 1), ("", 1), (PEOPLE.replace("@acme", "@other").replace("N", "M"), 4)):
        (access.parent / "hr" / "users.csv").write_text(ROW.format(rows))
        assert run("nightly.sh", access, url).returncode == code
        assert live.snapshot()["users"]["p19@acme.nl"]["active"]


def with_a_picture(access: Path) -> str:
    """The list with a column of pictures, each beside it."""
    pictures = access.parent / "hr" / "avatars"
    pictures.mkdir()
    (pictures / "p.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    rows = PEOPLE.replace(",06\n", ",06,avatars/p.png,\n", 1).replace(",06\n", f",06,,{GROUP}\n", 1)
    return ROW.format("").strip() + ",avatar,groups\n" + rows.replace(",06\n", ",06,,\n")


def begun(access: Path) -> None:
    (access / ".gitignore").write_text(".reconciler/\n")
    git(access, "init", "--quiet", "--initial-branch=main")
    git(access, "add", ".")
    git(access, "commit", "--quiet", "--message", "Begin")


def test_every_night_in_a_repository_sends_a_picture_and_a_group_once(
    access: Path, site: tuple[PleioSite, str]
) -> None:
    live, url = site
    (access / "desired-state/acme/lists/users.csv").write_text(ROW.format(PEOPLE))
    begun(access)
    assert run("nightly.sh", access, url).returncode == 0
    more = f"Q1,Q,q1@acme.nl,06,avatars/p.png,{GROUP}\n"
    (access.parent / "hr" / "users.csv").write_text(with_a_picture(access) + more)
    for _ in range(3):
        assert run("nightly.sh", access, url).returncode == 0
        (new,) = (person for person in live.listed() if person.email == "q1@acme.nl")
        assert new.pictures == 1
    assert len(live.log) == 2


def test_a_pull_request_carries_the_new_list(
    access: Path, site: tuple[PleioSite, str], tmp_path: Path
) -> None:
    live, url = site
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin.git")
    begun(access)
    git(access, "remote", "add", "origin", str(tmp_path / "origin.git"))
    (access.parent / "hr" / "users.csv").write_text(with_a_picture(access))
    git(access, "push", "--quiet", "origin", "main")
    asked = tmp_path / "asked"
    stub = f'[ "$2" = view ] && exit 1; echo "$@" >> {asked}'
    done = run("propose.sh", access, url, stub)
    assert done.returncode == 0, done
    assert asked.read_text() == "pr create --fill --head nightly-list\n"
    carried = git(tmp_path / "origin.git", "show", "nightly-list:desired-state/acme/lists/users.csv")
    assert carried.splitlines()[1] == "N0,P0,p0@acme.nl,06,avatars/p.png,"
    assert git(tmp_path / "origin.git", "ls-tree", "nightly-list", "desired-state/acme/lists/avatars/")
    assert live.snapshot()["users"].keys() == SEED["users"].keys()
    # The plan of that very branch is what stands on the pull request, and the merge applies it.
    assert git(access, "branch", "--show-current") == "nightly-list"
    planned = subprocess.run(
        [sys.executable, "-m", "reconciler", "plan", "acme"],
        cwd=access,
        env={"PATH": os.environ["PATH"], "RECONCILER_ALLOWED_HOSTS": url.removeprefix("http://")},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "20 users created" in planned.stdout
    git(tmp_path / "origin.git", "update-ref", "refs/heads/main", "refs/heads/nightly-list")
    asked.unlink()
    assert run("propose.sh", access, url, stub).returncode == 0
    assert not asked.exists()


def test_every_option_of_the_old_client_has_its_row() -> None:
    named = {word for row in rows_of(PAGE) for word in re.findall(r"`(--[a-z-]+)", row[0])}
    assert named == set(OLD)

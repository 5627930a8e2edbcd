"""A Pleio site from the list of its old client, every night, told in the site's own log."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from project import Project
from providers.a_site import DOCENTEN, JPEG, Place, a_place
from screen import Output

from reconciler.errors import ExitCode
from reconciler.sandbox.pleio.instance import PretendPleio, site_of
from reconciler.sandbox.pleio.site import PleioSite
from reconciler.sandbox.server import serve
from reconciler.transport.messages import Request, Response, Transport

SAMPLE = """\
external_id,name,email,avatar,groups,profile.occupation,profile.phone
1001,Jan Jansen,Jan@acme.nl,avatars/jan.jpg,"1,2",Adviseur,0612345678
1002,Kim de Vries,kim@acme.nl,,,Docent,
E2,Piet,piet@acme.nl,avatars/none.jpg,,,
"""
"""The columns of the published example, with ids of groups as they once were."""
LISTED = [{"type": "csv", "path": "lists/users.csv", "like": "pleio"}]


@pytest.fixture
def hook() -> list[Any]:
    """What answers in the place of the site, if there is any."""
    return []


@pytest.fixture
def place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Output, hook: list[Any]
) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    with a_place(Project(tmp_path), {}, monkeypatch, capsys, hook) as found:
        (found.project.target / "lists" / "avatars").mkdir(parents=True)
        (found.project.target / "lists" / "avatars" / "jan.jpg").write_bytes(JPEG)
        found.project.write("lists/users.csv", SAMPLE)
        found.settings(sources=LISTED, protect={"users": ["beheer@acme.nl"]}, report={"site_log": True})
        yield found


def test_the_published_example_plans_and_applies_as_it_stands(place: Place) -> None:
    assert "acme: 3 users, 0 groups. Valid." in place.run("validate")
    said = place.plan()
    assert "warning: user/jan@acme.nl is to join `1`, which is no id of a group (a UUID)" in said
    assert "users.csv:4:avatar" in said
    assert "there is no file 'lists/avatars/none.jpg': it is not sent" in said
    place.apply()
    jan, kim = place.person("jan@acme.nl"), place.person("kim@acme.nl")
    assert (jan.name, jan.external_id, jan.groups, jan.picture) == ("Jan Jansen", "1001", [], len(JPEG))
    assert jan.profile == {"occupation": "Adviseur", "phone": "0612345678"}
    assert kim.profile == {"occupation": "Docent"}
    assert place.person("piet@acme.nl").profile == {"phone": "06"}
    place.settled()


def test_ids_of_groups_in_a_row_are_joined(place: Place) -> None:
    place.project.write(
        "lists/users.csv", f'external_id,name,email,groups\n7,Jan,jan@acme.nl,"{DOCENTEN}, Docenten"\n'
    )
    place.apply()
    assert place.person("jan@acme.nl").groups == [DOCENTEN]


def test_a_column_that_nobody_knows_is_a_problem(place: Place) -> None:
    place.project.write("lists/users.csv", "external_id,name,email,profil.phone\n7,Jan,jan@acme.nl,1\n")
    assert "the column `profil.phone` is not known" in place.plan(ExitCode.ERROR)


def test_only_what_differs_is_written(place: Place, hook: list[Any]) -> None:
    """The old client sent everybody, every night; and whoever it sent was let in again."""
    place.apply()
    sent: list[str] = []

    def counted(request: Request, site: Transport) -> Response:
        sent.extend([request.path] if request.method != "GET" else [])
        return site.send(request)

    hook.append(counted)
    place.project.write("lists/users.csv", SAMPLE.replace("Adviseur", "Directeur"))
    place.apply()
    assert sent == ["/users", "/logs"]


# The site's own log


def test_the_site_s_log_says_what_was_done_under_one_uuid(place: Place) -> None:
    assert "Not in the system's own log" not in place.apply()
    lines = "\n".join(row["content"] for row in place.site.log).splitlines()
    assert lines[0] == "People of this site were brought in step with their list: 2 created."
    assert lines[1:] == ["jan@acme.nl: added to the site", "kim@acme.nl: added to the site"]
    (run,) = {row["uuid"] for row in place.site.log}
    assert str(UUID(run)) == run
    place.project.write("lists/users.csv", SAMPLE.replace("Kim de", "Kimberley de"))
    place.apply()
    assert len({row["uuid"] for row in place.site.log}) == 2
    assert place.site.log[-1]["content"].splitlines()[1:] == ["kim@acme.nl: changed (name)"]


def test_a_log_of_many_lines_is_cut_into_records(place: Place) -> None:
    rows = "".join(f"N{n},P{n},p{n}@acme.nl\n" for n in range(50))
    place.project.write("lists/users.csv", f"external_id,name,email\n{rows}")
    place.apply("--allow-creations", "50")
    assert [len(row["content"].splitlines()) for row in place.site.log] == [50, 1]
    assert len({row["uuid"] for row in place.site.log}) == 1


def test_no_value_and_no_plan_is_told_to_the_log(place: Place) -> None:
    place.plan()
    assert place.site.log == []
    place.apply()
    told = json.dumps(place.site.log)
    assert "0612345678" not in told
    assert "Adviseur" not in told
    assert "Nothing to do" in place.apply()
    assert len(place.site.log) == 1


def test_a_failure_to_log_fails_nothing_and_is_said(place: Place) -> None:
    place.site.behave({"refuses_logs": True})
    said = place.apply()
    assert "Not in the system's own log: POST /logs was answered 400: Could not create the log entry" in said
    assert "jan@acme.nl" in place.site.snapshot()["users"]
    place.settled()


def test_so_it_is_where_no_answer_comes(place: Place, hook: list[Any]) -> None:
    def broken(request: Request, site: Transport) -> Response:
        return Response(500, {}, text="x") if request.path == "/logs" else site.send(request)

    hook.append(broken)
    assert "Not in the system's own log: POST /logs was answered 500" in place.apply()
    assert place.site.log == []


def test_what_failed_is_in_the_log_without_the_words_of_the_site(place: Place, hook: list[Any]) -> None:
    def refusing(request: Request, site: Transport) -> Response:
        if "Kim de Vries" in str(request.json):
            return Response(400, {}, {"error": "could_not_create", "pretty_error": "No.", "status": 400})
        return site.send(request)

    hook.append(refusing)
    place.apply(code=ExitCode.PARTIAL)
    (row,) = place.site.log
    assert "1 created, 1 failed" in row["content"]
    assert "kim@acme.nl: not done (email, name, external_id, occupation): failed" in (row["content"])


def test_the_log_comes_after_the_journal_and_is_in_it(place: Place) -> None:
    place.apply()
    (journal,) = place.project.runs.glob("*.jsonl")
    rows = [json.loads(line) for line in journal.read_text().splitlines()]
    events = [(row["event"], row["path"]) for row in rows]
    assert events[-3:] == [("end", ""), ("intent", "/logs"), ("result", "/logs")]


# Several sites from one list


def test_several_sites_are_kept_from_one_list(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    shared = tmp_path / "desired-state" / "shared"
    shared.mkdir()
    (shared / "users.csv").write_text(SAMPLE.replace('"1,2"', ""))
    other = PleioSite.from_seed(
        {
            "profile_fields": ["occupation", "phone"],
            "token": "another-token",
            "users": {"admin@acme.nl": {"external_id": "0"}},
        }
    )
    with serve(PretendPleio(other), site_of(other)) as server:
        monkeypatch.setenv("OTHER_SECRET", "another-token")
        mine, theirs = (url.removeprefix("http://") for url in (place.url, server.url))
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", f"API_SECRET={mine} OTHER_SECRET={theirs}")
        listed = [{"type": "csv", "path": "../shared/users.csv", "like": "pleio"}]
        place.settings(sources=listed)
        folder = tmp_path / "desired-state" / "other"
        folder.mkdir()
        about = {"kind": "pleio", "url": server.url, "keys": [{"env": "OTHER_SECRET"}], "sources": listed}
        (folder / "target.yaml").write_text(json.dumps(about))
        place.apply()
        for site in (place.site, other):
            assert {"jan@acme.nl", "kim@acme.nl"} <= site.snapshot()["users"].keys()
        assert place.run("plan").count("No changes.") == 2

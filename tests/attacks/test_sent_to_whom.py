"""What no answer shows counts as sent to that account of that system alone, and is sent once."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from project import Project
from providers.a_site import DOCENTEN, JPEG, SEED, Place, a_place
from repository import begin, commit
from screen import Output

from reconciler.errors import ExitCode
from reconciler.sandbox.pleio.instance import PretendPleio, site_of
from reconciler.sandbox.pleio.site import PleioSite
from reconciler.sandbox.server import serve
from reconciler.transport.messages import Request, Response, Transport

LISTED = [{"type": "csv", "path": "users.csv", "like": "pleio", "bad_rows": "skip"}]
HEAD = "external_id,name,email,avatar,groups\n"
KNOWN = "E2,Piet,piet@acme.nl,,\n"
NEW = "N1,New,new@acme.nl,n.jpg,Docenten\n"


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
        (found.project.target / "n.jpg").write_bytes(JPEG)
        yield found


@pytest.mark.parametrize("more", ["", "X,X,,,\n"], ids=["not committed", "a row left out"])
def test_what_is_not_recorded_is_not_sent_again_every_night(place: Place, more: str) -> None:
    place.settings(sources=LISTED)
    place.project.write("users.csv", HEAD + KNOWN)
    begin(place.project)
    place.apply()
    place.project.write("users.csv", HEAD + KNOWN + NEW + more)
    if more:
        commit(place.project.root)
    after = ExitCode.PARTIAL if more else ExitCode.OK
    place.apply(code=after)
    assert place.person("new@acme.nl").groups == [DOCENTEN]
    place.person("new@acme.nl").groups.clear()
    for _ in range(2):
        place.apply(code=after)
        assert (place.person("new@acme.nl").pictures, place.person("new@acme.nl").groups) == (1, [])
    # Of a list that changes, each value is sent once more.
    (place.project.target / "n.jpg").write_bytes(JPEG + b"2")
    for _ in range(3):
        place.apply(code=after)
        assert place.person("new@acme.nl").pictures == 2


def moved(place: Place, monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", url.removeprefix("http://"))
    place.url = url
    place.settings()


@pytest.mark.parametrize("in_git", [False, True])
def test_another_site_has_not_got_what_this_one_has(
    place: Place, monkeypatch: pytest.MonkeyPatch, *, in_git: bool
) -> None:
    if in_git:
        begin(place.project)
    place.files("users: {piet@acme.nl: {attributes: {avatar: n.jpg, joins: [Docenten]}}}\n")
    if in_git:
        commit(place.project.root)
    place.apply("--resend", "avatar", "--resend", "joins")
    place.settled()
    other = PleioSite.from_seed(SEED)
    with serve(PretendPleio(other), site_of(other)) as server:
        moved(place, monkeypatch, server.url)
        if in_git:
            commit(place.project.root)
        said = place.plan()
        assert "`avatar` of 1 live user cannot be seen, not sent" in said
        assert "`joins` of 1 live user cannot be seen, not sent" in said


def test_a_target_whose_journals_are_called_the_same_shares_nothing(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.files("users: {piet@acme.nl: {attributes: {avatar: n.jpg}}}\n")
    folder = place.project.target
    shutil.copytree(folder, folder.parent / "s" / "acme")
    shutil.copytree(folder, folder.parent / "s-acme")
    place.apply("s/acme", "--resend", "avatar")
    other = PleioSite.from_seed(SEED)
    with serve(PretendPleio(other), site_of(other)) as server:
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", server.url.removeprefix("http://"))
        path = folder.parent / "s-acme" / "target.yaml"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"url": server.url}))
        assert "`avatar` of 1 live user cannot be seen, not sent" in place.run("plan", "s-acme")


def test_who_takes_over_an_address_has_not_got_what_its_owner_had(place: Place) -> None:
    old = "{name: Jan, attributes: {external_id: J1, joins: [Docenten]}}"
    place.files(f"users: {{jan@acme.nl: {old}}}\n")
    place.apply()
    place.files(f"users: {{jan.oud@acme.nl: {old}}}\n")
    place.apply()
    new = "{name: Piet, attributes: {external_id: E2, joins: [Docenten]}}"
    place.files(f"users: {{jan.oud@acme.nl: {old}, jan@acme.nl: {new}}}\n")
    said = place.apply()
    assert "`joins` of 1 live user cannot be seen, not sent" in said
    assert "jan@acme.nl" in said.partition("--resend joins sends it): ")[2].splitlines()[0]


def test_who_is_banned_meanwhile_is_left_alone_as_soon_as_that_was_read(
    place: Place, hook: list[Any]
) -> None:
    """An administrator bans two people while an apply runs; its first answer is a 500, so it reads."""
    banned: list[str] = []

    def ban(request: Request, site: Transport) -> Response:
        if request.method == "POST" and not banned:
            banned.extend(("beheer@acme.nl", "piet@acme.nl"))
            for email in banned:
                place.person(email).banned = True
            return Response(500, {}, text="x")
        return site.send(request)

    hook.append(ban)
    place.settings(protect={"users": []})
    place.files("users: {beheer@acme.nl: {name: B2}, piet@acme.nl: {name: P2}}\n")
    said = place.apply(code=ExitCode.PARTIAL)
    assert "it would let them in again" in said
    for email, name in (("beheer@acme.nl", "Beheer"), ("piet@acme.nl", "Piet")):
        assert (place.person(email).banned, place.person(email).name) == (True, name)


def test_a_stranger_who_was_faster_gets_no_picture_of_somebody_else(place: Place, hook: list[Any]) -> None:
    """Between plan and creation somebody else's account, with another number, takes the address."""
    sent: list[str] = []

    def overtake(request: Request, site: Transport) -> Response:
        if request.method == "POST" and not sent:
            place.site.add("Stranger", "new@acme.nl", "STR")
        if request.method == "POST":
            sent.append(request.path)
        return site.send(request)

    hook.append(overtake)
    attributes = "{external_id: N1, avatar: n.jpg, joins: [Docenten]}"
    place.files(f"users: {{new@acme.nl: {{name: N, attributes: {attributes}}}}}\n")
    assert "is there already, with something else" in place.apply(code=ExitCode.PARTIAL)
    stranger = place.person("new@acme.nl")
    assert (stranger.name, stranger.pictures, stranger.groups) == ("Stranger", 0, [])
    assert len(sent) == 1


def test_what_a_ban_holds_back_is_sent_once_an_administrator_ends_the_ban(place: Place) -> None:
    begin(place.project)
    place.files("users: {ban@acme.nl: {name: Banned}}\n")
    commit(place.project.root)
    place.apply()
    place.files("users: {ban@acme.nl: {name: Banned, attributes: {joins: [Docenten], avatar: n.jpg}}}\n")
    commit(place.project.root)
    said = place.apply()
    assert "Not recorded as applied: what no answer shows waits for an inactive person" in said
    assert place.person("ban@acme.nl").banned
    place.person("ban@acme.nl").banned = False
    place.apply()
    assert (place.person("ban@acme.nl").pictures, place.person("ban@acme.nl").groups) == (1, [DOCENTEN])
    place.settled()


def test_a_picture_that_failed_is_sent_the_next_time_without_git_too(place: Place) -> None:
    place.site.behave({"refuses_pictures": True})
    place.files("users: {new@acme.nl: {name: N, attributes: {external_id: N1, avatar: n.jpg}}}\n")
    place.apply(code=ExitCode.PARTIAL)
    place.site.behave({"refuses_pictures": False})
    place.apply()
    assert place.person("new@acme.nl").pictures == 1
    place.settled()


def test_the_site_s_log_names_nobody_who_was_deleted_and_repeats_no_refusal(
    place: Place, hook: list[Any]
) -> None:
    def refuse(request: Request, site: Transport) -> Response:
        if request.path == "/users" and request.method == "POST":
            return Response(400, {}, {"error": "could_not_update", "pretty_error": "taken by x@acme.nl"})
        return site.send(request)

    hook.append(refuse)
    place.settings(
        leavers={"users": {"tombstone": "delete"}}, protect={"users": []}, report={"site_log": True}
    )
    place.files("users: {piet@acme.nl: {state: absent}, beheer@acme.nl: {name: B2}}\n")
    place.apply(code=ExitCode.PARTIAL)
    told = json.dumps(place.site.log)
    assert "deleted, and anonymous from now on" in told
    assert "beheer@acme.nl: not done (name): failed" in told
    assert "piet@acme.nl" not in told
    assert "x@acme.nl" not in told


def test_a_number_that_is_no_id_of_a_group_is_not_sent(place: Place, hook: list[Any]) -> None:
    groups: list[Any] = []

    def watch(request: Request, site: Transport) -> Response:
        if request.path == "/users" and request.method == "POST" and isinstance(request.json, dict):
            groups.append(request.json.get("groups"))
        return site.send(request)

    hook.append(watch)
    each = "{{name: N, attributes: {{external_id: {}, joins: [{}]}}}}"
    mixed, none = each.format("N1", "'7', Docenten"), each.format("N2", "'8'")
    place.files(f"users: {{new@acme.nl: {mixed}, too@acme.nl: {none}}}\n")
    assert "is to join `7`, which is no id of a group (a UUID): it is left out" in place.apply()
    assert groups == [DOCENTEN, None]


def test_who_comes_back_to_the_list_and_stays_banned_is_a_warning(place: Place) -> None:
    place.files("users: {ban@acme.nl: {name: Banned}}\n")
    said = place.plan()
    assert "warning: 1 declared and inactive, and stay so (write `active: true` to let them in)" in said

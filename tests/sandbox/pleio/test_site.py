"""The pretend site answers as the server's public source does; each switch has a test on both settings."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any
from urllib.request import Request as Ask
from urllib.request import urlopen

import jsonschema
import pytest

from reconciler.sandbox.pleio.instance import PretendPleio, open_pretend, site_of
from reconciler.sandbox.pleio.site import DELETED, PleioSite
from reconciler.sandbox.pleio.switches import Switches
from reconciler.sandbox.server import serve
from reconciler.transport.messages import BodyPart, Method, Request, Response

GROUP = "57979220-0000-4000-8000-000000000001"
SEED: dict[str, Any] = {
    "profile_fields": ["phone", "town"],
    "groups": {GROUP: {"name": "All", "automatic": True, "welcome": True}},
    "users": {
        "ada@acme.nl": {"name": "Ada", "external_id": "E1", "profile": {"phone": "06"}},
        "bob@acme.nl": {"name": "Bob", "external_id": "E2", "banned": True},
    },
}
SIGNED = {"Authorization": "Bearer sandbox"}


class Asked:
    """A site, and what asks it."""

    def __init__(self, **switches: object) -> None:
        self.site = PleioSite.from_seed(SEED | {"switches": switches})
        self.pretend = PretendPleio(self.site, clock=lambda: 0.0)

    def __call__(self, method: Method, path: str, body: object = None, **query: str) -> Response:
        return self.pretend.send(Request(method, path, query, SIGNED, json=body))

    def guid(self, email: str) -> str:
        (found,) = (person.guid for person in self.site.listed() if person.email == email)
        return found


def user(response: Response) -> Any:
    assert response.status == 200, response
    assert isinstance(response.json, dict)
    return response.json["user"]


def error(response: Response) -> tuple[int, str]:
    assert isinstance(response.json, dict)
    return response.status, response.json["error"]


def test_a_row_shows_every_profile_field_and_no_group_role_or_picture() -> None:
    ask = Asked()
    (row, _) = ask("GET", "/users").json["users"]  # type: ignore[index]
    assert row == {
        "guid": ask.guid("ada@acme.nl"),
        "external_id": "E1",
        "name": "Ada",
        "email": "ada@acme.nl",
        "is_member": True,
        "is_banned": False,
        "time_created": "2024-01-01T00:00:00+00:00",
        "time_updated": "2024-01-01T00:00:00.000001+00:00",
        "icontime": None,
        "profile": {"phone": "06", "town": ""},
    }


@pytest.mark.parametrize(("wrong", "status"), [(False, 403), (True, 401)])
def test_a_wrong_token(*, wrong: bool, status: int) -> None:
    pretend = Asked(bad_token_401=wrong).pretend
    for headers in ({}, {"Authorization": "Bearer x"}, {"Authorization": "sandbox"}):
        assert error(pretend.send(Request("GET", "/users", {}, headers))) == (status, "invalid_bearer_token")


def test_a_site_without_a_token_lets_nobody_in() -> None:
    pretend = PretendPleio(PleioSite.from_seed(SEED | {"token": ""}))
    assert pretend.send(Request("GET", "/users", {}, {"Authorization": "Bearer "})).status == 403


def test_a_creation_is_answered_200_joins_automatic_groups_and_mails() -> None:
    ask = Asked()
    made = user(
        ask(
            "POST",
            "/users",
            {"name": "Cas", "email": " cas@acme.nl ", "external_id": "E3", "profile": {"x": 1, "town": 3}},
        )
    )
    assert (made["email"], made["profile"]) == ("cas@acme.nl", {"phone": "", "town": "3"})
    assert [mail["subject"] for mail in ask.site.mails] == ["Welcome", "Welcome to All"]
    assert user(
        Asked(mails=False)("POST", "/users", {"name": "C", "email": "c@acme.nl", "external_id": "E3"})
    )


@pytest.mark.parametrize("body", [{"email": "ADA@acme.nl"}, {"email": "x@acme.nl", "external_id": "e1"}])
def test_what_is_taken_in_any_case_is_not_created(body: dict[str, str]) -> None:
    assert error(Asked()("POST", "/users", {"name": "X", **body})) == (400, "could_not_create")


@pytest.mark.parametrize("lax", [False, True])
def test_a_second_one_without_external_id(*, lax: bool) -> None:
    ask = Asked(external_id_optional=lax)
    assert user(ask("POST", "/users", {"name": "X", "email": "x@acme.nl"}))
    second = ask("POST", "/users", {"name": "Y", "email": "y@acme.nl", "external_id": ""})
    assert second.status == (200 if lax else 400)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "X"},
        {"email": "x@acme.nl"},
        {"email": 5, "name": "X"},
        {"name": "x" * 101, "email": "x@a"},
    ],
)
def test_much_that_is_wrong_is_a_bare_500(body: dict[str, object]) -> None:
    response = Asked()("POST", "/users", body)
    assert (response.status, response.json) == (500, None)


@pytest.mark.parametrize("unbans", [True, False])
def test_an_update_lets_in_and_keeps_the_reason(*, unbans: bool) -> None:
    ask = Asked(update_unbans=unbans)
    ask.site.people[ask.guid("bob@acme.nl")].ban_reason = "spam"
    body = {"guid": ask.guid("bob@acme.nl"), "name": "Bo", "email": "BOB@acme.nl", "external_id": "e2"}
    row = user(ask("POST", "/users", body))
    assert (row["name"], row["email"], row["external_id"]) == ("Bo", "bob@acme.nl", "E2")
    assert row["is_banned"] is not unbans
    assert ask.site.people[row["guid"]].ban_reason == "spam"
    assert user(ask("POST", f"/users/{row['guid']}/unban"))["is_banned"] is False
    assert ask.site.people[row["guid"]].ban_reason == ""


def test_an_update_takes_nothing_that_another_has_and_clears_no_number() -> None:
    ask = Asked()
    ada = {"guid": ask.guid("ada@acme.nl"), "name": "Ada"}
    for body in ({"email": "bob@acme.nl"}, {"email": "ada@acme.nl", "external_id": "E2"}):
        assert error(ask("POST", "/users", ada | body)) == (400, "could_not_update")
    assert (
        user(ask("POST", "/users", {**ada, "email": "ada@acme.nl", "external_id": None}))["external_id"]
        == "E1"
    )


@pytest.mark.parametrize(("switch", "status"), [("500", 500), ("404", 404)])
def test_an_update_of_nobody(switch: str, status: int) -> None:
    response = Asked(unknown_guid=switch)(
        "POST", "/users", {"guid": GROUP, "name": "X", "email": "x@acme.nl"}
    )
    assert response.status == status


def test_groups_are_only_joined() -> None:
    ask = Asked()
    body = {"guid": ask.guid("ada@acme.nl"), "name": "Ada", "email": "ada@acme.nl"}
    for groups in (f"{GROUP},12,nobody", "", None):
        ask("POST", "/users", {**body, "groups": groups})
        assert ask.site.people[body["guid"]].groups == [GROUP]


def test_a_deletion_is_for_ever() -> None:
    ask = Asked()
    guid = ask.guid("ada@acme.nl")
    assert ask("DELETE", f"/users/{guid}").json == {"status": 200}
    assert (ask.site.people[guid].name, ask.site.people[guid].email) == (DELETED, f"{guid}@deleted")
    for method, path in (("DELETE", ""), ("POST", "/ban"), ("POST", "/unban"), ("POST", "/avatar")):
        assert error(ask(method, f"/users/{guid}{path}")) == (404, "not_found")  # type: ignore[arg-type]
    assert len(ask("GET", "/users").json["users"]) == 1  # type: ignore[index]


@pytest.mark.parametrize("refuses", [False, True])
def test_a_picture(*, refuses: bool) -> None:
    ask = Asked(refuses_pictures=refuses)
    path = f"/users/{ask.guid('ada@acme.nl')}/avatar"
    parts = (BodyPart("avatar", b"12345", "a.jpg", "image/jpeg"),)
    sent = ask.pretend.send(Request("POST", path, {}, SIGNED, multipart=parts))
    assert sent.status == (404 if refuses else 200)
    assert error(ask("POST", path)) == (404, "not_saved")
    assert ask.site.people[ask.guid("ada@acme.nl")].picture == (0 if refuses else 5)


@pytest.mark.parametrize("refuses", [False, True])
def test_the_log(*, refuses: bool) -> None:
    ask = Asked(refuses_logs=refuses)
    assert ask("POST", "/logs", {"uuid": "u", "content": "done"}).status == (400 if refuses else 200)
    assert error(ask("POST", "/logs", {"content": "done"})) == (400, "could_not_create")
    assert ask("POST", "/logs", {"uuid": "u" * 37, "content": "x"}).status == (400 if refuses else 500)
    assert len(ask.site.log) == (0 if refuses else 1)


def test_pages() -> None:
    ask = Asked(made_at_once=2)
    for number in range(4):
        ask.site.add(f"P{number}", f"p{number}@acme.nl", f"N{number}")
    first = ask("GET", "/users", limit="3").json["users"]  # type: ignore[index]
    rest = ask("GET", "/users", limit="3", cursor=first[-1]["guid"]).json["users"]  # type: ignore[index]
    assert (len(first), len(rest)) == (3, 2), "one of the moment at the edge is on neither page"
    assert error(ask("GET", "/users", cursor=GROUP)) == (404, "not_found")
    assert ask("GET", "/users", limit="many").status == 500
    ask.site.switches = replace(ask.site.switches, page_cap=2)
    assert len(ask("GET", "/users", limit="500").json["users"]) == 2  # type: ignore[index]


def test_a_limit_on_requests() -> None:
    ask = Asked(requests_per_minute=1)
    assert ask("GET", "/users").status == 200
    assert ask("GET", "/users").status == 429


def test_what_is_not_there() -> None:
    ask = Asked()
    assert ask("GET", "/nothing").status == 404
    assert ask("DELETE", "/users/no-uuid").status == 404
    for method, path in (
        ("PUT", "/users"),
        ("GET", "/logs"),
        ("GET", f"/users/{GROUP}"),
        ("GET", f"/users/{GROUP}/ban"),
    ):
        assert ask(method, path).status == 405  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seed", "said"),
    [
        ({"switches": {"page_cap": -1}}, "switches.page_cap: must be a whole number from 0"),
        ({"users": {"a@b": {"nam": "A"}}}, "users.a@b.nam: no such key"),
        ({"users": {"a@b": {"profile": {"x": "1"}}}}, "users.a@b.profile.x: not under `profile_fields`"),
        ({"user": {}}, "the seed.user: no such key"),
    ],
)
def test_a_mistake_in_a_seed_is_told_with_its_key(seed: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="^" + said.replace("[", r"\[").replace(".", r"\.")):
        PleioSite.from_seed(seed)


def test_the_state_is_kept_in_a_file(tmp_path: Path) -> None:
    seed, state = tmp_path / "seed.yaml", tmp_path / "state.json"
    seed.write_text(json.dumps(SEED))
    opened = open_pretend(seed, state)
    opened.behave({"mails": False})
    opened.transport.send(
        Request("POST", "/users", {}, SIGNED, json={"name": "C", "email": "c@acme.nl", "external_id": "E3"})
    )
    again = PleioSite.open(seed, state)
    assert "c@acme.nl" in again.snapshot()["users"]
    assert again.switches.mails
    assert again.to_json() == json.loads(state.read_text())


def test_every_switch_is_tried() -> None:
    tried = Path(__file__).read_text("utf-8")
    assert [field.name for field in fields(Switches) if f"{field.name}=" not in tried] == []


def test_the_schema_of_a_seed_knows_every_switch_with_its_default() -> None:
    path = Path(__file__).parents[3] / "schemas" / "sandbox-seed-pleio.schema.json"
    schema = json.loads(path.read_text("utf-8"))
    shown = schema["properties"]["switches"]["properties"]
    assert {name: each["default"] for name, each in shown.items()} == asdict(Switches())
    jsonschema.Draft202012Validator(schema).validate(SEED | {"switches": asdict(Switches())})


def test_a_browser_sees_the_outbox_and_the_log() -> None:
    ask = Asked()
    with serve(ask.pretend, site_of(ask.site)) as server:
        body = json.dumps({"name": "C", "email": "c@acme.nl", "external_id": "E3"}).encode()
        headers = {**SIGNED, "Content-Type": "application/json"}
        urlopen(Ask(f"{server.url}/profile_sync_api/users", body, headers)).close()  # noqa: S310 (loopback)
        body = json.dumps({"uuid": "u1", "content": "two\\nlines"}).encode()
        urlopen(Ask(f"{server.url}/profile_sync_api/logs", body, headers)).close()  # noqa: S310 (likewise)
        pages = {page: urlopen(f"{server.url}{page}").read().decode() for page in ("/", "/outbox", "/log")}  # noqa: S310
    assert pages["/outbox"] == "To c@acme.nl: Welcome\nTo c@acme.nl: Welcome to All\n"
    assert pages["/log"].startswith("u1 two")
    assert "A pretend Pleio site" in pages["/"]

"""A doctor looks at everything, writes nothing, and turns every failure into a line of its own."""

import itertools
import json
import os
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import formatdate
from pathlib import Path

import pytest
from project import KEY, LIVE, Hooked, Project, Served, a_project, served
from wire import Server, running

from reconciler.diagnosis.doctor import diagnose, exit_code
from reconciler.diagnosis.instance import examine
from reconciler.errors import ExitCode, Interrupted, Invalid, NoAnswer
from reconciler.providers.omni.specification import described, lacking
from reconciler.report import Check
from reconciler.sandbox.omni.instance import Sandbox, specification
from reconciler.sandbox.omni.store import Store
from reconciler.target.settings import Target, load_targets
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Reader, Request, Response

NAMES = [
    *("files", ".env", "credential", "reach", "TLS", "clock", "key", "users", "groups", "attributes"),
    *("pace", "openapi.json", "quirks"),
]
NOON = 1_800_000_000.0


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def omni(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    with served(tmp_path, LIVE | {"switches": {"requests_per_minute": 0}}) as project:
        for name, value in project.environ.items():
            monkeypatch.setenv(name, value)
        yield project


def target_of(project: Project) -> Target:
    (target,) = load_targets(project.root / "desired-state")
    return target


def look(project: Project) -> dict[str, Check]:
    checks = diagnose(target_of(project))
    assert [check.name for check in checks] == NAMES
    return {check.name: check for check in checks}


def status(checks: dict[str, Check]) -> dict[str, str]:
    """What is not ok."""
    return {name: check.status for name, check in checks.items() if check.status != "ok"}


def in_process(project: Project, hook: Callable[[Request], Response | None] = lambda _: None) -> list[Check]:
    omni = Hooked(bearer(Sandbox(Store.from_seed(LIVE)), Secret("sandbox")), hook)
    checks = examine(target_of(project), Reader(omni), wall=lambda: NOON)
    assert omni.writes == []
    return checks


def test_a_healthy_target_is_ok_but_for_what_only_a_probe_finds_out(omni: Served) -> None:
    before = omni.live()
    checks = look(omni)
    assert status(checks) == {"quirks": "unknown"}
    assert {
        name: check.said for name, check in checks.items() if name not in ("pace", "quirks", "reach")
    } == {
        "files": "2 users and 1 group declared",
        ".env": "there is none here",
        "credential": "found in the environment variable OMNI_API_KEY; nothing tells when it ends",
        "TLS": "none is needed: plain http to this machine only",
        "clock": "agrees with the server's within a minute",
        "key": "an organization key, as ORG_ADMIN",
        "users": "may be read; there are 3 users",
        "groups": "may be read; there is 1 group",
        "attributes": "may be read; 9 definitions, 8 of them Omni's own",
        "openapi.json": "served: 17 operations, all that is used here among them",
    }
    assert (omni.live(), omni.omni.writes) == (before, [])
    assert exit_code(list(checks.values())) == ExitCode.OK


def test_an_embedded_sandbox_needs_no_network(tmp_path: Path) -> None:
    checks = look(a_project(tmp_path))
    assert status(checks) == {"clock": "unknown", "openapi.json": "unknown", "quirks": "unknown"}


def test_an_embedded_sandbox_that_cannot_start_is_a_line(tmp_path: Path) -> None:
    project = a_project(tmp_path)
    project.write("seed.yaml", "users: 7")
    checks = look(project)
    assert checks["reach"].status == "failed"
    assert "cannot start from this seed" in checks["reach"].said


def test_files_with_problems_are_a_line_and_the_rest_goes_on(omni: Served) -> None:
    omni.write("people.yaml", "users: {a@acme.com: {nam: A, activ: true}}")
    checks = look(omni)
    assert status(checks) == {"files": "failed", "quirks": "unknown"}
    assert checks["files"].said.endswith("people.yaml:1:22: unknown field `nam` (and 1 more problem)")
    assert checks["files"].todo == "did you mean `name`?"
    omni.write("people.yaml", "users: {a@acme.com: {nam: A}}")
    assert look(omni)["files"].said.endswith("unknown field `nam`")


def test_it_says_whether_dot_env_is_read(omni: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text(f"OMNI_API_KEY={KEY}\n", encoding="utf-8")
    assert "is read here" in look(omni)[".env"].said
    monkeypatch.setenv("CI", "true")
    assert "CI is set" in look(omni)[".env"].said


@pytest.mark.parametrize(
    ("dot_env", "said"),
    [
        ("", "found in the environment variable OMNI_API_KEY"),
        ("OMNI_API_KEY=\n", "found in the environment variable OMNI_API_KEY"),
        (f"OMNI_API_KEY={KEY}\n", "found in .env as OMNI_API_KEY, which wins over the environment variable"),
        ("OTHER=1\n", "found in the environment variable OMNI_API_KEY and the key file key"),
        (f"OTHER={KEY}\n", "found in .env as OTHER and the key file key"),
    ],
)
def test_it_says_for_each_key_which_source_won(omni: Served, dot_env: str, said: str) -> None:
    Path(".env").write_text(dot_env, encoding="utf-8")
    keys = [{"env": "OTHER" if said.startswith("found in .env as OTHER") else "OMNI_API_KEY"}]
    if "key file" in said:
        Path("key").write_text("sandbox")
        keys.append({"file": "key"})
    omni.configure(url=omni.url, keys=keys)
    end = "; nothing tells when they end" if len(keys) > 1 else "; nothing tells when it ends"
    assert {check.name: check.said for check in diagnose(target_of(omni))}["credential"] == said + end


@pytest.mark.parametrize(
    ("days", "status", "said", "todo"),
    [
        (400, "ok", "it ends on {day}, in 400 days, with the scopes users", ""),
        (31, "ok", "it ends on {day}, in 31 days, with the scopes users", ""),
        (
            30,
            "warning",
            "it ends on {day}, in 30 days, with the scopes users",
            "make another key, and put it into ",
        ),
        (
            1,
            "warning",
            "it ends on {day}, in 1 day, with the scopes users",
            "make another key, and put it into ",
        ),
        (-1, "failed", "it ended on {day}", "make another key, and put it into "),
    ],
)
def test_it_warns_before_a_key_ends_that_says_when(
    omni: Served, monkeypatch: pytest.MonkeyPatch, days: int, status: str, said: str, todo: str
) -> None:
    end = datetime.now(UTC) + timedelta(days=days, minutes=5)
    claims = json.dumps({"exp": end.timestamp(), "scope": "users"}).encode()
    monkeypatch.setenv("OMNI_API_KEY", f"e30.{urlsafe_b64encode(claims).decode().rstrip('=')}.c2ln")
    check = look(omni)["credential"]
    expected = said.format(day=f"{end.day} {end:%B %Y}")
    assert (check.status, check.said.partition("; ")[2]) == (status, expected)
    assert check.todo == (f"{todo}the environment variable OMNI_API_KEY" if todo else "")


def test_of_several_keys_the_first_to_end_is_named(omni: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    omni.configure(url=omni.url, keys=[{"env": "OMNI_API_KEY"}, {"env": "A"}, {"env": "B"}])
    for name, end in {"A": 4102444800, "B": 4070908800}.items():
        claims = urlsafe_b64encode(json.dumps({"exp": end}).encode()).decode().rstrip("=")
        monkeypatch.setenv(name, f"e30.{claims}.c2ln")
    said = {check.name: check.said for check in diagnose(target_of(omni))}["credential"]
    assert "; the first that says so, the environment variable B, ends on 1 January 2099, in " in said


def test_a_dot_env_that_is_no_file_is_a_line(omni: Served) -> None:
    os.mkfifo(".env")
    checks = look(omni)
    assert checks[".env"].said == ".env: .env cannot be read: it is no regular file"
    assert status(checks)[".env"] == "failed"


def test_without_a_key_nothing_is_asked(omni: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMNI_API_KEY")
    checks = look(omni)
    assert status(checks) == {"credential": "failed"} | dict.fromkeys(NAMES[3:], "unknown")
    assert checks["credential"].todo.startswith("export OMNI_API_KEY=")
    assert omni.omni.seen == []
    assert exit_code(list(checks.values())) == ExitCode.ERROR


def test_a_host_that_may_not_get_the_key_is_a_line(omni: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", "elsewhere.example")
    checks = look(omni)
    assert "is not in RECONCILER_ALLOWED_HOSTS" in checks["reach"].said
    assert checks["openapi.json"].said == "not asked, since nothing answers"
    assert omni.omni.seen == []


def test_where_nothing_listens_the_network_s_words_are_shown_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with served(tmp_path) as project:
        for name, value in project.environ.items():
            monkeypatch.setenv(name, value)
    checks = look(project)
    assert "refuses the connection" in checks["reach"].said
    unknown = (*NAMES[4:11], "openapi.json", "quirks")
    assert status(checks) == {"reach": "failed"} | dict.fromkeys(unknown, "unknown")


def test_a_server_without_tls_is_told_from_one_that_is_not_there(
    omni: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    omni.configure(url=omni.url.replace("http:", "https:"))
    monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", omni.host)
    checks = look(omni)
    assert "does not speak TLS" in checks["reach"].said


def test_tls_is_ok_where_an_answer_came_over_it(tmp_path: Path) -> None:
    project = a_project(tmp_path)
    project.configure(url="https://acme.omniapp.co")
    assert in_process(project)[1] == Check("TLS", "ok", "the certificate verifies")


def test_a_key_that_is_not_known_fails_with_the_server_s_words(
    omni: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNI_API_KEY", "wrong")
    checks = look(omni)
    assert status(checks) == {
        **dict.fromkeys(("key", "users", "groups", "attributes"), "failed"),
        **dict.fromkeys(("pace", "quirks"), "unknown"),
    }
    assert checks["key"].said == "GET /v1/whoami was answered 401: Missing or invalid API key"
    assert "wrong" not in repr(checks)


def test_the_key_of_one_user_fails_and_says_which_kind_is_needed(
    omni: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMNI_API_KEY", "mine")
    checks = look(omni)
    assert checks["key"].said == "the key of one user, as MEMBER"
    assert "organization API key" in checks["key"].todo
    assert "organization API key" in checks["users"].said
    assert checks["attributes"].status == "ok"


def test_several_keys_are_each_asked_of_which_kind_they_are(
    omni: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [{"env": "OMNI_API_KEY"}, {"env": "SECOND"}, {"env": "THIRD"}]
    omni.configure(url=omni.url, keys=keys)
    monkeypatch.setenv("SECOND", "mine")
    monkeypatch.setenv("THIRD", "wrong")
    checks = {check.name: check for check in diagnose(target_of(omni))}
    assert list(checks) == [*NAMES[:11], "key 2", "key 3", *NAMES[11:]]
    assert checks["credential"].said.count("the environment variable") == 3
    assert [checks[name].status for name in ("key", "users", "key 2", "key 3")] == [
        *("ok", "ok", "failed", "failed")
    ]
    assert checks["key 2"].said == "the key of one user, as MEMBER"
    assert "500 requests a minute for each of 3 keys" in checks["pace"].said


@pytest.mark.parametrize(
    ("status", "todo"),
    [
        (401, "check that the key is complete"),
        (403, "leave attributes out of `manage.users`, or give the key"),
    ],
)
def test_a_key_that_is_not_accepted_gets_no_advice_about_rights(
    tmp_path: Path, status: int, todo: str
) -> None:
    def refuse(request: Request) -> Response | None:
        return Response(status, json={"detail": "no"}) if request.path == "/v1/user-attributes" else None

    found = {check.name: check for check in in_process(a_project(tmp_path), refuse)}["attributes"]
    assert found.said == f"GET /v1/user-attributes was answered {status}: no"
    assert found.todo.startswith(todo)


def test_keys_of_which_one_is_missing_are_not_used(omni: Served) -> None:
    omni.configure(url=omni.url, keys=[{"env": "OMNI_API_KEY"}, {"env": "SECOND"}])
    checks = look(omni)
    assert checks["credential"].status == "failed"
    assert "SECOND" in checks["credential"].said


@pytest.mark.parametrize(
    ("answer", "expected", "said"),
    [
        (Response(404), "unknown", "it has no /v1/whoami"),
        (Response(500, text="oops"), "unknown", "was answered 500: oops"),
        (Response(403, json={"detail": "no"}), "failed", "was answered 403: no"),
        (Response(400, json={"detail": "no"}), "failed", "was answered 400: no"),
        (Response(200, json={"keyScope": "tenant"}), "unknown", "does not say of which kind"),
        (Response(200, json=[]), "unknown", "does not say of which kind"),
        (Response(200, json={"keyScope": "organization"}), "ok", "an organization key"),
    ],
)
def test_what_whoami_may_answer(tmp_path: Path, answer: Response, expected: str, said: str) -> None:
    checks = in_process(a_project(tmp_path), lambda r: answer if r.path == "/v1/whoami" else None)
    (key,) = [check for check in checks if check.name == "key"]
    assert key.status == expected
    assert said in key.said


@pytest.mark.parametrize(
    ("date", "expected", "said"),
    [
        (formatdate(NOON, usegmt=True), "ok", "within a minute"),
        (formatdate(NOON + 60, usegmt=True), "ok", "within a minute"),
        (formatdate(NOON - 200, usegmt=True), "failed", "3 min 20 s ahead of the server's"),
        (formatdate(NOON + 7500, usegmt=True), "failed", "2 h 5 min behind the server's"),
        (formatdate(NOON - 3600).replace("-0000", "-0100"), "ok", "within a minute"),
        (formatdate(NOON), "ok", "within a minute"),
        ("yesterday", "unknown", "no date"),
        (None, "unknown", "no date"),
    ],
)
def test_the_clock_is_compared_with_the_server_s(
    tmp_path: Path, date: str | None, expected: str, said: str
) -> None:
    headers = {} if date is None else {"date": date}
    whoami = Response(200, headers, {})
    clock = in_process(a_project(tmp_path), lambda r: whoami if r.path == "/v1/whoami" else None)[2]
    assert (clock.name, clock.status) == ("clock", expected)
    assert said in clock.said


def test_an_answer_that_is_no_list_is_a_line(tmp_path: Path) -> None:
    project = a_project(tmp_path)
    for text in ('{"totalResults": true}', '{"totalResults": "3"}', "[]", "{}"):
        odd = Response(200, json=json.loads(text))
        checks = in_process(project, lambda _, odd=odd: odd)  # type: ignore[misc]
        failed = {check.name: check.said for check in checks if check.status == "failed"}
        assert "not a SCIM list" in failed["users"]
        assert "not a SCIM list" in failed["groups"]
        assert ("attributes" in failed) is (text != "[]")


def test_it_may_stop_anywhere_without_a_traceback(tmp_path: Path) -> None:
    project = a_project(tmp_path)
    for at in range(1, 6):
        count = itertools.count(1)

        def hook(_: Request, at: int = at, count: Iterator[int] = count) -> Response | None:
            if next(count) >= at:
                message = "the line is dead"
                raise NoAnswer(message)
            return None

        checks = in_process(project, hook)
        assert [check.name for check in checks] == NAMES[3:11]
        assert sum("the line is dead" in check.said for check in checks) == min(1 if at == 1 else 5 - at, 4)


def test_a_person_who_stops_it_is_not_a_failed_check(tmp_path: Path) -> None:
    project = a_project(tmp_path)
    for at in range(1, 5):
        count = itertools.count(1)

        def hook(_: Request, at: int = at, count: Iterator[int] = count) -> Response | None:
            if next(count) == at:
                message = "interrupted"
                raise Interrupted(message)
            return None

        with pytest.raises(Interrupted):
            in_process(project, hook)


def test_the_pace_says_how_long_a_read_takes_and_what_a_probe_could_save(tmp_path: Path) -> None:
    project = a_project(tmp_path)

    def pace(quirks: str = "") -> Check:
        project.configure(requests_per_minute=2)
        if quirks:
            project.write("quirks.yaml", f"found_at: 2026-01-01T00:00:00Z\n{quirks}")
        return in_process(project)[-1]

    least = "2 requests a minute: a complete read takes 4 requests (about 1 min)"
    most = ", or up to 5 requests (about 2 min) where lists do not show attributes"
    assert pace().said == least + most
    assert "a probe may find" in pace().todo
    assert pace("lists_carry_attributes: false") == Check("pace", "ok", least + most)
    assert pace("lists_carry_attributes: true") == Check("pace", "ok", least)
    project.write("people.yaml", "users: 1")
    assert pace("lists_carry_attributes: false").said == least


@pytest.fixture
def wire() -> Iterator[Server]:
    yield from running(Server())


@pytest.mark.parametrize(
    ("status", "body", "expected", "said"),
    [
        (404, "Not found", "unknown", "not served here"),
        (200, "<html>", "unknown", "not served here"),
        (200, "[]", "unknown", "not served here"),
        (200, '{"paths": []}', "unknown", "not served here"),
        (403, json.dumps(specification()), "unknown", "not served here"),
        (200, json.dumps(specification()), "ok", "17 operations"),
        (200, '{"paths": {"/scim/v2/Users/{userId}": {"get": {}}}}', "unknown", "not mention GET /v1/whoami"),
    ],
)
def test_an_instance_s_own_description_is_a_hint(
    wire: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    body: str,
    expected: str,
    said: str,
) -> None:
    url = wire.root.removesuffix("/api")
    monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", url.removeprefix("http://"))
    monkeypatch.setenv("OMNI_API_KEY", KEY)
    project = Project(tmp_path)
    project.configure(url=url)
    for _ in range(4):
        wire.reply(404)
    wire.reply(status, body, Content_Type="text/html" if "<" in body else "application/json")
    found = look(project)["openapi.json"]
    assert found.status == expected
    assert said in found.said
    assert wire.seen[-1].target == "/openapi.json"
    assert wire.seen[-1].headers["authorization"] == f"Bearer {KEY}"


def test_only_what_is_used_here_is_missed() -> None:
    body: object = {
        "paths": {"/api/SCIM/v2/users/{id}": {"GET": {}, "delete": {}}, "/v1/whoami": {"get": {}}}
    }
    found = described(body)
    assert found == {"GET /scim/v2/users/{}", "DELETE /scim/v2/users/{}", "GET /v1/whoami"}
    assert lacking(found)[:2] == ["GET /v1/user-attributes", "GET /scim/v2/users"]
    assert "PATCH /scim/v2/groups/{}" in lacking(found)
    assert not set(lacking(found)) & found
    assert lacking(described(specification())) == []


@pytest.mark.parametrize(
    ("text", "expected", "said", "todo"),
    [
        ("found_at: {now}", "ok", "found today: nothing for certain", ""),
        (
            "found_at: {now}\nlists_carry_attributes: true\ndeactivation: hides",
            "ok",
            "found today: lists_carry_attributes true, deactivation hides",
            "",
        ),
        ("found_at: {now}\ndeactivation: revokes", "ok", "deactivation revokes", "cannot be undone"),
        ("found_at: {now}\ndeactivation_reversible: false", "ok", "false", "cannot be undone"),
        ("found_at: 2021-03-01T00:00:00Z", "unknown", "days ago", "probe again"),
        ("found_at: 2021-02-31T00:00:00Z", "failed", "is no date", "probe again"),
    ],
)
def test_quirks_are_shown_with_their_age(
    tmp_path: Path, text: str, expected: str, said: str, todo: str
) -> None:
    project = a_project(tmp_path)
    project.write("quirks.yaml", text.format(now=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"))
    found = look(project)["quirks"]
    assert found.status == expected
    assert said in found.said
    assert todo in found.todo
    assert bool(todo) == bool(found.todo)


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("found_at: 2026-01-01T00:00:00Z\nlists_cary_attributes: true", "2:1", "unknown field"),
        ("found_at: 2026-01-01T00:00:00Z\nretry_after: 1", "2:1", "must be true or false"),
        ("found_at: 2026-01-01T00:00:00Z\ndeactivation: maybe", "2:1", "`flag`, `hides` or `revokes`"),
        ("found_at: yesterday", "1:1", "cannot be the text `yesterday`"),
        ("retry_after: true", "1:1", "`found_at` is missing"),
        ("found_at: [", "1:12", ""),
    ],
)
def test_a_mistake_in_quirks_yaml_has_its_place_and_stops_the_target(
    tmp_path: Path, text: str, place: str, message: str
) -> None:
    project = a_project(tmp_path)
    project.write("quirks.yaml", text)
    with pytest.raises(Invalid) as caught:
        target_of(project)
    (problem,) = caught.value.problems
    assert str(problem.place) == f"desired-state/acme/quirks.yaml:{place}"
    assert message in problem.message


def test_quirks_yaml_is_no_desired_state_and_only_the_target_s_own_is_special(tmp_path: Path) -> None:
    project = a_project(tmp_path)
    before = target_of(project).load()
    project.write("quirks.yaml", "found_at: 2026-01-01T00:00:00Z")
    target = target_of(project)
    assert target.load() == before
    assert target.quirks == {"found_at": "2026-01-01T00:00:00Z"}
    (project.target / "people").mkdir()
    (project.target / "people" / "quirks.yaml").write_text("users: {eve@acme.com: {}}", encoding="utf-8")
    assert "eve@acme.com" in target.load().users

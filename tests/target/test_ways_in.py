"""A system that is let into by tokens: the whole way from target.yaml to what it is sent."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from anywhere import Place, a_place, ran
from logins import ID, SECRET, Api
from screen import Output

from reconciler.errors import ExitCode, Invalid
from reconciler.target.settings import load_targets
from reconciler.transport.messages import Request, Response


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with a_place(tmp_path, monkeypatch) as place:
        yield place


def test_a_plan_is_applied_with_one_token_for_each_command(place: Place, capsys: Output) -> None:
    shown = ran(capsys, "plan", "--out", "plan.json", "-v")
    assert shown.count("POST /oauth2/token 200") == 1
    done = ran(capsys, "apply", "--plan", "plan.json", "-v")
    assert "1 created, 1 updated" in done
    assert len(place.login.seen) == 2
    assert "No changes." in ran(capsys, "plan", "--detailed-exitcode")
    written = "".join(path.read_text() for path in place.root.rglob("*") if path.is_file())
    for secret in (ID, SECRET, "token-number", place.login.seen[0].headers["authorization"][6:]):
        assert secret not in shown + done + written
    sent = {one.headers["authorization"].partition(" ")[0] for one in place.api.seen}
    assert sent == {"Bearer"}


def test_somebody_who_is_called_as_the_client_is_read_as_they_are(
    place: Place, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "access-reconciler-of-acme"
    monkeypatch.setenv("CLIENT_ID", name)
    place.api.inner.login.client = name  # type: ignore[attr-defined]
    place.write("people.yaml", f"users: {{{name}: {{name: Our client}}}}\n")
    ran(capsys, "apply", "--auto-approve")
    assert f'"login": "{name}"' in ran(capsys, "get", "users")
    assert "No changes." in ran(capsys, "plan", "--detailed-exitcode")


def test_a_secret_may_be_in_a_file(place: Place, capsys: Output) -> None:
    (place.root / "secret").write_text(f"{SECRET}\n")
    place.says(secret={"file": "secret"})
    ran(capsys, "plan")
    assert place.api.seen


def test_a_client_that_is_refused_stops_before_anything_is_read(
    place: Place, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLIENT_SECRET", "not-the-secret-at-all")
    said = ran(capsys, "plan", code=ExitCode.ERROR)
    assert f"Error: no token from {place.login_url}/oauth2/token, so nothing else was sent: " in said
    assert "it was refused with 401 (invalid_client); check the id and the secret" in said
    assert place.api.seen == []
    assert "not-the-secret" not in said


def test_a_token_that_ends_in_the_middle_of_an_apply_is_replaced_and_nothing_is_written_twice(
    place: Place, capsys: Output
) -> None:
    api = place.api.inner
    assert isinstance(api, Api)

    def forget(request: Request) -> Response | None:
        if request.method == "POST" and len(place.login.seen) == 1:
            api.login.good.clear()
        return None

    place.api.hook = forget
    assert "1 created, 1 updated" in ran(capsys, "apply", "--auto-approve")
    assert len(place.login.seen) == 2
    assert ([method for method, _ in api.done].count("POST"), api.refused) == (2, 1)
    assert "No changes." in ran(capsys, "plan", "--detailed-exitcode")


def test_a_login_that_ends_in_the_middle_stops_the_apply_and_says_what_was_not_sent(
    place: Place, capsys: Output
) -> None:
    api = place.api.inner
    assert isinstance(api, Api)

    def forget(request: Request) -> Response | None:
        if request.method == "POST":
            api.login.good.clear()
            api.login.instead += [Response(400, {}, {"error": "unauthorized_client"})] * 9
        return None

    place.api.hook = forget
    said = ran(capsys, "apply", "--auto-approve", code=ExitCode.ERROR)
    assert "2 skipped" in said
    assert "let this client use client credentials" in said
    assert any(entry["detail"].startswith("not sent: no token from") for entry in place.journal())
    assert ("POST", "rows") not in api.done


def problems() -> str:
    with pytest.raises(Invalid) as caught:
        load_targets(Path("desired-state"))
    return str(caught.value)


@pytest.mark.parametrize(
    ("client", "said"),
    [
        ({"token_url": "https://login.example"}, "write the address that gives tokens, such as https://dir"),
        ({"token_url": "https://login.example/a/../b"}, "is not a host, with a plain path behind it"),
        ({"token_url": "https://a@login.example/token"}, "write the address that gives tokens"),
        ({"token_url": "https://login.example./token"}, "is not a host, with a plain path behind it"),
        ({"token_url": "https://xn--login-x.example/token"}, "an international name in disguise"),
        ({"secret": "gX1fBat3bV"}, "a secret is written by reference only: {env: SCIM_TOKEN}"),
        ({"secret": {"env": "gX1fBat3bV is it"}}, "name an environment variable, such as SCIM_TOKEN"),
        ({"scopes": ["a b"]}, "a scope has no blank, no quotation mark and no backslash"),
        ({"scopes": []}, "scopes"),
        ({"scope": ["a"]}, "did you mean `scopes`?"),
    ],
)
def test_what_is_wrong_with_a_client_is_told_at_its_place(
    place: Place, client: Mapping[str, object], said: str
) -> None:
    place.says(**client)
    told = problems()
    assert said in told
    assert "target.yaml:1:" in told
    assert "gX1fBat3bV" not in told


def test_there_is_one_way_in(place: Place) -> None:
    place.configure(kind="anywhere")
    assert "`keys` is missing (name the way in: keys: [{env: SCIM_TOKEN}], or credential" in problems()
    client = {"token_url": "https://a.example/t", "id": {"env": "A"}, "secret": {"env": "B"}}
    place.configure(kind="anywhere", keys=[{"env": "C"}], credential={"client_credentials": client})
    assert "`keys` and `credential` are two ways in; leave one of them out" in problems()


def test_without_the_variable_the_error_names_the_line_for_both_hosts(
    place: Place, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RECONCILER_ALLOWED_HOSTS")
    line = f"RECONCILER_ALLOWED_HOSTS={','.join(place.hosts)}"
    said = ran(capsys, "plan", code=ExitCode.ERROR)
    assert f"a club has no hosts that are known to be its own; if it is yours, export {line}\n" in said
    assert place.login.seen == []
    monkeypatch.setenv(*line.split("=", 1))
    ran(capsys, "plan")


def test_a_doctor_says_for_how_long_a_token_is_good_and_what_it_may_do(place: Place, capsys: Output) -> None:
    told = " ".join(ran(capsys, "doctor").split())
    assert "environment variable CLIENT_SECRET; nothing tells when they end" in told
    assert "ok token good for 3600 seconds, and renewed before it ends; its scopes: rows" in told
    login = place.api.inner.login  # type: ignore[attr-defined]
    login.says["expires_in"] = None
    place.says(scopes=["rows", "more"])
    login.says["scope"] = "rows and more"
    told = " ".join(ran(capsys, "doctor").split())
    assert "ok token it does not say for how long it is good; its scopes: and more rows" in told
    login.says["scope"] = "rows"
    told = " ".join(ran(capsys, "doctor", code=ExitCode.ERROR).split())
    assert "it lacks the scope more, which was asked for" in told

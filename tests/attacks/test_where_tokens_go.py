"""Somebody tries to get a client's secret, or a token that it got, sent elsewhere.

Who may receive them is said by the environment alone: the secret goes to the host that gives tokens,
and a token to the system's.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from anywhere import Place, a_place, ran
from logins import ID, SECRET
from project import Hooked
from screen import Output

from reconciler.errors import ExitCode
from reconciler.sandbox.pretend import Site
from reconciler.sandbox.server import serve
from reconciler.transport.messages import Request, Response


class Thief:
    """Takes everything, and says nothing of use."""

    def send(self, request: Request) -> Response:  # noqa: ARG002 (it is noted in front of it)
        return Response(200, {}, {"access_token": "from-a-thief-with-love", "token_type": "Bearer"})


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    """Its secrets are bound: each to the hosts that are meant, and to no other."""
    with a_place(tmp_path, monkeypatch) as place:
        here, login = place.hosts
        bound = f"CLIENT_ID={here},CLIENT_ID={login},CLIENT_SECRET={login}"
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", bound)
        yield place


@pytest.fixture
def thief() -> Iterator[tuple[str, Hooked]]:
    hooked = Hooked(Thief())
    with serve(hooked, Site()) as server:
        yield server.url, hooked


def refused(capsys: Output, *arguments: str) -> str:
    said = ran(capsys, *(arguments or ("plan",)), code=ExitCode.ERROR)
    for secret in (ID, SECRET, "token-number"):
        assert secret not in said
    return said


def test_secret_and_tokens_go_where_they_are_bound_to(place: Place, capsys: Output) -> None:
    """Nobody attacks."""
    ran(capsys, "plan")
    assert place.api.seen


def test_another_token_url_does_not_get_the_secret(
    place: Place, capsys: Output, thief: tuple[str, Hooked]
) -> None:
    """Somebody changes `token_url` in a pull request."""
    url, seen = thief
    place.says(token_url=f"{url}/oauth2/token")
    said = refused(capsys)
    assert f"the key of CLIENT_ID is not sent to {url.removeprefix('http://')}: " in said
    assert (seen.seen, place.login.seen) == ([], [])


def test_another_url_does_not_get_a_token(place: Place, capsys: Output, thief: tuple[str, Hooked]) -> None:
    """Somebody changes `url` in a pull request."""
    url, seen = thief
    place.url = url
    place.says()
    assert f"is not sent to {url.removeprefix('http://')}: " in refused(capsys)
    assert (seen.seen, place.login.seen) == ([], [])


def test_the_system_does_not_get_the_secret_in_the_place_of_a_token(place: Place, capsys: Output) -> None:
    """Somebody who runs the system has it named as the address that gives tokens."""
    place.says(token_url=f"{place.url}/oauth2/token")
    assert "the key of CLIENT_SECRET is not sent to " in refused(capsys)
    assert place.api.seen == []


def test_a_key_in_the_place_of_a_client_is_bound_as_well(place: Place, capsys: Output) -> None:
    """Somebody names the secret as a bearer token, to find it in the log of the system."""
    place.configure(kind="anywhere", keys=[{"env": "CLIENT_SECRET"}])
    assert "the key of CLIENT_SECRET is not sent to " in refused(capsys)
    assert place.api.seen == []


def test_no_file_says_who_may_receive_it(
    place: Place, capsys: Output, thief: tuple[str, Hooked], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody adds a `.env` that allows another host, where the environment allows none."""
    url, seen = thief
    monkeypatch.delenv("RECONCILER_ALLOWED_HOSTS")
    Path(".env").write_text(f"RECONCILER_ALLOWED_HOSTS={','.join([*place.hosts, url[7:]])}\n")
    place.says(token_url=f"{url}/oauth2/token")
    line = f"export RECONCILER_ALLOWED_HOSTS={place.hosts[0]},{url[7:]}\n"
    assert line in refused(capsys)
    assert (seen.seen, place.api.seen) == ([], [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_carries_the_secret_on(
    place: Place, capsys: Output, thief: tuple[str, Hooked], status: int
) -> None:
    """Somebody who can write a page at the login's host sends the client on from there."""
    url, seen = thief
    place.login.hook = lambda _: Response(status, {"location": f"{url}/oauth2/token?x=1"})
    said = refused(capsys)
    assert f"answers with a redirect ({status}), which is not followed" in said
    assert url.removeprefix("http://") not in said
    assert (seen.seen, place.api.seen) == ([], [])


@pytest.mark.parametrize("status", [302, 307])
def test_no_redirect_carries_a_token_on(
    place: Place, capsys: Output, thief: tuple[str, Hooked], status: int
) -> None:
    """Somebody does the same at the system's host."""
    url, seen = thief
    place.api.hook = lambda _: Response(status, {"location": url})
    assert f"answers with a redirect ({status})" in refused(capsys)
    assert seen.seen == []


@pytest.mark.parametrize(
    "address",
    [
        "https://{host}@evil.example{path}",
        "https://evil.example\\@{host}{path}",
        "https://{host}:pw@evil.example{path}",
        "https://{host}.{path}",
        "https://{host}.evil.example{path}",
        "https://xn--{host}{path}",
        "https://{host}\u3002evil.example{path}",
        "https://\u217carge.example{path}",
        "https://{host}:8443{path}",
        "https://{host}%2eevil.example{path}",
        "https://2130706433{path}",
        "https://{host}/..//evil.example{path}",
        "https://{host}{path}?next=https://evil.example",
        "https://{host}{path}#@evil.example",
        "http://{host}{path}",
        "//{host}{path}",
        "https:{host}{path}",
    ],
)
@pytest.mark.parametrize("field", ["url", "token_url"])
def test_an_address_that_reads_like_the_right_one_is_another(
    place: Place, capsys: Output, monkeypatch: pytest.MonkeyPatch, field: str, address: str
) -> None:
    """Somebody writes an address that a person takes for the one that is allowed."""
    monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", "directory.example login.example")
    host = "directory.example" if field == "url" else "login.example"
    path = "/scim/v2" if field == "url" else "/oauth2/token"
    urls = {"url": "https://directory.example/scim/v2", "token_url": "https://login.example/oauth2/token"}
    urls[field] = address.format(host=host, path=path)
    place.url = urls["url"]
    place.says(token_url=urls["token_url"])
    refused(capsys)
    refused(capsys, "doctor")
    assert (place.login.seen, place.api.seen) == ([], [])


def test_what_a_login_says_moves_no_cursor_and_commands_no_runner(
    place: Place, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who runs the login answers with what a terminal, or the log of a job, would obey."""
    text = "\x1b[2J\r\n::set-output name=x::y\n##[add-mask]z"
    place.login.hook = lambda _: Response(400, {}, {"error": text, "error_description": text * 100})
    for runner in ("", "true"):
        monkeypatch.setenv("GITHUB_ACTIONS", runner)
        said = refused(capsys)
        assert "\x1b" not in said
        assert not any(line.lstrip().startswith("::set-output") for line in said.splitlines())
        assert not runner or "##[add-mask]" not in said
        assert len(said) < 2000


def test_an_answer_without_an_end_is_given_up(place: Place, capsys: Output) -> None:
    """Somebody who runs the login fills the memory of the job."""
    body = {"access_token": "a" * 300_000, "token_type": "Bearer"}
    place.login.hook = lambda _: Response(200, {}, body)
    assert "larger than 262144 bytes" in refused(capsys)
    assert place.api.seen == []


def test_a_token_with_a_line_break_adds_no_header(place: Place, capsys: Output) -> None:
    """Somebody who runs the login writes headers into the requests to the system."""
    token = "token\r\nX-Admin: true"
    place.login.hook = lambda _: Response(200, {}, {"access_token": token, "token_type": "Bearer"})
    assert "the access_token holds a character that no token can hold" in refused(capsys)
    assert place.api.seen == []


def test_nothing_that_is_left_behind_holds_a_secret(place: Place, capsys: Output) -> None:
    """Somebody reads the plan, the journal and the log of an apply that the system refused."""
    place.api.hook = lambda sent: (
        Response(500, {}, {"echo": dict(sent.headers)}) if sent.method == "POST" else None
    )
    assert ran(capsys, "plan", "--out", "plan.json", "-v")
    said = ran(capsys, "apply", "--plan", "plan.json", "-v", code=ExitCode.PARTIAL)
    tokens = list(place.api.inner.login.good)  # type: ignore[attr-defined]
    basic = [one.headers["authorization"].partition(" ")[2] for one in place.login.seen]
    left = [path.read_text() for path in place.root.rglob("*") if path.is_file()]
    for secret in (ID, SECRET, *tokens, *basic):
        assert not any(secret in text or secret in json.dumps(text) for text in (said, *left))

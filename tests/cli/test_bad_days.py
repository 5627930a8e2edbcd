"""A server that is not what it should be, or says what it should not: one clear line, and no key for it."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from project import KEY, LIVE, Project, Served
from screen import Output
from wire import Server, running

from reconciler import cli
from reconciler.transport.messages import Request, Response


@pytest.mark.usefixtures("remote")
def test_an_unknown_key_and_a_personal_one_say_what_to_do(
    capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, words in (("wrong", "401"), ("mine", "organization")):
        monkeypatch.setenv("OMNI_API_KEY", key)
        assert cli.run(["plan"]) == 1
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("Error: ")
        assert err.count("\n") == 1
        assert words in err


def test_without_a_key_it_says_where_to_put_one(project: Project, capsys: Output) -> None:
    project.configure(url="https://acme.omniapp.co")
    assert cli.run(["plan"]) == 1
    assert capsys.readouterr().err == (
        "desired-state/acme/target.yaml: the environment variable OMNI_API_KEY is not set, or is empty\n"
        "    hint: export OMNI_API_KEY=..., or write it into .env, which git must ignore\n"
        "1 problem in 1 file.\n"
    )


@pytest.fixture
def server(project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that answers what it is told, as the project's target."""
    server = Server()
    url = server.root.removesuffix("/api")
    monkeypatch.setenv("OMNI_API_KEY", KEY)
    monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", url.partition("://")[2])
    project.configure(url=url)
    yield from running(server)


@pytest.mark.parametrize(
    ("status", "body", "headers", "words"),
    [
        (200, "<html><h1>Sign in</h1></html>", {"Content_Type": "text/html"}, "GET /v1/whoami"),
        (200, "", {}, "GET /v1/whoami"),
        (302, "", {"Location": "https://evil.example/?key=1"}, "a redirect (302) to evil.example/, which is"),
        (307, "", {"Location": "/login"}, "a redirect (307) to /login, which is"),
    ],
)
def test_what_is_no_answer_of_omni_is_one_clear_line(
    server: Server, capsys: Output, status: int, body: str, headers: dict[str, str], words: str
) -> None:
    server.reply(status, body, **headers)
    assert cli.run(["plan"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("Error: ")
    assert words in err
    assert err.count("\n") == 1
    assert KEY not in err
    assert len(server.seen) == 1


def test_an_answer_of_another_shape_is_one_clear_line(remote: Served, capsys: Output) -> None:
    remote.omni.hook = lambda request: (
        Response(200, json=[1, 2]) if request.path == "/scim/v2/groups" else None
    )
    assert cli.run(["plan"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"Error: GET /scim/v2/groups [^\n]+\n", err)


def test_a_certificate_that_does_not_verify_gets_no_key(
    tls_server: Server, project: Project, capsys: Output, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = f"127.0.0.1:{tls_server.server_port}"
    monkeypatch.setenv("OMNI_API_KEY", KEY)
    monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", host)
    project.configure(url=f"https://{host}")
    assert cli.run(["plan"]) == 1
    assert f"the certificate of {host} does not verify" in capsys.readouterr().err
    assert tls_server.seen == []


@pytest.mark.parametrize(
    ("url", "allowed", "words"),
    [
        ("http://acme.omniapp.co", None, "http can be read on the way; use https"),
        ("https://evil.example", None, "not one of Omni's own hosts; if it is yours, set "),
        (
            "http://127.0.0.1:8080",
            None,
            "not one of Omni's own hosts; if it is yours, set RECONCILER_ALLOWED_HOSTS=127.0.0.1:8080\n",
        ),
        ("https://acme.omniapp.co", "acme.example", "it is not in RECONCILER_ALLOWED_HOSTS; "),
        ("https://acme.omniapp.co", "", "RECONCILER_ALLOWED_HOSTS is set but names no host"),
    ],
)
def test_a_host_that_may_not_have_the_key_gets_nothing(
    project: Project,
    capsys: Output,
    monkeypatch: pytest.MonkeyPatch,
    url: str,
    allowed: str | None,
    words: str,
) -> None:
    monkeypatch.setenv("OMNI_API_KEY", KEY)
    Path(".env").write_text("RECONCILER_ALLOWED_HOSTS=evil.example,127.0.0.1:8080,acme.omniapp.co\n")
    if allowed is not None:
        monkeypatch.setenv("RECONCILER_ALLOWED_HOSTS", allowed)
    project.configure(url=url)
    assert cli.run(["plan"]) == 1
    assert words in capsys.readouterr().err


def test_two_live_users_with_one_address_stop_the_plan(project: Project, capsys: Output) -> None:
    project.seed({**LIVE, "users": {**LIVE["users"], "ADA@acme.com": {"name": "Ada"}}})
    assert cli.run(["plan"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert "ada@acme.com" in err


@pytest.mark.parametrize(
    "total", [lambda n: 3 + n, lambda n: 300 - n, lambda _: 3], ids=["grows", "shrinks", "repeats a page"]
)
def test_a_list_that_moves_while_it_is_read_makes_no_plan(
    remote: Served, capsys: Output, total: Callable[[int], int]
) -> None:
    def moving(request: Request) -> Response | None:
        if request.path != "/scim/v2/users":
            return None
        number = sum(seen.path == request.path for seen in remote.omni.seen)
        row = {"id": "00000000-0000-4000-8000-000000000001", "userName": "ada@acme.com"}
        start = int(request.query["startIndex"])
        page = {"Resources": [row], "totalResults": total(number), "startIndex": start, "itemsPerPage": 1}
        return Response(200, json=page)

    remote.omni.hook = moving
    assert cli.run(["plan"]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"Error: [^\n]+\n", err)
    assert len(remote.omni.seen) < 12

"""The servers that others wrote answer as servers of SCIM do, so that what the other tests find is ours."""

from collections.abc import Iterator
from typing import Any

import pytest
from others.scim2 import KEY, Scim2Server
from others.scimmy_process import running

from reconciler.sandbox.pretend import Site
from reconciler.sandbox.server import serve
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Request, Transport
from reconciler.transport.network import Network

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
PATCH = "urn:ietf:params:scim:api:messages:2.0:PatchOp"


@pytest.fixture(params=["scim2-server", "scimmy"])
def address(request: pytest.FixtureRequest) -> Iterator[str]:
    if request.param == "scimmy":
        with running("pages") as url:
            yield url
        return
    with serve(Scim2Server(), Site("/v2")) as served:
        yield f"{served.url}/v2"


@pytest.fixture
def server(address: str) -> Iterator[Transport]:
    network = Network(address)
    yield bearer(network, Secret(KEY))
    network.close()


def asked(server: Transport, method: Any, path: str, json: object = None, **query: str) -> Any:
    answer = server.send(Request(method, path, query, json=json))
    assert answer.ok, answer
    return answer.json


def test_somebody_is_created_changed_found_and_deleted(server: Transport) -> None:
    config = asked(server, "GET", "/ServiceProviderConfig")
    assert config["patch"]["supported"] is True
    for name in ("ada", "bob", "cleo"):
        asked(server, "POST", "/Users", {"schemas": [USER], "userName": name})
    change = {"op": "replace", "path": "displayName", "value": "Ada"}
    found = asked(server, "GET", "/Users", filter='userName eq "ada"')
    (ada,) = found["Resources"]
    asked(server, "PATCH", f"/Users/{ada['id']}", {"schemas": [PATCH], "Operations": [change]})
    assert asked(server, "GET", f"/Users/{ada['id']}")["displayName"] == "Ada"
    page = asked(server, "GET", "/Users", startIndex="2", count="1")
    assert (page["totalResults"], len(page["Resources"])) == (3, 1)
    asked(server, "DELETE", f"/Users/{ada['id']}")
    assert asked(server, "GET", "/Users")["totalResults"] == 2


def test_a_wrong_token_is_refused(address: str) -> None:
    network = Network(address)
    assert bearer(network, Secret("somebody-elses-token")).send(Request("GET", "/Users")).status == 401
    network.close()


def test_switches_of_the_one_in_process_do_what_they_say() -> None:
    def ask(server: Scim2Server, method: Any, path: str, json: object = None) -> Any:
        return bearer(server, Secret(KEY)).send(Request(method, path, json=json))

    without = Scim2Server(patch={"supported": False})
    ada = ask(without, "POST", "/Users", {"schemas": [USER], "userName": "ada"}).json
    assert ask(without, "PATCH", f"/Users/{ada['id']}", {"schemas": [PATCH], "Operations": []}).status == 501
    assert ada["meta"]["version"]
    assert (
        "version"
        not in ask(
            Scim2Server(etag={"supported": False}), "POST", "/Users", {"schemas": [USER], "userName": "ada"}
        ).json["meta"]
    )
    small = Scim2Server(wrong_totals=True, filter={"maxResults": 2})
    for name in ("a", "b", "c"):
        ask(small, "POST", "/Users", {"schemas": [USER], "userName": name})
    page = ask(small, "GET", "/Users").json
    assert (page["totalResults"], len(page["Resources"])) == (2, 2)

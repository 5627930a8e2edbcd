"""Keys, paths, the rate limit, who am I, definitions, pages and the state file."""

from pathlib import Path
from typing import get_args

import pytest
from asking import COMPANY, ask, body, company, detail, group_id, patch, rows, user_id

from reconciler.sandbox.omni.instance import Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.transport.messages import Method, Request, Response, Transport

METHODS: tuple[Method, ...] = get_args(Method)


def test_a_sandbox_is_a_transport() -> None:
    transport: Transport = company()
    assert transport.send(Request("GET", "/v1/whoami")).status == 401


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Basic sandbox"},
        {"authorization": "Bearer"},
    ],
)
def test_without_a_known_token_the_answer_is_401(headers: dict[str, str]) -> None:
    response = company().send(Request("GET", "/v1/whoami", headers=headers))
    assert detail(response, 401) == "Missing or invalid API key"
    assert response.headers["content-type"].startswith("application/json")


def test_with_the_switch_an_unknown_token_is_403_and_a_missing_one_still_401() -> None:
    sandbox = company(bad_token_403=True)
    assert detail(ask(sandbox, "GET", "/v1/whoami", token="nonsense"), 403) == "Invalid bearer token"
    assert sandbox.send(Request("GET", "/v1/whoami")).status == 401


def test_header_names_have_no_case() -> None:
    for name in ("authorization", "Authorization", "AUTHORIZATION"):
        assert company().send(Request("GET", "/v1/whoami", headers={name: "bearer sandbox"})).ok


@pytest.mark.parametrize("token", ["sandbox", "personal"])
def test_whoami_of_a_model_that_is_not_there_is_404(token: str) -> None:
    for models in ("m-1", "m-1,m-2", ",m-1"):
        words = detail(ask(company(), "GET", "/v1/whoami", token=token, modelId=models), 404)
        assert words == "Model m-1 not found"
    assert ask(company(), "GET", "/v1/whoami", token=token, modelId="").ok


def test_a_personal_key_is_kept_out_of_scim() -> None:
    sandbox = company()
    for kind in ("users", "Groups", "embed/users"):
        words = detail(ask(sandbox, "GET", f"/scim/v2/{kind}", token="personal"), 403)
        assert words == "User-scoped API keys are not allowed to access the SCIM API."
    assert ask(sandbox, "GET", "/v1/user-attributes", token="personal").ok


def test_whoami_names_the_membership_of_the_owner_and_the_scope_of_the_key() -> None:
    sandbox = company()
    mine = body(ask(sandbox, "GET", "/v1/whoami"))
    assert (mine["keyScope"], mine["orgRole"], mine["rolesByModel"]) == ("organization", "ORG_ADMIN", {})
    assert mine["user"]["membershipId"] == user_id(sandbox, "Ada@acme.com") != mine["user"]["id"]
    theirs = body(ask(sandbox, "GET", "/v1/whoami", token="personal"))
    assert (theirs["keyScope"], theirs["orgRole"]) == ("user", "MEMBER")
    nobodys = body(ask(sandbox, "GET", "/v1/whoami", token="ownerless"))
    assert nobodys["user"]["membershipId"] not in {row["id"] for row in rows(sandbox, "users")}


def test_an_older_instance_has_no_whoami() -> None:
    assert ask(company(whoami_missing=False), "GET", "/v1/whoami").ok
    assert ask(company(whoami_missing=True), "GET", "/v1/whoami").status == 404


def test_a_personal_key_ends_with_its_owner_and_an_organization_key_does_not() -> None:
    sandbox = company()
    cleo, ada = user_id(sandbox, "cleo@acme.com"), user_id(sandbox, "Ada@acme.com")
    patch(sandbox, "users", cleo, {"op": "replace", "path": "active", "value": False})
    assert ask(sandbox, "GET", "/v1/whoami", token="personal").status == 401
    ask(sandbox, "DELETE", f"/scim/v2/users/{cleo}")
    assert ask(sandbox, "GET", "/v1/whoami", token="personal").status == 401
    ask(sandbox, "DELETE", f"/scim/v2/users/{ada}")
    assert body(ask(sandbox, "GET", "/v1/whoami"))["user"]["membershipId"] == ada


def test_definitions_hold_the_system_ones_and_the_own_ones() -> None:
    records = body(ask(company(), "GET", "/v1/user-attributes"))["records"]
    by_name = {record["name"]: record for record in records}
    assert by_name["omni_user_id"]["id"] == ""
    assert by_name["omni_user_id"]["system"] is True
    region = by_name["region"]
    assert region.pop("id")
    assert region == {
        "name": "region",
        "label": "region",
        "type": "String",
        "multiple_values": True,
        "default_value": ["emea"],
        "description": None,
        "system": False,
    }


def test_definitions_may_be_forbidden() -> None:
    assert ask(company(definitions_forbidden=False), "GET", "/v1/user-attributes").ok
    words = detail(ask(company(definitions_forbidden=True), "GET", "/v1/user-attributes"), 403)
    assert words == "Insufficient permissions"


def test_paths_work_in_both_spellings() -> None:
    sandbox = company()
    for kind in ("users", "Users", "groups", "Groups", "embed/users", "embed/Users"):
        first = rows(sandbox, kind)[0]
        assert body(ask(sandbox, "GET", f"/scim/v2/{kind}/{first['id']}")) == first


@pytest.mark.parametrize(
    "path", ["/", "/v1/nothing", "/scim/v2", "/scim/v2/USERS", "/scim/v2/users/a/b", "/scim/v2/users/"]
)
def test_an_unknown_path_is_404(path: str) -> None:
    assert detail(ask(company(), "GET", path), 404) == f"Not found: {path}"


@pytest.mark.parametrize("kind", ["users", "groups", "embed/users"])
def test_an_unknown_id_is_404(kind: str) -> None:
    sandbox = company()
    for method in METHODS:
        if (method, kind) not in {("POST", "users"), ("POST", "groups")}:
            response = ask(sandbox, method, f"/scim/v2/{kind}/nobody", {})
            assert response.status in {404, 405}
    assert detail(ask(sandbox, "GET", f"/scim/v2/{kind}/nobody"), 404).endswith("not found")
    assert detail(ask(sandbox, "DELETE", f"/scim/v2/{kind}/nobody"), 404).endswith("not found")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/scim/v2/users"),
        ("PATCH", "/scim/v2/groups"),
        ("POST", "/scim/v2/users/x"),
        ("POST", "/scim/v2/embed/users"),
        ("PATCH", "/scim/v2/embed/users/x"),
        ("POST", "/v1/whoami"),
        ("POST", "/v1/user-attributes"),
    ],
)
def test_a_method_that_is_not_there_is_405(method: Method, path: str) -> None:
    assert detail(ask(company(), method, path), 405) == "Method not allowed"


def test_an_escaped_id_is_understood() -> None:
    sandbox = company()
    finance = group_id(sandbox, "Finance")
    escaped = "".join(f"%{ord(letter):02x}" for letter in finance)
    assert body(ask(sandbox, "GET", f"/scim/v2/groups/{escaped}"))["id"] == finance


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ("detail", {"detail": "User not found", "status": 404}),
        ("message", {"error": "not_found", "message": "User not found"}),
        ("error", {"error": "User not found"}),
    ],
)
def test_refusals_come_in_the_shapes_of_the_documentation(shape: str, expected: object) -> None:
    assert ask(company(error_shape=shape), "GET", "/scim/v2/users/x").json == expected


class Clock:
    """Seconds that move only when told to."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def limited(clock: Clock, **switches: object) -> Sandbox:
    return Sandbox(Store.from_seed({**COMPANY, "switches": switches}), clock=clock)


def test_the_limit_is_sixty_in_any_sixty_seconds_for_each_key() -> None:
    clock = Clock()
    sandbox = limited(clock)
    for _ in range(30):
        assert ask(sandbox, "GET", "/v1/whoami").ok
    clock.now += 30
    for _ in range(30):
        assert ask(sandbox, "GET", "/v1/whoami").ok
    refusal = ask(sandbox, "GET", "/v1/whoami")
    assert detail(refusal, 429) == "Too many requests"
    assert "retry-after" not in refusal.headers
    assert ask(sandbox, "GET", "/v1/whoami", token="ownerless").ok
    clock.now += 29.9
    assert ask(sandbox, "GET", "/v1/whoami").status == 429
    clock.now += 0.1
    assert [ask(sandbox, "GET", "/v1/whoami").status for _ in range(31)] == [200] * 30 + [429]


def test_a_limited_write_does_not_take_place() -> None:
    sandbox = limited(Clock(), requests_per_minute=1)
    ask(sandbox, "GET", "/v1/whoami")
    before = sandbox.store.snapshot()
    cleo = user_id(sandbox, "cleo@acme.com")
    assert ask(sandbox, "DELETE", f"/scim/v2/users/{cleo}").status == 429
    assert sandbox.store.snapshot() == before


def over_the_limit(**switches: object) -> Response:
    clock = Clock()
    sandbox = limited(clock, requests_per_minute=2, **switches)
    ask(sandbox, "GET", "/v1/whoami")
    clock.now += 10.5
    ask(sandbox, "GET", "/v1/whoami")
    return ask(sandbox, "GET", "/v1/whoami")


def test_retry_after_comes_with_the_switch_in_whole_seconds() -> None:
    assert over_the_limit(rate_limit_retry_after=True).headers["retry-after"] == "50"
    assert "retry-after" not in over_the_limit(rate_limit_retry_after=False).headers


def test_the_body_of_a_429_may_be_empty() -> None:
    empty = over_the_limit(rate_limit_empty_body=True, rate_limit_retry_after=True)
    assert (empty.status, empty.json, empty.text, empty.headers) == (429, None, "", {"retry-after": "50"})
    assert over_the_limit(rate_limit_empty_body=False).json is not None


def test_zero_turns_the_limit_off() -> None:
    sandbox = limited(Clock(), requests_per_minute=0)
    assert all(ask(sandbox, "GET", "/v1/whoami").ok for _ in range(200))


def test_pages_start_at_one_and_end_with_an_empty_one() -> None:
    sandbox = company()
    first = body(ask(sandbox, "GET", "/scim/v2/users", count=2))
    assert first["schemas"] == ["urn:ietf:params:scim:api:messages:2.0:ListResponse"]
    assert (first["totalResults"], first["startIndex"], first["itemsPerPage"]) == (3, 1, 2)
    assert [row["userName"] for row in first["Resources"]] == ["Ada@acme.com", "bob@acme.com"]
    second = body(ask(sandbox, "GET", "/scim/v2/users", count=2, startIndex=3))
    assert [row["userName"] for row in second["Resources"]] == ["cleo@acme.com"]
    past = body(ask(sandbox, "GET", "/scim/v2/users", count=2, startIndex=4))
    assert (past["Resources"], past["totalResults"], past["itemsPerPage"]) == ([], 3, 0)


@pytest.mark.parametrize("query", [{"startIndex": 0}, {"startIndex": -5}, {"count": 100}, {}])
def test_a_start_below_one_is_one(query: dict[str, int]) -> None:
    assert len(rows(company(), "users", **query)) == 3


@pytest.mark.parametrize(("count", "shown"), [(0, 0), (-1, 0), (1, 1)])
def test_a_count_of_none_shows_none(count: int, shown: int) -> None:
    assert len(rows(company(), "users", count=count)) == shown


@pytest.mark.parametrize("query", [{"count": "many"}, {"startIndex": "1.5"}, {"count": ""}])
def test_a_count_that_is_no_number_is_400(query: dict[str, str]) -> None:
    name = next(iter(query))
    assert detail(ask(company(), "GET", "/scim/v2/users", **query), 400) == (
        f"Bad Request: {name}: Expected number"
    )


def test_the_page_cap_limits_what_count_asks_for() -> None:
    assert len(rows(company(page_cap=2), "users", count=100)) == 2
    assert len(rows(company(), "users", count=100)) == 3


@pytest.mark.parametrize(
    ("kind", "filter_text"),
    [
        ("users", 'displayName eq "Ada"'),
        ("users", 'userName sw "a"'),
        ("users", "userName eq ada@acme.com"),
        ("users", 'userName eq "a" and active eq "true"'),
        ("users", r'userName eq "\x"'),
        ("groups", 'id eq "x"'),
        ("embed/users", 'displayName eq "x"'),
        ("users", ""),
    ],
)
def test_an_unsupported_filter_is_400(kind: str, filter_text: str) -> None:
    words = detail(ask(company(), "GET", f"/scim/v2/{kind}", filter=filter_text), 400)
    assert words.startswith("Bad Request: filter: ")


def test_what_was_written_is_in_the_state_file_before_the_answer(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    sandbox = company()
    sandbox.store.keep_in(state)
    ask(sandbox, "GET", "/scim/v2/users")
    assert not state.exists()
    ask(sandbox, "DELETE", f"/scim/v2/users/{user_id(sandbox, 'cleo@acme.com')}")
    assert Store.open(tmp_path / "seed.yaml", state).snapshot() == sandbox.store.snapshot()


def test_a_refused_write_changes_nothing(tmp_path: Path) -> None:
    sandbox = company()
    sandbox.store.keep_in(tmp_path / "state.json")
    ask(sandbox, "POST", "/scim/v2/groups", {"displayName": "Finance"})
    assert list(tmp_path.iterdir()) == []

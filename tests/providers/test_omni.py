from collections.abc import Mapping
from typing import Any

import pytest
from asking import company, user_id
from builders import a_group, a_user, desired, live

from reconciler.changes import Atom
from reconciler.errors import BadAnswer, CredentialRefused, Refused
from reconciler.model import (
    Caller,
    Definition,
    DesiredState,
    Group,
    LiveState,
    Need,
    User,
    Value,
    user_address,
)
from reconciler.operations import Operation
from reconciler.providers.omni.kind import OmniKind
from reconciler.providers.omni.provider import Omni
from reconciler.providers.registry import KINDS
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Reader, Request, Response, Transport

EMPTY = Response(200, {}, {"totalResults": 0, "Resources": []})
ATTRIBUTES = Need({"ada@acme.com": frozenset({"region"})})
WHOAMI: dict[str, Any] = {
    "keyScope": "organization",
    "orgRole": "ORG_ADMIN",
    "rolesByModel": {},
    "user": {"id": "account", "membershipId": "member"},
}


class Paths:
    """Answers each path in one way; lists are empty."""

    def __init__(self, **given: Response) -> None:
        names = {"whoami": "/v1/whoami", "definitions": "/v1/user-attributes", "users": "/scim/v2/users"}
        self.given = {names[name]: response for name, response in given.items()}
        self.asked: list[str] = []

    def send(self, request: Request) -> Response:
        self.asked.append(request.path)
        return self.given.get(request.path, Response(404) if request.path.startswith("/v1") else EMPTY)


def read(transport: Transport, need: Need | None = None) -> LiveState:
    return Omni().read(Reader(transport), need or Need())


def body(value: object, status: int = 200) -> Response:
    return Response(status, {}, value)


def test_it_is_registered() -> None:
    assert KINDS["omni"].provider({}, {}) == Omni()


class TestWhoami:
    def test_the_documented_answer_names_the_membership(self) -> None:
        assert read(Paths(whoami=body(WHOAMI))).callers == (Caller("", "member"),)

    def test_it_is_the_id_of_the_scim_user(self) -> None:
        sandbox = company()
        (caller,) = read(bearer(sandbox, Secret("sandbox"))).callers
        assert caller == Caller("", user_id(sandbox, "Ada@acme.com"))

    @pytest.mark.parametrize(
        ("answer", "caller"),
        [
            (body({"membershipId": "m", "email": "a@b.co"}), Caller("a@b.co", "m")),
            (body({"user": {"userName": "a@b.co"}, "membershipId": "m"}), Caller("a@b.co", "m")),
            (body({"user": {"membershipId": "m"}, "membershipId": "other"}), Caller("", "m")),
            (body({"user": "ada"}), Caller()),
            (body({"user": {"membershipId": 7, "email": None}}), Caller()),
            (body({}), Caller()),
            (body([]), Caller()),
            (body("ada"), Caller()),
            (Response(404), Caller()),
        ],
    )
    def test_other_shapes_say_what_they_say(self, answer: Response, caller: Caller) -> None:
        assert read(Paths(whoami=answer)).callers == (caller,)

    @pytest.mark.parametrize(
        ("answer", "error"),
        [(Response(401), CredentialRefused), (Response(500), Refused), (Response(200), BadAnswer)],
    )
    def test_a_failure_stops_the_read(self, answer: Response, error: type[Exception]) -> None:
        with pytest.raises(error):
            read(Paths(whoami=answer))


class TestAPersonalKey:
    def test_is_told_which_key_is_needed(self) -> None:
        with pytest.raises(CredentialRefused) as refused:
            read(bearer(company(), Secret("personal")))
        assert str(refused.value) == (
            "GET /scim/v2/users was answered 403: User-scoped API keys are not allowed to access the SCIM API"
            ". This key belongs to a user. Users and groups need an organization API key, which an "
            "Organization Admin makes in Omni's settings under API keys"
        )

    def test_is_told_also_where_the_server_says_something_else(self) -> None:
        personal = body(WHOAMI | {"keyScope": "user"})
        denied = body({"detail": "Insufficient permissions", "status": 403}, 403)
        with pytest.raises(CredentialRefused) as refused:
            read(Paths(whoami=personal, definitions=denied), ATTRIBUTES)
        assert str(refused.value).startswith(
            "GET /v1/user-attributes was answered 403: Insufficient permissions. This key belongs to a user."
        )

    def test_is_not_told_so_where_the_key_is_not_accepted_at_all(self) -> None:
        personal = body(WHOAMI | {"keyScope": "user"})
        with pytest.raises(CredentialRefused) as refused:
            read(Paths(whoami=personal, users=body({"detail": "Expired", "status": 401}, 401)))
        assert str(refused.value) == "GET /scim/v2/users was answered 401: Expired"

    @pytest.mark.parametrize("whoami", [body(WHOAMI), body([]), Response(404)])
    def test_is_not_supposed_where_nothing_says_so(self, whoami: Response) -> None:
        with pytest.raises(CredentialRefused) as refused:
            read(Paths(whoami=whoami, users=Response(403)))
        assert str(refused.value) == "GET /scim/v2/users was answered 403"


class TestDefinitions:
    def test_are_read_only_where_attributes_are_managed(self) -> None:
        paths = Paths(definitions=body([]))
        assert read(paths).definitions is None
        assert "/v1/user-attributes" not in paths.asked
        assert read(paths, ATTRIBUTES).definitions == {}
        assert read(paths, Need(others=frozenset({"region"}))).definitions == {}

    def test_say_type_number_of_values_and_default(self) -> None:
        found = read(bearer(company(), Secret("sandbox")), ATTRIBUTES).definitions
        assert found is not None
        assert found["region"] == Definition("region", multiple=True, default=("emea",))
        assert found["limit"] == Definition("limit", "number", default=10)
        assert found["omni_user_id"].system

    def test_name_the_attributes_of_everybody_where_everything_is_needed(self) -> None:
        sandbox = company(list_omits_attributes=True)
        state = read(bearer(sandbox, Secret("sandbox")), Need(everything=True))
        assert [set(found.resource.attributes or ()) for found in state.users] == [
            {"region", "limit", "team", "nickname"}
        ] * 3
        assert read(Paths(definitions=body([])), Need(everything=True)).definitions == {}

    ROW: Mapping[str, Any] = {"name": "region", "type": "String", "multiple_values": False}

    @pytest.mark.parametrize("wrap", ["records", "userAttributes", "attributes", None])
    def test_come_in_several_wrappers(self, wrap: str | None) -> None:
        rows = [self.ROW]
        found = read(Paths(definitions=body({wrap: rows} if wrap else rows)), ATTRIBUTES).definitions
        assert found == {"region": Definition("region")}

    @pytest.mark.parametrize(
        ("row", "definition"),
        [
            ({"name": "n", "type": "number"}, Definition("n", "number")),
            ({"name": "n", "type": "NUMBER", "default_value": 5}, Definition("n", "number", default=5)),
            ({"name": "n"}, Definition("n")),
            ({"name": "n", "default_value": {"odd": 1}}, Definition("n")),
            ({"name": "n", "default_value": ["a", None]}, Definition("n", default=("a",))),
            ({"name": "n", "system": True}, Definition("n", written="never")),
            ({"name": "omni_x"}, Definition("omni_x", written="never")),
            ({"name": "omni_x", "system": True}, Definition("omni_x", written="never")),
            ({"name": "omni_x", "system": False}, Definition("omni_x")),
        ],
    )
    def test_are_read_leniently(self, row: dict[str, Any], definition: Definition) -> None:
        assert read(Paths(definitions=body([row])), ATTRIBUTES).definitions == {row["name"]: definition}

    @pytest.mark.parametrize(
        ("answer", "error", "message"),
        [
            (body({"rows": []}), BadAnswer, "something that is not a list of attributes"),
            (body({"records": None}), BadAnswer, "something that is not a list of attributes"),
            (body("x"), BadAnswer, "something that is not a list of attributes"),
            (body([{"label": "x"}]), BadAnswer, "listed an attribute without a name"),
            (body(["x"]), BadAnswer, "listed an attribute without a name"),
            (Response(200, {}, None, "<html>"), BadAnswer, "an HTML page"),
            (Response(404), Refused, "was answered 404"),
            (Response(403), CredentialRefused, "was answered 403"),
        ],
    )
    def test_of_another_shape_stop_the_read(
        self, answer: Response, error: type[Exception], message: str
    ) -> None:
        with pytest.raises(error, match=message):
            read(Paths(definitions=answer), ATTRIBUTES)


def problems(
    wanted: DesiredState | User | Group, *definitions: Definition, known: bool = True
) -> list[tuple[str, str, str]]:
    state = wanted if isinstance(wanted, DesiredState) else desired(wanted)
    found = Omni().audit(state, live(definitions=definitions if known else None))
    return [(str(problem.place), problem.message, problem.hint) for problem in found]


class TestAudit:
    REGION = Definition("region", multiple=True)
    LEVEL = Definition("level", "number")
    CODE = Definition("code")

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("region", ("a", "b")),
            ("region", ()),
            ("region", None),
            ("region", ""),
            ("level", 5),
            ("level", "5"),
            ("level", "-1.5e3"),
            ("level", "9007199254740993"),
            ("level", None),
            ("level", ""),
            ("code", "x"),
            ("code", 5),
        ],
    )
    def test_what_fits_is_no_problem(self, name: str, value: Value) -> None:
        assert problems(a_user("a@b.co", attributes={name: value}), self.REGION, self.LEVEL, self.CODE) == []

    @pytest.mark.parametrize(
        ("name", "value", "message", "hint"),
        [
            ("regoin", "x", "Omni has no user attribute `regoin`", "did you mean `region`?"),
            (
                "zzz",
                "x",
                "Omni has no user attribute `zzz`",
                "define it in Omni's settings first, or remove it here",
            ),
            (
                "omni_user_id",
                "x",
                "`omni_user_id` is a system attribute, which Omni sets itself",
                "remove it here",
            ),
            (
                "code",
                ("a",),
                "`code` holds one value in Omni, and this is a list",
                "write one value without brackets",
            ),
            (
                "region",
                "a",
                "`region` holds a list in Omni, and this is one value",
                "write it in brackets: [value]",
            ),
            ("level", "high", "`level` is a number in Omni, and 'high' is none", "write a number"),
            ("level", "1_000", "`level` is a number in Omni, and '1_000' is none", "write a number"),
            ("level", "NaN", "`level` is a number in Omni, and 'NaN' is none", "write a number"),
            ("level", "٣", "`level` is a number in Omni, and '٣' is none", "write a number"),
            ("levels", (1, "x"), "`levels` is a number in Omni, and 'x' is none", "write a number"),
        ],
    )
    def test_what_does_not_fit_is_a_problem_at_its_place(
        self, name: str, value: Value, message: str, hint: str
    ) -> None:
        several = Definition("levels", "number", multiple=True)
        system = Definition("omni_user_id", written="never")
        user = a_user("a@b.co", attributes={name: value})
        place = f"files.yaml/user/a@b.co/attributes/{name}:1:1"
        found = problems(user, self.REGION, self.LEVEL, self.CODE, several, system)
        assert found == [(place, message, hint)]

    def test_every_problem_is_reported_in_order(self) -> None:
        users = [a_user(email, attributes={"y": 1, "x": 1}) for email in ("b@b.co", "a@b.co")]
        found = problems(desired(*users))
        assert [place for place, _, _ in found] == [
            "files.yaml/user/a@b.co/attributes/y:1:1",
            "files.yaml/user/a@b.co/attributes/x:1:1",
            "files.yaml/user/b@b.co/attributes/y:1:1",
            "files.yaml/user/b@b.co/attributes/x:1:1",
        ]

    def test_without_definitions_attributes_are_not_judged(self) -> None:
        assert problems(a_user("a@b.co", attributes={"x": 1}), known=False) == []
        assert problems(a_user("a@b.co"), self.CODE) == []


def test_the_name_of_a_group_has_64_characters_at_most() -> None:
    assert list(OmniKind().rules(desired(a_group("é" * 64)))) == []
    (problem,) = OmniKind().rules(desired(a_group("é" * 65)))
    assert str(problem.place) == f"files.yaml/group/{'é' * 65}:1:1"
    message = "the name has 65 characters, and a group of Omni at most 64"
    assert (problem.message, problem.hint) == (message, "shorten it")


def test_it_looks_translates_and_receives_as_a_scim_server() -> None:
    ada = user_address("ada@acme.com")
    sandbox = company()
    atom = Atom(ada, user_id(sandbox, "Ada@acme.com"), ("name",), "Ada", "A")
    state = Omni().look(Reader(bearer(sandbox, Secret("sandbox"))), [atom], {ada: str(atom.id)})
    assert [found.id for found in state.users] == [atom.id]
    assert Omni().translate([]) == []
    operation = Operation((atom,), "PATCH", ("scim", "v2", "users", "x"), None, "update user")
    assert Omni().receive(operation, Response(200)).verdict == "done"

"""Every field and every type of attribute, from the text of a file to a request, and back from a saved plan.

The table of fields in the model is held against the schemas, too.
"""

import dataclasses
import json
from typing import Any, get_args

import pytest
from builders import a_user, live
from providers.toy_provider import ToyProvider

from reconciler.changes import Create
from reconciler.desired import schema
from reconciler.desired.build import build
from reconciler.desired.documents import parse
from reconciler.model import (
    FIELDS,
    KEYED,
    NAMED_BY,
    PLAIN,
    STATED,
    Definition,
    DesiredState,
    Group,
    LiveState,
    Type,
    User,
    Value,
    group_address,
    user_address,
)
from reconciler.operations import Content, Field, Multipart, Ref, stages
from reconciler.plan import Plan
from reconciler.planning.plan import make_plan
from reconciler.planning.scope import MANAGED, MANAGED_GROUPS, Policy
from reconciler.providers.fitting import misfits
from reconciler.providers.omni.dialect import OMNI
from reconciler.providers.omni.provider import Omni
from reconciler.saved import from_json, to_json
from reconciler.views.text import plan_text

ATTRIBUTES: dict[str, tuple[Definition, str, Value, object]] = {
    "text": (Definition("a"), "0420", "0420", "0420"),
    "number": (Definition("a", "number"), "1.50", 1.5, 1.5),
    "boolean": (Definition("a", "boolean"), "true", True, True),
    "date-time": (
        Definition("a", "date-time"),
        "2024-01-31T10:00:00+02:00",
        "2024-01-31T08:00:00Z",
        "2024-01-31T08:00:00Z",
    ),
    "user": (Definition("a", "user"), "Bob@acme.com", "bob@acme.com", Ref(user_address("bob@acme.com"))),
    "group": (Definition("a", "group"), "Finance", "finance", Ref(group_address("finance"))),
    "several": (Definition("a", multiple=True), "[b, a, b]", ("a", "b"), ["a", "b"]),
    "booleans": (Definition("a", "boolean", multiple=True), "[true]", (True,), [True]),
    "any case": (Definition("a", exact_case=False), "EMEA", "EMEA", "EMEA"),
    "on creation": (Definition("a", written="on creation"), "x", "x", "x"),
    "never shown": (Definition("a", readable=False), "x", "x", "x"),
}
"""An attribute of each kind: its definition, what the file says, the value in the plan, and on the wire."""


def loaded(text: str) -> DesiredState:
    document = parse(text.encode(), "people.yaml")
    schema.check(document, "desired-state")
    state, problems = build([document])
    assert [*document.problems, *problems] == []
    return state


def planned(wanted: DesiredState, found: LiveState) -> Plan:
    return make_plan(wanted, found, Policy(), target="acme", provider="typed", url="").plan


def sent(plan: Plan) -> Any:
    """The bodies that the saved plan comes to, after it was read back."""
    saved = from_json(to_json(plan))
    assert saved == plan
    return [operation.body for part in stages(saved.changes) for operation in Omni().translate(part)]


def test_every_type_is_walked_and_a_file_where_a_system_takes_one() -> None:
    walked = {definition.type for definition, _, _, _ in ATTRIBUTES.values()}
    assert walked == {*get_args(Type)} - {"file"}
    wanted = loaded("users:\n  ada@acme.com:\n    attributes: {photo: ada.png}\n")
    plan = planned(wanted, live(definitions=[Definition("photo", "file", readable=False)]))
    saved = from_json(to_json(plan))
    assert saved == plan
    (operation,) = ToyProvider().translate(saved.changes)
    assert isinstance(operation.body, Multipart)
    assert operation.body.fields[-1] == Field("0.photo", Content("ada.png"), "a.png")


@pytest.mark.parametrize(("definition", "written", "value", "wire"), ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_an_attribute_goes_from_the_file_to_the_request(
    definition: Definition, written: str, value: Value, wire: object
) -> None:
    wanted = loaded(f"users:\n  ada@acme.com:\n    attributes: {{a: {written}}}\n")
    assert misfits(wanted, {"a": definition}, "Acme") == []
    plan = planned(wanted, live(definitions=[definition]))
    (change,) = plan.changes
    assert isinstance(change, Create)
    (field,) = (field for field in change.fields if field.path == ("attributes", "a"))
    assert (field.before, field.after, field.refers) == (None, value, definition.refers)
    *_, body = sent(plan)
    found = body["Operations"][0]["value"] if definition.refers else body
    assert found[OMNI.attributes] == {"a": wire}
    there = live(a_user("ada@acme.com", attributes={"a": value}), definitions=[definition])
    assert planned(wanted, there).changes == ()


def test_each_plain_field_goes_from_the_file_to_the_request() -> None:
    wanted = loaded("users:\n  ada@acme.com: {name: Ada, active: false}\n")
    plan = planned(wanted, live(a_user("ada@acme.com", name="A", active=True)))
    (change,) = plan.changes
    assert {f.path[0] for f in change.fields} == {*PLAIN["user"]}  # type: ignore[union-attr]
    ((part,),) = (body["Operations"] for body in sent(plan))
    assert part["value"] == {"displayName": "Ada", "active": False}


def test_groups_and_members_go_from_the_file_to_the_request() -> None:
    text = "users:\n  ada@acme.com: {groups: [Finance]}\ngroups:\n  Finance: {members: from_users}\n"
    plan = planned(loaded(text), live(a_user("ada@acme.com")))
    (body,) = sent(plan)
    assert (body["displayName"], len(body["members"])) == ("Finance", 1)


def test_a_plan_shows_true_as_the_file_has_it() -> None:
    wanted = loaded("users:\n  ada@acme.com: {attributes: {a: true}}\n")
    found = live(a_user("ada@acme.com", attributes={"a": "false"}), definitions=[Definition("a", "boolean")])
    assert "~ a  false -> true" in plan_text(planned(wanted, found))


# The table of fields


def test_the_fields_are_those_of_the_model() -> None:
    for kind, resource in (("user", User), ("group", Group)):
        modelled = [field.name for field in dataclasses.fields(resource)]
        assert [field.name for field in FIELDS if field.kind == kind] == modelled


@pytest.mark.parametrize("kind", STATED)
def test_the_schema_of_desired_state_has_them_in_their_order(kind: str) -> None:
    known = schema.load("desired-state")
    written = tuple(known["$defs"][kind]["properties"])
    assert written == (*STATED[kind], "previously", "state")  # type: ignore[index]


def test_the_schema_has_defaults_for_those_that_take_them() -> None:
    known = schema.load("desired-state")["properties"]["defaults"]["properties"]["users"]["properties"]
    assert list(known) == [field.name for field in FIELDS if field.has_default]


def test_the_schema_of_settings_lets_each_be_managed() -> None:
    known = schema.load("target")["properties"]["manage"]["properties"]["users"]
    assert known["items"]["enum"] == known["default"] == ["create", *STATED["user"]]
    assert set(known["default"]) == MANAGED
    groups = schema.load("target")["properties"]["manage"]["properties"]["groups"]
    assert groups["items"]["enum"] == groups["default"] == ["create", *NAMED_BY["group"], *STATED["group"]]
    assert set(groups["default"]) == MANAGED_GROUPS


def test_the_schema_of_plans_has_their_paths() -> None:
    own, keyed = json.loads(schema.texts()["plan"])["$defs"]["path"]["oneOf"]
    assert set(own["items"]["enum"]) == {NAMED_BY[k][0] for k in NAMED_BY} | {*PLAIN["user"]}
    assert set(keyed["prefixItems"][0]["enum"]) == {*KEYED.values()}


def test_a_saved_plan_with_another_field_is_refused() -> None:
    plan = planned(loaded("users:\n  ada@acme.com: {name: Ada}\n"), live())
    with pytest.raises(ValueError, match=r"a user has no field \['title'\]"):
        from_json(to_json(plan).replace('"name"\n', '"title"\n'))

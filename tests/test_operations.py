import json
from urllib.parse import quote

import pytest
from builders import changed
from executing import HERE, create_group, create_user
from hypothesis import given
from sample_plans import PLANS

from reconciler.changes import Atom, Change, Create, Delete, FieldChange, Removal, Update, atoms
from reconciler.model import group_address, user_address
from reconciler.operations import (
    Field,
    Form,
    Json,
    Multipart,
    Operation,
    Ref,
    Stage,
    in_order,
    is_id,
    resolve,
    stage_of,
    stages,
)
from reconciler.plan import Plan
from reconciler.transport.messages import BodyPart, Request

ADA, BOB, FINANCE = user_address("ada@acme.com"), user_address("bob@acme.com"), group_address("Finance")
JOINS = changed("members", ADA.key, after=True)
LEAVES = changed("members", BOB.key, before=True)
NAME = changed("name", before="Old", after="New")


def update(*fields: FieldChange, user: bool = False, removal: Removal | None = None) -> Update:
    return Update(ADA if user else FINANCE, "x", "id", fields, HERE, removal)


def test_a_request_has_ids_in_the_place_of_refs_and_is_escaped() -> None:
    body: Json = {
        "list": [{"value": Ref(ADA)}, 1, None],
        "path": Ref(BOB, 'members[value eq "{}"]'),
        "text": "{}",
    }
    operation = Operation((), "PATCH", ("scim", "a b/ü", Ref(FINANCE)), body, "")
    assert operation.needs == {ADA, BOB, FINANCE}
    assert resolve(operation, {ADA: "a-1", BOB: "b_2", FINANCE: "F3"}) == Request(
        "PATCH",
        "/scim/a%20b%2F%C3%BC/F3",
        json={"list": [{"value": "a-1"}, 1, None], "path": 'members[value eq "b_2"]', "text": "{}"},
    )


def test_a_form_has_ids_in_the_place_of_refs() -> None:
    form = Form((("name", "x"), ("member", Ref(ADA)), ("member", Ref(BOB, "user:{}"))))
    operation = Operation((), "POST", ("groups",), form, "")
    assert operation.needs == {ADA, BOB}
    request = resolve(operation, {ADA: "a-1", BOB: "b_2"})
    assert request == Request(
        "POST", "/groups", form=(("name", "x"), ("member", "a-1"), ("member", "user:b_2"))
    )


def test_so_has_multipart() -> None:
    fields = (Field("user", Ref(ADA)), Field("title", "Zoë"), Field("picture", b"\xff", "a.png", "image/png"))
    operation = Operation((), "POST", ("pictures",), Multipart(fields), "")
    assert operation.needs == {ADA}
    assert resolve(operation, {ADA: "a-1"}) == Request(
        "POST",
        "/pictures",
        multipart=(
            BodyPart("user", b"a-1"),
            BodyPart("title", "Zoë".encode()),
            BodyPart("picture", b"\xff", "a.png", "image/png"),
        ),
    )


def test_an_id_that_is_not_known_is_an_error() -> None:
    with pytest.raises(KeyError):
        resolve(Operation((), "DELETE", (Ref(ADA),), None, ""), {})


@pytest.mark.parametrize(
    "text", ["", "x\n", " x", "..", ".", "../x", "x/..", "a\\..\\b", "x\u202e", "x" * 501, None, 7]
)
def test_what_no_id_looks_like_gets_into_no_request(text: str) -> None:
    assert not is_id(text)
    inner = Ref(ADA, 'members[value eq "{}"]')
    for place in (Ref(ADA), inner, Form((("x", inner),)), Multipart((Field("x", inner),))):
        if isinstance(text, str):
            with pytest.raises(ValueError, match="which no id of a directory looks like"):
                resolve(Operation((), "PATCH", (), place, ""), {ADA: text})


@pytest.mark.parametrize("text", ['x"', "a b", "a/b?c#d", "%2e%2e", "{0}", "é", "\\"])
def test_an_id_is_any_text_and_is_escaped_wherever_it_goes(text: str) -> None:
    body = {"path": Ref(ADA, 'members[value eq "{}"]'), "value": Ref(ADA)}
    request = resolve(Operation((), "PATCH", ("Users", Ref(ADA)), body, ""), {ADA: text})
    assert request.path.removeprefix("/Users/") == quote(text, safe="")
    assert request.json == {
        "path": f"members[value eq {json.dumps(text, ensure_ascii=False)}]",
        "value": text,
    }


def test_ids_as_omni_gives_them_are_ids() -> None:
    assert all(map(is_id, ("mEhXj6ZI", "nPpX8Hw-", "nqGuU_uh", "4f9f2e0c-52f0-4a0f-9d7c-1f2e3d4c5b6a")))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (create_user("ada@acme.com", name="Ada"), [Stage.CREATE_USERS] * 2),
        (update(changed("name", after="x"), user=True), [Stage.UPDATE_USERS]),
        (
            update(changed("active", before=True, after=False), NAME, user=True, removal="deactivate"),
            [Stage.REMOVE_USERS] * 2,
        ),
        (update(changed("attributes", "x"), user=True, removal="revoke"), [Stage.REMOVE_USERS]),
        (Delete(ADA, "ada", "id", HERE), [Stage.REMOVE_USERS]),
        (create_group("Finance"), [Stage.CREATE_GROUPS]),
        (create_group("Finance", [ADA.key]), [Stage.CREATE_GROUPS] * 2),
        (update(NAME), [Stage.ADD_MEMBERS]),
        (update(NAME, JOINS, LEAVES), [Stage.ADD_MEMBERS, Stage.ADD_MEMBERS, Stage.REMOVE_MEMBERS]),
        (update(NAME, LEAVES), [Stage.REMOVE_MEMBERS] * 2),
        (Delete(FINANCE, "Finance", "id", HERE), [Stage.DELETE_GROUPS]),
    ],
)
def test_access_is_given_before_it_is_taken(change: Change, expected: list[Stage]) -> None:
    assert [stage_of(change, atom) for atom in atoms(change)] == expected


def test_changes_are_ordered_by_their_first_stage_and_then_by_address() -> None:
    gone = Delete(FINANCE, "Finance", "id", HERE)
    leaver = update(user=True, removal="revoke")
    moves = update(JOINS, LEAVES)
    new = [create_user("b@acme.com"), create_user("a@acme.com")]
    assert in_order([gone, leaver, moves, *new]) == (new[1], new[0], moves, leaver, gone)


def test_stages_hold_every_atom_once_and_no_part_is_empty() -> None:
    changes: list[Change] = [
        Delete(FINANCE, "Finance", "id", HERE),
        Create(group_address("New"), "New", (changed("name", after="New"), JOINS), HERE),
        Update(group_address("Sales"), "Sales", "s", (NAME, JOINS, LEAVES), HERE),
        update(user=True, removal="revoke"),
        create_user("b@acme.com"),
    ]
    parts = list(stages(changes))
    found: list[Atom] = [atom for part in parts for change in part for atom in atoms(change)]
    assert len(found) == len(set(found))
    assert set(found) == {atom for change in changes for atom in atoms(change)}
    assert [[str(change.address) for change in part] for part in parts] == [
        ["user/b@acme.com"],
        ["group/new"],
        ["group/sales"],
        ["group/sales"],
        ["group/finance"],
    ]


@given(PLANS)
def test_every_atom_has_exactly_one_turn(plan: Plan) -> None:
    unique = {change.address: change for change in plan.changes}.values()
    cut = [atom for part in stages(tuple(unique)) for change in part for atom in atoms(change)]
    assert sorted(map(repr, cut)) == sorted(repr(atom) for change in unique for atom in atoms(change))

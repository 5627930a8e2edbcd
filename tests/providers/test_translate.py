"""Answers, and what no golden case shows; which requests a change becomes is in cases/."""

from typing import Any

import pytest
from asking import company
from executing import HERE, create_group, create_user, delete, update_group, update_user

from reconciler.changes import Change, Create, Update, atoms
from reconciler.model import user_address
from reconciler.operations import resolve
from reconciler.providers.base import Answer, Verdict
from reconciler.providers.omni.dialect import OMNI
from reconciler.providers.scim.translate import receive, translate
from reconciler.transport.messages import Response

ADA = user_address("ada@acme.com")
SANDBOX = company()
CREATE = create_user("dan@acme.com", name="Dan")
UPDATE = update_user(SANDBOX, "ada@acme.com", name="Ada")
DELETE = delete(SANDBOX, ADA)


def answer(change: Any, response: Response) -> Answer:
    (operation,) = translate([change], OMNI)
    return receive(operation, response, OMNI)


@pytest.mark.parametrize(
    ("change", "response", "verdict"),
    [
        (CREATE, Response(201, {}, {"id": "u-9_Z"}), "done"),
        (CREATE, Response(200, {}, {"id": "u9"}), "done"),
        (CREATE, Response(201), "unsure"),
        (CREATE, Response(201, {}, {"id": ""}), "unsure"),
        (CREATE, Response(201, {}, {"id": 7}), "unsure"),
        (CREATE, Response(201, {}, {"id": "../groups"}), "unsure"),
        (CREATE, Response(201, {}, ["u9"]), "unsure"),
        (CREATE, Response(200, {}, None, "<html>Sign in</html>"), "unsure"),
        (CREATE, Response(409), "exists"),
        (UPDATE, Response(409), "refused"),
        (DELETE, Response(409), "refused"),
        (UPDATE, Response(200, {}, {}), "done"),
        (UPDATE, Response(204), "done"),
        (DELETE, Response(204), "done"),
        (UPDATE, Response(202), "pending"),
        (CREATE, Response(202, {}, {"id": "u9"}), "pending"),
        (UPDATE, Response(501), "unsupported"),
        (CREATE, Response(501), "unsupported"),
        (DELETE, Response(404), "done"),
        (UPDATE, Response(404), "refused"),
        (CREATE, Response(404), "refused"),
        (CREATE, Response(400), "refused"),
        (CREATE, Response(422), "refused"),
        (UPDATE, Response(302), "refused"),
        (UPDATE, Response(401), "credential"),
        (CREATE, Response(403), "credential"),
        (CREATE, Response(429), "busy"),
        (UPDATE, Response(408), "unsure"),
        (UPDATE, Response(500), "unsure"),
        (DELETE, Response(503), "unsure"),
    ],
)
def test_an_answer_is_understood(change: Any, response: Response, verdict: Verdict) -> None:
    found = answer(change, response)
    assert found.verdict == verdict
    assert (found.message == "") == (verdict == "done")


def test_the_id_of_what_was_made_is_learned() -> None:
    made = answer(CREATE, Response(201, {}, {"id": "u9"}))
    assert made.ids == {user_address("dan@acme.com"): "u9"}
    assert answer(UPDATE, Response(200, {}, {"id": "u9"})).ids == {}


def test_a_message_names_the_object_in_the_place_of_an_id() -> None:
    said = answer(UPDATE, Response(400, {}, {"detail": "No"})).message
    assert said == "PATCH /scim/v2/users/{user/ada@acme.com} was answered 400: No"
    assert answer(CREATE, Response(409)).message == "POST /scim/v2/users was answered 409"
    unsure = answer(CREATE, Response(201)).message
    assert unsure == "create user dan@acme.com: answered 201, but without an id"


def test_each_operation_covers_all_atoms_of_its_change() -> None:
    group = update_group(SANDBOX, "Finance", add=["bob@acme.com"], remove=["ada@acme.com"], rename="Money")
    changes: list[Change] = [CREATE, UPDATE, DELETE, group, create_group("New", ["ada@acme.com"])]
    assert [op.covers for op in translate(changes, OMNI)] == [atoms(change) for change in changes]


def test_an_operation_needs_the_ids_that_are_in_it() -> None:
    new, update, gone = translate([create_group("New", ["ada@acme.com"]), UPDATE, DELETE], OMNI)
    assert new.needs == {ADA}
    assert update.needs == {ADA}
    assert gone.needs == {ADA}


def test_a_change_without_fields_is_no_operation() -> None:
    assert translate([Update(ADA, "ada", "u1", (), HERE, "revoke"), Create(ADA, "ada", (), HERE)], OMNI) == []


@pytest.mark.parametrize("hostile", ["../groups", "..", "a/../b", "", "x\n"])
def test_no_id_of_another_shape_gets_into_a_request(hostile: str) -> None:
    (operation,) = translate([update_group(SANDBOX, "Finance", remove=["ada@acme.com"])], OMNI)
    ids = {change.address: change.id for change in (update_group(SANDBOX, "Finance"),)}
    with pytest.raises(ValueError, match="which no id of a directory looks like"):
        resolve(operation, {**ids, ADA: hostile})
    with pytest.raises(KeyError):
        resolve(operation, ids)

"""A plan as text, and back."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_plans import EVERY_KIND, PLANS

from reconciler.changes import Delete
from reconciler.errors import Place
from reconciler.model import user_address
from reconciler.plan import Note, Plan
from reconciler.saved import from_json, to_json

ADA = user_address("ada@acme.com")


@pytest.mark.usefixtures("uncounted")
@given(PLANS)
def test_a_saved_plan_comes_back_as_it_was(plan: Plan) -> None:
    text = to_json(plan)
    assert from_json(text) == plan
    assert to_json(from_json(text)) == text


def test_the_time_is_all_that_differs_between_two_plans_of_the_same_inputs() -> None:
    one, other = (to_json(replace(EVERY_KIND, created_at=at)).splitlines() for at in ("08:00", "09:00"))
    assert [line.split()[0] for line, twin in zip(one, other, strict=True) if line != twin] == [
        '"created_at":'
    ]


@pytest.mark.parametrize(
    "place",
    [
        Place("-"),
        Place("people.yaml"),
        Place("odd:name.yaml", 3, 4),
        Place("a:\u00b2:\u00b2"),
        Place("a:0:1"),
    ],
)
def test_a_place_comes_back_as_it_was(place: Place) -> None:
    plan = replace(EVERY_KIND, changes=(Delete(ADA, ADA.key, "id1", place),), notes=(Note("x", "m", place),))
    assert from_json(to_json(plan)) == plan


DOCUMENT = json.loads(to_json(EVERY_KIND))


def edited(edit: Callable[[Any], object]) -> str:
    document = json.loads(json.dumps(DOCUMENT))
    edit(document)
    return json.dumps(document)


def refused(remedy: object) -> dict[str, object]:
    return {"code": "users", "message": "too many", "remedy": remedy}


@pytest.mark.parametrize("text", ["", "{", to_json(EVERY_KIND)[:-20], "[" * 100_000, "\ufeff{}"])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it is not JSON: "):
        from_json(text)


@pytest.mark.parametrize("text", ["null", "[]", "{}", '"plan"', '{"planned_values": {}}'])
def test_what_is_another_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it is not a saved plan$"):
        from_json(text)


@pytest.mark.parametrize("version", [0, 2, "3", None])
def test_another_version_is_refused_by_name(version: object) -> None:
    with pytest.raises(ValueError, match=r"^its format_version is .+; this release reads 3: plan again$"):
        from_json(edited(lambda d: d.update(format_version=version)))


@pytest.mark.parametrize(
    "edit",
    [
        lambda d: d.update(target="staging"),
        lambda d: d.update(url="https://evil.example"),
        lambda d: d.update(digest="0" * 64),
        lambda d: d.pop("digest"),
        lambda d: d["changes"].pop(),
        lambda d: d["changes"].reverse(),
        lambda d: d["changes"][0]["fields"].pop(),
        lambda d: d["changes"][-1].update(id="g9"),
        lambda d: d["changes"][-1].update(label="New Desk"),
    ],
)
def test_a_plan_that_was_edited_is_refused(edit: Callable[[Any], object]) -> None:
    with pytest.raises(ValueError, match=r"it was edited after it was saved; plan again$"):
        from_json(edited(edit))


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda d: d.pop("census"), "'census' is missing"),
        (lambda d: d.update(changes={}), "{} is not a list"),
        (lambda d: d.update(changes=["x"]), ""),
        (lambda d: d.update(target=1), "1 is not a str"),
        (lambda d: d.update(requests=True), "True is not a int"),
        (lambda d: d["census"].pop("users"), "'users' is missing"),
        (lambda d: d["census"].update(users="30"), "'30' is not a int"),
        (lambda d: d["census"].update(members={"group/a": "1"}), "'1' is not a int"),
        (lambda d: d["census"].update(emptied=[1]), "1 is not a str"),
        (lambda d: d["notes"][0].update(place=1), "1 is not a str"),
        (
            lambda d: d.update(violations=[refused({"option": "--force", "number": 1})]),
            "'--force' is no option",
        ),
        (lambda d: d.update(violations=[refused({"option": "--allow-removals"})]), "'number' is missing"),
        (lambda d: d.update(violations=[refused({"why_not": 1})]), "1 is not a str"),
        (lambda d: d.update(violations=[refused(None)]), ""),
        (lambda d: d["notes"][0].update(warning="no"), "'no' is not a bool"),
        (
            lambda d: d["changes"][0].update(address="robot/x"),
            "'robot/x' is not the address of a user or group",
        ),
        (lambda d: d["changes"][0].update(address="user/"), "'user/' is not the address"),
        (lambda d: d["changes"][0].update(action="rename"), "unknown action 'rename'"),
        (lambda d: d["changes"][5].update(id=None), "None is not a str"),
        (
            lambda d: d["changes"][5].update(removal="erase"),
            "'erase' is not a way to take",
        ),
        (
            lambda d: d["changes"][2].update(removal="revoke"),
            "'revoke' is not a way to take",
        ),
        (lambda d: d["changes"][0]["fields"][0].update(path=[]), "a user has no field []"),
        (lambda d: d["changes"][0]["fields"][0].update(path=["members"]), "a user has no field ['members']"),
        (
            lambda d: d["changes"][2]["fields"][1].update(path=["members", ""]),
            "no field ['members', '']",
        ),
        (lambda d: d["changes"][2]["fields"][1].update(path=["attributes", "a"]), "a group has no field"),
        (
            lambda d: d["changes"][0]["fields"][0].update(after={}),
            "{} is not a str or int or",
        ),
        (lambda d: d["changes"][0]["fields"][0].update(after=[[]]), "[] is not a str or int or float"),
    ],
)
def test_a_plan_of_another_shape_is_refused_and_says_what(edit: Callable[[Any], object], said: str) -> None:
    with pytest.raises(ValueError, match=r"^it is not a saved plan, or was cut or edited: ") as caught:
        from_json(edited(edit))
    assert said in str(caught.value)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.data(), _JSON)
def test_whatever_stands_in_a_plan_file_it_is_read_or_refused(data: st.DataObject, junk: Any) -> None:
    document = json.loads(json.dumps(DOCUMENT))
    holder = document
    while True:
        keys = list(holder) if isinstance(holder, dict) else range(len(holder))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(holder[key], (dict, list)) or not holder[key] or data.draw(st.booleans()):
            break
        holder = holder[key]
    holder[key] = junk
    try:
        plan = from_json(json.dumps(document))
    except ValueError:
        return
    assert plan.digest == EVERY_KIND.digest

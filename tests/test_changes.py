"""Plans as data (changes) and changes as requests to be (operations)."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from builders import changed
from hypothesis import given
from hypothesis import strategies as st
from sample_plans import EVERY_KIND, PLANS, create_user, member

from reconciler.changes import (
    Atom,
    Change,
    Counts,
    Create,
    Delete,
    FieldChange,
    Note,
    Plan,
    Update,
    atoms,
    count,
    dump_json,
    from_json,
    narrow,
    to_json,
)
from reconciler.errors import Place
from reconciler.model import Address, group_address, user_address
from reconciler.operations import Operation, Ref, Stage, in_order, resolve, stage_of, stages

ADA, FINANCE = user_address("ada@acme.com"), group_address("Finance")
HERE = Place("people.yaml", 3, 5)


def update(address: Address, *fields: FieldChange, removal: Any = None) -> Update:
    return Update(address, address.key, "id1", fields, HERE, removal)


def make(address: Address, *fields: FieldChange) -> Create:
    return Create(address, address.key, fields, HERE)


def delete(address: Address) -> Delete:
    return Delete(address, address.key, "id1", HERE)


# counts


def test_every_kind_of_change_is_counted_once() -> None:
    assert EVERY_KIND.counts == Counts(
        users_created=2,
        users_updated=2,
        users_deactivated=1,
        users_revoked=2,
        users_deleted=1,
        groups_created=2,
        groups_updated=3,
        groups_deleted=1,
        memberships_added=15,
        memberships_removed=3,
        values_set=7,
        values_cleared=2,
    )
    assert EVERY_KIND.counts.removals == 10


def test_nothing_counts_as_nothing() -> None:
    assert count([]) == Counts()
    assert Counts().removals == 0


# atoms


def test_an_update_has_one_atom_for_each_field_and_edge() -> None:
    change = update(
        FINANCE, changed("name", before="F", after="Finance"), member("ada@acme.com", joins=False)
    )
    assert atoms(change) == (
        Atom(FINANCE, "id1", ("name",), "F", "Finance"),
        Atom(FINANCE, "id1", ("members", "ada@acme.com"), before=True, after=None),
    )
    assert [atom.member for atom in atoms(change)] == [None, ADA]
    assert [str(atom) for atom in atoms(change)] == [
        "group/finance name",
        "group/finance members ada@acme.com",
    ]


def test_what_is_created_has_atoms_without_an_id() -> None:
    assert atoms(make(ADA, changed("email", after="ada@acme.com"))) == (
        Atom(ADA, None, ("email",), None, "ada@acme.com"),
    )


def test_a_deletion_is_one_atom_with_the_empty_path() -> None:
    assert atoms(delete(ADA)) == (Atom(ADA, "id1", (), before=True, after=None),)


# narrow


def test_a_change_narrowed_to_all_of_its_atoms_is_itself() -> None:
    for change in EVERY_KIND.changes:
        if atoms(change):
            assert narrow(change, atoms(change)) == change


def test_a_change_narrowed_to_none_of_its_atoms_is_gone() -> None:
    for change in EVERY_KIND.changes:
        assert narrow(change, []) is None


def test_a_change_is_narrowed_to_the_fields_that_are_wanted() -> None:
    change = update(ADA, changed("name", after="Ada"), changed("attributes", "region", after="emea"))
    assert narrow(change, atoms(change)[1:]) == replace(change, fields=change.fields[1:])


def test_an_atom_of_another_object_or_value_keeps_nothing() -> None:
    change = update(ADA, changed("name", before="A", after="Ada"))
    (atom,) = atoms(change)
    assert narrow(change, [replace(atom, id="id2"), replace(atom, before="B")]) is None
    assert narrow(delete(ADA), [replace(atoms(delete(ADA))[0], id="id2")]) is None


def test_a_deactivation_without_its_active_field_is_an_update_like_any_other() -> None:
    name, active = changed("name", before="A", after="Ada"), changed("active", before=True, after=False)
    change = update(ADA, name, active, removal="deactivate")
    name_atom, active_atom = atoms(change)
    assert narrow(change, [name_atom]) == update(ADA, name)
    assert narrow(change, [active_atom]) == update(ADA, active, removal="deactivate")


def test_a_revocation_stays_one_whatever_is_left_of_it() -> None:
    fields = changed("attributes", "a", before="x"), changed("attributes", "b", before="x")
    change = update(ADA, *fields, removal="revoke")
    assert narrow(change, atoms(change)[:1]) == update(ADA, fields[0], removal="revoke")


# digest


def test_the_digest_is_what_the_contract_says_it_is() -> None:
    plan = Plan("demo", "omni", "https://acme.omniapp.co", changes=(make(ADA, changed("name", after="Ada")),))
    canonical = (
        '{"changes":[{"action":"create","address":"user/ada@acme.com",'
        '"fields":[{"after":"Ada","before":null,"path":["name"]}],"label":"ada@acme.com"}],'
        '"target":"demo","url":"https://acme.omniapp.co"}'
    )
    assert plan.digest == hashlib.sha256(canonical.encode()).hexdigest()


def test_the_digest_ignores_places_notes_census_and_time() -> None:
    moved = tuple(replace(change, place=Place("other.yaml", 1, 1)) for change in EVERY_KIND.changes)
    bare = Plan(EVERY_KIND.target, "omni", EVERY_KIND.url, moved)
    assert bare.digest == EVERY_KIND.digest


@pytest.mark.parametrize(
    "other",
    [
        replace(EVERY_KIND, target="staging"),
        replace(EVERY_KIND, url="https://other.omniapp.co"),
        replace(EVERY_KIND, changes=EVERY_KIND.changes[1:]),
        replace(EVERY_KIND, changes=EVERY_KIND.changes[::-1]),
        replace(EVERY_KIND, changes=(*EVERY_KIND.changes[:-1], delete(FINANCE))),
    ],
)
def test_the_digest_sees_everything_else(other: Plan) -> None:
    assert other.digest != EVERY_KIND.digest


# saved plans


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
    plan = replace(EVERY_KIND, changes=(replace(delete(ADA), place=place),), notes=(Note("x", "m", place),))
    assert from_json(to_json(plan)) == plan


def test_saved_text_is_readable_and_cannot_act_on_a_terminal() -> None:
    text = dump_json({"name": "Zoë 山田", "bad": "\x1b\x7f\x9b\u202e\u2028\ud800\U000e0041"})
    assert "Zoë 山田" in text
    assert '"\\u001b\\u007f\\u009b\\u202e\\u2028\\ud800\\udb40\\udc41"' in text
    assert text.endswith("}\n")


DOCUMENT = json.loads(to_json(EVERY_KIND))


def edited(edit: Callable[[Any], object]) -> str:
    document = json.loads(json.dumps(DOCUMENT))
    edit(document)
    return json.dumps(document)


@pytest.mark.parametrize("text", ["", "{", to_json(EVERY_KIND)[:-20], "[" * 100_000, "\ufeff{}"])
def test_what_is_not_json_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it is not JSON: "):
        from_json(text)


@pytest.mark.parametrize("text", ["null", "[]", "{}", '"plan"', '{"planned_values": {}}'])
def test_what_is_another_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^it is not a saved plan$"):
        from_json(text)


@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_refused_by_name(version: object) -> None:
    with pytest.raises(ValueError, match=r"^its format_version is .+; this release reads 1: plan again$"):
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


# operations


def operation(*path: str | Ref, body: Any = None) -> Operation:
    return Operation((), "PATCH", path, body, "update it")


def test_an_operation_needs_the_ids_that_it_refers_to() -> None:
    body = {"members": [{"value": Ref(ADA)}], "n": 1, "none": None}
    assert operation("groups", Ref(FINANCE), body=body).needs == {ADA, FINANCE}
    assert operation("groups").needs == frozenset()


def test_ids_are_filled_in_wherever_they_are_referred_to() -> None:
    body = {
        "Operations": [{"path": Ref(ADA, 'members[value eq "{}"]'), "value": [Ref(ADA)]}],
        "kept": [1, 1.5, True, None, "x"],
    }
    request = resolve(operation("scim", "groups", Ref(FINANCE), body=body), {ADA: "u-1_A", FINANCE: "g1"})
    assert (request.method, request.path) == ("PATCH", "/scim/groups/g1")
    assert request.json == {
        "Operations": [{"path": 'members[value eq "u-1_A"]', "value": ["u-1_A"]}],
        "kept": [1, 1.5, True, None, "x"],
    }


def test_every_segment_of_a_path_is_escaped() -> None:
    request = resolve(operation("a/b?c", Ref(ADA, "x {}#")), {ADA: "u1"})
    assert request.path == "/a%2Fb%3Fc/x%20u1%23"


def test_an_id_that_is_not_known_is_no_request() -> None:
    with pytest.raises(KeyError):
        resolve(operation("groups", Ref(FINANCE)), {ADA: "u1"})


@pytest.mark.parametrize("live_id", ["", "..", "a/b", 'x"] or userName pr', "a b", "ü", "a\n"])
def test_an_id_that_could_mean_something_else_is_never_sent(live_id: str) -> None:
    for used in (operation("users", Ref(ADA)), operation("groups", body=[Ref(ADA)])):
        with pytest.raises(ValueError, match="which no id of a directory looks like"):
            resolve(used, {ADA: live_id})


NAMED = changed("name", after="x")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (make(ADA, NAMED), [Stage.CREATE_USERS]),
        (make(FINANCE, NAMED), [Stage.NAME_GROUPS]),
        (make(FINANCE, NAMED, member("a")), [Stage.ADD_MEMBERS, Stage.ADD_MEMBERS]),
        (update(FINANCE, NAMED), [Stage.NAME_GROUPS]),
        (update(FINANCE, NAMED, member("a", joins=False)), [Stage.REMOVE_MEMBERS, Stage.REMOVE_MEMBERS]),
        (update(ADA, NAMED), [Stage.UPDATE_USERS]),
        (
            update(FINANCE, NAMED, member("a"), member("b", joins=False)),
            [Stage.ADD_MEMBERS, Stage.ADD_MEMBERS, Stage.REMOVE_MEMBERS],
        ),
        (update(ADA, NAMED, removal="revoke"), [Stage.REMOVE_USERS]),
        (delete(ADA), [Stage.REMOVE_USERS]),
        (delete(FINANCE), [Stage.DELETE_GROUPS]),
    ],
)
def test_each_atom_has_its_turn(change: Change, expected: list[Stage]) -> None:
    assert [stage_of(change, atom) for atom in atoms(change)] == expected


def test_changes_are_ordered_by_their_first_turn_then_by_name() -> None:
    gone = update(user_address("gone@acme.com"), removal="revoke")
    ordered = (
        create_user("a@acme.com"),
        create_user("b@acme.com"),
        make(FINANCE, NAMED),
        update(ADA, NAMED),
        gone,
        delete(FINANCE),
    )
    assert in_order(reversed(ordered)) == ordered


def test_a_change_is_cut_where_its_parts_have_different_turns() -> None:
    adds, removes = member("a"), member("b", joins=False)
    mixed, create = update(FINANCE, adds, removes), create_user("a@acme.com")
    nothing = update(ADA, removal="revoke")
    assert list(stages([mixed, create, nothing, delete(ADA)])) == [
        (create,),
        (update(FINANCE, adds),),
        (update(FINANCE, removes),),
        (delete(ADA),),
    ]


@given(PLANS)
def test_every_atom_has_exactly_one_turn(plan: Plan) -> None:
    unique = {change.address: change for change in plan.changes}.values()
    cut = [atom for part in stages(tuple(unique)) for change in part for atom in atoms(change)]
    assert sorted(map(repr, cut)) == sorted(repr(atom) for change in unique for atom in atoms(change))

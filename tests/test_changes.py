"""Plans and their changes as data."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest
from builders import changed
from sample_plans import EVERY_KIND, member

from reconciler.changes import (
    Atom,
    Change,
    Counts,
    Create,
    Delete,
    FieldChange,
    Update,
    atoms,
    count,
    ends_access_by,
    narrow,
    takes_away,
)
from reconciler.errors import Place
from reconciler.model import Address, group_address, user_address
from reconciler.plan import Plan, PullRequest

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


@pytest.mark.parametrize(
    "change",
    [
        delete(ADA),
        delete(FINANCE),
        update(ADA, removal="revoke"),
        update(ADA, FieldChange(("active",), None, after=False)),
        update(ADA, FieldChange(("attributes", "region"), "emea", None)),
        update(FINANCE, FieldChange(("members", "ada"), before=True, after=None)),
    ],
)
def test_whatever_somebody_loses_is_taken_away(change: Change) -> None:
    assert takes_away(change)


@pytest.mark.parametrize("value", [0, 0.0, "0", True, ("a",)])
def test_a_value_that_is_set_takes_nothing_away_be_it_nought(value: Any) -> None:
    level = FieldChange(("attributes", "level"), 1, value)
    assert not takes_away(update(ADA, level))
    assert not takes_away(make(ADA, level))


def test_access_ends_by_the_atoms_that_end_it() -> None:
    fields = (FieldChange(("name",), "A", "B"), FieldChange(("active",), before=True, after=False))

    def ends(change: Change) -> list[bool]:
        return [ends_access_by(change, atom) for atom in atoms(change)]

    assert ends(update(ADA, *fields)) == [False, False]
    assert ends(update(ADA, *fields, removal="deactivate")) == [False, True]
    assert ends(update(ADA, *fields, removal="revoke, deactivate")) == [True, True]
    assert ends(delete(ADA)) == [True]
    assert ends(delete(FINANCE)) == [False]


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


def test_a_part_of_a_removal_that_leaves_the_person_active_says_so() -> None:
    fields = changed("attributes", "region", before="emea"), changed("active", before=True, after=False)
    change = update(ADA, *fields, removal="revoke, deactivate")
    cleared, inactive = atoms(change)
    assert narrow(change, [cleared]) == update(ADA, fields[0], removal="revoke")
    assert narrow(change, [inactive]) == update(ADA, fields[1], removal="revoke, deactivate")
    assert (change.removal, Plan("t", "omni", "", (change,)).counts.removals) == ("revoke, deactivate", 2)


# digest


def test_the_digests_are_what_the_contract_says_they_are() -> None:
    plan = Plan("demo", "omni", "https://acme.omniapp.co", changes=(make(ADA, changed("name", after="Ada")),))
    named = (
        '"changes":[{"action":"create","address":"user/ada@acme.com",'
        '"fields":[{"after":"Ada","before":null,"path":["name"]}],"label":"ada@acme.com"}],'
    )
    canonical = f'{{{named}"included":["change"],"target":"demo","url":"https://acme.omniapp.co"}}'
    assert plan.removals_digest == hashlib.sha256(canonical.encode()).hexdigest()
    sealed = (
        f'{{"applied":"","base":"",{named}"included":["change"],"numbers":{{"active_users":0,'
        '"active_users_after":0,"aliases":{},"callers":[],"deserted":[],"emptied":[],"ending":[],"groups":0,'
        '"live_users":0,"losses":{},"members":{},"memberships":0,'
        '"users":0,"values":0},"pull":null,"since":"","target":"demo","url":"https://acme.omniapp.co"}'
    )
    assert plan.digest == hashlib.sha256(sealed.encode()).hexdigest()


ON_A_PULL = replace(
    EVERY_KIND,
    base="b" * 40,
    since="c" * 40,
    applied="c" * 40,
    pull=PullRequest(7, "a" * 40, 1),
    origins={(atom.address, atom.path): "change" for change in EVERY_KIND.changes for atom in atoms(change)},
)


def test_the_digest_ignores_places_notes_and_time() -> None:
    moved = tuple(replace(change, place=Place("other.yaml", 1, 1)) for change in ON_A_PULL.changes)
    census = replace(ON_A_PULL.census, unlisted_users=999, unlisted_groups=999, kept_members=999)
    other = replace(ON_A_PULL, changes=moved, notes=(), created_at="later", requests=0, census=census)
    assert other.digest == ON_A_PULL.digest


@pytest.mark.parametrize(
    "other",
    [
        replace(ON_A_PULL, target="staging"),
        replace(ON_A_PULL, url="https://other.omniapp.co"),
        replace(ON_A_PULL, changes=ON_A_PULL.changes[1:]),
        replace(ON_A_PULL, changes=ON_A_PULL.changes[::-1]),
        replace(ON_A_PULL, changes=(*ON_A_PULL.changes[:-1], delete(FINANCE))),
        replace(ON_A_PULL, base="d" * 40),
        replace(ON_A_PULL, since="d" * 40),
        replace(ON_A_PULL, applied="d" * 40),
        replace(ON_A_PULL, included=("change", "drift")),
        replace(ON_A_PULL, origins=dict.fromkeys(ON_A_PULL.origins, "drift")),
        replace(ON_A_PULL, scope=("users",)),
        replace(ON_A_PULL, only=("user/ada@acme.com",)),
        replace(ON_A_PULL, partly_read=True),
        replace(ON_A_PULL, pull=None),
        replace(ON_A_PULL, pull=PullRequest(8, "a" * 40, 1)),
        replace(ON_A_PULL, pull=PullRequest(7, "b" * 40, 1)),
        replace(ON_A_PULL, pull=PullRequest(7, "a" * 40, 0)),
        *(
            replace(ON_A_PULL, census=replace(ON_A_PULL.census, **{name: value}))
            for name, value in (
                *((name, 1234) for name in ("users", "active_users", "active_users_after")),
                *((name, 1234) for name in ("groups", "memberships", "values")),
                *((name, {"group/x": 1234}) for name in ("members", "losses")),
                ("emptied", ("group/x",)),
                *((name, ("group/x",)) for name in ("deserted", "ending", "callers")),
                ("aliases", {"group/x": ("y",)}),
                ("live_users", 1234),
            )
        ),
    ],
)
def test_the_digest_sees_everything_that_an_apply_acts_upon(other: Plan) -> None:
    assert other.digest != ON_A_PULL.digest


def test_an_approval_of_removals_outlives_a_sign_up_and_nothing_else() -> None:
    census = replace(ON_A_PULL.census, users=999, active_users=999)
    outlived = replace(ON_A_PULL, census=census, base="d" * 40, since="", applied="", pull=None)
    assert outlived.removals_digest == ON_A_PULL.removals_digest
    for other in (
        replace(ON_A_PULL, changes=ON_A_PULL.changes[1:]),
        replace(ON_A_PULL, included=("change", "drift")),
        replace(ON_A_PULL, target="staging"),
        replace(ON_A_PULL, origins=dict.fromkeys(ON_A_PULL.origins, "drift")),
    ):
        assert other.removals_digest != ON_A_PULL.removals_digest

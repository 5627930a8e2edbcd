"""What changes of a person are sent as, and what becomes of them in a directory."""

from typing import Any

import pytest
from builders import a_group, a_user, desired
from hypothesis import given, settings
from hypothesis import strategies as st
from providers.scim.directories import ADA, BADGE, ENTERPRISE, GRACE, SEED, ZOE, Directory, without_secrets

from reconciler.model import group_address, user_address
from reconciler.planning.scope import Policy
from reconciler.providers.scim.quirks import Quirks
from reconciler.transport.messages import Request, Response

NEW = "new@acme.com"
TEXTS = st.text("abcÄ \"\\'[].:@/é", min_size=1, max_size=5).map(str.strip).filter(bool)
ATTRIBUTES: dict[str, st.SearchStrategy[Any]] = {
    "title": TEXTS,
    "name.givenName": TEXTS,
    "name.familyName": TEXTS,
    "emails.work": TEXTS,
    "emails.home": TEXTS,
    "emails.home.display": TEXTS,
    "emails.primary": st.sampled_from(["work"]),
    "phoneNumbers.mobile": TEXTS,
    "addresses.work.locality": TEXTS,
    "addresses.home.country": TEXTS,
    "addresses.home.postalCode": TEXTS,
    "enterprise.department": TEXTS,
    "enterprise.manager": st.sampled_from([GRACE, ZOE]),
    "acme.badge": TEXTS,
    "acme.level": st.integers(-9, 2**55),
    "acme.tags": st.lists(TEXTS, max_size=3).map(tuple),
    "acme.trusted": st.booleans(),
    "acme.desk.floor": st.integers(0, 9),
    "externalId": TEXTS,
}


@st.composite
def stated(draw: st.DrawFn) -> dict[str, Any]:
    names = draw(st.lists(st.sampled_from(sorted(ATTRIBUTES)), unique=True, max_size=8))
    found = {name: draw(st.none() | ATTRIBUTES[name]) for name in names}
    if found.get("emails.primary"):
        found["emails.work"] = draw(TEXTS)
    if "emails.home" in found and found["emails.home"] is None:
        found.pop("emails.home.display", None)
    return found


def steps() -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(stated(), min_size=1, max_size=3)


@settings(max_examples=25)
@given(steps=steps(), someone=st.sampled_from([ADA, NEW]))
def test_patch_and_put_come_to_the_same_and_touch_nothing_else(
    steps: list[dict[str, Any]], someone: str
) -> None:
    by = {
        verb: Directory({"patch": verb, "removes_by_value": True}, without_secrets())
        for verb in ("on", "off")
    }
    for attributes in steps:
        for directory in by.values():
            directory.converges(desired(a_user(someone, attributes=attributes)))
    held = [directory.holds for directory in by.values()]
    for one in held:
        for user in one["users"].values():
            # That a value is not the primary one is said by false, or by nothing.
            emails = ({k: v for k, v in each.items() if v is not False} for each in user.get("emails", []))
            user["emails"] = sorted(str(sorted(each.items())) for each in emails)
    assert held[0] == held[1]
    assert "[('value', 'nameless@acme.com')]" in held[0]["users"][ADA]["emails"]
    assert held[0]["users"][ZOE]["displayName"] == "Zoe"
    verbs = {request.method for request in by["off"].writes}
    assert "PATCH" not in verbs


@pytest.mark.parametrize("verb", ["on", "off"])
def test_a_new_address_may_be_the_primary_one_at_once(verb: str) -> None:
    directory = Directory({"patch": verb, "removes_by_value": True}, without_secrets())
    for attributes in ({}, {"emails.primary": "work", "emails.work": "new@acme.com"}):
        directory.converges(desired(a_user(NEW, attributes=attributes)))
    (email,) = directory.holds["users"][NEW]["emails"]
    assert (email["type"], email["primary"]) == ("work", True)


def bodies(directory: Directory) -> list[Any]:
    return [request.json for request in directory.writes]


def test_a_person_and_their_manager_are_made_in_one_plan() -> None:
    directory = Directory()
    files = desired(
        a_user("ann@acme.com", attributes={"enterprise.manager": "bob@acme.com"}), a_user("bob@acme.com")
    )
    directory.apply(files)
    assert [request.method for request in directory.writes] == ["POST", "POST", "PATCH"]
    users = directory.holds["users"]
    assert users["ann@acme.com"][ENTERPRISE] == {"manager": {"value": "bob@acme.com"}}
    assert directory.plan(files).plan.changes == ()


def test_two_manage_each_other() -> None:
    directory = Directory()
    directory.converges(
        desired(
            a_user("ann@acme.com", attributes={"enterprise.manager": "bob@acme.com"}),
            a_user("bob@acme.com", attributes={"enterprise.manager": "ann@acme.com"}),
        )
    )
    users = directory.holds["users"]
    assert users["ann@acme.com"][ENTERPRISE] == {"manager": {"value": "bob@acme.com"}}
    assert users["bob@acme.com"][ENTERPRISE] == {"manager": {"value": "ann@acme.com"}}


@pytest.mark.parametrize(
    ("attributes", "primary"),
    [
        ({"emails.work": "w@x.example", "emails.home": "h@x.example"}, ["work"]),
        ({"emails.home": "h@x.example", "emails.work": "w@x.example"}, ["home"]),
        (
            {"emails.work": "w@x.example", "emails.home": "h@x.example", "emails.primary": "home"},
            ["home"],
        ),
        ({"emails.work": None, "emails.home": "h@x.example"}, ["home"]),
        ({"phoneNumbers.work": "1"}, []),
    ],
)
@pytest.mark.parametrize("live", [False, True])
@pytest.mark.parametrize("patch", ["on", "off"])
def test_the_first_address_that_is_written_is_the_primary_one(
    attributes: dict[str, Any], primary: list[str], patch: str, *, live: bool
) -> None:
    directory = Directory({"patch": patch}, without_secrets())
    directory.converges(desired(a_user(GRACE if live else NEW, attributes=attributes)))
    emails = directory.holds["users"][GRACE if live else NEW].get("emails", [])
    assert [item["type"] for item in emails if item.get("primary")] == primary


def test_the_primary_one_that_there_is_stays() -> None:
    directory = Directory()
    directory.converges(desired(a_user(ADA, attributes={"emails.home": "h@x.example"})))
    emails = directory.holds["users"][ADA]["emails"]
    assert [item.get("type") for item in emails if item.get("primary")] == ["work"]
    directory.converges(desired(a_user(ADA, attributes={"emails.primary": "home"})))
    emails = directory.holds["users"][ADA]["emails"]
    assert [item.get("type") for item in emails if item.get("primary")] == ["home"]


@pytest.mark.parametrize("patch", ["on", "off"])
def test_so_does_a_primary_one_that_no_name_holds(patch: str) -> None:
    nameless = {"emails": [{"value": "nameless@acme.com", "primary": True}]}
    seed = without_secrets({**SEED, "users": {**SEED["users"], GRACE: nameless}})
    directory = Directory({"patch": patch}, seed)
    directory.converges(desired(a_user(GRACE, attributes={"emails.work": "g@acme.com"})))
    emails = directory.holds["users"][GRACE]["emails"]
    assert [item["value"] for item in emails if item.get("primary")] == ["nameless@acme.com"]


@pytest.mark.parametrize("patch", ["on", "off"])
def test_a_person_is_renamed_under_their_id(patch: str) -> None:
    directory = Directory({"patch": patch}, without_secrets())
    files = desired(a_user(NEW), previously={user_address(NEW): (ADA,)})
    directory.converges(files)
    users = directory.holds["users"]
    assert ADA not in users
    assert users[NEW]["displayName"] == "Ada"


def test_where_a_login_cannot_change_it_is_told_and_nobody_is_made_twice() -> None:
    directory = Directory({"user_name_immutable": True})
    (outcome,) = directory.apply(desired(a_user(NEW), previously={user_address(NEW): (ADA,)}))
    assert outcome.status == "failed"
    assert "userName" in outcome.reason
    assert [request.method for request in directory.writes] == ["PATCH"]
    assert NEW not in directory.holds["users"]


def test_an_immutable_attribute_is_written_on_creation_alone() -> None:
    directory = Directory()
    directory.converges(desired(a_user(NEW, attributes={"acme.hired": "2024-01-31T09:00:00Z"})))
    assert directory.holds["users"][NEW][BADGE]["hired"].startswith("2024-01-31T09:00:00")


def test_active_is_sent_on_creation_where_it_is_stated() -> None:
    directory = Directory()
    directory.apply(desired(a_user(NEW, active=True), a_user("other@acme.com")))
    assert [body.get("active") for body in bodies(directory)] == [True, None]


class TestVersions:
    def test_a_write_says_which_version_it_is_about(self) -> None:
        directory = Directory({"etags": "required"})
        directory.converges(desired(a_user(ADA, name="A"), a_group("Others", [ADA, ZOE])))

    @staticmethod
    def overtaken(change: dict[str, Any], who: str = ADA) -> Directory:
        """A directory in which somebody changes a person between the read and the first PATCH."""
        done: list[bool] = []

        def between(request: Request) -> Response | None:
            if request.method in ("PATCH", "DELETE") and not done:
                done.append(True)
                operation = {"op": "replace", **change}
                body = {"schemas": request.json["schemas"], "Operations": [operation]} if request.json else {}
                body = body or {
                    "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
                    "Operations": [operation],
                }
                assert directory.inner.send(Request("PATCH", request.path, json=body)).ok
            return None

        del who
        directory = Directory(between=between)
        return directory

    def test_what_still_holds_is_sent_again_with_the_version_of_now(self) -> None:
        directory = self.overtaken({"path": "title", "value": "Dr"})
        directory.converges(desired(a_user(ADA, name="A")))
        user = directory.holds["users"][ADA]
        assert (user["title"], user["displayName"]) == ("Dr", "A")

    def test_what_is_something_else_by_now_is_left_alone(self) -> None:
        directory = self.overtaken({"path": "displayName", "value": "Somebody else's"})
        (outcome,) = directory.apply(desired(a_user(ADA, name="A")))
        assert outcome.status == "failed"
        assert "somebody has changed it since it was read" in outcome.reason
        assert directory.holds["users"][ADA]["displayName"] == "Somebody else's"

    def test_what_is_so_already_is_done(self) -> None:
        directory = self.overtaken({"path": "displayName", "value": "A"})
        (outcome,) = directory.apply(desired(a_user(ADA, name="A")))
        assert outcome.status == "done"

    def test_of_one_person_what_moved_fails_and_the_rest_is_written(self) -> None:
        directory = self.overtaken({"path": "displayName", "value": "Somebody else's"})
        outcomes = directory.apply(desired(a_user(ADA, name="A", attributes={"title": "Dr"})))
        assert {o.atom.path[-1]: o.status for o in outcomes} == {"name": "failed", "title": "done"}

    def test_where_there_are_none_none_is_sent(self) -> None:
        directory = Directory({"etags": "off"})
        directory.apply(desired(a_user(ADA, name="A")))
        assert all("If-Match" not in request.headers for request in directory.writes)


class TestWholeUsersAndGroups:
    def test_patch_that_is_announced_and_not_supported_is_told_and_not_halved(self) -> None:
        directory = Directory({"patch": "unannounced"})
        outcomes = directory.apply(desired(a_user(ADA, name="A", attributes={"title": "x"})))
        assert {o.status for o in outcomes} == {"failed"}
        assert "the system cannot do that" in outcomes[0].reason
        assert "write `patch: false` in quirks.yaml" in outcomes[0].reason
        assert len(directory.writes) == 1

    def test_a_quirk_says_that_patch_does_not_work(self) -> None:
        directory = Directory({"patch": "unannounced"}, without_secrets(), Quirks(patch=False))
        directory.converges(desired(a_user(ADA, name="A")))

    def test_a_user_of_whom_not_everything_is_shown_is_never_written_as_a_whole(self) -> None:
        directory = Directory({"patch": "off"})
        (outcome,) = directory.apply(desired(a_user(ADA, name="A")))
        assert outcome.status == "failed"
        assert "a PUT would take away what no answer shows: acme.pin" in outcome.reason
        assert directory.writes == []

    @pytest.mark.parametrize(
        ("switches", "why"),
        [
            ({"members": "hidden", "user_groups": "off"}, "whether a group shows its members is not known"),
        ],
    )
    def test_a_group_whose_members_may_be_hidden_is_never_written_as_a_whole(
        self, switches: dict[str, object], why: str
    ) -> None:
        directory = Directory({"patch": "off", **switches}, without_secrets())
        files = desired(
            a_group("New name"), previously={group_address("New name"): (group_address("Others").key,)}
        )
        (outcome,) = directory.apply(files)
        assert why in outcome.reason
        assert directory.writes == []

    def test_a_group_that_may_show_a_part_of_its_members_is_never_written_as_a_whole(self) -> None:
        people = {f"p{number}@acme.com": {} for number in range(120)}
        seed = without_secrets({**SEED, "users": {**SEED["users"], **people}})
        seed = {**seed, "groups": {"Crowd": sorted(people)}}
        directory = Directory(
            {"patch": "off", "members": "capped", "member_cap": 100, "user_groups": "off"}, seed
        )
        files = desired(a_group("Crew"), previously={group_address("Crew"): ("crowd",)})
        (outcome,) = directory.apply(files)
        assert "it shows 100 members, and there may be more" in outcome.reason
        assert len(directory.holds["groups"]["Crowd"]) == 120

    def test_what_somebody_changed_meanwhile_is_not_overwritten(self) -> None:
        def between(request: Request) -> Response | None:
            if request.method == "GET" and "/Users/" in request.path and not done:
                done.append(True)
                user = directory.inner.send(request).json
                assert isinstance(user, dict)
                changed = {**user, "displayName": "Somebody else's"}
                assert directory.inner.send(Request("PUT", request.path, json=changed)).ok
            return None

        done: list[bool] = []
        directory = Directory({"patch": "off", "etags": "off"}, without_secrets(), between=between)
        (outcome,) = directory.apply(desired(a_user(ADA, name="A")))
        assert outcome.status == "failed"
        assert directory.holds["users"][ADA]["displayName"] == "Somebody else's"


def test_a_name_that_is_taken_and_told_with_400_is_there_already() -> None:
    taken = {"scimType": "Uniqueness", "detail": "taken"}

    def between(request: Request) -> Response | None:
        if request.method != "POST":
            return None
        assert directory.inner.send(request).ok
        return Response(400, {}, taken)

    directory = Directory(between=between)
    outcomes = directory.apply(desired(a_user(NEW)))
    assert [o.status for o in outcomes] == ["adopted"]


def test_a_name_that_somebody_hidden_has_is_told() -> None:
    users = {**SEED["users"], NEW: {"active": False}}
    directory = Directory({"deactivate_hides": True}, {**SEED, "users": users})
    (outcome,) = directory.apply(desired(a_user(NEW)))
    assert outcome.status == "failed"
    assert "perhaps somebody inactive or deleted has it, whom they hide" in outcome.reason


def test_ids_of_any_characters_stay_where_they_belong() -> None:
    odd = 'a/b?c#d%20 é"x\\'
    users = {**SEED["users"], ADA: {**SEED["users"][ADA], "id": odd}}
    directory = Directory({}, {**SEED, "users": users, "groups": {"Others": [ADA, ZOE]}})
    directory.converges(desired(a_user(ADA, name="A"), a_group("Others", [ZOE])))
    directory.converges(desired(a_user(ADA), a_group("Others", [ADA, ZOE])))
    assert directory.holds["users"][ADA]["displayName"] == "A"
    assert directory.holds["groups"]["Others"] == [ADA, ZOE]


def test_a_person_is_deleted() -> None:
    directory = Directory({"etags": "required"})
    directory.converges(desired(absent=[user_address(GRACE)]), Policy(tombstone="delete"))
    assert GRACE not in directory.holds["users"]


@pytest.mark.parametrize("patch", ["on", "off"])
def test_two_schemas_may_spell_one_name_otherwise(patch: str) -> None:
    desk = {"type": "complex", "sub_attributes": {"Floor": {}}}
    shown = {"Department": {}, "Desk": desk}
    user = {ENTERPRISE: {"department": "E"}, BADGE: {"Department": "D", "Desk": {"Floor": "1"}}}
    seed = {"extensions": {BADGE: {"attributes": shown}}, "users": {ADA: user}}
    directory = Directory({"patch": patch}, seed)
    stated = {"acme.department": "New", "acme.desk.floor": "2"}
    directory.converges(desired(a_user(ADA, attributes=stated)))
    held = directory.holds["users"][ADA]
    assert held[ENTERPRISE] == {"department": "E"}
    assert held[BADGE] == {"Department": "New", "Desk": {"Floor": "2"}}
    if patch == "off":
        (put,) = directory.writes
        assert put.json[BADGE] == held[BADGE]

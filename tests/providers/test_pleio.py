"""What a Pleio site does and does not do, fact by fact, and how a plan and an apply mind it.

Each of P1 to P16 is a fact about the server's public source, or about the client that was used before.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from project import Project
from providers.a_site import DOCENTEN, JPEG, SEED, Place, a_place
from repository import begin, commit
from screen import Output

from reconciler.errors import BadAnswer, ExitCode, IncompleteRead, NotAccepted
from reconciler.model import Need
from reconciler.providers.pleio.paging import everybody
from reconciler.providers.pleio.provider import Pleio
from reconciler.sandbox.pleio.instance import PretendPleio
from reconciler.sandbox.pleio.site import TOKEN, PleioSite
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Reader, Request, Response, Transport


@pytest.fixture
def hook() -> list[Any]:
    """What answers in the place of the site, if there is any."""
    return []


@pytest.fixture
def place(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Output,
    request: pytest.FixtureRequest,
    hook: list[Any],
) -> Iterator[Place]:
    monkeypatch.chdir(tmp_path)
    with a_place(Project(tmp_path), getattr(request, "param", {}), monkeypatch, capsys, hook) as found:
        yield found


def switched(**switches: object) -> Any:
    return pytest.mark.parametrize("place", [{"switches": switches}], indirect=True)


def reader_of(site: PleioSite, key: str = TOKEN) -> Reader:
    return Reader(bearer(PretendPleio(site), Secret(key)))


# P1: who has no external_id keeps the next one without it out

ONE_WITHOUT = {"users": {**SEED["users"], "zonder@acme.nl": {"name": "Zonder"}}}


@pytest.mark.parametrize("place", [ONE_WITHOUT], indirect=True)
def test_p1_nobody_without_a_number_is_created_beside_one_who_has_none(place: Place) -> None:
    place.files(
        "users: {jan@acme.nl: {name: Jan}, kim@acme.nl: {name: Kim, attributes: {external_id: '9'}}}\n"
    )
    said = place.plan()
    assert "1 new person has no `external_id`, and Pleio refuses whoever comes after one without it" in said
    assert "not created: jan@acme.nl" in said
    assert "+ user/kim@acme.nl" in said
    place.apply()
    assert {person.email for person in place.site.listed()} >= {"kim@acme.nl"}
    assert "jan@acme.nl" not in place.site.snapshot()["users"]
    place.settled()


def test_p1_the_first_without_a_number_is_created_and_the_second_is_not(place: Place) -> None:
    place.files("users: {jan@acme.nl: {name: Jan}, kim@acme.nl: {name: Kim}}\n")
    assert "not created: kim@acme.nl" in place.plan()
    place.apply()
    assert "jan@acme.nl" in place.site.snapshot()["users"]
    assert "not created: kim@acme.nl" in place.plan()


@pytest.mark.parametrize("place", [ONE_WITHOUT | {"switches": {"external_id_optional": True}}], indirect=True)
def test_p1_a_newer_site_takes_them_where_its_quirk_says_so(place: Place) -> None:
    place.project.write("quirks.yaml", "creates_without_external_id: true\nfound_at: 2026-11-22T00:00:00Z\n")
    place.files("users: {jan@acme.nl: {name: Jan}, kim@acme.nl: {name: Kim}}\n")
    place.apply()
    assert place.site.snapshot()["users"].keys() >= {"jan@acme.nl", "kim@acme.nl"}


def test_p1_somebody_who_was_deleted_has_no_number_either_and_the_refusal_is_told(place: Place) -> None:
    place.site.remove(place.person("piet@acme.nl"))
    place.files(
        "users: {jan@acme.nl: {name: Jan}, kim@acme.nl: {name: Kim, attributes: {external_id: '9'}}}\n"
    )
    said = place.apply(code=ExitCode.PARTIAL)
    assert "This external_id is already taken by another user." in said
    assert "kim@acme.nl" in place.site.snapshot()["users"]


# P2, P3: what is compared without case, and what is never cleared


def test_p2_case_alone_is_no_difference(place: Place) -> None:
    place.person("piet@acme.nl").email = "Piet@Acme.NL"
    place.files("users: {PIET@acme.nl: {name: Piet, attributes: {external_id: e2}}}\n")
    place.settled()


def test_p2_a_name_in_other_capitals_is_another_name(place: Place) -> None:
    place.files("users: {piet@acme.nl: {name: PIET}}\n")
    place.apply()
    assert place.person("piet@acme.nl").name == "PIET"
    place.settled()


def test_p3_a_number_is_set_and_changed_and_never_cleared(place: Place) -> None:
    place.files("users: {piet@acme.nl: {attributes: {external_id: '77'}}}\n")
    said = place.apply(code=ExitCode.ERROR)
    assert 'user/piet@acme.nl has the `external_id` "77", and piet@acme.nl (id ' in said
    assert 'has "E2": two different people' in said
    place.settings(match=[], protect={"users": ["piet@acme.nl"]})
    assert "of somebody protected is changed in the system alone" in place.apply(code=ExitCode.ERROR)
    assert place.person("piet@acme.nl").external_id == "E2"
    place.settings(match=[])
    place.apply()
    assert place.person("piet@acme.nl").external_id == "77"
    place.settings()
    place.files("users: {piet@acme.nl: {attributes: {external_id: null}}}\n")
    assert "people.yaml:1:37: `external_id` cannot be cleared: a site never clears it" in place.plan(
        ExitCode.ERROR
    )
    place.settings(manage={"exact_attributes": ["external_id"]})
    place.files("users: {piet@acme.nl: {name: Piet}}\n")
    assert "`exact_attributes` names `external_id`, which the system never clears" in place.plan(
        ExitCode.ERROR
    )


def test_p3_without_match_nobody_is_created_beside_who_has_the_number(place: Place) -> None:
    place.settings(
        match=[], leavers={"users": {"never_listed": "delete"}}, protect={"users": ["beheer@acme.nl"]}
    )
    place.files("users: {piet.nieuw@acme.nl: {attributes: {external_id: e2}}}\n")
    said = place.apply(code=ExitCode.ERROR)
    assert "user/piet.nieuw@acme.nl is not live, and piet@acme.nl (id " in said
    assert 'has its `external_id` "e2"' in said
    assert "write `match: [external_id]` in target.yaml" in said
    assert not place.person("piet@acme.nl").banned


# P4: every update lets a banned person in


def test_p4_an_update_of_a_banned_person_is_held_and_named(place: Place) -> None:
    place.files("users: {ban@acme.nl: {name: Other, attributes: {profile.phone: '1'}}}\n")
    said = place.plan()
    assert "1 inactive person differs, and any change would let them in again in Pleio: left alone" in said
    assert "ban@acme.nl (name, profile.phone)" in said
    place.settled()
    assert "Nothing to do" in place.apply()
    assert place.person("ban@acme.nl").banned


def test_p4_it_is_made_where_the_files_let_them_in_and_the_reason_goes(place: Place) -> None:
    place.person("ban@acme.nl").ban_reason = "spam"
    place.files("users: {ban@acme.nl: {name: Other, active: true}}\n")
    assert "user/ban@acme.nl  unban" in place.plan()
    place.apply()
    person = place.person("ban@acme.nl")
    assert (person.name, person.banned, person.ban_reason) == ("Other", False, "")
    place.settled()


def test_p4_what_cannot_be_seen_and_was_held_is_sent_when_somebody_is_let_in(place: Place) -> None:
    begin(place.project)
    picture = place.project.target / "ban.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n")
    place.files("users: {ban@acme.nl: {attributes: {avatar: ban.png, joins: [Docenten]}}}\n")
    commit(place.project.root)
    place.apply("--resend", "avatar")
    assert place.person("ban@acme.nl").banned
    assert place.person("ban@acme.nl").picture == 0
    place.files("users: {ban@acme.nl: {active: true, attributes: {avatar: ban.png, joins: [Docenten]}}}\n")
    commit(place.project.root)
    assert "cannot be seen, not sent" not in place.apply()
    person = place.person("ban@acme.nl")
    assert (person.banned, person.picture, person.groups) == (False, 8, [DOCENTEN])
    place.settled()


def test_p4_a_part_of_a_plan_that_leaves_the_unban_out_lets_nobody_in(place: Place) -> None:
    place.files("users: {ban@acme.nl: {active: true, attributes: {profile.phone: '1'}}}\n")
    said = place.apply("--scope", "attributes", code=ExitCode.PARTIAL)
    assert "it would let them in again, and that is left out here" in said
    assert place.person("ban@acme.nl").banned
    assert place.person("ban@acme.nl").profile == {}


def test_p4_nor_does_a_pull_request_about_somebody_whom_an_administrator_banned_since(place: Place) -> None:
    """The ban is drift, which stays as it is; only the new name is of this change."""
    begin(place.project)
    place.files("users: {piet@acme.nl: {name: Piet, active: true}}\n")
    base = commit(place.project.root)
    place.apply()
    place.person("piet@acme.nl").banned = True
    place.files("users: {piet@acme.nl: {name: Pieter, active: true}}\n")
    commit(place.project.root)
    place.run("plan", "acme", "--base", base, "--out", "plan.json")
    said = place.run("apply", "acme", "--plan", "plan.json", code=ExitCode.PARTIAL)
    assert "it would let them in again, and that is left out here" in said
    assert place.person("piet@acme.nl").banned
    assert place.person("piet@acme.nl").name == "Piet"


def test_p4_who_is_to_be_banned_and_changed_is_banned_last(place: Place) -> None:
    place.files("users: {piet@acme.nl: {name: Other, active: false}, beheer@acme.nl: {}}\n")
    place.apply()
    assert (place.person("piet@acme.nl").name, place.person("piet@acme.nl").banned) == ("Other", True)
    place.settled()


# P5: groups are joined, and nothing more


def test_p5_groups_are_joined_by_name_or_id_on_creation_and_when_the_files_say_more(place: Place) -> None:
    begin(place.project)
    text = "users: {{jan@acme.nl: {{name: Jan, attributes: {{external_id: '9', joins: {}}}}}}}\n"
    place.files(text.format("[docenten]"))
    commit(place.project.root)
    place.apply()
    assert place.person("jan@acme.nl").groups == [DOCENTEN]
    assert {"to": "jan@acme.nl", "subject": "Welcome to Docenten"} in place.site.mails
    place.settled()
    other = "57979220-0000-4000-8000-000000000002"
    place.site.groups[other] = {"name": "Other", "automatic": False, "welcome": False}
    place.files(text.format(f"[Docenten, {other}]"))
    commit(place.project.root)
    place.apply()
    assert place.person("jan@acme.nl").groups == [DOCENTEN, other]
    place.files(text.format(f"[{other}]"))
    commit(place.project.root)
    place.settled()


def test_p5_groups_cannot_be_said(place: Place) -> None:
    place.files("users: {piet@acme.nl: {groups: [A]}}\ngroups: {A: {members: from_users}}\n")
    said = place.run("validate", code=ExitCode.ERROR)
    assert "`groups` cannot be said: Pleio never shows who is in a group" in said
    assert "write `joins` among a person's attributes: it adds them, and takes nobody out" in said
    place.files("users: {}\n")
    place.settings(manage={"users": ["groups"]})
    assert "`groups` is not possible in Pleio" in place.run("validate", code=ExitCode.ERROR)


def test_p5_which_group_a_name_means_is_in_the_plan_and_sealed(place: Place) -> None:
    """Who changes `groups_by_name` after a review changes which group is meant: that was not reviewed."""
    place.files("users: {jan@acme.nl: {name: J, attributes: {external_id: '9', joins: [Docenten]}}}\n")
    shown = place.run("plan", "--out", "plan.json")
    assert re.search(rf"\+ joins +\[?\"?Docenten \({DOCENTEN}\)", shown)
    other = "57979220-0000-4000-8000-00000000000b"
    place.settings(groups_by_name={"Docenten": other})
    said = place.run("apply", "acme", "--plan", "plan.json", code=ExitCode.STALE)
    assert "joins" in said
    place.files(f"users: {{jan@acme.nl: {{name: J, attributes: {{joins: ['Docenten ({other})']}}}}}}\n")
    assert "has a name and an id: the one might be another group's" in place.plan(ExitCode.ERROR)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("docenten", "names `Docenten` and `docenten`, which differ in capitals alone"),
        ("Docenten, jaar 1", "names `Docenten, jaar 1`: in a list a comma stands between two names"),
    ],
)
def test_p5_a_name_of_a_group_means_one_group(place: Place, name: str, said: str) -> None:
    other = "57979220-0000-4000-8000-000000000002"
    place.settings(groups_by_name={"Docenten": DOCENTEN, name: other})
    place.files("users: {piet@acme.nl: {attributes: {joins: [Docenten]}}}\n")
    found = place.plan(ExitCode.ERROR)
    assert said in found
    assert "target.yaml" in found


def test_p5_a_name_that_nobody_knows_and_an_id_of_the_old_kind(place: Place) -> None:
    place.files("users: {piet@acme.nl: {attributes: {joins: [Docentn]}}}\n")
    said = place.plan(ExitCode.ERROR)
    assert "`Docentn` is neither a name in `groups_by_name` of target.yaml nor an id of a group" in said
    assert "did you mean `Docenten`?" in said
    place.files("users: {jan@acme.nl: {name: J, attributes: {external_id: '9', joins: ['12']}}}\n")
    assert "is to join `12`, which is no id of a group (a UUID): it is left out" in place.plan()
    place.apply()
    assert place.person("jan@acme.nl").groups == []


# P6: profile fields


def test_p6_a_profile_field_that_the_site_lacks_is_a_problem_with_the_nearest_name(place: Place) -> None:
    place.files("users: {piet@acme.nl: {attributes: {profile.ocupation: x}}}\n")
    said = place.plan(ExitCode.ERROR)
    assert "Pleio has no user attribute `profile.ocupation`" in said
    assert "did you mean `profile.occupation`?" in said


def test_p6_values_are_text_and_are_cleared(place: Place) -> None:
    place.files("users: {piet@acme.nl: {attributes: {profile.phone: null, profile.occupation: 7}}}\n")
    place.apply()
    assert place.person("piet@acme.nl").profile == {"phone": "", "occupation": "7"}
    place.settled()


@pytest.mark.parametrize("place", [{"users": {}}], indirect=True)
def test_p6_of_a_site_without_people_no_field_is_known(place: Place) -> None:
    place.files("users: {jan@acme.nl: {name: Jan, attributes: {external_id: '9', profile.phone: '1'}}}\n")
    assert "whether the site has `profile.phone` is not known" in place.plan(ExitCode.ERROR)
    place.files("users: {jan@acme.nl: {attributes: {external_id: '9', joins: [Docentn]}}}\n")
    assert "`Docentn` is neither a name" in place.plan(ExitCode.ERROR)
    place.files("users: {jan@acme.nl: {name: Jan, attributes: {external_id: '9'}}}\n")
    place.apply()


# P8, and pictures


def test_p8_a_picture_is_sent_with_a_new_person_and_when_its_bytes_change(place: Place) -> None:
    begin(place.project)
    (place.project.target / "avatars").mkdir()
    picture = place.project.target / "avatars" / "jan.jpg"
    picture.write_bytes(JPEG)
    place.files("users: {jan@acme.nl: {name: J, attributes: {external_id: '9', avatar: avatars/jan.jpg}}}\n")
    commit(place.project.root)
    place.apply()
    assert (place.person("jan@acme.nl").picture, place.person("jan@acme.nl").pictures) == (len(JPEG), 1)
    place.settled()
    picture.write_bytes(JPEG + b"!")
    commit(place.project.root)
    place.apply()
    assert (place.person("jan@acme.nl").picture, place.person("jan@acme.nl").pictures) == (len(JPEG) + 1, 2)
    place.settled()


def test_p8_a_picture_is_of_the_type_that_it_begins_as(place: Place, hook: list[Any]) -> None:
    sent = []

    def seen(request: Request, site: Any) -> Response:
        sent.extend(part.media_type for part in request.multipart)
        answer: Response = site.send(request)
        return answer

    hook.append(seen)
    (place.project.target / "jan.jpg").write_bytes(b"\x89PNG\r\n\x1a\n a picture")
    (place.project.target / "kim.png").write_bytes(JPEG)
    place.files(
        "users:\n  jan@acme.nl: {attributes: {external_id: '9', avatar: jan.jpg}}\n"
        "  kim@acme.nl: {attributes: {external_id: '8', avatar: kim.png}}\n"
    )
    place.apply()
    assert sent == ["image/png", "image/jpeg"]


def test_p8_without_git_the_journal_has_the_digest_of_what_was_sent(place: Place) -> None:
    picture = place.project.target / "jan.jpg"
    picture.write_bytes(JPEG)
    attributes = "{external_id: '9', avatar: jan.jpg, joins: [Docenten]}"
    place.files(f"users: {{jan@acme.nl: {{name: J, attributes: {attributes}}}}}\n")
    place.apply()
    assert "cannot be seen" not in place.plan()
    place.settled()
    picture.write_bytes(JPEG + b"!")
    place.apply()
    assert place.person("jan@acme.nl").pictures == 2
    place.settled()
    for journal in place.project.runs.iterdir():
        journal.write_text(journal.read_text().replace('"sent":{', '"sent":{"x",'))
    assert "`avatar` of 1 live user cannot be seen, not sent" in place.plan()


def test_p8_a_picture_that_cannot_be_sent_stops_nobody(place: Place) -> None:
    (place.project.target / "text.jpg").write_text("no picture")
    place.files(
        "users:\n  jan@acme.nl: {name: J, attributes: {external_id: '9', avatar: text.jpg}}\n"
        "  kim@acme.nl: {name: K, attributes: {external_id: '8', avatar: none.png}}\n"
    )
    said = place.apply()
    assert "`avatar`: 'text.jpg' is neither JPEG nor PNG: it is not sent" in said
    assert "`avatar`: there is no file 'none.png': it is not sent" in said
    assert place.site.snapshot()["users"].keys() >= {"jan@acme.nl", "kim@acme.nl"}
    place.files("users: {jan@acme.nl: {attributes: {avatar: null}}}\n")
    assert "`avatar` cannot be cleared: a site has no way to take a picture away" in place.plan(
        ExitCode.ERROR
    )


@switched(refuses_pictures=True)
def test_p8_a_picture_that_the_site_refuses_fails_alone(place: Place) -> None:
    (place.project.target / "jan.jpg").write_bytes(JPEG)
    place.files("users: {jan@acme.nl: {name: J, attributes: {external_id: '9', avatar: jan.jpg}}}\n")
    assert "avatar\n" in place.apply(code=ExitCode.PARTIAL)
    assert place.person("jan@acme.nl").picture == 0


# P9 to P11: ban, delete, and whom nothing protects


def test_p9_a_deletion_says_that_it_is_for_ever(place: Place) -> None:
    place.settings(leavers={"users": {"tombstone": "delete"}})
    place.files("users: {piet@acme.nl: {state: absent}, beheer@acme.nl: {}}\n")
    assert "1 deletion: each makes the person anonymous for ever" in place.plan()
    guid = place.person("piet@acme.nl").guid
    place.apply()
    assert place.site.people[guid].email == f"{guid}@deleted"
    assert "piet@acme.nl" not in place.site.snapshot()["users"]
    place.settled()


def test_p10_who_is_banned_already_is_not_banned_again(place: Place) -> None:
    place.settings(leavers={"users": {"never_listed": "deactivate"}}, protect={"users": ["beheer@acme.nl"]})
    place.files("users: {jan@acme.nl: {name: Jan, attributes: {external_id: '9'}}}\n")
    said = place.plan()
    assert "  - 1 user banned\n" in said
    assert "- user/piet@acme.nl  ban" in said
    assert "user/ban@acme.nl" not in said
    place.apply()
    assert place.person("piet@acme.nl").banned
    assert not place.person("beheer@acme.nl").banned
    place.settled()


@pytest.mark.parametrize("protect", [[], ["nobody@acme.nl"], ["*@other.nl"], ["ban@acme.nl"]])
@pytest.mark.parametrize("way", ["deactivate", "delete"])
def test_p11_nobody_unlisted_goes_before_an_administrator_is_named(
    place: Place, way: str, protect: list[str]
) -> None:
    place.settings(leavers={"users": {"never_listed": way}}, protect={"users": protect})
    place.files("users: {jan@acme.nl: {name: Jan, attributes: {external_id: '9'}}}\n")
    said = place.apply(code=ExitCode.ERROR)
    assert "people away, and Pleio does not show who administers it" in said
    assert "at least one who is active, under `protect.users` of target.yaml" in said
    assert not place.person("piet@acme.nl").banned


@pytest.mark.parametrize("protect", [[], ["ban@acme.nl"]])
def test_p11_nor_does_who_left_the_files(place: Place, protect: list[str]) -> None:
    begin(place.project)
    limits = {"removals": {"share": 1, "floor": 9}}
    place.settings(leavers={"users": {"left_files": "deactivate"}}, protect={"users": protect}, limits=limits)
    place.files("users: {beheer@acme.nl: {name: Beheer}, piet@acme.nl: {name: Piet}}\n")
    commit(place.project.root)
    place.apply()
    place.files("users: {piet@acme.nl: {name: Piet}}\n")
    commit(place.project.root)
    said = place.apply(code=ExitCode.ERROR)
    assert "`left_files` would take 1 person away, and Pleio does not show who administers it" in said
    assert not place.person("beheer@acme.nl").banned


def test_p11_an_empty_list_takes_nobody_away_and_a_short_one_is_refused(place: Place) -> None:
    for number in range(20):
        place.site.add(f"P{number}", f"p{number}@acme.nl", f"N{number}")
    place.settings(
        leavers={"users": {"never_listed": "deactivate"}},
        protect={"users": ["beheer@acme.nl"]},
        sources=[{"type": "csv", "path": "users.csv", "like": "pleio"}],
    )
    place.project.write("users.csv", "external_id,name,email\n")
    assert "Nothing to do" in place.apply()
    place.files("users: {beheer@acme.nl: {name: Beheer}}\n")
    assert "warning: this list has no rows, so nobody counts as left or never listed" in place.apply()
    place.files("users: {}\n")
    place.project.write("users.csv", "external_id,name,email\nN1,P1,p1@acme.nl\n")
    place.apply(code=ExitCode.GUARD)
    assert not any(person.banned for person in place.site.listed() if person.email != "ban@acme.nl")


# P12: pages leave people out


@settings(max_examples=200)
@given(numbers=st.lists(st.integers(0, 30), max_size=40), page=st.integers(1, 12))
def test_p12_a_read_has_everybody(numbers: list[int], page: int) -> None:
    """People made at any moments, pages of any length: never one too few."""
    people: list[dict[str, Any]] = [
        {
            "guid": f"g{number}",
            "email": f"{number}@a",
            "is_banned": False,
            "time_created": f"2024-01-01T00:00:{at:02}+00:00",
        }
        for number, at in enumerate(sorted(numbers))
    ]

    class Lossy:
        def send(self, request: Request) -> Response:
            after = next((p["time_created"] for p in people if p["guid"] == request.query.get("cursor")), "")
            found = [person for person in people if person["time_created"] > after]
            return Response(200, {}, {"users": found[: int(request.query["limit"])]})

    found = everybody(Reader(Lossy()), page)
    assert sorted(row["guid"] for row in found) == sorted(person["guid"] for person in people)


@pytest.mark.parametrize("number", [1, 2, 499, 500, 501, 1200])
@pytest.mark.parametrize("at_once", [1, 3, 400])
def test_p12_people_of_one_moment_at_the_edge_of_a_page_are_read(number: int, at_once: int) -> None:
    site = PleioSite.from_seed({"switches": {"made_at_once": at_once}})
    for each in range(number):
        site.add(f"P{each}", f"p{each}@acme.nl", str(each))
    assert len(everybody(reader_of(site))) == number


def test_p12_where_nobody_can_know_who_is_missing_the_read_is_refused() -> None:
    """A server with a maximum that nobody knows, or all of them made at one moment."""
    site = PleioSite.from_seed({"switches": {"made_at_once": 300, "page_cap": 100}})
    for each in range(300):
        site.add(f"P{each}", f"p{each}@acme.nl", str(each))
    with pytest.raises(IncompleteRead, match="who is missing cannot be known"):
        everybody(reader_of(site))
    site.switches = PleioSite.from_seed({"switches": {"made_at_once": 30, "page_cap": 100}}).switches
    assert len(everybody(reader_of(site))) == 300


@pytest.mark.parametrize(
    ("cap", "at_once", "number"), [(50, 20, 60), (50, 20, 70), (99, 30, 120), (60, 25, 75)]
)
def test_p12_a_low_maximum_loses_nobody(cap: int, at_once: int, number: int) -> None:
    site = PleioSite.from_seed({"switches": {"made_at_once": at_once, "page_cap": cap}})
    for each in range(number):
        site.add(f"P{each}", f"p{each}@acme.nl", str(each))
    assert len(everybody(reader_of(site))) == number


def test_p12_a_time_without_a_zone_is_compared_as_utc() -> None:
    rows = [
        {
            "guid": f"g{at}",
            "email": f"{at}@a",
            "is_banned": False,
            "time_created": f"2024-01-0{at}T00:00:00{zone}",
        }
        for at, zone in ((1, "+00:00"), (2, ""), (3, "Z"))
    ]

    class Mixed:
        def send(self, request: Request) -> Response:
            return Response(200, {}, {"users": rows[int(request.query.get("cursor", "g0")[1:]) :]})

    assert len(everybody(Reader(Mixed()))) == 3


def test_p12_a_list_begins_anew_where_the_one_of_the_cursor_is_gone() -> None:
    site = PleioSite.from_seed({})
    for each in range(1200):
        site.add(f"P{each}", f"p{each}@acme.nl", str(each))
    pretend, asked = bearer(PretendPleio(site), Secret("sandbox")), list[str]()

    class Removing:
        def send(self, request: Request) -> Response:
            cursor = request.query.get("cursor", "")
            if cursor and not asked:
                asked.append(cursor)
                del site.people[cursor]
            return pretend.send(request)

    assert len(everybody(Reader(Removing()))) == 1199


# P13 to P16


def test_p13_creations_that_may_mail_are_counted(place: Place) -> None:
    place.files(
        "users:\n  jan@acme.nl: {attributes: {external_id: '9'}}\n"
        "  kim@acme.nl: {attributes: {external_id: '8'}}\n"
    )
    assert "note: 2 new users may each get mail: a welcome of the site, and of groups" in place.plan()
    place.apply()
    assert [mail["to"] for mail in place.site.mails] == ["jan@acme.nl", "kim@acme.nl"]


def test_p14_a_bare_500_is_settled_by_reading(place: Place, hook: list[Any]) -> None:
    """The first answer to each write is a 500: what took place is done once, what did not is sent again."""
    seen: set[str] = set()

    def lossy(request: Request, site: Transport) -> Response:
        same = f"{request.path} {request.json}"
        if request.method == "GET" or same in seen:
            return site.send(request)
        seen.add(same)
        if "piet" not in same:
            site.send(request)
        return Response(500, {"content-type": "text/html"}, text="<h1>Server Error (500)</h1>")

    hook.append(lossy)
    place.files(
        "users:\n  jan@acme.nl: {name: Jan, attributes: {external_id: '9'}}\n"
        "  piet@acme.nl: {name: Pieter}\n  ban@acme.nl: {active: true}\n"
    )
    place.apply()
    assert place.person("piet@acme.nl").name == "Pieter"
    assert [mail["to"] for mail in place.site.mails] == ["jan@acme.nl"]
    assert not place.person("ban@acme.nl").banned
    place.settled()


def test_p14_an_update_of_somebody_who_is_gone_fails_alone(place: Place, hook: list[Any]) -> None:
    def gone(request: Request, site: Transport) -> Response:
        if request.method == "POST" and "Pieter" in str(request.json):
            place.site.people = {g: p for g, p in place.site.people.items() if p.name != "Piet"}
        return site.send(request)

    hook.append(gone)
    place.files("users: {piet@acme.nl: {name: Pieter}, ban@acme.nl: {active: true}}\n")
    assert "POST /users was answered 500" in place.apply(code=ExitCode.PARTIAL)
    assert not place.person("ban@acme.nl").banned


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (
            "piet@acme.nl: {name: " + "x" * 101 + "}",
            "the name has 101 characters, and Pleio holds at most 100",
        ),
        ("p@" + "x" * 254 + ": {}", "the e-mail has 256 characters, and Pleio holds at most 255"),
        (
            "piet@acme.nl: {attributes: {external_id: " + "x" * 201 + "}}",
            "the external_id has 201 characters",
        ),
        ("piet@acme.nl: {attributes: {external_id: ' 9'}}", "begins or ends with a blank"),
        ("piet@acme.nl: {name: Verwijderde gebruiker}", "nobody can be called Verwijderde gebruiker"),
        ("piet: {name: Piet}", "a name in `users` cannot be the text `piet`"),
    ],
)
def test_p15_what_the_site_cannot_hold_is_told_from_the_files(place: Place, entry: str, said: str) -> None:
    place.files(f"users:\n  {entry}\n")
    assert said in place.run("validate", code=ExitCode.ERROR)


def test_p16_a_number_finds_somebody_before_the_address_and_a_contradiction_names_both(place: Place) -> None:
    place.files("users: {pieter@acme.nl: {name: Piet, attributes: {external_id: E2}}}\n")
    assert "piet@acme.nl -> pieter@acme.nl" in place.plan()
    place.apply()
    assert place.person("pieter@acme.nl").external_id == "E2"
    place.settled()
    place.files("users: {ban@acme.nl: {attributes: {external_id: E2}}}\n")
    said = place.plan(ExitCode.ERROR)
    assert "two different people" in said
    assert "pieter@acme.nl" in said
    assert "ban@acme.nl" in said


@pytest.mark.parametrize(
    "row",
    [
        {"guid": "../../admin"},
        {"guid": None},
        {"is_banned": None},
        {"email": 5},
        {"profile": ["x"]},
        {"time_created": "yesterday"},
    ],
)
def test_a_row_that_does_not_say_what_must_be_known_stops_the_plan(row: dict[str, Any]) -> None:
    whole = {"guid": "g1", "email": "a@b", "is_banned": False, "time_created": "2024-01-01T00:00:00+00:00"}

    class Odd:
        def send(self, _: Request) -> Response:
            return Response(200, {}, {"users": [whole | row]})

    with pytest.raises(BadAnswer):
        Pleio({}).read(Reader(Odd()), Need())


# The token, and the site itself


@pytest.mark.parametrize("place", [{}, {"switches": {"bad_token_401": True}}], indirect=True)
def test_a_wrong_token_is_told_as_such(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_SECRET", "another-token")
    place.files("users: {jan@acme.nl: {attributes: {external_id: '9'}}}\n")
    said = place.plan(ExitCode.ERROR)
    assert "You did not supply a valid bearer token." in said
    assert "another-token" not in said
    with pytest.raises(NotAccepted):
        Pleio({}).read(reader_of(place.site, "wrong"), Need())


def test_a_host_of_ones_own_is_told_with_the_line_to_set(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("RECONCILER_ALLOWED_HOSTS")
    place.url = "https://leden.acme.nl/profile_sync_api/"
    place.settings()
    place.files("users: {jan@acme.nl: {attributes: {external_id: '9'}}}\n")
    assert "if it is yours, set RECONCILER_ALLOWED_HOSTS=leden.acme.nl" in place.plan(ExitCode.ERROR)


def test_it_is_begun_and_examined(place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path / "desired-state")
    install = "pip install --require-hashes --requirement r.txt"
    options = ("--install", install, "--alone", "--url", "https://acme.pleio.nl/profile_sync_api/")
    assert "Next: export API_SECRET=..." in place.run("init", "--kind", "pleio", *options)
    text = Path("desired-state/production/target.yaml").read_text("utf-8")
    assert "kind: pleio\nurl: https://acme.pleio.nl\n" in text
    assert "production: 0 users, 0 groups. Valid." in place.run("validate")
    for path in Path(".github/workflows").iterdir():
        assert "omni" not in path.read_text("utf-8").lower()
    monkeypatch.chdir(tmp_path)
    said = place.run("doctor", "acme")
    assert "ok      key         the token of this site's profile sync" in said
    assert "may be read; 3 users, 1 of them banned" in said
    assert "profile.occupation, profile.phone" in said
    monkeypatch.setenv("API_SECRET", "wrong-token-of-another-site")
    said = place.run("doctor", "acme", code=ExitCode.ERROR)
    assert "You did not supply a valid bearer token." in said
    assert "wrong-token" not in said


def test_what_is_live_is_imported_and_then_nothing_differs(place: Place) -> None:
    place.run("import", "acme")
    text = (place.project.target / "imported.yaml").read_text("utf-8")
    assert "  ban@acme.nl:\n    name: Banned\n    active: false\n" in text
    assert "profile.phone" in text
    assert "groups" not in text
    place.settled()
    assert "No drift." in place.run("drift")

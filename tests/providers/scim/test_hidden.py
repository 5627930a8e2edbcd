"""Members that a directory hides are never taken for nobody."""

import pytest
from builders import a_group, a_user, desired
from providers.scim.directories import ADA, GRACE, SEED, ZOE, Directory, without_secrets

from reconciler.model import DesiredState
from reconciler.providers.scim.quirks import NO_QUIRKS, Quirks

HIDDEN = Quirks(members="hidden")
SHAPES = [{"user_groups": "off", "empty_members": each} for each in ("absent", "list")]


def directory(quirks: Quirks, **switches: object) -> Directory:
    seed = without_secrets({**SEED, "groups": {"Guests": [GRACE], "Others": [ZOE]}})
    return Directory({"members": "hidden", **switches}, seed, quirks)


@pytest.mark.parametrize("switches", SHAPES)
@pytest.mark.parametrize(
    "files",
    [
        desired(a_group("Others", [])),
        desired(a_group("Others", [ADA])),
        desired(a_group("Brand new", [ADA])),
        desired(a_group("Others"), from_users=["others"]),
        desired(a_user(ADA, groups=["Others"]), a_group("Others")),
    ],
)
def test_stated_members_that_nothing_shows_are_a_problem(
    switches: dict[str, object], files: DesiredState
) -> None:
    hiding = directory(HIDDEN, **switches)
    live = hiding.read(files)
    assert {group.resource.members for group in live.groups} == {None}
    problems = hiding.provider.audit(files, live)
    assert problems
    assert {problem.message for problem in problems} == {
        "the directory does not show who is in which group, so this cannot be compared"
    }


@pytest.mark.parametrize("switches", SHAPES)
def test_the_rest_is_planned_and_the_plan_says_so(switches: dict[str, object]) -> None:
    hiding = directory(HIDDEN, **switches)
    files = desired(a_user(ADA, name="A"), a_group("Others"), a_group("More"))
    (remark,) = [each for each in hiding.read(files).remarks if "group" in each]
    assert "no membership is planned or ended" in remark
    hiding.converges(files)
    assert hiding.holds["groups"]["Others"] == [ZOE]


@pytest.mark.parametrize("empty", ["absent", "list"])
def test_where_users_show_their_groups_they_are_believed(empty: str) -> None:
    hiding = directory(HIDDEN, empty_members=empty)
    for members in ([ADA, GRACE, ZOE], [ADA], []):
        hiding.converges(desired(a_group("Others", members)))
        assert set(hiding.holds["groups"]["Others"]) == set(members)


@pytest.mark.parametrize("switches", SHAPES)
def test_without_the_quirk_the_plan_says_what_it_takes_for_true(switches: dict[str, object]) -> None:
    live = directory(NO_QUIRKS, **switches).read(desired())
    assert any("write `members: hidden` in quirks.yaml" in each for each in live.remarks)


@pytest.mark.parametrize("switches", [{}, {"user_groups": "off"}])
def test_nothing_is_said_where_members_are_shown(switches: dict[str, object]) -> None:
    live = Directory(switches, without_secrets()).read(desired())
    assert not any("members: hidden" in each for each in live.remarks)

"""A value whose type the directory does not keep is not added again and again."""

import pytest
from builders import a_user, desired
from providers.scim.directories import ADA, Directory, without_secrets


@pytest.mark.parametrize("patch", ["on", "off"])
@pytest.mark.parametrize("value", ["new@acme.com", "NEW@acme.com"])
def test_a_value_that_is_there_without_its_type_is_a_problem(patch: str, value: str) -> None:
    directory = Directory({"patch": patch, "emails_without_type": True}, without_secrets())
    directory.apply(desired(a_user(ADA, attributes={"emails.home": "new@acme.com"})))
    held = directory.holds["users"][ADA]["emails"]
    again = desired(a_user(ADA, attributes={"emails.home": value}))
    (problem,) = directory.provider.audit(again, directory.read(again))
    assert "without its type, so `emails.home` would be added again each time" in problem.message
    assert directory.holds["users"][ADA]["emails"] == held


def test_another_value_and_one_whose_type_is_kept_are_none() -> None:
    directory = Directory({}, without_secrets())
    for value in ("other@acme.com", "nameless@acme.com"):
        directory.converges(desired(a_user(ADA, attributes={"emails.work": value})))

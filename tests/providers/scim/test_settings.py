"""What target.yaml and the files may say of a directory is told before anything is asked of it."""

import pytest
from builders import a_user, desired
from providers.scim.directories import ADA, BADGE

from reconciler.desired.schema import is_valid
from reconciler.providers.scim.rules import rules
from reconciler.providers.scim.schema import CORE, RFC
from reconciler.target.schemas import target_schema


def is_short(name: str) -> bool:
    settings = {"kind": "scim", "url": "https://directory.example/scim/v2"}
    data = {**settings, "keys": [{"env": "SCIM_TOKEN"}], "extensions": {name: BADGE}}
    return is_valid(data, target_schema(data))


@pytest.mark.parametrize("name", ["acme", "enterprise", "names", "a-b_1", "mail"])
def test_a_short_name_is_one_that_no_attribute_has(name: str) -> None:
    assert is_short(name)


@pytest.mark.parametrize(
    "name",
    [*(each.name for each in RFC[CORE]), "NAME", "userName", "externalId", "password", "active", "1a", "a.b"],
)
def test_a_short_name_that_an_attribute_has_is_refused(name: str) -> None:
    assert not is_short(name)


@pytest.mark.parametrize(
    "name", ["password", "acme.password", "ACME.PassWord", f"{BADGE}:password", "a.b.password"]
)
def test_no_password_is_written_whatever_schema_it_is_of(name: str) -> None:
    (problem,) = rules(desired(a_user(ADA, attributes={name: "hunter2", "title": "T"})))
    assert problem.message == f"`{name}` is never written from files"


@pytest.mark.parametrize("name", ["acme.passwords", "passwordless", "acme.password.hint", "title"])
def test_other_names_are_no_passwords(name: str) -> None:
    assert list(rules(desired(a_user(ADA, attributes={name: "x"})))) == []

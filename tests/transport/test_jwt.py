"""When a key ends, as far as it says so itself."""

import json
from base64 import urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.transport.auth import Secret
from reconciler.transport.jwt import ends, scopes


def token(claims: object) -> Secret:
    parts = ({"alg": "none"}, claims)
    encoded = [urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return Secret(".".join([*encoded, "c2ln"]))


@given(claims=st.dictionaries(st.text(), st.integers() | st.text()), when=st.integers(1, 253402300799))
def test_a_token_says_when_it_ends(claims: dict[str, object], when: int) -> None:
    assert ends(token({**claims, "exp": when})) == when


@pytest.mark.parametrize("exp", [None, "soon", True, -1, 0, 1e300, 253402300800, [], float("nan")])
def test_what_is_no_time_is_none(exp: object) -> None:
    assert ends(token({"exp": exp})) is None
    assert ends(token({})) is None


@pytest.mark.parametrize(
    ("claims", "named"),
    [
        ({"scope": "users groups"}, {"users", "groups"}),
        ({"scp": ["users", 7]}, {"users"}),
        ({"scope": 7}, set()),
        ({}, set()),
    ],
)
def test_its_scopes_are_named_in_either_claim(claims: object, named: set[str]) -> None:
    assert scopes(token(claims)) == named


@given(text=st.text(st.sampled_from("abYQ.e_-=+/9{}"), min_size=20, max_size=60))
def test_any_other_key_says_nothing(text: str) -> None:
    assert ends(Secret(text)) is None
    assert scopes(Secret(text)) == frozenset()


@pytest.mark.parametrize("claims", [[], 7, None, "exp"])
def test_claims_that_are_no_object_say_nothing(claims: object) -> None:
    assert ends(token(claims)) is None
    assert scopes(token(claims)) == frozenset()

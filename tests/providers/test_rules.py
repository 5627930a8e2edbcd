"""What no instance of Omni can hold is told from the files alone, at its place."""

import pytest

from reconciler.desired.build import build
from reconciler.desired.documents import parse
from reconciler.desired.schema import check
from reconciler.providers.omni.rules import rules


def said(text: str) -> list[str]:
    document = parse(text.encode(), "f")
    check(document, "desired-state")
    state, problems = build([document])
    assert [*document.problems, *problems] == []
    return [str(problem) for problem in rules(state)]


@pytest.mark.parametrize(
    ("text", "beginning"),
    [
        (
            "users: {ada: {}}",
            "f:1:9: a name in `users` cannot be the text `ada` (a user is named by an e-mail",
        ),
        ("users: {Ada.@acme..com: {}}", "f:1:9: a name in `users` cannot be the text `Ada.@acme..com` (a"),
        ("users: {a b@c: {}}", "f:1:9: a name in `users` cannot be the text `a b@c` (a user"),
        ("users: {ada: {state: absent}}", "f:1:9: a name in `users` cannot be the text `ada` (a user"),
        ("groups: {A: {members: [b@c, a@]}}", "f:1:29: an item of `members` cannot be the text `a@` (a user"),
        (
            "users: {a@b: {previously: [b@c, bob]}}",
            "f:1:33: an item of `previously` cannot be the text `bob` (a user",
        ),
        (
            f"users: {{{'x' * 99}: {{}}}}",
            f"f:1:9: a name in `users` cannot be the text `{'x' * 59}…` (a user",
        ),
    ],
)
def test_whoever_is_named_by_no_address_is_a_problem_wherever_that_is(text: str, beginning: str) -> None:
    (problem,) = said(text)
    assert problem.startswith(beginning)


def test_every_one_of_them_is_told() -> None:
    users = "users: {ada: {previously: [bob]}, c@d: {}}\n"
    text = f"{users}groups: {{A: {{members: [eve, fay, c@d]}}, B: {{members: [eve]}}}}\n"
    assert [problem.partition("text ")[2].partition(" ")[0] for problem in said(text)] == [
        "`ada`",
        "`bob`",
        "`eve`",
        "`fay`",
        "`eve`",
    ]

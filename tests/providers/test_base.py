"""The verdict on each atom of an operation, from an answer that may speak of parts."""

from executing import ADA, BOB, CLEO, create_user

from reconciler.changes import atoms
from reconciler.providers.base import Answer, Part

(A,), (B,), (C,) = (atoms(create_user(person)) for person in (ADA, BOB, CLEO))


def test_an_answer_without_parts_is_one() -> None:
    assert Answer("done", {A.address: "1"}, "x").over((A, B)) == (
        Part((A, B), "done", {A.address: "1"}, "x"),
    )


def test_what_no_part_speaks_of_has_the_verdict_of_the_whole() -> None:
    answer = Answer("untried", parts=(Part((B,), "refused", message="no"),))
    assert answer.over((A, B, C)) == (Part((B,), "refused", message="no"), Part((A, C), "untried"))


def test_the_first_word_on_an_atom_counts_and_one_on_another_does_not() -> None:
    answer = Answer("unsure", parts=(Part((A, C), "refused"), Part((A,), "done"), Part((A, B), "busy")))
    assert answer.over((A, B)) == (Part((A,), "refused"), Part((B,), "busy"))


def test_nothing_has_no_verdict() -> None:
    assert Answer("done").over(()) == ()

"""What a pull request's text approves, and what it only quotes."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ReconcilerError
from reconciler.planning.approval import Override, inclusions, overrides

DIGEST = "ab12cd34ef56"
LINE = f"Reconciler-Allow: production=37 digest={DIGEST}"


@pytest.mark.parametrize(
    "text",
    [
        LINE,
        f"Please look.\r\n\r\n{LINE}\r\n",
        f"  {LINE}  ",
        f"reconciler-allow:production=37   digest={DIGEST.upper()}",
        f"```\n{LINE}0\n```\n{LINE}\n{LINE}",
        f"<!-- {LINE}0 --> \n{LINE}",
    ],
)
def test_a_line_approves_one_plan(text: str) -> None:
    assert overrides(text) == {"production": Override(37, DIGEST)}


def test_each_target_has_its_own() -> None:
    text = f"{LINE}\nReconciler-Allow: eu/live-2.a=1 digest={DIGEST}ff"
    assert overrides(text) == {
        "production": Override(37, DIGEST),
        "eu/live-2.a": Override(1, f"{DIGEST}ff"),
    }


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"<!--\n{LINE}\n-->",
        f"<!-- never closed\n{LINE}",
        f"```text\n{LINE}\n```",
        f"~~~~\n```\n{LINE}\n~~~~",
        f"````\n```\n{LINE}",
        f"> {LINE}",
        f"    {LINE}",
        f"`{LINE}`",
        f"Write {LINE}",
    ],
)
def test_an_example_approves_nothing(text: str) -> None:
    assert overrides(text) == {}


@pytest.mark.parametrize(
    "text",
    [
        "Reconciler-Allow:",
        "Reconciler-Allow: production=37",
        "Reconciler-Allow: production=37 digest=ab12",
        f"Reconciler-Allow: production=many digest={DIGEST}",
        f"Reconciler-Allow: production=-1 digest={DIGEST}",
        f"{LINE} and more",
    ],
)
def test_a_line_that_is_not_understood_is_named(text: str) -> None:
    with pytest.raises(ReconcilerError, match="is not understood; write `Reconciler-Allow: production=37"):
        overrides(text)


def test_two_approvals_of_one_target_are_none() -> None:
    with pytest.raises(ReconcilerError, match="approves two plans for production"):
        overrides(f"{LINE}\n{LINE.replace('37', '38')}")


def test_what_is_to_be_applied_too() -> None:
    assert inclusions("") == ()
    text = "Reconciler-Include: Drift\n\nReconciler-Include: backlog, drift"
    assert inclusions(text) == ("drift", "backlog")
    with pytest.raises(ReconcilerError, match="'Reconciler-Include: everything' is not understood"):
        inclusions("Reconciler-Include: everything")


@given(st.text() | st.text(st.sampled_from("Reconciler-AlowIncude: =0digest\n`<!->~ "), max_size=80))
def test_any_text_is_read_or_refused_in_words(text: str) -> None:
    for read in (overrides, inclusions):
        with suppress(ReconcilerError):
            read(text)

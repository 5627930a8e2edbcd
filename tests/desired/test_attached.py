"""A file that is a value is found below the target's folder, and nowhere else, and is digested."""

import os
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from builders import a_user

from reconciler.desired.attached import (
    MAX_BYTES,
    Attached,
    Unusable,
    are_in,
    content_of,
    named_in,
    with_files,
)
from reconciler.desired.files import load
from reconciler.errors import FileUnusable, Place
from reconciler.model import Definition, DesiredState

PICTURE = b"\x89PNG\r\n\xff"
DIGEST = sha256(PICTURE).hexdigest()
AVATAR = Definition("avatar", "file", readable=False)
PLACE = Place("desired-state/acme/teams/it.yaml", 3, 5)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "outside.png").write_bytes(PICTURE)
    folder = tmp_path / "acme"
    (folder / "teams" / "pictures").mkdir(parents=True)
    (folder / "target.yaml").write_text(
        "kind: omni\nurl: https://acme.omniapp.co\nkeys: [{env: OMNI_API_KEY}]\n"
    )
    (folder / "shared.png").write_bytes(PICTURE)
    (folder / "teams" / "pictures" / "jan.png").write_bytes(PICTURE)
    (folder / "teams" / "link.png").symlink_to("../shared.png")
    (folder / "teams" / "out.png").symlink_to("../../outside.png")
    (folder / "teams" / "up").symlink_to("../..")
    (folder / "teams" / ".hidden.png").write_bytes(PICTURE)
    (folder / "teams" / "to.png").symlink_to(".hidden.png")
    os.mkfifo(folder / "teams" / "pipe.png")
    with (folder / "teams" / "long.png").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    return folder


@pytest.mark.parametrize(
    ("stated", "path"),
    [
        ("pictures/jan.png", "teams/pictures/jan.png"),
        ("./pictures/../pictures/jan.png", "teams/pictures/jan.png"),
        ("../shared.png", "shared.png"),
        ("link.png", "teams/link.png"),
    ],
)
def test_a_path_is_relative_to_the_file_that_states_it(folder: Path, stated: str, path: str) -> None:
    value = Attached(folder, "desired-state/acme")(PLACE, stated)
    assert value == f"{path} sha256:{DIGEST}"
    assert content_of(folder, value) == PICTURE
    assert Attached(folder, "desired-state/acme").kept()(PLACE, stated) == value


@pytest.mark.parametrize(
    ("stated", "why"),
    [
        ("../../outside.png", "'../../outside.png' leads out of the target's folder"),
        ("/etc/hostname", "'/etc/hostname' leads out of the target's folder"),
        ("out.png", "'teams/out.png' leads out of the target's folder"),
        ("up/outside.png", "'teams/up/outside.png' leads out of the target's folder"),
        (".hidden.png", "'.hidden.png' is hidden, and what is hidden is never read"),
        ("to.png", "'teams/to.png' leads to what is hidden, and that is never read"),
        ("../.git/config", "'../.git/config' is hidden, and what is hidden is never read"),
        ("none.png", "there is no file 'teams/none.png'"),
        ("pipe.png", "'teams/pipe.png' is no regular file"),
        ("pictures", "'teams/pictures' is no regular file"),
        ("long.png", "'teams/long.png' is 10,485,761 bytes long, and at most 10,485,760 are sent"),
        ("", "'' leads out of the target's folder"),
        ("a\0b", "'teams/a\\x00b' cannot be read: embedded null byte"),
    ],
)
def test_what_cannot_be_sent_is_said(folder: Path, stated: str, why: str) -> None:
    with pytest.raises(FileUnusable) as caught:
        Attached(folder, "desired-state/acme")(PLACE, stated)
    assert str(caught.value) == why
    with pytest.raises(FileUnusable):
        Attached(folder, "desired-state/acme").kept()(PLACE, stated)


def test_what_is_in_it_is_what_was_reviewed(folder: Path) -> None:
    value = Attached(folder, "desired-state/acme")(PLACE, "../shared.png")
    assert are_in(folder, [value])
    (folder / "shared.png").write_bytes(b"another")
    assert not are_in(folder, [value])
    with pytest.raises(FileUnusable, match=r"the file 'shared\.png' has changed since the review"):
        content_of(folder, value)


def loaded(folder: Path, text: str) -> DesiredState:
    (folder / "teams" / "it.yaml").write_text(text)
    return load(folder, shown_as="acme")


def test_the_desired_state_has_the_digest_and_problems_have_their_line(folder: Path) -> None:
    state = loaded(
        folder,
        "defaults: {users: {attributes: {avatar: ../shared.png}}}\nusers:\n"
        "  jan@acme.com: {attributes: {avatar: pictures/jan.png, title: x}}\n"
        "  dan@acme.com: {}\n  nan@acme.com: {attributes: {avatar: null}}\n"
        "  zoe@acme.com:\n    attributes:\n      avatar: none.png\n",
    )
    found, unusable = with_files(state, {"avatar": AVATAR, "title": Definition("title")})
    assert {key: dict(user.attributes or {}) for key, user in found.users.items()} == {
        "jan@acme.com": {"avatar": f"teams/pictures/jan.png sha256:{DIGEST}", "title": "x"},
        "dan@acme.com": {"avatar": f"shared.png sha256:{DIGEST}"},
        "nan@acme.com": {"avatar": None},
        "zoe@acme.com": {"avatar": "none.png"},
    }
    assert [(str(problem.place), problem.message) for problem in unusable.problems] == [
        ("acme/teams/it.yaml:8:7", "`avatar`: there is no file 'teams/none.png'")
    ]


PNG = b"\x89PNG\r\n\x1a\n and more"


@pytest.mark.parametrize("content", [None, b"GIF89a", b"", b"\xff\xd8", b"x" * (MAX_BYTES + 1)])
def test_a_file_that_is_spare_is_left_out_where_it_cannot_be_sent(
    folder: Path, content: bytes | None
) -> None:
    """It is missing, of another type, or too long; whoever has a good one gets it all the same."""
    spare = Definition("avatar", "file", readable=False, media=("image/jpeg", "image/png"), spare=True)
    (folder / "good.png").write_bytes(PNG)
    if content is not None:
        (folder / "bad.png").write_bytes(content)
    state = loaded(
        folder,
        "users:\n  jan@acme.com: {attributes: {avatar: ../good.png}}\n"
        "  zoe@acme.com: {attributes: {avatar: ../bad.png, title: x}}\n",
    )
    found, unusable = with_files(state, {"avatar": spare})
    assert set(found.users["jan@acme.com"].attributes or ()) == {"avatar"}
    assert dict(found.users["zoe@acme.com"].attributes or {}) == {"title": "x"}
    assert unusable.problems == ()
    (only,) = unusable.spared
    assert str(only.place).startswith("acme/teams/it.yaml:3:")
    assert "bad.png" in only.message
    assert len(with_files(state, {"avatar": replace(spare, spare=False)})[1].problems) == 1


def test_nothing_is_read_where_no_attribute_is_a_file(folder: Path) -> None:
    state = loaded(folder, "users:\n  jan@acme.com: {attributes: {avatar: ../../outside.png}}\n")
    assert with_files(state, {"avatar": Definition("avatar")}) == (state, Unusable())


def test_what_an_attribute_may_name_is_not_told_as_read_by_nothing() -> None:
    attributes = {"avatar": "p/jan.png", "several": ("a", "dan.png"), "number": 5, "none": None}
    state = DesiredState(users={"jan@acme.com": a_user("jan@acme.com", attributes=attributes)})
    assert named_in(state) == {"jan.png", "a", "dan.png"}

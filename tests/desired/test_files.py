import gc
import os
from pathlib import Path

import pytest

from reconciler.desired import files
from reconciler.desired.files import find_targets, load, read_target_file, without_collector
from reconciler.desired.text import MAX_BYTES
from reconciler.errors import Invalid, Place
from reconciler.model import DesiredState, user_address
from reconciler.target.schemas import target_schema

TARGET = "kind: omni\nurl: https://acme.omniapp.co\nkeys: [{env: K}]\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A valid target without any other file, seen from where a person would stand."""
    monkeypatch.chdir(tmp_path)
    return write(Path("desired-state/production"), {"target.yaml": TARGET})


def write(folder: Path, contents: dict[str, str | bytes]) -> Path:
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def problems(folder: Path) -> list[str]:
    with pytest.raises(Invalid) as caught:
        load(folder)
    return [str(problem) for problem in caught.value.problems]


def test_a_folder_with_only_a_target_file_is_an_empty_desired_state(folder: Path) -> None:
    assert load(folder) == DesiredState()


def test_all_files_below_the_folder_are_one_state_at_any_depth(folder: Path) -> None:
    write(
        folder,
        {"a.yaml": "users: {a@x: {groups: [A]}}\n", "teams/x/b.yml": "groups: {A: {members: from_users}}\n"},
    )
    write(folder, {"C.YAML": "users: {c@x: {}}\n", "notes.md": "users: [", "empty.yaml": ""})
    state = load(folder)
    assert [*state.users] == ["c@x", "a@x"]
    assert state.locate(user_address("a@x"), ()) == Place("desired-state/production/a.yaml", 1, 9)


def test_every_problem_of_every_file_is_told_in_one_run_sorted_by_place(folder: Path) -> None:
    write(
        folder,
        {
            "target.yaml": TARGET + "probe: x\n",
            "b.yaml": "users: [\n",
            "a.yaml": "users:\n  a@x: {nam: ~}\n  a@x: {name: 5}\n",
            "c.yaml": "users: {A@x: {}}\n",
        },
    )
    assert [
        line.partition(": ")[0].removeprefix("desired-state/production/") for line in problems(folder)
    ] == [
        "a.yaml:2:14",
        "a.yaml:3:3",
        "a.yaml:3:9",
        "b.yaml:2:1",
        "c.yaml:1:9",
        "target.yaml:4:1",
    ]


def test_places_can_be_shown_under_another_name(folder: Path) -> None:
    write(folder, {"a.yaml": "users: 5\n"})
    with pytest.raises(Invalid, match=r"^main:production/a\.yaml:1:1: "):
        load(folder, shown_as="main:production")


def test_a_folder_elsewhere_is_shown_in_full(
    folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write(folder, {"a.yaml": "users: 5\n"})
    inside = tmp_path / "elsewhere"
    inside.mkdir()
    monkeypatch.chdir(inside)
    assert problems(tmp_path / folder)[0].startswith(f"{tmp_path}/desired-state/production/a.yaml:1:1: ")


def test_what_the_target_ignores_is_an_error_in_the_files(folder: Path) -> None:
    write(
        folder, {"target.yaml": TARGET + "ignore: {users: ['*@v.co']}\n", "a.yaml": "users: {a@V.co: {}}\n"}
    )
    assert "`a@V.co` is ignored by this target" in problems(folder)[0]


def test_the_seed_of_the_sandbox_is_no_desired_state(folder: Path) -> None:
    sandbox = "kind: omni\nurl: https://x.co\nsandbox: {seed: seed.yaml, state: .reconciler/s.json}\n"
    write(folder, {"target.yaml": sandbox, "seed.yaml": "odd: 1\n"})
    assert load(folder) == DesiredState()


def test_hidden_folders_and_files_are_skipped(folder: Path) -> None:
    write(folder, {".git/a.yaml": "[", ".reconciler/runs/b.yaml": "[", ".c.yaml": "["})
    assert load(folder) == DesiredState()


def test_links_that_leave_the_folder_are_not_followed_and_those_inside_are_read_once(folder: Path) -> None:
    write(folder, {"a.yaml": "users: {a@x: {}}\n", "x/plain.txt": "users: {b@x: {}}\n"})
    write(folder.parent, {"outside.yaml": "users: {o@x: {}}\n", "other/p.yaml": "users: {p@x: {}}\n"})
    (folder / "again.yaml").symlink_to("a.yaml")
    (folder / "b.yaml").symlink_to("x/plain.txt")
    (folder / "outside.yaml").symlink_to("../outside.yaml")
    (folder / "other").symlink_to("../other")
    (folder / "x" / "loop").symlink_to("..")
    assert [*load(folder).users] == ["a@x", "b@x"]


def test_a_target_may_itself_be_reached_through_a_link(folder: Path) -> None:
    write(folder, {"a.yaml": "users: {a@x: {}}\n"})
    Path("link").symlink_to(folder)
    assert [*load(Path("link")).users] == ["a@x"]


@pytest.mark.parametrize("kind", ["vanished", "loop", "pipe", "folder"])
def test_what_cannot_be_read_is_a_problem(folder: Path, kind: str) -> None:
    path = folder / "a.yaml"
    if kind == "vanished":
        path.symlink_to("gone.yaml")
    elif kind == "loop":
        path.symlink_to("a.yaml")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        path = folder / "target.yaml"
        path.unlink()
        path.mkdir()
    said = {
        "vanished": "this cannot be read: No such file or directory (check that it is there",
        "loop": "this cannot be read: Too many levels of symbolic links (check that it is there and that you",
        "pipe": "this is no regular file (put a text file in its place)",
        "folder": "this is no regular file (put a text file in its place)",
    }[kind]
    assert problems(folder)[0].startswith(f"{path}: {said}")


def test_a_file_that_may_not_be_read_is_a_problem(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, {"a.yaml": "users: {}\n", "sub/b.yaml": "users: 5\n"})

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert len(problems(folder)) == 3
    assert "a.yaml: this cannot be read: Permission denied (check that it is there" in problems(folder)[0]


def test_a_file_over_the_limit_is_refused_without_reading_it(folder: Path) -> None:
    with (folder / "a.yaml").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    assert problems(folder) == [
        "desired-state/production/a.yaml: the file is larger than 32 MiB (split it into several files)"
    ]


def test_a_file_in_utf_16_is_a_problem(folder: Path) -> None:
    write(folder, {"a.yaml": "users: {}".encode("utf-16")})
    assert problems(folder)[0].startswith(
        "desired-state/production/a.yaml: the file is UTF-16, not UTF-8 (save it as"
    )


def test_a_missing_folder_or_target_file_is_a_problem(folder: Path) -> None:
    (folder / "target.yaml").unlink()
    assert problems(folder)[0].startswith(
        "desired-state/production/target.yaml: this cannot be read: No such file"
    )
    assert problems(Path("nowhere"))[0].startswith(
        "nowhere: this cannot be read: No such file or directory (check"
    )


def test_a_folder_that_cannot_be_listed_is_a_problem(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(folder, {"sub/a.yaml": ""})
    real = os.scandir

    def refuse(path: str) -> object:
        if str(path).endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", refuse)
    assert problems(folder)[0].startswith(
        "desired-state/production/sub: this cannot be read: Permission denied"
    )


def test_a_target_inside_of_another_is_a_problem(folder: Path) -> None:
    write(folder, {"eu/target.yaml": TARGET})
    said = "a target inside another target's folder (move that folder out of this one)"
    assert problems(folder) == [f"desired-state/production/eu/target.yaml: {said}"]


def test_a_name_of_a_file_cannot_disturb_a_terminal(folder: Path) -> None:
    (folder / os.fsdecode(b"a\x1b[31m\xff\n.yaml")).write_text("users: 5\n")
    assert problems(folder)[0].startswith("desired-state/production/a\ufffd[31m\ufffd\ufffd.yaml:1:1: ")


def test_the_target_file_is_handed_over_with_the_places_of_its_values(folder: Path) -> None:
    document = read_target_file(folder, "", target_schema)
    assert document.data == {"kind": "omni", "url": "https://acme.omniapp.co", "keys": [{"env": "K"}]}
    assert str(document.source.nearest(("keys", 0, "env"))) == "desired-state/production/target.yaml:3:9"
    write(folder, {"target.yaml": "kind: omni\nurl: 5\nkeys: ~\nprobe: 1\n"})
    problems = read_target_file(folder, "", target_schema).problems
    assert sorted(problem.place.line for problem in problems) == [2, 3, 4]


def test_the_collector_is_as_it_was_after_a_load(folder: Path) -> None:
    load(folder)
    assert gc.isenabled()
    gc.disable()
    try:
        load(folder)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_targets_are_the_folders_that_hold_a_target_file(folder: Path) -> None:
    root = folder.parent
    write(
        root,
        {"eu/staging/target.yaml": "", "notes/x.yaml": "", ".hidden/target.yaml": "", "demo/target.yaml": ""},
    )
    assert find_targets(root) == {
        "demo": root / "demo",
        "eu/staging": root / "eu/staging",
        "production": folder,
    }
    assert find_targets(folder) == {"production": folder}


def test_a_root_without_targets_is_a_problem(folder: Path) -> None:
    Path("empty").mkdir()
    with pytest.raises(Invalid, match=r"^empty: no folder here holds a target\.yaml"):
        find_targets(Path("empty"))
    with pytest.raises(Invalid, match=r"^nowhere: there is no such folder here"):
        find_targets(Path("nowhere"))
    assert files.shown(folder) == "desired-state/production"


def test_what_a_load_made_counts_as_old_at_once() -> None:
    with without_collector():
        made = [[] for _ in range(5000)]  # type: ignore[var-annotated]
        assert not gc.isenabled()
    assert gc.isenabled()
    young = {id(one) for generation in (0, 1) for one in gc.get_objects(generation)}
    assert sum(id(one) in young for one in made) == 0
    gc.disable()
    try:
        with without_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()

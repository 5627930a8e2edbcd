"""Whatever ends an apply half-way, the next one completes it: nothing is lost, and nothing is made twice.

A few points of each kind are tried here; all of them by ``make kill``, which runs the tests marked campaign.
"""

import json
import random
import shutil
import signal
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TypeVar

import pytest
from campaign import (
    LITTLE_OMNI,
    OMNI,
    TIMEOUT,
    Arena,
    Front,
    How,
    Kill,
    Untroubled,
    arena,
    assert_evidence,
    assert_free,
    assert_settled,
    command,
    entries,
    finish,
    journals,
    trial,
    under_way,
    untroubled,
)
from club import CLUB
from directory import DIRECTORY
from pleio_site import SITE
from tenant import GROUPS_AFTER, METHODS, PEOPLE_AFTER, SEED

from reconciler.sandbox.faults import Dropped
from reconciler.sandbox.omni.store import Store
from reconciler.transport.messages import Response

Job = TypeVar("Job")
Judge = Callable[[Arena, Untroubled, Job], None]

ROUGH = {
    "page_cap": 3,
    "list_omits_attributes": True,
    "member_ops_strict": True,
    "delete_keeps_row": True,
    "shows_defaults": True,
    "bad_token_403": True,
    "error_shape": "error",
}
"""A server that behaves otherwise in all that is doubted."""


@pytest.fixture(scope="module")
def arenas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[Arena]]:
    """Two projects, each with a server of its own, to run two processes at a time."""
    root = tmp_path_factory.mktemp("kill")
    with arena(root / "one") as one, arena(root / "two") as two:
        yield one, two


@pytest.fixture(scope="module")
def acme(arenas: Sequence[Arena]) -> Arena:
    return arenas[0]


@pytest.fixture(scope="module")
def clean(acme: Arena) -> Untroubled:
    return untroubled(acme)


def try_all(arenas: Sequence[Arena], clean: Untroubled, jobs: Sequence[Job], judge: Judge[Job]) -> None:
    """Judge every job, one at a time in each arena; all that fail are said, and not only the first."""
    left: SimpleQueue[Job] = SimpleQueue()
    for job in jobs:
        left.put(job)

    def work(arena: Arena) -> list[str]:
        failures: list[str] = []
        while True:
            try:
                job = left.get_nowait()
            except Empty:
                return failures
            try:
                judge(arena, clean, job)
            except Exception:  # noqa: BLE001 (whatever went wrong, the other jobs are to be tried too)
                failures.append(f"{job}:\n{traceback.format_exc()}")

    with ThreadPoolExecutor(len(arenas)) as pool:
        failures = [failure for found in pool.map(work, arenas) for failure in found]
    assert not failures, f"{len(failures)} of {len(jobs)} failed:\n" + "\n".join(failures)


@pytest.fixture
def tell(pytestconfig: pytest.Config, capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Say a line to whoever watches the tests."""

    def line(text: str) -> None:
        with capsys.disabled():
            pytestconfig.get_terminal_writer().line(f"\n{text}")

    return line


@pytest.fixture
def try_each(
    arenas: Sequence[Arena], clean: Untroubled, tell: Callable[[str], None]
) -> Callable[[str, Sequence[Job], Judge[Job]], None]:
    """Judge every job of a campaign, and say how many there were."""

    def go(what: str, jobs: Sequence[Job], judge: Judge[Job]) -> None:
        before = sum(arena.runs for arena in arenas)
        try_all(arenas, clean, jobs, judge)
        runs = sum(arena.runs for arena in arenas) - before
        tell(f"{what}: {len(jobs)} trials, {runs} runs")

    return go


# --- what the plan is


def test_the_plan_has_every_kind_of_change_and_touches_nothing_else(acme: Arena, clean: Untroubled) -> None:
    assert [method for method, _, _ in clean.took] == METHODS
    # On whose word, a line before and after each write, and one at each end.
    assert len(clean.lines) == 2 * len(METHODS) + 4
    people = clean.live["users"]
    assert {e: (p["name"], p["active"], p["attributes"]) for e, p in people.items()} == PEOPLE_AFTER
    assert clean.live["groups"] == GROUPS_AFTER
    again = untroubled(acme, "afresh", "fresh")
    assert again == clean


# --- killed


def test_an_apply_that_is_killed_anywhere_is_completed_by_the_next(
    arenas: Sequence[Arena], clean: Untroubled
) -> None:
    chance = random.Random(1815)  # noqa: S311 (a sample that is the same each time)
    try_all(arenas, clean, chance.sample(clean.kills(), 3), trial)


@pytest.mark.campaign
def test_an_apply_that_is_killed_at_any_point_is_completed_by_the_next(
    try_each: Callable[[str, Sequence[Kill], Judge[Kill]], None], clean: Untroubled
) -> None:
    try_each("killed at each write and line", clean.kills(), trial)


@pytest.mark.campaign
def test_so_it_is_where_the_server_is_rough(tmp_path: Path, tell: Callable[[str], None]) -> None:
    with arena(tmp_path / "one", ROUGH) as one, arena(tmp_path / "two", ROUGH) as two:
        clean = untroubled(one)
        writes = [kill for kill in clean.kills() if kill.what == "write" and kill.moment != "answered"]
        try_all([one, two], clean, writes, trial)
        tell(f"killed at each write, rough server: {len(writes)} trials, {one.runs + two.runs} runs")


@pytest.fixture(scope="module")
def club(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """The same for a system that is neither SCIM nor Omni, and works some things off later."""
    with arena(tmp_path_factory.mktemp("club"), tenant=CLUB) as found:
        yield found


@pytest.mark.usefixtures("toy")
def test_so_it_is_where_the_system_is_neither_scim_nor_omni(club: Arena) -> None:
    clean = untroubled(club)
    assert (clean.writes, len(clean.took)) == (6, 8)
    # After the last write, and before it is answered: it is under way then, and not sent again.
    trial(club, clean, Kill("write", clean.writes, "after"))
    trial(club, clean, Kill("write", 1, "after"))


@pytest.mark.parametrize("switches", [{}, {"patch": "off", "etags": "required"}], ids=str)
def test_so_it_is_for_any_directory(tmp_path: Path, switches: dict[str, object]) -> None:
    with arena(tmp_path, switches, DIRECTORY) as directory:
        clean = untroubled(directory)
        assert len(clean.took) == clean.writes
        chance = random.Random(1815)  # noqa: S311 (a sample that is the same each time)
        for kill in chance.sample(clean.kills(), 2):
            trial(directory, clean, kill)


@pytest.mark.campaign
def test_so_it_is_for_any_directory_wherever_it_is_killed(
    tmp_path: Path, tell: Callable[[str], None]
) -> None:
    with arena(tmp_path / "1", {}, DIRECTORY) as one, arena(tmp_path / "2", {}, DIRECTORY) as two:
        clean = untroubled(one)
        try_all([one, two], clean, clean.kills(), trial)
        tell(f"killed at each write and line, SCIM: {len(clean.kills())} trials, {one.runs + two.runs} runs")


@pytest.mark.campaign
@pytest.mark.usefixtures("toy")
def test_so_it_is_there_wherever_it_is_killed(club: Arena, tell: Callable[[str], None]) -> None:
    before, clean = club.runs, untroubled(club, "clean")
    try_all([club], clean, clean.kills(), trial)
    tell(f"killed at each write and line, the toy: {len(clean.kills())} trials, {club.runs - before} runs")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """The same for a site that answers nothing but who is there."""
    with arena(tmp_path_factory.mktemp("site"), tenant=SITE) as found:
        yield found


def test_so_it_is_on_a_pleio_site(site: Arena) -> None:
    clean = untroubled(site)
    # Two are made; one changes, one is let in too, one is banned too; one is banned, and one deleted.
    assert clean.writes == 9
    assert "dicht@acme.nl" in clean.live["users"]
    assert clean.live["users"]["dicht@acme.nl"]["name"] == "Banned"
    for number in (1, 4, 7):
        trial(site, clean, Kill("write", number, "after"))


@pytest.mark.campaign
def test_so_it_is_there_wherever_it_is_killed_too(site: Arena, tell: Callable[[str], None]) -> None:
    before, clean = site.runs, untroubled(site, "clean")
    try_all([site], clean, clean.kills(), trial)
    tell(f"killed at each write and line, Pleio: {len(clean.kills())} trials, {site.runs - before} runs")


@pytest.fixture(scope="module")
def little(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """The same, with so few changes that an apply of them reads a part of what is live."""
    with arena(tmp_path_factory.mktemp("little"), tenant=LITTLE_OMNI) as found:
        yield found


def test_so_it_is_where_a_part_is_read(little: Arena) -> None:
    clean = untroubled(little, how="part")
    assert clean == untroubled(little, "whole", "saved")
    assert [method for method, _, _ in clean.took] == ["PATCH"] * 4
    little.front.begin()
    assert "Only what the plan is about was read" in little.apply(little.folder("said"), "part").out
    # The third write takes somebody out of a group that must not be left empty.
    for kill in (Kill("write", 1, "after"), Kill("write", 3, "before"), Kill("line", 4, "half")):
        trial(little, clean, kill)


@pytest.mark.campaign
def test_so_it_is_there_wherever_it_is_killed_with_a_part_read(
    little: Arena, tell: Callable[[str], None]
) -> None:
    before, clean = little.runs, untroubled(little, "clean", "part")
    try_all([little], clean, clean.kills(), trial)
    tell(f"killed at each point, a part read: {len(clean.kills())} trials, {little.runs - before} runs")


@pytest.mark.campaign
@pytest.mark.parametrize("how", ["saved", "fresh"])
def test_one_that_is_killed_after_every_single_write_arrives_all_the_same(
    acme: Arena, clean: Untroubled, how: How
) -> None:
    folder, front = acme.folder(f"again-and-again-{how}"), acme.front
    front.begin()
    for _ in METHODS:
        process = acme.start_apply(folder, how)

        def one_write(
            number: int, done: Callable[[], Response], kill: Callable[[], None] = process.kill
        ) -> Response:
            if number == 1:
                done()
            kill()
            raise Dropped

        front.on_write = one_write
        assert finish(process).code == -9
    assert_settled(acme, folder, clean)
    assert len([entries(journal, whole=False) for journal in journals(folder)]) == len(METHODS)


# --- two at a time


def test_a_second_apply_is_turned_away_until_the_first_one_dies(acme: Arena, clean: Untroubled) -> None:
    folder, front = acme.folder("lock"), acme.front
    front.begin()
    reached, go_on = threading.Event(), threading.Event()

    def pause(number: int, done: Callable[[], Response]) -> Response:
        if number == 6:
            reached.set()
            go_on.wait(20)
            raise Dropped
        return done()

    front.on_write = pause
    try:
        with under_way(acme.start_apply(folder)) as first:
            assert reached.wait(20)
            second = acme.apply(folder, "fresh")
            assert second.code == 1
            assert f"another apply is running on acme (process {first.pid} on " in second.err
    finally:
        go_on.set()
    front.calm()
    assert acme.apply(folder).code == 0
    assert_settled(acme, folder, clean)


def test_two_applies_that_start_at_once_do_everything_once(acme: Arena, clean: Untroubled) -> None:
    folder = acme.folder("race")
    acme.front.begin()
    both = [acme.start_apply(folder, "fresh"), acme.start_apply(folder, "saved")]
    runs = [finish(process) for process in both]
    # The one that came second was turned away, or came so late that all was done.
    assert {run.code for run in runs} <= {0, 1}
    assert 0 in {run.code for run in runs}
    assert all("another apply is running" in run.err for run in runs if run.code == 1)
    assert_settled(acme, folder, clean)


def overtake(arena: Arena, clean: Untroubled, number: int) -> None:
    """Stop an apply at a write, let one on another machine do everything, and let the first one go on."""
    front = arena.front
    slow, fast = arena.folder(f"slow-{number}"), arena.folder(f"fast-{number}")
    front.begin()
    reached = threading.Event()
    with under_way(arena.start_apply(slow)) as first:

        def stop(here: int, done: Callable[[], Response]) -> Response:
            if here == number and not reached.is_set():
                first.send_signal(signal.SIGSTOP)
                reached.set()
                raise Dropped
            return done()

        front.on_write = stop
        assert reached.wait(20)
        other = arena.apply(fast, "fresh", wrong={"machine": str(fast)})
        assert other.code == 0, other
        first.send_signal(signal.SIGCONT)
        run = finish(first)
    assert run.code == 0, run
    # What both of them say takes place twice to no effect, but nobody and nothing is made or deleted twice.
    made_or_gone = [effect for effect in front.took if effect[0] != "PATCH"]
    assert made_or_gone == [effect for effect in clean.took if effect[0] != "PATCH"]
    assert front.store.snapshot() == clean.live


@pytest.mark.campaign
def test_two_applies_on_two_machines_make_nothing_twice(
    try_each: Callable[[str, Sequence[int], Judge[int]], None],
) -> None:
    try_each("overtaken at each write", range(1, len(METHODS) + 1), overtake)


# --- the server dies


def restart(arena: Arena, clean: Untroubled, point: tuple[int, str]) -> None:
    """Apply to a server that is killed at a write, and that somebody starts again."""
    number, moment = point
    folder = arena.folder(f"server-{number}-{moment}")
    (folder / "seed.yaml").write_text(json.dumps(SEED), encoding="utf-8")
    serving = ("sandbox", "serve", "seed.yaml", "--state", "state.json", "--port")
    with under_way(command(folder, *serving, "0", wrong={"served": number, "moment": moment})) as server:
        assert server.stdout
        url = server.stdout.readline().split()[5].rstrip(",")
        project = Arena(folder / "project", url, Front(OMNI))
        process = project.start_apply(folder)
        assert server.wait(TIMEOUT) == -9
    with under_way(process), under_way(command(folder, *serving, url.rpartition(":")[2])):
        run = finish(process)
        assert run.code == 0, run
        settled = project.run(folder, "plan", "acme", "--detailed-exitcode")
        assert settled.code == 0, settled
    arena.runs += project.runs
    store = Store.open(folder / "seed.yaml", folder / "state.json")
    assert store.snapshot() == clean.live
    # Each write that takes place is counted, so this number says that none did twice.
    assert store.serial == clean.serial
    shutil.rmtree(folder)


def test_a_server_that_dies_and_comes_back_does_not_even_end_the_apply(
    acme: Arena, clean: Untroubled
) -> None:
    restart(acme, clean, (7, "after"))


@pytest.mark.campaign
def test_so_it_is_wherever_the_server_dies(
    try_each: Callable[[str, Sequence[tuple[int, str]], Judge[tuple[int, str]]], None],
) -> None:
    points = [(number + 1, moment) for number in range(len(METHODS)) for moment in ("before", "after")]
    try_each("server killed at each write", points, restart)


def test_a_server_that_goes_away_for_good_ends_the_apply_and_the_next_one_completes_it(
    acme: Arena, clean: Untroubled
) -> None:
    folder, front = acme.folder("gone"), acme.front
    front.begin()

    def gone() -> None:
        raise Dropped

    def last_words(number: int, done: Callable[[], Response]) -> Response:
        response = done()
        if number < len(METHODS):
            return response
        front.on_read = gone
        raise Dropped

    front.on_write = last_words
    run = acme.apply(folder, wrong={"hurry": 500})
    assert run.code == 6, run
    assert "Sent, but not known whether it took place" in run.out
    assert "Run the same command again: what is done is not done twice." in run.out
    front.calm()
    assert acme.apply(folder).code == 0
    assert_settled(acme, folder, clean)


# --- the disk is full


def fill(arena: Arena, clean: Untroubled, point: tuple[int, str]) -> None:
    """Apply with room for the journal up to the begin, or the half, of a line."""
    number, moment = point
    folder, front = arena.folder(f"full-{number}-{moment}"), arena.front
    size = clean.lines[number - 1]
    front.begin()
    room = sum(clean.lines[: number - 1]) + (size // 2 if moment == "half" else 0)
    run = arena.apply(folder, wrong={"room": room})
    last = number == len(clean.lines)
    # Before the first write nothing is done; the very last line says only that all of it is.
    assert run.code == (1 if not front.took else 0 if last else 6), run
    # Where not even the first line fits, there is no report, but an error.
    said = run.err if number == 1 else run.out
    assert last or "the journal cannot be written (File too large), and nothing is sent without it" in said
    (journal,) = journals(folder)
    assert journal.stat().st_size == room
    assert_evidence(journal, front.received)
    assert_free(arena, folder)
    run = arena.apply(folder)
    assert run.code == 0, run
    assert_settled(arena, folder, clean)
    shutil.rmtree(folder)


def test_a_full_disk_stops_the_apply_and_the_next_one_completes_it(acme: Arena, clean: Untroubled) -> None:
    fill(acme, clean, (9, "half"))


@pytest.mark.campaign
def test_so_it_is_wherever_the_disk_is_full(
    try_each: Callable[[str, Sequence[tuple[int, str]], Judge[tuple[int, str]]], None], clean: Untroubled
) -> None:
    points = [(1, "before"), *((number + 1, "half") for number in range(len(clean.lines)))]
    try_each("disk full within each line", points, fill)


# --- the clock jumps, the network hangs


def test_a_clock_that_jumps_by_years_changes_nothing(acme: Arena, clean: Untroubled) -> None:
    folder, year = acme.folder("clock"), 365 * 24 * 3600
    acme.front.begin()
    run = acme.apply(folder, wrong={"clock": [0, 3 * year, -2 * year, 1, -9 * year]})
    assert run.code == 0, run
    (journal,) = journals(folder)
    times = [row["at"] for row in entries(journal)]
    assert times != sorted(times)
    assert_settled(acme, folder, clean)


def test_a_server_that_takes_requests_and_never_answers_is_given_up(acme: Arena) -> None:
    folder, front = acme.folder("silence"), acme.front
    front.begin()
    over = threading.Event()

    def hang() -> None:
        over.wait(20)

    front.on_read = hang
    try:
        run = acme.apply(folder, wrong={"hurry": 500})
    finally:
        over.set()
    assert run.code == 1, run
    assert "was silent for 0.12 s" in run.err.splitlines()[-1]
    assert not journals(folder)
    assert front.received == []


def test_a_server_that_is_gone_is_not_written_to_again_and_again(acme: Arena) -> None:
    folder, front = acme.folder("silent"), acme.front
    front.begin()

    def gone() -> None:
        raise Dropped

    def from_the_second(number: int, done: Callable[[], Response]) -> Response:
        if number < 2:
            return done()
        front.on_read = gone
        raise Dropped

    front.on_write = from_the_second
    assert acme.apply(folder, wrong={"hurry": 500}).code == 6
    assert len(front.received) <= 3

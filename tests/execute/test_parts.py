"""An answer that speaks of each part by itself: each is settled by itself."""

import pytest
from bulky import Applied, Bulk, club, deactivate, regroup, rename, still_to_do
from executing import ADA, BOB, CLEO, DAN, create_group, create_user, tally

from reconciler.changes import Change
from reconciler.execute.headcount import Headcount
from reconciler.model import group_address, user_address
from reconciler.transport.messages import Response

PEOPLE = [f"p{n:03}@acme.com" for n in range(100)]


def says(system: Bulk, **verdicts: str) -> Applied:
    """Have the system say this of people instead of doing it, by the first letter of their address."""
    system.says = {f"user/{letter}{rest}": [v] for letter, v in verdicts.items() for rest in _REST[letter]}
    return Applied(system)


_REST = {person[0]: [person[1:]] for person in (ADA, BOB, CLEO, DAN)}


class TestEachPart:
    def test_is_settled_by_itself(self) -> None:
        one = says(club(), a="refused", b="unsupported")
        outcomes = one.run(*map(create_user, (ADA, BOB, CLEO)))
        assert outcomes == [
            f"+ user/{BOB} email failed: the system cannot do that: the system says unsupported",
            f"+ user/{CLEO} email done",
            f"+ user/{ADA} email failed: the system says refused",
        ]
        assert len(one.system.seen) == 1
        assert one.report.counts == tally(created=1, failed=2)

    def test_that_is_there_already_is_adopted_alone(self) -> None:
        system = club(BOB)
        one = Applied(system)
        one.run(*map(create_user, (ADA, BOB)))
        assert one.report.counts == tally(created=1, adopted=1)
        assert one.execution.ids[user_address(BOB)] == "u-bob-acme-com"

    def test_that_is_busy_or_lost_is_looked_at_with_the_others_and_sent_again_with_them(self) -> None:
        one = says(club(ADA, BOB, CLEO, DAN), a="busy", b="unsure", c="lost")
        outcomes = one.run(*(rename(person, "New") for person in (ADA, BOB, CLEO, DAN)))
        assert all(outcome.endswith(" done") for outcome in outcomes)
        assert one.system.seen == [
            [f"user/{person}" for person in (ADA, BOB, CLEO, DAN)],
            [f"user/{ADA}", f"user/{BOB}"],
        ]
        assert one.clock.slept == 1
        assert one.reads == 2

    def test_that_is_busy_for_good_fails_after_three_more(self) -> None:
        one = Applied(club(ADA, BOB))
        one.system.says[f"user/{ADA}"] = ["busy"] * 9
        outcomes = one.run(rename(ADA, "A"), rename(BOB, "B"))
        assert sorted(outcomes) == [
            f"+ user/{ADA} name failed: the system says busy",
            f"+ user/{BOB} name done",
        ]
        assert len(one.system.seen) == 4

    def test_that_is_refused_is_not_halved_where_it_stands_alone(self) -> None:
        one = Applied(club(*PEOPLE, finance=[]))
        one.system.before_row = lambda _: one.system.users.pop(PEOPLE[17], None)
        one.run(regroup("finance", add=PEOPLE))
        assert len(one.system.seen) == 1
        assert len(one.system.groups["finance"]) == 99
        assert one.report.counts == tally(updated=1, failed=1)

    def test_that_says_the_credential_is_refused_stops_everything_and_hides_no_doubt(self) -> None:
        one = says(club(ADA, BOB), a="lost", b="credential")
        outcomes = one.run(rename(ADA, "A"), rename(BOB, "B"), regroup("x"))
        assert outcomes == [
            f"+ user/{BOB} name failed: the system says credential",
            (
                f"+ user/{ADA} name unsettled: the system says unsure; "
                "not looked at, since the credential was refused"
            ),
        ]
        assert one.stopped == "the system says credential"

    def test_that_cannot_be_read_is_unsettled_alone(self) -> None:
        one = says(club(ADA, BOB), a="lost")
        one.system.reads_fail = True
        outcomes = one.run(rename(ADA, "A"), rename(BOB, "B"))
        assert "unsettled: the system says unsure; reading it back failed too" in "".join(outcomes)
        assert "unsettled: answered as done, but it could not be read back" in "".join(outcomes)

    def test_has_a_line_in_the_journal(self) -> None:
        one = says(club(), a="refused")
        one.run(create_user(ADA), create_user(BOB))
        assert one.log[:6] == ["start", "intent POST", "-> POST", "result POST 200", "part", "part"]


class TestWhatWasNotTried:
    def test_is_sent_again_without_what_was(self) -> None:
        one = says(club(), b="refused")
        one.system.errors_until_it_stops = 1
        one.run(*map(create_user, (ADA, BOB, CLEO, DAN)))
        assert one.system.seen == [
            [f"user/{person}" for person in (ADA, BOB, CLEO, DAN)],
            [f"user/{CLEO}", f"user/{DAN}"],
        ]
        assert one.report.counts == tally(created=3, failed=1)

    def test_is_skipped_and_has_not_failed_where_the_system_came_to_nothing(self) -> None:
        one = Applied(club())
        one.system.whole = [Response(200, {}, [])]
        outcomes = one.run(create_user(ADA), create_group("new", [ADA]))
        assert outcomes == [
            f"+ user/{ADA} email skipped: the system stopped before it",
            f"+ group/new members {ADA} skipped: user/{ADA} could not be created",
            "+ group/new name done",
        ]
        assert one.report.counts == tally(created=1, skipped=2)

    def test_is_skipped_where_the_system_refuses_everything(self) -> None:
        one = Applied(club())
        one.system.errors_until_it_stops = 1
        one.system.says = {f"user/{person}": ["refused"] for person in PEOPLE}
        one.run(*map(create_user, PEOPLE))
        assert len(one.system.seen) == 21
        assert one.report.counts == tally(failed=21, skipped=79)

    def test_is_sent_before_anything_is_taken_away(self) -> None:
        one = Applied(club(ADA, BOB, old=[ADA, BOB], new=[]))
        one.system.errors_until_it_stops = 1
        one.system.says = {f"group/new+{ADA}": ["refused"]}
        outcomes = one.run(regroup("new", add=[ADA, BOB]), regroup("old", remove=[ADA, BOB]))
        assert one.system.groups == {"old": {ADA}, "new": {BOB}}
        assert f"- group/old members {ADA} skipped" in "".join(outcomes)


class TestGuards:
    def test_count_each_part(self) -> None:
        """Bob was to be the one who stays in the group; his part is refused, so Ada is not taken out."""
        one = Applied(club(ADA, BOB, CLEO, desk=[ADA]))
        one.system.says = {f"group/desk+{BOB}": ["refused"]}
        desk = group_address("desk")
        one.headcount = Headcount({desk: {user_address(ADA)}})
        outcomes = one.run(regroup("desk", add=[BOB], remove=[ADA]))
        assert outcomes[1].startswith(f"- group/desk members {ADA} skipped: group/desk would be left without")
        assert one.system.groups == {"desk": {ADA}}


CHANGES: tuple[Change, ...] = (
    *map(create_user, (CLEO, DAN)),
    create_group("new", [CLEO, DAN, ADA]),
    rename(ADA, "Ada"),
    regroup("old", add=[DAN], remove=[ADA]),
    deactivate(BOB),
)


class Killed(Exception):
    """The process is gone."""


@pytest.mark.parametrize("row", range(10))
def test_killed_between_two_parts_the_next_apply_converges(row: int) -> None:
    system = club(ADA, BOB, old=[ADA, BOB])
    rows = 0

    def kill(_: str) -> None:
        nonlocal rows
        rows += 1
        if rows == row + 1:
            raise Killed

    system.before_row = kill
    with pytest.raises(Killed):
        Applied(system).run(*CHANGES)
    assert_converges(system)


@pytest.mark.parametrize("line", range(1, 24))
def test_with_a_full_disk_at_any_line_the_next_apply_converges(line: int) -> None:
    system = club(ADA, BOB, old=[ADA, BOB])
    Applied(system, journal_fails_at=line).run(*CHANGES)
    assert_converges(system)


def assert_converges(system: Bulk) -> None:
    again = Applied(system)
    again.run(*still_to_do(system, CHANGES))
    assert again.report.complete
    assert still_to_do(system, CHANGES) == []
    assert system.groups == {"old": {BOB, DAN}, "new": {ADA, CLEO, DAN}}
    assert system.users[BOB]["active"] is False

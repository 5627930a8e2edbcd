"""What is settled, halved or sent again follows from the answer: here every write is a POST to one path."""

from bulky import Applied, Bulk, club, regroup, rename
from executing import ADA, BOB, CLEO, DAN, create_group, create_user

from reconciler.transport.messages import Response

REFUSED = Response(400)
CANNOT = Response(501)


def applied(system: Bulk, *whole: Response | Exception) -> Applied:
    system.whole = list(whole)
    return Applied(system)


class TestRefusedAsAWhole:
    def test_what_makes_its_objects_is_halved_by_object_without_a_look(self) -> None:
        one = applied(club(), REFUSED, REFUSED)
        outcomes = one.run(create_user(ADA), create_user(BOB), create_user(CLEO))
        assert one.system.seen[:3] == [
            [f"user/{ADA}", f"user/{BOB}", f"user/{CLEO}"],
            [f"user/{ADA}"],
            [f"user/{BOB}", f"user/{CLEO}"],
        ]
        assert outcomes == [
            f"+ user/{ADA} email failed: answered 400",
            f"+ user/{BOB} email done",
            f"+ user/{CLEO} email done",
        ]
        assert one.log.index("-> GET") > one.log.index("result POST 200")

    def test_what_does_not_is_looked_at_first(self) -> None:
        one = applied(club(ADA, BOB), REFUSED)
        outcomes = one.run(rename(ADA, "Ada"), rename(BOB, "Bob"))
        assert one.log[3:5] == ["result POST 400", "-> GET"]
        assert all(outcome.endswith(" done") for outcome in outcomes)
        assert [len(names) for names in one.system.seen] == [2, 1, 1]

    def test_the_people_of_a_group_are_halved_by_person(self) -> None:
        one = applied(club(ADA, BOB, finance=[]), REFUSED)
        one.run(regroup("finance", add=[ADA, BOB]))
        assert [len(names) for names in one.system.seen] == [2, 1, 1]
        assert one.system.groups["finance"] == {ADA, BOB}


class TestUnsupported:
    def test_is_final_and_neither_looked_at_nor_halved_nor_sent_again(self) -> None:
        one = applied(club(ADA, BOB, finance=[]), CANNOT)
        outcomes = one.run(regroup("finance", add=[ADA, BOB]))
        assert outcomes == [
            f"+ group/finance members {person} failed: the system cannot do that: answered 501"
            for person in (ADA, BOB)
        ]
        assert one.log == ["start", "intent POST", "-> POST", "result POST 501", "end"]
        assert one.report.counts["failed"] == 1

    def test_what_depends_on_it_is_skipped(self) -> None:
        one = applied(club(ADA), CANNOT)
        outcomes = one.run(create_user(DAN), create_group("new", [ADA, DAN]))
        assert outcomes[0] == f"+ user/{DAN} email failed: the system cannot do that: answered 501"
        assert f"+ group/new members {DAN} skipped: user/{DAN} could not be created" in outcomes
        assert one.system.groups == {"new": {ADA}}

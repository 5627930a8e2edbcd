"""A read is complete, or it is none."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from asking import company, user_id
from hypothesis import given
from hypothesis import strategies as st

from reconciler.changes import Atom
from reconciler.errors import BadAnswer, CredentialRefused, IncompleteRead, NoAnswer, Refused
from reconciler.model import Address, LiveState, Need, group_address, user_address
from reconciler.providers.omni.dialect import OMNI
from reconciler.providers.scim.reader import ScimReader
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Reader, Request, Response, Transport

URN = OMNI.attributes
USERS, GROUPS = "/scim/v2/users", "/scim/v2/groups"
SMALL = replace(OMNI, page=2)
ADA, BOB, CLEO = "ada@acme.com", "bob@acme.com", "cleo@acme.com"


class Answers:
    """Answers the requests for each path one after the other, the last answer for ever."""

    def __init__(self, given: Mapping[str, Sequence[Response | Exception]]) -> None:
        self.left = {path: list(answers) for path, answers in given.items()}
        self.asked: list[str] = []

    def send(self, request: Request) -> Response:
        assert request.method == "GET"
        query = "".join(f" {value}" for key, value in request.query.items() if key != "count")
        self.asked.append(request.path.removeprefix("/scim/v2") + query)
        answers = self.left.get(request.path, [Response(404)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def page(*rows: object, total: object = None) -> Response:
    return Response(200, {}, {"totalResults": len(rows) if total is None else total, "Resources": list(rows)})


def user(name: str, *groups: str, active: bool = True, **attributes: object) -> dict[str, Any]:
    row = {"id": name, "userName": f"{name}@acme.com", "displayName": name, "active": active}
    more: dict[str, Any] = {URN: attributes} if attributes else {}
    return {**row, "groups": [{"value": group} for group in groups], **more}


def group(name: str, *members: str) -> dict[str, Any]:
    return {"id": name, "displayName": name.title(), "members": [{"value": member} for member in members]}


def one(row: dict[str, Any]) -> Response:
    return Response(200, {}, row)


def server(
    users: Sequence[Response | Exception] = (), groups: Sequence[Response | Exception] = (), **singles: Any
) -> Answers:
    """A server with these pages; ``users_ada=...`` is what a GET of one user answers."""
    paths = {f"/scim/v2/{name.replace('_', '/', 1)}": answers for name, answers in singles.items()}
    return Answers({USERS: users or [page()], GROUPS: groups or [page()], **paths})


def read(transport: Transport, need: Need | None = None, *, dialect: Any = SMALL) -> LiveState:
    return ScimReader(Reader(transport), dialect).read(need or Need())


def emails(state: LiveState) -> list[str]:
    return [live.resource.email for live in state.users]


def members(state: LiveState) -> set[str]:
    return set(state.groups[0].resource.members or ())


class TestPaging:
    def test_goes_on_by_what_was_received_and_asks_no_page_too_many(self) -> None:
        answers = server([page(user("a"), total=3), page(user("b"), user("c"), total=3)])
        assert emails(read(answers)) == ["a@acme.com", "b@acme.com", "c@acme.com"]
        assert answers.asked == ["/users 1", "/users 2", "/groups 1"]

    def test_nobody_is_a_complete_answer_too(self) -> None:
        assert read(server()) == LiveState()
        assert read(server([Response(200, {}, {"totalResults": 0})])) == LiveState()

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (NoAnswer("timed out"), NoAnswer),
            (Response(500), Refused),
            (Response(429), Refused),
            (Response(400), Refused),
            (Response(404), Refused),
            (Response(401), CredentialRefused),
            (Response(204), BadAnswer),
        ],
    )
    @pytest.mark.parametrize("kind", ["users", "groups"])
    def test_a_page_that_fails_stops_it(
        self, kind: str, answer: Response | Exception, error: type[Exception]
    ) -> None:
        row = user if kind == "users" else group
        broken = server(**{kind: [page(row("a"), row("b"), total=3), answer]})
        with pytest.raises(error):
            read(broken)

    @pytest.mark.parametrize(
        "pages",
        [
            [page(user("a"), user("a"))],
            [page(user("a"), user("b"), total=3), page(user("b"), total=3)],
            [page(user("a"), user("b"), total=4)],
        ],
    )
    def test_an_id_that_repeats_stops_it(self, pages: list[Response]) -> None:
        with pytest.raises(IncompleteRead, match=r"listed the user with the id [ab] twice, so another"):
            read(server(pages))

    def test_a_short_read_stops_it(self) -> None:
        with pytest.raises(IncompleteRead, match="GET /scim/v2/users listed 1 users of the 3 that it counts"):
            read(server([page(user("a"), total=3), page(total=3)]))

    def test_more_than_the_total_stops_it(self) -> None:
        with pytest.raises(IncompleteRead, match="listed 2 groups of the 1 that it counts"):
            read(server(groups=[page(group("a"), group("b"), total=1)]))

    def test_an_empty_page_stops_it(self) -> None:
        with pytest.raises(IncompleteRead, match="listed 0 users of the 5 that it counts"):
            read(server([page(total=5)]))

    @pytest.mark.parametrize("then", [2, 4])
    def test_a_total_that_moves_starts_the_listing_anew(self, then: int) -> None:
        rows = [user("a"), user("b"), user("c"), user("d")]
        answers = server(
            [
                page(*rows[:2], total=3),
                page(rows[2], total=then),
                page(*rows[:2], total=then),
                page(*rows[2:then], total=then),
            ]
        )
        assert len(emails(read(answers))) == then
        assert answers.asked[:3] == ["/users 1", "/users 3", "/users 1"]

    def test_a_total_that_moves_three_times_stops_it(self) -> None:
        moving = [page(user("a"), user("b"), total=3), page(user("c"), total=4)]
        answers = server(moving * 3)
        with pytest.raises(IncompleteRead) as stopped:
            read(answers)
        assert str(stopped.value) == (
            "the number of users changed from 3 to 4 while they were read, 3 times in a row: "
            "somebody is changing them now; try again later"
        )
        assert len(answers.asked) == 6

    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (
                Response(200, {}, None, "<!doctype html>"),
                "answered 200 with an HTML page, not JSON, where",
            ),
            (Response(200), "was answered 200 with an empty body, where JSON was expected"),
            (Response(200, {}, []), "something that is not a SCIM list"),
            (Response(200, {}, "x"), "something that is not a SCIM list"),
            (Response(200, {}, {}), "something that is not a SCIM list"),
            (page(total=True), "something that is not a SCIM list"),
            (page(total="3"), "something that is not a SCIM list"),
            (page(total=1.0), "something that is not a SCIM list"),
            (
                Response(200, {}, {"totalResults": 1, "Resources": {"a": 1}}),
                "something that is not a SCIM list",
            ),
            (Response(200, {}, {"totalResults": 1, "Resources": None}), "something that is not a SCIM list"),
            (Response(200, {}, {"totalResults": 5}), "something that is not a SCIM list"),
            (page("ada"), "a user came as str, not as an object"),
            (page({"userName": "a@b.co"}), "a user came without 'id'"),
        ],
    )
    def test_an_answer_of_another_shape_stops_it(self, answer: Response, message: str) -> None:
        with pytest.raises(BadAnswer, match=message):
            read(server([answer]))

    def test_a_group_of_five_thousand_is_read_whole(self) -> None:
        seed = {
            "users": {f"p{n}@acme.com": {"name": "P"} for n in range(5000)},
            "groups": {"Everyone": [f"p{n}@acme.com" for n in range(5000)]},
            "switches": {"requests_per_minute": 0},
        }
        state = read(signed(Sandbox(Store.from_seed(seed))), dialect=OMNI)
        assert len(state.groups[0].resource.members or ()) == 5000


def signed(sandbox: Sandbox) -> Transport:
    return bearer(sandbox, Secret("sandbox"))


class TestAgreement:
    def test_members_that_the_user_list_does_not_know_are_counted_and_not_named(self) -> None:
        state = read(server([page(user("a", "g"))], [page(group("g", "a", "embed-1", "embed-2"))]))
        assert members(state) == {"a@acme.com"}
        assert state.foreign == {"g": 2}

    def test_users_that_say_nothing_of_groups_and_groups_that_are_not_listed_contradict_nobody(self) -> None:
        silent = {key: value for key, value in user("a").items() if key != "groups"}
        state = read(server([page(silent, user("b", "elsewhere"))], [page(group("g", "a"))]))
        assert members(state) == {"a@acme.com"}

    def test_a_list_that_cuts_members_short_is_mended_by_looking_at_the_group(self) -> None:
        answers = server(
            [page(user("a", "g"), user("b", "g"))],
            [page(group("g", "a"), group("h"))],
            groups_g=[one(group("g", "a", "b"))],
        )
        assert members(read(answers)) == {"a@acme.com", "b@acme.com"}
        assert answers.asked == ["/users 1", "/groups 1", "/groups/g"]

    def test_a_user_who_joined_in_between_is_mended_by_looking_at_the_user(self) -> None:
        answers = server(
            [page(user("a"), user("b"))],
            [page(group("g", "a"))],
            groups_g=[one(group("g", "a"))],
            users_a=[one(user("a", "g"))],
        )
        assert members(read(answers)) == {"a@acme.com"}
        assert answers.asked == ["/users 1", "/groups 1", "/groups/g", "/users/a"]

    @pytest.mark.parametrize(
        ("members", "named"), [(["a"], "a@acme.com"), (["a", "b"], r"a@acme.com \(and 1 others\)")]
    )
    def test_what_still_disagrees_stops_it(self, members: list[str], named: str) -> None:
        answers = server(
            [page(user("a"), user("b"))],
            [page(group("g", *members))],
            groups_g=[one(group("g", *members))],
            users_a=[one(user("a"))],
            users_b=[one(user("b"))],
        )
        message = f"also at a second look: whether {named} is in the group 'G' is not certain"
        with pytest.raises(IncompleteRead, match=message):
            read(answers)

    def test_members_that_are_cut_short_everywhere_stop_it(self) -> None:
        sandbox = company(truncate_members="everywhere", member_cap=1)
        with pytest.raises(IncompleteRead, match="contradict each other"):
            read(signed(sandbox), dialect=OMNI)

    def test_more_than_a_hundred_who_disagree_are_not_looked_at_one_by_one(self) -> None:
        names = [f"p{n}" for n in range(101)]
        answers = server(
            [page(*(user(name) for name in names))],
            [page(group("g", *names))],
            groups_g=[one(group("g", *names))],
        )
        with pytest.raises(IncompleteRead, match="contradict each other about 101 people; try again later"):
            read(answers)
        assert len(answers.asked) == 3

    def test_a_group_that_vanishes_in_between_stops_it(self) -> None:
        answers = server([page(user("a", "g"))], [page(group("g"))])
        with pytest.raises(IncompleteRead, match="G was removed while it was read; run again"):
            read(answers)

    def test_a_user_who_vanishes_in_between_stops_it(self) -> None:
        answers = server([page(user("a"))], [page(group("g", "a"))], groups_g=[one(group("g", "a"))])
        with pytest.raises(IncompleteRead, match=r"a@acme\.com was removed while it was read; run again"):
            read(answers)


def silent(name: str) -> dict[str, Any]:
    """The row of a group that does not say who is in it."""
    return {"id": name, "displayName": name.title()}


class TestRowsWithoutMembers:
    def test_only_the_group_whose_row_lacks_them_is_read_by_id(self) -> None:
        answers = server(
            [page(user("a", "g"))],
            [page(silent("g"), group("h", "embed"))],
            groups_g=[one(group("g", "a", "embed"))],
        )
        state = read(answers)
        assert answers.asked == ["/users 1", "/groups 1", "/groups/g"]
        assert members(state) == {"a@acme.com"}
        assert state.foreign == {"g": 1, "h": 1}

    def test_who_lacks_them_by_id_too_has_none(self) -> None:
        answers = server(
            [page(user("a", "h"))], [page(silent("g"), group("h", "a"))], groups_g=[one(silent("g"))]
        )
        state = read(answers)
        assert answers.asked == ["/users 1", "/groups 1", "/groups/g"]
        assert members(state) == set()
        assert state.foreign == {}

    def test_a_user_who_is_in_it_all_the_same_stops_it_and_is_asked_once_more(self) -> None:
        answers = server(
            [page(user("a", "g"))],
            [page(silent("g"))],
            groups_g=[one(silent("g"))],
            users_a=[one(user("a", "g"))],
        )
        with pytest.raises(IncompleteRead, match=r"whether a@acme\.com is in the group 'G' is not certain"):
            read(answers)
        assert answers.asked == ["/users 1", "/groups 1", "/groups/g", "/users/a"]

    def test_a_user_who_has_left_in_between_is_believed(self) -> None:
        answers = server(
            [page(user("a", "g"))], [page(silent("g"))], groups_g=[one(silent("g"))], users_a=[one(user("a"))]
        )
        assert members(read(answers)) == set()

    def test_a_group_that_is_gone_by_then_stops_it(self) -> None:
        with pytest.raises(IncompleteRead, match="G was removed while it was read; run again"):
            read(server(groups=[page(silent("g"))]))

    def test_looking_again_reads_by_id_only_those_that_were_asked_for(self) -> None:
        answers = server(
            groups=[page(silent("g"), silent("h"), silent("k"))], groups_g=[one(group("g", "a"))]
        )
        new = group_address("New")
        state = look(answers, atom(G, "name"), atom(new, "name", live_id=None))
        assert answers.asked == ["/groups 1", "/groups/g"]
        assert members(state) == {"a@acme.com"}

    def test_who_is_to_have_left_a_silent_group_is_asked(self) -> None:
        gone = [atom(G, "members", f"{name}@acme.com", after=None) for name in "ab"]
        answers = server(groups_g=[one(silent("g"))], users_a=[one(user("a", "g"))], users_b=[one(user("b"))])
        assert members(look(answers, *gone)) == {"a@acme.com"}
        assert answers.asked == ["/groups/g", "/users/a", "/users/b"]

    def test_many_who_are_to_have_left_are_listed(self) -> None:
        gone = [atom(G, "members", f"{name}@acme.com", after=None) for name in "ab"]
        answers = server([page(user("a", "g"), user("b"), user("c", "g"))], groups_g=[one(silent("g"))])
        assert members(look(answers, *gone, dialect=OMNI)) == {"a@acme.com"}
        assert answers.asked == ["/groups/g", "/users 1"]

    def test_silence_is_nobody_where_somebody_is_to_be_there(self) -> None:
        answers = server(groups_g=[one(silent("g"))], users_a=[one(user("a", "g"))])
        assert members(look(answers, atom(G, "members", "a@acme.com"))) == set()
        assert answers.asked == ["/groups/g"]

    def test_a_user_whose_row_is_silent_too_has_left(self) -> None:
        both = {key: found for key, found in user("a").items() if key != "groups"}
        answers = server(groups_g=[one(silent("g"))], users_a=[one(both)])
        assert members(look(answers, atom(G, "members", "a@acme.com", after=None))) == set()
        assert answers.asked == ["/groups/g", "/users/a"]

    def test_silence_by_id_takes_nothing_back_that_the_list_said(self) -> None:
        answers = server(
            groups=[page(group("g", "a"), group("h"), group("k"))],
            **{f"groups_{name}": [one(silent(name))] for name in "ghk"},
        )
        state = look(
            answers,
            atom(G, "members", "b@acme.com"),
            atom(G, "members", "a@acme.com", after=None),
            atom(H, "name", after="H"),
            atom(K, "name", after="K"),
        )
        assert members(state) == {"a@acme.com"}

    def test_nor_does_it_where_the_list_contradicts_the_users(self) -> None:
        with_b = {key: found for key, found in user("b").items() if key != "groups"}
        answers = server(
            [page(user("a"), with_b)],
            [page(group("g", "a", "b"))],
            groups_g=[one(silent("g"))],
            users_a=[one(user("a"))],
        )
        with pytest.raises(IncompleteRead, match=r"whether a@acme\.com is in the group 'G' is not certain"):
            read(answers)

    @pytest.mark.parametrize(("omits", "extra"), [("off", 0), ("list", 2), ("empty", 1)])
    def test_the_sandbox_is_read_the_same_whatever_its_rows_leave_out(self, omits: str, extra: int) -> None:
        sandbox = company(omits_members=omits)
        sandbox.store.add_group("Nobody")
        sandbox.store.remove_group(sandbox.store.groups_with_name("All Staff")[0])
        watch = Watch(signed(sandbox))
        state = read(watch, dialect=OMNI)
        assert [(g.resource.name, len(g.resource.members or ())) for g in state.groups] == [
            ("Finance", 2),
            ("Nobody", 0),
        ]
        assert list(state.foreign.values()) == [1]
        assert watch.number == 2 + extra

    def test_a_sandbox_that_never_shows_members_stops_it(self) -> None:
        with pytest.raises(IncompleteRead, match="contradict each other"):
            read(signed(company(omits_members="everywhere")), dialect=OMNI)


class Watch:
    """Counts what goes through it."""

    def __init__(self, inner: Transport) -> None:
        self.number = 0
        self._inner = inner

    def send(self, request: Request) -> Response:
        self.number += 1
        return self._inner.send(request)


class TestAttributes:
    NEED = Need({"a@acme.com": frozenset({"region", "team"}), "b@acme.com": frozenset({"region"})})

    def test_exactly_the_users_are_read_whose_row_lacks_a_key_that_is_needed(self) -> None:
        rows = [user("a", region="x"), user("b", region="y", code=1), user("c"), user("d")]
        answers = server(
            [page(*rows[:2], total=4), page(*rows[2:], total=4)],
            users_a=[one(user("a", region="x", team="red"))],
        )
        state = read(answers, self.NEED)
        assert answers.asked == ["/users 1", "/users 3", "/groups 1", "/users/a"]
        assert [live.resource.attributes for live in state.users] == [
            {"region": "x", "team": "red"},
            {"region": "y", "code": 1},
            {},
            {},
        ]

    def test_null_in_a_row_is_known(self) -> None:
        answers = server([page(user("b", region=None))])
        assert read(answers, self.NEED).users[0].resource.attributes == {"region": None}
        assert len(answers.asked) == 2

    def test_what_one_user_by_id_does_not_hold_has_no_value(self) -> None:
        answers = server([page(user("a"))], users_a=[one(user("a", team="red"))])
        assert read(answers, self.NEED).users[0].resource.attributes == {"region": None, "team": "red"}

    def test_others_may_be_needed_too(self) -> None:
        answers = server([page(user("c"))], users_c=[one(user("c", region="x"))])
        need = Need(others=frozenset({"region"}))
        assert read(answers, need).users[0].resource.attributes == {"region": "x"}

    def test_a_sandbox_whose_lists_omit_attributes_is_asked_only_for_those_who_need_them(self) -> None:
        sandbox = company(list_omits_attributes=True)
        state = read(signed(sandbox), Need({ADA: frozenset({"region"})}), dialect=OMNI)
        assert [live.resource.attributes for live in state.users][1:] == [{}, {}]
        assert state.users[0].resource.attributes == {"region": ("apac",), "team": "red", "nickname": None}

    def test_an_active_user_who_is_gone_by_then_stops_it(self) -> None:
        with pytest.raises(IncompleteRead, match=r"user/a@acme\.com was removed while it was read"):
            read(server([page(user("a"))]), self.NEED)

    def test_a_failure_by_id_stops_it(self) -> None:
        with pytest.raises(Refused):
            read(server([page(user("a"))], users_a=[Response(500)]), self.NEED)

    def test_an_inactive_row_that_cannot_be_read_is_the_trace_of_a_deletion(self) -> None:
        answers = server([page(user("a", active=False), user("b", region="x"))])
        assert emails(read(answers, self.NEED)) == ["b@acme.com"]

    def test_an_inactive_row_of_somebody_to_be_deleted_is_looked_at(self) -> None:
        rows = [page(user("a", active=False), user("b", active=False), total=3), page(user("c"), total=3)]
        answers = server(rows, users_b=[one(user("b", active=False))])
        need = Need(deleted=frozenset({"a@acme.com", "b@acme.com", "c@acme.com"}))
        assert emails(read(answers, need)) == ["b@acme.com", "c@acme.com"]
        assert answers.asked[-2:] == ["/users/a", "/users/b"]

    def test_any_inactive_row_may_be_a_trace_where_all_may_be_deleted(self) -> None:
        answers = server([page(user("a"), user("b", active=False))])
        assert emails(read(answers, Need(all_deleted=True))) == ["a@acme.com"]
        assert answers.asked[-1] == "/users/b"


def atom(address: Address, *path: str, after: Any = True, live_id: str | None = "x") -> Atom:
    return Atom(address, live_id, path, None, after)


A, B, C = (user_address(f"{name}@acme.com") for name in "abc")
G, H, K = group_address("g"), group_address("h"), group_address("k")
IDS = {A: "a", B: "b", C: "c", G: "g", H: "h", K: "k"}


def look(
    answers: Transport, *covers: Atom, ids: Mapping[Address, str] | None = None, dialect: Any = SMALL
) -> LiveState:
    return ScimReader(Reader(answers), dialect).look(covers, IDS if ids is None else ids)


class TestLookingAgain:
    def test_a_user_is_read_by_id(self) -> None:
        answers = server(users_a=[one(user("a", region="x"))])
        state = look(answers, atom(A, "name"), atom(A, "attributes", "team"))
        assert answers.asked == ["/users/a"]
        assert state.users[0].resource.attributes == {"region": "x", "team": None}

    def test_who_is_gone_is_not_in_the_answer(self) -> None:
        assert look(server(), atom(A, "name"), atom(G, "name")) == LiveState()

    def test_many_are_listed_and_only_those_read_by_id_whose_attributes_are_missing(self) -> None:
        rows = [page(user("a", region="x"), user("b"), total=3), page(user("c"), total=3)]
        answers = server(rows, users_b=[one(user("b", region="y"))])
        region = [atom(each, "attributes", "region") for each in (A, B)]
        state = look(answers, *region, atom(C, "name"), dialect=SMALL, ids=IDS)
        assert answers.asked == ["/users 1", "/users 3", "/users/b"]
        assert len(state.users) == 3

    def test_those_who_were_not_asked_for_are_left_out(self) -> None:
        answers = server([page(user("a"), user("b"), user("d"))])
        state = look(answers, atom(A, "name"), atom(B, "name"), ids={A: "a", B: "b"})
        assert emails(state) == ["a@acme.com", "b@acme.com"]

    def test_the_trace_of_a_deletion_is_nobody(self) -> None:
        answers = server([page(user("a", active=False), user("b"))])
        state = look(answers, atom(A, after=None), atom(B, "name"), ids={A: "a", B: "b"})
        assert emails(state) == ["b@acme.com"]

    def test_a_known_name_under_another_id_is_somebody_else(self) -> None:
        answers = server([page(user("a") | {"id": "new"}, user("b"))], [page(group("g") | {"id": "new"})])
        four = {address: IDS[address] for address in (A, B, G, H)}
        state = look(answers, *(atom(address, "name") for address in four), ids=four)
        assert emails(state) == ["b@acme.com"]
        assert state.groups == ()

    def test_a_user_without_an_id_is_searched_by_address_and_every_row_checked(self) -> None:
        odd = user_address('"x\\y"@acme.com')
        row = user("a") | {"userName": '"X\\y"@acme.com'}
        answers = server([page(user("b"), row)], users_a=[one({**row, URN: {"region": "x"}})])
        state = look(answers, atom(odd, "attributes", "region"), ids={})
        assert answers.asked == ['/users userName eq "\\"x\\\\y\\"@acme.com"', "/users/a"]
        assert emails(state) == ['"X\\y"@acme.com']
        assert state.users[0].resource.attributes == {"region": "x"}

    def test_an_address_cannot_end_the_filter_that_it_stands_in(self) -> None:
        sandbox = company()
        hostile = user_address('x" or userName co "@acme.com')
        assert look(signed(sandbox), atom(hostile, "email"), ids={}).users == ()

    def test_two_with_one_address_are_not_chosen_between(self) -> None:
        rows = page(user("a"), user("a") | {"id": "other", "userName": "A@acme.com"})
        with pytest.raises(IncompleteRead, match=r"user/a@acme.com matches 2 live users: a and other"):
            look(server([rows]), atom(A, "email"), ids={})

    def test_the_user_is_found_in_the_sandbox_in_any_case(self) -> None:
        sandbox = company()
        (found,) = look(signed(sandbox), atom(user_address(ADA), "email"), ids={}).users
        assert found.id == user_id(sandbox, "Ada@acme.com")

    def test_a_group_is_read_by_id(self) -> None:
        answers = server(groups_g=[one(group("g", "a", "embed"))])
        state = look(answers, atom(G, "members", "a@acme.com"))
        assert answers.asked == ["/groups/g"]
        assert members(state) == {"a@acme.com"}
        assert state.foreign == {"g": 1}

    def test_many_groups_are_listed_and_one_that_lacks_somebody_is_read_by_itself(self) -> None:
        rows = [page(group("g", "a"), group("h", "a"), total=3), page(group("k"), total=3)]
        answers = server(groups=rows, groups_h=[one(group("h", "a", "b"))])
        state = look(
            answers,
            atom(G, "members", "a@acme.com"),
            atom(H, "members", "b@acme.com"),
            atom(K, "members", "a@acme.com", after=None),
        )
        assert answers.asked == ["/groups 1", "/groups 3", "/groups/h"]
        assert [len(found.resource.members or ()) for found in state.groups] == [1, 2, 0]

    def test_a_group_that_vanishes_between_the_list_and_its_reading_is_no_answer(self) -> None:
        answers = server(groups=[page(group("g"), group("h"), group("k"))])
        with pytest.raises(IncompleteRead, match="G was removed while it was read"):
            look(answers, *(atom(each, "members", "a@acme.com") for each in (G, H, K)))

    def test_a_group_without_an_id_is_searched_by_name_in_any_case(self) -> None:
        answers = server(groups=[page(group("g"), group("h") | {"displayName": "New NAME"})])
        new = group_address("New name")
        state = look(answers, atom(new, "name", live_id=None))
        assert [found.id for found in state.groups] == ["h"]

    def test_two_groups_with_one_name_are_not_chosen_between(self) -> None:
        answers = server(groups=[page(group("new"), group("n2") | {"displayName": "NEW"})])
        with pytest.raises(IncompleteRead, match="group/new matches 2 live groups: new and n2"):
            look(answers, atom(group_address("New"), "name", live_id=None))

    def test_nothing_asked_is_nothing_read(self) -> None:
        answers = server()
        assert look(answers) == LiveState()
        assert answers.asked == []

    def test_a_renamed_group_keeps_its_address(self) -> None:
        answers = server(groups=[page(group("g") | {"displayName": "Money"}, group("h"), group("k"))])
        state = look(answers, *(atom(each, "name", after="Money") for each in (G, H, K)))
        assert [found.resource.name for found in state.groups] == ["Money", "H", "K"]


class Announced:
    """What a read announced, and how many requests it had made by then."""

    def __init__(self, answers: Transport, dialect: Any, need: Need) -> None:
        self.said: list[tuple[int, str]] = []
        self.before: list[int] = []
        self.asked: list[str] = []
        self._answers = answers
        ScimReader(Reader(self, 1, self.hear), dialect).read(need)

    def hear(self, requests: int, why: str) -> None:
        self.said.append((requests, why))
        self.before.append(len(self.asked))

    def send(self, request: Request) -> Response:
        self.asked.append(request.path)
        return self._answers.send(request)

    @property
    def singles(self) -> int:
        """The requests for one thing each."""
        return sum(path.count("/") > USERS.count("/") for path in self.asked)


class TestForecast:
    LISTED = (user("ada", region="emea"), user("bob", active=False), user("cleo"))
    NEED = Need(dict.fromkeys((ADA, BOB, CLEO), frozenset({"region", "team"})), frozenset({BOB}))

    def answers(self) -> Answers:
        silent = {"id": "it", "displayName": "IT"}
        return server(
            [page(*self.LISTED)],
            [page(silent, group("bi"))],
            **{f"users_{row['id']}": [one(row)] for row in self.LISTED},
            groups_it=[one(silent)],
        )

    def test_requests_for_one_thing_each_are_told_before_them_with_what_spares_them(self) -> None:
        dialect = replace(SMALL, page=9, lists_hint="a probe may help")
        found = Announced(self.answers(), dialect, self.NEED)
        why = (
            "for 3 users the list shows no value of `team`, `region`, so each is read by id; a probe may "
            "help; of 1 group the list shows no members, so each is read by id"
        )
        assert found.said == [(4, why)]
        assert (found.before, found.singles) == ([2], 4)

    def test_what_a_setting_spares_is_not_told(self) -> None:
        dialect = replace(SMALL, page=9, lists_carry_attributes=True, lists_hint="a probe may help")
        found = Announced(self.answers(), dialect, self.NEED)
        why = (
            "1 inactive user may be deleted already, so each is read by id; "
            "of 1 group the list shows no members, so each is read by id"
        )
        assert found.said == [(2, why)]
        assert found.singles == 2

    def test_a_read_of_the_lists_alone_says_nothing(self) -> None:
        found = Announced(server([page(*self.LISTED)], [page(group("bi"))]), replace(SMALL, page=9), Need())
        assert (found.said, found.singles) == ([], 0)

    def test_many_attributes_are_named_in_part(self) -> None:
        need = Need({ADA: frozenset("abcdef")})
        found = Announced(server([page(user("ada"))], users_ada=[one(user("ada"))]), OMNI, need)
        assert "no value of `a`, `b`, `c` and 3 more, so" in found.said[0][1]
        # A server of which nobody knows what spares them.
        plain = replace(OMNI, lists_hint="")
        found = Announced(server([page(user("ada"))], users_ada=[one(user("ada"))]), plain, need)
        assert found.said[0][1].endswith(", so each is read by id")

    @given(
        people=st.lists(st.tuples(st.booleans(), st.sets(st.sampled_from("abc"))), max_size=6),
        groups=st.lists(st.booleans(), max_size=4),
        keys=st.sets(st.sampled_from("abc")),
        all_deleted=st.booleans(),
        carry=st.booleans(),
    )
    def test_as_many_as_are_told_are_made(
        self, *, people: list[Any], groups: list[bool], keys: set[str], all_deleted: bool, carry: bool
    ) -> None:
        rows = [
            user(f"u{at}", active=active, **dict.fromkeys(has, "x"))
            for at, (active, has) in enumerate(people)
        ]
        teams = [
            group(f"g{at}") if tells else {"id": f"g{at}", "displayName": "G"}
            for at, tells in enumerate(groups)
        ]
        singles = {f"users_{row['id']}": [one(row)] for row in rows}
        singles |= {f"groups_{row['id']}": [one(row)] for row in teams}
        dialect = replace(SMALL, page=9, lists_carry_attributes=carry)
        need = Need(others=frozenset(keys), all_deleted=all_deleted)
        found = Announced(server([page(*rows)], [page(*teams)], **singles), dialect, need)
        assert sum(number for number, _ in found.said) == found.singles
        assert found.before == ([2] if found.singles else [])

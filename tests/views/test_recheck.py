from sample_plans import HOSTILE

from reconciler.changes import Atom, Create
from reconciler.errors import Place
from reconciler.model import group_address, user_address
from reconciler.planning.recheck import Recheck, Rechecked
from reconciler.views.recheck import recheck_text

ADA = user_address("ada@acme.com")


def rechecked(standing: str, *path: str, reason: str = "") -> Rechecked:
    return Rechecked(Atom(ADA, "u1", path, "Ada", "Ada L."), standing, reason)  # type: ignore[arg-type]


def test_the_standings_are_counted() -> None:
    found = Recheck(
        (rechecked("done", "name"), rechecked("to do", "active"), rechecked("done", "email")), (), (), ()
    )
    assert recheck_text(found) == "Of 3 details in the reviewed plan: 2 done already, 1 to do.\n"


def test_an_empty_plan_has_nothing_to_do() -> None:
    assert recheck_text(Recheck((), (), (), ())) == "Of 0 details in the reviewed plan: nothing to do.\n"


def test_each_stale_detail_is_named_with_the_reason() -> None:
    edge = Rechecked(
        Atom(group_address("Finance"), "g1", ("members", "ada@acme.com"), before=None, after=True),
        "unwanted",
        "the files do not want it any more",
    )
    found = Recheck((rechecked("moved", "name", reason='live is now "X", and was "Ada"'), edge), (), (), ())
    assert recheck_text(found) == (
        "Of 2 details in the reviewed plan: 1 moved, 1 unwanted.\n"
        '  user/ada@acme.com name: moved, live is now "X", and was "Ada"\n'
        "  group/finance members ada@acme.com: unwanted, the files do not want it any more\n"
    )


def test_what_nobody_reviewed_is_listed() -> None:
    changes = tuple(Create(user_address(f"{n}@acme.com"), f"{n}@acme.com", (), Place("f")) for n in "ab")
    assert recheck_text(Recheck((rechecked("done", "name"),), (), (), changes)) == (
        "Of 1 detail in the reviewed plan: 1 done already.\n"
        "2 changes that the files want now and nobody reviewed: left to the next plan.\n"
        "  user/a@acme.com\n"
        "  user/b@acme.com\n"
    )


def test_hostile_text_moves_no_cursor_and_a_narrow_terminal_is_fine() -> None:
    stale = Rechecked(Atom(user_address(HOSTILE), "u1", (HOSTILE,), None, HOSTILE), "moved", HOSTILE)
    change = Create(user_address(HOSTILE), HOSTILE, (), Place("f"))
    text = recheck_text(Recheck((stale,), (), (), (change,)), width=30)
    assert "\x1b" not in text
    assert max(len(row) for row in text.splitlines()) <= 30

"""Plans of every kind, and a strategy for any plan, for the tests of plans and of what draws them."""

from dataclasses import replace
from typing import get_args

from builders import PROTECTED, REMOVALS, changed
from hypothesis import strategies as st

from reconciler.changes import Change, Create, Delete, FieldChange, Origin, Update, atoms
from reconciler.errors import Place
from reconciler.model import Address, group_address, user_address
from reconciler.plan import Absolute, Allow, Census, Note, Option, Plan, Violation

URL = "https://acme.omniapp.co"
HOSTILE = (
    "\x1b[2J\x1b]0;owned\x07\r\nNo changes.\x9b31m "
    "<script>alert(1)</script> @everyone \u202egpj.exe\u2066\u200b"
)


def _at(line: int, file: str = "people.yaml") -> Place:
    return Place(file, line, 3)


def member(key: str, *, joins: bool = True) -> FieldChange:
    return FieldChange(("members", key), None if joins else True, True if joins else None)


def create_user(email: str, *fields: FieldChange, line: int = 4) -> Create:
    return Create(user_address(email), email, (changed("email", after=email), *fields), _at(line))


EVERY_KIND = Plan(
    target="production",
    provider="omni",
    url=URL,
    changes=(
        create_user(
            "grace@acme.com",
            changed("name", after="Grace Hopper"),
            changed("active", after=True),
            changed("attributes", "region", after=("emea", "apac")),
            changed("attributes", "cost_center", after="0420"),
            changed("attributes", "seats", after=12),
        ),
        create_user("lise@acme.com", changed("name", after="Lise Meitner, Prof."), line=9),
        Update(
            group_address("Treasury"),
            "Treasury",
            "g1",
            (
                changed("name", before="Cash Desk", after="Treasury"),
                member("grace@acme.com"),
                member("old@acme.com", joins=False),
            ),
            _at(40, "groups.yaml"),
        ),
        Create(group_address("Empty"), "Empty", (changed("name", after="Empty"),), _at(31, "groups.yaml")),
        Create(
            group_address("Physics"),
            "Physics",
            (changed("name", after="Physics"), member("grace@acme.com"), member("lise@acme.com")),
            _at(33, "groups.yaml"),
        ),
        Update(
            user_address("ada@acme.com"),
            "ada@acme.com",
            "u1",
            (
                changed("name", before="Ada", after="Ada Lovelace"),
                changed("attributes", "region", before=("emea",), after=("apac", "emea")),
                changed("attributes", "cost_center", before="420", after="0420"),
                changed("attributes", "legacy_flag", before="x", after=None),
                changed("attributes", "name", after="an attribute called name"),
                changed("attributes", "an_attribute_with_quite_a_long_name", before=1.5, after=("a", 2)),
            ),
            _at(12),
        ),
        Update(
            user_address("zoe@acme.com"),
            "zoe@acme.com",
            "u9",
            (changed("active", before=False, after=True),),
            _at(80),
        ),
        Update(
            group_address("BI Admins"),
            "BI Admins",
            "g2",
            tuple(member(f"analyst{n:02}@acme.com") for n in range(1, 13)),
            _at(36, "groups.yaml"),
        ),
        Update(
            group_address("Interns"),
            "Interns",
            "g3",
            (member("kim@acme.com", joins=False), member("sam@acme.com", joins=False)),
            _at(44, "groups.yaml"),
        ),
        Update(
            user_address("former@acme.com"),
            "former@acme.com",
            "u2",
            (changed("active", before=True, after=False),),
            _at(50),
            removal="deactivate",
        ),
        Update(user_address("gone@acme.com"), "gone@acme.com", "u3", (), _at(52), removal="revoke"),
        Update(
            user_address("guest@acme.com"),
            "guest@acme.com",
            "u4",
            (changed("attributes", "region", before=("emea",)),),
            _at(54),
            removal="revoke",
        ),
        Delete(user_address("robot@acme.com"), "robot@acme.com", "u5", _at(56), ("BI Admins",)),
        Delete(
            group_address("Old Desk"),
            "Old Desk",
            "g4",
            _at(58, "groups.yaml"),
            ("ada@acme.com", "dan@acme.com", "eve@acme.com", "robot@acme.com"),
        ),
    ),
    census=Census(
        users=30,
        active_users=28,
        active_users_after=26,
        groups=8,
        memberships=60,
        values=50,
        unlisted_users=3,
        unlisted_groups=1,
        kept_members=5,
        members={"group/treasury": 6, "group/interns": 2, "group/old desk": 4},
        losses={"group/treasury": 1, "group/interns": 2, "group/old desk": 4},
        emptied=("group/interns",),
        deserted=("group/interns",),
        ending=("bob@acme.com",),
        aliases={"user/ada@acme.com": ("ada.old@acme.com",)},
        callers=("service@acme.com",),
    ),
    notes=(
        Note("waiting", "1 declared but not live yet, waiting for the first sign-in: new@acme.com"),
        Note(
            "renamed",
            "group/finance has its new name: `previously` has done its work and can be removed",
            Place("groups.yaml", 70, 5),
            warning=True,
        ),
    ),
    requests=76,
    requests_per_minute=55,
    created_at="2026-01-02T03:04:05Z",
)

HOSTILE_NAMES = Plan(
    target="production",
    provider="omni",
    url=URL,
    changes=(
        create_user("eve@acme.com", changed("name", after=HOSTILE), changed("attributes", HOSTILE, after="")),
        Update(
            user_address("zoë@acme.com"),
            "zoë@acme.com",
            "u1",
            (
                changed("name", before="山田　太郎", after="Zoë \U0001f600 \ud800 a\u00a0b"),
                changed("attributes", "note", before="(none)", after="true"),
                changed("attributes", "path", before="\\x1b", after="\x1b"),
                changed("attributes", "list", before=("a, b",), after=("a", "b", "-> c  (+ d)")),
            ),
            Place("evil\x1b[31m.yaml", 1, 1),
        ),
        Delete(Address("group", HOSTILE), "x  delete, 0 members  a.yaml:1:1", "g1", _at(7)),
        Delete(Address("group", "y"), HOSTILE, "g1", _at(8), (HOSTILE,)),
    ),
    notes=(Note("odd", f"a note that quotes {HOSTILE}", warning=True),),
    requests=4,
)

NO_CHANGES = Plan(
    "production",
    "omni",
    URL,
    census=Census(users=25, groups=8, unlisted_users=1, kept_members=1),
    requests_per_minute=55,
)

ONE_REMOVAL = Plan(
    "demo",
    "omni",
    URL,
    changes=(
        Update(
            group_address("Finance"),
            "Finance",
            "g1",
            (member("bob@acme.com", joins=False),),
            _at(3, "finance.yaml"),
        ),
    ),
    census=Census(users=25, groups=8, memberships=30, losses={"group/finance": 1}),
    requests=1,
    requests_per_minute=55,
)

PART = replace(
    ONE_REMOVAL,
    only=("user/bob@acme.com", "user/*@agency.example"),
    notes=(
        Note(
            "only",
            "--only user/bob@acme.com --only user/*@agency.example: left out are these details: 3 of users, "
            "12 of memberships; 1 more waits for people or groups that these make: group/new",
        ),
        Note(
            "only",
            "--only user/*@agency.example matches nothing in the files, and nothing live that is not ignored"
            ": correct it",
            warning=True,
        ),
    ),
)

_KINDS: tuple[Origin, ...] = ("change", "drift", "change", "backlog")
COMPARED = replace(
    EVERY_KIND,
    base="1a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d",
    origins={
        (atom.address, atom.path): _KINDS[number % len(_KINDS)]
        for number, atom in enumerate(atom for change in EVERY_KIND.changes for atom in atoms(change))
    },
    violations=(
        Violation("emptied", "group/interns would lose every member it has (2)", REMOVALS),
        Violation("protected", "user/former@acme.com is protected, and would be removed", PROTECTED),
    ),
)

SAMPLES = {
    "every_kind": EVERY_KIND,
    "compared": COMPARED,
    "hostile_names": HOSTILE_NAMES,
    "no_changes": NO_CHANGES,
    "one_removal": ONE_REMOVAL,
    "part": PART,
}

_NASTY = "\x00\x07\n\r\x1b\x7f\x85\x9b\u2028\u202e\u200b\ufeff\ud800"
COMMANDS = st.lists(
    st.sampled_from(
        [
            "##",
            "#",
            "[",
            "::",
            ":",
            " ",
            "\u3000",
            "\r",
            "\n",
            "\u200b",
            "error]",
            "Error::",
            "set-env name=X",
        ]
    ),
    max_size=8,
).map("".join)
"""What GitHub's runner might obey in a log, in pieces."""
TEXTS = st.one_of(
    st.text(max_size=12), st.text(st.sampled_from('ab ,"[]\\->(+:/.' + _NASTY), max_size=8), COMMANDS
)
_WORDS = TEXTS.filter(bool)
_SCALARS = TEXTS | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.booleans() | _SCALARS | st.lists(_SCALARS, max_size=3).map(tuple)
PLACES = st.builds(
    Place, TEXTS.filter(lambda text: ":" not in text), st.integers(1, 99999), st.integers(1, 999)
)


def _fields(kind: str) -> st.SearchStrategy[tuple[FieldChange, ...]]:
    own = [("name",)] if kind == "group" else [("email",), ("name",), ("active",)]
    nested = st.tuples(st.just("members" if kind == "group" else "attributes"), _WORDS)
    paths = st.sampled_from(own) | nested
    return st.lists(st.builds(FieldChange, paths, VALUES, VALUES), max_size=4).map(tuple)


def _changes(kind: str) -> st.SearchStrategy[Change]:
    address = st.builds(Address, st.just(kind), _WORDS)
    removals = (
        st.none()
        if kind == "group"
        else st.sampled_from([None, "deactivate", "revoke", "revoke, deactivate"])
    )
    return st.one_of(
        st.builds(Create, address, TEXTS, _fields(kind), PLACES),
        st.builds(Update, address, TEXTS, TEXTS, _fields(kind), PLACES, removals),
        st.builds(Delete, address, TEXTS, TEXTS, PLACES, st.lists(TEXTS, max_size=2).map(tuple)),
    )


def _compared(plan: Plan, base: str, origins: list[Origin]) -> Plan:
    """The plan with an origin for each atom, where there is a base."""
    found = [(atom.address, atom.path) for change in plan.changes for atom in atoms(change)]
    return replace(plan, base=base, origins=dict(zip(found, origins, strict=False)) if base else {})


_ORIGIN: st.SearchStrategy[Origin] = st.sampled_from(("change", "drift", "backlog"))


_NUMBERS = st.integers(0, 9999)
_TALLIES = st.dictionaries(TEXTS, _NUMBERS, max_size=3)
_REMEDIES = st.builds(Absolute, TEXTS) | st.builds(Allow, st.sampled_from(get_args(Option)), _NUMBERS)
_PLANS = st.builds(
    Plan,
    target=TEXTS,
    provider=TEXTS,
    url=TEXTS,
    changes=st.lists(_changes("user") | _changes("group"), max_size=4).map(tuple),
    census=st.builds(
        Census,
        unlisted_users=_NUMBERS,
        unlisted_groups=_NUMBERS,
        kept_members=_NUMBERS,
        members=_TALLIES,
        losses=_TALLIES,
        emptied=st.lists(TEXTS, max_size=2).map(tuple),
        deserted=st.lists(TEXTS, max_size=2).map(tuple),
        ending=st.lists(TEXTS, max_size=2).map(tuple),
        aliases=st.dictionaries(TEXTS, st.lists(TEXTS, max_size=2).map(tuple), max_size=2),
        callers=st.lists(TEXTS, max_size=2).map(tuple),
    ),
    notes=st.lists(st.builds(Note, TEXTS, TEXTS, st.none() | PLACES, st.booleans()), max_size=2).map(tuple),
    requests=_NUMBERS,
    requests_per_minute=st.integers(0, 60),
    created_at=TEXTS,
    violations=st.lists(st.builds(Violation, TEXTS, TEXTS, _REMEDIES), max_size=2).map(tuple),
)
PLANS = st.builds(_compared, _PLANS, TEXTS, st.lists(_ORIGIN, min_size=20, max_size=20))

"""Whole worlds for property tests: a pretend system in any state, and files that say anything valid."""

import json
import random
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TypeVar

from clocks import FakeClock
from hypothesis import strategies as st
from providers.toy_provider import ATTRIBUTES as TOYS

from reconciler.sandbox.faults import Fault, Faulty, Schedule
from reconciler.sandbox.omni.instance import Sandbox
from reconciler.sandbox.omni.store import Store
from reconciler.sandbox.omni.switches import Switches
from reconciler.sandbox.scim.instance import Sandbox as Directory
from reconciler.sandbox.scim.store import Store as DirectoryStore
from reconciler.target.session import Session
from reconciler.target.settings import Target, load_targets
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Request, Response, Transport
from reconciler.transport.pacing import Paced, Window
from reconciler.workflow import Proposal

EMAILS = [f"{name}@acme.com" for name in ("ada", "bob", "carl", "dora", "eve", "frank")]
OUTSIDER = "guest@agency.example"
EMBED = "embed-user-1@acme.embed-exploreomni.co"
RENAMED = "renamed@acme.com"
GROUPS = ["Finance", "Sales", "Everyone", "Admins"]
ATTRIBUTES: dict[str, dict[str, Any]] = {
    "region": {"multiple_values": True},
    "level": {"type": "Number"},
    "code": {"default_value": "c0"},
    "late": {"later": True},
}
VALUES: dict[str, list[Any]] = {
    "region": [["emea"], ["apac", "emea"], []],
    "level": [1, "2", 2.5],
    "code": ["c0", "c1", 7],
    "late": ["x", "y"],
}
LIVE_VALUES = VALUES | {"code": ["c0", "c1", "7"]}
_BOTH_WAYS = ["revoke", "deactivate"]
S = TypeVar("S", bound=Store | Transport)


@dataclass(frozen=True)
class World:
    """A seed for the sandbox, the files' data, and what target.yaml adds."""

    seed: dict[str, Any]
    files: dict[str, Any]
    target: dict[str, Any]


@st.composite
def worlds(draw: st.DrawFn) -> World:
    switches = draw(_switches())
    target = draw(_targets())
    creates = "create" in target["manage"]["users"]
    alive = {e: draw(_live_user(switches)) for e in draw(st.lists(st.sampled_from(EMAILS), unique=True))}
    alive[OUTSIDER] = {"name": "Guest"}
    live_groups = {
        name: draw(st.lists(st.sampled_from([*alive, EMBED]), unique=True))
        for name in draw(st.lists(st.sampled_from([*GROUPS, "Old name"]), unique=True))
    }
    seed = {
        "switches": switches,
        "attributes": ATTRIBUTES,
        "users": alive,
        "groups": live_groups,
        "embed_users": {EMBED: {"name": "Visitor", "external_id": "v", "entity": "shop"}},
    }
    kinds = {name: draw(st.sampled_from(["no", "open", "users", "list", "absent"])) for name in GROUPS}
    from_users = [name for name, kind in kinds.items() if kind == "users"]
    people = {email: draw(_user(from_users)) for email in EMAILS}
    people = {email: entry for email, entry in people.items() if entry is not None}
    tombstones = {email for email, entry in people.items() if entry == {"state": "absent"}}
    eligible = [e for e in EMAILS if e not in tombstones and (e in alive or e in people)]
    groups: dict[str, Any] = {}
    for name, kind in kinds.items():
        if kind == "list":
            groups[name] = {
                "members": draw(st.lists(st.sampled_from(eligible), unique=True)) if eligible else []
            }
        elif kind != "no":
            groups[name] = {"open": {}, "users": {"members": "from_users"}, "absent": {"state": "absent"}}[
                kind
            ]
    if draw(st.booleans()) and (named := [n for n, k in kinds.items() if k in ("open", "users", "list")]):
        name = draw(st.sampled_from(named))
        groups[name] = groups[name] | {"previously": ["Old name"]}
    if not creates:
        # Who waits for a first sign-in is no one's member yet; nothing else about them matters here.
        people = {e: entry for e, entry in people.items() if e in alive or "state" not in entry}
    return World(seed, {"users": people, "groups": groups}, target)


@st.composite
def _switches(draw: st.DrawFn) -> dict[str, Any]:
    flags = [field.name for field in fields(Switches) if isinstance(field.default, bool)]
    chosen: dict[str, Any] = {flag: draw(st.booleans()) for flag in flags}
    # What stops every run is tested by itself.
    chosen["definitions_forbidden"] = False
    # A deactivation that leaves a row which cannot be read by id could not be told from an account.
    chosen["delete_keeps_row"] &= not chosen["deactivate_revokes"]
    chosen["requests_per_minute"] = draw(st.sampled_from([0, 20, 60]))
    chosen["page_cap"] = draw(st.sampled_from([1, 3, 100]))
    chosen["truncate_members"] = draw(st.sampled_from(["off", "list"]))
    chosen["omits_members"] = draw(st.sampled_from(["off", "list", "empty"]))
    chosen["member_cap"] = draw(st.sampled_from([1, 100]))
    chosen["builtins"] = draw(st.sampled_from(["none", "booleans", "timezone_null"]))
    chosen["error_shape"] = draw(st.sampled_from(["detail", "message", "error"]))
    return chosen


@st.composite
def _targets(draw: st.DrawFn) -> dict[str, Any]:
    every = ["name", "active", "groups", "attributes"]
    managed = draw(st.sampled_from([every, every, every[1:], every[:3], every[:2]]))
    create = ["create"] if draw(st.integers(0, 3)) else []
    exact = draw(st.sampled_from([[], [], ["region"], ["code", "level"]]))
    parts = ["create", "name", "members"]
    groups = draw(
        st.sampled_from([{}, {}, {}, {"groups": parts}, {"groups": parts[:2]}, {"groups": parts[2:]}])
    )
    return {
        "manage": {"users": [*create, *managed], "exact_attributes": exact, **groups},
        "leavers": {
            "users": {
                "tombstone": draw(st.sampled_from(["deactivate", "delete", "revoke", _BOTH_WAYS])),
                "never_listed": draw(st.sampled_from(["keep", "keep", "deactivate", "delete", "revoke"])),
            }
        },
        "ignore": {"users": ["*@agency.example"]},
        "requests_per_minute": draw(st.sampled_from([15, 55])),
    }


@st.composite
def _live_user(draw: st.DrawFn, switches: dict[str, Any]) -> dict[str, Any]:
    # Somebody inactive whom no list shows cannot be told from somebody who is not there.
    active = True if switches["deactivate_hides"] else draw(st.booleans())
    return {
        "name": draw(st.sampled_from(["A", "B"])),
        "active": active,
        "attributes": draw(_attributes(LIVE_VALUES, st.nothing())),
    }


def _attributes(of: dict[str, list[Any]], extra: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {}, optional={key: st.sampled_from(values) | extra for key, values in of.items()}
    )


def _user(from_users: list[str]) -> st.SearchStrategy[dict[str, Any] | None]:
    groups = st.lists(st.sampled_from(from_users), unique=True) if from_users else st.just([])
    declared = st.fixed_dictionaries(
        {},
        optional={
            "name": st.sampled_from(["A", "B"]),
            "active": st.booleans(),
            "groups": groups,
            "attributes": _attributes(VALUES, st.none()),
        },
    )
    return st.one_of(st.none(), st.just({"state": "absent"}), declared, declared, declared)


@st.composite
def renamed(draw: st.DrawFn) -> tuple[World, dict[str, str]]:
    """A world that may write one person under another address, and the live address by the written one."""
    world = draw(worlds())
    users, groups = world.files["users"], world.files["groups"]
    alive = world.seed["users"]
    known = sorted(e for e, entry in users.items() if e in alive and entry != {"state": "absent"})
    if not known or draw(st.booleans()):
        return world, {}
    old = draw(st.sampled_from(known))
    people = {e: entry for e, entry in users.items() if e != old}
    people[RENAMED] = users[old] | {"previously": [old]}
    moved = {
        name: entry | {"members": [RENAMED if e == old else e for e in entry["members"]]}
        if isinstance(entry.get("members"), list)
        else entry
        for name, entry in groups.items()
    }
    return replace(world, files={"users": people, "groups": moved}), {RENAMED: old}


@dataclass(frozen=True)
class Refusing:
    """A server that gives nothing to some people, for good: no account, no membership, no activation."""

    inner: Transport
    store: Store
    people: frozenset[str]

    def send(self, request: Request) -> Response:
        said = json.dumps(request.json) if request.method in ("POST", "PATCH") else ""
        if '"remove"' not in said and any(name in request.path + said for name in self._names(said)):
            return Response(400, {}, {"detail": "not this one", "status": 400})
        return self.inner.send(request)

    def _names(self, said: str) -> list[str]:
        """What stands for these people in a request; a change of their own is refused where it activates."""
        ids = [user.id for email in self.people for user in self.store.users_with_email(email)]
        activates = '"active": true' in said
        return [*(f'"{one}"' for one in [*ids, *self.people]), *(f"/{one}" for one in ids if activates)]


@st.composite
def clubs(draw: st.DrawFn) -> World:
    """A world of the toy: whoever is made gets a badge, and nobody says who is in a group."""
    world = draw(worlds())
    alive = {
        email: {"name": user["name"], "active": user.get("active", True), **_known(user)}
        for email, user in world.seed["users"].items()
    }
    seed = {"users": alive, "groups": {name: {} for name in world.seed["groups"]}}
    people = {}
    for email, entry in world.files["users"].items():
        people[email] = {name: value for name, value in entry.items() if name != "groups"}
        if "state" not in entry:
            badge = {} if email in alive else {"badge": "new"}
            people[email]["attributes"] = _known(entry) | badge
    groups = {
        name: {said: value for said, value in entry.items() if said != "members"}
        for name, entry in world.files["groups"].items()
    }
    manage = world.target["manage"]
    users = [part for part in manage["users"] if part != "groups"]
    stated = (
        {"groups": [part for part in manage["groups"] if part != "members"]} if "groups" in manage else {}
    )
    known = {"kind": "toy", "url": "https://club.toy.example", "word": {"env": "KEY"}}
    target = known | {"manage": manage | stated | {"users": users}}
    switches = {"slow": draw(st.integers(0, 3)), "stops": draw(st.integers(0, 1))}
    return World(seed | switches, {"users": people, "groups": groups}, world.target | target)


def _known(user: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in user.get("attributes", {}).items() if name in TOYS}


ADMIN = "beheer@acme.com"
FIELDS = ("occupation", "phone")


@st.composite
def sites(draw: st.DrawFn) -> World:
    """A world of a Pleio site: numbers of another system, bans, new addresses, people of one moment."""
    lax, matched = draw(st.booleans()), draw(st.booleans())
    users: dict[str, Any] = {ADMIN: {"name": "Beheer", "external_id": "E-admin", "admin": True}}
    files: dict[str, Any] = {}
    for number, email in enumerate(EMAILS):
        own = f"E-{number}"
        live = draw(st.sampled_from(["no", "yes", "yes", "moved" if matched else "yes"]))
        stated = draw(st.sampled_from(["no", "absent", "yes", "yes"]))
        if live != "no":
            ids = (
                [own, own.lower()]
                if live == "moved" or not lax
                else [own, own.lower(), None, f"OLD-{number}"]
            )
            users[f"old-{email}" if live == "moved" else email] = {
                "name": draw(st.sampled_from(["A", "B"])),
                "external_id": draw(st.sampled_from(ids)),
                "banned": draw(st.booleans()),
                "profile": draw(_profile(st.sampled_from(["x", "y"]))),
            }
        if stated == "absent":
            files[email] = {"state": "absent"}
        elif stated == "yes":
            files[email] = draw(_declared(own, optional=lax and live != "moved"))
    switches = {
        "external_id_optional": lax,
        "made_at_once": draw(st.sampled_from([1, 2, 9])),
        "page_cap": draw(st.sampled_from([0, 100])),
        "unknown_guid": draw(st.sampled_from(["500", "404"])),
        "update_unbans": draw(st.booleans()),
    }
    target = {
        "kind": "pleio",
        "url": "https://acme.pleio.nl",
        "keys": [{"env": "KEY"}],
        "match": ["external_id"] if matched else [],
        "protect": {"users": [ADMIN]},
        "leavers": {
            "users": {
                "tombstone": draw(st.sampled_from(["deactivate", "delete"])),
                "never_listed": draw(st.sampled_from(["keep", "deactivate", "delete"])),
            }
        },
    }
    seed = {"switches": switches, "profile_fields": [*FIELDS], "users": users}
    return World(seed, {"users": files}, target)


def _profile(values: st.SearchStrategy[Any], prefix: str = "") -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional={f"{prefix}{name}": values for name in FIELDS})


@st.composite
def _declared(draw: st.DrawFn, external_id: str, *, optional: bool) -> dict[str, Any]:
    number = {} if optional and draw(st.booleans()) else {"external_id": external_id}
    profile = draw(_profile(st.sampled_from(["x", "z", None]), "profile."))
    parts = st.fixed_dictionaries({}, optional={"name": st.sampled_from(["A", "C"]), "active": st.booleans()})
    return {**draw(parts), "attributes": number | profile}


def schedules() -> st.SearchStrategy[Schedule]:
    faults = st.lists(st.sampled_from(list(Fault)), unique=True, min_size=1)
    chances = faults.map(lambda found: {fault: 0.4 / len(found) for fault in found})
    return st.just(Schedule({})) | st.builds(Schedule, chances=chances, consecutive=st.integers(1, 2))


def write(folder: Path, world: World) -> Target:
    """The world's files on disk (JSON is YAML too), and the target that they make."""
    omni = {"kind": "omni", "url": "https://acme.omniapp.co", "keys": [{"env": "KEY"}]}
    settings = world.target if "kind" in world.target else omni | world.target
    (folder / "target.yaml").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "all.yaml").write_text(json.dumps(world.files), encoding="utf-8")
    if world.seed.get("switches", {}).get("patch") == "off":
        # A group is written as a whole only where somebody says that it shows all its members.
        (folder / "quirks.yaml").write_text("found_at: 2026-01-01T00:00:00Z\nmembers: shown\n", "utf-8")
    (target,) = load_targets(folder.parent)
    return replace(target, journal=folder.parent.parent / "runs")


@contextmanager
def standing(world: World) -> Iterator[tuple[Target, Store]]:
    """The world in a folder of its own: its target, and what is live."""
    with founded(world, Store.from_seed) as found:
        yield found


@contextmanager
def founded(world: World, opened: Callable[[dict[str, Any]], S]) -> Iterator[tuple[Target, S]]:
    """The world in a folder of its own: its target, and the system that is opened over its seed."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "desired-state" / "acme"
        folder.mkdir(parents=True)
        yield write(folder, world), opened(world.seed)


def forced(proposal: Proposal) -> Proposal:
    """The proposal as no guard lets it through: it shows what an apply does and holds back by itself."""
    return replace(proposal, plan=replace(proposal.plan, violations=()))


def session(
    store: Store | Transport,
    target: Target,
    faults: tuple[int, Schedule] | None = None,
    around: Callable[[Transport], Transport] = lambda inner: inner,
) -> Session:
    """A connection on a clock of its own, to a pretend Omni over a store, or to any other pretend system.

    ``around`` may put something next to it.
    """
    clock = FakeClock()
    inner: Transport = Sandbox(store, clock=clock.now) if isinstance(store, Store) else store
    if faults:
        inner = Faulty(inner, faults[0], faults[1], sleep=clock.sleep)
    signed = bearer(around(inner), Secret("sandbox"))
    paced = Paced(signed, Window(target.requests_per_minute), clock, random.Random(1).random)  # noqa: S311
    return Session(paced, threading.Event(), clock.sleep)


_BADGE = "urn:acme:params:scim:schemas:extension:badge:2.0:User"
_ON_THE_WIRE: dict[str, dict[str, Any]] = {
    "region": {"multi_valued": True, "case_exact": True},
    "level": {"type": "decimal"},
    "code": {"case_exact": True},
    "late": {"case_exact": True},
}
INNER = "Interns"
"""A group that is a member of others, where the user list knows somebody else as none."""
_MANNERS: dict[str, list[Any]] = {
    "patch": ["on", "on", "off"],
    "filters": ["on", "ignored", "refused_400"],
    "etags": ["on", "off", "required"],
    "totals": ["right", "page", "missing"],
    "page_cap": [1, 3, 100],
    "paging": ["index", "cursor", "both"],
    "members": ["shown", "by_id"],
    "member_form": ["plain", "ref", "value"],
    "empty_members": ["absent", "list"],
    "user_groups": ["all", "direct", "off"],
    "spelling": ["defined", "lower", "upper"],
    "odd_ids": [False, True],
    "active_as_text": [False, True],
    "patch_answer": ["resource", "204", "empty"],
    "put_answer": ["resource", "204"],
    "create_answer": ["201", "200"],
    "errors": ["scim", "no_type", "html"],
    "undocumented": [False, True],
    "discovery": ["open", "credential"],
}


@st.composite
def directories(draw: st.DrawFn) -> World:
    """A world of any directory that speaks SCIM, in any manner."""
    world = draw(worlds())
    switches = {name: draw(st.sampled_from(values)) for name, values in _MANNERS.items()}
    # Nothing would show that a group without members hides none, so it is not written as a whole.
    if switches["patch"] == "off":
        # And what a server shows and does not take back fails where it is written as a whole.
        switches |= {"empty_members": "list", "undocumented": False}
    users = {
        email: {
            "displayName": user["name"],
            "active": user.get("active", True),
            **({_BADGE: own} if (own := _decimal(user.get("attributes", {}))) else {}),
        }
        for email, user in world.seed["users"].items()
    }
    groups: dict[str, Any] = {
        name: [INNER if member == EMBED else member for member in members]
        for name, members in world.seed["groups"].items()
    }
    seed = {
        "switches": switches,
        "extensions": {_BADGE: {"attributes": _ON_THE_WIRE}},
        "users": users,
        "groups": {INNER: [], **groups},
    }
    people = {
        email: {**entry, **({"attributes": _prefixed(entry["attributes"])} if "attributes" in entry else {})}
        for email, entry in world.files["users"].items()
    }
    manage = world.target["manage"]
    exact = [f"acme.{name}" for name in manage["exact_attributes"]]
    target = {
        **world.target,
        "kind": "scim",
        "url": "https://directory.example/scim/v2",
        "keys": [{"env": "KEY"}],
        "extensions": {"acme": _BADGE},
        "manage": {**manage, "exact_attributes": exact},
    }
    return World(seed, {**world.files, "users": people}, target)


def _decimal(attributes: dict[str, Any]) -> dict[str, Any]:
    """The attributes as a directory keeps them: a number is one, text is text, and an empty list is not."""
    spelled = {
        name: float(value) if name == "level" else str(value) if name in ("code", "late") else value
        for name, value in attributes.items()
    }
    return {name: value for name, value in spelled.items() if value != []}


def _prefixed(attributes: dict[str, Any]) -> dict[str, Any]:
    return {f"acme.{name}": value for name, value in attributes.items()}


class Listed(Directory):
    """A pretend directory that is told as a pretend Omni is."""

    @classmethod
    def opened(cls, seed: dict[str, Any]) -> "Listed":
        return cls(DirectoryStore.from_seed(seed))

    def snapshot(self) -> dict[str, Any]:
        """What is there, as a pretend Omni says it."""
        held = self.store.snapshot()
        users = {
            email: {
                "name": user.get("displayName"),
                "active": user.get("active", True),
                "attributes": _prefixed(user.get(_BADGE, {})),
            }
            for email, user in held["users"].items()
        }
        groups = {
            name: [EMBED if member == INNER else member for member in members]
            for name, members in held["groups"].items()
            if name != INNER
        }
        return {"users": users, "groups": groups}

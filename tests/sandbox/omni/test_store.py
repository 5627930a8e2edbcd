"""The seed, the switches, the state file and what a directory keeps in step."""

import gc
import json
import re
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from reconciler.sandbox.omni.records import membership_id, mini_uuid
from reconciler.sandbox.omni.store import Store
from reconciler.sandbox.omni.switches import Switches
from reconciler.sandbox.switching import from_texts

SCHEMA = json.loads(
    (Path(__file__).parents[3] / "schemas" / "sandbox-seed.schema.json").read_text(encoding="utf-8")
)
SEED: dict[str, Any] = {
    "switches": {"page_cap": 7, "builtins": "booleans", "shows_defaults": True},
    "attributes": {
        "region": {"multiple_values": True, "default_value": ["emea"], "label": "Region"},
        "limit": {"type": "Number", "description": "How much"},
        "nickname": {"later": True},
    },
    "users": {
        "ada@acme.com": {"name": "Ada", "attributes": {"region": ["emea", "apac"], "limit": 5}},
        "bob@acme.com": {"active": False, "last_login": "2026-01-31T09:30:00.000Z"},
        "BOB@acme.com": {},
    },
    "embed_users": {"embed-1@x.co": {"external_id": "v-1", "entity": "shop", "email": "v@shop.com"}},
    "groups": {"Finance": ["ada@acme.com", "embed-1@x.co"], "Empty": []},
    "keys": {
        "org": {"owner": "ada@acme.com"},
        "own": {"kind": "personal", "owner": "ada@acme.com"},
    },
}


def test_a_seed_becomes_users_groups_definitions_and_keys() -> None:
    store = Store.from_seed(SEED)
    ada = store.users_with_email("ADA@acme.com")[0]
    assert (ada.name, ada.active, ada.attributes) == ("Ada", True, {"region": ["emea", "apac"], "limit": "5"})
    assert [user.name for user in store.users_with_email("bob@acme.com")] == ["bob@acme.com", "BOB@acme.com"]
    finance = store.groups_with_name("finance")[0]
    assert [store.member(ident).email for ident in finance.members] == ["ada@acme.com", "embed-1@x.co"]
    assert list(ada.groups) == [finance.id]
    assert store.keys["own"].kind == "personal"
    assert store.keys["org"].owner == ada.id
    assert store.switches == Switches(page_cap=7, builtins="booleans", shows_defaults=True)


def test_switches_said_as_text_hold_and_the_state_file_keeps_its_own(tmp_path: Path) -> None:
    store = Store.from_seed(SEED)
    store.keep_in(tmp_path / "state.json")
    store.behave(from_texts(Switches, {"builtins": "none", "page_cap": "3"}))
    store.behave(from_texts(Switches, {"shows_defaults": "false", "whoami_missing": "true"}))
    assert store.switches == Switches(page_cap=3, whoami_missing=True)
    store.add_user("new@acme.com", "New")
    store.save()
    again = Store.open(tmp_path / "no-seed.yaml", tmp_path / "state.json")
    assert again.switches == Switches(page_cap=7, builtins="booleans", shows_defaults=True)
    assert again.users_with_email("new@acme.com")


def test_an_attribute_defined_later_is_younger_than_the_users() -> None:
    store = Store.from_seed(SEED)
    ages = {name: each.serial for name, each in store.definitions.items()}
    youngest = max(user.serial for user in store.users.values())
    assert ages["region"] < youngest < ages["nickname"]
    assert ages["omni_user_id"] == 0


def test_an_empty_seed_has_the_system_attributes_and_one_organization_key() -> None:
    store = Store.from_seed({})
    assert store.switches == Switches()
    assert list(store.keys) == ["sandbox"]
    assert len(store.definitions) == 8
    assert all(each.system and not each.id for each in store.definitions.values())


def test_the_same_seed_gives_the_same_state() -> None:
    assert json.dumps(Store.from_seed(SEED).to_json()) == json.dumps(Store.from_seed(SEED).to_json())


def test_ids_have_the_forms_of_omni() -> None:
    assert re.fullmatch(
        r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", membership_id(1)
    )
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{8}", mini_uuid(serial)) for serial in range(100))
    assert membership_id(1) != membership_id(2)


def test_a_recreated_user_has_a_new_id() -> None:
    store = Store.from_seed(SEED)
    ada = store.users_with_email("ada@acme.com")[0]
    store.remove_user(ada)
    assert store.users_with_email("ada@acme.com") == []
    assert store.add_user("ada@acme.com", "Ada").id != ada.id


def test_removing_one_of_two_users_with_an_e_mail_leaves_the_other() -> None:
    store = Store.from_seed(SEED)
    lower, upper = store.users_with_email("bob@acme.com")
    store.remove_user(lower)
    assert store.users_with_email("bob@acme.com") == [upper]


def test_a_snapshot_is_a_seed_of_the_same_people() -> None:
    store = Store.from_seed(SEED)
    again = Store.from_seed(store.snapshot())
    assert again.snapshot() == store.snapshot()
    assert store.snapshot()["users"]["ada@acme.com"] == {
        "name": "Ada",
        "active": True,
        "attributes": {"limit": "5", "region": ["emea", "apac"]},
    }
    assert store.snapshot()["groups"] == {"Finance": ["ada@acme.com", "embed-1@x.co"], "Empty": []}


def test_a_snapshot_shares_nothing_with_the_store() -> None:
    store = Store.from_seed(SEED)
    store.snapshot()["users"]["ada@acme.com"]["attributes"]["region"].append("moon")
    assert "moon" not in store.snapshot()["users"]["ada@acme.com"]["attributes"]["region"]


def test_a_store_shares_nothing_with_its_seed() -> None:
    seed: dict[str, Any] = {
        "attributes": {"tags": {"multiple_values": True}},
        "users": {"a@b.co": {"attributes": {"tags": ["x"]}}},
    }
    store = Store.from_seed(seed)
    tags = store.users_with_email("a@b.co")[0].attributes["tags"]
    assert isinstance(tags, list)
    tags.append("y")
    assert seed["users"]["a@b.co"] == {"attributes": {"tags": ["x"]}}


@pytest.mark.parametrize(
    ("seed", "complaint"),
    [
        ([], "the seed: must be a mapping"),
        ({"user": {}}, "the seed.user: no such key; there are switches, attributes, users"),
        ({"switches": []}, "switches: must be a mapping"),
        ({"switches": {"fast": True}}, "switches.fast: no such switch; there are requests_per_minute"),
        ({"switches": {"bad_token_403": 1}}, "switches.bad_token_403: must be true or false"),
        ({"switches": {"page_cap": True}}, "switches.page_cap: must be a whole number from 0"),
        ({"switches": {"page_cap": -1}}, "switches.page_cap: must be a whole number from 0"),
        ({"switches": {"page_cap": "9"}}, "switches.page_cap: must be a whole number from 0"),
        ({"switches": {"builtins": True}}, "switches.builtins: must be one of none, booleans, timezone_null"),
        ({"attributes": {"a": None}}, "attributes.a: must be a mapping"),
        ({"attributes": {"a": {"kind": 1}}}, "attributes.a.kind: no such key"),
        ({"attributes": {"a": {"type": "Date"}}}, "attributes.a.type: must be String or Number"),
        ({"attributes": {"a": {"label": 1}}}, "attributes.a.label: must be text"),
        (
            {"attributes": {"a": {"multiple_values": 1}}},
            "attributes.a.multiple_values: must be true or false",
        ),
        ({"attributes": {"a": {"later": "yes"}}}, "attributes.a.later: must be true or false"),
        ({"attributes": {"a": {"default_value": []}}}, "attributes.a.default_value: Expected string"),
        ({"attributes": {"omni_user_id": {}}}, "attributes.omni_user_id: Omni has this one already"),
        ({"users": {1: {}}}, "users: the key 1 must be text"),
        ({"users": {"a@b.co": {"active": "no"}}}, "users.a@b.co.active: must be true or false"),
        ({"users": {"a@b.co": {"groups": []}}}, "users.a@b.co.groups: no such key"),
        (
            {"users": {"a@b.co": {"attributes": {"x": "1"}}}},
            "users.a@b.co.attributes.x: not under `attributes`",
        ),
        ({"embed_users": {"e": {"external_id": 7}}}, "embed_users.e.external_id: must be text"),
        ({"groups": {"G": "a@b.co"}}, "groups.G: must be a list of e-mails"),
        ({"groups": {"G": ["a@b.co"]}}, "groups.G: 'a@b.co' is neither under `users` nor"),
        ({"groups": {"G": [1]}}, "groups.G: 1 is neither"),
        ({"keys": {"t": {"kind": "root"}}}, "keys.t.kind: must be organization or personal"),
        ({"keys": {"t": {"kind": "personal"}}}, "keys.t.owner: a personal key has an owner"),
        ({"keys": {"t": {"owner": "a@b.co"}}}, "keys.t.owner: 'a@b.co' is neither"),
    ],
)
def test_a_bad_seed_is_refused_by_the_name_of_its_key(seed: Any, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)):
        Store.from_seed(seed)


@pytest.mark.parametrize(
    ("definition", "value", "kept"),
    [
        ({}, "0420", "0420"),
        ({"type": "Number"}, 5, "5"),
        ({"type": "Number"}, 1.5, "1.5"),
        ({"type": "Number"}, "12345678901234567890", "12345678901234567890"),
        ({"type": "Number"}, 2**53 + 1, str(2**53)),
        ({"type": "Number", "multiple_values": True}, [1, "2"], ["1", "2"]),
        ({"multiple_values": True}, [], []),
    ],
)
def test_a_value_is_kept_as_text(definition: dict[str, Any], value: object, kept: object) -> None:
    store = Store.from_seed({"attributes": {"a": definition}})
    assert store.definitions["a"].stored(value) == kept


@pytest.mark.parametrize(
    ("definition", "value", "complaint"),
    [
        ({}, 5, "Expected string, received number"),
        ({}, True, "Expected string, received boolean"),
        ({}, ["x"], "Expected string, received array"),
        ({}, {}, "Expected string, received object"),
        ({"type": "Number"}, "five", "Expected number, received string"),
        ({"type": "Number"}, False, "Expected number, received boolean"),
        ({"multiple_values": True}, "x", "Expected array, received string"),
        ({"multiple_values": True}, ["x", None], "Expected string, received null"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(
    definition: dict[str, Any], value: object, complaint: str
) -> None:
    store = Store.from_seed({"attributes": {"a": definition}})
    with pytest.raises(ValueError, match=complaint):
        store.definitions["a"].stored(value)


def test_the_schema_for_editors_allows_what_the_loader_allows() -> None:
    validator = jsonschema.Draft202012Validator(SCHEMA)
    validator.check_schema(SCHEMA)
    assert list(validator.iter_errors(SEED)) == []
    assert list(validator.iter_errors({"users": {"a@b.co": {"groups": []}}})) != []


def test_the_schema_for_editors_knows_every_switch_and_its_default() -> None:
    switches = SCHEMA["properties"]["switches"]["properties"]
    assert {name: row["default"] for name, row in switches.items()} == asdict(Switches())
    assert list(switches) == [each.name for each in fields(Switches)]
    assert all(row["description"] for row in switches.values())


def seed_file(folder: Path, text: str) -> Path:
    path = folder / "seed.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_seed_file_keeps_text_as_it_is_written(tmp_path: Path) -> None:
    seed = seed_file(
        tmp_path,
        "switches: {truncate_members: off}\n"
        "attributes: {code: {}, day: {}, size: {type: Number}, rate: {type: Number}}\n"
        "users: {ada@x.co: {active: true, attributes: {code: 0420, day: 2024-01-01, size: 7, rate: 1.5}}}\n",
    )
    ada = Store.open(seed).users_with_email("ada@x.co")[0]
    assert ada.attributes == {"code": "0420", "day": "2024-01-01", "size": "7", "rate": "1.5"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "the seed: must be a mapping"),
        ("users: {\n", "the sandbox cannot start from this seed"),
        ("users: {a@b.co: {name: null}}", "users.a@b.co.name: must be text"),
        ("users:\n  a@b.co: {}\n  a@b.co: {}\n", "line 3: the key 'a@b.co' stands twice"),
        ("users: {null: {}, ~: {}}", "line 1: the key '~' stands twice"),
    ],
)
def test_a_bad_seed_file_is_refused_by_name(tmp_path: Path, text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(complaint)) as caught:
        Store.open(seed_file(tmp_path, text))
    assert str(caught.value).startswith(str(tmp_path / "seed.yaml"))
    assert "\n" not in str(caught.value)


def test_a_missing_seed_file_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="No such file"):
        Store.open(tmp_path / "nowhere.yaml", tmp_path / "state.json")


def test_reading_a_seed_leaves_the_garbage_collector_as_it_was(tmp_path: Path) -> None:
    seed = seed_file(tmp_path, "{}")
    Store.open(seed)
    assert gc.isenabled()
    gc.disable()
    try:
        Store.open(seed)
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_the_state_file_is_written_once_something_changes_and_wins_over_the_seed(tmp_path: Path) -> None:
    seed, state = seed_file(tmp_path, json.dumps(SEED)), tmp_path / "deep" / "state.json"
    store = Store.open(seed, state)
    store.save()
    assert not state.exists()
    store.remove_user(store.users_with_email("ada@acme.com")[0])
    store.save()
    seed.unlink()
    again = Store.open(seed, state)
    assert again.to_json() == store.to_json()
    assert again.users_with_email("ada@acme.com") == []
    assert [user.email for user in again.users_with_email("bob@acme.com")] == ["bob@acme.com", "BOB@acme.com"]


def test_an_unchanged_store_does_not_touch_its_file(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    store = Store.open(seed_file(tmp_path, "{}"), state)
    store.tick()
    store.save()
    state.unlink()
    store.save()
    assert not state.exists()


def test_a_deleted_row_that_is_kept_survives_the_state_file(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    seed = seed_file(
        tmp_path, "{switches: {delete_keeps_row: true}, users: {a@b.co: {}}, groups: {G: [a@b.co]}}"
    )
    store = Store.open(seed, state)
    user = store.users_with_email("a@b.co")[0]
    store.remove_user(user)
    store.save()
    again = Store.open(seed, state)
    assert user.id in again.users
    assert again.user(user.id) is None
    assert again.users_with_email("a@b.co") == []
    assert again.snapshot()["users"] == {}


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{}", '{"serial": 1}', "\udcff", '{"switches": {"page_cap": -1}, "serial": 1}'],
)
def test_a_corrupt_state_file_is_refused_with_what_to_do(tmp_path: Path, text: str) -> None:
    state = tmp_path / "state.json"
    state.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ValueError, match="remove it to start from the seed again"):
        Store.open(seed_file(tmp_path, "{}"), state)


def test_a_state_file_that_names_an_unknown_member_is_corrupt(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    data = Store.from_seed(SEED).to_json()
    data["users"] = []
    state.write_text(json.dumps(data), encoding="utf-8")
    with pytest.raises(ValueError, match="no state of a sandbox"):
        Store.open(tmp_path / "seed.yaml", state)


def test_a_failed_write_leaves_the_old_state_and_no_litter(tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    store = Store.open(seed_file(tmp_path, "{}"), state)
    store.add_user("a@b.co", "A")
    store.save()
    before = state.read_bytes()
    store.add_user("c@d.co", "C").external_id = {1, 2}  # type: ignore[assignment]  # what JSON cannot say
    with pytest.raises(TypeError):
        store.save()
    assert state.read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["seed.yaml", "state.json"]


def test_removing_an_embed_user_or_a_group_keeps_both_sides_of_membership_in_step() -> None:
    store = Store.from_seed(SEED)
    guest = next(iter(store.embed_users.values()))
    finance = store.groups_with_name("Finance")[0]
    store.remove_embed_user(guest)
    ada = store.users_with_email("ada@acme.com")[0]
    assert list(finance.members) == [ada.id]
    store.remove_group(finance)
    assert not ada.groups
    assert store.groups_with_name("Finance") == []

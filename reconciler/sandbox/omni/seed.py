"""The seed of a pretend Omni, as a person writes it, and its state in the same form.

A seed is a mapping with any of these keys, and none that is not here::

    switches: {shows_defaults: true}        # by the names of Switches
    attributes:                             # definitions; {} is a String with one value
      cost_center: {}
      region:
        type: String                        # or Number
        multiple_values: true
        default_value: [emea]
        label: Region
        description: Where they sell
        later: true                         # defined after the users were made
    users:                                  # by e-mail; {} is active, named like the e-mail
      ada@acme.com: {name: Ada Lovelace, active: true, attributes: {region: [emea]}}
      bob@acme.com: {last_login: 2026-01-31T09:30:00.000Z}    # not written: never signed in
    embed_users:                            # by userName
      embed-user-1@acme.embed-exploreomni.co: {name: Visitor, external_id: v-1, entity: shop, email: null}
    groups:                                 # users and embed users, by e-mail
      Finance: [ada@acme.com]
    keys:                                   # not written: one organization key, "sandbox"
      a-token: {kind: organization}         # or personal, which needs an owner
      another: {kind: personal, owner: ada@acme.com}

Two users whose e-mails differ in case alone are allowed, and so are two such groups.
"""

from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.omni.directory import Directory
from reconciler.sandbox.omni.records import Definition, Key, User, membership_id
from reconciler.sandbox.omni.switches import Switches
from reconciler.sandbox.seeding import flag, mapping, text
from reconciler.sandbox.switching import from_mapping

DEFAULT_TOKEN = "sandbox"  # noqa: S105 (it opens a pretend instance only)

_TOP = ("switches", "attributes", "users", "embed_users", "groups", "keys")
_DEFINITION = ("type", "multiple_values", "default_value", "label", "description", "later")


def fill(directory: Directory, seed: object) -> None:
    """Put a seed into an empty directory; raises ValueError that names the key with the mistake."""
    parts = mapping(seed, "the seed", _TOP)
    switches = mapping(parts.get("switches", {}), "switches")
    try:
        directory.switches = from_mapping(Switches, switches)
    except ValueError as error:
        message = f"switches.{error}"
        raise ValueError(message) from None
    definitions = mapping(parts.get("attributes", {}), "attributes")
    late = [name for name, row in definitions.items() if isinstance(row, Mapping) and row.get("later")]
    for name in definitions:
        if name not in late:
            _define(directory, name, definitions[name])
    people = _users(directory, parts.get("users", {}))
    people |= _embed_users(directory, parts.get("embed_users", {}))
    for name in late:
        _define(directory, name, definitions[name])
    _groups(directory, parts.get("groups", {}), people)
    _keys(directory, parts.get("keys", {DEFAULT_TOKEN: {}}), people)
    _values(directory, parts.get("users", {}), people)


def snapshot(directory: Directory) -> dict[str, dict[str, Any]]:
    """People, groups and values as a seed says them, without ids and times; keys and switches left out."""
    users = [user for user in directory.users.values() if not user.deleted]
    return {
        "attributes": {
            each.name: {
                "type": each.type,
                "multiple_values": each.multiple_values,
                "default_value": each.default_value,
                "label": each.label,
                "description": each.description,
            }
            for each in directory.definitions.values()
            if not each.system
        },
        "users": {
            user.email: {
                "name": user.name,
                "active": user.active,
                **({"last_login": user.last_login} if user.last_login else {}),
                "attributes": {
                    name: list(value) if isinstance(value, list) else value
                    for name, value in sorted(user.attributes.items())
                },
            }
            for user in users
        },
        "embed_users": {
            user.email: {
                "name": user.name,
                "external_id": user.external_id,
                "entity": user.entity,
                "email": user.embed_email,
            }
            for user in directory.embed_users.values()
        },
        "groups": {
            group.name: sorted(person.email for person in group.members.values())
            for group in directory.groups.values()
        },
    }


def _define(directory: Directory, name: str, row: object) -> None:
    where = f"attributes.{name}"
    fields_given = mapping(row, where, _DEFINITION)
    if fields_given.get("type", "String") not in ("String", "Number"):
        message = f"{where}.type: must be String or Number"
        raise ValueError(message)
    serial = directory.tick()
    definition = Definition(
        serial=serial,
        id=membership_id(serial),
        name=name,
        label=text(fields_given.get("label", name), f"{where}.label"),
        type=fields_given.get("type", "String"),
        multiple_values=flag(fields_given.get("multiple_values", False), f"{where}.multiple_values"),
        default_value=fields_given.get("default_value"),
        description=text(fields_given.get("description"), f"{where}.description", optional=True),
    )
    flag(fields_given.get("later", False), f"{where}.later")
    if name in directory.definitions:
        message = f"{where}: Omni has this one already, as a system attribute"
        raise ValueError(message)
    if definition.default_value is not None:
        _stored(definition, definition.default_value, f"{where}.default_value")
    directory.definitions[name] = definition


def _users(directory: Directory, rows: object) -> dict[str, User]:
    people = {}
    for email, row in mapping(rows, "users").items():
        where = f"users.{email}"
        entry = mapping(row, where, ("name", "active", "last_login", "attributes"))
        name = text(entry.get("name", email), f"{where}.name")
        user = directory.add_user(email, name, active=flag(entry.get("active", True), f"{where}.active"))
        user.last_login = text(entry.get("last_login"), f"{where}.last_login", optional=True)
        people[email] = user
    return people


def _values(directory: Directory, rows: Mapping[str, Any], people: Mapping[str, User]) -> None:
    for email, row in rows.items():
        where = f"users.{email}.attributes"
        for name, value in mapping(row.get("attributes", {}), where).items():
            definition = directory.definitions.get(name)
            if definition is None or definition.system:
                message = f"{where}.{name}: not under `attributes`, so no user can have it"
                raise ValueError(message)
            people[email].attributes[name] = _stored(definition, value, f"{where}.{name}")


def _embed_users(directory: Directory, rows: object) -> dict[str, User]:
    people = {}
    for email, row in mapping(rows, "embed_users").items():
        where = f"embed_users.{email}"
        entry = mapping(row, where, ("name", "external_id", "entity", "email"))
        people[email] = directory.add_embed_user(
            email,
            text(entry.get("name", email), f"{where}.name"),
            external_id=text(entry.get("external_id", email), f"{where}.external_id"),
            entity=text(entry.get("entity"), f"{where}.entity", optional=True),
            embed_email=text(entry.get("email"), f"{where}.email", optional=True),
        )
    return people


def _groups(directory: Directory, rows: object, people: Mapping[str, User]) -> None:
    for name, members in mapping(rows, "groups").items():
        if not isinstance(members, list):
            message = f"groups.{name}: must be a list of e-mails"
            raise ValueError(message)  # noqa: TRY004 (a mistake in a file, not a wrong call)
        group = directory.add_group(name)
        for email in members:
            directory.join(group, _person(email, f"groups.{name}", people))


def _keys(directory: Directory, rows: object, people: Mapping[str, User]) -> None:
    for token, row in mapping(rows, "keys").items():
        given = mapping(row, f"keys.{token}", ("kind", "owner"))
        kind, owner = given.get("kind", "organization"), given.get("owner")
        if kind not in ("organization", "personal"):
            message = f"keys.{token}.kind: must be organization or personal"
            raise ValueError(message)
        if owner is None and kind == "personal":
            message = f"keys.{token}.owner: a personal key has an owner"
            raise ValueError(message)
        ident = None if owner is None else _person(owner, f"keys.{token}.owner", people).id
        directory.keys[token] = Key(kind, ident)


def _person(email: object, where: str, people: Mapping[str, User]) -> User:
    if not isinstance(email, str) or email not in people:
        message = f"{where}: {email!r} is neither under `users` nor under `embed_users`"
        raise ValueError(message)
    return people[email]


def _stored(definition: Definition, value: object, where: str) -> Any:
    try:
        return definition.stored(value)
    except ValueError as error:
        message = f"{where}: {error}"
        raise ValueError(message) from None

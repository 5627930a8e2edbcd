"""The seed of a pretend directory, as a person writes it, and its state in the same form.

A seed is a mapping with any of these keys, and none that is not here::

    switches: {totals: page}                # by the names of Switches
    extensions: {}                          # further schemas: see extensions.py
    users:                                  # by userName; what else stands here is as SCIM has it
      ada@acme.com:
        displayName: Ada Lovelace           # active: true where nothing is said
        emails: [{value: ada@acme.com, type: work, primary: true}]
        urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:
          department: R&D
          manager: {value: grace@acme.com}  # here a userName
        id: any text                        # not written: one is made
    groups:                                 # by displayName
      Analysts: [ada@acme.com, Interns]     # members: userNames, or names of groups
      Interns: {members: [], externalId: "7"}
    tokens: [sandbox]                       # bearer tokens; not written: this one
    clients:                                # for the token endpoint; not written: this one
      sandbox: {secret: sandbox, scopes: []}
"""

from collections.abc import Mapping
from typing import Any

from reconciler.sandbox.scim.answers import Refusal
from reconciler.sandbox.scim.core import ENTERPRISE_URN
from reconciler.sandbox.scim.directory import Directory
from reconciler.sandbox.scim.records import Client, Name, Record
from reconciler.sandbox.scim.resources import settled
from reconciler.sandbox.scim.switches import Switches
from reconciler.sandbox.scim.values import resource
from reconciler.sandbox.seeding import mapping, text
from reconciler.sandbox.switching import from_mapping

DEFAULT = "sandbox"
"""The token, the name and the secret that open what a seed says nothing of."""

_TOP = ("switches", "extensions", "users", "groups", "tokens", "clients")


def fill(directory: Directory, seed: object) -> None:
    """Put a seed into an empty directory; raises ValueError that names the key with the mistake."""
    parts = mapping(seed, "the seed", _TOP)
    try:
        directory.switches = from_mapping(Switches, mapping(parts.get("switches", {}), "switches"))
    except ValueError as error:
        message = f"switches.{error}"
        raise ValueError(message) from None
    directory.extend(dict(mapping(parts.get("extensions", {}), "extensions")))
    users = mapping(parts.get("users", {}), "users")
    for name, row in users.items():
        _add(directory, "User", name, mapping(row, f"users.{name}"))
    for name, row in users.items():
        _employ(directory, name, row)
    groups = mapping(parts.get("groups", {}), "groups")
    for name, row in groups.items():
        fields = {} if isinstance(row, list) else dict(mapping(row, f"groups.{name}"))
        _add(directory, "Group", name, {key: each for key, each in fields.items() if key != "members"})
    for name, row in groups.items():
        _join(directory, name, row if isinstance(row, list) else row.get("members", []))
    _let_in(directory, parts)


def snapshot(directory: Directory) -> dict[str, dict[str, Any]]:
    """Users and groups as a seed says them, without ids and times, others by their names: for comparing."""

    def name(ident: str) -> str:
        record = directory.record(ident)
        return directory.label(record) if record else ident

    def user(values: Mapping[str, Any]) -> dict[str, Any]:
        rest = {key: each for key, each in values.items() if key != "userName"}
        part = rest.get(ENTERPRISE_URN, {})
        if "manager" in part:
            manager = {"value": name(part["manager"]["value"])}
            rest[ENTERPRISE_URN] = {**part, "manager": manager}
        return rest

    return {
        "users": {directory.label(each): user(each.values) for each in directory.records["User"].values()},
        "groups": {
            directory.label(each): sorted(name(member["value"]) for member in each.values.get("members", ()))
            for each in directory.records["Group"].values()
        },
    }


def _add(directory: Directory, kind: Name, name: str, row: Mapping[str, Any]) -> None:
    where = f"{kind.lower()}s.{name}"
    known = directory.kinds[kind]
    extensions = [each.schema.urn for each in known.extensions if each.schema.urn in row]
    label = "userName" if kind == "User" else "displayName"
    if label in row:
        message = f"{where}.{label}: it is said by the key above it"
        raise ValueError(message)
    body = {"schemas": [known.core.urn, *extensions], label: name, **_unemployed(row)}
    if kind == "User":
        body.setdefault("active", True)
    try:
        values = settled(directory, known, resource(known, body, Switches()), None)
    except Refusal as refusal:
        message = f"{where}: {refusal.detail}"
        raise ValueError(message) from None
    ident = text(row.get("id", ""), f"{where}.id")
    if ident and directory.record(ident):
        message = f"{where}.id: {ident!r} stands twice"
        raise ValueError(message)
    directory.add(kind, values, ident)


def _unemployed(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row without its manager, who may come later."""
    part = row.get(ENTERPRISE_URN)
    if not isinstance(part, Mapping) or "manager" not in part:
        return dict(row)
    return {**row, ENTERPRISE_URN: {key: each for key, each in part.items() if key != "manager"}}


def _employ(directory: Directory, name: str, row: Mapping[str, Any]) -> None:
    part = row.get(ENTERPRISE_URN, {})
    if "manager" not in part:
        return
    where = f"users.{name}.manager"
    boss = text(mapping(part["manager"], where, ("value",)).get("value"), f"{where}.value")
    found, user = directory.labelled("User", boss), directory.labelled("User", name)[0]
    if not found:
        message = f"{where}: {boss!r} is not under `users`"
        raise ValueError(message)
    own = user.values.get(ENTERPRISE_URN, {})
    directory.write(user, {**user.values, ENTERPRISE_URN: {**own, "manager": {"value": found[0].id}}})


def _join(directory: Directory, name: str, members: object) -> None:
    where = f"groups.{name}"
    if not isinstance(members, list):
        message = f"{where}: must be a list of userNames and names of groups"
        raise ValueError(message)  # noqa: TRY004 (a mistake in a file, not a wrong call)
    found = [_member(directory, member, where) for member in members]
    group = next(each for each in directory.labelled("Group", name) if directory.label(each) == name)
    if found:
        rows = [{"value": member.id, "type": member.kind} for member in found]
        directory.write(group, {**group.values, "members": rows})


def _member(directory: Directory, name: object, where: str) -> Record:
    known = directory.labelled("User", str(name)) or directory.labelled("Group", str(name))
    if not known:
        message = f"{where}: {name!r} is neither under `users` nor under `groups`"
        raise ValueError(message)
    return known[0]


def _let_in(directory: Directory, parts: Mapping[str, Any]) -> None:
    tokens = parts.get("tokens", [DEFAULT])
    if not isinstance(tokens, list):
        message = "tokens: must be a list"
        raise ValueError(message)  # noqa: TRY004 (a mistake in a file, not a wrong call)
    directory.tokens = [text(token, "tokens") for token in tokens]
    for name, row in mapping(parts.get("clients", {DEFAULT: {"secret": DEFAULT}}), "clients").items():
        given = mapping(row, f"clients.{name}", ("secret", "scopes"))
        scopes = given.get("scopes", [])
        if not isinstance(scopes, list):
            message = f"clients.{name}.scopes: must be a list"
            raise ValueError(message)  # noqa: TRY004 (likewise)
        secret = text(given.get("secret"), f"clients.{name}.secret")
        directory.clients[name] = Client(
            secret, tuple(text(scope, f"clients.{name}.scopes") for scope in scopes)
        )

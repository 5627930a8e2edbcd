"""The SCIM endpoints for users and embed users."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from operator import attrgetter

from reconciler.sandbox.omni.answers import (
    Refusal,
    Row,
    answer,
    filter_of,
    json_object,
    no_content,
    page,
    reject,
    text,
)
from reconciler.sandbox.omni.directory import Directory
from reconciler.sandbox.omni.patch import PatchOperation, operations
from reconciler.sandbox.omni.records import Stored, User
from reconciler.transport.messages import Request, Response

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
ATTRIBUTES = "urn:omni:params:1.0:UserAttribute"

_LOGIN = "urn:omni:params:scim:schemas:extension:user:2.0"

_SERIAL = attrgetter("serial")
# Between the dots and around the @ of an address: letters of any script, and what mail allows unquoted.
_ATOM = re.compile(r'[^\s.@,:;<>()\[\]\\"]+')
_BUILTINS: dict[str, Row] = {
    "none": {},
    "booleans": {"omni_is_org_admin": False, "omni_allows_personal_content": True},
    "timezone_null": {"omni_user_timezone": None},
}


def list_users(directory: Directory, request: Request, _ident: str) -> Response:
    """One page of the users, with ``filter`` on userName."""
    condition = filter_of(request, "userName")
    if condition is None:
        users = directory.all_users()
    elif condition[1] == "eq":
        users = directory.users_with_email(condition[2])
    else:
        part = condition[2].lower()
        users = [user for user in directory.users.values() if part in user.email.lower() and not user.deleted]
    if directory.switches.deactivate_hides:
        users = [user for user in users if user.active]
    with_values = not directory.switches.list_omits_attributes
    return page(
        request, users, lambda user: _row(directory, user, values=with_values), directory.switches.page_cap
    )


def get_user(directory: Directory, _request: Request, ident: str) -> Response:
    """One user."""
    return answer(_row(directory, _found(directory, ident)))


def create_user(directory: Directory, request: Request, _ident: str) -> Response:
    """Make a user; an e-mail that is taken, in any case, is refused with 409."""
    body = json_object(request.json)
    email, name = text(body.get("userName"), "userName"), text(body.get("displayName"), "displayName")
    _check_address(email)
    active = _said(body.get("active", True), "active") or directory.switches.create_ignores_active
    draft = _Draft(name, active=active, attributes={})
    draft.assign(directory, body.get(ATTRIBUTES, {}), ATTRIBUTES)
    if directory.users_with_email(email):
        raise Refusal(HTTPStatus.CONFLICT, f"User with email {email} already exists")
    user = directory.add_user(email, name, active=draft.active)
    user.attributes = draft.attributes
    return answer(_row(directory, user), HTTPStatus.CREATED)


def replace_user(directory: Directory, request: Request, ident: str) -> Response:
    """PUT: what is not named goes back to its default, or stays with the switch for the older meaning."""
    user, body = _found(directory, ident), json_object(request.json)
    if text(body.get("userName"), "userName").lower() != user.email.lower():
        reject("userName", "Must match the existing userName")
    merge = directory.switches.legacy_put_merge
    draft = _Draft(
        text(body.get("displayName", user.name if merge else user.email), "displayName"),
        active=_flag(body.get("active", user.active if merge else True), "active"),
        attributes=dict(user.attributes) if merge else {},
    )
    draft.assign(directory, body.get(ATTRIBUTES, {}), ATTRIBUTES)
    return _commit(directory, user, draft)


def patch_user(directory: Directory, request: Request, ident: str) -> Response:
    """PATCH: all of its operations, or none where one is refused."""
    user = _found(directory, ident)
    draft = _Draft(user.name, active=user.active, attributes=dict(user.attributes))
    for operation in operations(request.json):
        draft.apply(directory, user, operation)
    return _commit(directory, user, draft)


def delete_user(directory: Directory, _request: Request, ident: str) -> Response:
    """Delete a user: the e-mail is free again, the memberships are gone."""
    directory.remove_user(_found(directory, ident))
    return no_content()


def list_embed_users(directory: Directory, request: Request, _ident: str) -> Response:
    """One page of the embed users, with ``filter`` on userName or embedExternalId."""
    condition = filter_of(request, "userName", "embedExternalId")
    users = list(directory.embed_users.values())
    if condition is not None:
        users = [user for user in users if _embed_matches(user, *condition)]
    return page(request, users, lambda user: _row(directory, user), directory.switches.page_cap)


def _embed_matches(user: User, name: str, operator: str, wanted: str) -> bool:
    if name == "userName":
        has, wanted = user.email.lower(), wanted.lower()
    else:
        has = str(user.external_id)
    return has == wanted if operator == "eq" else wanted in has


def get_embed_user(directory: Directory, _request: Request, ident: str) -> Response:
    """One embed user."""
    return answer(_row(directory, _found_embed(directory, ident)))


def delete_embed_user(directory: Directory, _request: Request, ident: str) -> Response:
    """Delete an embed user for good."""
    directory.remove_embed_user(_found_embed(directory, ident))
    return no_content()


@dataclass(slots=True)
class _Draft:
    """A user as a write would leave them; thrown away where any part of the write is refused."""

    name: str
    active: bool
    attributes: dict[str, Stored]

    def assign(self, directory: Directory, values: object, where: str) -> None:
        """Take attribute values over: null clears, an unknown name is ignored or refused by the switch."""
        for name, value in json_object(values, where).items():
            definition = directory.definitions.get(name)
            if definition is None or definition.system:
                if directory.switches.unknown_attribute_400:
                    reject(f"{where}.{name}", "Unknown user attribute")
            elif value is None:
                self.attributes.pop(name, None)
            else:
                try:
                    self.attributes[name] = definition.stored(value)
                except ValueError as error:
                    reject(f"{where}.{name}", str(error))

    def apply(self, directory: Directory, user: User, operation: PatchOperation) -> None:
        """Take one operation of a PATCH over."""
        path, where, value = operation.path, operation.where, operation.value
        every_form = directory.switches.accept_all_patch_forms
        if not path:
            for name, each in json_object(value, f"{where}.value").items():
                self._set(directory, user, name, each, f"{where}.value.{name}")
        elif path.startswith(f"{ATTRIBUTES}:") or (every_form and path.startswith(f"{ATTRIBUTES}.")):
            name = path[len(ATTRIBUTES) + 1 :]
            self.assign(directory, {name: None if operation.op == "remove" else value}, f"{where}.path")
        elif operation.op == "remove" or (path == ATTRIBUTES and not every_form):
            reject(f"{where}.path", f"Unsupported path {path}")
        else:
            self._set(directory, user, path, value, f"{where}.value")

    def _set(self, directory: Directory, user: User, name: str, value: object, where: str) -> None:
        if name == ATTRIBUTES:
            self.assign(directory, value, where)
        elif name == "displayName":
            self.name = text(value, where)
        elif name == "active":
            self.active = _flag(value, where)
        elif name != "userName" or not isinstance(value, str) or value.lower() != user.email.lower():
            reject(where, "Unsupported attribute or value")


def _commit(directory: Directory, user: User, draft: _Draft) -> Response:
    user.name, user.attributes = draft.name, draft.attributes
    revoked = user.active and not draft.active and directory.switches.deactivate_revokes
    user.active = draft.active
    directory.touch(user)
    body = _row(directory, user)
    if revoked:
        directory.remove_user(user)
    return answer(body)


def _found(directory: Directory, ident: str) -> User:
    user = directory.user(ident)
    if user is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "User not found")
    return user


def _found_embed(directory: Directory, ident: str) -> User:
    user = directory.embed_users.get(ident)
    if user is None:
        raise Refusal(HTTPStatus.NOT_FOUND, "Embed user not found")
    return user


def _flag(value: object, where: str) -> bool:
    if not isinstance(value, bool):
        reject(where, "Expected boolean")
    return value


def _said(value: object, where: str) -> bool:
    """A flag that may also be the text of one, as clients that read it from a table send it."""
    return _flag({"true": True, "false": False}.get(str(value).lower(), value), where)


def _check_address(email: str) -> None:
    """Refuse what is no e-mail address (Omni's OpenAPI: ``format: email``); a domain of one word is one."""
    local, _, domain = email.partition("@")
    if not all(_ATOM.fullmatch(atom) for part in (local, domain) for atom in part.split(".")):
        reject("userName", "Invalid email")


def _row(directory: Directory, user: User, *, values: bool = True) -> Row:
    groups = sorted(user.groups.values(), key=_SERIAL)
    row: Row = {
        "schemas": [USER],
        "id": user.id,
        "userName": user.email,
        "displayName": user.name,
        "active": user.active,
        "emails": [{"primary": True, "value": user.email}],
        "groups": [{"display": group.name, "value": group.id} for group in groups],
        "meta": {"resourceType": "User", "created": user.created, "lastModified": user.modified},
    }
    if user.external_id is not None:
        row |= {
            "embedExternalId": user.external_id,
            "embedEntity": user.entity,
            "embedEmail": user.embed_email,
        }
    extension = _extension(directory, user) if values else None
    login = {"lastLogin": user.last_login} if user.last_login else None
    more = {urn: part for urn, part in ((ATTRIBUTES, extension), (_LOGIN, login)) if part}
    return {**row, "schemas": [USER, *more], **more}


def _extension(directory: Directory, user: User) -> Row:
    switches = directory.switches
    values: Row = dict(_BUILTINS[switches.builtins])
    for name, definition in directory.definitions.items():
        if definition.system:
            continue
        own = user.attributes.get(name)
        if own is not None:
            values[name] = list(own) if isinstance(own, list) else own
        elif switches.shows_defaults and definition.default_value is not None:
            values[name] = definition.stored(definition.default_value)
        elif switches.extension_nulls and definition.serial > user.serial:
            values[name] = None
    return values

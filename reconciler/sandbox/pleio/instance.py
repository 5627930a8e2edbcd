"""A pretend Pleio site: it answers the profile sync API as the server's public source does.

It is a Transport, so it stands where the network would. Nothing in it comes
from the client that it checks.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Any
from uuid import UUID

from reconciler.sandbox.limit import Limit
from reconciler.sandbox.pleio.site import Person, PleioSite
from reconciler.sandbox.pretend import Pretend, Site
from reconciler.transport.messages import Request, Response

API = "/profile_sync_api"
_ONE = re.compile(r"/users/([^/]+)(?:/(ban|unban|avatar))?")
_DEFAULT_LIMIT = 100
_LONGEST = {"name": 100, "email": 255, "external_id": 200, "uuid": 36}
_JSON = {"content-type": "application/json"}


class _Uncaught(Exception):
    """What the server's code does not catch: a bare 500."""


class PretendPleio:
    """The pretend site over one state; ``clock`` gives seconds and only the rate limit asks it."""

    def __init__(self, site: PleioSite, *, clock: Callable[[], float] = time.time) -> None:
        self.site = site
        self._limit = Limit(clock)

    def send(self, request: Request) -> Response:
        """Answer one request; what it changed is in the state file before the answer is given."""
        try:
            response = self._answer(request)
        except (_Uncaught, KeyError, ValueError, TypeError, AttributeError):
            return Response(500, {"content-type": "text/html"}, text="<h1>Server Error (500)</h1>")
        self.site.save()
        return response

    def _answer(self, request: Request) -> Response:
        signed = {name.lower(): value for name, value in request.headers.items()}
        if not self.site.token or signed.get("authorization") != f"Bearer {self.site.token}":
            status = 401 if self.site.switches.bad_token_401 else 403
            return _error(status, "invalid_bearer_token", "You did not supply a valid bearer token.")
        if wait := self._limit.wait(self.site.token, self.site.switches.requests_per_minute):
            return Response(429, {"retry-after": str(int(wait) + 1)})
        if request.path == "/users":
            return self._users(request)
        if request.path == "/logs":
            return self._logs(request) if request.method == "POST" else _not_allowed()
        if match := _ONE.fullmatch(request.path):
            return self._one(request, match[1], match[2] or "")
        return Response(404, {"content-type": "text/html"}, text="<h1>Not Found</h1>")

    def _users(self, request: Request) -> Response:
        if request.method == "GET":
            return self._page(request.query)
        if request.method != "POST":
            return _not_allowed()
        body = _object(request)
        return self._update(body) if "guid" in body else self._create(body)

    def _page(self, query: Mapping[str, str]) -> Response:
        """People made after the one of the cursor; of those made at that very time, none."""
        limit = int(query.get("limit") or _DEFAULT_LIMIT)
        people = sorted(self.site.listed(), key=lambda person: (self.site.created(person), person.guid))
        if cursor := query.get("cursor"):
            last = self.site.people.get(cursor)
            if last is None:
                return _error(404, "not_found", "Could not find user with this guid.")
            people = [p for p in people if self.site.created(p) > self.site.created(last)]
        cap = self.site.switches.page_cap
        page = people[: min(limit, cap) if cap else limit]
        return Response(200, dict(_JSON), {"users": [self._row(person) for person in page]})

    def _create(self, body: Mapping[str, Any]) -> Response:
        email, external_id = body["email"].strip(), _external_id(body)
        if self.site.holder("email", email):
            return _error(400, "could_not_create", "This e-mail is already taken by another user.")
        lax = self.site.switches.external_id_optional and external_id is None
        if not lax and self.site.holder("external_id", external_id):
            return _error(400, "could_not_create", "This external_id is already taken by another user.")
        _fits(name=body["name"], email=email, external_id=external_id or "")
        person = self.site.add(body["name"], email, external_id)
        self.site.mail(person, "Welcome")
        for guid, group in self.site.groups.items():
            if group["automatic"]:
                self.site.join(person, guid)
        return self._told(person, body)

    def _update(self, body: Mapping[str, Any]) -> Response:
        email, external_id = body["email"].strip(), _external_id(body)
        person = self.site.people.get(body["guid"])
        if person is None:
            if self.site.switches.unknown_guid == "404":
                return _error(404, "not_found", "Could not find user with this guid.")
            raise _Uncaught
        name = body["name"]
        for what, value in (("email", email), ("external_id", external_id)):
            holder = self.site.holder(what, value) if value else None
            if holder not in (None, person):
                words = f"Could not change the {what} to another {what} as the id is already taken."
                return _error(400, "could_not_update", words, user={})
        _fits(name=name, email=email, external_id=external_id or "")
        person.name = name
        if self.site.switches.update_unbans:
            person.banned = False
        # Nobody has the new one: who had it in other capitals keeps it as it was.
        if not self.site.holder("email", email):
            person.email = email
        if external_id and not self.site.holder("external_id", external_id):
            person.external_id = external_id
        person.updated = self.site.tick()
        return self._told(person, body)

    def _told(self, person: Person, body: Mapping[str, Any]) -> Response:
        for guid in (body.get("groups") or "").split(","):
            self.site.join(person, guid)
        for key, value in (body.get("profile") or {}).items():
            if key in self.site.fields:
                person.profile[key] = str(value)
        return self._shown(person)

    def _one(self, request: Request, guid: str, action: str) -> Response:
        try:
            UUID(guid)
        except ValueError:
            return Response(404, {"content-type": "text/html"}, text="<h1>Not Found</h1>")
        if request.method != ("POST" if action else "DELETE"):
            return _not_allowed()
        person = next((person for person in self.site.listed() if person.guid == guid), None)
        if person is None:
            return _error(404, "not_found", "Could not find user with this guid.")
        if action == "avatar":
            return self._picture(request, person)
        if not action:
            self.site.remove(person)
            return Response(200, dict(_JSON), {"status": 200})
        person.banned = action == "ban"
        person.ban_reason = "banned" if person.banned else ""
        person.updated = self.site.tick()
        return self._shown(person)

    def _picture(self, request: Request, person: Person) -> Response:
        part = next((part for part in request.multipart if part.name == "avatar" and part.file_name), None)
        if part is None or self.site.switches.refuses_pictures:
            return _error(404, "not_saved", "Could save avatar for user with this guid.")
        person.picture, person.pictures = len(part.content), person.pictures + 1
        self.site.tick()
        return self._shown(person)

    def _logs(self, request: Request) -> Response:
        body = _object(request)
        if self.site.switches.refuses_logs or "uuid" not in body or "content" not in body:
            return _error(400, "could_not_create", "Could not create the log entry, uuid is missing.")
        _fits(uuid=body["uuid"])
        self.site.log.append({"uuid": body["uuid"], "content": body["content"]})
        self.site.tick()
        return Response(200, dict(_JSON), {"status": 200, "log": {"uuid": body["uuid"]}})

    def _shown(self, person: Person) -> Response:
        return Response(200, dict(_JSON), {"status": 200, "user": self._row(person)})

    def _row(self, person: Person) -> dict[str, object]:
        return {
            "guid": person.guid,
            "external_id": person.external_id,
            "name": person.name,
            "email": person.email,
            "is_member": True,
            "is_banned": person.banned,
            "time_created": self.site.created(person).isoformat(),
            "time_updated": f"2024-01-01T00:00:00.{person.updated:06}+00:00",
            "icontime": None,
            "profile": {key: person.profile.get(key, "") for key in self.site.fields},
        }


def _object(request: Request) -> dict[str, Any]:
    if not isinstance(request.json, dict):
        raise _Uncaught
    return request.json


def _external_id(body: Mapping[str, Any]) -> str | None:
    """The number that another system gave; what is empty is none, so nothing clears it."""
    return body["external_id"].strip() if body.get("external_id") else None


def _fits(**texts: str) -> None:
    """Whether every text fits its column of the database; nothing catches what it says where one does not."""
    if any(len(value) > _LONGEST[name] for name, value in texts.items()):
        raise _Uncaught


def _not_allowed() -> Response:
    return Response(HTTPStatus.METHOD_NOT_ALLOWED)


def _error(status: int, error: str, words: str, **more: object) -> Response:
    return Response(status, dict(_JSON), {"error": error, "pretty_error": words, "status": status, **more})


class _Pages(Mapping[str, Response]):
    """What a browser sees beside the API: what the site sent and logged, as it is by then."""

    def __init__(self, site: PleioSite) -> None:
        self._made: Mapping[str, Callable[[], str]] = {
            "/": lambda: (
                "A pretend Pleio site. Its mails are at /outbox, its log at /log. Nothing is real.\n"
            ),
            "/outbox": lambda: "".join(f"To {mail['to']}: {mail['subject']}\n" for mail in site.mails),
            "/log": lambda: "".join(f"{row['uuid']} {row['content']}\n" for row in site.log),
        }

    def __getitem__(self, path: str) -> Response:
        return Response(200, {"content-type": "text/plain; charset=utf-8"}, text=self._made[path]())

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


def site_of(site: PleioSite) -> Site:
    """What stands at the address of a pretend site."""
    return Site(API, pages=_Pages(site))


def open_pretend(seed: Path, state: Path | None) -> Pretend:
    """A pretend site over these files; raises ValueError where one of them is not valid."""
    site = PleioSite.open(seed, state)
    key = {"key": site.token}
    return Pretend(PretendPleio(site), key, key, "", site.behave, site_of(site))

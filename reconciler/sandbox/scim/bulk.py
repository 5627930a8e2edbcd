"""Many writes in one request (RFC 7644 section 3.7): in which order, and what is told of each.

Each operation is done as the single request that it stands for, so bulk allows no more and no less.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, unquote

from reconciler.sandbox.scim.answers import Refusal, Row
from reconciler.sandbox.scim.directory import Directory
from reconciler.sandbox.scim.job import Job, Part, filled, filled_once
from reconciler.transport.messages import Request, Response

BULK_RESPONSE = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"


@dataclass(frozen=True, slots=True)
class Doing:
    """How one operation is done, how a refusal is said, and the address of the API."""

    write: Callable[[Request], Response]
    refuse: Callable[[Refusal], Response]
    base: str


class Bulk:
    """One bulk request under way: what was created so far, and the answers, in the order of execution."""

    def __init__(self, directory: Directory, doing: Doing) -> None:
        self._directory = directory
        self._doing = doing
        self._made: dict[str, str] = {}
        self._rows: dict[int, Row] = {}
        self._errors = 0
        self._shells: list[Part] = []

    def run(self, job: Job) -> Row:
        """Do what is asked, up to as many errors as are allowed; the rest is not in the answer."""
        waiting = [*job.parts]
        while waiting and not (job.fail_on_errors and self._errors >= job.fail_on_errors):
            to_come = {part.bulk_id for part in waiting if part.method == "POST"}
            part = _next(waiting, to_come)
            waiting.remove(part)
            self._do(part, part.wants & to_come)
        for shell in self._shells:
            self._complete(shell)
        return {
            "schemas": [BULK_RESPONSE],
            self._directory.switches.bulk_answer_key: [*self._rows.values()],
        }

    def _do(self, part: Part, unmade: Collection[str]) -> None:
        """Do one operation; where it waits for one that waits for it, without that reference at first."""
        switches = self._directory.switches
        if unmade and switches.bulk_circular == "refused":
            circle = f"a circular reference: {', '.join(sorted(unmade))}"
            response = self._doing.refuse(Refusal(HTTPStatus.CONFLICT, circle))
        elif switches.bulk_methods == f"no_{part.method.lower()}":
            told = f"{part.method} is not done in bulk"
            response = self._doing.refuse(Refusal(HTTPStatus.METHOD_NOT_ALLOWED, told))
        else:
            response = self._send(part, {**self._made, **dict.fromkeys(unmade)})
        if part.method == "POST" and "location" in response.headers:
            self._made[part.bulk_id] = unquote(response.headers["location"].rpartition("/")[2])
            if unmade:
                self._shells.append(part)
        self._tell(part, response)

    def _send(self, part: Part, known: dict[str, str | None]) -> Response:
        headers = {} if part.version is None else {"if-match": part.version}
        try:
            data = _data(part, known, self._directory.switches.bulk_references)
            return self._doing.write(Request(part.method, part.path, {}, headers, data))
        except Refusal as refusal:
            return self._doing.refuse(refusal)

    def _complete(self, shell: Part) -> None:
        """Give a resource the references that it was made without; where that fails, it was not made."""
        path = f"{shell.path}/{quote(self._made[shell.bulk_id], safe='')}"
        created = self._rows[shell.number]
        whole = replace(shell, method="PUT", path=path, version="*")
        response = self._send(whole, {**self._made})
        if response.ok:
            record = self._directory.record(self._made[shell.bulk_id])
            if record is not None and "version" in created:
                created["version"] = record.version
            return
        self._send(Part(shell.number, "DELETE", path, version="*"), {})
        self._tell(shell, response)

    def _tell(self, part: Part, response: Response) -> None:
        self._errors += not response.ok
        self._rows[part.number] = self._row(part, response)

    def _row(self, part: Part, response: Response) -> Row:
        switches, failed = self._directory.switches, not response.ok
        row: Row = {"method": part.method}
        if part.bulk_id:
            row["bulkId"] = part.bulk_id
        there = f"{self._doing.base}{part.path}" if part.method != "POST" else ""
        if location := response.headers.get("location", there):
            row["location"] = location
        record = self._directory.record(unquote(location.rpartition("/")[2]))
        if record is not None and not failed and switches.etags != "off":
            row["version"] = record.version
        row["status"] = _status(switches.bulk_status, response.status)
        if response.json is not None and (failed or not switches.bulk_ids_in_location):
            text = switches.bulk_response == "text"
            row["response"] = json.dumps(response.json) if text else response.json
        return row


def _data(part: Part, known: dict[str, str | None], references: str) -> Any:
    """The data of an operation with ids for its references; refuses one that nothing stands for."""
    found = {name: known[name] for name in part.wants if name in known}
    if references != "resolved":
        return filled_once(part.data, found) if part.method == "PATCH" else filled(part.data, found)
    if lacking := sorted(part.wants - known.keys()):
        raise Refusal(HTTPStatus.CONFLICT, f"nothing was created for bulkId {', '.join(lacking)}")
    return filled(part.data, found)


def _next(waiting: Sequence[Part], to_come: Collection[str]) -> Part:
    """The first that waits for nothing; where there is none, one that waits for itself in the end."""
    for part in waiting:
        if part.wants.isdisjoint(to_come):
            return part
    makers = {part.bulk_id: part for part in waiting if part.method == "POST"}
    part, seen = waiting[0], set[int]()
    while part.number not in seen:
        seen.add(part.number)
        part = makers[min(part.wants & makers.keys())]
    return part


def _status(form: str, status: int) -> Any:
    return {"text": str(int(status)), "number": int(status), "object": {"code": int(status)}}[form]

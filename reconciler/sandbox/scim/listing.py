"""Lists: which resources, in which order, and which page of them (RFC 7644 section 3.4.2, RFC 9865)."""

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from reconciler.sandbox.scim.answers import LIST_RESPONSE, Refusal, Row, answer, json_object, reject
from reconciler.sandbox.scim.directory import Directory
from reconciler.sandbox.scim.drawing import Drawn, Selection, mannered, selected, selection, whole
from reconciler.sandbox.scim.filters import AttributePath, BadSyntax, Compare, attribute_path, parse_filter
from reconciler.sandbox.scim.matching import Case, comparable, filter_test, locate
from reconciler.sandbox.scim.records import Record
from reconciler.sandbox.scim.schemas import Attribute, ResourceType
from reconciler.sandbox.scim.switches import Switches
from reconciler.transport.messages import Response

SEARCH_REQUEST = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"


@dataclass(frozen=True, slots=True)
class Query:
    """What a list is asked for, in the URL or in a search; ``cursor`` is None where none is sent."""

    filter: str = ""
    attributes: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    sort_by: str = ""
    descending: bool = False
    start: int = 1
    count: int | None = None
    cursor: str | None = None
    said: frozenset[str] = field(default=frozenset())


def in_url(query: Mapping[str, str]) -> Query:
    """The query of a GET."""
    return _query({name.lower(): value for name, value in query.items()})


def in_body(body: object) -> Query:
    """The query of a search (RFC 7644 section 3.4.3)."""
    fields = json_object(body)
    schemas = fields.get("schemas")
    if not isinstance(schemas, list) or SEARCH_REQUEST not in schemas:
        reject("invalidSyntax", f"schemas: {SEARCH_REQUEST} is required")
    rest = {name.lower(): value for name, value in fields.items() if name != "schemas" and value is not None}
    return _query(
        {
            name: ",".join(map(str, each)) if isinstance(each, list) else str(each)
            for name, each in rest.items()
        }
    )


def _query(given: Mapping[str, str]) -> Query:
    order = given.get("sortorder", "ascending").lower()
    if order not in ("ascending", "descending"):
        reject("invalidValue", "sortOrder: ascending or descending")
    return Query(
        filter=given.get("filter", ""),
        attributes=tuple(filter(None, given.get("attributes", "").split(","))),
        excluded=tuple(filter(None, given.get("excludedattributes", "").split(","))),
        sort_by=given.get("sortby", ""),
        descending=order == "descending",
        start=max(_number(given, "startindex") or 1, 1),
        count=_number(given, "count"),
        cursor=given.get("cursor"),
        said=frozenset(given),
    )


def _number(given: Mapping[str, str], name: str) -> int | None:
    if name in given and not re.fullmatch(r"-?[0-9]{1,9}", given[name]):
        reject("invalidValue", f"{name}: must be a number")
    return int(given[name]) if name in given else None


def exactly(switches: Switches) -> Case:
    """Whether the values of an attribute are compared by case."""
    if switches.filter_case == "schema":
        return lambda attribute: attribute.case_exact
    return lambda _: switches.filter_case == "exact"


class Lists:
    """The lists of one directory; cursors that expired are counted here."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        self._expired = 0

    def answer(self, kinds: Sequence[ResourceType], query: Query, base: str) -> Response:
        """One page of the resources of these kinds."""
        switches = self._directory.switches
        if switches.count_refused and "count" in query.said:
            raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal server error")
        hits = [hit for kind in kinds for hit in self._hits(kind, query, base)]
        if query.sort_by and switches.sorting == "refused":
            raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "Sorting is not supported")
        if query.sort_by and switches.sorting == "on":
            hits = self._sorted(kinds, hits, query, base)
        whole_page = query.count is None or switches.ignores_count
        count = max(min(query.count or 0, switches.page_cap), 0) if not whole_page else switches.page_cap
        by_cursor = switches.paging == "cursor" or (switches.paging == "both" and query.cursor is not None)
        at = self._position(query) if by_cursor else query.start - 1
        total = len(hits) + switches.ghosts
        if switches.ignores_start_index or (switches.repeats_past_end and at >= total):
            at = 0
        first, last = (max(place - switches.ghosts, 0) for place in (at, at + count))
        shown = [self._shown(kind, record, query, base) for kind, record in hits[first:last]]
        body: Row = {"schemas": [LIST_RESPONSE], **self._total(total, len(shown))}
        if not by_cursor:
            body["startIndex"] = at + 1
        body["itemsPerPage"] = len(shown)
        if by_cursor and count and at + count < total:
            body["nextCursor"] = _cursor(at + count, query)
        if shown or not switches.omits_empty_resources:
            body["Resources"] = shown
        return answer(body)

    def _total(self, hits: int, shown: int) -> Row:
        match self._directory.switches.totals:
            case "right":
                return {"totalResults": hits}
            case "page":
                return {"totalResults": shown}
            case _:
                return {}

    def _hits(self, kind: ResourceType, query: Query, base: str) -> list[tuple[ResourceType, Record]]:
        switches, rows = self._directory.switches, self._directory.rows(kind.name)
        if switches.shuffles and rows:
            turn = self._directory.requests % len(rows)
            rows = [*rows[turn:], *rows[:turn]]
        if switches.deactivate_hides:
            rows = [record for record in rows if record.values.get("active") is not False]
        if query.filter and switches.filters != "ignored":
            rows = self._filtered(kind, rows, query.filter, base)
            rows = rows[:1] if switches.filter_finds_one else rows
        return [(kind, record) for record in rows]

    def _filtered(self, kind: ResourceType, rows: list[Record], text: str, base: str) -> list[Record]:
        switches = self._directory.switches
        if switches.filters == "refused_400":
            reject("invalidFilter", "Filters are not supported")
        if switches.filters == "refused_501":
            raise Refusal(HTTPStatus.NOT_IMPLEMENTED, "Filters are not supported")
        test = filter_test(kind, text, exactly(switches))
        label = _label_of(kind, text)
        named = None if label is None else self._directory.listed_as(kind.name, label)
        if named is not None:
            named_ids = {record.id for record in named}
            rows = [record for record in rows if record.id in named_ids]
        return [record for record in rows if test(whole(self._directory, record, base))]

    def _sorted(
        self, kinds: Sequence[ResourceType], hits: list[tuple[ResourceType, Record]], query: Query, base: str
    ) -> list[tuple[ResourceType, Record]]:
        """In order of the first or the primary value; those without one last (RFC 7644 section 3.4.2.3)."""
        path, exact = _sort_path(query.sort_by), exactly(self._directory.switches)
        if not any(locate(kind, path) for kind in kinds):
            reject("invalidPath", f"sortBy: there is no attribute {query.sort_by}")

        def key(hit: tuple[ResourceType, Record]) -> tuple[bool, Any]:
            located = locate(hit[0], path)
            values = located.values(whole(self._directory, hit[1], base)) if located else []
            value = next((each for each in values if isinstance(each, dict) and each.get("primary")), None)
            return _sort_key(located.leaf if located else None, value or next(iter(values), None), exact)

        return sorted(hits, key=key, reverse=query.descending)

    def _shown(self, kind: ResourceType, record: Record, query: Query, base: str) -> Drawn:
        chosen = selection(kind, query.attributes, query.excluded)
        if self._directory.switches.ignores_attributes:
            chosen = Selection()
        row = selected(kind, whole(self._directory, record, base), chosen)
        return mannered(kind, row, self._directory.switches, by_id=False)

    def _position(self, query: Query) -> int:
        """Where the page of a cursor begins; refuses one that is not for this query, or has expired."""
        if "startindex" in query.said:
            reject("invalidValue", "startIndex: this list is paged by cursor")
        if not query.cursor:
            return 0
        try:
            at, digest = json.loads(base64.urlsafe_b64decode(query.cursor.encode()))
        except (ValueError, TypeError, binascii.Error):
            reject("invalidCursor", "cursor: not given by this list")
        if digest != _digest(query) or not isinstance(at, int):
            reject("invalidCursor", "cursor: given for another query")
        if self._expired < self._directory.switches.expired_cursors:
            self._expired += 1
            reject("expiredCursor", "cursor: expired")
        return at


def _label_of(kind: ResourceType, text: str) -> str | None:
    """The name that a filter asks for and nothing else; whoever has it is found in one step."""
    tree = parse_filter(text)
    label = "username" if kind.name == "User" else "displayname"
    simple = (
        isinstance(tree, Compare) and tree.operator == "eq" and tree.path == AttributePath("", tree.path.name)
    )
    if not simple or not isinstance(tree, Compare) or tree.path.name.lower() != label:
        return None
    return tree.value if isinstance(tree.value, str) else None


def _sort_path(text: str) -> AttributePath:
    try:
        return attribute_path(text)
    except BadSyntax as error:
        reject("invalidPath", f"sortBy: {error}")


def _sort_key(attribute: Attribute | None, value: Any, exact: Case) -> tuple[bool, Any]:
    if isinstance(value, dict) and attribute is not None:
        attribute, value = attribute.sub("value"), value.get("value")
    if value is None or attribute is None:
        return True, 0
    return False, comparable(attribute, exact)(value)


def _cursor(at: int, query: Query) -> str:
    return base64.urlsafe_b64encode(json.dumps([at, _digest(query)]).encode()).decode()


def _digest(query: Query) -> str:
    same = (query.filter, query.attributes, query.excluded, query.sort_by, query.descending)
    return hashlib.sha256(repr(same).encode()).hexdigest()[:16]

"""A plan as text to save, and back: checked value by value, since the file may come from anywhere."""

import json
import re
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, cast, get_args

from reconciler.changes import Change, Create, Delete, FieldChange, Origin, Removal, Update, encode_change
from reconciler.errors import Invalid, Place, Problem
from reconciler.jsontext import dump_json
from reconciler.model import KEY_OF, KEYED, KINDS, NAMED_BY, PLAIN, Address, FieldPath, Kind, Value
from reconciler.plan import Absolute, Allow, Census, Note, Option, Plan, PullRequest, Remedy, Scope, Violation

FORMAT_VERSION = 3


def to_json(plan: Plan) -> str:
    """The plan as text to save: the same inputs give the same bytes, but for ``created_at``."""
    document = {
        "format_version": FORMAT_VERSION,
        "created_at": plan.created_at,
        "target": plan.target,
        "provider": plan.provider,
        "url": plan.url,
        "sandbox": plan.sandbox,
        **({"words": dict(plan.words)} if plan.words else {}),
        **({"scope": list(plan.scope)} if plan.scope else {}),
        **({"only": list(plan.only)} if plan.only else {}),
        **({"partly_read": True} if plan.partly_read else {}),
        "digest": plan.digest,
        "removals_digest": plan.removals_digest,
        "counts": asdict(plan.counts) | {"removals": plan.counts.removals},
        "requests": plan.requests,
        "requests_per_minute": plan.requests_per_minute,
        "census": asdict(plan.census),
        "base": plan.base or None,
        "since": plan.since or None,
        "applied": plan.applied or None,
        "pull": asdict(plan.pull) if plan.pull else None,
        "included": list(plan.included),
        **({"resend": list(plan.resend)} if plan.resend else {}),
        "violations": [asdict(violation) for violation in plan.violations],
        "notes": [
            {
                "code": note.code,
                "message": note.message,
                "place": str(note.place) if note.place else None,
                "warning": note.warning,
            }
            for note in plan.notes
        ],
        "changes": [encode_change(change, plan.origins) for change in plan.changes],
        **({"meant": dict(plan.meant)} if plan.meant else {}),
        **({"called": dict(plan.called)} if plan.called else {}),
        **({"files": plan.files} if plan.files else {}),
    }
    return dump_json(document)


def from_json(text: str) -> Plan:
    """Read a saved plan back; raises ValueError with what is wrong with it.

    The digest is checked: a plan that was edited after it was saved is refused.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        message = f"it is not JSON: {error}"
        raise ValueError(message) from None
    if not isinstance(document, dict) or "format_version" not in document:
        message = "it is not a saved plan"
        raise ValueError(message)
    version = document["format_version"]
    if version != FORMAT_VERSION:
        message = f"its format_version is {version!r}; this release reads {FORMAT_VERSION}: plan again"
        raise ValueError(message)
    try:
        plan = _decode_plan(document)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        message = f"it is not a saved plan, or was cut or edited: {_explained(error)}"
        raise ValueError(message) from None
    if plan.digest != document.get("digest"):
        message = "it does not match its digest: it was edited after it was saved; plan again"
        raise ValueError(message)
    return plan


def load_plan(path: str, text: str, target: str = "", url: str = "") -> Plan:
    """Read a saved plan from a file; raises Invalid where it is none, was edited, or is of another target.

    It is none, too, where it shows a name that is not one of what would be changed.
    """
    try:
        saved = from_json(text)
        _check_labels(saved)
    except ValueError as error:
        raise Invalid([Problem(Place(path), str(error))]) from None
    if target and (saved.target, saved.url) != (target, url):
        message = f"it was made for {saved.target} at {saved.url}, not for {target} at {url}"
        raise Invalid([Problem(Place(path), message, "plan again for this target")])
    return saved


def _check_labels(plan: Plan) -> None:
    for change in plan.changes:
        key = KEY_OF[change.address.kind](change.label)
        if all(name.key != key for name in plan.census.names(change.address)):
            message = f"it calls {change.address} {change.label!r}, which is another name: plan again"
            raise ValueError(message)


def _explained(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _decode_plan(document: dict[str, Any]) -> Plan:
    return Plan(
        target=_typed(document["target"], str),
        provider=_typed(document["provider"], str),
        url=_typed(document["url"], str),
        sandbox=_typed(document["sandbox"], bool),
        words={word: _typed(said, str) for word, said in _typed(document.get("words", {}), dict).items()},
        scope=tuple(_decode_part(item) for item in _typed(document.get("scope", []), list)),
        only=tuple(_typed(text, str) for text in _typed(document.get("only", []), list)),
        partly_read=_typed(document.get("partly_read", False), bool),
        meant={name: _typed(one, str) for name, one in _typed(document.get("meant", {}), dict).items()},
        called={name: _typed(one, str) for name, one in _typed(document.get("called", {}), dict).items()},
        files=_typed(document.get("files", ""), str),
        changes=tuple(_decode_change(item) for item in _typed(document["changes"], list)),
        census=_decode_census(_typed(document["census"], dict)),
        notes=tuple(
            Note(
                _typed(item["code"], str),
                _typed(item["message"], str),
                _decode_place(_typed(item["place"], str)) if item["place"] is not None else None,
                _typed(item["warning"], bool),
            )
            for item in _typed(document["notes"], list)
        ),
        requests=_typed(document["requests"], int),
        requests_per_minute=_typed(document["requests_per_minute"], int),
        created_at=_typed(document["created_at"], str),
        base=_typed(document["base"], str, type(None)) or "",
        since=_typed(document["since"], str, type(None)) or "",
        applied=_typed(document["applied"], str, type(None)) or "",
        pull=_decode_pull(document["pull"]),
        origins=dict(_decode_origins(document["changes"])),
        included=tuple(_decode_origin(item) for item in _typed(document["included"], list)),
        resend=tuple(_typed(name, str) for name in _typed(document.get("resend", []), list)),
        violations=tuple(
            Violation(_typed(item["code"], str), _typed(item["message"], str), _decode_remedy(item["remedy"]))
            for item in _typed(document["violations"], list)
        ),
    )


def _decode_remedy(item: dict[str, Any]) -> Remedy:
    if "why_not" in item:
        return Absolute(_typed(item["why_not"], str))
    if item["option"] not in get_args(Option):
        message = f"{item['option']!r} is no option that lets a plan through"
        raise ValueError(message)
    return Allow(item["option"], _typed(item["number"], int))


def _decode_pull(item: Any) -> PullRequest | None:
    if item is None:
        return None
    number, approvals = (_typed(item[name], int) for name in ("number", "approvals"))
    return PullRequest(number, _typed(item["head"], str), approvals)


def _decode_origins(changes: list[dict[str, Any]]) -> Iterator[tuple[tuple[Address, FieldPath], Origin]]:
    for item in changes:
        address = _decode_address(item)
        for part, path in ((item, ()), *((f, tuple(f["path"])) for f in item.get("fields", ()))):
            if (origin := part.get("origin")) is not None:
                yield (address, path), _decode_origin(origin)


def _decode_part(part: Any) -> Scope:
    if part in get_args(Scope):
        return cast("Scope", part)
    message = f"{part!r} is no part of a plan"
    raise ValueError(message)


def _decode_origin(origin: Any) -> Origin:
    if origin in ("change", "drift", "backlog"):
        return cast("Origin", origin)
    message = f"{origin!r} is no origin of a change"
    raise ValueError(message)


def _decode_census(item: dict[str, Any]) -> Census:
    decoded: dict[str, Any] = {}
    for name, default in asdict(Census()).items():
        value = _typed(item[name], list if isinstance(default, tuple) else type(default))
        if name == "aliases":
            value = {
                address: tuple(_typed(key, str) for key in _typed(keys, list))
                for address, keys in value.items()
            }
        elif isinstance(value, dict):
            value = {group: _typed(number, int) for group, number in value.items()}
        decoded[name] = tuple(_typed(item, str) for item in value) if isinstance(value, list) else value
    return Census(**decoded)


def _decode_address(item: dict[str, Any]) -> Address:
    kind, _, key = _typed(item["address"], str).partition("/")
    if kind not in ("user", "group") or not key:
        message = f"{item['address']!r} is not the address of a user or group"
        raise ValueError(message)
    return Address(kind, key)


def _decode_change(item: dict[str, Any]) -> Change:
    address, place = _decode_address(item), _decode_place(_typed(item["place"], str))
    kind = address.kind
    action, label = item["action"], _typed(item["label"], str)
    if action == "delete":
        ends = tuple(_typed(end, str) for end in _typed(item["ends"], list))
        return Delete(address, label, _typed(item["id"], str), place, ends)
    fields = tuple(_decode_field(kind, field) for field in _typed(item["fields"], list))
    if action == "create":
        return Create(address, label, fields, place)
    if action == "update":
        removal = item.get("removal")
        if removal is not None and (kind != "user" or removal not in get_args(Removal)):
            message = f"{removal!r} is not a way to take the access of {address} away"
            raise ValueError(message)
        return Update(address, label, _typed(item["id"], str), fields, place, removal)
    message = f"unknown action {action!r}"
    raise ValueError(message)


def _decode_field(kind: Kind, item: dict[str, Any]) -> FieldChange:
    path = tuple(_typed(part, str) for part in _typed(item["path"], list))
    nested = len(path) == 2 and path[0] == KEYED[kind] and path[1]  # noqa: PLR2004 (key in a mapping)
    if not nested and path not in (NAMED_BY[kind], *((name,) for name in PLAIN[kind])):
        message = f"a {kind} has no field {list(path)!r}"
        raise ValueError(message)
    refers = item.get("refers")
    if refers not in (None, *KINDS):
        message = f"{refers!r} is nothing that an attribute refers to"
        raise ValueError(message)
    marks = [_typed(item.get(mark, False), bool) for mark in ("unseen", "with_creation")]
    return FieldChange(path, _decode_value(item["before"]), _decode_value(item["after"]), refers, *marks)


def _decode_value(value: Any) -> Value:
    if isinstance(value, list):
        return tuple(_typed(item, str, int, float, bool) for item in value)
    return cast("Value", _typed(value, str, int, float, bool, type(None)))


def _typed(value: Any, *kinds: type) -> Any:
    """The value, where it is exactly of one of these types; raises TypeError where it is not."""
    if type(value) not in kinds:
        message = f"{value!r} is not a {' or '.join(kind.__name__ for kind in kinds)}"
        raise TypeError(message)
    return value


def _decode_place(text: str) -> Place:
    file, line, column = [*text.rsplit(":", 2), "", ""][:3]
    if _NUMBER.fullmatch(line) and _NUMBER.fullmatch(column):
        return Place(file, int(line), int(column))
    return Place(text)


_NUMBER = re.compile(r"[1-9][0-9]{0,8}")

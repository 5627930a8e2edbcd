"""Resources as answers show them: whole, then what was asked for, then as this directory's manners are."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from reconciler.sandbox.scim.answers import reject
from reconciler.sandbox.scim.core import ENTERPRISE_URN
from reconciler.sandbox.scim.directory import Directory
from reconciler.sandbox.scim.records import Record, moment
from reconciler.sandbox.scim.schemas import Attribute, ResourceType
from reconciler.sandbox.scim.switches import Switches

Drawn = dict[str, Any]

_MEMBER = {
    "plain": ("value", "$ref", "type"),
    "display": ("value", "$ref", "display", "type"),
    "value": ("value",),
    "ref": ("$ref",),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """What ``attributes`` and ``excludedAttributes`` say (RFC 7644 section 3.9), in lower case."""

    asked: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()

    def shows(self, attribute: Attribute, key: str) -> bool:
        """Whether an attribute is shown at all; ``key`` is its name, or URN and name, in lower case."""
        if attribute.returned in ("always", "never"):
            return attribute.returned == "always"
        if self.asked:
            return key in self.asked or any(each.startswith(f"{key}.") for each in self.asked)
        return attribute.returned == "default" and key not in self.excluded

    def inside(self, attribute: Attribute, key: str, value: Any) -> Any:
        """The value with those of its parts that are shown."""
        if not attribute.subs:
            return value
        if isinstance(value, list):
            return [self.inside(attribute, key, each) for each in value]
        shown = {sub.name for sub in attribute.subs if self._shows_part(sub, key)}
        return {name: each for name, each in value.items() if name in shown}

    def _shows_part(self, sub: Attribute, key: str) -> bool:
        if self.asked and key in self.asked and sub.returned == "default":
            return True
        return self.shows(sub, f"{key}.{sub.name.lower()}")


def selection(kind: ResourceType, asked: Iterable[str], excluded: Iterable[str]) -> Selection:
    """What to show; refuses both at once, since each excludes the other."""
    core = f"{kind.core.urn.lower()}:"
    wanted, unwanted = (
        frozenset(name.strip().lower().removeprefix(core) for name in names if name.strip())
        for names in (asked, excluded)
    )
    if wanted and unwanted:
        reject("invalidValue", "attributes and excludedAttributes exclude each other")
    return Selection(wanted, unwanted)


def whole(directory: Directory, record: Record, base: str) -> Drawn:
    """Everything that is known of a record, read-only parts and all."""
    kind = directory.kinds[record.kind]
    extensions = [each.schema.urn for each in kind.extensions if each.schema.urn in record.values]
    row: Drawn = {"schemas": [kind.core.urn, *extensions], "id": record.id, **record.values}
    if "members" in row:
        row["members"] = [_member(directory, member, base) for member in row["members"]]
    if groups := [_group(group, base, direct=direct) for group, direct in directory.groups_of(record.id)]:
        row |= {"groups": groups} if record.kind == "User" else {}
    if "manager" in row.get(ENTERPRISE_URN, {}):
        part = row[ENTERPRISE_URN]
        row[ENTERPRISE_URN] = {**part, "manager": _manager(directory, part["manager"]["value"], base)}
    row["meta"] = {
        "resourceType": record.kind,
        "created": moment(record.created),
        "lastModified": moment(record.modified),
        "location": location(record, base),
        "version": record.version,
    }
    return row


def location(record: Record, base: str) -> str:
    """The URI of a record."""
    return f"{base}/{record.kind}s/{quote(record.id, safe='')}"


def selected(kind: ResourceType, row: Drawn, chosen: Selection) -> Drawn:
    """What a selection leaves of a whole resource."""
    found: Drawn = {}
    for name, value in row.items():
        schema = kind.extension(name)
        if schema is None:
            attribute = kind.by_name[name.lower()]
            if chosen.shows(attribute, name.lower()):
                found[name] = chosen.inside(attribute, name.lower(), value)
        elif part := _extension(schema.by_name, schema.urn.lower(), value, chosen):
            found[name] = part
    return found


def _extension(attributes: Mapping[str, Attribute], urn: str, value: Drawn, chosen: Selection) -> Drawn:
    if urn in chosen.excluded:
        return {}
    every = Selection() if urn in chosen.asked else chosen
    return {
        name: every.inside(attribute, f"{urn}:{name.lower()}", each)
        for name, each in value.items()
        if every.shows(attribute := attributes[name.lower()], f"{urn}:{name.lower()}")
    }


def _member(directory: Directory, member: Mapping[str, str], base: str) -> Drawn:
    record = directory.record(member["value"])
    row: Drawn = {"value": member["value"], "type": member["type"]}
    if record is not None:
        row |= {"$ref": location(record, base), "display": directory.label(record)}
    return row


def _group(group: Record, base: str, *, direct: bool) -> Drawn:
    return {
        "value": group.id,
        "$ref": location(group, base),
        "display": group.values["displayName"],
        "type": "direct" if direct else "indirect",
    }


def _manager(directory: Directory, ident: str, base: str) -> Drawn:
    record, row = directory.record(ident), {"value": ident}
    if record is not None:
        row["$ref"] = location(record, base)
        row |= {"displayName": name} if (name := record.values.get("displayName")) else {}
    return row


def mannered(kind: ResourceType, row: Drawn, switches: Switches, *, by_id: bool) -> Drawn:
    """A resource as a directory with these switches shows it."""
    row = dict(row)
    if kind.name == "Group":
        _members(row, switches, by_id=by_id)
    _user(row, switches)
    if "meta" in row:
        row["meta"] = _meta(row["meta"], switches)
    if switches.omits_meta:
        row.pop("meta", None)
    if switches.undocumented:
        row |= {"firstAdmin": False, "urn:vendor:unknown:2.0:User": {"score": 1}}
    return row if switches.spelling == "defined" else spelled(row, switches)


def _members(row: Drawn, switches: Switches, *, by_id: bool) -> None:
    if switches.members == "hidden" or (switches.members == "by_id" and not by_id):
        row.pop("members", None)
        return
    if "members" not in row:
        if switches.empty_members == "list":
            row["members"] = []
        return
    if switches.members == "capped":
        row["members"] = row["members"][: switches.member_cap]
    if switches.member_form == "name":
        row["members"] = [{"value": each.get("display", each["value"])} for each in row["members"]]
        return
    names = _MEMBER[switches.member_form]
    row["members"] = [{name: each[name] for name in names if name in each} for each in row["members"]]


def _user(row: Drawn, switches: Switches) -> None:
    if "groups" in row and switches.user_groups != "all":
        row["groups"] = [
            group for group in row["groups"] if switches.user_groups == "direct" and group["type"] == "direct"
        ]
        if not row["groups"]:
            del row["groups"]
    if "active" in row and switches.active_as_text:
        row["active"] = str(row["active"])
    if "emails" in row and switches.emails_without_type:
        row["emails"] = [
            {name: each for name, each in value.items() if name != "type"} for value in row["emails"]
        ]


def _meta(meta: Mapping[str, str], switches: Switches) -> Drawn:
    times = {"z": "{}", "offset": "{}+00:00", "odd": "{} UTC"}[switches.times]
    shown = {
        name: times.format(value.removesuffix("Z") if switches.times != "z" else value)
        if name in ("created", "lastModified")
        else value
        for name, value in meta.items()
    }
    if switches.etags == "off":
        shown.pop("version", None)
    return shown


def spelled(value: Any, switches: Switches) -> Any:
    """Names and URNs in another case (RFC 7643 section 2.1: it does not matter)."""
    change = str.lower if switches.spelling == "lower" else str.upper
    if isinstance(value, dict):
        return {
            change(name): [change(urn) for urn in each] if name == "schemas" else spelled(each, switches)
            for name, each in value.items()
        }
    return [spelled(each, switches) for each in value] if isinstance(value, list) else value

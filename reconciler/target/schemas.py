"""The schemas of target.yaml and quirks.yaml for each kind of system: what all share, and what is its own."""

import json
from collections.abc import Mapping
from typing import Any

from reconciler.desired import schema
from reconciler.desired.schema import Schema
from reconciler.providers.kind import Kind
from reconciler.providers.registry import KINDS


def target_schema(data: Mapping[str, Any]) -> Schema:
    """What this target.yaml must pass; where it names no kind that there is, what all kinds share."""
    name = data.get("kind")
    kind = KINDS.get(name) if isinstance(name, str) else None
    return schema.of_kind("target", kind.schema("target")) if kind else schema.shared("target")


def quirks_schema(kind: Kind) -> Schema:
    """What a quirks.yaml of this kind must pass."""
    return schema.of_kind("quirks", kind.schema("quirks"))


def own_settings(kind: Kind, data: Mapping[str, Any]) -> dict[str, Any]:
    """What target.yaml says in the fields that are the kind's own."""
    own = kind.schema("target").get("properties", {})
    return {name: value for name, value in data.items() if name in own}


def published() -> dict[str, str]:
    """The text of every schema by its name, for people and editors.

    ``target`` is for each target.yaml: by its ``kind`` it leads to ``target-<kind>``, beside it.
    """
    texts = schema.texts()
    for name, kind in KINDS.items():
        own = schema.of_kind("target", kind.schema("target")).data
        texts[f"target-{name}"] = _text({**own, "title": f"Target: {kind.title}"})
        texts[f"quirks-{name}"] = _text({**quirks_schema(kind).data, "title": f"Quirks: {kind.title}"})
    texts["target"] = _text(_by_kind(schema.load("target")))
    return dict(sorted(texts.items()))


def _by_kind(shared: Mapping[str, Any]) -> dict[str, Any]:
    """A schema that only asks for the kind, and leaves the rest to the schema of that kind."""
    named = {"type": "string", "enum": list(KINDS), "description": "The kind of system."}
    ways = [
        {
            "if": {"properties": {"kind": {"const": name}}, "required": ["kind"]},
            "then": {"$ref": f"target-{name}.schema.json"},
        }
        for name in KINDS
    ]
    kept = {key: shared[key] for key in ("$schema", "title", "description", "type")}
    return {**kept, "required": ["kind"], "properties": {"kind": named}, "allOf": ways}


def _text(data: Mapping[str, Any]) -> str:
    return json.dumps(data, indent=2, ensure_ascii=False) + "\n"

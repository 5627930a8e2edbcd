"""The schemas are valid, say what editors show, and agree with the model."""

import json
from collections.abc import Iterator
from typing import Any, get_args

import jsonschema
import pytest
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from reconciler.desired import schema
from reconciler.desired.schema import Name
from reconciler.providers.registry import KINDS
from reconciler.target.schemas import published, quirks_schema, target_schema

SCHEMAS = {name: schema.load(name) for name in get_args(Name)}
for _name, _kind in KINDS.items():
    SCHEMAS[f"target-{_name}"] = target_schema({"kind": _name}).data
    SCHEMAS[f"quirks-{_name}"] = quirks_schema(_kind).data

# What schema.py can put into words and both readers of a schema understand alike, and what only informs.
CHECKED = {
    *(
        "additionalProperties",
        "const",
        "else",
        "enum",
        "if",
        "items",
        "maxProperties",
        "maximum",
    ),
    *(
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "pattern",
        "properties",
        "propertyNames",
        "required",
    ),
    *("then", "type", "uniqueItems", "$ref", "$defs", "$schema"),
}
SHOWN = {
    "title",
    "description",
    "markdownDescription",
    "examples",
    "default",
    "errorMessage",
    "patternErrorMessage",
}


def subschemas(part: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield part
    for keyword, value in part.items():
        if keyword in ("properties", "$defs"):
            for inner in value.values():
                yield from subschemas(inner)
        elif keyword in (
            "items",
            "if",
            "then",
            "else",
            "propertyNames",
            "additionalProperties",
        ) and isinstance(value, dict):
            yield from subschemas(value)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_is_a_valid_draft_2020_12_schema(name: str) -> None:
    assert SCHEMAS[name]["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_schema_uses_only_what_can_be_put_into_words(name: str) -> None:
    used = {keyword for part in subschemas(SCHEMAS[name]) for keyword in part}
    assert used <= CHECKED | SHOWN | {"writeOnly"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_nothing_is_fetched_and_no_unknown_field_passes(name: str) -> None:
    for part in subschemas(SCHEMAS[name]):
        assert part.get("$ref", "#/").startswith("#/$defs/") or "$ref" not in part
        assert "additionalProperties" in part or part.get("type") != "object"


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_is_described_and_every_pattern_has_a_message(name: str) -> None:
    top = SCHEMAS[name]
    for part in subschemas(top):
        assert "patternErrorMessage" in part or "pattern" not in part
    for field, part in top["properties"].items():
        assert part.get("description"), field


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_example_is_valid(name: str) -> None:
    top = SCHEMAS[name]
    for part in subschemas(top):
        inner = jsonschema.Draft202012Validator({**part, "$defs": top["$defs"]})
        for example in [*part.get("examples", []), *([part["default"]] if "default" in part else [])]:
            inner.validate(example)


def test_only_the_halves_that_a_kind_completes_let_unknown_fields_pass() -> None:
    halves = {name for name, top in SCHEMAS.items() if top["additionalProperties"] is not False}
    assert halves == {"target", "quirks"}


def test_an_editor_finds_the_schema_of_each_kind_by_the_kind() -> None:
    """Each schema as it is written, with a registry in the place of the folder."""
    texts = {f"{name}.schema.json": json.loads(text) for name, text in published().items()}
    registry = Registry().with_resources(
        (f"file:///schemas/{name}", DRAFT202012.create_resource(data)) for name, data in texts.items()
    )
    top = {**texts["target.schema.json"], "$id": "file:///schemas/target.schema.json"}
    editor = jsonschema.Draft202012Validator(top, registry=registry)
    good = {"kind": "omni", "url": "https://acme.omniapp.co", "keys": [{"env": "K"}]}
    assert editor.is_valid(good)
    assert not editor.is_valid({**good, "kye": 1})
    assert not editor.is_valid({"kind": "omni", "url": "https://acme.omniapp.co"})
    assert not editor.is_valid({**good, "kind": "omnia"})

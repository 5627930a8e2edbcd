"""The schemas are valid, say what editors show, and agree with the model."""

from collections.abc import Iterator
from typing import Any, get_args

import jsonschema
import pytest

from reconciler.desired import schema
from reconciler.desired.schema import Name

NAMES: tuple[Name, ...] = get_args(Name)

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
        elif (
            keyword in ("items", "if", "then", "else", "propertyNames", "additionalProperties")
            and value is not False
        ):
            yield from subschemas(value)


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_is_a_valid_draft_2020_12_schema(name: Name) -> None:
    assert schema.load(name)["$schema"] == jsonschema.Draft202012Validator.META_SCHEMA["$id"]
    jsonschema.Draft202012Validator.check_schema(schema.load(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_schema_uses_only_what_can_be_put_into_words(name: Name) -> None:
    used = {keyword for part in subschemas(schema.load(name)) for keyword in part}
    assert used <= CHECKED | SHOWN | {"writeOnly"}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_fetched_and_no_unknown_field_passes(name: Name) -> None:
    for part in subschemas(schema.load(name)):
        assert part.get("$ref", "#/").startswith("#/$defs/") or "$ref" not in part
        assert "additionalProperties" in part or part.get("type") != "object"


@pytest.mark.parametrize("name", NAMES)
def test_every_field_is_described_and_every_pattern_has_a_message(name: Name) -> None:
    top = schema.load(name)
    for part in subschemas(top):
        assert "patternErrorMessage" in part or "pattern" not in part
    for field, part in top["properties"].items():
        assert part.get("description"), field


@pytest.mark.parametrize("name", NAMES)
def test_every_example_is_valid(name: Name) -> None:
    top = schema.load(name)
    for part in subschemas(top):
        inner = jsonschema.Draft202012Validator({**part, "$defs": top["$defs"]})
        for example in [*part.get("examples", []), *([part["default"]] if "default" in part else [])]:
            inner.validate(example)

"""Data checked against a JSON Schema, and the words for what is wrong.

The same schema has two readers. fastjsonschema says whether a file is valid, in
a tenth of the time; jsonschema finds every error of a file that is not. The
words are ours: the schema's ``errorMessage`` and
``patternErrorMessage``, which editors show as well, become the hints, and a
value under ``writeOnly`` is never shown, since it could be a secret.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache, cached_property
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal

from reconciler.desired.documents import REFUSED, Document
from reconciler.desired.sources import Steps
from reconciler.desired.text import MAX_PROBLEMS, clip, too_many
from reconciler.errors import Problem

Name = Literal["target", "desired-state", "quirks", "expected-drift"]

_PACKAGE = Path(__file__).parents[1]
_FOLDERS = (_PACKAGE / "schemas", _PACKAGE.parent / "schemas")

_TYPES = {
    "string": "text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "fields",
    "null": "null",
}

_WITH_ENTRIES = ("users", "groups")
_AT_ONCE = 500
_SECRETS = frozenset({"key", "token", "api_key", "apikey", "secret", "password", "bearer"})

# A value with one of these errors is kept in the data: others may refer to it by name.
_KEPT = frozenset({"required", "minProperties", "maxProperties"})


class Schema:
    """One schema with its two readers. ``name`` says what kind of file it is for."""

    def __init__(self, name: Name, data: dict[str, Any]) -> None:
        self.name = name
        self.data = data

    @cached_property
    def quick_check(self) -> Callable[[Any], Any]:
        """Raises where data is not valid, and says little."""
        import fastjsonschema  # noqa: PLC0415  only a run that reads files pays for its import

        check: Callable[[Any], Any] = fastjsonschema.compile(self.data, use_default=False)
        return check

    @cached_property
    def validator(self) -> Any:
        """Finds every error."""
        import jsonschema  # noqa: PLC0415  only a file with a problem pays for its import

        kind: Any = jsonschema.validators
        checks = {"uniqueItems": _check_unique}
        return kind.extend(jsonschema.Draft202012Validator, checks)(self.data)


@cache
def shared(name: Name) -> Schema:
    """The schema of that name: all of it, or what all kinds of system share."""
    return Schema(name, load(name))


def of_kind(name: Name, own: Mapping[str, Any]) -> Schema:
    """The shared schema with the fields of one kind of system, which come first; no other field passes.

    ``own`` is a JSON Schema of an object: its ``properties`` win over shared ones of the same name.
    """
    return _of_kind(name, json.dumps(own))


@cache
def _of_kind(name: Name, text: str) -> Schema:
    common, own = load(name), json.loads(text)
    first, *others = common["properties"].items()
    merged = {
        "required": [*common["required"], *own.get("required", ())],
        "properties": dict([first, *own.get("properties", {}).items(), *_without(others, own)]),
        "$defs": {**common["$defs"], **own.get("$defs", {})},
        "additionalProperties": False,
    }
    return Schema(name, {**common, **own, **merged})


def _without(fields: Iterable[tuple[str, Any]], own: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    return ((name, field) for name, field in fields if name not in own.get("properties", {}))


@cache
def load(name: Name) -> dict[str, Any]:
    """The data of a schema, from the installed package or from the repository that it runs in."""
    file = next(path for folder in _FOLDERS if (path := folder / f"{name}.schema.json").is_file())
    schema: dict[str, Any] = json.loads(file.read_text("utf-8"))
    return schema


def texts() -> dict[str, str]:
    """The text of every shared schema by its name."""
    folder = next(folder for folder in _FOLDERS if (folder / "target.schema.json").is_file())
    paths = sorted(folder.glob("*.schema.json"))
    return {path.name.removesuffix(".schema.json"): path.read_text("utf-8") for path in paths}


def is_valid(data: Any, schema: Schema | Name) -> bool:
    """Whether the data is valid by the schema, or by the shared one of that name."""
    import fastjsonschema  # noqa: PLC0415  only a run that reads files pays for its import

    try:
        (shared(schema) if isinstance(schema, str) else schema).quick_check(data)
    except fastjsonschema.JsonSchemaValueException:
        return False
    return True


def check(document: Document, schema: Schema | Name) -> None:
    """Add every problem that the schema finds to the document, and take what is refused out of its data."""
    if isinstance(schema, str):
        schema = shared(schema)
    if (not document.whole and not document.data) or is_valid(document.data, schema):
        return
    bad = (part for part in _parts(document.data, schema.name) if not is_valid(part, schema))
    for part in _together(bad):
        if not _check_part(document, part, schema):
            break


def _parts(data: dict[str, Any], name: Name) -> list[dict[str, Any]]:
    """The parts that can be checked alone, in the order of the file: each entry, or the whole file."""
    if name != "desired-state":
        return [data]
    return [
        {section: piece}
        for section, entries in data.items()
        for piece in (
            [{key: entry} for key, entry in entries.items()]
            if section in _WITH_ENTRIES and isinstance(entries, dict)
            else [entries]
        )
    ]


def _together(parts: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Parts of one section joined, some hundred entries at a time: a check has a cost for each part."""
    by_section: dict[str, dict[str, Any]] = {}
    for part in parts:
        section, piece = next(iter(part.items()), ("", None))
        if len(part) > 1 or section not in _WITH_ENTRIES or not isinstance(piece, dict):
            yield part
            continue
        by_section.setdefault(section, {}).update(piece)
        if len(by_section[section]) >= _AT_ONCE:
            yield {section: by_section.pop(section)}
    yield from ({section: entries} for section, entries in by_section.items())


def _check_part(document: Document, part: dict[str, Any], schema: Schema) -> bool:
    """Add the problems of a part that is not valid; returns whether the file may have more of them."""
    refused: set[Steps] = set()
    problems: list[tuple[Problem, Steps]] = []
    for error in schema.validator.iter_errors(part):
        for steps in _places(error):
            if error.validator not in _KEPT:
                refused.add(steps)
            if error.instance is not REFUSED:
                problem = Problem(document.source.nearest(steps), *_say(error, steps))
                problems.append((problem, steps))
    for problem, steps in sorted(problems, key=itemgetter(0)):
        if len(document.problems) >= MAX_PROBLEMS:
            document.refuse((), too_many(problem.place))
            document.data = {}
            return False
        document.refuse(steps, problem)
    for steps in sorted(refused, reverse=True):
        inside: Any = document.data
        for step in steps[:-1]:
            inside = inside[step]
        del inside[steps[-1]]
    return True


def _check_unique(_validator: Any, _wanted: Any, value: Any, _schema: Any) -> Iterator[Exception]:
    """Find repeats by their spelling: jsonschema compares every two items of a list of several types."""
    import jsonschema  # noqa: PLC0415  only a file with a problem pays for its import

    if isinstance(value, list):
        spelled = [json.dumps(item, default=str, sort_keys=True) for item in value if item is not REFUSED]
        if len(set(spelled)) < len(spelled):
            yield jsonschema.ValidationError("repeated")


def _places(error: Any) -> Iterator[Steps]:
    """The steps to what is wrong: the unknown or misnamed keys, or the value."""
    steps = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        known = error.schema["properties"]
        yield from ((*steps, key) for key in error.instance if key not in known)
    elif "propertyNames" in error.absolute_schema_path:
        yield (*steps, error.instance)
    else:
        yield steps


def _say(error: Any, steps: Steps) -> tuple[str, str]:  # noqa: PLR0911  one case for each keyword
    """The message and the hint of one error."""
    schema, value, wanted = error.schema, error.instance, error.validator_value
    is_name = "propertyNames" in error.absolute_schema_path
    subject = f"a name in `{steps[-2]}`" if is_name else _subject(steps)
    not_that = "" if "writeOnly" in schema else f", not {_found(value)}"
    hint = schema.get("errorMessage") or schema.get("patternErrorMessage", "")
    match error.validator:
        case "additionalProperties":
            return _say_unknown(str(steps[-1]), schema, hint)
        case "type":
            types = wanted if isinstance(wanted, list) else [wanted]
            expected = _either(
                [word for name in types if name != "null" for word in _TYPES[name].split(" or ")]
            )
            return f"{subject} must be {expected}{not_that}", hint or _hint_for_type(value, types, steps)
        case "enum" | "const":
            choices = wanted if error.validator == "enum" else [wanted]
            return f"{subject} must be {_either([f'`{c}`' for c in choices])}{not_that}", hint
        case "required":
            missing = [name for name in wanted if name not in value]
            verb, them = ("is", "it") if len(missing) == 1 else ("are", "them")
            where = f" in {subject}" if steps else ""
            return f"{_all_of(missing)} {verb} missing{where}", hint or f"add {them}"
        case "pattern":
            return f"{subject} cannot be {'this' if 'writeOnly' in schema else _found(value)}", hint
        case "minimum" | "maximum":
            bound = "at least" if error.validator == "minimum" else "at most"
            return f"{subject} must be {bound} {wanted}{not_that}", "write a number in that range"
        case "minLength" | "minItems" | "minProperties":
            return f"{subject} is empty", hint or "fill it in, or leave it out"
        case "maxProperties":
            return f"{subject} holds too many fields", hint
        case _:
            return f"{subject} holds the same item twice", "keep one of them"


def _say_unknown(key: str, schema: dict[str, Any], hint: str) -> tuple[str, str]:
    if "writeOnly" in schema:
        return "a field here is unknown", hint
    fields = schema["properties"]
    near = get_close_matches(key.lower(), fields, 1)
    secret = next((name for name, field in fields.items() if "writeOnly" in field), None)
    if secret and (near == [secret] or key.lower() in _SECRETS):
        hint = str(fields[secret].get("errorMessage", f"a secret is named in `{secret}`, by reference only"))
    elif near:
        hint = f"did you mean `{near[0]}`?"
    else:
        hint = f"known here: {', '.join(fields)}"
    return f"unknown field `{clip(key)}`", hint


def _hint_for_type(value: Any, types: list[str], steps: Steps) -> str:  # noqa: PLR0911  one answer each
    if value is None and isinstance(steps[-1], int):
        return "remove it"
    if value is None:
        return "leave the field out to leave it alone" + (
            ", or write [] for none" if "array" in types else ""
        )
    if types == ["boolean"]:
        return "write true or false, in lower case and without quotes"
    if types == ["object"]:
        return "write `name: value` fields, or {} for none"
    if isinstance(value, (dict, list)):
        return "nothing can be nested here"
    if "string" in types:
        return f'write it in quotes: "{clip(json.dumps(value))}"'
    if "array" in types:
        return f"write a list: [{clip(str(value))}]"
    return "write a plain number, such as 5"


def _found(value: Any) -> str:
    match value:
        case "":
            return "empty text"
        case str():
            return f"the text `{clip(value)}`"
        case list():
            return "a list"
        case dict():
            return "fields"
        case bool() | None:
            return json.dumps(value)
        case _:
            return f"the number {clip(str(value))}"


def _subject(steps: Steps) -> str:
    if not steps:
        return "the file"
    if isinstance(steps[-1], int):
        return f"an item of `{clip(str(steps[-2]))}`"
    return f"`{clip(steps[-1])}`"


def _either(choices: list[str]) -> str:
    return " or ".join(filter(None, [", ".join(choices[:-1]), choices[-1]]))


def _all_of(names: list[str]) -> str:
    return " and ".join(f"`{name}`" for name in names)

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from builders import MANDATE, changed
from hypothesis import given
from jsonschema import Draft202012Validator
from sample_plans import EVERY_KIND, HOSTILE, PLANS, SAMPLES

from reconciler.changes import Atom, Create, Update
from reconciler.errors import Place
from reconciler.model import group_address, user_address
from reconciler.operations import Outcome
from reconciler.plan import Plan
from reconciler.report import Report
from reconciler.saved import to_json
from reconciler.views.json import report_json

_SCHEMA = json.loads((Path(__file__).parents[2] / "schemas" / "plan.schema.json").read_text(encoding="utf-8"))
_VALIDATOR = Draft202012Validator(_SCHEMA)


def test_the_schema_is_a_schema() -> None:
    Draft202012Validator.check_schema(_SCHEMA)


@pytest.mark.parametrize("name", SAMPLES)
def test_saved_plans_are_what_the_schema_says(name: str) -> None:
    _VALIDATOR.validate(json.loads(to_json(SAMPLES[name])))


@pytest.mark.usefixtures("uncounted")
@given(PLANS)
def test_any_plan_is_what_the_schema_says(plan: Plan) -> None:
    _VALIDATOR.validate(json.loads(to_json(plan)))


def _objects(value: Any) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [found for item in value for found in _objects(item)]
    if isinstance(value, dict):
        return [value, *(found for item in value.values() for found in _objects(item))]
    return []


def test_the_schema_allows_nothing_that_a_plan_does_not_hold() -> None:
    document = json.loads(to_json(EVERY_KIND))
    tallies = (document["census"]["members"], document["census"]["losses"])
    for found in _objects(document):
        if not any(found is tally for tally in tallies):
            found["extra"] = 1
            assert not _VALIDATOR.is_valid(document)
            del found["extra"]
    assert _VALIDATOR.is_valid(document)


_WORDS = ("deactivate", "deactivated", "reactivate", "delete", "deleted")


def test_every_object_of_the_schema_is_closed() -> None:
    for found in _objects(_SCHEMA):
        if found.get("type") == "object":
            assert "additionalProperties" in found
            if "properties" in found:
                assert found["additionalProperties"] is False
                optional = set(found["properties"]) - set(found.get("required", ()))
                extra = {"removal", "origin", "refers", "unseen", "with_creation", "resend", "words"}
                assert optional <= {
                    *extra,
                    *_WORDS,
                    "scope",
                    "only",
                    "partly_read",
                    "meant",
                    "called",
                    "files",
                }


def test_a_report_is_json_with_counts_and_every_outcome() -> None:
    renamed, joined = changed("name", before="Ada", after=HOSTILE), changed("members", "a", after=True)
    ada, group = user_address("ada@acme.com"), group_address("X")
    report = Report(
        target="demo",
        run="r1",
        journal="runs/r1.jsonl",
        changes=(
            Update(ada, ada.key, "u1", (renamed,), Place("people.yaml")),
            Create(group, "X", (joined,), Place("people.yaml")),
        ),
        ids={group: "g7"},
        outcomes=(
            Outcome(Atom(ada, "u1", ("name",), "Ada", HOSTILE), "done"),
            Outcome(Atom(group, None, ("members", "a"), None, after=True), "failed", "no"),
        ),
        unchanged=4,
        requests=2,
        seconds=1.23456,
        stopped="",
        interrupted=False,
        unrecorded="backlog was left alone",
        mandate=MANDATE,
    )
    text = report_json(report)
    assert all(char == "\n" or char.isprintable() for char in text)
    document = json.loads(text)
    assert document["format_version"] == 2
    assert document["mandate"] == {**asdict(MANDATE), "overrides": [], "approved": []}
    nothing = {"created": 0, "removed": 0, "adopted": 0, "pending": 0, "skipped": 0}
    assert document["counts"] == {"updated": 1, "unchanged": 4, "failed": 1, **nothing}
    assert document["seconds"] == 1.235
    assert document["unrecorded"] == "backlog was left alone"
    assert document["outcomes"][0]["after"] == HOSTILE
    assert document["outcomes"][1] == {
        "address": "group/x",
        "id": "g7",
        "path": ["members", "a"],
        "before": None,
        "after": True,
        "status": "failed",
        "reason": "no",
    }

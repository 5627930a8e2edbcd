"""A change in, the exact requests out: one file in cases/<dialect>/ for each way to say something.

A case holds ``changes`` and, last, ``expect``. The id of everything live is
``id-of-`` and the letters of its key. To write ``expect`` anew:
UPDATE_GOLDEN=1 pytest tests/providers/test_cases.py
"""

import json
import os
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from providers.scim.shapes import SHAPE

from reconciler.changes import Change, Create, Delete, FieldChange, Update
from reconciler.errors import Place
from reconciler.model import Address, DesiredState, Kind, Live, LiveState, User, Value
from reconciler.operations import Operation, resolve, stages
from reconciler.providers.omni.dialect import OMNI
from reconciler.providers.pleio.provider import Pleio
from reconciler.providers.scim.bulk import together
from reconciler.providers.scim.dialect import Dialect
from reconciler.providers.scim.discovery import BASE
from reconciler.providers.scim.translate import translate

DIALECTS: dict[str, Dialect] = {"omni": OMNI, "scim": replace(BASE, shape=SHAPE)}
SITE = Pleio({}).informed(LiveState((Live(User("live@acme.com", "Live Name"), "live"),)), DesiredState())
TRANSLATORS: dict[str, Callable[[Sequence[Change]], list[Operation]]] = {
    **{name: partial(translate, dialect=dialect) for name, dialect in DIALECTS.items()},
    "pleio": SITE.translate,
    "scim_bulk": lambda changes: together(
        translate(changes, DIALECTS["scim"]), replace(BASE, together=100), LiveState()
    ),
}
CASES = sorted((Path(__file__).parent / "cases").glob("*/*.yaml"))


@pytest.mark.parametrize("path", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_case(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    head, _, _ = text.partition("\nexpect:")
    case = yaml.safe_load(text)
    found = _requests([_change(row) for row in case["changes"]], TRANSLATORS[path.parent.name])
    if os.environ.get("UPDATE_GOLDEN"):
        body = "".join(f"  {line}\n" for line in found)
        path.write_text(f"{head}\nexpect: |\n{body}", encoding="utf-8")
    else:
        assert found == case["expect"].splitlines()


def _picture(value: str) -> bytes:
    return b"\x89PNG\r\n\x1a\n" if ".png" in value else b"\xff\xd8\xff"


def _requests(changes: list[Change], say: Callable[[Sequence[Change]], list[Operation]]) -> list[str]:
    ids: dict[Address, str] = defaultdict(str)
    lines = []
    for part in stages(changes):
        for operation in say(part):
            ids.update({address: f"id-of-{re.sub('[^a-z]', '', address.key)}" for address in operation.needs})
            request = resolve(operation, ids, _picture)
            lines.append(f"{request.method} {request.path}  # {operation.summary}")
            assert not request.query
            if request.json is not None:
                lines += json.dumps(request.json, indent=2, ensure_ascii=False).splitlines()
            lines += [f"{part.name}: {part.file_name} ({part.media_type})" for part in request.multipart]
    return lines


def _change(row: dict[str, Any]) -> Change:
    ((action, name),) = [(key, row[key]) for key in ("create", "update", "delete") if key in row]
    kind: Kind = "user" if "@" in name else "group"
    address, place = Address(kind, name.lower()), Place("people.yaml", 1, 1)
    if action == "delete":
        return Delete(address, name, "live", place)
    wanted: dict[tuple[str, ...], Value] = {}
    if action == "create":
        wanted["email" if kind == "user" else "name",] = name
    wanted.update({(key,): row[key] for key in ("name", "active") if key in row})
    attributes: dict[str, Any] = row.get("attributes", {})
    wanted.update(
        {("attributes", key): tuple(v) if isinstance(v, list) else v for key, v in attributes.items()}
    )
    fields = [FieldChange(path, None, after) for path, after in wanted.items()]
    fields += [FieldChange(("members", key), None, after=True) for key in row.get("add", ())]
    fields += [FieldChange(("members", key), before=True, after=None) for key in row.get("remove", ())]
    if action == "create":
        return Create(address, name, tuple(fields), place)
    return Update(address, name, "live", tuple(fields), place, row.get("removal"))

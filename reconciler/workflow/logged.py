"""What the journals tell of values that no answer shows: sent since git says it, or without git."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.planning.diff import Facts
from reconciler.planning.unseen import SEPARATOR
from reconciler.target.settings import Target
from reconciler.values import MARK

if TYPE_CHECKING:
    from reconciler.model import FieldPath, Value

_RUN = r"-[0-9]{8}T[0-9]{6}\.[0-9]{6}Z\.jsonl"


def journals_begin(target: str) -> str:
    """How the names of a target's journals begin."""
    return target.replace("/", "-")


def place_of(target: Target) -> str:
    """Where the system of a target is: its address, or the file of an embedded pretend one."""
    return str(target.sandbox[1].resolve()) if target.sandbox else target.url


def logged(target: Target, applied: str = "") -> Mapping[str, Facts]:
    """What was sent last of each person of a target, by live id.

    With a commit that was ``applied`` only what was sent after it counts, so what runs say that found it
    recorded. A line that cannot be read, or is about another system, tells nothing: what it said
    counts as not known.
    """
    found: dict[str, dict[FieldPath, Value]] = {}
    whole = re.compile(re.escape(journals_begin(target.name)) + _RUN)
    paths = [path for path in target.journal.glob("*.jsonl") if whole.fullmatch(path.name)]
    for path in sorted(path for path in paths if path.is_file()):
        rows = _rows(path)
        about: dict[str, Any] = next((row["about"] for row in rows if isinstance(row.get("about"), dict)), {})
        if about.get("where") == place_of(target) and applied in ("", about.get("applied")):
            for live_id, name, text in (told for row in rows for told in _told(row)):
                value = text if MARK in text else tuple(text.split(SEPARATOR))
                found.setdefault(live_id, {})["attributes", name] = value if text else None
    return found


def _rows(path: Path) -> list[Mapping[str, Any]]:
    """The lines of a journal that may matter here."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    rows = (_row(line) for line in lines if '"sent":' in line or '"event":"target"' in line)
    return [row for row in rows if isinstance(row, dict)]


def _row(line: str) -> object:
    with suppress(ValueError):
        return json.loads(line)
    return None


def _told(row: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Each live id, attribute and text that a line has."""
    sent = row.get("sent")
    for live_id, attributes in sent.items() if isinstance(sent, dict) else ():
        if isinstance(attributes, dict):
            yield from ((live_id, name, text) for name, text in attributes.items() if isinstance(text, str))

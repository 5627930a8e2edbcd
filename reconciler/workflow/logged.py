"""What the journals tell of values that no answer shows: all that is known of them where git is not there."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from reconciler.model import FieldPath, Value, user_key
from reconciler.planning.unseen import SEPARATOR
from reconciler.values import MARK

_RUN = r"-[0-9]{8}T[0-9]{6}\.[0-9]{6}Z\.jsonl"
_USER = "user/"


def journals_begin(target: str) -> str:
    """How the names of a target's journals begin."""
    return target.replace("/", "-")


def logged(folder: Path, target: str) -> Mapping[str, Mapping[FieldPath, Value]]:
    """What was sent last of each person of a target, by user key.

    A line that cannot be read tells nothing, so what it said counts as not known.
    """
    found: dict[str, dict[FieldPath, Value]] = {}
    whole = re.compile(re.escape(journals_begin(target)) + _RUN)
    paths = sorted(path for path in folder.glob("*.jsonl") if whole.fullmatch(path.name) and path.is_file())
    for address, name, text in (told for path in paths for told in _told(path)):
        if address.startswith(_USER):
            known = found.setdefault(user_key(address.removeprefix(_USER)), {})
            known["attributes", name] = text if MARK in text else tuple(text.split(SEPARATOR))
    return found


def _told(path: Path) -> Iterator[tuple[str, str, str]]:
    """Each address, attribute and text that a journal has."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return
    for line in lines:
        sent = _sent(line) if '"sent":' in line else {}
        for address, attributes in sent.items():
            if isinstance(attributes, dict):
                yield from (
                    (address, name, text) for name, text in attributes.items() if isinstance(text, str)
                )


def _sent(line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    sent = row.get("sent") if isinstance(row, dict) else None
    return sent if isinstance(sent, dict) else {}

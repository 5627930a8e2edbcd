"""JSON as text that is safe to show: on a terminal, on a page, and in a log that GitHub's runner reads."""

import json
import re

_NOT_ASCII = re.compile(r"[^\n -~]+")


def dump_json(document: object) -> str:
    """JSON text for people, terminals and logs: what is not printable stands escaped."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return spelled_json(_NOT_ASCII.sub(_escape_unprintable, text)) + "\n"


def spelled_json(text: str) -> str:
    """The same JSON without ``##[``, which stands in strings alone: GitHub's runner obeys it in a log."""
    return text.replace("##[", r"#\u0023[")


def _escape_unprintable(match: re.Match[str]) -> str:
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in match[0])

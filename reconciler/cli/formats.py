"""How a command may print. Who prints handles each with ``match``, closed with ``assert_never``."""

from enum import StrEnum


class Format(StrEnum):
    """How to print."""

    TEXT = "text"
    JSON = "json"


class PlanFormat(StrEnum):
    """How to print a plan."""

    TEXT = "text"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


class ProblemFormat(StrEnum):
    """How to print problems."""

    TEXT = "text"
    GITHUB = "github"

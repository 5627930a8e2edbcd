"""What plans from lists say, as lines."""

from collections.abc import Callable

import pytest

from reconciler.changes import FieldChange
from reconciler.errors import Invalid


def problems_of(make: Callable[[], object]) -> list[str]:
    """Every problem that something raises, with its place from the target's folder."""
    with pytest.raises(Invalid) as caught:
        make()
    return [str(problem).removeprefix("desired-state/acme/") for problem in caught.value.problems]


def line(field: FieldChange) -> str:
    """What becomes of one field."""
    return f"{'.'.join(field.path)}: {field.before} -> {field.after}"

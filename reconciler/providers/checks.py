"""A check that may fail on the way, as a value: what the checks of every kind have in common."""

from collections.abc import Callable, Iterable

from reconciler.errors import Interrupted, Invalid, NotAccepted, ReconcilerError
from reconciler.report import Check, number_of

KEY_HINT = "check that the key is complete, still enabled, and was made in this instance"


def tried(name: str, check: Callable[[], Check], todo: str = "") -> Check:
    """The check, or a failed one of this name with ``todo``; raises Interrupted, and nothing else."""
    try:
        return check()
    except Interrupted:
        raise
    except ReconcilerError as error:
        return failed(name, error, todo)


def failed(name: str, error: ReconcilerError, todo: str = "") -> Check:
    """A failed check that says what went wrong; what the error knows to do wins over ``todo``."""
    if isinstance(error, NotAccepted):
        todo = KEY_HINT
    if not isinstance(error, Invalid):
        return Check(name, "failed", str(error), todo)
    first, number = error.problems[0], len(error.problems)
    more = f" (and {number_of(number - 1, 'more problem')})" if number > 1 else ""
    return Check(name, "failed", f"{first.place}: {first.message}{more}", first.hint or todo)


def not_asked(why: str, names: Iterable[str]) -> list[Check]:
    """Checks of these names that could not be made, with the reason."""
    return [Check(name, "unknown", f"not asked, since {why}") for name in names]

"""Problems, the exception tree and the exit codes.

A *problem* is collected, with its place, and reported with all the others of
the same run. An exception is for stopping::

    ReconcilerError                 exit 1   something a person can act on
    ├── Invalid                     exit 1   bad files or settings: every problem at once
    ├── NoAnswer                    exit 1   no usable answer came back; a write may have taken place
    │   └── Unreachable             exit 1   nothing was sent: no route, no TLS, no permission to send
    ├── BadAnswer                   exit 1   an answer that is not what the system documents
    ├── Refused                     exit 1   the system said no: status, method, path, its words
    │   └── CredentialRefused       exit 1   the key is not accepted, or not the right kind
    │       └── NotAccepted         exit 1   the key itself is not accepted, whatever it may do
    ├── GitFailed                   exit 1   git is missing, does not trust the repository, or failed
    ├── IncompleteRead              exit 1   the live state cannot be trusted, so nothing is planned
    ├── Locked                      exit 1   another apply holds the target
    ├── JournalFailed               exit 1   the journal cannot be written, so nothing more is sent
    ├── GuardRefused                exit 4   a plan that a guard does not let through
    ├── Unapproved                  exit 4   a plan that too few people approved, or that nobody was shown
    ├── Stale                       exit 5   a reviewed change that no longer holds
    └── Interrupted                 exit 130 a person asked to stop
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit status of the process."""

    OK = 0
    ERROR = 1
    CHANGES = 2
    DRIFT = 3
    GUARD = 4
    STALE = 5
    PARTIAL = 6
    USAGE = 64
    BUG = 70
    INTERRUPTED = 130


_GRAVITY = (
    ExitCode.BUG,
    ExitCode.INTERRUPTED,
    ExitCode.USAGE,
    ExitCode.PARTIAL,
    ExitCode.STALE,
    ExitCode.GUARD,
    ExitCode.ERROR,
    ExitCode.DRIFT,
    ExitCode.CHANGES,
    ExitCode.OK,
)


def gravest(codes: Iterable[ExitCode]) -> ExitCode:
    """The exit code of a run over several targets: the gravest of theirs; OK where there are none."""
    return min(codes, key=_GRAVITY.index, default=ExitCode.OK)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something is written: a file and, where known, a line and column from 1.

    In a table or a record the column has a ``name``, which stands in place of its number.
    """

    file: str
    line: int = 0
    column: int = 0
    name: str = ""

    def __str__(self) -> str:
        if not self.line:
            return self.file
        if self.name:
            return f"{self.file}:{self.line}:{self.name}"
        return f"{self.file}:{self.line}:{self.column or 1}"


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that a person must correct: where, what, and what to do."""

    place: Place
    message: str
    hint: str = ""

    def __str__(self) -> str:
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.place}: {self.message}{hint}"


class ReconcilerError(Exception):
    """The base of all errors that are not bugs."""

    exit_code = ExitCode.ERROR


class Invalid(ReconcilerError):
    """Bad files or settings; carries every problem, sorted by place."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class NoAnswer(ReconcilerError):
    """No usable answer came back; whether a write took place is not known."""


class Unreachable(NoAnswer):
    """Nothing was sent, and sending it again will not help: TLS, redirects, hosts not allowed."""


class BadAnswer(ReconcilerError):
    """An answer arrived that is not what the system documents."""


class Refused(ReconcilerError):
    """The system said no; ``status`` is its answer's, 0 where there was none, and ``words`` are its own."""

    def __init__(self, message: str, status: int = 0, words: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.words = words


class CredentialRefused(Refused):
    """The key is not accepted, or is of a kind that may not do this."""


class NotAccepted(CredentialRefused):
    """The key itself is not accepted, so advice about its rights would mislead."""


class GitFailed(ReconcilerError):
    """Git is missing, does not trust the repository, or failed."""


class IncompleteRead(ReconcilerError):
    """The live state is not complete or contradicts itself; no plan is made from it."""


class FileUnusable(ReconcilerError):
    """A file that an attribute names cannot be sent: not there, elsewhere, too long, or another by now."""


class Locked(ReconcilerError):
    """Another apply holds the target."""


class JournalFailed(ReconcilerError):
    """The journal cannot be written; no write is sent without its line."""


class GuardRefused(ReconcilerError):
    """A plan that a guard does not let through."""

    exit_code = ExitCode.GUARD


class Unapproved(ReconcilerError):
    """A plan that too few people approved, or that no comment shows as it is; ``advice`` says what to do."""

    exit_code = ExitCode.GUARD

    def __init__(self, message: str, advice: str) -> None:
        super().__init__(message)
        self.advice = advice


class Stale(ReconcilerError):
    """A reviewed change no longer holds."""

    exit_code = ExitCode.STALE


class Interrupted(ReconcilerError):
    """A person asked to stop."""

    exit_code = ExitCode.INTERRUPTED

"""What is asked of a plan, as one value."""

from dataclasses import dataclass
from typing import Literal

from reconciler.changes import Origin
from reconciler.plan import PullRequest, Scope

Reading = Literal["part", "everything"]
"""How much a run reads: what it is about, where the system can be asked so, or all that is live."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a person asks of a plan; a saved plan has its own of ``resend``, ``scope`` and ``only``.

    What left the files is counted from the revision ``since``. With a ``base`` revision each atom has its
    origin, and those in ``include`` are to be applied with this change; ``pull`` is the pull request that
    it is for. The attributes of ``resend``, which no answer shows, are sent again. A ``scope`` names the
    parts of the plan to make, and ``only`` the people and groups that it is about, or "changed". What it
    takes is read, or ``read`` asks for everything.
    """

    since: str | None = None
    base: str | None = None
    include: tuple[Origin, ...] = ()
    pull: PullRequest | None = None
    resend: tuple[str, ...] = ()
    scope: tuple[Scope, ...] = ()
    only: tuple[str, ...] = ()
    read: Reading = "part"

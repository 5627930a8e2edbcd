"""What a kind of system must be able to say of all that stands around a plan.

Its provider, which reads and writes, is in ``base``. Whoever only wants to know
which kinds there are loads nothing else, so that ``--help`` answers at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from threading import Event

    from reconciler.errors import Problem
    from reconciler.journal import Journal
    from reconciler.model import Address, DesiredState
    from reconciler.providers.base import Provider
    from reconciler.report import Check, Finding
    from reconciler.sandbox.pretend import Pretend
    from reconciler.transport.auth import Secret
    from reconciler.transport.hosts import Hosts
    from reconciler.transport.messages import Reader, Response, Transport
    from reconciler.transport.oauth import Grant


Ability = Literal[
    "create",
    "name",
    "active",
    "groups",
    "attributes",
    "exact_attributes",
    "revoke",
    "deactivate",
    "delete",
    "create groups",
    "rename groups",
    "delete groups",
]
"""What target.yaml may ask for: parts of people and groups that the files decide, and ways to leave."""


@dataclass(frozen=True, slots=True)
class Credential:
    """One way in, as target.yaml names it: where each of its secrets is, by the part that it plays.

    A reference is ``{"env": NAME}`` or ``{"file": PATH}``, never a secret. With a ``grant`` the parts
    are ``id`` and ``secret``: shared code gets tokens for them, and the kind is not asked to authorise.
    """

    secrets: Mapping[str, Mapping[str, str]]
    grant: Grant | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What the length of a complete read depends on.

    ``quirks`` is the data of quirks.yaml. ``attributes`` counts the users whose
    attributes are needed; it reads the files, so it is asked only where that matters.
    """

    keys: int
    requests_per_minute: int
    quirks: Mapping[str, Any]
    attributes: Callable[[], int]


Likes: TypeAlias = "Mapping[str, Mapping[str, Mapping[str, Any]]]"


class Examiner(Protocol):
    """What a doctor asks of one kind of system. It is given a Reader, and cannot write.

    The doctor itself reads ``greeting`` first, with each key: the answer shows that
    the system is there, its clock, and whose key it is.
    """

    @property
    def greeting(self) -> str:
        """A path that every key may read."""
        ...

    @property
    def names(self) -> Sequence[str]:
        """The names of ``checks``, in their order, for when nothing answers."""
        ...

    @property
    def description(self) -> str:
        """The path, beside the API, where a system describes itself; empty where none does."""
        ...

    @property
    def quirks(self) -> Sequence[str]:
        """The fields of quirks.yaml, in the order in which they are told."""
        ...

    def key(self, greeted: Response) -> Check:
        """Whose key it is."""
        ...

    def checks(self, greeted: Response, reader: Reader, reading: Reading) -> Iterator[Check]:
        """What the key may read, and how long that takes; raises Interrupted, and nothing else."""
        ...

    def described(self, answer: Response) -> Check:
        """Whether what a system says of itself fits what is used here."""
        ...

    def advice(self, quirks: Mapping[str, Any]) -> str:
        """What to mind where an instance has these quirks; empty where there is nothing."""
        ...


class Connection(Protocol):
    """What a probe writes through; ``stop`` is set once a person wants to stop."""

    @property
    def transport(self) -> Transport:
        """What sends."""
        ...

    @property
    def stop(self) -> Event:
        """Set once a person wants to stop."""
        ...

    @property
    def wait(self) -> Callable[[float], None]:
        """Sleep for so many seconds; raises Interrupted once a person wants to stop."""
        ...

    @property
    def retry_after(self) -> Callable[[], bool | None]:
        """Whether the last 429 named how long to wait; None where there was none."""
        ...


class Scratching(Protocol):
    """One run of a probe, and the scratch objects that it makes."""

    @property
    def removed(self) -> Sequence[str]:
        """What an earlier run left behind and this one removed."""
        ...

    @property
    def remaining(self) -> Sequence[str]:
        """What is still there, each with the reason."""
        ...

    def remove_leftovers(self) -> None:
        """Remove what an earlier run could not."""
        ...

    def findings(self) -> Iterator[Finding]:
        """Every question with its answer; raises where no more can be asked."""
        ...

    def clean(self) -> None:
        """Remove what was made, also after a person asked to stop."""
        ...


class Probe(Protocol):
    """Finds out with scratch objects what no document tells of a system."""

    def names(self) -> Sequence[Address]:
        """What scratch objects are called, one of each kind of object."""
        ...

    def announcement(self, name: str, url: str) -> str:
        """What is about to be done to a target, for the person who is asked first."""
        ...

    def begin(self, provider: Provider, connection: Connection, journal: Journal, token: str) -> Scratching:
        """A run whose scratch objects carry this token in their names; nothing is sent yet."""
        ...


class Kind(Protocol):
    """One kind of system, whole: what shared code asks where kinds differ, so that it names none."""

    @property
    def title(self) -> str:
        """What people call it, in messages."""
        ...

    def schema(self, name: Literal["target", "quirks"]) -> Mapping[str, Any]:
        """A JSON Schema of its own fields of that file, which joins the schema that all kinds share.

        Its ``properties`` win over shared ones of the same name, ``required`` is added to. What names
        a secret is ``writeOnly``, so that no message shows what somebody wrote there.
        """
        ...

    def hosts(self, settings: Mapping[str, Any]) -> Hosts:
        """Where a key may go, and what an address looks like. ``settings`` are its own of target.yaml."""
        ...

    def address(self, settings: Mapping[str, Any]) -> str:
        """The address that its own settings give, as a person writes it; raises ValueError."""
        ...

    def credentials(self, settings: Mapping[str, Any]) -> Sequence[Credential]:
        """The ways in that its own settings name, to be used in turn; each has a pace of its own.

        ``providers.ways_in`` knows the usual ones. Raises ValueError.
        """
        ...

    def authorise(
        self, transport: Transport, secrets: Mapping[str, Secret], settings: Mapping[str, Any]
    ) -> Transport:
        """A Transport that is let in by one credential, whose ``secrets`` are named by their parts.

        They are taken out of all that comes back. What is made of them (a pair, a token) is a
        ``Secret`` too, and is taken out here (``transport.auth.hidden``).
        """
        ...

    def media(self, quirks: Mapping[str, Any]) -> str:
        """The media type of JSON that its systems are sent: ``transport.media.JSON``, or one of their own."""
        ...

    @property
    def pace(self) -> int:
        """Requests in any 60 seconds, for each key, where target.yaml gives no number."""
        ...

    @property
    def words(self) -> Mapping[str, str]:
        """What its people call what becomes of an account, where they say it otherwise.

        By our words: ``deactivate`` ("ban", say), ``deactivated``, ``reactivate``, ``delete``, ``deleted``.
        """
        ...

    @property
    def cannot(self) -> Mapping[Ability, str]:
        """What target.yaml may ask for and no system of this kind can do, each with the reason."""
        ...

    @property
    def variables(self) -> Mapping[str, str]:
        """The environment variable that messages propose for each part of a credential."""
        ...

    @property
    def credential(self) -> str:
        """The line of target.yaml that names a credential in these variables."""
        ...

    def first_target(self, url: str) -> str:
        """The target.yaml that `init` writes for a system at this address."""
        ...

    @property
    def switches(self) -> Sequence[str]:
        """The names of what its pretend system can be told to do otherwise."""
        ...

    def switched(self, texts: Mapping[str, str]) -> Mapping[str, object]:
        """What switches say, by name, as a command line writes them; raises ValueError with a bad one."""
        ...

    def open_sandbox(self, seed: Path, state: Path | None) -> Pretend:
        """Its pretend system over a seed and, where there is one, a state file; raises ValueError."""
        ...

    @property
    def likes(self) -> Likes:
        """The mappings for lists of its other tools, by name and by type, as ``sources`` would hold them."""
        ...

    def rules(self, desired: DesiredState) -> Iterator[Problem]:
        """What no system of this kind can hold, told from the files alone: `validate` says it as well."""
        ...

    def examiner(self) -> Examiner:
        """What a doctor asks."""
        ...

    def probe(self) -> Probe | None:
        """What finds out with scratch objects what no document tells; None where there is nothing."""
        ...

    def provider(self, settings: Mapping[str, Any], quirks: Mapping[str, Any]) -> Provider:
        """The provider, by its own settings and as far as the quirks of an instance are known."""
        ...

"""A pretend system as values: what answers, the keys that open it, and what stands at its address."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from reconciler.transport.messages import Response, Transport


@dataclass(frozen=True, slots=True)
class Site:
    """What stands at an address: the API below the path ``api``, and pages beside it, by their paths.

    What is asked at a path of ``beside`` goes to the API's Transport too, with that path as it is.
    ``written`` is what a person writes behind host and port, as the address of a target.
    """

    api: str = ""
    written: str = ""
    pages: Mapping[str, Response] = field(default_factory=dict)
    beside: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Pretend:
    """A pretend system over one seed; its transport raises OSError where the state file cannot be written.

    ``secrets`` open it inside this process, by the part that each plays. ``offered`` are those
    that a person is told to use where it is served; empty where there are none, and then ``lacking``
    says why. ``behave`` sets switches, as its kind understands them.
    """

    transport: Transport
    secrets: Mapping[str, str]
    offered: Mapping[str, str]
    lacking: str
    behave: Callable[[Mapping[str, object]], None]
    site: Site

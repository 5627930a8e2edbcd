"""A target for one run: a system and files that somebody names, under the settings of a new target."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reconciler.desired.one_off import asked
from reconciler.errors import Invalid, Place, Problem
from reconciler.providers.registry import KINDS
from reconciler.target.schemas import target_schema
from reconciler.target.settings import ONE_OFF, Target, made
from reconciler.transport.hosts import api_root


def one_off(
    kind: str, url: str, paths: Sequence[Path], like: str | None = None, groups_file: Path | None = None
) -> Target:
    """The target of a one-off run; raises Invalid with every problem of what was named.

    It is what `init` would write for this address, with the files as its desired state: the key is in
    the kind's own variable, and goes where a target's key may go. ``like`` says which tool's lists
    they are, ``groups_file`` is the list of groups beside the one of people.
    """
    system = KINDS[kind]
    hosts = system.hosts({"url": url})
    try:
        address = api_root(url, hosts).removesuffix(hosts.api[0])
    except ValueError as error:
        raise Invalid([Problem(Place("--url"), str(error))]) from None
    run = asked(system.first_target(address), paths, like, groups_file, target_schema)
    return replace(made(ONE_OFF, Path(), run.settings), asked=run)

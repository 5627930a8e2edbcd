"""Show who and what is live."""

from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING, Annotated, assert_never

import typer

from reconciler.cli.answers import AnswerShape, OneTarget, ask_one, note_foreign, reading, show, show_found
from reconciler.cli.app import DESIRED_STATE, BadUsage, Root, Verbose
from reconciler.errors import ExitCode

if TYPE_CHECKING:
    from reconciler.cli.formats import Format
    from reconciler.model import LiveState
    from reconciler.providers.base import Provider
    from reconciler.target.settings import Target
    from reconciler.transport.messages import Reader


class What(StrEnum):
    """What can be shown."""

    USERS = "users"
    USER = "user"
    GROUPS = "groups"
    GROUP = "group"
    ATTRIBUTES = "attributes"


ONE = (What.USER, What.GROUP)


def get(
    what: Annotated[What, typer.Argument(metavar="WHAT", help="users, user, groups, group or attributes.")],
    name: Annotated[
        str | None, typer.Argument(metavar="X", help="Of user and group: the login, the name or the id.")
    ] = None,
    target_name: OneTarget = None,
    root: Root = DESIRED_STATE,
    members: Annotated[bool, typer.Option("--members", help="Of groups: who is in them.")] = False,
    attributes: Annotated[
        bool, typer.Option("--attributes", help="Of users: the values of their attributes.")
    ] = False,
    shape: AnswerShape = None,
    verbose: Verbose = False,
) -> ExitCode:
    """Show who and what is live, all or one; the system is only read.

    What the files say, and what a target ignores, plays no part.
    """
    _check(what, name, members=members, attributes=attributes)

    def answer(target: "Target") -> ExitCode:
        with reading(target, verbose=verbose) as reader:
            live = _read(target.provider, reader, what, name or "", more=members or attributes)
        _show(live, what, shape, more=members or attributes)
        return ExitCode.OK

    return ask_one("get", target_name, root, answer)


def _read(provider: "Provider", reader: "Reader", what: What, name: str, *, more: bool) -> "LiveState":
    """What is asked for; ``more`` are the attributes of users, or the members of groups."""
    from reconciler.model import LiveState
    from reconciler.workflow import questions

    match what:
        case What.USERS:
            return questions.everything(provider, reader, attributes=more)
        case What.GROUPS:
            return questions.everything(provider, reader)
        case What.USER:
            return questions.user(provider, reader, name, attributes=more)
        case What.GROUP:
            return questions.group(provider, reader, name, members=more)
        case What.ATTRIBUTES:
            return LiveState(definitions=questions.definitions(provider, reader))
        case _:  # pragma: no cover (mypy proves that there is nothing else)
            assert_never(what)


def _show(live: "LiveState", what: What, shape: "Format | None", *, more: bool) -> None:
    from reconciler.views import records, tables

    match what:
        case What.USERS:
            show_found(shape, "user", live)
        case What.GROUPS:
            show_found(shape, "group", live, members=more)
        case What.USER if more:
            user = live.users[0].resource
            show(shape, records.attributes(user), partial(tables.attributes_table, user))
        case What.USER:
            show(shape, records.users(live)[0], partial(tables.users_table, live))
        case What.GROUP if more:
            show(shape, records.members(live), partial(tables.members_table, live))
            note_foreign(live)
        case What.GROUP:
            show(
                shape,
                records.groups(live, members=False)[0],
                partial(tables.groups_table, live, members=False),
            )
        case What.ATTRIBUTES:
            known = live.definitions or {}
            show(shape, records.definitions(known), partial(tables.definitions_table, known))
        case _:  # pragma: no cover (mypy proves that there is nothing else)
            assert_never(what)


def _check(what: What, name: str | None, *, members: bool, attributes: bool) -> None:
    """Raise BadUsage for what does not go together."""
    message = ""
    if what in ONE and name is None:
        message = f"say which {what}: a login, a name or an id"
    elif what not in ONE and name is not None:
        message = f"all {what} are shown: leave out {name!r}"
        if what is not What.ATTRIBUTES:
            message += f", or say {what.removesuffix('s')}"
    elif members and what not in (What.GROUPS, What.GROUP):
        message = "--members goes with groups and group"
    elif attributes and what not in (What.USERS, What.USER):
        message = "--attributes goes with users and user"
    if message:
        raise BadUsage(message)

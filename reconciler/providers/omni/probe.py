"""Find out with scratch objects how one instance behaves where Omni's documents do not say.

A probe makes one user and one or two groups, changes them, reads what became of
them, and removes them (see ``scratch``). An answer that is not certain is "not
known".
"""

from collections.abc import Iterator, Mapping

from reconciler.errors import Refused
from reconciler.journal import Journal
from reconciler.model import Address, Definition, Value, group_address, user_address
from reconciler.providers.base import Provider
from reconciler.providers.kind import Connection
from reconciler.providers.omni.checks import OmniChecks
from reconciler.providers.omni.provider import DEFINITIONS, read_definitions
from reconciler.providers.omni.scratch import DOMAIN, MARK, Scratch, ScratchObject, group_name, user_name
from reconciler.providers.scim.codec import UserRow
from reconciler.report import Finding

_NO_VALUE = (None, "", ())


class OmniProbe:
    """The probe for ``kind: omni``."""

    def names(self) -> tuple[Address, ...]:
        """What scratch objects are called, one of each kind."""
        return user_address(user_name("0" * 8)), group_address(group_name("0" * 8))

    def announcement(self, name: str, url: str) -> str:
        """What a probe is about to do, for the person who is asked first."""
        return (
            f"A probe of {name} makes a user {user_name('...')} and one or two groups {group_name('...')} "
            f"at {url}, changes them, and removes them again, in about 35 requests. Nothing else is "
            "touched. Whether Omni sends an invitation to a new user is not documented; mail to "
            f"{DOMAIN} reaches nobody."
        )

    def begin(self, provider: Provider, connection: Connection, journal: Journal, token: str) -> Scratch:
        """The scratch objects of one run; nothing is sent yet."""
        return Scratch(provider, connection, journal, token, findings_of=_findings)


def _findings(scratch: Scratch) -> Iterator[Finding]:
    """Every question with its answer; raises where no more can be asked: a refused key, a silent read."""
    user, user_answer = scratch.make("user", user_name(scratch.token))
    group, group_answer = scratch.make("group", group_name(scratch.token))
    why = f"no scratch object to ask with: {(group_answer if user else user_answer).message}"
    unanswered = dict.fromkeys(OmniChecks.quirks)
    for finding in _answers(scratch, user, group):
        del unanswered[finding.name]
        yield finding
    yield from (Finding(name, None, why) for name in unanswered)


def _answers(scratch: Scratch, user: ScratchObject | None, group: ScratchObject | None) -> Iterator[Finding]:
    if user:
        definitions = _definitions(scratch)
        yield _defaults(scratch, user, definitions)
        yield _lists(scratch, user, definitions)
    if user and group:
        yield _members(scratch, user, group)
    if group:
        yield _case(scratch, group)
    if user:
        yield from _deactivation(scratch, user)
    yield _retry_after(scratch.connection.retry_after())


def _definitions(scratch: Scratch) -> dict[str, Definition]:
    """Those that can be written, by name; none where the key may not read them."""
    try:
        definitions = read_definitions(scratch.server.get(DEFINITIONS))
    except Refused:
        return {}
    return {name: each for name, each in sorted(definitions.items()) if not each.system}


def _defaults(scratch: Scratch, user: ScratchObject, definitions: Mapping[str, Definition]) -> Finding:
    name = next((name for name, each in definitions.items() if each.default not in _NO_VALUE), None)
    row = scratch.user(user)
    if name is None or row is None:
        return Finding("shows_defaults", None, "no attribute is known to have a default that could be shown")
    shown = _attribute(row, name) not in _NO_VALUE
    how = f"a new user was {'' if shown else 'not '}shown with the default of {name}"
    return Finding("shows_defaults", shown, how)


def _lists(scratch: Scratch, user: ScratchObject, definitions: Mapping[str, Definition]) -> Finding:
    ask = "lists_carry_attributes"
    name = next((name for name, each in definitions.items() if each.type == "text"), None)
    if name is None:
        return Finding(ask, None, "no text attribute is known that could be set")
    value: Value = (MARK,) if definitions[name].multiple else MARK
    answer = scratch.change(user, ("attributes", name), None, value)
    row = scratch.user(user)
    if row is None or _attribute(row, name) != value:
        return Finding(ask, None, f"the attribute {name} could not be set {answer.message}".rstrip())
    rows = scratch.listed(user)
    if any(row and _attribute(row, name) != value for row in rows):
        return Finding(ask, value=False, how=f"a list lacked the attribute {name}, which GET by id had")
    if rows[0] is None:
        return Finding(ask, None, "the scratch user was neither on the first page of the list nor at its end")
    return Finding(ask, value=True, how=f"the lists had the attribute {name}, as GET by id had")


def _members(scratch: Scratch, user: ScratchObject, group: ScratchObject) -> Finding:
    ask, edge = "member_ops_idempotent", ("members", user.address.key)
    scratch.change(group, edge, None, after=True)
    if user.id not in scratch.members(group):
        return Finding(ask, None, "the scratch user did not become a member of the scratch group")
    again = scratch.change(group, edge, None, after=True)
    taken = scratch.change(group, edge, True, None)  # noqa: FBT003 (the value of a membership)
    gone = scratch.change(group, edge, True, None)  # noqa: FBT003 (the value of a membership)
    if {again.verdict, taken.verdict, gone.verdict} == {"done"}:
        return Finding(
            ask, value=True, how="a member was added twice and removed twice, and nothing was refused"
        )
    refused = next((answer for answer in (again, gone) if answer.verdict == "refused"), None)
    if refused and taken.verdict == "done":
        return Finding(ask, value=False, how=f"a repeated operation was refused: {refused.message}")
    unclear = next(answer.message for answer in (again, taken, gone) if answer.verdict != "done")
    return Finding(ask, None, f"not every operation was answered clearly: {unclear}")


def _case(scratch: Scratch, group: ScratchObject) -> Finding:
    ask = "group_names_case_sensitive"
    twin, answer = scratch.make("group", group.label.upper())
    if twin:
        return Finding(ask, value=True, how="a second group with the same name in capitals was made")
    if answer.verdict == "exists":
        return Finding(ask, value=False, how=f"the same name in capitals was refused: {answer.message}")
    return Finding(ask, None, f"the same name in capitals was not answered clearly: {answer.message}")


def _deactivation(scratch: Scratch, user: ScratchObject) -> list[Finding]:
    ask, ask_back = "deactivation", "deactivation_reversible"
    plain_before, _ = scratch.listed(user)
    off = scratch.change(user, ("active",), before=True, after=False)
    row = scratch.user(user)
    if row and row.live.resource.active is not False:
        how = f"active: false did not take {off.message}".rstrip()
        return [Finding(ask, None, how), Finding(ask_back, None, how)]
    if row is None:
        finding = Finding(ask, "revokes", "after active: false, GET by id was answered 404")
    else:
        plain, filtered = scratch.listed(user)
        if plain if plain_before else filtered:
            finding = Finding(ask, "flag", "after active: false, the user was still listed, as not active")
        else:
            finding = Finding(
                ask, "hides", "after active: false, GET by id had the user, and the list had not"
            )
    on = scratch.change(user, ("active",), before=False, after=True)
    row = scratch.user(user)
    if row and row.live.resource.active:
        how = "active: true brought the user back under the same id"
        return [finding, Finding(ask_back, value=True, how=how)]
    how = f"active: true did not bring the user back {on.message}".rstrip()
    return [finding, Finding(ask_back, None if on.verdict in ("unsure", "busy") else False, how)]


def _retry_after(seen: bool | None) -> Finding:  # noqa: FBT001 (what was seen)
    how = "no request of this probe was answered 429" if seen is None else "seen on an answer 429"
    return Finding("retry_after", seen, how)


def _attribute(row: UserRow, name: str) -> Value:
    return (row.live.resource.attributes or {}).get(name)

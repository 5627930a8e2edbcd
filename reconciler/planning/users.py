"""What becomes of each person: created, changed, or without access from now on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.changes import Change, Create, Delete, FieldChange, Removal, Update
from reconciler.errors import IncompleteRead
from reconciler.model import Address, DesiredState, FieldPath, Group, Live, User, Value
from reconciler.planning.diff import Definitions, canonical, compare, user_facts
from reconciler.planning.match import Pairing
from reconciler.planning.scope import Leaver, Policy, managed_keys


@dataclass(slots=True)
class Users:
    """The changes of users, and what is learned on the way: ``changes`` is to be asked first, once.

    All sets hold user keys. ``active`` counts the managed people who are active
    now and ``active_after`` those who will be, ``values`` their managed attribute
    values; ``ending`` are those who are active and will not be. ``everywhere`` are all
    live groups, also the ignored ones: a deletion ends every membership. ``not_live`` are
    declared and have no account after this plan either, ``waiting`` those of them for whom
    somebody else makes it.
    """

    desired: DesiredState
    policy: Policy
    pairing: Pairing
    going: Mapping[Address, Leaver]
    definitions: Definitions
    everywhere: Sequence[Live[Group]]
    created: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    revoked: set[str] = field(default_factory=set)
    waiting: list[str] = field(default_factory=list)
    not_live: set[str] = field(default_factory=set)
    active: int = 0
    active_after: int = 0
    ending: list[str] = field(default_factory=list)
    values: int = 0

    def changes(self) -> list[Change]:
        """All changes of users; a deletion with the groups that the person is in."""
        changes = list(self._declared())
        groups: dict[str, list[str]] = {key: [] for key in self.deleted}
        for live in self.everywhere if self.deleted else ():
            for key in self.pairing.members(live) & self.deleted:
                groups[key].append(live.resource.name)
        return [
            replace(change, ends=tuple(sorted(groups[change.address.key])))
            if isinstance(change, Delete)
            else change
            for change in changes
        ]

    def _declared(self) -> Iterator[Change]:
        for key in sorted(self.desired.users):
            address = Address("user", key)
            live = self.pairing.users.get(address)
            if live is not None:
                yield from self._update(address, self.desired.users[key], live)
            elif self.desired.users[key].active is False:
                self.not_live.add(key)
            elif "create" not in self.policy.manage:
                self.not_live.add(key)
                self.waiting.append(key)
            else:
                self.created.add(key)
                self.active_after += 1
                wanted: dict[FieldPath, Value] = {("email",): key}
                wanted.update(self._wanted(self.desired.users[key]))
                fields = compare({}, wanted, self.definitions)
                yield Create(address, key, fields, self.desired.locate(address, ()))
        for address, how in self.going.items():
            if address.kind == "user":
                yield from self._remove(address, how, self.pairing.users[address])

    def _wanted(self, user: User) -> Iterator[tuple[FieldPath, Value]]:
        """The managed facts that a declared user states, and the exact attributes that it does not."""
        manage = self.policy.manage
        if "name" in manage and user.name is not None:
            yield ("name",), user.name
        if "active" in manage and user.active is not None:
            yield ("active",), user.active
        if "attributes" in manage:
            stated = user.attributes or {}
            for key in sorted(self.policy.exact_attributes.union(stated)):
                definition = self.definitions.get(key)
                value = stated.get(key)
                yield ("attributes", key), canonical(value, definition) if definition else canonical(value)

    def _update(self, address: Address, user: User, live: Live[User]) -> Iterator[Update]:
        wanted = dict(self._wanted(user))
        fields = self._differences(address, live, wanted)
        was_active = live.resource.active is not False
        self.active += was_active
        self.active_after += wanted.get(("active",), was_active) is True
        if fields:
            removal: Removal | None = None
            if was_active and wanted.get(("active",)) is False:
                removal = "deactivate"
                self.ending.append(address.key)
            place = self.desired.locate(address, ())
            yield Update(address, address.key, live.id, fields, place, removal)

    def _differences(
        self, address: Address, live: Live[User], wanted: Mapping[FieldPath, Value]
    ) -> tuple[FieldChange, ...]:
        facts = user_facts(live.resource, self.definitions)
        for path in wanted:
            if path not in facts:
                message = (
                    f"the attribute {path[1]} of {address} was not read, so nothing can be planned for it"
                )
                raise IncompleteRead(message)
        self.values += sum(facts[p] is not None for p in wanted if p[0] == "attributes")
        return compare(facts, wanted, self.definitions)

    def _remove(self, address: Address, how: Leaver, live: Live[User]) -> Iterator[Change]:
        """End a person's access as the target's ``leavers`` say."""
        place = self.desired.place(address)
        was_active = live.resource.active is not False
        self.active += was_active
        if was_active:
            self.ending.append(address.key)
        match how:
            case "delete":
                self.deleted.add(address.key)
                yield Delete(address, address.key, live.id, place)
            case "revoke" | "revoke, deactivate":
                self.revoked.add(address.key)
                keys = sorted(managed_keys(self.desired, self.policy))
                wanted: dict[FieldPath, Value] = {("attributes", key): None for key in keys}
                ends = was_active and how != "revoke"
                if ends:
                    wanted["active",] = False
                fields = self._differences(address, live, wanted)
                yield Update(address, address.key, live.id, fields, place, how if ends else "revoke")
            case _ if was_active:
                fields = (FieldChange(("active",), live.resource.active, after=False),)
                yield Update(address, address.key, live.id, fields, place, "deactivate")

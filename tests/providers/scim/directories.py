"""A pretend directory with Ada and others in it, and what becomes of it when files are applied."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from executing import Notebook
from providers.scim.shapes import BADGE

from reconciler.execute.execution import Execution
from reconciler.execute.headcount import Headcount
from reconciler.model import DesiredState, LiveState
from reconciler.operations import Outcome
from reconciler.planning.plan import Planned, make_plan
from reconciler.planning.scope import Policy, need
from reconciler.providers.base import informed
from reconciler.providers.scim.provider import Scim
from reconciler.providers.scim.quirks import NO_QUIRKS, Quirks
from reconciler.sandbox.scim.instance import Sandbox
from reconciler.sandbox.scim.seed import snapshot
from reconciler.sandbox.scim.store import Store
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Reader, Request, Response, Transport

ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
ADA, GRACE, ZOE = "ada@acme.com", "grace@acme.com", "zoe@acme.com"
EXTENSIONS: dict[str, Any] = {
    BADGE: {
        "attributes": {
            "badge": {"case_exact": True},
            "level": {"type": "integer"},
            "tags": {"multi_valued": True},
            "hired": {"type": "dateTime", "mutability": "immutable"},
            "trusted": {"type": "boolean"},
            "desk": {"type": "complex", "sub_attributes": {"floor": {"type": "integer"}, "room": {}}},
            "pin": {"mutability": "writeOnly", "returned": "never"},
        }
    }
}
SEED: dict[str, Any] = {
    "extensions": EXTENSIONS,
    "users": {
        ADA: {
            "displayName": "Ada",
            "name": {"givenName": "Ada", "familyName": "Lovelace"},
            "emails": [{"type": "work", "value": ADA, "primary": True}, {"value": "nameless@acme.com"}],
            "addresses": [{"type": "work", "locality": "London", "country": "UK"}],
            ENTERPRISE: {"department": "R&D", "manager": {"value": GRACE}},
        },
        GRACE: {"displayName": "Grace"},
        ZOE: {"displayName": "Zoe"},
    },
    "groups": {"Guests": [], "Others": [ZOE, "Guests"]},
}
CROWD: dict[str, Any] = {"users": {f"p{number:03}@acme.com": {} for number in range(120)}}
CROWD["groups"] = {"All": sorted(CROWD["users"]), "One": ["p001@acme.com"]}


def without_secrets(seed: Mapping[str, Any] = SEED) -> dict[str, Any]:
    """The seed of a directory in which every attribute that can be written is shown."""
    badge = {name: each for name, each in EXTENSIONS[BADGE]["attributes"].items() if name != "pin"}
    return {**seed, "extensions": {BADGE: {"attributes": badge}}}


@dataclass
class Directory:
    """A pretend directory with switches; ``between`` is called with each request before it is answered."""

    switches: Mapping[str, object] = field(default_factory=dict)
    seed: Mapping[str, Any] = field(default_factory=lambda: SEED)
    quirks: Quirks = NO_QUIRKS
    between: Callable[[Request], Response | None] = lambda _: None
    sent: list[Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sandbox = Sandbox(Store.from_seed({**self.seed, "switches": dict(self.switches)}))
        self.inner: Transport = bearer(self.sandbox, Secret("sandbox"))
        self.provider = Scim({"acme": BADGE}, self.quirks)

    def send(self, request: Request) -> Response:
        """Note a request, and answer it."""
        self.sent.append(request)
        return self.between(request) or self.inner.send(request)

    @property
    def writes(self) -> list[Request]:
        """What was sent that is no read."""
        return [request for request in self.sent if request.method != "GET"]

    @property
    def holds(self) -> dict[str, dict[str, Any]]:
        """Everybody and everything in it."""
        return snapshot(self.sandbox.store)

    def read(self, files: DesiredState, policy: Policy = Policy()) -> LiveState:  # noqa: B008 (frozen)
        return self.provider.read(Reader(self), need(files, policy))

    def plan(self, files: DesiredState, policy: Policy = Policy()) -> Planned:  # noqa: B008 (frozen)
        live = self.read(files, policy)
        assert self.provider.audit(files, live) == []
        return make_plan(files, live, policy, target="acme", provider="scim", url="")

    def apply(self, files: DesiredState, policy: Policy = Policy()) -> list[Outcome]:  # noqa: B008 (frozen)
        """Plan and execute; only what is sent by then is in ``sent``."""
        planned = self.plan(files, policy)
        self.sent.clear()
        live = planned.everything
        execution = Execution(
            provider=informed(self.provider, live, files),
            transport=self,
            journal=Notebook([]),
            ids={**planned.ignored, **planned.ids},
            definitions=planned.definitions,
            stop=lambda: False,
            wait=lambda _: None,
            on_progress=lambda _: None,
            headcount=Headcount.of(planned.plan, planned, policy),
            under_way=live.under_way,
            versions={a: live.versions[one] for a, one in planned.ids.items() if one in live.versions},
        )
        self.stopped = execution.run(planned.plan.changes)
        return list(execution.outcomes.values())

    def converges(self, files: DesiredState, policy: Policy = Policy()) -> None:  # noqa: B008 (frozen)
        """Apply; everything is done, and a second plan is empty."""
        outcomes = self.apply(files, policy)
        assert {outcome.status for outcome in outcomes} <= {"done"}, outcomes
        assert self.plan(files, policy).plan.changes == ()

"""Adopt a living tenant: what is live, as files beside those that are there."""

from dataclasses import replace

from reconciler.desired.export import Export, Wish, export
from reconciler.model import Live, Need, User
from reconciler.planning.diff import Definitions, canonical
from reconciler.planning.scope import ours
from reconciler.settings import Session, Target
from reconciler.transport.messages import Reader


def adopt(target: Target, session: Session, wish: Wish) -> Export:
    """Read everything and say what of it the files do not declare yet; raises what a read raises.

    Nothing is written: the texts are in what comes back. Fields that the target
    does not manage are left out.
    """
    present = target.load()
    live = ours(target.provider.read(Reader(session.transport), Need(everything=True)), target.policy)
    definitions = live.definitions or {}
    users = tuple(_canonical(user, definitions) for user in live.users)
    fields = wish.fields & target.policy.manage
    return export(replace(live, users=users), present, replace(wish, fields=fields))


def _canonical(user: Live[User], definitions: Definitions) -> Live[User]:
    attributes = {
        key: canonical(value, definitions[key])
        for key, value in (user.resource.attributes or {}).items()
        if key in definitions and not definitions[key].system
    }
    return replace(user, resource=replace(user.resource, attributes=attributes))

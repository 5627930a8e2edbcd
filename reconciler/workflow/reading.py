"""Read what a run is about and what its guards need, in place of everything.

A part only ever lets through. Where it finds anything in the way (a reviewed change that no longer holds, a
guard that refuses, somebody of whom too little is known), everything is read, and that decides.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from reconciler.errors import Interrupted, ReconcilerError
from reconciler.model import DesiredState, LiveState
from reconciler.plan import Plan
from reconciler.planning.about import (
    About,
    Doubts,
    doubted,
    excludes,
    met,
    of_plan,
    of_selection,
    witnesses,
)
from reconciler.planning.changed import changed
from reconciler.planning.plan import Planned
from reconciler.planning.recheck import recheck
from reconciler.planning.selection import selection
from reconciler.providers.base import Selective
from reconciler.target.session import Session
from reconciler.transport.messages import Reader, Request, Response
from reconciler.workflow.compare import part_of, planned
from reconciler.workflow.options import Options
from reconciler.workflow.revisions import Revisions

_WITNESSES = (1, 4, 0)
"""How many people are looked for, in turn, who prove a doubt unfounded."""
_ROUNDS = 6
"""How often a read may lead to somebody else to be read."""


def read_for(saved: Plan, states: Revisions, session: Session, options: Options) -> Planned | None:
    """The fresh plan of what a saved one is about; None where everything must be read."""
    about = of_plan(saved, states.desired, states.target.policy)
    if options.read == "everything" or about is None:
        return None
    part = _Part(states, Reader(_Once(session.reader), session.keys), options, saved)
    return part.proven(about, lambda fresh: doubted(recheck(saved, fresh).changes, fresh, saved))


def read_only(states: Revisions, session: Session, options: Options) -> Planned | None:
    """The plan of some people and groups; None where everything must be read, or is asked for."""
    if options.read == "everything" or not options.only:
        return None
    asked = selection(options.only)
    if states.counted_from is not None:
        asked = asked.about(changed(states.counted_from, states.desired))
    about = of_selection(asked, _compared(states), states.policies)
    if about is None:
        return None
    part = _Part(states, Reader(_Once(session.reader), session.keys), options)
    return part.proven(about, lambda fresh: doubted(fresh.plan.changes, fresh))


def _compared(states: Revisions) -> list[DesiredState]:
    """The states that are compared with what is live."""
    older = (states.before, states.applied.state) if states.base else ()
    return [states.desired, *filter(None, older)]


@dataclass(frozen=True, slots=True)
class _Part:
    """Plans over a part of what is live, for a saved plan or a new one."""

    states: Revisions
    reader: Reader
    options: Options
    saved: Plan | None = None

    def proven(self, about: About, doubts_of: Callable[[Planned], Doubts]) -> Planned | None:
        """The plan of what it is about, without a doubt; None where only everything tells."""
        try:
            for number in _WITNESSES:
                fresh, about = self._plan(about)
                if fresh is None:
                    return None
                doubts = doubts_of(fresh)
                if not doubts:
                    return fresh
                about |= witnesses(doubts, fresh, number)
        except Interrupted:
            raise
        except ReconcilerError:
            # Whatever is wrong, a complete read says it better.
            pass
        return None

    def _plan(self, about: About) -> tuple[Planned | None, About]:
        """The plan of what it is about, with all that this led to; None where everything must be read."""
        for _ in range(_ROUNDS):
            live = self._read(about)
            if live is None:
                break
            more = about
            for state in _compared(self.states):
                more = met(more, live, state)
            if more == about:
                fresh = planned(self.states, live, self.options, self.saved, about)
                return (None if self._lets_go(fresh) else fresh), about
            about = more
        return None, about

    def _lets_go(self, fresh: Planned) -> bool:
        """Whether the whole plan may end somebody's access whom no file lists, and all that hangs on it."""
        unlisted = fresh.pairing.unlisted - fresh.desired.departed.keys()
        return self.states.target.policy.never_listed != "keep" and any(a.kind == "user" for a in unlisted)

    def _read(self, about: About) -> LiveState | None:
        """What is live of it; None where everything must be read."""
        provider, compared = self.states.target.provider, _compared(self.states)
        out_of_reach = any(
            excludes(about, state, policy) for state in compared for policy in self.states.policies
        )
        if out_of_reach or not isinstance(provider, Selective):
            return None
        asked = about.asked(compared[0])
        for state in compared[1:]:
            also = about.asked(state)
            users, with_groups = asked.users | also.users, asked.with_groups | also.with_groups
            asked = replace(asked, users=users, with_groups=with_groups)
        live = provider.read_some(self.reader, asked, part_of(self.states, about).need)
        refers = live and any(each.refers for each in (live.definitions or {}).values())
        return None if refers and self.saved is None else live


@dataclass(frozen=True, slots=True)
class _Once:
    """A transport that reads each thing once, and remembers it: a part grows round by round."""

    reader: Reader
    answers: dict[object, Response] = field(default_factory=dict)

    def send(self, request: Request) -> Response:
        """The answer to a GET."""
        asked = (request.path, tuple(sorted(request.query.items())), request.key)
        if asked not in self.answers:
            self.answers[asked] = self.reader.get(request.path, request.query, key=request.key)
        return self.answers[asked]

"""Read what a reviewed plan is about and what its guards need, in place of everything.

A part only ever lets through. Where it finds anything in the way (a reviewed change that no longer holds, a
guard that refuses, somebody of whom too little is known), everything is read, and that decides.
"""

from dataclasses import dataclass, field, replace

from reconciler.errors import Interrupted, ReconcilerError
from reconciler.plan import Plan
from reconciler.planning.about import About, cut, doubted, for_a_part, met, of_plan, witnesses
from reconciler.planning.plan import Planned
from reconciler.planning.recheck import recheck
from reconciler.providers.base import Selective
from reconciler.target.session import Session
from reconciler.transport.messages import Reader, Request, Response
from reconciler.workflow.options import Options
from reconciler.workflow.plans import planned
from reconciler.workflow.revisions import Revisions

_WITNESSES = (1, 4)
"""How many people are looked for, in turn, who prove a doubt unfounded."""
_ROUNDS = 4
"""How often a read may lead to somebody else to be read."""


def read_for(saved: Plan, states: Revisions, session: Session, options: Options) -> Planned | None:
    """The fresh plan of what a saved one is about; None where everything must be read."""
    about = of_plan(saved, states.desired, states.target.policy)
    if options.read == "everything" or about is None:
        return None
    part = _Part(saved, states, Reader(_Once(session.reader), session.keys), options)
    try:
        for number in (*_WITNESSES, 0):
            fresh, about = part.plan(about)
            if fresh is None:
                return None
            doubts = doubted(recheck(saved, fresh).changes, fresh, saved)
            if not doubts:
                return fresh
            about |= witnesses(doubts, fresh, number)
    except Interrupted:
        raise
    except ReconcilerError:
        # Whatever is wrong, a complete read says it better.
        pass
    return None


@dataclass(frozen=True, slots=True)
class _Part:
    """Plans over a part of what is live."""

    saved: Plan
    states: Revisions
    reader: Reader
    options: Options

    def plan(self, about: About) -> tuple[Planned | None, About]:
        """The plan of what it is about, with all that this led to; None where everything must be read."""
        provider, desired = self.states.target.provider, self.states.desired
        for _ in range(_ROUNDS):
            states = self._cut(about)
            asked = about.asked(desired)
            live = (
                provider.read_some(self.reader, asked, states.need)
                if isinstance(provider, Selective)
                else None
            )
            if live is None:
                break
            more = met(about, live, desired)
            if more == about:
                return planned(states, live, self.options, self.saved), about
            about = more
        return None, about

    def _cut(self, about: About) -> Revisions:
        """The files cut to what it is about, under the settings for that alone."""
        target = self.states.target
        policy = for_a_part(target.policy, self.saved.intended.changes)
        target = replace(target, policy=policy, own_policy=None)
        return replace(self.states, target=target, desired=cut(self.states.desired, about))


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

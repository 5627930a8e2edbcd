"""Tell a system's own log what an apply did: after the journal, and never in its place."""

from functools import partial

from reconciler.errors import ReconcilerError
from reconciler.journal import Journal
from reconciler.operations import resolve
from reconciler.providers.base import Logging, Provider
from reconciler.report import Report
from reconciler.transport.messages import Transport


def tell_its_log(provider: Provider, transport: Transport, report: Report, journal: Journal) -> str:
    """Tell it, where there is one and the target asks for that; returns why it could not be told, or "".

    Nothing is sent twice: a line too few is said here, and one that stands there twice would mislead.
    """
    if not isinstance(provider, Logging):
        return ""
    try:
        for operation in provider.log(report):
            request = resolve(operation, {})
            note = partial(journal.write, method=request.method, path=request.path)
            note("intent", detail=operation.summary)
            response = transport.send(request)
            note("result", status=response.status)
            answer = provider.receive(operation, response)
            if answer.verdict != "done":
                return answer.message
    except ReconcilerError as error:
        return str(error)
    return ""

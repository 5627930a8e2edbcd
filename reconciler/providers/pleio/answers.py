"""What a site answers, as verdicts and as one line for people."""

from collections.abc import Mapping

from reconciler.errors import NotAccepted, Refused
from reconciler.operations import Operation, is_id
from reconciler.providers.base import Answer, Verdict
from reconciler.transport.messages import Response

_LONGEST = 300
_SERVER = 500
_VERDICTS: Mapping[int, Verdict] = {401: "credential", 403: "credential", 404: "refused", 429: "busy"}


def refusal(method: str, path: str, response: Response) -> Refused:
    """The error for an answer that is none of success, with the site's own words."""
    said = words(response)
    message = f"{method} {path} was answered {response.status}{f': {said}' if said else ''}"
    # A wrong token gets 403 from every endpoint; nothing else does (server source, validate_token).
    if _VERDICTS.get(response.status) == "credential":
        return NotAccepted(message, response.status, said)
    return Refused(message, response.status, said)


def words(response: Response) -> str:
    """What the site says of a refusal; empty for a bare one."""
    body = response.json if isinstance(response.json, Mapping) else {}
    found = body.get("pretty_error") or body.get("error")
    return found[:_LONGEST] if isinstance(found, str) else ""


def receive(operation: Operation, response: Response) -> Answer:
    """Understand the answer to one write."""
    if response.ok:
        return _success(operation, response)
    shown = "".join(f"/{part}" if isinstance(part, str) else f"/{{{part.to}}}" for part in operation.path)
    message = str(refusal(operation.method, shown, response))
    body = response.json if isinstance(response.json, Mapping) else {}
    if body.get("error") == "could_not_create":
        return Answer("exists", message=message)
    # Much that goes wrong is a bare 500: whether it took place must be read.
    otherwise: Verdict = "unsure" if response.status >= _SERVER else "refused"
    return Answer(_VERDICTS.get(response.status, otherwise), message=message)


def _success(operation: Operation, response: Response) -> Answer:
    if operation.method == "DELETE" or operation.path != ("users",):
        return Answer("done")
    user = response.json.get("user") if isinstance(response.json, Mapping) else None
    guid = user.get("guid") if isinstance(user, Mapping) else None
    if not is_id(guid):
        return Answer(
            "unsure", message=f"{operation.summary}: answered {response.status}, but without a guid"
        )
    return Answer("done", {operation.covers[0].address: guid})

"""Who is let in: bearer tokens, and a token endpoint for client credentials (RFC 6749 section 4.4)."""

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import unquote_plus

from reconciler.sandbox.scim.answers import Refusal
from reconciler.sandbox.scim.directory import Directory
from reconciler.sandbox.scim.records import Client
from reconciler.transport.messages import Request, Response

TOKEN_PATH = "/oauth2/token"  # noqa: S105 (a path)


class NoToken(Exception):
    """A token that is not given out; ``response`` says why, in OAuth2's own form (RFC 6749 section 5.2)."""

    def __init__(self, status: int, error: str) -> None:
        headers = {"cache-control": "no-store", "content-type": "application/json"}
        if status == HTTPStatus.UNAUTHORIZED:
            headers["www-authenticate"] = 'Basic realm="token"'
        self.response = Response(status, headers, {"error": error})
        super().__init__(error)


@dataclass(slots=True)
class _Issued:
    """A token that was given out: until when it is good, how often it was used, for which scopes."""

    until: float
    scopes: tuple[str, ...]
    uses: int = 0


class Tokens:
    """The tokens of one directory. Those of the endpoint end with the process."""

    def __init__(self, directory: Directory, clock: Callable[[], float]) -> None:
        self._directory = directory
        self._clock = clock
        self._issued: dict[str, _Issued] = {}

    def authenticate(self, request: Request, kind: str) -> str:
        """The token of a request, counted as used; refuses who may not ask for this kind of resource."""
        header = next(
            (value for name, value in request.headers.items() if name.lower() == "authorization"), ""
        )
        scheme, _, token = header.partition(" ")
        if scheme.lower() != "bearer" or not self._good(token):
            self._refuse(known=bool(token))
        self.permit(token, kind)
        return token

    def permit(self, token: str, kind: str) -> None:
        """Refuse a token whose scopes do not hold this kind of resource."""
        issued = self._issued.get(token)
        if issued is not None and issued.scopes and kind and kind.lower() not in issued.scopes:
            raise Refusal(
                HTTPStatus.FORBIDDEN,
                f"The scope {kind.lower()} is required",
                headers={"www-authenticate": 'Bearer error="insufficient_scope"'},
            )

    def _good(self, token: str) -> bool:
        if token in self._directory.tokens:
            return True
        issued = self._issued.get(token)
        if issued is None:
            return False
        issued.uses += 1
        ends_after = self._directory.switches.oauth_ends_after
        return self._clock() < issued.until and not (ends_after and issued.uses > ends_after)

    def _refuse(self, *, known: bool) -> None:
        if known and self._directory.switches.bad_token_403:
            raise Refusal(HTTPStatus.FORBIDDEN, "Invalid bearer token")
        error = ' error="invalid_token"' if known else ""
        raise Refusal(
            HTTPStatus.UNAUTHORIZED,
            "Missing or invalid token",
            headers={"www-authenticate": f'Bearer realm="scim"{error}'},
        )

    def answer(self, request: Request) -> Response:
        """Give out a token, or say why not."""
        try:
            return self._token(request)
        except NoToken as refusal:
            return refusal.response

    def _token(self, request: Request) -> Response:
        if request.method != "POST":
            raise NoToken(HTTPStatus.METHOD_NOT_ALLOWED, "invalid_request")
        form = dict(request.form)
        client = self._client(request, form)
        if len(form) < len(request.form) or "grant_type" not in form:
            raise NoToken(HTTPStatus.BAD_REQUEST, "invalid_request")
        if form["grant_type"] != "client_credentials":
            raise NoToken(HTTPStatus.BAD_REQUEST, "unsupported_grant_type")
        return self._issue(client, tuple(form.get("scope", "").split()))

    def _client(self, request: Request, form: dict[str, str]) -> Client:
        """Who asks, by HTTP Basic or in the form, never both (RFC 6749 section 2.3)."""
        way = self._directory.switches.oauth_auth
        header = next(
            (value for name, value in request.headers.items() if name.lower() == "authorization"), ""
        )
        if header and "client_secret" in form:
            raise NoToken(HTTPStatus.BAD_REQUEST, "invalid_request")
        name, secret = (
            _basic(header) if header else (form.get("client_id", ""), form.get("client_secret", ""))
        )
        client = self._directory.clients.get(name)
        allowed = way in ("both", "basic" if header else "form")
        if client is None or client.secret != secret or not allowed:
            raise NoToken(HTTPStatus.UNAUTHORIZED, "invalid_client")
        return client

    def _issue(self, client: Client, asked: tuple[str, ...]) -> Response:
        switches = self._directory.switches
        if client.scopes and not set(asked) <= set(client.scopes):
            raise NoToken(HTTPStatus.BAD_REQUEST, "invalid_scope")
        granted = asked or client.scopes
        if switches.oauth_scope != "asked":
            granted = granted[:1]
        serial = len(self._issued)
        token = hashlib.sha256(f"token {serial}".encode()).hexdigest()
        self._issued[token] = _Issued(self._clock() + switches.oauth_lifetime, granted)
        body: dict[str, object] = {"access_token": token, "token_type": "Bearer"}
        if switches.oauth_expires_in != "absent":
            life = switches.oauth_lifetime
            body["expires_in"] = life if switches.oauth_expires_in == "number" else str(life)
        if granted and switches.oauth_scope != "unsaid":
            body["scope"] = " ".join(granted)
        headers = {"cache-control": "no-store", "pragma": "no-cache", "content-type": "application/json"}
        return Response(HTTPStatus.OK, headers, body)


def _basic(header: str) -> tuple[str, str]:
    """Name and secret, each encoded as in a form (RFC 6749 section 2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    try:
        name, colon, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (ValueError, binascii.Error):
        name = colon = secret = ""
    if scheme.lower() != "basic" or not colon:
        raise NoToken(HTTPStatus.UNAUTHORIZED, "invalid_client")
    return unquote_plus(name), unquote_plus(secret)

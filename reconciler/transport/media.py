"""The media type of what is sent and asked for, where a kind of system has one of its own."""

from dataclasses import dataclass, replace
from typing import Final

from reconciler.transport.messages import Request, Response, Transport

JSON: Final = "application/json"


def with_media(transport: Transport, media: str) -> Transport:
    """A Transport that sends JSON as this media type, and asks for it; plain JSON it sends anyway."""
    return transport if media == JSON else _WithMedia(transport, media)


@dataclass(frozen=True, slots=True)
class _WithMedia:
    transport: Transport
    media: str

    def send(self, request: Request) -> Response:
        """Send one request; raises what the inner Transport raises."""
        body = {} if request.json is None else {"Content-Type": self.media}
        headers = {"Accept": f"{self.media}, {JSON}", **body, **request.headers}
        return self.transport.send(replace(request, headers=headers))

"""How one site differs from another, where the behaviour of Pleio is doubted or may have moved on."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Switches:
    """The behaviour of one pretend site; a seed sets them by these names."""

    # Requests that the token may make in any 60 seconds; 0 is no limit, as in the server's code.
    requests_per_minute: int = 0
    # Whether any number of people may be created without external_id; else one who has none refuses the next.
    external_id_optional: bool = False
    # Whether every update lets a banned person in again.
    update_unbans: bool = True
    # How many people in a row share one time of creation, as those of an import do.
    made_at_once: int = 1
    # The most people that one page holds, whatever limit asks for; 0 is no maximum, as in the server's code.
    page_cap: int = 0
    # What an update of a guid that nobody has is answered with: a bare 500, or 404.
    unknown_guid: Literal["500", "404"] = "500"
    # Whether a wrong token gets 401 in place of 403.
    bad_token_401: bool = False
    # Whether a creation sends a mail, and an automatic group with a welcome another one.
    mails: bool = True
    # Whether every picture is refused, as one with a virus is.
    refuses_pictures: bool = False
    # Whether the site's log takes nothing.
    refuses_logs: bool = False

"""A pretend system that is neither SCIM nor Omni: a club that takes rows, and works some of them off later.

``GET /all`` shows everything but secrets, and who is in a group. ``POST /rows`` is the one write: a
body of several parts, where ``3.name`` is the field ``name`` of row 3. Each row has its own answer.
What somebody has to see to waits until there were so many reads; what is sent twice is done twice.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.sandbox.pretend import Pretend, Site
from reconciler.transport.messages import BodyPart, Request, Response

KEY = "sandbox"
SECRETS = ("pin", "photo")
SEEN_TO = ("active", "badge", "gone")


class Club:
    """The system. ``slow``: so many reads pass until a row that waits is done; 0 for none.

    ``stops``: what comes after a row that went wrong is not tried.
    """

    def __init__(self, seed: Mapping[str, Any], keep: Path | None = None) -> None:
        self.state: dict[str, Any] = {"slow": 1, "stops": 0, "serial": 0, "things": {}, "queue": []}
        self.state |= {name: seed[name] for name in seed if name in self.state}
        for kind in ("user", "group"):
            for called, fields in seed.get(f"{kind}s", {}).items():
                self._do({"kind": kind, "called": called, **fields})
        self.keep = keep

    def send(self, request: Request) -> Response:
        """Answer one request; what it changed is on the disk before the answer is given."""
        signed = {name.lower(): value for name, value in request.headers.items()}
        if signed.get("authorization") != f"Bearer {KEY}":
            return Response(401, {}, {"words": "who are you?"})
        answer = self._all() if request.method == "GET" else list(self._each(request.multipart))
        if self.keep:
            self.keep.write_text(json.dumps(self.state), encoding="utf-8")
        return Response(200, {}, answer)

    def _all(self) -> object:
        queue, self.state["queue"] = self.state["queue"], []
        for reads, row in queue:
            if reads > 1:
                self.state["queue"].append([reads - 1, row])
            else:
                self._do(row)
        things = {one: _shown(thing) for one, thing in self.state["things"].items()}
        return {"things": things, "queue": [_shown(row) for _, row in self.state["queue"]]}

    def _each(self, parts: Sequence[BodyPart]) -> Iterator[dict[str, str]]:
        rows: dict[str, dict[str, Any]] = {}
        for part in parts:
            number, _, name = part.name.partition(".")
            value = part.content.decode("latin-1") if part.file_name else json.loads(part.content)
            rows.setdefault(number, {})[name] = value
        for row in rows.values():
            if self.state["slow"] and not row.keys().isdisjoint(SEEN_TO):
                self.state["queue"].append([self.state["slow"], row])
                yield {"verdict": "queued"}
                continue
            answer = {"verdict": "there"} if self._is_there(row) else self._do(row)
            yield answer
            if self.state["stops"] and answer["verdict"] != "ok":
                return

    def _is_there(self, row: Mapping[str, Any]) -> bool:
        things = self.state["things"].values()
        return "id" not in row and any(
            (t["kind"], t["called"]) == (row["kind"], row["called"]) for t in things
        )

    def _do(self, row: Mapping[str, Any]) -> dict[str, str]:
        self.state["serial"] += 1
        things: dict[str, Any] = self.state["things"]
        one = row.get("id", f"{row.get('kind', '')[:1]}{self.state['serial']}")
        if "id" not in row:
            things[one] = dict(row)
        elif one not in things:
            return {"verdict": "unknown"}
        elif "gone" in row:
            del things[one]
        else:
            things[one] |= {name: value for name, value in row.items() if name != "id"}
        return {"verdict": "ok", "id": one}


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in SECRETS}


def opened(seed: Path, state: Path | None) -> Pretend:
    known = state if state and state.exists() else seed
    club = Club(json.loads(known.read_text(encoding="utf-8")), state)
    return Pretend(club, {"word": KEY}, {"word": KEY}, "", club.state.update, Site())

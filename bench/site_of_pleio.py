"""A Pleio site and its list, of which one person in a hundred differs: what a night asks of the site."""

import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path

from reconciler import workflow
from reconciler.report import Mandate
from reconciler.sandbox.pleio.instance import PretendPleio
from reconciler.sandbox.pleio.site import TOKEN, PleioSite
from reconciler.target.session import Session
from reconciler.target.settings import Target, load_targets
from reconciler.transport.auth import Secret, bearer
from reconciler.transport.messages import Request, Response

TARGET = """\
kind: pleio
url: https://acme.pleio.nl
keys: [{env: API_SECRET}]
match: [external_id]
sources: [{type: csv, path: users.csv, like: pleio}]
"""
ONE_IN = 100
PAGE = 500


class Counted:
    """The site, and how many requests it got."""

    def __init__(self, site: PleioSite) -> None:
        self._site = PretendPleio(site)
        self.methods: Counter[str] = Counter()

    def send(self, request: Request) -> Response:
        """Pass one request on."""
        self.methods["read" if request.method == "GET" else "write"] += 1
        return self._site.send(request)

    def take(self) -> Counter[str]:
        """What was counted since the last time."""
        taken, self.methods = self.methods, Counter()
        return taken


def night(folder: Path, size: str) -> dict[str, int]:
    """Plan, apply, and make sure that nothing is left; the requests of each step."""
    target, site = _made(folder, int(size))
    counted = Counted(site)
    session = Session(bearer(counted, Secret(TOKEN)), threading.Event(), lambda _: None)
    proposal = workflow.propose(target, session)
    planned = counted.take()
    report = workflow.apply(target, session, proposal, Mandate("bench", proposal.plan.digest))
    applied = counted.take()
    assert report.complete, report.counts
    assert not workflow.plan(target, session).plan.changes
    found = {"reads": planned["read"], "writes": applied["write"], "read_back": applied["read"]}
    return found | {f"least_{what}": number for what, number in least(int(size)).items()}


def _made(folder: Path, size: int) -> tuple[Target, PleioSite]:
    """The list and its target on disk, and the site as it is before."""
    (folder / "acme").mkdir(parents=True)
    (folder / "acme" / "target.yaml").write_text(TARGET, encoding="utf-8")
    site = PleioSite.from_seed({"profile_fields": ["phone"]})
    rows = ["external_id,name,email,profile.phone"]
    for number in range(size):
        email = f"p{number}@acme.nl"
        site.add(f"P{number}", email, f"N{number}").profile["phone"] = "06"
        rows.append(f"N{number},{'Q' if number % ONE_IN == 0 else 'P'}{number},{email},06")
    (folder / "acme" / "users.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (target,) = load_targets(folder)
    return replace(target, journal=folder.parent / "runs"), site


def least(size: int) -> dict[str, int]:
    """The least requests: each page begins with the last one of the page before, and the last is short."""
    pages = -(-(size - 1) // (PAGE - 1))
    return {"reads": max(pages, 2), "writes": -(-size // ONE_IN)}

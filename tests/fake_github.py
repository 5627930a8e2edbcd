"""A small GitHub: the endpoints that are used, behind a real socket, with a state that tests can look at."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

REPOSITORY = "acme/access"
TOKEN = "ghs_a-token-that-opens-nothing"
BOT = "github-actions[bot]"
Row = dict[str, Any]


@dataclass(frozen=True)
class Fail:
    """How a request fails. ``lost``: it is carried out first, and the connection closed without an answer."""

    status: int = 502
    headers: dict[str, str] = field(default_factory=dict)
    said: str = "not now"
    lost: bool = False


@dataclass
class FakeGitHub:
    """``pulls``, ``comments``, ``issues``, ``artifacts`` and ``runs`` are rows as the API shows them.

    ``fails`` is what becomes of the next requests, None for an answer; ``asked`` is
    what was asked, ``headers`` those of the last request. ``author`` is whom the
    token writes as, and ``may_label`` whether it may set labels. ``reviews`` and
    ``commits`` are by pull request, ``edited`` when its text was edited last, ``editors`` by whom.
    ``attempts`` are the jobs of this run's earlier attempts. ``rights``
    says what an account may do. ``answers`` are given in place of its own, by method and
    path. A minute passes with everything that is written.
    """

    pulls: dict[int, Row] = field(default_factory=dict)
    comments: list[Row] = field(default_factory=list)
    issues: list[Row] = field(default_factory=list)
    artifacts: list[Row] = field(default_factory=list)
    runs: dict[int, Row] = field(default_factory=dict)
    fails: list[Fail | None] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    author: str = BOT
    may_label: bool = True
    reviews: dict[int, list[Row]] = field(default_factory=dict)
    commits: dict[int, list[Row]] = field(default_factory=dict)
    activity: list[Row] = field(default_factory=list)
    rights: dict[str, str] = field(default_factory=lambda: {"ada": "write", "bob": "write", "carl": "admin"})
    edited: dict[int, str] = field(default_factory=dict)
    editors: dict[int, list[str]] = field(default_factory=dict)
    attempts: list[Row] = field(default_factory=list)
    answers: dict[str, tuple[int, Any]] = field(default_factory=dict)
    url: str = ""
    _last: int = 100

    def new_id(self) -> int:
        """A number that nothing has yet; later ones are larger."""
        self._last += 1
        return self._last

    def now(self) -> str:
        """A minute after the last time that anybody asked."""
        minute = self.new_id()
        return f"2026-01-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00Z"

    def add_pull(self, number: int, head: str, body: str = "", author: str = "ada") -> Row:
        """Open a pull request: somebody pushes a commit of theirs to a branch."""
        row = {
            "number": number,
            "body": body,
            "head": {"sha": "", "ref": f"pull-{number}"},
            "user": a_user(author),
            "merge_commit_sha": None,
            "merged_at": None,
        }
        self.pulls[number] = row
        self.push(number, head, author)
        return row

    def push(self, number: int, head: str, author: str = "ada", *, wrote: str | None = None) -> None:
        """Push a commit to the branch of a pull request; ``wrote`` is whom it names, "" for nobody."""
        self.pulls[number]["head"]["sha"] = head
        named = a_user(author if wrote is None else wrote) if wrote != "" else None
        self.commits.setdefault(number, []).append({"sha": head, "author": named, "committer": named})
        self.pulls[number]["commits"] = len(self.commits[number])
        branch = f"refs/heads/{self.pulls[number]['head']['ref']}"
        self.activity.append({"ref": branch, "after": head, "activity_type": "push", "actor": a_user(author)})

    def edit(self, number: int, body: str, author: str = "ada") -> None:
        """Edit the text of a pull request."""
        self.pulls[number]["body"] = body
        self.edited[number] = self.now()
        self.editors.setdefault(number, []).append(author)

    def review(self, number: int, author: str, state: str = "APPROVED", commit: str = "") -> Row:
        """Review a pull request."""
        row = {
            "id": self.new_id(),
            "user": a_user(author),
            "state": state,
            "commit_id": commit or self.pulls[number]["head"]["sha"],
            "submitted_at": self.now(),
        }
        self.reviews.setdefault(number, []).append(row)
        return row

    def add_comment(self, number: int, body: str, author: str = BOT) -> Row:
        """Write a comment."""
        row = {
            "id": self.new_id(),
            "node_id": f"IC_{self._last}",
            "html_url": f"https://github.com/{REPOSITORY}/pull/{number}#issuecomment-{self._last}",
            "issue": number,
            "user": {"login": author},
            "body": body,
            "updated_at": self.now(),
            "editor": None,
        }
        self.comments.append(row)
        return row

    def add_issue(self, title: str, body: str, *labels: str, author: str = BOT) -> Row:
        """Open an issue."""
        row = {
            "id": self.new_id(),
            "number": self.new_id(),
            "title": title,
            "body": body,
            "labels": [{"name": name} for name in labels],
            "state": "open",
            "user": {"login": author},
        }
        self.issues.append(row)
        return row

    def add_artifact(
        self, name: str, *, event: str = "pull_request_target", path: str = "", packed: bytes = b"PK"
    ) -> int:
        """Have a run keep an artifact; returns the artifact's id."""
        run = self.new_id()
        self.runs[run] = {"id": run, "event": event, "path": path or ".github/workflows/plan.yml@main"}
        self.artifacts.append(
            {
                "id": self.new_id(),
                "packed": packed,
                "name": name,
                "expired": False,
                "created_at": f"2026-01-01T00:{run:05}Z",
                "workflow_run": {"id": run},
            }
        )
        return self._last

    def texts(self, number: int) -> list[str]:
        """The comments of one pull request or issue, the oldest first."""
        return [row["body"] for row in self.comments if row["issue"] == number]

    def answer(self, method: str, path: str, query: dict[str, str], body: Row) -> tuple[int, Any]:
        """What the API answers."""
        if given := self.answers.get(f"{method} {path}"):
            return given
        for pattern, handler in (
            (r"GET /pulls/(\d+)", self._pull),
            (r"GET /commits/([^/]+)/pulls", self._pulls_of),
            (r"GET /actions/artifacts", self._artifacts),
            (r"GET /actions/runs/(\d+)", self._run),
            (r"GET /actions/artifacts/(\d+)/zip", self._point_to),
            (r"GET /pulls/(\d+)/reviews", lambda q, _, n: (200, _page(self.reviews.get(int(n), []), q))),
            (r"GET /pulls/(\d+)/commits", lambda q, _, n: (200, _page(self.commits[int(n)][:250], q))),
            (r"GET /activity", self._activity),
            (
                r"GET /actions/runs/\d+/attempts/\d+/jobs",
                lambda q, _: (200, {"jobs": _page(self.attempts, q)}),
            ),
            (r"GET /collaborators/([^/]+)/permission", self._permission),
            (r"POST /graphql", self._graph),
            (r"GET /issues/(\d+)/comments", self._list_comments),
            (r"POST /issues/(\d+)/comments", self._comment),
            (r"PATCH /issues/comments/(\d+)", self._edit_comment),
            (r"DELETE /issues/comments/(\d+)", self._delete_comment),
            (r"GET /issues", self._list_issues),
            (r"POST /issues", self._open_issue),
            (r"PATCH /issues/(\d+)", self._edit_issue),
        ):
            if match := re.fullmatch(pattern, f"{method} {path}"):
                found: tuple[int, Any] = handler(query, body, *match.groups())
                return found
        return 404, {"message": "Not Found"}

    def _jobs(self, query: dict[str, str], _body: Any) -> tuple[int, Any]:
        return 200, {"jobs": _page(self.attempts, query)}

    def _activity(self, query: dict[str, str], _body: Any) -> tuple[int, Any]:
        return 200, _page([one for one in self.activity if query.get("ref", one["ref"]) == one["ref"]], query)

    def _permission(self, _query: Any, _body: Any, name: str) -> tuple[int, Any]:
        may = self.rights.get(name)
        return (200, {"permission": may}) if may else (404, {"message": "Not Found"})

    def _point_to(self, _query: Any, _body: Any, number: str) -> tuple[int, Any]:
        if int(number) not in {row["id"] for row in self.artifacts}:
            return 404, {"message": "Not Found"}
        return 302, f"{self.url}/kept/{number}?sig=a%2Bb"

    def _graph(self, _query: Any, body: Row) -> tuple[int, Any]:
        asked = body["variables"]
        if "number" in asked:
            at = self.edited.get(asked["number"])
            nodes = [{"editor": {"login": name}} for name in self.editors.get(asked["number"], [])]
            edits = {"totalCount": len(nodes), "nodes": nodes[:100]}
            text = {"lastEditedAt": at, "userContentEdits": edits}
            return 200, {"data": {"repository": {"pullRequest": text}}}
        (row,) = [row for row in self.comments if row["node_id"] == asked["id"]]
        return 200, {"data": {"node": {"editor": row["editor"]}}}

    def _pull(self, _query: Any, _body: Any, number: str) -> tuple[int, Any]:
        row = self.pulls.get(int(number))
        return (200, row) if row else (404, {"message": "Not Found"})

    def _pulls_of(self, query: dict[str, str], _body: Any, commit: str) -> tuple[int, Any]:
        # A commit belongs to every pull request that holds it, merged or not.
        rows = [row for row in self.pulls.values() if commit in (row["merge_commit_sha"], row["head"]["sha"])]
        return 200, _page(rows, query)

    def _artifacts(self, query: dict[str, str], _body: Any) -> tuple[int, Any]:
        rows = [row for row in self.artifacts if row["name"] == query["name"]]
        shown = [{key: value for key, value in row.items() if key != "packed"} for row in rows]
        return 200, {"total_count": len(rows), "artifacts": _page(shown, query)}

    def _run(self, _query: Any, _body: Any, number: str) -> tuple[int, Any]:
        row = self.runs.get(int(number))
        return (200, row) if row else (404, {"message": "Not Found"})

    def _list_comments(self, query: dict[str, str], _body: Any, number: str) -> tuple[int, Any]:
        return 200, _page([row for row in self.comments if row["issue"] == int(number)], query)

    def _comment(self, _query: Any, body: Row, number: str) -> tuple[int, Any]:
        return 201, self.add_comment(int(number), body["body"], self.author)

    def _edit_comment(self, _query: Any, body: Row, number: str) -> tuple[int, Any]:
        (row,) = [row for row in self.comments if row["id"] == int(number)]
        row |= {"body": body["body"], "updated_at": self.now()}
        return 200, row

    def _delete_comment(self, _query: Any, _body: Any, number: str) -> tuple[int, Any]:
        self.comments = [row for row in self.comments if row["id"] != int(number)]
        return 204, None

    def _list_issues(self, query: dict[str, str], _body: Any) -> tuple[int, Any]:
        wanted = [
            row
            for row in self.issues
            if row["state"] == query["state"]
            and query["labels"] in {label["name"] for label in row["labels"]}
        ]
        return 200, _page(wanted, query)

    def _open_issue(self, _query: Any, body: Row) -> tuple[int, Any]:
        labels = body["labels"] if self.may_label else []
        return 201, self.add_issue(body["title"], body["body"], *labels, author=self.author)

    def _edit_issue(self, _query: Any, body: Row, number: str) -> tuple[int, Any]:
        (row,) = [row for row in self.issues if row["number"] == int(number)]
        row.update(body)
        return 200, row


def a_user(name: str) -> Row:
    """An account as the API shows it."""
    return {"login": name, "type": "Bot" if name.endswith("[bot]") else "User"}


class Page(list[Row]):
    """Some rows, and where the next ones begin; 0 at the end."""

    next = 0


def _page(rows: list[Row], query: dict[str, str]) -> Page:
    """A page. Only its Link header tells how to go on: GitHub has pages in some lists, cursors in others."""
    start, size = int(query.get("cursor", "0")), int(query["per_page"])
    page = Page(rows[start : start + size])
    page.next = start + size if start + size < len(rows) else 0
    return page


@contextmanager
def serving() -> Iterator[FakeGitHub]:  # noqa: C901 (the ways in which a request can fail)
    """Serve one on loopback."""
    fake = FakeGitHub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def handle_one(self) -> None:
            size = int(self.headers.get("content-length", "0"))
            body = json.loads(self.rfile.read(size) or "{}")
            parts = urlsplit(self.path)
            path = unquote(parts.path).removeprefix(f"/repos/{REPOSITORY}")
            fake.asked.append(f"{self.command} {path}")
            fake.headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(parts.query))
            fail = fake.fails.pop(0) if fake.fails else None
            headers: dict[str, str] = {}
            found: Any
            if path.startswith("/kept/"):
                self.send_kept(path)
                return
            if fake.headers.get("authorization") != f"Bearer {TOKEN}":
                status, found = 401, {"message": "Bad credentials"}
            elif fail and not fail.lost:
                status, found, headers = fail.status, {"message": fail.said}, fail.headers
            else:
                status, found = fake.answer(self.command, path, query, body)
                rows = found.get("artifacts", found.get("jobs")) if isinstance(found, dict) else found
                if isinstance(rows, Page) and rows.next:
                    onward = urlencode({**query, "cursor": rows.next})
                    headers = {
                        "Link": f'<{fake.url}{parts.path}?page=1>; rel="first", '
                        f'<{fake.url}{parts.path}?{onward}>; rel="next"'
                    }
            if status == 302:
                found, headers = None, {"Location": str(found)}
            if fail and fail.lost:
                self.close_connection = True
                return
            answer = b"" if found is None else json.dumps(found).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def send_kept(self, path: str) -> None:
            """A store beside the API, to which a token must never go."""
            (row,) = [row for row in fake.artifacts if path == f"/kept/{row['id']}"]
            signed = self.path.endswith("?sig=a%2Bb") and "authorization" not in fake.headers
            self.send_response(200 if signed else 403)
            self.send_header("Content-Type", "application/zip")
            self.send_header("Content-Length", str(len(row["packed"])))
            self.end_headers()
            self.wfile.write(row["packed"])

        do_GET = do_POST = do_PATCH = do_DELETE = handle_one  # noqa: N815 (the names http.server looks for)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 (its name in http.server)
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        fake.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield fake
        finally:
            server.shutdown()
            thread.join()

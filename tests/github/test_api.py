"""The REST side of GitHub, against a small one behind a socket."""

import pytest
from clocks import FakeClock
from fake_github import BOT, REPOSITORY, TOKEN, Fail, FakeGitHub

from reconciler.errors import BadAnswer, CredentialRefused, NoAnswer, ReconcilerError, Refused, Unreachable
from reconciler.github import posts
from reconciler.github.api import GitHub, from_environment
from reconciler.github.pulls import pull
from reconciler.transport.messages import Request, Response

MARK = "<!-- ours -->"


# --- what is read


def test_every_request_names_the_version_of_the_interface(fake: FakeGitHub, github: GitHub) -> None:
    fake.add_pull(7, "a" * 40)
    pull(github, 7)
    assert fake.headers["accept"] == "application/vnd.github+json"
    assert fake.headers["x-github-api-version"] == "2022-11-28"


def test_what_graphql_refuses_is_said(fake: FakeGitHub, github: GitHub) -> None:
    for status, answer, said in (
        (200, {"errors": [{"message": "no such field"}], "data": None}, "with 200: no such field"),
        (200, {"data": None}, "with 200: no reason given"),
        (403, {"message": "not for you"}, "with 403: not for you"),
    ):
        fake.answers["POST /graphql"] = (status, answer)
        with pytest.raises(Refused, match=f"POST /graphql {said}"):
            github.graph("query { viewer { login } }")


def test_a_file_is_fetched_from_where_it_is_kept_without_the_token(fake: FakeGitHub, github: GitHub) -> None:
    number = fake.add_artifact("plan-a", packed=b"PK\x00\xff")
    assert github.download(f"/actions/artifacts/{number}/zip") == b"PK\x00\xff"
    fake.artifacts[-1]["packed"] = b""
    with pytest.raises(NoAnswer, match="which answers with 200 and no file"):
        github.download(f"/actions/artifacts/{number}/zip")


def test_a_file_is_not_fetched_from_anywhere(fake: FakeGitHub, github: GitHub) -> None:
    for where in ("http://evil.example/a.zip", "ftp://127.0.0.1/a", "", "/kept/1"):
        fake.answers["GET /actions/artifacts/1/zip"] = (302, where)
        with pytest.raises(BadAnswer, match="with 302 and no JSON"):
            github.download("/actions/artifacts/1/zip")
    with pytest.raises(Refused, match="with 404: Not Found"):
        github.download("/actions/artifacts/2/zip")


# --- comments


def test_a_comment_is_updated_in_place(fake: FakeGitHub, github: GitHub) -> None:
    # A stranger's comment that begins like ours, and so many others that ours is on the second page.
    stranger = fake.add_comment(7, f"{MARK} forged", author="mallory")
    for number in range(110):
        fake.add_comment(7, f"{number}", author="ada")
    posts.comment(github, 7, MARK, f"{MARK}\none")
    assert fake.texts(7)[-1] == f"{MARK}\none"
    posts.comment(github, 7, MARK, f"{MARK}\ntwo")
    assert fake.texts(7)[-1] == f"{MARK}\ntwo"
    assert len(fake.texts(7)) == 112
    assert stranger["body"] == f"{MARK} forged"


def test_a_comment_that_says_it_already_is_left_alone(fake: FakeGitHub, github: GitHub) -> None:
    fake.add_comment(7, f"{MARK}\r\none")
    posts.comment(github, 7, MARK, f"{MARK}\none")
    assert fake.asked == ["GET /issues/7/comments"]


def test_a_comment_by_an_unexpected_author_says_what_to_set(fake: FakeGitHub, github: GitHub) -> None:
    fake.author = "our-app[bot]"
    with pytest.raises(ReconcilerError, match=r"writes as our-app\[bot\].*set RECONCILER_GITHUB_AUTHOR"):
        posts.comment(github, 7, MARK, MARK)


def test_two_comments_of_a_race_become_one(fake: FakeGitHub, github: GitHub) -> None:
    first, _ = fake.add_comment(7, f"{MARK}\none"), fake.add_comment(7, f"{MARK}\none")
    posts.comment(github, 7, MARK, f"{MARK}\ntwo")
    assert fake.comments == [first]
    assert first["body"] == f"{MARK}\ntwo"


def test_two_runs_that_mend_a_race_do_not_stumble_over_each_other(fake: FakeGitHub, github: GitHub) -> None:
    first, _ = fake.add_comment(7, MARK), fake.add_comment(7, MARK)
    # The other run was faster: its comment is gone when ours would be deleted.
    fake.fails = [None, Fail(404)]
    posts.comment(github, 7, MARK, MARK)
    assert first in fake.comments


def test_a_deleted_account_wrote_no_comment_of_ours(fake: FakeGitHub, github: GitHub) -> None:
    fake.add_comment(7, f"{MARK}\none")["user"] = None
    fake.add_comment(7, "")["body"] = None
    posts.comment(github, 7, MARK, f"{MARK}\ntwo")
    assert len(fake.comments) == 3


# --- issues


def test_one_issue_is_opened_updated_and_closed(fake: FakeGitHub, github: GitHub) -> None:
    posts.close_issue(github, "drift", MARK, "gone")
    assert fake.issues == []
    posts.issue(github, "drift", MARK, "Drift", f"{MARK}\none")
    (issue,) = fake.issues
    issue["body"] = f"{MARK}\r\none"
    posts.issue(github, "drift", MARK, "Drift", f"{MARK}\none")
    assert issue["body"] == f"{MARK}\r\none", "the same text is not written again"
    posts.issue(github, "drift", MARK, "Drift of a", f"{MARK}\ntwo")
    assert (issue["title"], issue["body"]) == ("Drift of a", f"{MARK}\ntwo")
    posts.close_issue(github, "drift", MARK, "gone")
    assert (issue["state"], fake.texts(issue["number"])) == ("closed", ["gone"])
    posts.issue(github, "drift", MARK, "Drift", f"{MARK}\nthree")
    assert [row["state"] for row in fake.issues] == ["closed", "open"]


def test_a_new_title_alone_is_written(fake: FakeGitHub, github: GitHub) -> None:
    issue = fake.add_issue("Drift", MARK, "drift")
    posts.issue(github, "drift", MARK, "Drift of a", MARK)
    assert issue["title"] == "Drift of a"


def test_only_our_own_issues_are_touched(fake: FakeGitHub, github: GitHub) -> None:
    stranger = fake.add_issue("Drift", f"{MARK} forged", "drift", author="mallory")
    other = fake.add_issue("Drift of b", "<!-- another -->", "drift")
    pull = fake.add_issue("A pull request", MARK, "drift")
    pull["pull_request"] = {"url": "https://api.github.com/repos/acme/access/pulls/1"}
    before = [dict(row) for row in (stranger, other, pull)]
    posts.issue(github, "drift", MARK, "Drift", f"{MARK}\none")
    posts.close_issue(github, "drift", MARK, "gone")
    assert [stranger, other, pull] == before
    assert fake.issues[-1]["state"] == "closed"


def test_two_issues_of_a_race_become_one(fake: FakeGitHub, github: GitHub) -> None:
    first, second = fake.add_issue("Drift", MARK, "drift"), fake.add_issue("Drift", MARK, "drift")
    posts.issue(github, "drift", MARK, "Drift", MARK)
    assert (first["state"], second["state"], second["state_reason"]) == ("open", "closed", "not_planned")
    assert fake.texts(second["number"]) == [f"See #{first['number']}, which says the same."]


def test_an_issue_that_would_not_be_found_again_is_said(fake: FakeGitHub, github: GitHub) -> None:
    fake.may_label = False
    with pytest.raises(ReconcilerError, match=r"did not get the label drift.*create the label"):
        posts.issue(github, "drift", MARK, "Drift", MARK)


def test_what_is_too_long_is_never_sent(fake: FakeGitHub, github: GitHub) -> None:
    with pytest.raises(ValueError, match="a text of 65549 characters for GitHub, which takes 65536"):
        posts.comment(github, 7, MARK, MARK + "x" * 65_536)
    with pytest.raises(ValueError, match="begins with <!-- ours -->"):
        posts.comment(github, 7, MARK, "x")
    assert fake.asked == []


# --- bad moments


def test_a_bad_moment_passes(fake: FakeGitHub, github: GitHub) -> None:
    fake.add_pull(7, "a" * 40)
    fake.fails = [Fail(502), Fail(429), Fail(503), Fail(lost=True)]
    assert pull(github, 7).number == 7


@pytest.mark.parametrize(
    ("fail", "least", "most"),
    [
        (Fail(429, {"Retry-After": "7"}), 7, 8),
        (Fail(403, {"Retry-After": "7"}), 7, 8),
        (Fail(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800001090"}), 90, 91),
        (Fail(403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1800000000"}), 1, 2),
        (Fail(403, said="You have exceeded a secondary rate limit."), 60, 61),
        (Fail(429), 60, 61),
        (Fail(429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "soon"}), 60, 61),
        (Fail(429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1900000000"}), 600, 601),
    ],
)
def test_a_rate_limit_is_waited_for_as_long_as_it_says(
    fake: FakeGitHub, github: GitHub, clock: FakeClock, fail: Fail, least: float, most: float
) -> None:
    fake.fails = [None, fail]
    posts.comment(github, 7, MARK, MARK)
    assert fake.texts(7) == [MARK]
    assert least <= clock.slept <= most


def test_a_rate_limit_that_stays_is_said(fake: FakeGitHub, github: GitHub, clock: FakeClock) -> None:
    fake.fails = [Fail(403, said="You have exceeded a secondary rate limit.") for _ in range(4)]
    with pytest.raises(
        Refused, match=r"with 429: You have exceeded a secondary rate limit\.; too many requests"
    ):
        pull(github, 7)
    assert clock.slept < 200


@pytest.mark.parametrize("lost", [False, True])
def test_a_comment_whose_answer_got_lost_is_not_written_twice(
    fake: FakeGitHub, github: GitHub, *, lost: bool
) -> None:
    fake.fails = [None, Fail(lost=lost)]
    posts.comment(github, 7, MARK, f"{MARK}\none")
    fake.fails = [None, Fail(lost=lost)]
    posts.comment(github, 7, MARK, f"{MARK}\ntwo")
    assert fake.texts(7) == [f"{MARK}\ntwo"]


@pytest.mark.parametrize("lost", [False, True])
def test_an_issue_whose_answer_got_lost_is_not_opened_twice(
    fake: FakeGitHub, github: GitHub, *, lost: bool
) -> None:
    fake.fails = [None, Fail(lost=lost)]
    posts.issue(github, "drift", MARK, "Drift", MARK)
    (issue,) = fake.issues
    fake.fails = [None, Fail(lost=lost)]
    posts.close_issue(github, "drift", MARK, "gone")
    assert issue["state"] == "closed"
    assert len(fake.texts(issue["number"])) <= 1


def test_a_write_that_never_works_is_given_up(fake: FakeGitHub, github: GitHub) -> None:
    fake.fails = [None, Fail(502)] * 3
    with pytest.raises(NoAnswer, match=r"POST .* with 502: not now; GitHub has a fault"):
        posts.comment(github, 7, MARK, MARK)
    assert fake.asked == ["GET /issues/7/comments", "POST /issues/7/comments"] * 3


def test_what_cannot_be_reached_is_not_tried_again() -> None:
    sent: list[Request] = []

    class Nowhere:
        def send(self, request: Request) -> Response:
            sent.append(request)
            message = "no TLS"
            raise Unreachable(message)

    with pytest.raises(Unreachable):
        posts.comment(GitHub(Nowhere(), REPOSITORY), 7, MARK, MARK)
    assert len(sent) == 1


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (403, "; see that the job has the permissions"),
        (404, "; see that"),
        (410, "; .* issues turned on"),
        (422, "$"),
    ],
)
def test_a_refusal_says_what_to_look_at(fake: FakeGitHub, github: GitHub, status: int, advice: str) -> None:
    fake.fails = [Fail(status)]
    with pytest.raises(Refused, match=f"GET /repos/acme/access/pulls/7 with {status}: not now{advice}"):
        pull(github, 7)


def test_a_token_that_ended_is_said(fake: FakeGitHub) -> None:
    environ = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": "ghs_another", "GITHUB_API_URL": fake.url}
    with pytest.raises(CredentialRefused, match="401: Bad credentials; the token is not accepted") as caught:
        pull(from_environment(environ), 7)
    assert "ghs_another" not in str(caught.value)


def test_an_answer_of_something_else_is_told_from_github() -> None:
    class Portal:
        def send(self, request: Request) -> Response:
            return Response(200, text=f"<h1>Sign in to {request.path}</h1>")

    with pytest.raises(BadAnswer, match="with 200 and no JSON: see that GITHUB_API_URL"):
        pull(GitHub(Portal(), REPOSITORY), 7)


# --- the environment


def test_the_environment_of_a_job(fake: FakeGitHub) -> None:
    fake.add_pull(7, "a" * 40)
    fake.add_comment(7, f"{MARK}\none", author="ada")
    environ = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": f"{fake.url}/"}
    assert pull(from_environment(environ), 7).number == 7
    own = from_environment(environ | {"RECONCILER_GITHUB_AUTHOR": "ada"})
    posts.comment(own, 7, MARK, f"{MARK}\ntwo")
    assert fake.texts(7) == [f"{MARK}\ntwo"]
    assert BOT != "ada"


@pytest.mark.parametrize(("named", "shown"), [("Acme-Bot", "acme-bot"), ("acme-bot", "Acme-Bot")])
def test_the_author_may_be_named_in_any_case(fake: FakeGitHub, named: str, shown: str) -> None:
    fake.author = shown
    environ = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": fake.url}
    own = from_environment(environ | {"RECONCILER_GITHUB_AUTHOR": named})
    for text in ("one", "two"):
        posts.comment(own, 7, MARK, f"{MARK}\n{text}")
    assert fake.texts(7) == [f"{MARK}\ntwo"]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("GITHUB_REPOSITORY", " ", "GITHUB_REPOSITORY is not set; .* owner/name"),
        ("GITHUB_REPOSITORY", "access", "GITHUB_REPOSITORY is 'access': write it as owner/name"),
        ("GITHUB_REPOSITORY", "acme/access/..", "write it as owner/name"),
        ("GITHUB_TOKEN", "", "GITHUB_TOKEN is not set; give it to the step of the workflow"),
        ("GITHUB_TOKEN", "se cret", "GITHUB_TOKEN holds a space"),
        (
            "GITHUB_API_URL",
            "http://u:se%20cret@api.github.com",
            "GITHUB_API_URL does not begin with https://",
        ),
        ("GITHUB_API_URL", "http://localhost.evil.example", "does not begin with https://"),
        ("GITHUB_API_URL", "http://127.0.0.1@evil.example", "does not begin with https://"),
        ("GITHUB_API_URL", "ftp://localhost", "does not begin with https://"),
        ("GITHUB_API_URL", "http://[", "does not begin with https://"),
    ],
)
def test_what_the_environment_lacks_is_named(name: str, value: str, said: str) -> None:
    environ = {"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": TOKEN}
    with pytest.raises(ReconcilerError, match=said) as caught:
        from_environment(environ | {name: value})
    assert "cret" not in str(caught.value)
    assert TOKEN not in str(caught.value)


def test_an_address_that_is_set_to_nothing_is_githubs_own() -> None:
    from_environment({"GITHUB_REPOSITORY": REPOSITORY, "GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": ""})

"""Whatever GitHub answers about the settings: what is not known is said to be so, and nothing stops."""

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from fake_github import REPOSITORY
from fake_settings import (
    NO_RIGHTS,
    NOT_FOUND,
    a_checkout,
    classic,
    well_set,
)
from github_settings import ADMIN, Answers, Stored, amiss, changed, diagnosed, environment, lists
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import CredentialRefused, Interrupted, NoAnswer, Refused
from reconciler.github.api import GitHub
from reconciler.github.settings.checks import diagnose_repository
from reconciler.report import Check
from reconciler.target.settings import load_targets
from reconciler.transport.messages import Request, Response
from reconciler.views.doctor import checks_text


def test_what_a_token_may_not_see_is_unknown_and_fails_nothing(top: Path) -> None:
    answers: Answers = dict.fromkeys(well_set(), NO_RIGHTS) | {"": well_set()[""]}
    found = diagnosed(top, answers, {"x-accepted-github-permissions": "administration=read"})
    assert set(amiss(found).values()) == {"unknown"}
    assert amiss(found).keys() == {
        *("environments", "secrets", "rules", "CODEOWNERS: errors", "issues"),
        *("actions", "actions: token", "actions: approvals", "actions: forks"),
    }
    assert (
        found["actions"].said
        == "not shown: GitHub answers 403: Resource not accessible by personal access token"
    )
    assert found["actions"].todo == f"{ADMIN}, which needs administration=read"


def test_an_older_server_without_some_endpoints_is_asked_for_the_rest(top: Path) -> None:
    answers = well_set()
    answers["/rules/branches/main"] = NOT_FOUND
    answers["/actions/permissions/workflow"].pop("can_approve_pull_request_reviews")
    answers["/actions/permissions/fork-pr-workflows-private-repos"] = NOT_FOUND
    environment(answers, "omni-apply").pop("can_admins_bypass")
    environment(answers, "omni-plan").pop("deployment_branch_policy")
    lists(answers, ("", "main"))
    assert amiss(diagnosed(top, answers)) == dict.fromkeys(
        ("rules", "actions: approvals", "actions: forks", "omni-apply: bypass", "omni-plan: branches"),
        "unknown",
    )


def test_a_public_repository_asks_whether_outsiders_run_what_they_like(top: Path) -> None:
    def public(answers: Answers) -> None:
        answers[""].update(visibility="public")

    assert amiss(changed(top, public)) == {"repository": "failed"}
    policy = {
        "/actions/permissions/fork-pr-contributor-approval": {"approval_policy": "first_time_contributors"}
    }
    found = changed(top, lambda a: (public(a), a.update(policy)))
    assert amiss(found) == {"repository": "failed", "actions: forks": "failed"}


def test_other_answers_are_fine_and_said(top: Path) -> None:
    def other(answers: Answers) -> None:
        answers[""].update(visibility="internal", owner={"login": "ada", "type": "User"})
        answers["/actions/organization-secrets"] = NO_RIGHTS
        answers["/actions/permissions"] = {"enabled": True}
        forks = answers["/actions/permissions/fork-pr-workflows-private-repos"]
        forks["run_workflows_from_fork_pull_requests"] = False

    found = changed(top, other)
    assert amiss(found) == {}
    assert "everybody in the enterprise" in found["repository"].todo
    assert found["actions"].said == "on; it is not said whose are allowed"
    assert found["actions: forks"].said == "run no workflow"


def test_a_list_is_read_to_its_end_and_no_further(top: Path) -> None:
    class Endless(Stored):
        def send(self, request: Request) -> Response:
            if not request.path.endswith("/environments"):
                return super().send(request)
            self.asked.append(request)
            rows = self.answers["/environments"]["environments"]
            other = {"name": "other"}
            if self.answers.get("endless") or request.query["page"] == "1":
                return Response(200, {}, {"environments": [other] * 100})
            return Response(200, {}, {"environments": rows})

    root = top / "desired-state"
    for endless, status in ((False, "ok"), (True, "unknown")):
        stored = Endless(well_set() | {"endless": endless})
        made = diagnose_repository(GitHub(stored, REPOSITORY), root, load_targets(root))
        found = {check.name: check.status for check in made}
        assert found.get("omni-apply: branches", found.get("environments")) == status
        assert len([each for each in stored.asked if each.path.endswith("/environments")]) == (
            50 if endless else 2
        )


@pytest.mark.parametrize("odd", [None, "text", 7, [], {}, [1], {"environments": {}}, {"secrets": None}])
def test_answers_that_are_none_stop_nothing(top: Path, odd: object) -> None:
    for path in well_set():
        if path:
            answers = well_set() | {path: (200, odd)}
            found = diagnosed(top, answers)
            assert found["repository"].status == "ok"
            assert "issues" in found


ODD = st.sampled_from([None, True, 7, -1, "", "text", [], {}, [[]], [{}], {"name": []}, ["text"]]).map(
    deepcopy
)


def places(value: object, so_far: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside of another."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in inside:
        yield (*so_far, key)
        yield from places(inner, (*so_far, key))


@pytest.fixture(scope="module")
def a_top(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_checkout(tmp_path_factory.mktemp("any") / "access")


@given(st.data())
def test_whatever_stands_in_an_answer_stops_nothing(a_top: Path, data: st.DataObject) -> None:
    answers = well_set() | {"/branches/main/protection": classic(), "/orgs/acme": {"plan": {"name": "team"}}}
    rows = answers["/rulesets/7"]["bypass_actors"]
    rows.append({"actor_type": "RepositoryRole", "actor_id": 5})
    answers["/codeowners/errors"]["errors"].append({"line": 1, "kind": "Unknown owner"})
    del answers["/labels/reconciler-drift"]
    for _ in range(data.draw(st.integers(1, 3))):
        # Not the repository as a whole, without which nothing is asked.
        ways = [way for way in places(answers) if way != ("",)]
        *way, last = data.draw(st.sampled_from(ways))
        inside: Any = answers
        for key in way:
            inside = inside[key]
        inside[last] = data.draw(ODD)
    checks = diagnosed(a_top, answers)
    text = checks_text(list(checks.values()), name=REPOSITORY, where="GitHub", width=80)
    assert text.endswith(".\n")


def test_a_line_that_is_dead_later_on_is_a_line(top: Path) -> None:
    found = changed(top, lambda a: a.update({"/environments": NoAnswer("the line is dead")}))
    assert found["environments"] == Check("environments", "unknown", "the line is dead")
    failing = changed(top, lambda a: a.update({"/environments": (502, {"message": "Bad gateway"})}))
    assert failing["environments"] == Check(
        "environments", "unknown", "not shown: GitHub answers 502: Bad gateway"
    )


def test_a_person_who_stops_it_is_no_line(top: Path) -> None:
    with pytest.raises(Interrupted):
        changed(top, lambda a: a.update({"/environments": Interrupted("stopped")}))


@pytest.mark.parametrize(
    ("answer", "kind", "said"),
    [
        (
            (401, {"message": "Bad credentials"}),
            CredentialRefused,
            "401: Bad credentials; the token is not accepted",
        ),
        (
            NOT_FOUND,
            Refused,
            "see that GITHUB_REPOSITORY is its present name, and that the token may read it",
        ),
        ((301, None), Refused, "it answers 301; see that GITHUB_REPOSITORY is its present name"),
        ((503, None), NoAnswer, "GitHub has a fault, so try again later"),
        (NoAnswer("nobody listens"), NoAnswer, "nobody listens"),
    ],
)
def test_without_the_repository_nothing_else_is_asked(
    top: Path, answer: object, kind: type[Exception], said: str
) -> None:
    stored, root = Stored({"": answer}), top / "desired-state"
    with pytest.raises(kind, match=said):
        diagnose_repository(GitHub(stored, REPOSITORY), root, load_targets(root))
    assert len(stored.asked) == 1


def test_a_checkout_without_git_begins_above_the_targets(top: Path) -> None:
    (top / ".git").rmdir()
    assert amiss(diagnosed(top, well_set())) == {}

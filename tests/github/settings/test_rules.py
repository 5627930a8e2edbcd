"""Rulesets, and the older branch protection: what keeps changes from being merged unseen."""

from pathlib import Path

from fake_settings import (
    NOT_FOUND,
    UPGRADE,
    classic,
)
from github_settings import ADMIN, Answers, amiss, changed, only_classic

RULES = (
    "approvals",
    "stale approvals",
    "last push",
    "code owners",
    "checks",
    "up to date",
    "force pushes",
    "deletion",
)


def test_the_older_branch_protection_counts_where_rulesets_are_silent(top: Path) -> None:
    assert amiss(changed(top, lambda a: only_classic(a, classic()))) == {}


def test_names_of_checks_alone_are_an_older_server_s(top: Path) -> None:
    checks = {"strict": True, "contexts": ["Validate", "Plan acme"]}
    found = changed(top, lambda a: only_classic(a, classic(required_status_checks=checks)))
    assert "taken from any source" in found["rules: checks"].said
    found = changed(top, lambda a: only_classic(a, classic(required_status_checks={"contexts": 7})))
    assert "not required: Validate" in found["rules: checks"].said


def test_without_any_rule_each_is_a_line(top: Path) -> None:
    found = changed(top, lambda a: only_classic(a, (404, {"message": "Branch not protected"})))
    assert amiss(found) == dict.fromkeys([f"rules: {name}" for name in RULES], "failed")


def test_who_is_no_administrator_is_not_told_that_there_is_no_rule(top: Path) -> None:
    found = changed(top, lambda a: only_classic(a, NOT_FOUND))
    assert amiss(found) == dict.fromkeys([f"rules: {name}" for name in RULES], "unknown")
    assert all(found[f"rules: {name}"].todo == ADMIN for name in RULES)


def test_a_protection_that_lets_people_pass_names_them(top: Path) -> None:
    reviews = classic()["required_pull_request_reviews"] | {
        "bypass_pull_request_allowances": {
            "users": [{"login": "bob"}],
            "teams": [{"slug": "ops"}],
            "apps": [],
        }
    }
    lax = classic(enforce_admins={"enabled": False}, required_pull_request_reviews=reviews)
    found = changed(top, lambda a: only_classic(a, lax))
    assert amiss(found) == {"rules: bypass": "failed"}
    said = found["rules: bypass"].said
    assert [name in said for name in ("administrators (branch protection)", "bob (b", "ops (b")] == [True] * 3


def test_who_passes_one_of_two_guards_by_passes_neither(top: Path) -> None:
    def both(answers: Answers) -> None:
        rows = answers["/rules/branches/main"]
        rows += [{**row, "ruleset_id": 8} for row in rows]
        answers["/rulesets/8"] = {"name": "lax", "bypass_actors": [{"actor_type": "DeployKey"}]}

    assert amiss(changed(top, both)) == {}


def test_who_may_pass_a_ruleset_by_is_shown_to_administrators_only(top: Path) -> None:
    for change in (lambda a: a["/rulesets/7"].pop("bypass_actors"), lambda a: a.pop("/rulesets/7")):
        found = changed(top, change)
        assert amiss(found) == {"rules: bypass": "unknown"}
        assert found["rules: bypass"].todo == ADMIN


def test_a_plan_without_rules_says_so_once(top: Path) -> None:
    found = changed(top, lambda a: a.update({"/rules/branches/main": UPGRADE}))
    assert amiss(found) == {"rules": "failed"}
    assert "Upgrade to GitHub Pro" in found["rules"].said
    assert "whoever may push changes what is applied" in found["rules"].todo


def test_a_plan_without_environments_says_so_once(top: Path) -> None:
    found = changed(top, lambda a: a.update({"/environments": UPGRADE}))
    assert amiss(found) == {"environments": "failed"}
    assert found["environments"].said.startswith("not available here: Upgrade")


def test_a_plan_without_branch_protection_leaves_the_rulesets(top: Path) -> None:
    found = changed(top, lambda a: only_classic(a, UPGRADE))
    assert amiss(found) == dict.fromkeys([f"rules: {name}" for name in RULES], "failed")

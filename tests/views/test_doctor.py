"""How a doctor's checks and a probe's findings look. UPDATE_GOLDEN=1 writes the expected texts anew."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
from sample_plans import HOSTILE

from reconciler.report import Check, Finding, Probed
from reconciler.views.doctor import checks_json, checks_text, probed_text

GOLDEN = Path(__file__).parent / "golden"


CHECKS = (
    Check("files", "ok", "24 users and 7 groups declared"),
    Check("TLS", "ok", "the certificate verifies"),
    Check(
        "clock",
        "failed",
        "this machine's is 3 min 20 s ahead of the server's",
        "set the clock: certificates and the times in journals need it",
    ),
    Check("key", "failed", f"GET /v1/whoami was answered 400: {HOSTILE}", f"ask {HOSTILE}"),
    Check("openapi.json", "unknown", "not served here"),
)
COMPLETE = Probed(
    findings=(
        Finding("lists_carry_attributes", value=False, how="a list lacked the attribute region"),
        Finding("deactivation", "flag", "after active: false, the user was still listed, as not active"),
        Finding("retry_after", None, "no request of this probe was answered 429"),
    ),
    removed=(),
    remaining=(),
    journal=".reconciler/runs/production-probe-20260102T030405.000000Z.jsonl",
    found_at="2026-01-02T03:04:05Z",
)
PROBED = {
    "complete": COMPLETE,
    "left": replace(
        COMPLETE,
        removed=("group reconciler-probe-0000aaaa (id g1)",),
        remaining=(f"user reconciler-probe-0000bbbb@example.com (id u1): {HOSTILE}",),
        stopped=f"GET /scim/v2/users: {HOSTILE}",
    ),
}
LOOKS = {"piped": (None, False), "80": (80, False), "30": (30, False), "colour": (80, True)}


def check_golden(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("look", LOOKS)
def test_checks_line_up_and_say_what_to_do(look: str) -> None:
    width, color = LOOKS[look]
    text = checks_text(CHECKS, name="production", where="https://acme.omniapp.co", width=width, color=color)
    check_golden(f"doctor.{look}", text)
    if not color:
        assert all(character.isprintable() or character == "\n" for character in text)


@pytest.mark.parametrize("look", LOOKS)
@pytest.mark.parametrize("name", PROBED)
def test_a_probe_says_what_it_found_and_what_is_left(name: str, look: str) -> None:
    width, color = LOOKS[look]
    check_golden(f"probe.{name}.{look}", probed_text(PROBED[name], width=width, color=color))


def test_no_checks_are_said_to_be_none() -> None:
    assert checks_text((), name="t", where="u").endswith("0 checks: none.\n")


def test_programs_get_every_word() -> None:
    document = json.loads(checks_json(CHECKS, target="production", url="https://acme.omniapp.co"))
    assert document["format_version"] == 1
    assert (document["target"], document["url"]) == ("production", "https://acme.omniapp.co")
    assert [row["status"] for row in document["checks"]] == ["ok", "ok", "failed", "failed", "unknown"]
    assert document["checks"][3]["said"].endswith(HOSTILE)
    assert document["checks"][3].keys() == {"name", "status", "said", "todo"}

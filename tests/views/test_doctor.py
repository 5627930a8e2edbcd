"""How a doctor's checks and a probe's findings look. UPDATE_GOLDEN=1 writes the expected texts anew."""

import json
import os
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sample_plans import HOSTILE

from reconciler.views.doctor import Probed, checks_json, checks_text, probed_text

GOLDEN = Path(__file__).parent / "golden"


@dataclass(frozen=True)
class FakeCheck:
    name: str
    status: str
    said: str
    todo: str = ""


@dataclass(frozen=True)
class FakeFinding:
    name: str
    value: str | bool | None
    how: str


@dataclass(frozen=True)
class FakeProbed:
    findings: tuple[FakeFinding, ...] = (
        FakeFinding("lists_carry_attributes", False, "a list lacked the attribute region"),  # noqa: FBT003 (an answer)
        FakeFinding("deactivation", "flag", "after active: false, the user was still listed, as not active"),
        FakeFinding("retry_after", None, "no request of this probe was answered 429"),
    )
    removed: tuple[str, ...] = ()
    left: tuple[str, ...] = ()
    stopped: str = ""
    journal: str = ".reconciler/runs/production-probe-20260102T030405.000000Z.jsonl"


CHECKS = (
    FakeCheck("files", "ok", "24 users and 7 groups declared"),
    FakeCheck("TLS", "ok", "the certificate verifies"),
    FakeCheck(
        "clock",
        "failed",
        "this machine's is 3 min 20 s ahead of the server's",
        "set the clock: certificates and the times in journals need it",
    ),
    FakeCheck("key", "failed", f"GET /v1/whoami was answered 400: {HOSTILE}", f"ask {HOSTILE}"),
    FakeCheck("openapi.json", "unknown", "not served here"),
)
PROBED = {
    "complete": FakeProbed(),
    "left": replace(
        FakeProbed(),
        removed=("group reconciler-probe-0000aaaa (id g1)",),
        left=(f"user reconciler-probe-0000bbbb@example.com (id u1): {HOSTILE}",),
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


def test_the_fakes_are_what_a_view_takes() -> None:
    probed: Probed = PROBED["left"]
    assert probed.left


def test_programs_get_every_word() -> None:
    document = json.loads(checks_json(CHECKS, target="production", url="https://acme.omniapp.co"))
    assert document["format_version"] == 1
    assert (document["target"], document["url"]) == ("production", "https://acme.omniapp.co")
    assert [row["status"] for row in document["checks"]] == ["ok", "ok", "failed", "failed", "unknown"]
    assert document["checks"][3]["said"].endswith(HOSTILE)
    assert document["checks"][3].keys() == {"name", "status", "said", "todo"}

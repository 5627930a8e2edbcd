"""What a doctor finds out about a directory, and what a probe records."""

import threading
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from executing import Notebook
from providers.scim.directories import CROWD, Directory

from reconciler.providers.kind import Reading
from reconciler.providers.registry import KINDS
from reconciler.providers.scim.checks import ScimChecks
from reconciler.providers.scim.probe import ScimProbe
from reconciler.providers.scim.quirks import Quirks
from reconciler.report import Check
from reconciler.transport.messages import Reader, Request

KEPT = set(ScimChecks.quirks)
FEW: dict[str, Any] = {"users": {"a": {}}}


class Connected:
    """What a probe is given."""

    def __init__(self, directory: Directory) -> None:
        self.transport = directory
        self.stop = threading.Event()
        self.wait = lambda _: None
        self.retry_after = lambda: None


def found(switches: Mapping[str, object], seed: Mapping[str, Any] = CROWD) -> dict[str, object]:
    directory = Directory(switches, seed)
    run = ScimProbe().begin(directory.provider, Connected(directory), Notebook([]), "")
    findings = list(run.findings())
    assert {finding.name for finding in findings} == KEPT
    assert directory.writes == []
    return {finding.name: finding.value for finding in findings if finding.value is not None}


@pytest.mark.parametrize(
    ("switches", "seed", "known"),
    [
        ({}, CROWD, {"totals": "whole", "count": True, "filters": True}),
        ({"totals": "page"}, CROWD, {"totals": "page", "count": True, "filters": True}),
        ({"totals": "missing"}, CROWD, {"totals": "page", "count": True, "filters": True}),
        ({"totals": "page"}, FEW, {"count": True, "filters": True}),
        ({"filters": "ignored"}, CROWD, {"totals": "whole", "count": True, "filters": False}),
        ({"filters": "refused_501"}, CROWD, {"totals": "whole", "count": True, "filters": False}),
        ({"ignores_start_index": True, "totals": "page"}, CROWD, {"count": True, "filters": True}),
    ],
)
def test_a_probe_records_what_is_certain(
    switches: Mapping[str, object], seed: Mapping[str, Any], known: Mapping[str, object]
) -> None:
    assert found(switches, seed) == known
    quirks = KINDS["scim"].schema("quirks")["properties"]
    assert known.keys() <= quirks.keys() == KEPT
    Directory({**switches}, seed, Quirks(**known))  # type: ignore[arg-type]


def test_a_count_that_is_refused_is_recorded() -> None:
    directory = Directory({"count_refused": True}, CROWD)
    run = ScimProbe().begin(directory.provider, Connected(directory), Notebook([]), "")
    findings: Iterator[Any] = run.findings()
    assert {one.name: one.value for one in (next(findings), next(findings))} == {
        "totals": None,
        "count": False,
    }


def checked(switches: Mapping[str, object], seed: Mapping[str, Any] = CROWD) -> dict[str, Check]:
    directory = Directory(switches, seed)
    greeted = directory.send(Request("GET", ScimChecks.greeting))
    reading = Reading(1, 120, {}, lambda: 0)
    return {each.name: each for each in ScimChecks().checks(greeted, Reader(directory), reading)}


def test_a_doctor_says_what_a_directory_is_and_can() -> None:
    checks = checked({"patch": "off", "filters": "refused_501", "page_cap": 50})
    assert tuple(checks) == ScimChecks.names
    assert {check.status for check in checks.values()} == {"ok"}
    assert "PATCH no, filters no, ETags yes" in checks["abilities"].said
    assert checks["totals"].said.startswith("they count the whole list")
    assert "120 users counted" in checks["users"].said


def test_a_doctor_says_where_totals_count_the_page_alone_or_nobody_knows() -> None:
    assert checked({"totals": "page"})["totals"].said == "they count the page alone"
    assert checked({"totals": "page"}, FEW)["totals"].status == "unknown"


def test_a_directory_that_describes_nothing_is_taken_as_the_rfc_has_it() -> None:
    checks = checked({"discovery": "missing"})
    assert "the RFC's own schemas hold" in checks["attributes"].said


def test_a_key_that_is_not_let_in_fails_every_check() -> None:
    directory = Directory({"discovery": "credential"})
    directory.inner = directory.sandbox
    greeted = directory.send(Request("GET", ScimChecks.greeting))
    checks = list(ScimChecks().checks(greeted, Reader(directory), Reading(1, 120, {}, lambda: 0)))
    assert {check.status for check in checks} == {"failed", "unknown"}

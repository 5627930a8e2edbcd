"""The page: what it holds, and how it behaves in a browser."""

import html
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browser import CHROMIUM, Page, page
from hypothesis import given, settings
from sample_plans import COMPARED, EVERY_KIND, HOSTILE_NAMES, PLANS, SAMPLES, create_user

from reconciler.plan import Plan
from reconciler.views.html import plan_html

GOLDEN = Path(__file__).parent / "golden"
in_a_browser = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed (apt install chromium)")


@pytest.mark.parametrize("name", SAMPLES)
def test_pages_look_as_they_did(name: str) -> None:
    text = plan_html(SAMPLES[name])
    # Style and script are files of their own; the golden page is what they are about.
    body = re.sub(r"<(style|script)>.*?</\1>", "", text[text.index("<body>") :], flags=re.DOTALL)
    path = GOLDEN / f"{name}.html"
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(body, encoding="utf-8")
    assert body == path.read_text(encoding="utf-8")


class _Tags(HTMLParser):
    """Every tag with its attributes, as a browser would find them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: set[tuple[str, str]] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {(tag, name) for name, _ in attrs} | {(tag, "")}


OVERRIDABLE = replace(COMPARED, violations=COMPARED.violations[:1])
OWN = _Tags(plan_html(COMPARED)).found | _Tags(plan_html(OVERRIDABLE)).found


@given(PLANS)
@settings(max_examples=60)
def test_nothing_of_a_name_becomes_part_of_the_page(plan: Plan) -> None:
    text = plan_html(plan)
    assert _Tags(text).found <= OWN
    assert text.count("<script>") == text.count("<style>") == 1
    assert all(char.isprintable() or char in "\n\u3000" for char in text)


def test_all_texts_stand_there_escaped() -> None:
    text = plan_html(HOSTILE_NAMES)
    assert "<script>alert" not in text
    assert html.escape("<script>alert(1)</script>") in text


def test_the_policy_lets_nothing_else_run_or_load() -> None:
    policy = re.findall(r'Content-Security-Policy" content="([^"]*)"', plan_html(EVERY_KIND))[0]
    parts = dict(part.strip().split(" ", 1) for part in html.unescape(policy).split(";"))
    assert parts.pop("default-src") == parts.pop("base-uri") == parts.pop("form-action") == "'none'"
    assert parts.keys() == {"style-src", "script-src"}
    assert all(re.fullmatch(r"'sha256-[A-Za-z0-9+/=]+'", part) for part in parts.values())
    assert not re.search(r"https?://(?!acme)", plan_html(EVERY_KIND))


def test_the_override_is_that_of_the_part_to_be_applied() -> None:
    assert f"Reconciler-Allow: production=5 digest={OVERRIDABLE.removals_digest[:12]}" in plan_html(
        OVERRIDABLE
    )
    assert "Reconciler-Allow" not in plan_html(COMPARED)


def large() -> Plan:
    fields = EVERY_KIND.changes[5].fields  # type: ignore[union-attr]
    people = (create_user(f"u{n}@acme.com", *fields, line=n) for n in range(10_000))
    return replace(COMPARED, changes=(*COMPARED.changes, *people))


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with page() as one:
        yield one


@pytest.fixture
def opened(browser: Page, tmp_path: Path) -> Iterator[Page]:
    browser.said.clear()
    path = tmp_path / "plan.html"
    path.write_text(plan_html(COMPARED), encoding="utf-8")
    browser.open(path)
    yield browser
    assert browser.said == []


SHOWN = "document.getElementById('shown').textContent"


@in_a_browser
def test_the_filter_narrows_and_escape_gives_all_back(opened: Page) -> None:
    assert opened.run(SHOWN) == "14 of 14"
    opened.press("/", "/")
    assert opened.run("document.activeElement.id") == "filter"
    for letter in "ada delete":
        opened.press(letter, letter)
    opened.wait(f"{SHOWN} === '1 of 14'")
    visible = "[...document.querySelectorAll('#objects article:not([hidden]) .name')].map(e => e.textContent)"
    assert opened.run(visible)[0] == "group/Old Desk"
    opened.press("Escape")
    opened.wait(f"{SHOWN} === '14 of 14'")


@in_a_browser
def test_only_what_takes_away(opened: Page) -> None:
    opened.run("document.getElementById('removals').click()")
    assert opened.run(SHOWN) == "8 of 14"
    opened.run("document.getElementById('by-person').click()")
    assert opened.run(SHOWN) == "10 of 25"


@in_a_browser
def test_the_tabs_answer_the_arrow_keys(opened: Page) -> None:
    opened.run("document.getElementById('by-object').focus()")
    opened.press("ArrowRight")
    assert opened.run("document.activeElement.id") == "by-person"
    assert opened.run("document.getElementById('objects').hidden") is True
    assert opened.run("document.querySelector('#people .name').textContent") == "ada@acme.com"
    opened.press("ArrowLeft")
    assert opened.run("document.getElementById('people').hidden") is True


@in_a_browser
def test_a_phone_shows_why_each_line_is_there(opened: Page) -> None:
    opened.call("Emulation.setDeviceMetricsOverride", width=390, height=900, deviceScaleFactor=1, mobile=True)
    try:
        hidden = "[...document.querySelectorAll('#objects td.why')].filter(e => !e.getClientRects().length)"
        assert opened.run(f"{hidden}.length") == 0
        squeezed = "[...document.querySelectorAll('tbody tr')].filter(e => e.getClientRects().length"
        squeezed += " && e.offsetWidth < e.closest('article').clientWidth - 2)"
        assert opened.run(f"{squeezed}.length") == 0
        assert opened.run("document.documentElement.scrollWidth <= innerWidth") is True
    finally:
        opened.call("Emulation.clearDeviceMetricsOverride")


@in_a_browser
def test_paper_is_light_and_shows_both_views_under_their_names(opened: Page) -> None:
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    back = "getComputedStyle(document.body).backgroundColor"
    headings = "[...document.querySelectorAll('main h2')].filter(e => e.getClientRects().length).length"
    try:
        opened.call("Emulation.setEmulatedMedia", media="screen", features=dark)
        assert opened.run(back) == "rgb(20, 24, 31)"
        assert opened.run(headings) == 0
        opened.call("Emulation.setEmulatedMedia", media="print", features=dark)
        assert opened.run(back) == "rgb(255, 255, 255)"
        assert opened.run(headings) == 2
        assert opened.run(
            "[...document.querySelectorAll('main article')].every(e => e.getClientRects().length)"
        )
    finally:
        opened.call("Emulation.setEmulatedMedia", media="", features=[])


@in_a_browser
def test_nothing_found_is_said(opened: Page) -> None:
    opened.run("document.getElementById('filter').focus()")
    opened.press("~", "~~~")
    opened.wait(f"{SHOWN} === '0 of 14'")
    assert opened.run("document.querySelector('#objects .nothing').hidden") is False


@in_a_browser
@pytest.mark.parametrize("name", SAMPLES)
def test_every_page_opens_without_a_word(browser: Page, tmp_path: Path, name: str) -> None:
    browser.said.clear()
    path = tmp_path / "plan.html"
    path.write_text(plan_html(SAMPLES[name]), encoding="utf-8")
    browser.open(path)
    assert browser.run("document.querySelectorAll('script').length") == 1
    assert browser.run("document.querySelectorAll('img, iframe, link, a, object, embed').length") == 0
    assert browser.said == []


@in_a_browser
def test_the_policy_holds_in_the_browser(browser: Page, tmp_path: Path) -> None:
    browser.said.clear()
    path = tmp_path / "plan.html"
    injected = "<script>document.title = 'owned'</script><img src=x onerror=\"document.title = 'owned'\">"
    path.write_text(plan_html(COMPARED).replace("<main>", f"<main>{injected}"), encoding="utf-8")
    browser.open(path)
    assert browser.run("document.title") == "Plan for production"
    assert any("Content Security Policy" in said for said in browser.said)


@in_a_browser
@pytest.mark.usefixtures("uncounted")
def test_ten_thousand_changes_stay_usable(browser: Page, tmp_path: Path) -> None:
    path = tmp_path / "plan.html"
    path.write_text(plan_html(large()), encoding="utf-8")
    browser.open(path)
    assert browser.run(SHOWN) == "10014 of 10014"
    browser.run(
        "filter.value = 'u9999@'; document.getElementById('filter').dispatchEvent(new Event('input'))"
    )
    browser.wait(f"{SHOWN} === '1 of 10014'")

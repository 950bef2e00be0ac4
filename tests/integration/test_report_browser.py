"""The report in a real browser: needs Chromium, and the dependency group ``browser``."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hil.report import html, timeline
from tests.support.rig_failure import a_failure
from tests.support.rig_results import a_night

pytestmark = pytest.mark.browser

A4 = 794
"""Width of a page of that format, in CSS pixels."""
NAMES = ("chromium", "chromium-browser", "google-chrome")
_CONTRAST = """() => {
  const parse = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const light = (rgb) => {
    const [r, g, b] = rgb.map((v) => v / 255).map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || ["SCRIPT", "STYLE", "title", "desc"].includes(element.tagName)) continue;
    const style = getComputedStyle(element);
    const front = parse(element.namespaceURI.endsWith("svg") ? style.fill : style.color).slice(0, 3);
    const [low, high] = [light(front), light(behind(element))].sort((a, b) => a - b);
    const ratio = (high + 0.05) / (low + 0.05);
    if (ratio < 4.5) weak.push(`${ratio.toFixed(2)}: ${element.tagName}.${element.getAttribute("class")}`);
  }
  return [...new Set(weak)];
}"""
"""Texts with less contrast to what is behind them than WCAG 2.1, 1.4.3 asks for."""


@dataclass
class Seen:
    """What a browser said of a page."""

    page: Any
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    timeline.write(a_failure(folder / "failures" / "test_what_is_written_is_read-stick"))
    return html.write(a_night(), folder / "report.html")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = next(filter(None, map(shutil.which, NAMES)), None)
    assert program is not None, f"none of {', '.join(NAMES)} is installed"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield started
        started.close()


def visit(browser: Any, report: Path, width: int, **how: Any) -> Seen:
    page = browser.new_context(viewport={"width": width, "height": 900}, **how).new_page()
    seen = Seen(page)
    page.on("console", lambda message: seen.said.append(message.text))
    page.on("pageerror", lambda error: seen.said.append(str(error)))
    page.on("dialog", lambda dialog: (seen.said.append(dialog.message), dialog.dismiss()))
    page.on("request", lambda request: seen.asked.append(request.url))
    page.goto(report.as_uri())
    return seen


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [400, 1280])
def test_it_is_quiet_alone_readable_and_fits(browser: Any, report: Path, width: int, scheme: str) -> None:
    seen = visit(browser, report, width, color_scheme=scheme)
    assert seen.said == []
    assert seen.asked == [report.as_uri()]
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width
    seen.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
    assert seen.page.evaluate("document.documentElement.scrollWidth") == width
    assert seen.page.evaluate(_CONTRAST) == []


def test_words_of_pictures_stay_in_them_and_do_not_cover_each_other(browser: Any, report: Path) -> None:
    seen = visit(browser, report, 1280)
    assert (
        seen.page.evaluate("""() => {
      const wrong = [];
      for (const svg of document.querySelectorAll("figure svg")) {
        const frame = svg.getBoundingClientRect();
        const texts = [...svg.querySelectorAll("text")].map((text) => [text.textContent, text.getBoundingClientRect()]);
        for (const [words, box] of texts) {
          if (box.left < frame.left - 1 || box.right > frame.right + 1) wrong.push(`outside: ${words}`);
          for (const [others, other] of texts) {
            const apart = box.right <= other.left || other.right <= box.left
              || box.bottom - 3 <= other.top || other.bottom - 3 <= box.top;
            if (words < others && !apart) wrong.push(`${words} covers ${others}`);
          }
        }
      }
      return wrong;
    }""")
        == []
    )


def test_without_scripts_all_is_there(browser: Any, report: Path) -> None:
    seen = visit(browser, report, 1280, java_script_enabled=False)
    assert seen.page.locator("article.card.failed").count() == 3
    assert seen.page.locator("figure svg").count() > 5
    assert not seen.page.locator("button.copy").first.is_visible()
    details = seen.page.locator("details").first
    details.locator("summary").click()
    assert details.locator("table").is_visible()


def test_a_link_into_a_closed_part_opens_it(browser: Any, report: Path) -> None:
    seen = visit(browser, report, 1280)
    seen.page.get_by_role("link", name="uart", exact=True).click()
    assert seen.page.locator("#all-2 table").is_visible()


def test_on_paper_everything_is_open_dark_on_white_and_fits(browser: Any, report: Path) -> None:
    seen = visit(browser, report, A4, color_scheme="dark")
    seen.page.emulate_media(media="print")
    seen.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert seen.page.locator("details:not([open])").count() == 0
    assert seen.page.evaluate("document.documentElement.scrollWidth") == A4
    assert seen.page.evaluate(_CONTRAST) == []
    seen.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert seen.page.locator("details[open]").count() == 0

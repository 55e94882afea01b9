"""The documents in a real browser: no errors, no requests, no sideways scrolling, dark mode, keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from browser import Browser, Page, chromium, executable

from phift.plan.action import Action
from phift.views.html.plans import plan, plans
from phift.views.html.report import report
from tests.htmlreports import PLAN, REPORT, ROWS, SEVERAL, VALUES, poisoned, resource

pytestmark = pytest.mark.skipif(executable() is None, reason="needs Chromium")

LONG = "x" * 300
NUMEROUS = replace(
    PLAN,
    resources=tuple(
        resource(f"data.{action}{n}", action)
        for action in (Action.CREATE, Action.UPDATE, Action.DELETE)
        for n in range(100)
    ),
)
DOCUMENTS = {
    "plan": plan(PLAN, values=VALUES),
    "several": plans(SEVERAL),
    "large numbers": plan(NUMEROUS),
    "report": report(replace(REPORT, rows=ROWS)),
    "long": report(poisoned(REPORT, LONG)),
    "hostile": report(poisoned(REPORT, "</script><script>throw 1</script><img src=http://x.example/ onerror=throw>")),
}
TAB, RIGHT = 9, 39
CUT = "[...document.querySelectorAll('.counts li')].some(one => one.getBoundingClientRect().right > innerWidth)"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("documents")
    for name, document in DOCUMENTS.items():
        (folder / f"{name}.html").write_text(document, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in DOCUMENTS}


def said(page: Page) -> list[object]:
    return page.events("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_is_quiet_and_fits(
    browser: Browser, files: dict[str, Path], tmp_path: Path, name: str, scheme: str, width: int
) -> None:
    page = browser.page(files[name], width=width, scheme=scheme)
    page.run("document.querySelectorAll('details').forEach(one => { one.open = true })")
    assert page.run("document.scrollingElement.scrollWidth") <= width
    assert page.run(CUT) is False
    page.screenshot(tmp_path / f"{name}-{width}-{scheme}.png", whole=False)
    assert [e["request"]["url"] for e in page.events("Network.requestWillBeSent")] == [files[name].as_uri()]  # type: ignore[index]
    assert said(page) == []
    page.close()


def brightness(page: Page) -> float:
    colour = page.run("getComputedStyle(document.body).backgroundColor")
    return sum(map(int, colour.removeprefix("rgb(").removesuffix(")").split(","))) / 765


def test_dark_and_light_follow_the_system_and_the_button(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.page(files["plan"], width=1280, scheme="dark")
    assert brightness(page) < 0.2
    page.run("document.getElementById('theme').click()")
    assert brightness(page) > 0.9
    assert page.run("document.getElementById('theme').textContent") == "Theme: light"
    page.run("document.getElementById('theme').click()")
    assert brightness(page) < 0.2
    page.close()


def test_every_fold_link_and_region_is_reached_by_tab(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.page(files["plan"], width=1280)
    page.run("document.querySelectorAll('details').forEach(one => { one.open = true })")
    wanted = page.run("document.querySelectorAll('a, button, summary, [tabindex=\"0\"]').length")
    page.run("window.reached = new Set(); document.body.focus()")
    outlines = set()
    for _ in range(wanted):
        page.press("Tab", TAB)
        page.run("reached.add(document.activeElement)")
        outlines.add(page.run("getComputedStyle(document.activeElement).outlineStyle"))
    assert page.run("reached.size") == wanted
    assert page.run("[...reached].every(one => one !== document.body)")
    assert outlines == {"solid"}
    page.close()


def test_a_fold_opens_by_keyboard_and_all_by_a_button(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.page(files["plan"], width=1280)
    closed = "document.querySelectorAll('.list > .res:not([open])').length"
    assert page.run(closed) > 0
    page.run("document.querySelector('.list > .res:not([open]) > summary').focus()")
    before = page.run(closed)
    page.press("Enter", 13)
    page.run("document.activeElement.click()") if page.run(closed) == before else None
    assert page.run(closed) == before - 1
    page.run("document.querySelector('[data-fold=open]').click()")
    assert page.run(closed) == 0
    page.run("document.querySelector('[data-fold=close]').click()")
    assert page.run("document.querySelectorAll('.list > .res[open]').length") == 0
    page.close()


def test_a_chart_is_read_by_arrow_keys(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.page(files["report"], width=1280)
    page.run("document.querySelector('.plot').focus()")
    for _ in range(2):
        page.press("ArrowRight", RIGHT)
    found = page.run("document.querySelector('.readout').textContent").splitlines()
    assert found == ["version 2, step 10: 0.2727", "version 1, step 10: 0.05455"]
    page.press("Escape", 27)
    assert page.run("document.querySelector('.readout').textContent") == ""
    page.close()


def test_print_opens_every_fold(browser: Browser, files: dict[str, Path]) -> None:
    page = browser.page(files["report"], width=1280)
    page.call("Emulation.setEmulatedMedia", media="print")
    folded = "[...document.querySelectorAll('details:not([open])')]"
    assert page.run(f"{folded}.length") > 3
    page.run("window.dispatchEvent(new Event('beforeprint'))")
    assert page.run(f"{folded}.length") == 0
    page.run("window.dispatchEvent(new Event('afterprint'))")
    assert page.run(f"{folded}.length") > 3
    page.close()


def test_the_policy_stops_a_foreign_script(browser: Browser, tmp_path: Path) -> None:
    file = tmp_path / "foreign.html"
    file.write_text(
        DOCUMENTS["plan"].replace("</main>", "<script>window.foreign = 1</script></main>"), encoding="utf-8"
    )
    page = browser.page(file, width=1280)
    assert page.run("typeof window.foreign") == "undefined"
    assert said(page)
    page.close()

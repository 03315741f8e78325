"""What a new user asks the sample report, with the page alone, and how much must be done for the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from docs import sample
from tests.support.slow import slow_but

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

TALL = {1440: 900, 390: 844}
MOST = {1440: 2, 390: 3}
"""Actions by the window's width: a click, a choice in a menu, a screen scrolled."""
IN_VIEW = """part => { const box = part.getBoundingClientRect();
    return box.height > 0 && box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth; }"""


class User:
    """Counts what is done on a page until something is seen."""

    def __init__(self, tab: Page, most: int) -> None:
        self.tab, self.left = tab, most

    def click(self, what: Locator) -> None:
        self._act()
        what.click()

    def choose(self, menu: str, value: str) -> None:
        self._act()
        self.tab.get_by_label(menu, exact=True).select_option(value)

    def sees(self, what: Locator) -> str:
        """Scrolls until it is in view; a panel that is open is scrolled, else the page."""
        while not what.evaluate(IN_VIEW):
            self._act()
            self.tab.evaluate("(document.querySelector('dialog[open]') ?? window).scrollBy(0, 0.9 * innerHeight)")
        return what.inner_text()

    def _act(self) -> None:
        assert self.left, "more actions than asked"
        self.left -= 1


@pytest.fixture(params=slow_but([1440], TALL), ids=str)
def user(request: pytest.FixtureRequest, browser: Browser) -> User:
    context = browser.new_context(viewport={"width": request.param, "height": TALL[request.param]})
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab = context.new_page()
    tab.goto(sample.SAMPLE.as_uri())
    return User(tab, MOST[request.param])


def training(user: User) -> Locator:
    """The line, or card, of training AlexNet."""
    line = user.tab.locator("#c1 .results tr[data-phase=train]", has_text="alexnet")
    if user.tab.viewport_size["width"] < 640:  # on a phone, menus make a long page short
        user.choose("network", "alexnet")
    return line


def test_which_framework_trains_alexnet_fastest_here(user: User) -> None:
    line = training(user)
    assert user.sees(line.locator(".best")) in ("pytorch:eager", "unbeaten: pytorch:eager")


def test_how_sure_that_is(user: User) -> None:
    line = training(user)
    user.click(line.locator("a.workload"))
    panel = user.tab.get_by_role("dialog")
    assert "slower" in user.sees(panel.locator("tr", has_text="verdict").first)


def test_how_sure_all_of_it_is(user: User) -> None:
    assert "verdicts decided" in user.sees(user.tab.locator("#c1 .sentence", has_text="Certainty"))


def test_how_much_memory_training_alexnet_takes(user: User) -> None:
    line = training(user)
    user.click(line.locator("a.workload"))
    panel = user.tab.get_by_role("dialog")
    assert "MB" in user.sees(panel.locator("tr", has_text="memory of a step").first)


def test_how_one_number_is_measured_again(user: User) -> None:
    line = training(user)
    user.click(line.locator("td[data-contestant='jax:jit']"))
    user.click(user.tab.get_by_role("button", name="Copy command"))
    copied = user.tab.evaluate("navigator.clipboard.readText()")
    assert "train-jax:jit]" in copied
    assert "train-pytorch:eager]" in copied


def test_the_first_screen_has_the_sentences_and_ten_workloads(browser: Browser) -> None:
    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    tab.goto(sample.SAMPLE.as_uri())
    assert all(one.evaluate(IN_VIEW) for one in tab.locator("#c1 .sentence").all())
    lines = tab.locator("#c1 .results tr[data-phase]").all()
    assert sum(line.evaluate(IN_VIEW) for line in lines) >= 10

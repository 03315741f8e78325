"""The page in a real browser: it asks for nothing, complains of nothing, and fits the screen."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pandas as pd
import pytest

from reports.format import commands, numbers
from reports.pages import campaign as page
from reports.pages import document
from results.schema.record import Case, Contestant, Record, Status
from results.store.campaigns import StoredCampaign
from results.tables import cases
from tests.support import hostile, large
from tests.support.made_up import LONG, SYSTEM, launches, workload
from tests.support.slow import slow_but

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright isn't installed")
axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-playwright-python isn't installed")


def listen(tab: sync_api.Page) -> tuple[list[str], list[str]]:
    """What the page will complain of, and what it will ask for."""
    heard: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: heard.append(message.text))
    tab.on("pageerror", lambda error: heard.append(str(error)))
    tab.on("dialog", lambda dialog: heard.append(dialog.message))
    tab.on("request", lambda request: asked.append(request.url))
    return heard, asked


@pytest.mark.parametrize("scheme", slow_but(["light"], ["light", "dark"]))
@pytest.mark.parametrize("width", [1440, 390])
def test_it_is_silent_and_fits(
    browser: sync_api.Browser, lively_page: str, tmp_path: Path, width: int, scheme: str
) -> None:
    path = page.write(lively_page, tmp_path / "html")
    tab = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    heard, asked = listen(tab)
    tab.goto(path.as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert tab.title() == "Alpha and Beta on Some CPU @ 2.4 GHz, 2 cores, 22 Nov 2026 – Deadheat"
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate("document.body.scrollWidth") <= width
    assert (
        tab.locator(".matrix td.faster").first.evaluate("cell => getComputedStyle(cell).backgroundColor")
        != "rgba(0, 0, 0, 0)"
    )
    assert heard == []
    assert asked == [path.as_uri()]


@pytest.mark.slow
@pytest.mark.parametrize("width", slow_but([390], [1440, 390]))
@pytest.mark.parametrize("html", ["planted_page", "comparison_page", "history_page", "fleet_page"])
def test_the_other_pages_are_silent_and_fit(
    browser: sync_api.Browser, request: pytest.FixtureRequest, html: str, tmp_path: Path, width: int
) -> None:
    path = document.write(request.getfixturevalue(html), tmp_path / "page.html")
    tab = browser.new_page(viewport={"width": width, "height": 900})
    heard, asked = listen(tab)
    tab.goto(path.as_uri())
    tab.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    assert tab.evaluate("document.body.scrollWidth") <= width
    assert heard == []
    assert [url for url in asked if not url.startswith("data:image/png")] == [path.as_uri()]


@pytest.fixture
def tab(browser: sync_api.Browser, lively_page: str, tmp_path: Path) -> Iterator[sync_api.Page]:
    """The page with everything unfolded; a complaint of the browser is an error."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, accept_downloads=True)
    heard: list[str] = []
    opened = context.new_page()
    opened.on("console", lambda message: heard.append(message.text))
    opened.on("pageerror", lambda error: heard.append(str(error)))
    opened.goto(page.write(lively_page, tmp_path / "html").as_uri())
    opened.evaluate("document.querySelectorAll('details').forEach(details => details.open = true)")
    opened.locator("table.cases").first.scroll_into_view_if_needed()
    opened.locator("table.cases .sort").first.wait_for()
    yield opened
    assert heard == []


def cells(table: sync_api.Locator, column: int) -> list[str]:
    """The texts of a column of the rows that are to be seen."""
    return table.evaluate(
        """(table, column) => [...table.tBodies].flatMap(body => [...body.rows]).filter(row => !row.hidden)
           .map(row => [...row.cells].flatMap(cell => Array(cell.colSpan).fill(cell))[column].innerText.trim())""",
        column,
    )


def test_tables_sort_by_exact_numbers(tab: sync_api.Page) -> None:
    table = tab.locator("table.cases").first
    header = table.locator("thead th", has_text="ms per step")
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "ascending"
    exact = """table => [...table.tBodies[0].rows].filter(row => row.className !== "group")
        .map(row => [...row.cells].flatMap(cell => Array(cell.colSpan).fill(cell))[4].querySelector('data'))
        .map(data => data && parseFloat(data.value))"""
    rising = table.evaluate(exact)
    known = [value for value in rising if value is not None]
    assert known == sorted(known)
    assert len(known) > 2
    assert rising[len(known) :] == [None] * (len(rising) - len(known))  # what was not measured comes last
    header.get_by_role("button").click()
    assert header.get_attribute("aria-sort") == "descending"
    falling = table.evaluate(exact)
    assert falling[: len(known)] == known[::-1]
    assert falling[len(known) :] == rising[len(known) :]
    tab.keyboard.press("Enter")  # the button has the focus: the keyboard does the same
    assert table.evaluate(exact) == rising


@pytest.mark.slow
def test_tables_filter(tab: sync_api.Page) -> None:
    table = tab.locator("table.matrix").first
    tab.locator("table.matrix").first.scroll_into_view_if_needed()
    search = tab.get_by_role("searchbox", name="Filter Verdicts")
    before = cells(table, 0)
    search.fill("train")
    shown = cells(table, 0)
    assert 0 < len(shown) < len(before)
    assert {"infer", "forward"}.isdisjoint(shown)
    assert "rows" in tab.locator(".tools", has=search).locator("output").inner_text()
    search.fill("no such thing")
    assert cells(table, 0) == []
    search.fill("")
    assert cells(table, 0) == before


@pytest.mark.slow
def test_tables_are_copied(tab: sync_api.Page) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    table = tab.locator("table.cases").first
    label = table.locator("xpath=..").get_attribute("aria-label")
    for name, line in (("Markdown", "| --- |"), ("CSV", '","')):
        button = tab.get_by_role("button", name=f"Copy {label} as {name}", exact=True)
        button.click()
        sync_api.expect(button).to_have_text("Copied")
        copied = tab.evaluate("navigator.clipboard.readText()")
        assert line in copied
        title = "Alpha and Beta on Some CPU @ 2.4 GHz, 2 cores, 22 Nov 2026 campaign 2026-11-22-lively"
        heading = [title, "", "Reference: alpha:eager.", ""]
        assert copied.splitlines()[:4] == heading if name == "Markdown" else heading[0] not in copied
        assert ("▲ faster, ▼ slower" in copied.splitlines()[-1]) is (name == "Markdown")
        assert len(copied.strip().splitlines()) == len(cells(table, 0)) + (8 if name == "Markdown" else 1)


def copied_markdown(tab: sync_api.Page, table: str) -> str:
    button = tab.get_by_role("button", name=f"Copy {table} as Markdown", exact=True).first
    button.click()
    sync_api.expect(button).to_have_text("Copied")
    return str(tab.evaluate("navigator.clipboard.readText()"))


@pytest.mark.slow
def test_copied_markdown_says_what_is_chosen_and_has_no_heading_of_what_is_hidden(tab: sync_api.Page) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab.get_by_label("network", exact=True).select_option("vgg-a")
    tab.get_by_label("phase", exact=True).select_option("train")
    tab.get_by_label("reference", exact=True).select_option("beta:jit")
    copied = copied_markdown(tab, "Results")
    assert copied.splitlines()[2] == "Reference: beta:jit. Shown: network vgg-a, phase train."
    assert "Training" in copied
    assert "Inference" not in copied
    assert "alexnet" not in copied
    tab.get_by_label("phase", exact=True).select_option("")
    search = tab.get_by_role("searchbox", name="Filter Verdicts")
    search.scroll_into_view_if_needed()
    search.fill("alexnet")  # which the menus hide
    copied = copied_markdown(tab, "Verdicts")
    assert "Shown: network vgg-a." in copied
    assert "3 × 64 × 64" not in copied, "the heading of a network without a row"
    assert f"long:{LONG}" in copied, "what is cut on the page is whole in a copy"


@pytest.mark.slow
def test_what_hides_rows_says_how_many_are_left_and_leads_back(tab: sync_api.Page) -> None:
    matrix, note = tab.locator("table.matrix"), tab.locator(".shown-note")
    matrix.scroll_into_view_if_needed()
    search = tab.get_by_role("searchbox", name="Filter Verdicts")
    tools = tab.locator(".tools", has=search)
    search.fill("no such thing")
    assert "Nothing found" in tools.locator("output").inner_text()
    tools.get_by_role("button", name="Show all").click()
    assert search.input_value() == ""
    assert tools.locator("output").inner_text() == ""
    lines = matrix.locator("tr[data-phase]:visible")
    assert lines.count() == 8
    tab.get_by_label("network", exact=True).select_option("vgg-a")
    assert "4 of 8 workloads (network vgg-a)" in note.inner_text()
    assert lines.count() == 4
    note.get_by_role("button", name="Show all").click()
    assert lines.count() == 8
    assert note.inner_text() == ""
    assert "network" not in tab.evaluate("location.href")
    assert tab.get_by_label("network", exact=True).input_value() == ""


@pytest.mark.slow
def test_all_that_is_folded_can_be_opened_and_closed_again(
    browser: sync_api.Browser, lively_page: str, tmp_path: Path
) -> None:
    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    tab.goto(page.write(lively_page, tmp_path / "html").as_uri())
    folds, closed = tab.locator("main details"), tab.locator("main details:not([open])")
    before = closed.count()
    assert 0 < before <= folds.count()
    tab.get_by_role("button", name="Open all").click()
    assert closed.count() == 0
    tab.get_by_role("button", name="Close all").click()
    assert closed.count() == before


@pytest.mark.slow
def test_flagged_cases_lead_to_the_flags(tab: sync_api.Page) -> None:
    tab.get_by_role("link", name="flagged cases").first.click()
    flags = tab.locator("h4", has_text="Flags").first
    below = "heading => heading.getBoundingClientRect().top - document.querySelector('.menus').offsetHeight"
    assert 0 <= flags.evaluate(below) < 100
    assert tab.locator(".results a.flag").first.get_attribute("href") in ("#c1-flags", "#c1-parity")


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 390])
def test_the_first_heading_says_what_was_compared_where_and_when(
    browser: sync_api.Browser, lively: StoredCampaign, tmp_path: Path, width: int
) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 844})
    tab.goto(page.write(page.render([lively, lively]), tmp_path / "html").as_uri())
    assert tab.locator("h1").count() == 1
    said = "Alpha and Beta on Some CPU @ 2.4 GHz, 2 cores, 22 Nov 2026"
    assert tab.locator("h1").inner_text().startswith(said)
    assert tab.locator("#c2 h2").inner_text().startswith(said)


def test_results_are_copied_as_data(tab: sync_api.Page, lively: StoredCampaign) -> None:
    tab.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = tab.get_by_role("button", name="Copy Results as CSV", exact=True)
    button.click()
    sync_api.expect(button).to_have_text("Copied")
    copied = pd.read_csv(io.StringIO(tab.evaluate("navigator.clipboard.readText()")))
    expected = cases.cases([lively]).query("peak_probe == '' and status == 'measured' and phase in ['infer', 'train']")
    assert len(copied) == len(expected)
    assert sorted(copied.seconds) == pytest.approx(sorted(expected.seconds), rel=1e-5)
    assert set(copied.verdict.dropna()) == set(expected.verdict) - {""}


@pytest.mark.slow
def test_the_link_of_the_section_that_is_read_is_marked(tab: sync_api.Page) -> None:
    link = tab.locator(".sections a", has_text="Parity").first
    link.click()
    sync_api.expect(link).to_have_attribute("aria-current", "true")
    top = tab.locator(link.get_attribute("href") or "").evaluate("part => part.getBoundingClientRect().top")
    assert 0 <= top < 200, "its heading is in view"


@pytest.mark.slow
def test_on_a_phone_each_workload_is_a_card(browser: sync_api.Browser, lively_page: str, tmp_path: Path) -> None:
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto(page.write(lively_page, tmp_path / "html").as_uri())
    first = tab.locator(".results tr:not(.group) td").first
    assert first.evaluate("cell => getComputedStyle(cell).display") == "grid"
    assert first.evaluate("cell => getComputedStyle(cell, '::before').content") == '"alpha:eager"'


@pytest.mark.slow
def test_figures_are_saved_as_png(tab: sync_api.Page) -> None:
    with tab.expect_download() as download:
        tab.locator("figure .save").first.click()
    assert download.value.suggested_filename.endswith(".png")
    assert Path(download.value.path()).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_another_reference_can_be_chosen(tab: sync_api.Page, lively: StoredCampaign) -> None:
    """Every ratio is then that of results.load with that reference, and back again nothing has changed."""
    matrix = tab.locator("table.matrix").first
    matrix.scroll_into_view_if_needed()
    select = tab.get_by_label("reference", exact=True)
    select.wait_for()
    exact = "table => [...table.querySelectorAll('tbody td')].map(cell => [cell.className, cell.innerText])"
    before = matrix.evaluate(exact)
    names = select.evaluate("select => [...select.options].map(option => option.value)")
    assert names[0] == "", "the campaign's own"
    for name in names[1:]:
        select.select_option(name)
        assert tab.locator(".reference-name").first.inner_text() == (name if len(name) <= 40 else f"{name[:40]}…")
        frame = cases.cases([lively], reference=name).query("peak_probe == '' and status == 'measured'")
        others = frame[frame.contestant != name].ratio.dropna()
        shown = matrix.evaluate(
            """table => [...table.querySelectorAll('td.faster, td.slower, td.dead-heat, td.within, td.unclear')]
               .map(cell => parseFloat(cell.querySelector('data').value))"""
        )
        assert sorted(shown) == pytest.approx(sorted(others))
        assert matrix.locator("td.reference").count() == (frame.contestant == name).sum()
    select.select_option("")
    after = matrix.evaluate(exact)
    assert after == before


@pytest.mark.slow
def test_rows_of_the_matrix_can_be_chosen(tab: sync_api.Page) -> None:
    matrix = tab.locator("table.matrix").first
    matrix.scroll_into_view_if_needed()
    phase = tab.get_by_label("phase", exact=True)
    phase.wait_for()
    seen = """table => [...table.querySelectorAll('tr[data-phase]')].filter(row => row.offsetParent)
        .map(row => row.dataset.phase)"""
    before = matrix.evaluate(seen)
    phase.select_option(label="train")
    assert set(matrix.evaluate(seen)) == {"train"}
    phase.select_option(label="all")
    assert matrix.evaluate(seen) == before


def test_a_choice_acts_on_the_whole_page_and_the_address_keeps_it(tab: sync_api.Page) -> None:
    tab.get_by_label("network", exact=True).select_option("vgg-a")
    tab.get_by_label("phase", exact=True).select_option("train")
    tab.get_by_label("reference", exact=True).select_option("beta:jit")
    assert "network=vgg-a&phase=train&reference=beta%3Ajit" in tab.evaluate("location.href")
    seen = """() => [...document.querySelectorAll("tr[data-phase], tr[data-column], figure[data-part]")]
        .filter(one => one.offsetParent).map(one => {
            const part = one.closest("[data-part]").dataset.part;
            const { network } = JSON.parse(one.closest("article").dataset.menu).parts[part];
            return [one.closest("section")?.id ?? "answer", network, one.dataset.phase ?? "train"];
        })"""
    shown = tab.evaluate(seen)
    assert {tuple(one[1:]) for one in shown} == {("vgg-a", "train")}
    assert {"answer", "c1-verdicts", "c1-times", "c1-use", "c1-first", "c1-parity"} <= {one[0] for one in shown}
    results = tab.locator("table.results")
    texts = "table => [...table.querySelectorAll('td')].map(cell => [cell.className, cell.innerText])"
    before = results.evaluate(texts)
    tab.reload()
    tab.evaluate(UNFOLD)
    assert tab.evaluate(seen) == shown
    assert results.evaluate(texts) == before
    assert tab.get_by_label("reference", exact=True).input_value() == "beta:jit"
    tab.get_by_label("network", exact=True).select_option("")
    assert "network" not in tab.evaluate("location.href")


@pytest.mark.slow
def test_another_reference_changes_the_results_at_the_top(tab: sync_api.Page, lively: StoredCampaign) -> None:
    texts = "table => [...table.querySelectorAll('td, th')].map(cell => [cell.className, cell.innerText.trim()])"
    results = tab.locator("table.results")
    before = results.evaluate(texts)
    choice = tab.get_by_label("reference", exact=True)
    choice.select_option("beta:jit")
    frame = cases.cases([lively], reference="beta:jit").query("peak_probe == '' and phase in ['infer', 'train']")
    ratios = frame[(frame.contestant != "beta:jit") & (frame.status == "measured")].ratio.dropna()
    exact = results.evaluate("table => [...table.querySelectorAll('td data')].map(data => parseFloat(data.value))")
    assert sorted(exact) == pytest.approx(sorted(ratios))
    assert tab.locator(".own-reference").first.is_visible()
    choice.select_option("")
    assert results.evaluate(texts) == before
    assert not tab.locator(".own-reference").first.is_visible()


@pytest.mark.slow
def test_a_workload_opens_with_its_numbers_and_the_command_that_measures_it_again(
    tab: sync_api.Page, lively: StoredCampaign
) -> None:
    frame = cases.cases([lively]).query("peak_probe == '' and architecture == 'alexnet' and phase == 'train'")
    panel = tab.get_by_role("dialog")
    tab.locator(".results tr[data-phase=train] a.workload", has_text="alexnet").click()
    code = panel.locator("code")
    options = ["--suite", "quick"]
    assert code.inner_text() == commands.reproduce(frame.case, options)
    told = panel.inner_text()
    for name in ("ms per step", "memory of a step MB", "cold: train s", "launches", "ratio to alpha:eager"):
        assert name in told
    assert "cold: infer" not in told
    tab.keyboard.press("Escape")
    assert not panel.is_visible()
    assert tab.evaluate("document.activeElement.innerText") == "alexnet"
    tab.locator(".results tr[data-phase=train] td[data-contestant='beta:jit']").first.click()
    pair = [frame.set_index("contestant").case[one] for one in ("alpha:eager", "beta:jit")]
    assert code.inner_text() == commands.reproduce(pair, options)
    assert "with=beta%3Ajit" in tab.evaluate("location.href")
    tab.reload()
    assert panel.locator("code").inner_text() == commands.reproduce(pair, options)
    panel.get_by_role("button", name="Close").click()
    assert "case=" not in tab.evaluate("location.href")


@pytest.mark.slow
def test_the_panel_and_its_command_follow_the_reference_that_is_chosen(
    tab: sync_api.Page, lively: StoredCampaign
) -> None:
    tab.get_by_label("reference", exact=True).select_option("beta:jit")
    tab.locator(".results tr[data-phase=train] td[data-contestant='gamma:graph']").first.click()
    panel = tab.get_by_role("dialog")
    told = panel.inner_text()
    assert "ratio to beta:jit" in told
    frame = cases.cases([lively], reference="beta:jit").query("architecture == 'alexnet' and phase == 'train'")
    (ratio,) = frame[frame.contestant == "gamma:graph"].ratio
    assert f"{ratio:.2f}" in told
    named = frame.set_index("contestant").case
    pair = [named["beta:jit"], named["gamma:graph"]]
    assert panel.locator("code").inner_text() == commands.reproduce(pair, ["--suite", "quick"])
    panel.get_by_label("measure again", exact=True).select_option("")
    assert panel.locator("code").inner_text() == commands.reproduce(frame.case, ["--suite", "quick"])
    assert tab.evaluate("document.activeElement.tagName") == "SELECT"
    assert "with=" not in tab.evaluate("location.href")


@pytest.mark.slow
def test_what_was_not_recorded_has_no_command(tab: sync_api.Page) -> None:
    cell = tab.locator(".matrix td.absent").first
    cell.scroll_into_view_if_needed()
    cell.click()
    nodes = tab.get_by_role("dialog").locator("code").inner_text()
    known = tab.evaluate("""[...document.querySelectorAll("table.cases tr[data-phase]")].map(row => {
        const {parts, contestants} = JSON.parse(row.closest("article").dataset.menu);
        const id = parts[row.closest("[data-part]").dataset.part].id;
        return `test_case[${id}-${row.dataset.phase}-${contestants[row.dataset.column]}]`;
    })""")
    asked = re.findall(r"test_case\[.*?\](?=[\"'])", nodes)
    assert asked
    assert set(asked) <= set(known)


@pytest.mark.slow
def test_a_choice_that_a_page_does_not_have_is_dropped(
    browser: sync_api.Browser, lively_page: str, tmp_path: Path
) -> None:
    path = page.write(lively_page, tmp_path / "html")
    tab = browser.new_page()
    tab.goto(f"{path.as_uri()}?network=gone&precision=float16&reference=nobody&case=x&with=y")
    assert tab.locator(".results tr[data-phase]").first.is_visible()
    assert not re.search("network|precision|reference", tab.evaluate("location.href"))


@pytest.mark.slow
def test_two_campaigns_keep_their_references_and_links_lead_to_the_right_one(
    browser: sync_api.Browser, write_campaign: Callable[..., StoredCampaign], tmp_path: Path
) -> None:
    alpha, beta = (Contestant(name, "e") for name in ("alpha", "beta"))
    stored = [
        write_campaign(campaign_of(pair, 3), name, {**SYSTEM, "reference": pair[0].id})
        for name, pair in (("one", (alpha, beta)), ("two", (beta, alpha)))
    ]
    path = page.write(page.render(stored), tmp_path / "html")
    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    tab.goto(path.as_uri())
    # Those that came when the table is seen would move it under the pointer.
    assert tab.locator("#c2 .tools:has(+ .scroll .results)").count() == 1
    texts = "() => [...document.querySelectorAll('.results td')].map(cell => [cell.className, cell.innerText])"
    before = tab.evaluate(texts)
    choice = tab.get_by_label("reference", exact=True)
    assert choice.locator("option").first.inner_text() == "each campaign's own"
    choice.select_option("beta:e")
    assert tab.evaluate(texts) != before
    choice.select_option("")
    assert tab.evaluate(texts) == before
    tab.locator("#c2 .results a.workload").first.click()
    tab.locator("dialog h2").wait_for()
    link = tab.evaluate("location.href")
    assert "c2" in link
    tab.goto("about:blank")
    tab.goto(link)
    assert tab.locator("dialog a").first.evaluate("link => link.hash").startswith("#c2-")


@pytest.mark.slow
def test_a_mark_of_a_figure_says_its_value_at_the_pointer_and_by_keys(tab: sync_api.Page) -> None:
    figure = tab.locator("#c1-verdicts figure svg").first
    figure.scroll_into_view_if_needed()
    mark = figure.locator("[data-tip]").first
    said = mark.get_attribute("data-tip")
    box = mark.bounding_box()
    tip = tab.locator(".tip")
    assert not tip.is_visible()
    tab.mouse.move(box["x"] - 5, box["y"] + box["height"] / 2)  # near is enough
    assert tip.inner_text() == said
    tab.mouse.move(2, 2)
    assert not tip.is_visible()
    figure.focus()
    seen = []
    for _ in range(3):
        tab.keyboard.press("ArrowDown")
        seen.append(tip.inner_text())
        assert tab.locator(".announced").inner_text() == seen[-1]
    tab.keyboard.press("ArrowUp")
    assert tip.inner_text() == seen[1]
    assert len(set(seen)) == 3
    tab.keyboard.press("Escape")
    assert not tip.is_visible()


def test_figures_follow_the_phase_and_the_network_that_are_chosen(tab: sync_api.Page) -> None:
    faded = """() => [...document.querySelectorAll("svg [data-phase], svg [data-part]")]
        .map(drawn => [drawn.dataset.phase ?? "", drawn.dataset.part ?? "", drawn.classList.contains("faded")])"""
    assert not any(one for _, _, one in tab.evaluate(faded))
    tab.get_by_label("phase", exact=True).select_option("train")
    assert {(phase, one) for phase, _, one in tab.evaluate(faded) if phase} == {
        ("infer", True),
        ("forward", True),
        ("gradient", True),
        ("train", False),
    }
    assert [title.inner_text() for title in tab.locator("#c1-verdicts figcaption:visible").all()] == ["Training"]
    tab.get_by_label("network", exact=True).select_option("vgg-a")
    assert {(part, one) for _, part, one in tab.evaluate(faded) if part} == {("c1-n1", True), ("c1-n2", False)}
    tab.get_by_label("phase", exact=True).select_option("gradient")
    told = "figures => getComputedStyle(figures, '::after').content"
    assert "No figure" in tab.locator("#c1-verdicts .figures").evaluate(told)


def test_on_a_phone_a_menu_leads_to_every_section_from_everywhere(
    browser: sync_api.Browser, lively_page: str, planted_page: str, tmp_path: Path
) -> None:
    for number, html in enumerate((lively_page, planted_page)):
        tab = browser.new_page(viewport={"width": 390, "height": 844})
        tab.goto(document.write(html, tmp_path / str(number) / "page.html").as_uri())
        menu = tab.get_by_label("section", exact=True)
        links = [link.get_attribute("href") for link in tab.locator(".sections a").all()]
        assert menu.locator("option").evaluate_all("options => options.map(option => option.value)") == ["", *links]
        assert menu.bounding_box()["y"] < 844, "on the first screen"
        menu.select_option(links[-1])
        top = tab.locator(links[-1] or "").bounding_box()["y"]
        below = menu.bounding_box()["y"] + menu.bounding_box()["height"]
        assert 0 <= menu.bounding_box()["y"] < 20, "it stays"
        assert below <= top < 844


@pytest.mark.slow
def test_a_bounded_ratio_says_how_sure_it_is_with_any_reference(
    browser: sync_api.Browser, write_campaign: Callable[..., StoredCampaign], tmp_path: Path
) -> None:
    pair = [Case(workload(), Contestant(name, "e")) for name in ("alpha", "beta")]
    records = [record for one in pair for record in launches(one, 0.01, 5, 0.04, one.contestant.id)]
    stored = write_campaign(records)
    percents = [cases.cases([stored], reference=one).within_percent.dropna().item() for one in ("alpha:e", "beta:e")]
    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    tab.goto(page.write(page.render([stored]), tmp_path / "html").as_uri())
    cell = tab.locator(".results td.within data")
    assert cell.inner_text().endswith(f" ({percents[0]:.0f} %)")
    tab.get_by_label("reference", exact=True).select_option("beta:e")
    assert cell.inner_text().endswith(f" ({percents[1]:.0f} %)")
    assert cell.inner_text().startswith("≈ ")


@pytest.mark.slow
def test_on_a_phone_menus_act_on_the_cards(browser: sync_api.Browser, lively_page: str, tmp_path: Path) -> None:
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto(page.write(lively_page, tmp_path / "html").as_uri())
    tab.get_by_label("network", exact=True).select_option("vgg-a")
    seen = "() => [...document.querySelectorAll('.results tr[data-phase]')].filter(row => row.offsetParent).length"
    assert tab.evaluate(seen) == 2
    assert "network vgg-a" in tab.locator(".shown-note").inner_text()


@pytest.mark.slow
@pytest.mark.parametrize(("width", "stays"), [(1440, True), (390, False)])
def test_the_link_of_the_panel_leads_to_figures_that_are_seen(
    browser: sync_api.Browser, lively_page: str, tmp_path: Path, width: int, stays: bool
) -> None:
    tab = browser.new_page(viewport={"width": width, "height": 844})
    tab.goto(page.write(lively_page, tmp_path / "html").as_uri())
    tab.locator(".results a.workload").first.click()
    panel = tab.get_by_role("dialog")
    link = panel.get_by_role("link", name="Figures of this network")
    target = tab.locator(link.evaluate("link => link.hash")).first
    link.click()
    assert panel.is_visible() is stays
    below_menus = "target => target.getBoundingClientRect().top >= document.querySelector('.menus').offsetHeight"
    assert target.evaluate(below_menus)


@pytest.mark.parametrize("ratio", [0.0033, 0.0999, 0.1, 0.784, 1.0, 12.345])
def test_the_script_shortens_a_ratio_as_the_page_does(tab: sync_api.Page, ratio: float) -> None:
    assert float(tab.evaluate("value => brief(value)", ratio)) == float(numbers.ratio(ratio))


@pytest.mark.parametrize("name", ["$HOME `x`", 'a"b', "it's!", "back\\slash", "line\nfeed"])
def test_the_script_quotes_a_command_as_the_tables_do(tab: sync_api.Page, name: str) -> None:
    made = tab.evaluate(
        "name => command({parts: {a: {id: 'net'}}, options: ' --suite quick'}, 'a', 'infer', [name])", name
    )
    assert made == commands.reproduce([f"net-infer-{name}"], ["--suite", "quick"])


PAPER = 703
"""Pixels of the printed part of a page of A4."""
UNFOLD = "document.querySelectorAll('details').forEach(details => details.open = true)"


@pytest.mark.parametrize("scheme", slow_but(["light"], ["light", "dark"]))
@pytest.mark.parametrize("name", slow_but(["planted_page"], ["lively_page", "planted_page"]))
def test_axe_finds_nothing_serious(
    browser: sync_api.Browser, name: str, tmp_path: Path, scheme: str, request: pytest.FixtureRequest
) -> None:
    tab = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    tab.goto(document.write(request.getfixturevalue(name), tmp_path / "page.html").as_uri())
    tab.evaluate(UNFOLD)
    tab.locator(".tools").first.wait_for()
    found = axe.Axe().run(tab).response["violations"]
    told = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
    assert told == []


def test_hostile_names_are_text_and_do_not_turn_other_text(
    browser: sync_api.Browser, write_campaign: Callable[..., StoredCampaign], tmp_path: Path
) -> None:
    """In every text that comes from results: nothing runs, nothing is loaded, all of it is there to be read."""
    html = page.render([write_campaign(hostile.records(), system=hostile.system())])
    tab = browser.new_page(viewport={"width": 390, "height": 900})
    heard, asked = listen(tab)
    path = page.write(html, tmp_path / "html")
    tab.goto(path.as_uri())
    tab.evaluate(UNFOLD)
    tab.locator("table.matrix").scroll_into_view_if_needed()
    tab.get_by_label("reference", exact=True).select_option(index=0)  # the page's script writes names, too
    assert (heard, asked) == ([], [path.as_uri()])
    assert tab.locator("script").count() == 1
    assert tab.locator("img").count() == 0
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    told = tab.evaluate("document.body.textContent")
    for reason in (f"{status}: {hostile.NASTY}" for status in hostile.LOST):
        assert reason in told
    assert LONG in told
    loose = """turned => {
        const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), found = [];
        while (texts.nextNode()) {
            const around = texts.currentNode.parentElement;
            if (!texts.currentNode.data.includes(turned) || around.closest("script")) continue;
            if (getComputedStyle(around).unicodeBidi !== "isolate") found.push(around.outerHTML.slice(0, 200));
        }
        return found;
    }"""
    assert tab.evaluate(loose, "\u202e") == []


ONE, MANY = (Contestant("alpha", "eager"),), tuple(Contestant(f"framework-{n}", "graph") for n in range(40))
LENGTHY = tuple(Contestant(name * 5_000, "e") for name in ("ab", "cd"))


def campaign_of(contestants: Sequence[Contestant], count: int) -> list[Record]:
    """Two phases of a network, so many launches; each contestant takes a tenth longer than the one before."""
    cases = [(workload(phase=phase), one) for phase in ("infer", "train") for one in contestants]
    return [
        record
        for number, (load, one) in enumerate(cases)
        for record in launches(Case(load, one), 0.01 * 1.1 ** (number % len(contestants)), count, 0.001, one.id)
    ]


FACTORS = {"alpha": (1.0, 0.0005), "beta": (0.7, 0.0005), "gamma": (1.0, 0.0005), "delta": (1.6, 0.0005)}
"""Times over the reference's, and the spread of launches."""
FACTORS |= {"epsilon": (1.02, 0.04), "zeta": (1.03, 0.5)}
VERDICTS = {"reference", "faster", "dead-heat", "slower", "within", "unclear"}


def every_verdict() -> list[Record]:
    return [
        record
        for phase in ("infer", "train")
        for name, (factor, noise) in FACTORS.items()
        for record in launches(Case(workload(phase=phase), Contestant(name, "e")), 0.01 * factor, 8, noise, name)
    ]


ODD = {
    "no record": ([], "No contestant was measured"),
    "no measured case": (
        [Record(Case(workload(), one), 0, Status.CRASHED, "signal 11") for one in MANY[:2]],
        "crashed",
    ),
    "one contestant": (campaign_of(ONE, 4), "No contestant was measured in the same blocks as another"),
    "forty contestants": (campaign_of(MANY, 3), "framework-0:graph is unbeaten"),
    "long names": (campaign_of(LENGTHY, 3), "is unbeaten"),
    "stopped after one launch": (campaign_of(MANY[:3], 1), "single draws: do not choose by them"),
    "a verdict of every kind": (every_verdict(), "? unclear"),
}


@pytest.mark.slow
@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("name", slow_but(["stopped after one launch", "a verdict of every kind"], ODD))
def test_a_page_of_an_odd_campaign_makes_sense_first(
    browser: sync_api.Browser, write_campaign: Callable[..., StoredCampaign], tmp_path: Path, name: str, width: int
) -> None:
    records, said = ODD[name]
    path = page.write(page.render([write_campaign(records)]), tmp_path / "html")
    tab = browser.new_page(viewport={"width": width, "height": 900})
    heard, _ = listen(tab)
    tab.goto(path.as_uri())
    assert said in tab.locator(".answer, .matrix").first.inner_text()
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    for link in tab.locator(".results a.workload").all()[:2]:
        link.click()
        panel = tab.get_by_role("dialog")
        assert panel.bounding_box()["width"] <= width
        assert "python -m bench run" in panel.inner_text()
        tab.keyboard.press("Escape")
    assert heard == []


def test_each_kind_of_verdict_is_in_the_results_and_in_the_key(
    browser: sync_api.Browser, write_campaign: Callable[..., StoredCampaign], tmp_path: Path
) -> None:
    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    tab.goto(page.write(page.render([write_campaign(every_verdict())]), tmp_path / "html").as_uri())
    cells = tab.locator(".results tr[data-phase=infer] td[data-contestant]")
    kinds = cells.evaluate_all("cells => cells.map(cell => cell.className)")
    assert set(kinds) == VERDICTS
    shown = cells.evaluate_all("cells => cells.map(cell => cell.querySelector('data')?.innerText ?? '')")
    key = tab.locator(".key.signs")
    assert all(text[0] in key.inner_text() for text in shown if text)
    above = key.bounding_box()["y"] < tab.locator(".results").bounding_box()["y"]
    assert above, "the key stands before what it explains"


@pytest.mark.slow
def test_two_thousand_cases_are_under_5_mb_and_answer(browser: sync_api.Browser, tmp_path: Path) -> None:
    """How long that takes is seen by tests/tools/report_growth.py; here its size, and what is built before it
    answers."""
    campaign = large.write(tmp_path, networks=100, launches=2)
    path = page.write(page.render([campaign]), tmp_path / "html")
    assert path.stat().st_size < 5_000_000
    tab = browser.new_page(viewport={"width": 1440, "height": 900})
    tab.goto(path.as_uri())
    matrix = tab.locator("table.matrix")
    matrix.scroll_into_view_if_needed()
    choice = tab.get_by_label("reference", exact=True)
    choice.wait_for()
    assert matrix.locator("tbody td").count() == 2000
    assert tab.locator(".tools").count() < 5  # those of one table: the others wait until they are looked at
    choice.select_option(label="beta:graph")
    assert matrix.locator("td.reference").count() == 400


@pytest.mark.slow
def test_the_keyboard_goes_everywhere_in_order_and_is_seen(tab: sync_api.Page) -> None:
    tab.locator("table.matrix").first.scroll_into_view_if_needed()  # its menus are made when it is seen
    tab.get_by_label("reference", exact=True).wait_for()
    tab.evaluate("window.scrollTo(0, 0)")
    tab.locator("body").press("Tab")
    seen = """() => {
        const at = document.activeElement, all = [...document.querySelectorAll("*")], style = getComputedStyle(at);
        return [all.indexOf(at), at.tagName, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0];
    }"""
    stops = []
    for _ in range(150):
        stops.append(tab.evaluate(seen))
        tab.keyboard.press("Tab")
    places = [place for place, _, _ in stops]
    assert places == sorted(set(places))
    assert all(shown for _, _, shown in stops)
    assert {"A", "SUMMARY", "SELECT", "BUTTON", "INPUT"} <= {name for _, name, _ in stops}


def test_paper_is_white_and_without_controls(tab: sync_api.Page) -> None:
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not tab.locator(".tools").first.is_visible()
    assert not tab.locator(".save").first.is_visible()
    apart = "body => getComputedStyle(body).breakInside"
    assert tab.locator("table.cases tbody[data-part]").first.evaluate(apart) == "avoid", (
        "a network's rows stay together"
    )


@pytest.mark.slow
def test_no_table_of_a_usual_campaign_is_wider_than_the_paper(
    browser: sync_api.Browser, write_campaign: Callable[..., StoredCampaign], tmp_path: Path
) -> None:
    names = ("pytorch:eager", "tensorflow:graph", "jax:jit", "keras:tensorflow")
    pairs = [
        Case(workload(phase=phase), Contestant(*name.split(":")))
        for phase in ("infer", "forward", "gradient", "train")
        for name in names
    ]
    records = [record for case in pairs for record in launches(case, 0.02, 4, 0.2, case.contestant.id)]
    tab = browser.new_page(viewport={"width": PAPER, "height": 1000})
    tab.goto(page.write(page.render([write_campaign(records)]), tmp_path / "html").as_uri())
    tab.emulate_media(media="print")
    tab.evaluate(UNFOLD)
    wide = """() => [...document.querySelectorAll("table")]
        .filter(table => table.getBoundingClientRect().right > innerWidth)
        .map(table => table.parentElement.ariaLabel)"""
    assert tab.evaluate(wide) == []


@pytest.mark.slow
@pytest.mark.parametrize("wish", ["reduce", "no-preference"])
def test_a_link_jumps_as_what_comes_into_view_on_the_way_would_move_its_target(tab: sync_api.Page, wish: str) -> None:
    tab.emulate_media(reduced_motion=wish)
    assert tab.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"

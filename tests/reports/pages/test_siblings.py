"""Pages of a folder link to each other, whichever is written last; files of others stay as they are."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote

import pytest

from reports.pages import document, siblings
from tests.support.read_page import parse


def page(title: str) -> str:
    """A page with the frame of all pages."""
    return document.document("comparison.html.j2", **EMPTY | {"candidate": title})


EMPTY = {
    "baseline": "before", "candidate": "after", "headline": "nothing", "counts": [], "other_machine": [],
    "warnings": [], "problems": [], "rows": [], "groups": [], "overall": [], "missing": {}, "differences": [],
    "facts": [], "systems": [], "command": "compare", "confidence": "95 %", "band": "2 %", "widest": "25 %",
}  # fmt: skip


def links(path: Path) -> list[str]:
    return [unquote(link) for link in parse(path.read_text()).links if not link.startswith("#")]


def test_each_page_links_to_the_others_whenever_one_is_written(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        document.write(page(name), tmp_path / f"{name}.html")
    assert links(tmp_path / "a.html") == ["b.html", "c.html"]
    assert links(tmp_path / "b.html") == ["a.html", "c.html"]
    assert "Deadheat: c against before" in parse((tmp_path / "a.html").read_text()).text[""]
    before = (tmp_path / "a.html").read_bytes()
    document.write(page("c"), tmp_path / "c.html")
    assert (tmp_path / "a.html").read_bytes() == before


def test_many_pages_are_folded(tmp_path: Path) -> None:
    for number in range(siblings.FEW + 2):
        document.write(page(str(number)), tmp_path / f"{number}.html")
    text = (tmp_path / "0.html").read_text()
    assert f"<summary>{siblings.FEW + 1} other pages</summary>" in text
    assert len(links(tmp_path / "0.html")) == siblings.FEW + 1


def test_files_of_others_are_not_changed_and_not_linked(tmp_path: Path) -> None:
    other = tmp_path / "other.html"
    other.write_text('<title>mine</title><nav class="pages" aria-label="Pages"></nav>')
    (tmp_path / "folder.html").mkdir()
    (tmp_path / "bytes.html").write_bytes(b"\xff\xfe<title>")
    document.write(page("a"), tmp_path / "a.html")
    assert links(tmp_path / "a.html") == []
    assert other.read_text().endswith('Pages"></nav>')


@pytest.mark.parametrize("title", ["<script>alert(1)</script>", "a & b", '"quoted"', "\\1 \\g<0>", "x" * 10_000])
def test_a_title_is_text(tmp_path: Path, title: str) -> None:
    document.write(page(title), tmp_path / "a.html")
    document.write(page("b"), tmp_path / 'odd "name" & more.html')
    reader = parse((tmp_path / 'odd "name" & more.html').read_text())
    assert title[:100] in reader.text[""]
    assert links(tmp_path / "a.html") == ['odd "name" & more.html']

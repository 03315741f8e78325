"""A page in a checkout links to the project's documents; one elsewhere names them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reports.pages import documents

NAMED = 'see <span class="document">docs/method.md</span>, &lt;span class="document"&gt;docs/faq.md'


@pytest.mark.parametrize(
    ("folder", "link"), [("docs", "method.md"), ("reports/html", "../../docs/method.md"), ("", "docs/method.md")]
)
def test_names_are_links_in_a_checkout(folder: str, link: str) -> None:
    made = documents.linked(NAMED, documents.CHECKOUT / folder)
    assert made == NAMED.replace('<span class="document">docs/method.md</span>', f'<a href="{link}">docs/method.md</a>')


def test_a_page_elsewhere_and_a_document_that_is_not_there_have_names_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert documents.linked(NAMED, tmp_path) == NAMED
    monkeypatch.setattr(documents, "CHECKOUT", tmp_path)
    assert documents.linked(NAMED, tmp_path / "html") == NAMED

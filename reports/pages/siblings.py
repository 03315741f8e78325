"""Links between the pages of a folder: each page lists the others, whenever one is written."""

from __future__ import annotations

import contextlib
import html
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup, escape

from impls.files import whole_file

GENERATOR = '<meta name="generator" content="Deadheat">'
TITLE = re.compile(r"<title>(.*?)</title>", re.DOTALL)
LINKS = re.compile(r'<nav class="pages" aria-label="Pages">.*?</nav>', re.DOTALL)
HEAD = 100_000
"""Characters of a page that have its title."""
FEW = 6
"""More links are folded."""
LONGEST = 120


def link(folder: Path) -> None:
    """Write the links to the other pages into every page of the folder; what cannot be changed stays as it is."""
    titles = _titles(folder)
    for path in titles:
        with contextlib.suppress(OSError):
            _write_links(path, {other: title for other, title in titles.items() if other != path})


def _titles(folder: Path) -> dict[Path, str]:
    """The titles of the folder's pages; files of others are left out."""
    found = {}
    for path in sorted(folder.glob("*.html")):
        with contextlib.suppress(OSError), path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(HEAD)
            title = TITLE.search(head)
            if title and GENERATOR in head:
                found[path] = html.unescape(title[1])
    return found


def _write_links(path: Path, others: Mapping[Path, str]) -> None:
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    links = '<nav class="pages" aria-label="Pages">' + _list(others) + "</nav>"
    linked = LINKS.sub(lambda _: links, text, count=1)
    if linked != text:
        with whole_file(path) as file:
            file.write(linked.encode("utf-8", "surrogateescape"))


def _list(others: Mapping[Path, str]) -> str:
    links = [
        Markup('<a href="{}">{}</a>').format(
            quote(os.fsencode(path.name)), title if len(title) <= LONGEST else f"{title[:LONGEST]}…"
        )
        for path, title in others.items()
    ]
    if len(links) <= FEW:
        return " ".join(links)
    return f"<details><summary>{escape(len(links))} other pages</summary>{' '.join(links)}</details>"

"""Links from a page to the project's documents, where the page lies in a checkout of the project.

The project has no public address that a page could name, and a page elsewhere would lead nowhere.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import quote

CHECKOUT = Path(__file__).resolve().parents[2]
NAMED = re.compile(r'<span class="document">(docs/\w+\.md)</span>')


def linked(page: str, folder: Path) -> str:
    """The page as it lies in `folder`: the names of documents are links if these are in the same checkout."""
    here = folder.resolve()
    if not here.is_relative_to(CHECKOUT):
        return page

    def link(named: re.Match[str]) -> str:
        path = CHECKOUT / named[1]
        if not path.is_file():  # installed without documents
            return named[0]
        return f'<a href="{quote(Path(os.path.relpath(path, here)).as_posix())}">{named[1]}</a>'

    return NAMED.sub(link, page)

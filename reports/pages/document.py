"""A page as one self-contained file: inline style and script, and a Content-Security-Policy that forbids others."""

from __future__ import annotations

import base64
import hashlib
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from impls.files import whole_file
from reports.pages import documents, siblings
from results.words import TERMS

ASSETS = files("reports") / "assets"
SCRIPTS = ("basics.js", "tables.js", "figures.js", "tips.js", "links.js", "choices.js", "detail.js", "print.js")
BETWEEN = re.compile(r">\n+(?=</?(?:td|th|tr|tbody|thead|tfoot|table|li|ul|dl|dt|dd|div|figure|section)\b)")
"""Line ends between elements that are laid out as blocks: a tenth of a large page."""
INDENT = re.compile(r"^ +", re.MULTILINE)
COMMENT = re.compile(r"^ *(?://.*|/\*.*\*/)?\n", re.MULTILINE)


def document(template: str, **values: Any) -> str:
    """Render `template` with `values`; all text is escaped."""
    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    style, script = _asset("page.css"), "".join(map(_asset, SCRIPTS))
    allowed = f"style-src {_hash(style)}; script-src {_hash(script)}; img-src data:"  # saving a figure uses one
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    page = environment.get_template(template).render(
        style=Markup(style), script=Markup(script), policy=policy, terms=TERMS, **values
    )
    return BETWEEN.sub(">", page)


def _asset(name: str) -> str:
    """A style sheet or script without indents, blank lines and comments, which stand on lines of their own."""
    return INDENT.sub("", COMMENT.sub("", (ASSETS / name).read_text(encoding="utf-8")))


def _hash(text: str) -> str:
    """The policy's hash source of an allowed text."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def write(html: str, path: Path) -> Path:
    """Write a page atomically, with links to the project's documents if they are near, and between pages of its folder.

    A lone surrogate is written as its escape.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as file:
        file.write(documents.linked(html, path.parent).encode("utf-8", "backslashreplace"))
    siblings.link(path.parent)
    return path

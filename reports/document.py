"""A page as one file that needs no other: its style sheet inside, and a policy that forbids everything else."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

HERE = Path(__file__).parent


def document(template: str, *, pictures: bool = False, **values: Any) -> str:
    """The page that `template` makes of `values`; all text is escaped. `pictures`: it holds some, in itself."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    style = (HERE / "page.css").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    allowed = f"style-src 'sha256-{digest}'" + ("; img-src data:" if pictures else "")
    policy = f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"
    return environment.get_template(template).render(style=Markup(style), policy=policy, **values)


def write(html: str, path: Path) -> Path:
    """Put a page there, whole or not at all. A lone surrogate is written as its escape."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_bytes(html.encode("utf-8", "backslashreplace"))
    temporary.replace(path)
    return path

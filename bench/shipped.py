"""The suites and presets that come with the project: a TOML file each, known by its name."""

from __future__ import annotations

import tomllib
from pathlib import Path

SUITES = Path(__file__).parent / "suites"
PRESETS = Path(__file__).parent / "presets"


def names(folder: Path) -> list[str]:
    """The names in one of the two folders, in order."""
    return sorted(file.stem for file in folder.glob("*.toml"))


def titles(folder: Path) -> dict[str, str]:
    """Names and titles in one of the two folders."""
    return {
        name: tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))["title"] for name in names(folder)
    }

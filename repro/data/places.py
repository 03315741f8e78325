"""Places of data sets: a given folder, $DEADHEAT_DATA, the systems' folders, or the downloads."""

from __future__ import annotations

import os
from pathlib import Path

import pooch  # type: ignore[import-untyped]

from impls.paths import typed_path
from repro.data.catalogue import load_source
from repro.data.errors import MissingData
from repro.data.source import Source

VARIABLE = "DEADHEAT_DATA"


def find(name: str, path: Path | None = None) -> Path:
    """The folder of a data set; MissingData if there is none, UnknownName if there is no such data set.

    A folder named by `path` or $DEADHEAT_DATA is used even if it lacks files, so that these are reported; other folders
    are used only if they are complete.
    """
    source = load_source(name)
    if path is not None:
        if path.is_dir():
            return path
        if path.is_file():
            raise MissingData(
                f"{source.title}: {str(path)!r} is a file, and a folder is read; unpack it, and give the folder with "
                f"--data {name}=PATH"
            )
        raise MissingData(
            f"{source.title}: {str(path)!r} is no folder; give one that is with --data {name}=PATH, or "
            f"leave it out and {source.install}"
        )
    named, known = _named_places(source), _known_places(source)
    for place in named:
        if place.is_dir():
            return place
    for place in known:
        if place.is_dir() and not source.missing_from(place):
            return place
    looked = ", ".join(_look(source, place) for place in (*named, *known))
    raise MissingData(
        f"{source.title} is not here: looked in {looked}; {source.install}, or give its folder with --data {name}=PATH"
    )


def available(name: str, path: Path | None = None) -> bool:
    """Whether a data set's folder exists with all its files; their contents are validated by `load` only."""
    try:
        return not load_source(name).missing_from(find(name, path))
    except MissingData:
        return False


def download_folder(name: str) -> Path:
    """The folder for downloaded files of the data set `name`."""
    return Path(pooch.os_cache("deadheat")) / name


def _named_places(source: Source) -> list[Path]:
    root = os.environ.get(VARIABLE)
    return [typed_path(root) / source.name] if root else []


def _known_places(source: Source) -> list[Path]:
    return [*(Path(os.path.expanduser(place)) for place in source.places), download_folder(source.name)]


def _look(source: Source, place: Path) -> str:
    return f"{place} (lacks {', '.join(source.missing_from(place))})" if place.is_dir() else str(place)

"""Journal of a running campaign or reproduction: system.json, and a file of appended and synced lines."""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, ClassVar, Self

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

from impls.errors import DeadheatError
from impls.files import sync_names, whole_file
from results import strict_json
from results.schema import renames
from results.schema import system as schema
from results.schema.system import System

SYSTEM = "system.json"
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


class ResultsError(DeadheatError):
    """A results folder that cannot be written, or a campaign that does not exist."""


class Journal:
    """Writes the folder of a running campaign; lines are appended to `FILE`."""

    FILE: ClassVar[str]

    def __init__(self, folder: Path, system: Mapping[str, Any]):
        self.folder = folder
        self._system = dict(system)
        self._lines = (folder / self.FILE).open("ab", buffering=0)
        self._lock()
        self._write_system()

    def _lock(self) -> None:
        """Lock the folder against other writers."""
        name = self.folder.name
        lock(self._lines, f"campaign {name} is being written by another process; wait for it, or measure anew")

    @classmethod
    def create(cls, data: Path, name: str, system: Mapping[str, Any]) -> Self:
        """Create a folder `name` (with a number if it exists) under `data`; ResultsError if that fails."""
        if not NAME.fullmatch(name):
            raise ResultsError(
                f"a campaign's name is letters, digits, '.', '_' and '-', and begins with no '.', got {name!r}"
            )
        for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
            folder = data / f"{name}{suffix}"
            try:
                folder.mkdir(parents=True)
                sync_names(data)
                return cls(folder, system)
            except FileExistsError:
                if not data.is_dir():
                    raise ResultsError(f"results folder {str(data)!r} is a file; give another with --results") from None
            except OSError as problem:
                raise ResultsError(unwritable(data, problem)) from None
        raise ResultsError(f"a thousand campaigns are called {name!r} in {str(data)!r}; move some away")

    @classmethod
    def resume(cls, folder: Path, facts: System) -> Self:
        """Resume the campaign in `folder`; `facts` replace those in its system.json, others remain.

        A truncated last line remains, on a line of its own.
        """
        try:
            writer = cls(folder, {**renames.of_system(_content(folder)[0]), **facts.content()})
            text = (folder / cls.FILE).read_bytes()
            if text and not text.endswith(b"\n"):
                writer._write(b"\n")
        except OSError as problem:
            raise ResultsError(unwritable(folder, problem)) from None
        return writer

    def append_lines(self, lines: str) -> None:
        """Write and sync the lines; ResultsError if the disk is full.

        Either all of them are written or none: a partial line is removed.
        """
        self._write(lines.encode())

    def _write(self, text: bytes) -> None:
        file = self._lines.fileno()
        before = os.fstat(file).st_size
        try:
            while text:
                text = text[os.write(file, text) :]
            os.fsync(file)
        except OSError as problem:
            with contextlib.suppress(OSError):
                os.ftruncate(file, before)
            raise ResultsError(
                f"{self.folder / self.FILE} can't be written: {problem.strerror or problem}; what was recorded before "
                f"is kept; make room, then resume with --resume {self.folder.name}"
            ) from None

    def update_system(self, facts: System) -> None:
        """Update facts that are known later, such as duration and stop reason. On a full disk, the old file remains."""
        self._system.update(facts.content())
        with contextlib.suppress(OSError):
            self._write_system()

    def close(self) -> None:
        self._lines.close()

    def _write_system(self) -> None:
        self.replace_file(SYSTEM, strict_json.dumps(self._system) + "\n")

    def replace_file(self, name: str, text: str) -> None:
        """Write a file atomically and sync it."""
        with whole_file(self.folder / name) as file:
            file.write(text.encode())


def lock(file: IO[bytes], taken: str) -> None:
    """Lock an open file until it is closed or this process ends; if another holds it, close it and raise `taken`.

    ResultsError with that text. Where the system or the file system has no locks, nothing is locked.
    """
    if fcntl is None:
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise ResultsError(taken) from None
    except OSError:
        return


def unwritable(data: Path, problem: OSError) -> str:
    return f"results folder {str(data)!r} can't be written: {problem.strerror or problem}; give another with --results"


def read_system(folder: Path) -> tuple[System, Sequence[str]]:
    """The folder's metadata under current names, and the problems in reading it."""
    content, problems = _content(folder)
    system, more = schema.read(renames.of_system(content))
    return system, (*problems, *(f"{folder.name}/{SYSTEM}: {problem}" for problem in more))


def _content(folder: Path) -> tuple[Mapping[str, Any], Sequence[str]]:
    """The JSON object of system.json; an empty one and the reason if it is missing or invalid."""
    try:
        system = json.loads((folder / SYSTEM).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as problem:
        return {}, (f"{folder.name}/{SYSTEM}: {getattr(problem, 'strerror', None) or problem}",)
    return (system, ()) if isinstance(system, dict) else ({}, (f"{folder.name}/{SYSTEM}: not a JSON object",))


def when(said: object) -> datetime | None:
    """A datetime in UTC from ISO 8601 (UTC if it has no offset); None if `said` is no time."""
    with contextlib.suppress(ValueError, TypeError, OverflowError):
        found = datetime.fromisoformat(said)  # type: ignore[arg-type]
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    return None


def by_start(folders: Iterable[Path]) -> list[Path]:
    """The folders in order of their start times in system.json, then of names.

    Folders without a start time come first. File times are not used, as a copy or a clone changes them.
    """
    never = datetime.min.replace(tzinfo=UTC)
    return sorted(folders, key=lambda folder: (when(_content(folder)[0].get("started")) or never, folder.name))

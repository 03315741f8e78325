"""Campaigns on disk: a folder each, with system.json, records.jsonl and pytest-benchmark's benchmark.json.

Records are appended and synced as they come, so what is measured is never lost; a file is read line by line, and
what cannot be read is named and left where it is.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

try:
    import fcntl
except ImportError:  # Windows has none
    fcntl = None  # type: ignore[assignment]

from impls.errors import DeadheatError
from results.record import Record, UnreadableRecord, from_json, to_json

DATA = Path("results/data")
RECORDS, SYSTEM, BENCHMARK = "records.jsonl", "system.json", "benchmark.json"
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


class ResultsError(DeadheatError):
    """A results folder that cannot be written, or a campaign that is not there."""


@dataclass(frozen=True)
class Campaign:
    """One use of the harness on one system, as read from its folder. `problems` are lines that could not be read."""

    folder: Path
    system: Mapping[str, Any]
    records: tuple[Record, ...]
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.folder.name


class CampaignWriter:
    """The folder of a campaign that is going on."""

    def __init__(self, folder: Path, system: Mapping[str, Any]):
        self.folder = folder
        self._system = dict(system)
        self._records = (folder / RECORDS).open("ab", buffering=0)
        self._lock()
        self._write_system()

    def _lock(self) -> None:
        """Until the file is closed, or this process is gone, nobody else writes into this folder."""
        if fcntl is None:
            return
        try:
            fcntl.flock(self._records, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._records.close()
            raise ResultsError(
                f"campaign {self.folder.name} is being written by another process; wait for it, or measure anew"
            ) from None
        except OSError:  # a file system without locks
            return

    @classmethod
    def create(cls, data: Path, name: str, system: Mapping[str, Any]) -> CampaignWriter:
        """A new folder called `name` (a number is added if it is taken) under `data`; ResultsError if it can't be."""
        if not NAME.fullmatch(name):
            raise ResultsError(
                f"a campaign's name is letters, digits, '.', '_' and '-', and begins with no '.', got {name!r}"
            )
        for suffix in ("", *(f"-{number}" for number in range(2, 1000))):
            folder = data / f"{name}{suffix}"
            try:
                folder.mkdir(parents=True)
                return cls(folder, system)
            except FileExistsError:
                if not data.is_dir():
                    raise ResultsError(f"results folder {str(data)!r} is a file; give another with --results") from None
            except OSError as problem:
                raise ResultsError(_unwritable(data, problem)) from None
        raise ResultsError(f"a thousand campaigns are called {name!r} in {str(data)!r}; move some away")

    @classmethod
    def resume(cls, folder: Path, system: Mapping[str, Any]) -> CampaignWriter:
        """Go on with the campaign in `folder`; a last line that was cut off stays, on a line of its own."""
        try:
            writer = cls(folder, system)
            text = (folder / RECORDS).read_bytes()
            if text and not text.endswith(b"\n"):
                writer._write(b"\n")
        except OSError as problem:
            raise ResultsError(_unwritable(folder, problem)) from None
        return writer

    def append(self, records: Iterable[Record]) -> None:
        """Write the records and have the disk keep them before returning; ResultsError if it has no room for them.

        Either all of them are kept or none: a part of a line is taken back.
        """
        self._write("".join(f"{to_json(record)}\n" for record in records).encode())

    def _write(self, text: bytes) -> None:
        file = self._records.fileno()
        before = os.fstat(file).st_size
        try:
            while text:
                text = text[os.write(file, text) :]
            os.fsync(file)
        except OSError as problem:
            with contextlib.suppress(OSError):
                os.ftruncate(file, before)
            raise ResultsError(
                f"{self.folder / RECORDS} can't be written: {problem.strerror or problem}; what was recorded before "
                f"is kept; make room, then go on with --resume {self.folder.name}"
            ) from None

    def update_system(self, **facts: Any) -> None:
        """Add what is known only later: how long it took, why it stopped. A full disk keeps what it had."""
        self._system.update(facts)
        with contextlib.suppress(OSError):
            self._write_system()

    def save_benchmark(self, text: str) -> None:
        """Keep what pytest-benchmark says, if there is room: all of it is in the records, too."""
        with contextlib.suppress(OSError):
            self._replace(BENCHMARK, text)

    def close(self) -> None:
        self._records.close()

    def _write_system(self) -> None:
        self._replace(SYSTEM, json.dumps(self._system, indent=2, allow_nan=False) + "\n")

    def _replace(self, name: str, text: str) -> None:
        """Write a file whole or not at all."""
        temporary = self.folder / f".{name}.new"
        try:
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self.folder / name)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def check_writable(data: Path) -> None:
    """ResultsError if a campaign could not be made under `data`; nothing is left behind that was not there."""
    existing = next(folder for folder in (data, *data.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise ResultsError(f"results folder {str(data)!r}: {str(existing)!r} is a file; give another with --results")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise ResultsError(
            f"results folder {str(data)!r} can't be written: no permission in {str(existing)!r}; "
            "give another with --results"
        )
    probe = existing / f".deadheat-{os.getpid()}"
    try:
        probe.mkdir()
        probe.rmdir()
    except OSError as problem:
        raise ResultsError(_unwritable(data, problem)) from None


def read_campaign(folder: Path) -> Campaign:
    """The campaign in `folder`; ResultsError if there is none."""
    if not (folder / RECORDS).is_file():
        raise ResultsError(f"no campaign in {str(folder)!r}: it has no {RECORDS}{_nearby(folder)}")
    records, problems = [], []
    text = (folder / RECORDS).read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), 1):  # a reason may hold U+2028
        try:
            records.append(from_json(line))
        except UnreadableRecord as problem:
            problems.append(f"{folder.name}/{RECORDS} line {number}: {problem}")
    system, trouble = _read_system(folder)
    return Campaign(folder, system, tuple(records), (*problems, *trouble))


def campaigns_in(data: Path) -> list[Path]:
    """The folders of `data` that hold a campaign, oldest first (their names start with the time)."""
    return sorted(file.parent for file in data.glob(f"*/{RECORDS}"))


def find_campaign(name: str | Path, data: Path = DATA) -> Path:
    """The folder of a campaign given as a path, or as a name in `data`; ResultsError otherwise."""
    with contextlib.suppress(OSError):  # a name that is too long for the system is none
        for folder in (Path(name), data / name):
            if (folder / RECORDS).is_file():
                return folder
    raise ResultsError(f"no campaign {str(name)!r}, neither a folder nor in {str(data)!r}{_nearby(data / name)}")


def latest_campaign(data: Path = DATA) -> Path:
    """The newest campaign of `data`; ResultsError if there is none."""
    found = campaigns_in(data)
    if not found:
        raise ResultsError(f"no campaign in {str(data)!r} yet; measure one with: tox -e bench")
    return max(found, key=lambda folder: (folder / RECORDS).stat().st_mtime)


def _read_system(folder: Path) -> tuple[Mapping[str, Any], Sequence[str]]:
    try:
        system = json.loads((folder / SYSTEM).read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        return {}, (f"{folder.name}/{SYSTEM}: {problem}",)
    return (system, ()) if isinstance(system, dict) else ({}, (f"{folder.name}/{SYSTEM}: not a JSON object",))


def _nearby(folder: Path) -> str:
    names = [found.name for found in campaigns_in(folder.parent)] if folder.parent.is_dir() else []
    return f"; there are: {', '.join(names[-5:])}" if names else ""


def _unwritable(data: Path, problem: OSError) -> str:
    return f"results folder {str(data)!r} can't be written: {problem.strerror or problem}; give another with --results"

"""The evidence cache: evidence of the parity gate kept across campaigns, each under a key of all that it depends on.

One JSON file for each network, contestant and seed, in the user's cache folder or the one that the variable
DEADHEAT_EVIDENCE_CACHE names. Files that can't be read, that are damaged or that another release wrote are ignored, and
a folder that can't be written to is no error: evidence is then computed again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from bench.cost.workload import network_of
from bench.gate import parity
from bench.plan import interpreters, settings
from bench.worker import arithmetic
from bench.worker.evidence import Evidence
from impls.frameworks import is_card
from impls.host import hardware, nvidia
from impls.host.environment import altering, choosing
from results.schema.record import Case

FOLDER = "DEADHEAT_EVIDENCE_CACHE"
"""Variable with the folder of cached evidence, in the place of the one in the user's cache folder."""
MOST_ENTRIES = 4096
"""Entries kept, some kilobytes each: the newest."""
LONGEST = timedelta(days=90)
"""Age at which an entry is no longer used."""


@dataclass(frozen=True)
class Entry:
    """The content of a file. `made`: UTC, ISO 8601; `about`: contestant and network, for a person who reads it."""

    key: str
    made: str
    about: str
    evidence: Evidence | None = None
    arithmetic: str = ""


@dataclass(frozen=True)
class CachedEvidence:
    """Evidence of an earlier campaign; `made`: UTC, ISO 8601."""

    evidence: Evidence
    made: str


_ENTRY: TypeAdapter[Entry] = TypeAdapter(Entry)


def default_folder() -> Path:
    """The folder of cached evidence: what the variable FOLDER names, or one in the user's cache folder."""
    if named := os.environ.get(FOLDER):
        return Path(named).expanduser()
    import pooch  # type: ignore[import-untyped]

    return Path(pooch.os_cache("deadheat")) / "evidence"


@dataclass(frozen=True)
class EvidenceCache:
    """Cached evidence below `folder`; None: nothing is kept. `reads`: False: evidence is kept but not used.

    interpreters, environment: of the suite, which determine a contestant's launch.
    """

    folder: Path | None
    interpreters: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    reads: bool = True

    def evidence(self, case: Case, seed: int) -> CachedEvidence | None:
        """The evidence of a case on the images of `seed`, if there is any that is still valid."""
        entry = self._read(case, f"evidence {seed}")
        return CachedEvidence(entry.evidence, entry.made) if entry and entry.evidence else None

    def arithmetic(self, case: Case) -> str:
        """What the contestant computes in at the case's precision, if known and as requested; otherwise ""."""
        entry = self._read(case, "arithmetic")
        accepted = arithmetic.accepted(case.workload.precision)
        return entry.arithmetic if entry and entry.arithmetic in accepted else ""

    def keep_evidence(self, case: Case, seed: int, evidence: Evidence) -> None:
        self._write(case, f"evidence {seed}", evidence=evidence)

    def keep_arithmetic(self, case: Case, computed: str) -> None:
        if computed in arithmetic.accepted(case.workload.precision):
            self._write(case, "arithmetic", arithmetic=computed)

    def _read(self, case: Case, what: str) -> Entry | None:
        if self.folder is None or not self.reads:
            return None
        key = self._key(case, what)
        entry = _entry_in(self.folder / f"{key}.json")
        return entry if entry and entry.key == key and not _is_old(entry) else None

    def _write(self, case: Case, what: str, **content: Any) -> None:
        """Write an entry whole or not at all: other campaigns may read and write at the same time."""
        if self.folder is None:
            return
        key = self._key(case, what)
        made = datetime.now(UTC).isoformat(timespec="seconds")
        text = _ENTRY.dump_json(
            Entry(key, made, f"{what}: {case.contestant.id} on {case.workload.network_id}", **content)
        )
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            descriptor, unfinished = tempfile.mkstemp(dir=self.folder, prefix=".new-")
            try:
                with open(descriptor, "wb") as file:
                    file.write(text)
                os.replace(unfinished, self.folder / f"{key}.json")
            except OSError:
                Path(unfinished).unlink(missing_ok=True)
                raise

    def remove_old(self) -> None:
        """Remove the oldest entries beyond MOST_ENTRIES, and all that are older than LONGEST."""
        if self.folder is None:
            return
        with contextlib.suppress(OSError):
            newest_first = sorted(self.folder.iterdir(), key=_modified, reverse=True)
            limit = (datetime.now(UTC) - LONGEST).timestamp()
            for place, file in enumerate(newest_first):
                if place >= MOST_ENTRIES or _modified(file) < limit:
                    file.unlink(missing_ok=True)

    def _key(self, case: Case, what: str) -> str:
        """A hash of all that the evidence or the arithmetic of a case depends on."""
        depends = self._depends(case)
        if what == "arithmetic":
            del depends["network"], depends["phase"], depends["stream"], depends["devices"]
        return _hash({"what": what, **depends})

    def _depends(self, case: Case) -> dict[str, Any]:
        contestant, workload = case.contestant, case.workload
        tolerances = parity.tolerances(workload.device)
        shell = os.environ if not settings.SETTINGS[contestant.setting].controlled else {}
        return {
            "contestant": asdict(contestant),
            "network": [repr(network_of(workload).without_dropout()), workload.batch],
            "phase": workload.phase,
            "stream": workload.stream,
            "devices": workload.devices,
            "precision": workload.precision,
            "device": workload.device,
            "environment": settings.environment_for_case(case, self.environment),
            "shell": {**choosing(os.environ), **altering(shell)},
            "software": interpreters.software_of(contestant, self.interpreters, self.environment),
            "processor": hardware.processor(),
            "cards": nvidia.models() if is_card(workload.device) else [],
            "tolerances": {name: asdict(tolerance) for name, tolerance in tolerances.items()},
        }


NO_CACHE = EvidenceCache(None)


def _hash(content: Any) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _entry_in(file: Path) -> Entry | None:
    try:
        return _ENTRY.validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def _is_old(entry: Entry) -> bool:
    try:
        return datetime.now(UTC) - datetime.fromisoformat(entry.made) > LONGEST
    except (ValueError, TypeError):  # no time, or one without a zone
        return True


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


@dataclass(frozen=True)
class Contents:
    """What a cache folder holds: number of entries with evidence, and the times of oldest and newest."""

    entries: int
    oldest: str = ""
    newest: str = ""


def contents(folder: Path) -> Contents:
    """What a cache folder holds that may still be used; nothing if it can't be read."""
    made = sorted(entry.made for entry in _valid(folder) if entry.evidence)
    return Contents(len(made), made[0], made[-1]) if made else Contents(0)


def _valid(folder: Path) -> Iterator[Entry]:
    with contextlib.suppress(OSError):
        for file in folder.glob("*.json"):
            if (entry := _entry_in(file)) and not _is_old(entry):
                yield entry

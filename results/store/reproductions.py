"""Reproductions on disk: one folder each, with system.json, trials.jsonl, findings.json and pictures.

Trials are appended as they end. The findings are derived from them and rewritten at each evaluation.
"""

from __future__ import annotations

import os
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from results.schema.findings import Findings
from results.schema.record import UnreadableRecord, first_problem
from results.schema.system import System
from results.schema.trial import Trial, from_json, to_json
from results.store.campaigns import DATA
from results.store.journal import Journal, ResultsError, by_start, read_system

TRIALS, FINDINGS, PICTURES = "trials.jsonl", "findings.json", "pictures"


@dataclass(frozen=True)
class Reproduction:
    """A reproduction as read from its folder. `problems`: unreadable parts."""

    folder: Path
    system: System
    trials: Mapping[str, Trial]
    findings: Findings
    problems: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.folder.name


class ReproductionWriter(Journal):
    """Writes the folder of a running reproduction."""

    FILE = TRIALS

    def append(self, trial: Trial) -> None:
        """Write and sync a trial; ResultsError if the disk is full."""
        self.append_lines(to_json(trial) + "\n")

    def save_findings(self, findings: Findings) -> None:
        """Write the findings atomically; ResultsError if the disk is full."""
        try:
            self._save(findings)
        except OSError as problem:
            raise ResultsError(
                f"{self.folder / FINDINGS} can't be written: {problem.strerror or problem}; the trials are kept; make "
                f"room, then resume with --resume {self.folder.name}"
            ) from None

    def _save(self, findings: Findings) -> None:
        self.replace_file(FINDINGS, TypeAdapter(Findings).dump_json(findings, indent=1).decode() + "\n")


def read(folder: Path) -> Reproduction:
    """The reproduction in `folder`; ResultsError if there is none. Of two trials with an id, the later one is used."""
    if not (folder / TRIALS).is_file():
        raise ResultsError(f"no reproduction in {str(folder)!r}: it has no {TRIALS}")
    trials, problems = {}, []
    text = (folder / TRIALS).read_text(encoding="utf-8-sig", errors="replace")
    for number, line in enumerate(text.removesuffix("\n").split("\n") if text else (), 1):
        try:
            trial = from_json(line)
        except UnreadableRecord as problem:
            problems.append(f"{folder.name}/{TRIALS} line {number}: {problem}")
        else:
            trials[trial.id] = trial
    findings, trouble = _findings(folder)
    system, more = read_system(folder)
    return Reproduction(folder, system, trials, findings, (*problems, *trouble, *more))


def find(name: str | Path, data: Path = DATA) -> Path:
    """The folder of a reproduction given as a path, or as a name in `data`; ResultsError otherwise."""
    for folder in (Path(os.path.expanduser(name)), data / name):
        if (folder / TRIALS).is_file():
            return folder
    there = ", ".join(folder.name for folder in every(data)[-5:])
    raise ResultsError(f"no reproduction {str(name)!r}, neither a folder nor in {str(data)!r}; there are: {there}")


def every(data: Path = DATA) -> list[Path]:
    """The folders of `data` with a reproduction, in order of their start times."""
    return by_start(file.parent for file in data.glob(f"*/{TRIALS}"))


def latest(data: Path = DATA) -> Path:
    """The reproduction that started last; ResultsError if there is none."""
    found = every(data)
    if not found:
        raise ResultsError(f"no reproduction in {str(data)!r} yet; make one with: python -m repro run")
    return found[-1]


def _findings(folder: Path) -> tuple[Findings, tuple[str, ...]]:
    try:
        return TypeAdapter(Findings).validate_json((folder / FINDINGS).read_bytes().removeprefix(BOM_UTF8)), ()
    except FileNotFoundError:
        return Findings(), ()
    except ValidationError as problem:
        return Findings(), (f"{folder.name}/{FINDINGS}: {first_problem(problem)}",)

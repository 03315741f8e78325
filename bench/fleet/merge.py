"""Merges the parts of nodes into one campaign: launches are numbered over all nodes, and say which node made them."""

from __future__ import annotations

import contextlib
import shutil
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from bench.fleet.measure import CAMPAIGN
from bench.fleet.units import Share
from fleet.part import Ended, PartError
from fleet.unit import Unit
from results.schema.record import Record, Status, first_problem
from results.schema.system import AttemptFacts, NodeFacts, System
from results.store.campaigns import CampaignWriter, StoredCampaign, read_campaign
from results.store.journal import ResultsError
from results.store.logs import FOLDER

OF_THE_CAMPAIGN = {
    "campaign",
    "command",
    "started",
    "resumed",
    "suite",
    "cases",
    "nodes",
    "attempts",
    "stop",
    "advice",
    "rules",
    "preparation_seconds",
}
"""Facts that a campaign has of its own; the others are those of its first part."""


class CampaignSink:
    """The campaign of a fleet on one machine type. `before`: what there is of it."""

    def __init__(self, writer: CampaignWriter, before: StoredCampaign):
        self._writer = writer
        self._known = {_key(record) for record in (*before.records, *before.copies)}
        self._nodes = dict(before.system.nodes)
        self._rules = dict(before.system.rules)
        self._has_facts = bool(before.system.workloads)
        self._seconds = float(before.system.measuring_seconds or 0.0)
        self._prepared = Counter(before.system.preparation_seconds)

    @property
    def folder(self) -> Path:
        return self._writer.folder

    @property
    def machine_type(self) -> str:
        """That of the nodes which have measured; "" before the first one."""
        return next((node.type for node in self._nodes.values()), "")

    def accept(self, unit: Unit, ended: Ended, part: Path) -> None:
        facts = _facts_of(ended)
        if self.machine_type not in ("", facts.type):
            raise PartError(
                f"node {ended.node} is of type {facts.type}, the campaign of {self.machine_type}; machine types are "
                "measured in campaigns of their own"
            )
        found = _read(part / CAMPAIGN)
        self._copy_logs(unit, found)
        first = Share.of(unit.payload).first
        if self._keep([self._of_node(one, unit, first, ended.node) for one in (*found.records, *found.copies)]):
            self._seconds += float(found.system.measuring_seconds or 0.0)
            self._prepared.update(found.system.preparation_seconds)
        self._nodes.setdefault(ended.node, facts.model_copy(update={"checks": found.system.warnings}))
        self._rules.update(found.system.rules)
        known = {
            "nodes": self._nodes,
            "rules": self._rules,
            "measuring_seconds": round(self._seconds, 1),
            "preparation_seconds": {name: round(seconds, 1) for name, seconds in self._prepared.items()},
        }
        self._writer.update_system(self._facts(found.system).model_copy(update=known))

    def _facts(self, system: System) -> System:
        """What the first part tells of the whole campaign: workloads, contestants, machine."""
        if self._has_facts:
            return System()
        self._has_facts = True
        content = {name: value for name, value in system.content().items() if name not in OF_THE_CAMPAIGN}
        return System.model_validate(content)

    def _of_node(self, record: Record, unit: Unit, first: int, node: str) -> Record:
        log = _log_of(unit, record.log)
        there = log and (self.folder / log).exists()
        return replace(record, node=node, log=log if there else "", launch=first + record.launch)

    def _copy_logs(self, unit: Unit, found: StoredCampaign) -> None:
        for log in dict.fromkeys(record.log for record in (*found.records, *found.copies) if record.log):
            with contextlib.suppress(OSError):  # a full disk: the record is stored nevertheless
                (self.folder / FOLDER).mkdir(exist_ok=True)
                shutil.copyfile(found.folder / log, self.folder / _log_of(unit, log))

    def _keep(self, records: Sequence[Record]) -> int:
        """Append those that are not there: a driver may have been killed after this, before it noted the part.

        Their number.
        """
        new = [record for record in records if _key(record) not in self._known]
        self._writer.append(new)
        self._known.update(map(_key, new))
        return len(new)

    def give_up(self, unit: Unit, reason: str, skipped: bool) -> None:
        """A record of the reason for every case of the unit, at its first launch, as of no node."""
        status, share = Status.SKIPPED if skipped else Status.CRASHED, Share.of(unit.payload)
        self._keep([Record(case, share.first, status, reason) for case in share.own])

    def update(self, facts: System) -> None:
        """Keep facts of the campaign."""
        self._writer.update_system(facts)

    def note(self, attempts: Sequence[AttemptFacts]) -> None:
        self._writer.update_system(System(attempts=tuple(attempts)))


def _key(record: Record) -> tuple[str, str, int, int, int]:
    return record.case.id, record.node, record.launch, record.subset, record.attempt


def _log_of(unit: Unit, log: str) -> str:
    """Where a log of a part is in the campaign; "" for none."""
    return f"{FOLDER}/{unit.id[:8]}-{Path(log).name}" if log else ""


def _facts_of(ended: Ended) -> NodeFacts:
    try:
        return NodeFacts.model_validate(ended.facts)
    except ValidationError as problem:
        raise PartError(f"what node {ended.node} says of itself can't be read: {first_problem(problem)}") from None


def _read(folder: Path) -> StoredCampaign:
    try:
        found = read_campaign(folder)
    except ResultsError as problem:
        raise PartError(str(problem)) from None
    if found.problems:
        raise PartError(f"the part can't be read: {found.problems[0]}")
    return found

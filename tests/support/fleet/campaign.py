"""Campaigns of a fleet for tests: a small suite, its units, and parts of them as nodes leave them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from bench.fleet.campaigns import Plan
from bench.fleet.measure import CAMPAIGN
from bench.fleet.units import Order, Share
from bench.plan.suite import Suite, load_suite
from fleet import part
from fleet.part import Ended, Outcome
from fleet.unit import Unit
from results.schema.record import Record, Status
from results.schema.system import System
from results.store.campaigns import CampaignWriter
from tests.support.fleet.fakes import TYPE
from tests.support.made_up import measured
from tests.support.started import tiny

NETWORKS = '[[workloads]]\narchitectures = ["lenet5"]\nbatches = [1, 2, 3]\nphases = ["infer", "train"]\n'
SUITE = tiny("fake-clock:slow", "fake-clock:fast", workloads=NETWORKS)
GROUPS = tuple(f"lenet5-1x32x32-k10-b{batch}-float32-cpu" for batch in (1, 2, 3))


def suite(folder: Path, text: str = SUITE, name: str = "virtual.toml") -> tuple[str, Suite]:
    """The name of a suite's file, which is written, and the suite."""
    (folder / name).write_text(text)
    return str(folder / name), load_suite(str(folder / name))


def plan(folder: Path, order: Order, name: str = "virtual.toml") -> Plan:
    path, found = suite(folder, name=name)
    return Plan(path, found, "cpu", "what was typed", folder / "data", order)


def campaign(folder: Path, nodes: int = 1, launches: int = 2) -> tuple[Path, list[Unit]]:
    """A campaign's folder, made as `fleet run` does, and its units."""
    return plan(folder, Order(nodes, launches, check=False)).begin(TYPE, "d", False)


def failing(record: Record) -> Record:
    """The record as one of a launch that crashed, with a log."""
    return replace(record, status=Status.CRASHED, reason="planted", seconds=(), parity=None, log="logs/001-fast.log")


def measured_part(
    unit: Unit,
    attempt: Path,
    node: str = "n1",
    type: str = TYPE,
    change: Callable[[Record], Record] = lambda record: record,
    records: Iterable[Record] | None = None,
    system: System | None = None,
) -> Ended:
    """A whole part of the unit: each of its cases measured in each launch, numbered from 0 as a node does."""
    share = Share.of(unit.payload)
    facts = system or System(workloads={}, measuring_seconds=5.0, rules={share.group: "launches"})
    writer = CampaignWriter.create(attempt / part.PART, CAMPAIGN, facts.content())
    made = [measured(case, launch, [0.001 * (1 + launch)]) for launch in range(share.launches) for case in share.own]
    writer.append(map(change, made) if records is None else records)
    writer.close()
    (writer.folder / "logs").mkdir()
    (writer.folder / "logs" / "001-fast.log").write_text(f"log of {unit.label}")
    number = int(attempt.name) if attempt.name.isdigit() else 1
    ended = Ended(
        unit.id, number, node, Outcome.WHOLE, seconds=3.0, files=part.digests(attempt / part.PART),
        facts={"type": type, "machine": {"cpu": "c"}, "environment": "d"},
    )  # fmt: skip
    part.publish(attempt, ended)
    return ended

"""Campaigns of a fleet on disk: made, opened again, measured with an engine, and completed from other folders."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from bench.fleet.merge import CampaignSink
from bench.fleet.units import Order, units_of
from bench.plan import cases as plan_cases
from bench.plan.suite import Suite
from fleet import part
from fleet.driver import Driver, Observer
from fleet.engine import Engine, Offer
from fleet.part import Ended, PartError
from fleet.unit import Unit
from fleet.work import Work, stored_units, write_unit
from impls.errors import DeadheatError, InvalidInput
from results import VERSION
from results.schema.record import SCHEMA
from results.schema.system import System
from results.store.campaigns import CampaignWriter, find_campaign, read_campaign
from results.store.journal import ResultsError
from results.units import elapsed

POLL = 0.5


@dataclass(frozen=True)
class Plan:
    """A suite to be measured by several machines: what was asked for."""

    suite_name: str
    suite: Suite
    device: str
    command: str
    results: Path
    order: Order

    def check(self) -> None:
        """SuiteError for a suite whose cases can't be made."""
        plan_cases.cases(self.suite, self.device)

    def begin(self, machine_type: str, software: str, one_of_several: bool) -> tuple[Path, list[Unit]]:
        """Make a campaign's folder and its units. ResultsError if it can't be written."""
        suffix = f"-{machine_type}" if one_of_several else ""
        name = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{Path(self.suite_name).stem}{suffix}"
        cases = plan_cases.cases(self.suite, self.device)
        content = {
            "schema": SCHEMA,
            "deadheat": VERSION,
            "campaign": name,
            "started": datetime.now(UTC).isoformat(timespec="seconds"),
            "command": self.command,
            "suite": {"name": self.suite_name, **self.suite.model_dump(mode="json")},
            "cases": [case.id for case in cases],
            "stop": "interrupted",
        }
        writer = CampaignWriter.create(self.results, name, content)
        writer.close()
        order = replace(self.order, machine_type=machine_type, software=software)
        units = units_of(writer.folder.name, self.suite_name, self.suite, self.device, order)
        for unit in units:
            write_unit(unit, writer.folder)
        return writer.folder, units


@contextmanager
def opened(folder: Path, units: Sequence[Unit], command: str = "") -> Iterator[Work]:
    """The work of the campaign in the folder, which no other driver may have open."""
    with ExitStack() as files:
        before = read_campaign(folder)
        more = System(resumed=(*before.system.resumed, command)) if command else System()
        writer = CampaignWriter.resume(folder, more)
        files.callback(writer.close)
        yield files.enter_context(Work(CampaignSink(writer, before), units))


def joined(engine: Engine, wanted: Sequence[str], seconds: float, say: Callable[[str], None]) -> list[Offer]:
    """The nodes that are there, of the wanted types (none: any), once there is one. DeadheatError if none joins."""
    deadline = time.monotonic() + seconds
    told = False
    while True:
        there = engine.nodes()
        offers = [one for one in there if not wanted or one.type in wanted]
        if {one.type for one in offers} >= set(wanted) and offers:
            return offers
        if time.monotonic() > deadline:
            types = ", ".join(sorted({one.type for one in there})) or "none"
            what = f"of type {', '.join(wanted)} " if wanted else ""
            raise DeadheatError(f"no machine {what}joined within {elapsed(seconds)}; there are: {types}")
        if not told:
            say(f"waiting for machines to join, at most {elapsed(seconds)}")
            told = True
        time.sleep(POLL)


def same_software(offers: Sequence[Offer]) -> dict[str, str]:
    """The digest of the software by machine type; InvalidInput if nodes of one type differ."""
    found: dict[str, dict[str, str]] = {}
    for offer in offers:
        found.setdefault(offer.type, {}).setdefault(offer.software, offer.id)
    for type, digests in found.items():
        if len(digests) > 1:
            nodes = ", ".join(f"{node} has {digest}" for digest, node in digests.items())
            raise InvalidInput(
                f"machines of type {type} have different packages ({nodes}); install the same versions, or measure all "
                "the same with --mixed"
            )
    return {type: next(iter(digests)) for type, digests in found.items()}


def measure(engine: Engine, works: Sequence[Work], observer: Observer, join_seconds: float) -> str:
    """Run the open units; why it ended: "complete", or "interrupted", when it can be resumed."""
    stop = "complete"
    try:
        Driver(engine, works, observer, join_seconds).run()
    except KeyboardInterrupt:
        stop = "interrupted"
    for work in works:
        done = "complete" if not work.open else stop
        _update(work, System(stop=done, finished=datetime.now(UTC).isoformat(timespec="seconds")))
    return stop


def _update(work: Work, facts: System) -> None:
    sink = work.sink
    assert isinstance(sink, CampaignSink)
    sink.update(facts)


def collect(campaign: str, folders: Sequence[Path], results: Path) -> tuple[Work, list[str]]:
    """Merge the parts in the campaign's own folder and in others, such as nodes' spools; and a line for each.

    A part of a unit that has one already is kept apart, as late. ResultsError for a campaign that has no units.
    """
    folder = find_campaign(campaign, results)
    units = stored_units(folder)
    if not units:
        raise ResultsError(f"campaign {folder.name} has no units: it was measured by one machine")
    lines = []
    with opened(folder, units) as work:
        for ended, place in _found(folders):
            lines.append(f"{place}: {_collect(work, ended, place)}")
        _update(work, System(stop="complete" if not work.open else "interrupted"))
        work.finish()
    return work, lines


def _found(folders: Sequence[Path]) -> Iterator[tuple[Ended, Path]]:
    for folder in folders:
        if not folder.is_dir():
            raise InvalidInput(f"{str(folder)!r} is no folder; give one that holds parts, such as a node's spool")
        for done in sorted(folder.rglob(part.DONE)):
            try:
                yield part.read(done.parent), done.parent
            except PartError as problem:
                yield Ended("", 0, "", part.Outcome.FAILED, str(problem)), done.parent


def _collect(work: Work, ended: Ended, place: Path) -> str:
    known = next((unit for unit in work.units if unit.id == ended.unit), None)
    if known is None:
        return ended.reason or "a unit of another campaign"
    before = next((one for one in work.of(ended.unit) if one.attempt == ended.attempt), None)
    if before is not None and before.outcome not in ("begun", "lost"):
        return f"known already: {before.outcome}"
    target = work.folder_of(known, ended.attempt)
    if place.resolve() != target.resolve():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(place, target)
    return work.end(ended)

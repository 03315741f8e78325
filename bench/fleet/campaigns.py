"""Campaigns of a fleet on disk: made, opened again, measured with an engine, and completed from other folders."""

from __future__ import annotations

import re
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
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
from fleet.part import Ended, Outcome, PartError
from fleet.unit import Unit
from fleet.work import ACCEPTED, BEGUN, LATE_PART, Work, stored_units, write_unit
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
        own = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(self.suite_name).stem)
        name = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{own}{suffix}"
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
        with _on_disk(writer.folder):
            for unit in units:
                write_unit(unit, writer.folder)
        return writer.folder, units


@contextmanager
def opened(folder: Path, units: Sequence[Unit], command: str = "") -> Iterator[Work]:
    """The work of the campaign in the folder, which no other driver may have open."""
    with ExitStack() as files, _on_disk(folder):
        writer = CampaignWriter.resume(folder, System())  # from here on nobody else writes it
        files.callback(writer.close)
        before = read_campaign(folder)
        if command:
            writer.update_system(System(resumed=(*before.system.resumed, command)))
        yield files.enter_context(Work(CampaignSink(writer, before), units))


@contextmanager
def _on_disk(folder: Path) -> Iterator[None]:
    """A full disk, or one that is gone, is an error of the user's, in one line."""
    try:
        yield
    except OSError as problem:
        place, why = problem.filename or folder, problem.strerror or problem
        raise ResultsError(f"{str(place)!r}: {why}; what was merged is kept in {folder}, to be resumed") from None


def joined(
    engine: Engine, wanted: Sequence[str], number: int, seconds: float, say: Callable[[str], None]
) -> list[Offer]:
    """The nodes of the wanted types (none: any) once there are so many of each; DeadheatError if they do not join.

    Without wanted types: of every type that has so many, once there is one.
    """
    deadline = time.monotonic() + seconds
    told = False
    while True:
        there = engine.nodes()
        found = Counter(one.type for one in there)
        offers = [one for one in there if one.type in (wanted or found) and found[one.type] >= number]
        if {one.type for one in offers} >= set(wanted) and offers:
            return offers
        if time.monotonic() >= deadline:
            types = ", ".join(f"{count} of type {type}" for type, count in sorted(found.items())) or "none"
            what = f"of type {' and of '.join(wanted)}" if wanted else "of one type"
            few = "no machine" if number == 1 else f"fewer than {number} machines"
            when = f"joined within {elapsed(seconds)}" if seconds else "can be had"
            raise DeadheatError(f"{few} {what} {when}; there are: {types}")
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


def units_in(folder: Path) -> list[Unit]:
    """The units of a campaign; ResultsError for one that has none."""
    units = stored_units(folder)
    if not units:
        raise ResultsError(
            f"campaign {folder.name} has no units: it was measured by one machine; resume it with: "
            f"python -m bench run --resume {folder.name}"
        )
    return units


def measure(
    engine: Engine,
    works: Sequence[Work],
    observer: Observer,
    join_seconds: float,
    further: Callable[[Work], Sequence[Unit]] = lambda work: (),
) -> None:
    """Run the open units, then `further` ones, until Ctrl-C; a campaign that lacks parts then can be resumed."""
    with suppress(KeyboardInterrupt):
        Driver(engine, works, observer, join_seconds, further=further).run()
    for work in works:
        _stop(work)


def _stop(work: Work) -> None:
    """Keep whether the campaign is complete."""
    sink = work.sink
    assert isinstance(sink, CampaignSink)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    sink.update(System(stop="interrupted" if work.without_part else "complete", finished=now))


def collect(campaign: str, folders: Sequence[Path], results: Path) -> tuple[Work, list[str]]:
    """Merge the parts in the campaign's own folder and in others, such as nodes' spools; and a line for each.

    A part of a unit that has one already is kept apart, as late. ResultsError for a campaign that has no units.
    """
    folder = find_campaign(campaign, results)
    units = units_in(folder)
    for one in folders:
        if not one.is_dir():
            raise InvalidInput(f"{str(one)!r} is no folder; give one that holds parts, such as a node's spool")
    lines = []
    with opened(folder, units) as work:
        for ended, place in _found(folders):
            lines.append(f"{place}: {_collect(work, ended, place)}")
        _stop(work)
        work.finish()
    return work, lines


def _found(folders: Sequence[Path]) -> Iterator[tuple[Ended, Path]]:
    for folder in folders:
        for done in sorted(folder.rglob(part.DONE)):
            try:
                yield part.read(done.parent), done.parent
            except PartError as problem:
                yield Ended("", 0, "", Outcome.FAILED, str(problem)), done.parent


def _collect(work: Work, ended: Ended, place: Path) -> str:
    known = next((unit for unit in work.units if unit.id == ended.unit), None)
    if known is None:
        return ended.reason or "a unit of another campaign"
    before = work.attempts.get((ended.unit, ended.attempt))
    if before is not None and before.outcome not in (BEGUN, Outcome.LOST):
        if before.outcome in (ACCEPTED, LATE_PART) or ended.outcome is not Outcome.WHOLE:
            return f"known already: {before.outcome}"
        # Schedulers that run a unit again need not number the attempts.
        ended = replace(ended, attempt=1 + max(one.attempt for one in work.of(ended.unit)))
    target = work.folder_of(known, ended.attempt)
    if place.resolve() != target.resolve():
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(place, target)
    return work.end(ended)

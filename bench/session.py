"""A measuring session: the user's options, checked at once, and the campaign that they describe."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.clock import now
from bench.cost.workload import most_devices
from bench.gate.evidence_cache import EvidenceCache, default_folder
from bench.machine.lock import CONCURRENT_CAMPAIGN_WARNING, campaign_lock
from bench.plan import cases as plan_cases
from bench.plan import image_sizes, interpreters, streams
from bench.plan import suite as suites
from bench.plan.cases import photographs
from bench.plan.controls import with_controls
from bench.plan.interpreters import Interpreter
from bench.plan.parse import parse_devices
from bench.plan.suite import Suite
from bench.runner.campaign import CampaignRunner, Observer
from bench.runner.metadata import describe, environment, reference_of
from bench.scheduling.ledger import Ledger
from fleet.work import stored_units
from impls.errors import InvalidInput
from impls.frameworks import DEVICES, LEVELS, checked, is_card, load_framework
from impls.host import nvidia
from impls.host.environment import kept, words
from results.schema.record import SCHEMA, Case, Contestant
from results.schema.system import RemainderFacts, SuiteFacts, System, Warned
from results.store.campaigns import CampaignWriter, check_writable, find_campaign, read_campaign
from results.store.campaigns import StoredCampaign as Stored
from results.store.journal import SYSTEM
from results.store.logs import Logs
from results.units import seconds, seconds_or_none, share, size

BLOCKING = "CUDA_LAUNCH_BLOCKING"


@dataclass(frozen=True)
class Options:
    """The user's options, as they were typed.

    `interpreters` are FRAMEWORK@LABEL=PATH; `keep_env` names variables, or patterns of them; `resume` names a campaign.
    """

    suite: str
    results: Path
    preset: str | None = None
    budget: str | None = None
    target: str | None = None
    memory: str | None = None
    sustained: str | None = None
    sizes_from: str | None = None
    as_shipped: bool = False
    level: str | None = None
    interpreters: Sequence[str] = ()
    keep_env: Sequence[str] = ()
    device: str = "cpu"
    resume: str | None = None
    prove_parity: bool = False
    devices: str | None = None

    def changes(self) -> dict[str, Any]:
        """The settings of the suite that the options override."""
        changes: dict[str, Any] = {}
        if self.budget:
            changes["budget"] = seconds(self.budget)
        if self.target:
            changes["target"] = share(self.target)
        if self.memory:
            changes["memory"] = size(self.memory)
        if self.sustained:
            changes["sustained"] = seconds_or_none(self.sustained)
        if self.sizes_from:
            changes["sizes_from"] = self.sizes_from
        return changes


@dataclass
class Session:
    """What is measured, and what was measured before.

    `earlier`: the campaign that is resumed. `prove_parity`: cached evidence is not used.
    """

    suite_name: str
    suite: Suite
    cases: Sequence[Case]
    data: Path
    earlier: Stored | None = None
    prove_parity: bool = False
    writer: CampaignWriter | None = None
    campaign: CampaignRunner | None = None

    def measure(self, cases: Sequence[Case], command: str, observer: Observer) -> None:
        """Measure `cases`, all of the session's or some. Raises DeadheatError; records up to then are kept."""
        with campaign_lock() as free:
            self.writer = self._writer(
                cases, command, [*([] if free else [CONCURRENT_CAMPAIGN_WARNING]), *_images(self.suite)]
            )
            records = (*self.earlier.records, *self.earlier.copies) if self.earlier else ()
            reference = reference_of(self.suite, cases).id
            ledger = Ledger(with_controls(self.suite, cases), reference, self.writer, records)
            logs = Logs(self.writer.folder)
            self.campaign = CampaignRunner(ledger, self.suite, observer, logs=logs, cache=self._cache)
            self._run(self.campaign, self.writer)

    def _run(self, campaign: CampaignRunner, writer: CampaignWriter) -> None:
        start, before = now(), self._before
        try:
            campaign.run()
        finally:
            spent = (before.measuring_seconds or 0.0) + now() - start
            prepared = Counter(before.preparation_seconds) + Counter(campaign.seconds)
            known: dict[str, Any] = {
                "stop": self._stop(campaign),
                "rules": {**before.rules, **campaign.rules},
                "measuring_seconds": round(spent, 1),
                "preparation_seconds": {part: round(seconds, 1) for part, seconds in prepared.items()},
            }
            if campaign.remainder:  # of a part of the campaign it would not be that of the campaign
                left = RemainderFacts(**asdict(campaign.remainder))
                known["remainder"] = left if self._is_whole(campaign) else RemainderFacts()
            writer.update_system(System(**known))

    @property
    def _cache(self) -> EvidenceCache:
        """The user's cached evidence, which is only added to if parity is to be proved anew."""
        suite = self.suite
        return EvidenceCache(default_folder(), suite.interpreters, suite.environment, reads=not self.prove_parity)

    @property
    def _before(self) -> System:
        """The metadata of the resumed campaign; empty if none is resumed."""
        return self.earlier.system if self.earlier else System()

    def _stop(self, campaign: CampaignRunner) -> str:
        """Why the campaign ended. A resumed part that is complete does not make the whole campaign complete."""
        return campaign.stop if self._is_whole(campaign) else self._before.stop or "interrupted"

    def _is_whole(self, campaign: CampaignRunner) -> bool:
        """Whether a campaign has all cases of the one that it resumes."""
        return {case.id for case in campaign.ledger.cases} >= set(self._before.cases)

    def _writer(self, cases: Sequence[Case], command: str, warnings: list[dict[str, str]]) -> CampaignWriter:
        told = map(Warned.model_validate, warnings)
        if self.earlier:
            before = self._before
            suite = {**before.suite.content(), **self.suite.model_dump(mode="json")}
            new = System(
                schema=SCHEMA,
                resumed=(*before.resumed, command),
                suite=SuiteFacts.model_validate(suite),
                warnings=(*before.warnings, *told),
            )
            return CampaignWriter.resume(self.earlier.folder, new)
        own = re.sub(r"[^A-Za-z0-9._-]+", "-", Path(self.suite_name).stem)
        name = f"{datetime.now():%Y-%m-%dT%H-%M-%S}-{own}"
        system = describe(self.suite_name, self.suite, cases, command)
        # The state until the campaign ends: after a power failure, it remains.
        more = {"campaign": name, "stop": "interrupted", "warnings": (*system.warnings, *told)}
        return CampaignWriter.create(self.data, name, system.model_copy(update=more).content())


def _images(suite: Suite) -> list[dict[str, str]]:
    """Warn of images that streams do not use, in the folder from which the suite takes image sizes."""
    images = photographs(suite)
    found = []
    if images and images.left_out:
        what = f"{len(images.left_out)} of {len(images.left_out) + len(images.sizes)} files skipped: "
        what += image_sizes.describe_left_out(images.left_out)
        found.append({"what": what, "remedy": f"repair, convert or remove them in {suite.sizes_from}"})
    streamed = [entry for entry in suite.workloads if any(map(streams.takes_photographs, entry.streams))]
    most = max((batch for entry in streamed for batch in entry.batches), default=len(images.sizes) if images else 0)
    if images and most < len(images.sizes):
        what = f"streams use {most} of the {len(images.sizes)} images in {suite.sizes_from}, sampled by the seed"
        found.append(
            {
                "what": what,
                "remedy": "to use more, set larger batches in a suite of your own; to use others, set another seed",
            }
        )
    return found


def build_session(options: Options) -> Session:
    """The session that the options describe. Raises DeadheatError if anything about them is wrong."""
    session = _resumed(options, options.resume) if options.resume else _new_session(options)
    return replace(session, prove_parity=options.prove_parity)


def _new_session(options: Options) -> Session:
    others = _others(options.interpreters)
    suite = planned_suite(options, others)
    asked = suite.environment
    cases = plan_cases.cases(suite, checked("device", options.device, DEVICES))
    _check_device(options.device)
    _check_memory(suite, options.device)
    contestants = tuple(dict.fromkeys(case.contestant for case in cases))
    _check_used(others, contestants)
    _check_free(suite.environment, contestants, options.device)
    _check_blocking(suite, contestants, options.device)
    for contestant in contestants:
        interpreters.missing(contestant, suite.interpreters, asked)  # raises if its Python cannot be asked
    check_writable(options.results)
    return Session(options.suite, suite, cases, options.results)


def planned_suite(options: Options, others: Mapping[str, Sequence[Interpreter]] | None = None) -> Suite:
    """The suite as the options change it. `others`: interpreters by framework. Raises DeadheatError for wrong ones."""
    suite = suites.load_suite(options.suite, options.preset, **options.changes())
    others = others or {}
    paths = {one.label: one.path for found in others.values() for one in found}
    asked = {**suite.environment, **_kept(options)}
    level = checked("level", options.level, LEVELS) if options.level else suite.level
    if options.devices:
        suite = suites.with_devices(suite, parse_devices(options.devices))
    suite = suite.model_copy(
        update={"interpreters": {**suite.interpreters, **paths}, "environment": asked, "level": level}
    )

    def changed(contestant: Contestant) -> list[Contestant]:
        if suite.level:
            found = load_framework(contestant.framework).at_level(contestant.execution, suite.level)
            contestant = replace(contestant, execution=found.name)
        if options.as_shipped:
            contestant = replace(contestant, setting="as-shipped")
        if contestant.interpreter:  # the suite says which Python, and the command line only where that is
            return [contestant]
        labels = [one.label for one in others.get(contestant.framework, ())]
        return [replace(contestant, interpreter=label) for label in labels] or [contestant]

    return suites.with_contestants(suite, changed)


def _kept(options: Options) -> dict[str, str]:
    """The shell's variables to keep; InvalidInput if all are kept anyway."""
    if options.as_shipped and options.keep_env:
        raise InvalidInput(
            "--keep-env: with --as-shipped, launches inherit all variables of the shell; omit one of the two options"
        )
    return kept(options.keep_env, os.environ)


def _check_free(asked: Mapping[str, str], contestants: Sequence[Contestant], device: str) -> None:
    """InvalidInput if a requested variable is set by the harness."""
    for one in contestants:
        execution = load_framework(one.framework).execution(one.execution)
        needed = {**execution.environment, **nvidia.environment(device), **interpreters.OWN.environment()}
        if taken := sorted(needed.keys() & asked.keys()):
            raise InvalidInput(
                f"{taken[0]} can't be kept: the harness sets it for {one.id} on {device}; "
                "remove it from --keep-env, and from `environment` in the suite"
            )


def _check_blocking(suite: Suite, contestants: Sequence[Contestant], device: str) -> None:
    """InvalidInput if launches on a card would wait for each kernel, which nobody does who does not debug."""
    passed = {**environment(contestants, os.environ)["inherited"], **suite.environment}
    if device == "cuda" and passed.get(BLOCKING, "0") not in ("", "0"):
        raise InvalidInput(
            f"{BLOCKING}={passed[BLOCKING]} would reach the launches, and each kernel would wait for the one before; "
            f"unset {BLOCKING}, and remove it from --keep-env and from `environment` in the suite"
        )


def _check_inherited(earlier: Stored, cases: Sequence[Case]) -> None:
    """InvalidInput if launches as shipped would inherit other variables than the campaign's earlier launches."""
    before = earlier.system.environment
    here = environment([case.contestant for case in cases], os.environ)["inherited"]
    if before is not None and before.inherited != here:
        raise InvalidInput(
            f"launches as shipped inherited {words(before.inherited)} from the shell, now they would inherit "
            f"{words(here)}; set the same variables, or measure without --resume"
        )


def _check_cards(earlier: Stored, device: str, cards: int) -> None:
    """InvalidInput if a campaign on so many cards would go on on others."""
    before = [card.uuid for card in earlier.system.machine.cards or ()]
    here = [card["uuid"] for card in nvidia.chosen(device, cards)]
    if before and before != here:
        raise InvalidInput(
            f"campaign {earlier.name} was measured on {', '.join(map(str, before))}, now it would be on "
            f"{', '.join(map(str, here)) or 'an unknown card'}; set CUDA_VISIBLE_DEVICES to that card, or measure "
            "without --resume"
        )


def _check_device(device: str) -> None:
    """InvalidInput if this machine has no such device."""
    if reason := nvidia.missing(device):
        raise InvalidInput(f"--device {device}: {reason}; measure with --device cpu")


def _check_memory(suite: Suite, device: str) -> None:
    """InvalidInput if the largest batch is searched on a card of which it is not known whose memory it fills."""
    if suite.largest_batch and is_card(device) and (reason := nvidia.unknown_memory()):
        raise InvalidInput(
            f"--device {device}: the card's memory is unknown ({reason}), and a search for the largest batch could "
            "fill the host's; in a container set NVIDIA_DRIVER_CAPABILITIES=compute,utility, or use another suite"
        )


def _others(texts: Sequence[str]) -> Mapping[str, Sequence[Interpreter]]:
    """Interpreters by framework; InvalidInput if two have the same label."""
    others: dict[str, list[Interpreter]] = {}
    paths: dict[str, str] = {}
    for framework, interpreter in map(interpreters.parse, texts):
        others.setdefault(framework, []).append(interpreter)
        if paths.setdefault(interpreter.label, interpreter.path) != interpreter.path:
            both = f"{paths[interpreter.label]} and {interpreter.path}"
            raise InvalidInput(
                f"two interpreters have the label {interpreter.label!r}: {both}; give each its own label"
            )
    return others


def _check_used(others: Mapping[str, Sequence[Interpreter]], contestants: Sequence[Contestant]) -> None:
    """InvalidInput if an interpreter is named that no contestant uses."""
    used = {(one.framework, one.interpreter) for one in contestants}
    for framework, found in others.items():
        for label in (one.label for one in found if (framework, one.label) not in used):
            there = ", ".join(one.id for one in contestants)
            raise InvalidInput(
                f"--interpreter {framework}@{label}: no contestant of the suite would use it ({there}); "
                f"omit it, or use a suite with {framework}"
            )


def _resumed(options: Options, name: str) -> Session:
    """Resume a campaign: its suite, cases and device; budget, target, memory and sustained may change."""
    for option in ("preset", "as_shipped", "level", "interpreters", "keep_env", "sizes_from", "devices"):
        if getattr(options, option):
            typed = option.replace("interpreters", "interpreter").replace("_", "-")
            raise InvalidInput(
                f"--{typed} cannot be changed in a resumed campaign; omit it, or measure without --resume"
            )
    earlier = read_campaign(find_campaign(name, options.results))
    if stored_units(earlier.folder):
        raise InvalidInput(
            f"campaign {earlier.name} is one of several machines; resume it with: python -m bench fleet run --resume "
            f"{earlier.name}"
        )
    if any(f"/{SYSTEM}: suite" in problem for problem in earlier.problems):
        raise suites.SuiteError(suites.NO_SUITE)
    suite = suites.suite_from_system(earlier.system).model_copy(update=options.changes())
    known = set(earlier.system.cases)
    cases = [case for device in DEVICES for case in plan_cases.cases(suite, device) if case.id in known]
    for device in dict.fromkeys(case.workload.device for case in cases):
        _check_device(device)
        _check_memory(suite, device)
        _check_cards(earlier, device, most_devices(cases))
    _check_inherited(earlier, cases)
    check_writable(earlier.folder)
    return Session(earlier.system.suite.name or "", suite, cases, earlier.folder.parent, earlier)


def make_report(folder: Path, output: Path) -> str:
    """Write the report of a campaign; a line about it.

    It is made by a process of its own: bench must not import reports, and this process does not hold its memory.
    """
    command = [sys.executable, "-m", "reports", str(folder), "--output", str(output)]
    again = f"try again with: {shlex.join(command)}"
    try:
        made = subprocess.run(
            command,
            env={**os.environ, **interpreters.OWN.environment()},
            capture_output=True,
            text=True,
            errors="replace",
        )
    except KeyboardInterrupt:
        return f"no report: interrupted; {again}"
    lines = (made.stdout or made.stderr).strip().splitlines()
    said = lines[-1] if lines else "nothing"
    return f"report: {said}" if made.returncode == 0 else f"no report: {said}; {again}"

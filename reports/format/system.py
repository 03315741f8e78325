"""A campaign's metadata and machine: a few lines for the header, and everything as a list.

Every key of system.json is optional here.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from impls.host.environment import words
from results.schema import environment
from results.schema.system import ContestantFacts, LayerFacts, Machine, Pyramid, SuiteFacts, System, Warned
from results.units import amount, elapsed
from results.words import stop_reason

DEEPEST = 5
RESUME = re.compile(r"--resume [^\s,;]+")
IN_TABLES = ("workloads", "networks", "pyramids", "nodes", "attempts")

Entry = tuple[str, str]


def header(system: System, reference: str | None) -> list[Entry]:
    """The facts for the header of a campaign; missing facts are omitted."""
    entries = (
        ("When", _when(system)),
        ("Machine", machine(system.machine)),
        ("Nodes", ", ".join(system.nodes)),
        ("Suite", _suite(system.suite)),
        ("Stopped", stop_reason(system.stop or "", system.suite.budget)),
        ("Kept variables", _variables(environment.kept(system))),
        ("Inherited variables", _variables(environment.inherited(system))),
        ("Reference", reference),
        ("Command", system.command),
        ("Deadheat", system.deadheat),
    )
    return [(term, value) for term, value in entries if value]


def warnings(system: System, campaign: str) -> list[tuple[str, str]]:
    """The warnings of a campaign as (what, remedy); a plain text is a warning without a remedy.

    Those of system.json while it runs; afterwards the final ones, which include them. `campaign`: the name by which it
    is resumed, as its folder may have been renamed.
    """
    found = [_warning(one) for one in (system.warnings if system.advice is None else system.advice)]
    return [(what, RESUME.sub(lambda _: f"--resume {shlex.quote(campaign)}", remedy)) for what, remedy in found]


def versions(system: System, contestant: str) -> str:
    """The versions of a contestant's packages, on one line."""
    said = system.contestants.get(contestant)
    return ", ".join(f"{name} {version}" for name, version in said.versions.items()) if said else ""


def notes(system: System, contestants: Iterable[str]) -> list[tuple[str, str]]:
    """How the contestants compute, as far as it is recorded: ("pytorch:eager", "module by module, channels first")."""
    known = [(one, system.contestants[one].note) for one in contestants if one in system.contestants]
    return [(contestant, note) for contestant, note in known if note]


LEVELS = {
    "tuned": "in the fastest way that we know with the same mathematics",
    "idiomatic": "as the framework's own tutorials write it",
    "published": "as others publish it",
}
"""How a contestant of a level is written."""


def levels(system: System, contestants: Iterable[str]) -> str:
    """A sentence on how the contestants are written; "" if that is not recorded."""
    of_level: dict[str, list[str]] = {}
    for contestant in contestants:
        if level := system.contestants.get(contestant, ContestantFacts()).level:
            of_level.setdefault(level, []).append(contestant)
    told = [(level, LEVELS[level], names) for level, names in of_level.items() if level in LEVELS]
    if len(told) == 1:
        level, how, _ = told[0]
        return f"All contestants are {level}: each is written {how}."
    return " ".join(f"{', '.join(names)}: {level}, written {how}." for level, how, names in told)


def tolerances(system: System, precision: str) -> Mapping[str, float]:
    """The parity tolerances of a precision, as far as they are recorded."""
    return system.parity_tolerances.get(precision, {})


def pyramids(system: System) -> list[Pyramid]:
    """The bins of the campaign's pyramids, as far as they are recorded and can be drawn."""
    return [one for one in system.pyramids if _is_whole(one)]


def _is_whole(pyramid: Pyramid) -> bool:
    levels = {str(level) for level in pyramid.levels}
    rules = pyramid.rules.values()
    return pyramid.side is not None and bool(levels and rules) and all(levels <= rule.keys() for rule in rules)


def layers(system: System, network: str) -> Sequence[LayerFacts]:
    """The requirements of each layer of a network, by its table; empty unless they are recorded completely."""
    found = system.networks.get(network, ())
    return found if all(None not in (one.layer, one.macs, one.weight_bytes) for one in found) else ()


def system_details(system: System, itself: str = "campaign") -> list[tuple[str, list[Entry]]]:
    """All of system.json as (heading, entries), nested keys joined by dots, except what other sections show.

    Entries without a heading of their own are under `itself`.
    """
    said = {key: value for key, value in system.content().items() if key not in IN_TABLES}
    loose = [(key, _scalar(value)) for key, value in said.items() if not isinstance(value, Mapping)]
    nested = [(key, list(flat(value))) for key, value in said.items() if isinstance(value, Mapping)]
    return [section for section in ((itself, loose), *nested) if section[1]]


def flat(value: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[Entry]:
    """The leaves as text, nested keys joined by dots."""
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, Mapping) and inner and depth < DEEPEST:
            yield from flat(inner, f"{name} · ", depth + 1)
        elif key.endswith("_bytes") and isinstance(inner, int | float):
            yield name, f"{inner} ({amount(inner)})"
        else:
            yield name, _scalar(inner)


def _scalar(value: object) -> str:
    """A leaf as text; lists of scalars separated by commas, anything else as JSON."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if value is None:
        return ""
    if isinstance(value, str | int | float):
        return str(value)
    if isinstance(value, list) and not any(isinstance(item, list | dict) for item in value):
        return ", ".join(map(_scalar, value)) or "none"
    return json.dumps(value, ensure_ascii=False)


def _when(system: System) -> str:
    ends = " to ".join(filter(None, (system.started, system.finished)))
    seconds = system.measuring_seconds
    measuring = f"{elapsed(seconds)} measuring" if seconds is not None else ""
    return ", ".join(filter(None, (ends, measuring)))


def machine(machine: Machine) -> str:
    """Processor, cores, memory, cards, system and Python of a machine, as far as they are known."""
    memory, limit = machine.memory_bytes, machine.memory_limit_bytes
    parts = (
        machine.cpu,
        f"{machine.cores} cores" if machine.cores is not None else "",
        f"CPU quota {machine.cpu_quota}" if machine.cpu_quota is not None else "",
        amount(memory) if memory is not None else "",
        f"memory limit {amount(limit)}" if limit is not None else "",
        ", ".join(gpu.name or "" for gpu in machine.gpus or ()),  # the other facts of a GPU are listed with the system
        machine.os,
        machine.kernel,
        f"Python {machine.python}" if machine.python else "",
    )
    return " · ".join(filter(None, parts))


def _suite(suite: SuiteFacts) -> str:
    named = " · ".join(filter(None, (suite.name, suite.title)))
    launches = " to ".join(dict.fromkeys(map(str, suite.launches or ())))
    plan = [f"{value} {key}" for key, value in (("launches", launches), ("rounds", suite.rounds)) if value]
    return f"{named} ({', '.join(plan)})" if plan else named


def _variables(found: Mapping[str, str]) -> str:
    return words(found) if found else ""


def _warning(said: Warned) -> tuple[str, str]:
    return said.what or json.dumps(said.content()), said.remedy

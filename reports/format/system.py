"""What a campaign says about itself and its machine: a few lines for the header, and everything as a list.

system.json is written by `bench` and grows; nothing here needs a key to be there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeGuard

from impls.environment import words
from results.schema import environment
from results.units import amount, elapsed
from results.words import stop_reason

DEEPEST = 5
IN_TABLES = ("workloads", "networks", "pyramids")

System = Mapping[str, Any]
Entry = tuple[str, str]


def get_path(system: object, *path: str) -> Any:
    """The value at `path`, None where anything on the way is missing or of another kind."""
    for key in path:
        if not isinstance(system, Mapping):
            return None
        system = system.get(key)
    return system


def suite_name(system: System) -> str | None:
    """The suite that the campaign ran, if it says."""
    name = get_path(system, "suite", "name")
    return name if isinstance(name, str) else None


def header(system: System, reference: str | None) -> list[Entry]:
    """What a reader must know before the first number; a fact that the campaign lacks is left out."""
    entries = (
        ("When", _when(system)),
        ("Machine", _machine(get_path(system, "machine"))),
        ("Suite", _suite(get_path(system, "suite"))),
        ("Stopped", stop_reason(_scalar(system.get("stop")), get_path(system, "suite", "budget"))),
        ("Kept variables", _variables(environment.kept(system))),
        ("Inherited variables", _variables(environment.inherited(system))),
        ("Reference", reference or ""),
        ("Command", _scalar(system.get("command"))),
        ("Deadheat", _scalar(system.get("deadheat"))),
    )
    return [(term, value) for term, value in entries if value]


def warnings(system: System) -> list[tuple[str, str]]:
    """(what, remedy) of what to know before believing a campaign; a plain text is a warning without a remedy.

    Its warnings from before it began, until it ends with advice that holds them too.
    """
    found = system.get("advice", system.get("warnings"))
    return [_warning(item) for item in found] if isinstance(found, list) else []


def versions(system: System, contestant: str) -> str:
    """The versions that a contestant ran with, on one line."""
    found = get_path(system, "contestants", contestant, "versions")
    return (
        ", ".join(f"{name} {_scalar(version)}" for name, version in found.items()) if isinstance(found, Mapping) else ""
    )


def tolerances(system: System, precision: str) -> Mapping[str, float]:
    """The parity tolerances of a precision, as far as the campaign says."""
    found = get_path(system, "parity_tolerances", precision)
    return (
        {key: float(value) for key, value in found.items() if _is_number(value)} if isinstance(found, Mapping) else {}
    )


def pyramids(system: System) -> list[Mapping[str, Any]]:
    """Where the bins of the campaign's pyramids lie, as far as it says so in a way that can be drawn."""
    found = system.get("pyramids")
    return [one for one in found if _is_pyramid(one)] if isinstance(found, list) else []


def _is_pyramid(one: object) -> bool:
    rules, levels, side = get_path(one, "rules"), get_path(one, "levels"), get_path(one, "side")
    return (
        isinstance(levels, list)
        and bool(levels)
        and _is_number(side)
        and isinstance(rules, Mapping)
        and bool(rules)
        and all(_are_bins(get_path(rule, str(level))) for rule in rules.values() for level in levels)
    )


def _are_bins(found: object) -> bool:
    """Ranges, or the reason why there are none."""
    if isinstance(found, str):
        return True
    return isinstance(found, list) and all(
        isinstance(ends, list) and len(ends) == 2 and all(map(_is_number, ends)) for ends in found
    )


def layers(system: System, network: str) -> list[Mapping[str, Any]]:
    """What each layer of a network needs, as its table says; nothing where the campaign does not say, or not all."""
    found = get_path(system, "networks", network)
    whole = isinstance(found, list) and all(
        isinstance(get_path(layer, "layer"), str)
        and all(_is_number(get_path(layer, key)) for key in ("macs", "weight_bytes"))
        for layer in found
    )
    return found if whole else []


def system_details(system: System, itself: str = "campaign") -> list[tuple[str, list[Entry]]]:
    """All of system.json as (heading, entries), nested keys joined by dots, but what its tables have said.

    What belongs to nothing else is headed `itself`.
    """
    system = {key: value for key, value in system.items() if key not in IN_TABLES}
    loose = [(key, _scalar(value)) for key, value in system.items() if not isinstance(value, Mapping)]
    nested = [(key, list(flat(value))) for key, value in system.items() if isinstance(value, Mapping)]
    return [section for section in ((itself, loose), *nested) if section[1]]


def flat(value: Mapping[str, Any], prefix: str = "", depth: int = 0) -> Iterator[Entry]:
    """Its leaves as text, nested keys joined by dots."""
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, Mapping) and inner and depth < DEEPEST:
            yield from flat(inner, f"{name} · ", depth + 1)
        elif key.endswith("_bytes") and _is_number(inner):
            yield name, f"{inner} ({amount(inner)})"
        else:
            yield name, _scalar(inner)


def _scalar(value: object) -> str:
    """A leaf as text; lists of plain things as people write lists, anything else as JSON."""
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
    ends = " to ".join(filter(None, (_scalar(system.get("started")), _scalar(system.get("finished")))))
    seconds = system.get("measuring_seconds")
    measuring = f"{elapsed(seconds)} measuring" if _is_number(seconds) else ""
    return ", ".join(filter(None, (ends, measuring)))


def _machine(machine: object) -> str:
    cores, memory = get_path(machine, "cores"), get_path(machine, "memory_bytes")
    quota, limit = get_path(machine, "cpu_quota"), get_path(machine, "memory_limit_bytes")
    parts = (
        _scalar(get_path(machine, "cpu")),
        f"{_scalar(cores)} cores" if cores is not None else "",
        f"CPU quota {_scalar(quota)}" if _is_number(quota) else "",
        amount(memory) if _is_number(memory) else "",
        f"memory limit {amount(limit)}" if _is_number(limit) else "",
        _gpus(get_path(machine, "gpus")),
        *(_scalar(get_path(machine, key)) for key in ("os", "kernel")),
        f"Python {_scalar(get_path(machine, 'python'))}" if get_path(machine, "python") else "",
    )
    return " · ".join(filter(None, parts))


def _gpus(gpus: object) -> str:
    """Their names; what else is known of them stands with the system."""
    return ", ".join(_scalar(get_path(gpu, "name")) for gpu in gpus) if isinstance(gpus, list) else ""


def _suite(suite: object) -> str:
    if not isinstance(suite, Mapping):
        return _scalar(suite)
    named = " · ".join(filter(None, (_scalar(suite.get(key)) for key in ("name", "title"))))
    plan = [f"{_range(suite[key])} {key}" for key in ("launches", "rounds") if key in suite]
    return f"{named} ({', '.join(plan)})" if plan else named


def _variables(found: Mapping[str, Any]) -> str:
    return words(found) if found else ""


def _range(value: object) -> str:
    """A number, or [fewest, most]."""
    if isinstance(value, list):
        return " to ".join(dict.fromkeys(map(_scalar, value)))
    return _scalar(value)


def _warning(item: object) -> tuple[str, str]:
    if isinstance(item, Mapping):
        return _scalar(item.get("what")) or json.dumps(dict(item)), _scalar(item.get("remedy"))
    return _scalar(item), ""


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)

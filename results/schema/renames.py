"""Renames: earlier stored names and current names.

Stored names changed once, with schema 6 of records. Files of earlier schemas are read with current names, so that
earlier and later campaigns can be compared. Suites and options with an earlier name are accepted; a line on stderr
states the current one.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

SCHEMA = 6
"""The schema version of records and system.json in which the names below changed."""

ARCHITECTURES = {
    "bench.ceilings.CONVOLUTION": "probe-conv3x3",
    "bench.ceilings.PRODUCT": "probe-matmul",
    **{f"bench.pyramids.BINS{bins}_OF{maps}": f"spp-{bins}x{maps}" for bins in (14, 21, 30, 50) for maps in (256, 512)},
    **{f"bench.windows.VIEWS{count}": f"zf5-windows-{count}" for count in (10, 96)},
    **{f"bench.windows.WINDOWS{count}": f"zf5-windows-{count}" for count in (100, 500, 2000)},
    **{
        f"bench.company.{name.upper()}_{one}": f"{name}-solo-{one.lower()}"
        for name in ("lenet5", "alexnet")
        for one in "ABC"
    },
}
FRAMEWORKS = {
    "bench.planted": "slowed",
    "bench.virtual": "fake-clock",
    **{f"bench.handwritten.{name}": f"{name}-handwritten" for name in ("jax", "keras", "pytorch", "tensorflow")},
    **{f"bench.pyramids.{name}": f"{name}-spp" for name in ("jax", "keras", "pytorch", "tensorflow")},
}

COLUMNS = {
    "arithmetic": "effective_precision",
    "beyond": "failure",
    "bound_threads": "pinned_threads",
    "cautions": "quality_flags",
    "ceiling_share": "fraction_of_peak",
    "foreign_cores": "other_cpus_used",
    "host_bytes": "peak_rss_step_bytes",
    "host_launch_bytes": "peak_rss_launch_bytes",
    "memory_floor_bytes": "min_memory_bytes",
    "own_cores": "process_cpus_used",
    "part": "component",
    "pays_after_images": "break_even_images",
    "pays_after_seconds": "break_even_seconds",
    "probe": "peak_probe",
    "smallest_beyond": "smallest_failing_batch",
    "soak_cores": "sustained_cpus_used",
    "steady": "warmup_converged",
    "superseded": "repeated_launches",
    "switch": "switching_ratio",
    "switch_high": "switching_ratio_high",
    "switch_low": "switching_ratio_low",
}
"""Columns of tidy tables. Tables are computed when they are read, so only names that records contain were stored."""
FLAGS = {
    "above_ceiling": "above_peak",
    "foreign_cpu": "cpu_contention",
    "less_for_more": "non_monotonic",
    "paging": "major_faults",
    "two_kinds": "bimodal",
    "unsteady": "warmup_not_converged",
}
"""Values of column `quality_flags`."""
RECORD_FIELDS = {name: COLUMNS[name] for name in ("arithmetic", "bound_threads", "steady")}
QUANTITIES = {name: COLUMNS[name] for name in ("host_bytes", "host_launch_bytes", "soak_cores")}
"""Keys of a record's usage: of values, of reasons for missing ones, and of sources."""
REASONS = {
    "no soak was asked for; --soak 3s gives one": "no sustained run was asked for; --sustained 3s gives one",
}
"""Reasons of missing quantities that are compared when a campaign is resumed."""
SUITE_KEYS = {
    "fresh": "fresh_interpreter",
    "redos": "max_retries",
    "soak": "sustained",
    "turn_seconds": "max_turn_seconds",
}
"""Keys of suites, presets, and the suite in system.json."""
OPTIONS = {"--soak": "--sustained"}
SUITES = {"company": "interference"}

_GEMV = "probe-gemv"
_AS_GEMV = r"bench\.ceilings\.PRODUCT(?=-(?:8x32x32-k4096|16x32x32-k16384)-b1-)"
"""The probe of memory reads had the name of the matrix product and another shape."""
_NAMES = {**ARCHITECTURES, **FRAMEWORKS}
_EARLIER = re.compile(rf"(?<![\w.])(?:(?P<gemv>{_AS_GEMV})|(?:{'|'.join(map(re.escape, _NAMES))})(?!\w|\.\w))")


def in_text(text: str) -> str:
    """The text, such as a case id or a sentence, with current names of architectures and frameworks."""
    return _EARLIER.sub(lambda found: _GEMV if found["gemv"] else _NAMES[found[0]], text)


def _renamed(said: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The same mapping in the same order, with current keys."""
    return {names.get(key, key): value for key, value in said.items()}


def of_record(content: Any) -> Any:
    """The JSON of a record of an earlier schema in the current one; invalid parts remain unchanged."""
    if not isinstance(content, dict):
        return content
    content = _renamed(content, RECORD_FIELDS)
    if isinstance(usage := content.get("usage"), dict):
        content["usage"] = {
            key: _renamed(said, QUANTITIES) if isinstance(said, dict) else said for key, said in usage.items()
        }
        _rename_reasons(content["usage"].get("missing"))
    match content:
        case {"case": {"workload": dict(workload), "contestant": dict(contestant)}}:
            _rename_architecture(workload)
            if isinstance(framework := contestant.get("framework"), str):
                contestant["framework"] = FRAMEWORKS.get(framework, framework)
    return content


def _rename_reasons(missing: Any) -> None:
    if isinstance(missing, dict):
        missing.update({name: REASONS[reason] for name, reason in missing.items() if reason in REASONS})


def _rename_architecture(workload: dict[str, Any]) -> None:
    match workload:
        case {"architecture": str(name), "channels": channels, "height": height, "width": width}:
            shape = f"-{channels}x{height}x{width}-k{workload.get('classes')}-b{workload.get('batch')}-"
            workload["architecture"] = in_text(name + shape).removesuffix(shape)


_AS_TYPED = ("command", "resumed", "resumed_by")
"""Keys of system.json with the user's input, which is not renamed."""


def of_system(system: Mapping[str, Any]) -> dict[str, Any]:
    """The content of system.json of an earlier schema in the current one."""
    if isinstance(known := system.get("schema"), int) and known >= SCHEMA:
        return dict(system)
    renamed = {key: said if key in _AS_TYPED else _in_all(said) for key, said in system.items()}
    if isinstance(suite := renamed.get("suite"), dict):
        renamed["suite"] = _renamed(suite, SUITE_KEYS)
    if isinstance(workloads := renamed.get("workloads"), dict):
        _add_variants(workloads)
    return renamed


def _add_variants(workloads: dict[str, Any]) -> None:
    """The network of which one with a pyramid is a variant, from its earlier name: `zf5-spp`, `zf5-spp30`."""
    for name, facts in workloads.items():
        if isinstance(facts, dict) and "-spp" in name:
            facts.setdefault("variant_of", name.partition("-spp")[0])


def _in_all(said: Any) -> Any:
    """The same value with current names in every key and text."""
    match said:
        case str():
            return in_text(said)
        case dict():
            return {in_text(key): _in_all(value) for key, value in said.items()}
        case list():
            return [_in_all(value) for value in said]
    return said


def architecture(text: str) -> str:
    """The current name of an architecture, or of an isolated layer (`alexnet/conv2`); warns if it differs."""
    name, slash, layer = text.partition("/")
    return _current("architecture", name, ARCHITECTURES) + slash + layer


def contestant(text: str) -> str:
    """The current name of a contestant, framework:execution@interpreter+setting; warns if it differs."""
    framework = re.split("[:@+]", text, maxsplit=1)[0]
    return _current("framework", framework, FRAMEWORKS) + text.removeprefix(framework)


def suite_keys(said: Mapping[str, Any]) -> dict[str, Any]:
    """A suite's or preset's content under current keys; warns of earlier ones. The current key has precedence."""
    renamed = {_current("key", key, SUITE_KEYS): value for key, value in said.items()}
    return {**renamed, **{key: value for key, value in said.items() if key not in SUITE_KEYS}}


def suite(name: str) -> str:
    """The current name of a suite; warns if it differs."""
    return _current("suite", name, SUITES)


def option(earlier: str) -> str:
    """The current name of an option that was given under an earlier name; warns of it."""
    return _current("option", earlier, OPTIONS)


def _current(what: str, name: str, names: Mapping[str, str]) -> str:
    if name in names:
        _tell(f"{what} {name!r} was renamed to {names[name]!r}; the earlier name is still accepted")
    return names.get(name, name)


@cache
def _tell(line: str) -> None:
    """Warn once per process."""
    print(line, file=sys.stderr)

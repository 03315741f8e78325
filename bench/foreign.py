"""What options of pytest, pytest-benchmark and other plug-ins come to while cases are measured.

pytest-benchmark is told the launches' medians (bench.replay) and times nothing itself, so that its options of saving,
comparing and showing hold. Those of timing would change nothing: they are refused, not ignored.
"""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

import pytest

from impls.errors import InvalidInput
from impls.paths import typed_path


class Effect(StrEnum):
    HOLDS = "holds"
    NONE = "no effect"
    REFUSED = "refused"


@dataclass(frozen=True)
class Fate:
    """What becomes of an option, and why; `shows` if pytest-benchmark prints its own table for it."""

    effect: Effect
    why: str
    shows: bool = False


_SHOWN = Fate(Effect.HOLDS, "shows pytest-benchmark's own table, below the summary", shows=True)
_TIMING = Fate(
    Effect.REFUSED, "how a case is timed is the suite's and the preset's; change --preset, --budget or --suite"
)
_PROFILE = Fate(Effect.REFUSED, "cases run in processes of their own, which cProfile does not see")
_SAVING = Fate(Effect.HOLDS, "saves the launches' medians as rounds")

FATES = {
    "--benchmark-only": Fate(Effect.HOLDS, "measures; without it cases are not collected"),
    "--benchmark-skip": Fate(Effect.NONE, "`--benchmark-only` has precedence"),
    "--benchmark-enable": Fate(Effect.HOLDS, "is the default; takes back `--benchmark-disable`"),
    "--benchmark-disable": Fate(Effect.REFUSED, "nothing would be measured; leave it out, or --benchmark-only"),
    "--benchmark-json": Fate(Effect.HOLDS, "its file, and a copy in the campaign's folder"),
    "--benchmark-save": _SAVING,
    "--benchmark-autosave": _SAVING,
    "--benchmark-save-data": _SAVING,
    "--benchmark-storage": Fate(Effect.HOLDS, "where runs are saved to and compared with"),
    "--benchmark-netrc": Fate(Effect.HOLDS, "credentials of such a storage"),
    "--benchmark-compare": Fate(Effect.HOLDS, "shows its table with the saved run; warns if there is none", shows=True),
    "--benchmark-compare-fail": Fate(
        Effect.HOLDS, "exit status 1, after summary and report; refused without a saved run to compare with"
    ),
    "--benchmark-histogram": Fate(Effect.HOLDS, "needs `pip install pygal pygaljs`; refused without", shows=True),
    "--benchmark-sort": _SHOWN,
    "--benchmark-group-by": _SHOWN,
    "--benchmark-columns": _SHOWN,
    "--benchmark-name": _SHOWN,
    "--benchmark-time-unit": _SHOWN,
    "--benchmark-verbose": _SHOWN,
    "--benchmark-quiet": Fate(Effect.HOLDS, "leaves pytest-benchmark's own table out, as is the default"),
    "--benchmark-min-time": _TIMING,
    "--benchmark-max-time": _TIMING,
    "--benchmark-min-rounds": _TIMING,
    "--benchmark-precision": _TIMING,
    "--benchmark-confidence": _TIMING,
    "--benchmark-timer": _TIMING,
    "--benchmark-calibration-precision": _TIMING,
    "--benchmark-warmup": _TIMING,
    "--benchmark-warmup-iterations": _TIMING,
    "--benchmark-disable-gc": _TIMING,
    "--benchmark-cprofile": _PROFILE,
    "--benchmark-cprofile-loops": _PROFILE,
    "--benchmark-cprofile-top": _PROFILE,
    "--benchmark-cprofile-dump": _PROFILE,
}
"""Every option of pytest-benchmark."""
GROUPINGS = frozenset({"group", "name", "func", "fullname", "fullfunc", "param", "param:case"})


def given_in(arguments: Collection[str]) -> set[str]:
    """The names of pytest-benchmark's options among pytest's arguments, configuration included."""
    return {name for name in (argument.partition("=")[0] for argument in arguments) if name in FATES}


def prepare(config: pytest.Config, given: Collection[str]) -> None:
    """Refuse what would not hold, and have pytest-benchmark show its table where that is asked for.

    To be called before pytest-benchmark reads its options. `given` are those of its options that were.
    """
    _refuse_parallel(config)
    for name in sorted(given):
        if FATES[name].effect is Effect.REFUSED and not _taken_back(name, given):
            raise InvalidInput(f"{name} can't be used here: {FATES[name].why}")
    if "--benchmark-histogram" in given and not find_spec("pygal"):
        raise InvalidInput(
            "--benchmark-histogram needs a package that is missing; install it: pip install pygal pygaljs"
        )
    grouping = config.getoption("benchmark_group_by")
    if unknown := set(grouping.split(",")) - GROUPINGS:
        raise InvalidInput(f"--benchmark-group-by {min(unknown)!r}: known: {', '.join(sorted(GROUPINGS))}")
    _prepare_files(config, given)
    if _as_errors(config):
        raise InvalidInput("-W error: a library's warning would end the campaign; leave it out, or use -W default")
    if not any(FATES[name].shows for name in given):
        config.option.benchmark_quiet = True


def _taken_back(name: str, given: Collection[str]) -> bool:
    return name == "--benchmark-disable" and "--benchmark-enable" in given


def _refuse_parallel(config: pytest.Config) -> None:
    """InvalidInput if pytest-xdist would spread cases over processes."""
    spread = config.getoption("dist", "no") != "no" or config.getoption("numprocesses", None)
    if spread or "PYTEST_XDIST_WORKER" in os.environ:
        raise InvalidInput("pytest-xdist would measure cases beside each other, unasked; leave out -n and --dist")


def _prepare_files(config: pytest.Config, given: Collection[str]) -> None:
    """InvalidInput if pytest-benchmark could not write where it is to write at the end."""
    if path := config.getoption("benchmark_json"):
        config.option.benchmark_json = typed_path(path)
        check_can_write("--benchmark-json", config.option.benchmark_json)
    place, scheme, rest = config.getoption("benchmark_storage").rpartition("file://")
    if scheme or "://" not in rest:
        folder = typed_path(rest)
        config.option.benchmark_storage = f"{place}{scheme}{folder}"
        if {"--benchmark-save", "--benchmark-autosave"} & set(given):
            there = next(one for one in (folder, *folder.absolute().parents) if one.exists())
            check_can_write("--benchmark-storage", there / "any")


def check_can_write(option: str, file: Path) -> None:
    """InvalidInput if the folder of a file that an option names is not one to write in."""
    if file.is_dir():
        raise InvalidInput(f"{option} {str(file)!r}: that is a folder; give a file in it")
    if not (file.parent.is_dir() and os.access(file.parent, os.W_OK)):
        raise InvalidInput(f"{option} {str(file)!r}: {str(file.parent)!r} is no folder to write in")


def _as_errors(config: pytest.Config) -> bool:
    actions = [one.partition(":")[0].strip() for one in config.getoption("pythonwarnings") or []]
    return any(action and "error".startswith(action) for action in actions)


def check_comparison(config: pytest.Config) -> None:
    """InvalidInput if runs are to be compared, and there is none that was saved. Once pytest-benchmark is set up."""
    session = config.pluginmanager.get_plugin("pytest-benchmark")
    if session and config.getoption("benchmark_compare_fail") and not session.compared_mapping:
        raise InvalidInput(
            "--benchmark-compare-fail: there is no saved run to compare with; save one with --benchmark-autosave, "
            "and give --benchmark-compare"
        )

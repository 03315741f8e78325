"""Quality flags: reasons to doubt a measured case. This folder is their registry.

Every `Flag` at the top level of one of its modules is detected, reported and documented; there is no list of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from impls import registry
from results.stats.launches import Launches

if TYPE_CHECKING:
    import pandas as pd

Row = Mapping[str, Any]
"""A case's row of the table of cases, without its flags."""


@dataclass(frozen=True)
class MeasuredCase:
    """A measured case: its row, and its valid launches in the order in which they ran."""

    row: Row
    launches: Launches


Detect = Callable[[Sequence[MeasuredCase]], Iterable[str]]
"""Of all measured cases of a campaign, the ids of those that get the flag."""


@dataclass(frozen=True)
class Flagged:
    """The cases with a flag, their valid launches, and all cases of the campaign, as tables.

    Launches have the columns of results.advice.OF_LAUNCHES; their texts are categories.
    """

    rows: pd.DataFrame
    launches: pd.DataFrame
    cases: pd.DataFrame

    def times(self) -> Iterator[tuple[str, list[float]]]:
        """Each case's launches in the order in which they ran, those of each node for themselves."""
        for (case, _), own in self.launches.groupby(["case", "node"], sort=False):
            yield str(case), own.seconds.tolist()


@dataclass(frozen=True)
class Flag:
    """A reason to doubt a case.

    `meaning` completes "a case is flagged because ..." in a few words; `describe` returns a sentence with figures of
    the flagged cases; `hint` is the remedy.
    """

    name: str
    meaning: str
    detect: Detect
    describe: Callable[[Flagged], str]
    hint: str


@cache
def flags() -> dict[str, Flag]:
    """Every flag by its name."""
    return {flag.name: flag for module in registry.modules_in(__name__) for flag in registry.instances_in(module, Flag)}


def raised(cases: Sequence[MeasuredCase]) -> dict[str, list[str]]:
    """The names of each case's flags, by case id, for the measured cases of one campaign."""
    found: dict[str, list[str]] = {}
    for flag in flags().values():
        for case in dict.fromkeys(flag.detect(cases)):
            found.setdefault(case, []).append(flag.name)
    return found


def in_each(test: Callable[[Launches], bool]) -> Detect:
    """Detect the cases of which the launches on some node, without those of other cases, pass the test."""
    return lambda cases: [case.row["case"] for case in cases if any(map(test, case.launches.by_node().values()))]


def in_words(launches: int) -> str:
    return "1 launch" if launches == 1 else f"{launches} launches"

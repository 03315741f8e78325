"""Which experiment tests a claim: the closest to the paper that the data at hand and a few hours allow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from impls.errors import DeadheatError
from repro import data
from repro.claims.claim import Claim
from repro.claims.experiment import Experiment
from repro.data import Dataset
from repro.runner import effort


class DatasetCache:
    """Data sets as they are needed, read once; what is wrong with one is kept, too."""

    def __init__(self, paths: Mapping[str, Path]):
        self._paths = paths
        self._read: dict[str, Dataset | str] = {}

    def get(self, name: str) -> Dataset | str:
        """The data set, or one line that says why there is none."""
        if name not in self._read:
            try:
                self._read[name] = data.load(name, self._paths.get(name))
            except DeadheatError as problem:
                self._read[name] = str(problem)
        return self._read[name]

    def folder(self, name: str) -> Path:
        return data.find(name, self._paths.get(name))

    def choose(self, claim: Claim, full: bool, quick: bool = False) -> Experiment | str:
        """The experiment closest to the paper's own on data that was named, or else on data that is here.

        Without `full`, of those that take a few hours (`effort.AFFORDABLE`); with `quick`, on data that was not named
        the cheap one, if the claim has one. Or one line that says what is missing.
        """
        named = [experiment for experiment in claim.experiments if experiment.data in self._paths]
        cheap = [one for one in claim.experiments if quick and one.cheap and data.available(one.data)]
        problems: dict[str, None] = {}
        for experiment in named or cheap or claim.experiments:
            if not named and not data.available(experiment.data):
                continue
            if problem := self._problem(experiment, full):
                problems[problem] = None
            else:
                return experiment
        return "; ".join(problems) or f"needs {' or '.join(claim.wanted)}"

    def _problem(self, experiment: Experiment, full: bool) -> str:
        """Why an experiment can't be run; "" if it can."""
        got = self.get(experiment.data)
        if isinstance(got, str):
            return got
        if experiment.classes not in (None, len(got.classes)):
            return f"needs {experiment.classes:,} classes, {got.name} has {len(got.classes):,}"
        if not full and not effort.is_affordable(experiment, got):
            work = effort.text(effort.of_experiment(experiment, got))
            return f"takes more than a few hours on {got.name} ({work}); run it with --full"
        return ""

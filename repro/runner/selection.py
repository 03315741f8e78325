"""Which claims are tested, and the data sets that they need."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from impls.errors import DeadheatError
from repro import data
from repro.claims.claim import Claim, claims, load_claim


def chosen_claims(names: Sequence[str], full: bool) -> tuple[list[Claim], list[str]]:
    """The claims asked for, and what was wrong with names.

    Without names it is all that are cheap, and those that can't be tested here, to say why; with `full` all there are.
    """
    if not names:
        return [claim for claim in claims().values() if full or _cheap(claim) or not _trainable(claim)], []
    found, wrong = {}, []
    for name in names:
        try:
            claim = load_claim(name)
        except DeadheatError as problem:
            wrong.append(str(problem))
        else:
            found[claim.id] = claim
    return list(found.values()), wrong


def unusable(paths: Mapping[str, Path]) -> list[str]:
    """What is wrong with folders of data that were given, at first sight."""
    problems = []
    for name, path in paths.items():
        try:
            data.find(name, path)
        except DeadheatError as problem:
            problems.append(str(problem))
    return problems


def _cheap(claim: Claim) -> bool:
    return any(experiment.cheap for experiment in claim.experiments)


def fetch(claims: Iterable[Claim], paths: Mapping[str, Path], say: Callable[[str], None], quick: bool = False) -> None:
    """Download the data that the cheap ones of the claims are tested on, where it is not here; say what goes wrong.

    With `quick` also for claims that could be tested on other data that is here, but not quickly.
    """
    wanted = [one for one in claims if _cheap(one) and not paths.keys() & set(one.data)]
    for name in dict.fromkeys(one.experiments[-1].data for one in wanted if quick or not _trainable(one)):
        if not data.available(name) and data.load_source(name).files:
            say(f"{name} is not here: fetching it")
            try:
                say(f"{name} is in {data.download(name)}")
            except DeadheatError as problem:
                say(f"error: {problem}")


def _trainable(claim: Claim) -> bool:
    return any(data.available(name) for name in claim.data)

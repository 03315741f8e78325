"""Trials of one framework in a process of their own: `python -m tests.repro.in_one_process NAME DATA FOLDER`.

What each came to is a line of JSON. All in one process, as importing a framework takes longer than they do.
"""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

from impls.frameworks import filled, load_framework
from impls.host.process import threads
from repro import data
from repro.claims.experiment import Arm
from repro.data.images.augment import Flip, RandomCrop
from repro.papers.nin import experiments as nin
from repro.papers.spp import experiments as spp
from repro.papers.vgg import experiments as vgg
from repro.recipe.recipe import Recipe, Sizes, Stage
from repro.recipe.views import Centre, Dense, MaxActivation, OnMaps, Whole
from repro.runner import agreement, plan
from repro.training import trial
from results.schema.trial import to_json

EVERYTHING = Arm(
    "everything",
    spp.ARMS["fashion-mnist"]["pyramid"].architecture,
    Recipe(
        (Stage(2, 0.02),), batch=20, augment=(RandomCrop(24), Flip()), sizes=Sizes((24, 19)), measures=2, measured=40
    ),
    train=80,
    size=24,
    views={"": Centre(24), "maps": OnMaps(24)},
)
"""Dropout, LRN, a pyramid, two sizes, views of images and of maps."""
ONE_PASS = Recipe((Stage(1, 0.02),), batch=20, measured=40)
AVERAGED = replace(
    nin.HEADS[-1].arms[-1],
    recipe=ONE_PASS,
    train=40,
    views={"": Whole(), "strongest": MaxActivation()},
    pictures=("filters", "mistakes", "maps"),
)
DENSE = replace(vgg.VIEWS[-1].arms[0], recipe=ONE_PASS, train=40, size=28, views={"": Dense(28, 36)})
SHORT = replace(agreement.ARM, train=160)


def main(name: str, folder: Path, kept: Path) -> None:
    trial.CHANCE_LEVEL_SHARE = 2.0  # nothing is learned from so few images, which is not the question here
    images = data.load("fashion-mnist", folder)
    at = plan.where(name, "cpu")

    def run(arm: Arm, called: str, losses: int = 0) -> None:
        job = replace(at.job(arm, "fashion-mnist", seed=1), losses=losses)
        found = trial.run(job, images, kept / f"{called}.npz", kept / f"{called}-pictures.npz")
        (kept / f"{called}.json").write_text(to_json(found))

    run(EVERYTHING, "whole")
    run(replace(EVERYTHING, recipe=replace(EVERYTHING.recipe, stages=(Stage(1, 0.02),))), "half")
    (kept / "half.npz").rename(kept / "resumed.npz")
    run(EVERYTHING, "resumed")
    run(SHORT, "short", losses=10)
    run(AVERAGED, "averaged")
    run(DENSE, "dense")


if __name__ == "__main__":
    if hasattr(os, "sched_setaffinity"):  # one core, so that no two orders of sums differ by the number of threads
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    os.environ.update(threads(1))
    execution = load_framework(sys.argv[1]).executions[0]
    os.environ.update(filled(execution.environment, sys.argv[3], "cpu"))
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))

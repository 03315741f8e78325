"""Pictures of trained networks: class maps, misclassified images and first filters of each trial, as figures."""

from __future__ import annotations

import contextlib
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from reports.figures.drawing import svg
from reports.figures.training import sheets
from results.schema.trial import Trial
from results.store import pictures
from results.store.pictures import Pictures
from results.store.reproductions import PICTURES, Reproduction

MOST_MISTAKES, MOST_FILTERS, MOST_SHOWN, MOST_TRIALS = 80, 96, 10, 12


@dataclass(frozen=True)
class Gallery:
    """The figures of one trial ("" if there is none), with captions that tell the share shown."""

    trial: Trial
    maps: Markup
    mistakes: Markup
    mistakes_of: str
    filters: Markup
    filters_of: str


def galleries(reproduction: Reproduction) -> tuple[list[Gallery], list[str]]:
    """The pictures of every trial that has them, and those that were unreadable or omitted, in words."""
    folder = reproduction.folder / PICTURES
    there = {path.stem: path for path in folder.glob("*.npz")}  # matched by name, so that an id is never used as a path
    found, problems = [], []
    for number, trial in enumerate(trial for trial in reproduction.trials.values() if trial.id in there):
        if number >= MOST_TRIALS:
            problems.append(f"{PICTURES}/{trial.id}.npz: not shown, {MOST_TRIALS} trials are")
        elif (kept := _read(there[trial.id])) is None:
            problems.append(f"{PICTURES}/{trial.id}.npz: can't be read, left out")
        else:
            found.append(_gallery(trial, kept, f"p{number}"))
    return found, problems


def _read(path: Path) -> Pictures | None:
    """None also for a file of another kind (which numpy leaves open) or a damaged one."""
    with contextlib.suppress(EOFError, zlib.error):
        return pictures.read(path) if zipfile.is_zipfile(path) else None
    return None


def _gallery(trial: Trial, kept: Pictures, key: str) -> Gallery:
    mistakes, filters = kept.mistakes[:MOST_MISTAKES], kept.filters[:MOST_FILTERS]
    return Gallery(
        trial=trial,
        maps=_maps(trial, kept, f"{key}-maps"),
        mistakes=_mistakes(trial, kept, f"{key}-mistakes"),
        mistakes_of=f"{_share(len(mistakes), max(kept.wrong, len(kept.mistakes)))} misclassified test images",
        filters=_filters(trial, kept.filters, f"{key}-filters"),
        filters_of=f"{_share(len(filters), len(kept.filters))} filters of the first convolution",
    )


def _maps(trial: Trial, kept: Pictures, key: str) -> Markup:
    """As the paper's figure 4: an image, and the map of each class for it."""
    maps, shown, truth = kept.maps[:MOST_SHOWN], kept.shown[:MOST_SHOWN], kept.shown_truth[:MOST_SHOWN]
    if maps.ndim != 4 or not _are_images(shown) or not len(maps) == len(shown) == len(truth) or truth.ndim != 1:
        return Markup("")
    names = [_name(kept.classes, place) for place in range(maps.shape[1])]
    label = f"{trial.network}: maps of the last convolution for {len(maps)} images"
    return Markup(svg.draw(lambda: sheets.class_maps(shown, maps, truth, names), key, label))


def _mistakes(trial: Trial, kept: Pictures, key: str) -> Markup:
    """As LeNet-5's figure 8: an image, its class, and the predicted class."""
    images, truth, taken = (array[:MOST_MISTAKES] for array in (kept.mistakes, kept.truth, kept.taken))
    if not _are_images(images) or not truth.shape == taken.shape == (len(images),):
        return Markup("")
    pairs = [(_name(kept.classes, int(one)), _name(kept.classes, int(other))) for one, other in zip(truth, taken)]
    label = f"{trial.network}: {len(images)} misclassified test images"
    return Markup(svg.draw(lambda: sheets.mistakes(images, pairs), key, label))


def _filters(trial: Trial, filters: np.ndarray, key: str) -> Markup:
    if filters.ndim != 4 or not filters.size or not np.isfinite(filters).all():
        return Markup("")
    label = f"{trial.network}: filters of the first convolution"
    return Markup(svg.draw(lambda: sheets.filters(filters[:MOST_FILTERS].astype(float)), key, label))


def _share(shown: int, all_of_them: int) -> str:
    return f"All {shown:,}" if shown == all_of_them else f"{shown:,} of the {all_of_them:,}"


def _are_images(array: np.ndarray) -> bool:
    return array.ndim == 4 and array.size > 0 and array.shape[1] in (1, 3) and array.dtype == np.uint8


def _name(classes: Sequence[str], place: int) -> str:
    return svg.printable(classes[place]) if 0 <= place < len(classes) else f"class {place}"

"""Figures of a reproduction: learning curves, intervals against what is claimed, agreement, pictures."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from reports.figures import forest
from reports.figures.training import agreement, curves
from reports.rows import pictures
from results import words
from results.schema.findings import ContrastResult, Verdict
from results.store import pictures as stored
from results.store.pictures import Pictures
from results.store.reproductions import Reproduction

CONTRAST = ContrastResult(
    "a less b", "points", -1.0, -1.5, -0.5, 3, 0.95, (None, 0.0), "-1.4 points", Verdict.SUPPORTED
)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


def test_arms_are_lines_with_their_seeds(planted: Reproduction) -> None:
    drawn = texts(curves.learning(planted.findings.claims[1], planted.trials, "k"))
    for part in ("plain (2 seeds)", "distorted (2 seeds)", "test error, %", "training error, %"):
        assert part in drawn
    assert "plain (1 seed, 1 failed)" in texts(curves.learning(planted.findings.claims[2], planted.trials, "k"))


def test_arms_of_the_same_trials_are_one_line(planted: Reproduction) -> None:
    seen = replace(planted.findings.claims[1], arms={"crops": ("a0", "a1"), "dense": ("a0", "a1")})
    assert "crops = dense (2 seeds)" in texts(curves.learning(seen, planted.trials, "k"))


def test_errors_that_are_not_there_draw_nothing(planted: Reproduction) -> None:
    claim = planted.findings.claims[1]
    blank = {
        name: replace(trial, points=tuple(replace(point, training_error=None) for point in trial.points))
        for name, trial in planted.trials.items()
    }
    assert "training error, %" not in texts(curves.learning(claim, blank, "k"))
    none = {name: replace(trial, points=()) for name, trial in planted.trials.items()}
    assert curves.learning(claim, none, "k") == curves.learning(claim, {}, "k") == ""


def test_an_error_of_nothing_can_be_drawn(planted: Reproduction) -> None:
    points = tuple(replace(point, training_error=0.0, test_error=0.0) for point in planted.trials["a0"].points)
    trials = {**planted.trials, "a0": replace(planted.trials["a0"], points=points)}
    assert "nan" not in curves.learning(planted.findings.claims[1], trials, "k").lower()


@pytest.mark.parametrize(
    ("paper", "unit", "value"),
    [
        ("-1.4 points", "points", -1.4),
        ("−0.3 %", "points", -0.3),
        ("about 2 points", "points", 2.0),
        ("6 times", "ratio", 6.0),
        ("0.95 %", "%", 0.95),
        ("7", "passes", 7.0),
        ("-1.4 / -1.2 points", "points", None),
        ("0.95 % after 10 passes", "%", None),
        ("6 times", "points", None),
        ("more than 1 point", "points", None),
        ("", "points", None),
    ],
)
def test_the_papers_own_figure_is_never_guessed(paper: str, unit: str, value: float | None) -> None:
    assert forest.papers_own(replace(CONTRAST, paper=paper, unit=unit)) == value


@pytest.mark.parametrize(
    "other",
    [
        {"low": None, "high": None, "pairs": 1},
        {"claimed": (None, None)},
        {"claimed": (0.5, 1.5), "unit": "ratio", "value": 0.01, "low": 1e-9, "high": 1e9},
        {"unit": "ratio", "value": 1.0, "low": None, "high": 3.0},
        {"value": 0.0, "low": 0.0, "high": 0.0, "claimed": (0.0, 0.0), "paper": "0"},
        {"statement": "a very long statement " * 100},
        {"value": 150_000.0, "low": 100_000.0, "high": 200_000.0, "unit": "images"},
    ],
)
def test_any_comparison_can_be_drawn(other: dict[str, object], planted: Reproduction) -> None:
    one = replace(CONTRAST, **other)  # type: ignore[arg-type]
    svg = forest.forest(replace(planted.findings.claims[1], contrasts=(one, CONTRAST)), "k")
    numbers = [float(number) for number in re.findall(r' [xy]="(-?[\d.]+)"', svg)]
    assert numbers
    assert all(-20 <= number <= 1000 for number in numbers)


@pytest.mark.parametrize("value", [None, math.nan, math.inf])
def test_no_value_no_figure(value: float | None, planted: Reproduction) -> None:
    lost = replace(CONTRAST, value=value, low=None, high=None)
    assert forest.forest(replace(planted.findings.claims[1], contrasts=(lost,)), "k") == ""
    both = forest.forest(replace(planted.findings.claims[1], contrasts=(lost, CONTRAST)), "k")
    assert "no value" in texts(both)


def test_frameworks_that_never_part(planted: Reproduction) -> None:
    assert planted.findings.agreement
    same = replace(planted.findings.agreement, together=40, trials={"pytorch": "a0", "jax": "b0"})
    assert words.agreement(same).endswith("for all 40 steps.")
    assert {"pytorch", "jax", "loss"} <= set(texts(agreement.agreement(same, planted.trials, "k")))
    assert agreement.agreement(replace(same, trials={"pytorch": "a0", "jax": "gone"}), planted.trials, "k") == ""


def drawn(write: Callable[..., Reproduction], planted: Reproduction, kept: Pictures | bytes) -> pictures.Gallery | None:
    found = write([planted.trials["a0"]])
    path: Path = found.folder / "pictures" / "a0.npz"
    if isinstance(kept, Pictures):
        stored.write(path, kept)
    else:
        path.parent.mkdir()
        path.write_bytes(kept)
    galleries, problems = pictures.galleries(found)
    assert len(galleries) + len(problems) == 1
    return galleries[0] if galleries else None


def test_pictures_have_the_names_of_their_classes(planted: Reproduction) -> None:
    ((gallery,), _) = pictures.galleries(planted)
    assert {"0", "→ 1", "8", "→ <script>aler…"} <= set(texts(gallery.mistakes))
    assert {"image", "0", "8", "<script>aler…"} <= set(texts(gallery.maps))
    assert gallery.maps.count("data:image/png") == 3 * 11
    assert gallery.filters.count("data:image/png") == 6
    assert gallery.filters_of == "All 6 filters of the first convolution"


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04", b"\x93NUMPY", b"text"])
def test_files_that_are_none(
    damage: bytes, write_reproduction: Callable[..., Reproduction], planted: Reproduction
) -> None:
    assert drawn(write_reproduction, planted, damage) is None


def test_bytes_that_changed_on_the_disk(write_reproduction: Callable[..., Reproduction], planted: Reproduction) -> None:
    whole = bytearray((planted.folder / "pictures" / "a0.npz").read_bytes())
    for place in range(100, 8000, 50):
        whole[place] ^= 255
    assert drawn(write_reproduction, planted, bytes(whole)) is None


def test_a_file_of_another_kind(
    tmp_path: Path, write_reproduction: Callable[..., Reproduction], planted: Reproduction
) -> None:
    np.save(tmp_path / "array.npy", np.zeros(3))
    assert drawn(write_reproduction, planted, (tmp_path / "array.npy").read_bytes()) is None


def test_pictures_of_other_shapes_are_left_out(
    write_reproduction: Callable[..., Reproduction], planted: Reproduction
) -> None:
    images = np.zeros((4, 3, 8, 8), np.uint8)
    odd = Pictures((), np.full((2, 1, 3, 3), np.nan), images, np.zeros(3, int), np.zeros(4, int), 4, images[0], images)
    gallery = drawn(write_reproduction, planted, odd)
    assert gallery
    assert (gallery.maps, gallery.mistakes, gallery.filters) == ("", "", "")


def test_a_hundred_classes_of_which_none_has_a_name(
    write_reproduction: Callable[..., Reproduction], planted: Reproduction
) -> None:
    images, truth = np.zeros((4, 3, 8, 8), np.uint8), np.array([7, 99, 200, -1])
    kept = Pictures((), np.zeros((4, 6, 5, 5)), images, truth, truth, 4, np.zeros((4, 100, 2, 2)), images, truth)
    gallery = drawn(write_reproduction, planted, kept)
    assert gallery
    assert {"class 7", "class 99"} <= set(texts(gallery.maps))
    assert len(texts(gallery.maps)) == 11
    assert gallery.filters

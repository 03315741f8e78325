"""Which data sets the pictures in committed reproductions are of: their images may be passed on."""

from __future__ import annotations

from pathlib import Path

from results.store import reproductions

DATA = Path(__file__).parents[2] / "results" / "data"
SHOWN = {"mnist", "fashion-mnist", "cifar10"}
"""Sets of which a few thumbnails may be committed; photographs of ImageNet and Caltech-101 have other owners."""


def test_no_committed_picture_is_of_a_photograph_with_another_owner() -> None:
    files = sorted(DATA.glob("*/pictures/*.npz"))
    kept = {folder: reproductions.read(folder) for folder in {file.parents[1] for file in files}}
    found = {kept[file.parents[1]].trials[file.stem].data for file in files}
    assert found
    assert found <= SHOWN

"""Caltech-101 (Fei-Fei, Fergus, Perona 2004): photographs of 101 categories in their own sizes."""

from __future__ import annotations

from pathlib import Path

from repro.data.dataset import Dataset
from repro.data.formats.image_folder import TRAIN, read_class_folders, read_image_folder
from repro.data.source import DataFile, Nominal, Source

SIDE = 224
"""He et al. 2015, section 4.3: the shorter side of an image."""
TRAINED, TESTED = 30, 50
"""Images of a category that are trained on, and at most tested on (He et al. 2015, section 4.3); here the first."""
BACKGROUND = "BACKGROUND_Google"
TOP = "101_ObjectCategories"
ARCHIVE = DataFile(
    "caltech-101.zip",
    "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip",
    "md5:3138e1922a9193bfa496528edbbc45d0",
    {TOP: ""},
    unpacks=True,
    inner=f"caltech-101/{TOP}.tar.gz",
)


def read_caltech101(folder: Path) -> Dataset:
    """Read train/CLASS and val/CLASS of the folder if they are there, else its folders of categories.

    Of these, the first 30 images of each are for training and the next 50 for testing; pictures of the background are
    left out.
    """
    if (folder / TRAIN).is_dir():
        return read_image_folder(folder, "caltech101", SIDE)
    categories = folder / TOP if (folder / TOP).is_dir() else folder
    return read_class_folders(categories, "caltech101", SIDE, TRAINED, TESTED, without=(BACKGROUND,))


CALTECH101 = Source(
    name="caltech101",
    title="Caltech-101",
    classes=None,
    channels=3,
    read=read_caltech101,
    files=(ARCHIVE,),
    places=(),
    install="python -m repro download caltech101",
    nominal=Nominal(3_030, SIDE, 101),
)

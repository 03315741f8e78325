"""Imagenette (fastai): ten classes of ImageNet in the layout of its folders, images of 128 pixels."""

from __future__ import annotations

from pathlib import Path

from repro.data.dataset import Dataset
from repro.data.errors import BadData
from repro.data.formats.image_folder import read_image_folder
from repro.data.source import DataFile, Nominal, Source, unpacked_path

SIDE = 128
CLASSES = {
    "n01440764": "tench",
    "n02102040": "English springer",
    "n02979186": "cassette player",
    "n03000684": "chain saw",
    "n03028079": "church",
    "n03394916": "French horn",
    "n03417042": "garbage truck",
    "n03425413": "gas pump",
    "n03445777": "golf ball",
    "n03888257": "parachute",
}
"""ImageNet's ids and names of the classes."""
TOP = "imagenette2-160"
ARCHIVE = DataFile(
    f"{TOP}.tgz",
    f"https://s3.amazonaws.com/fast-ai-imageclas/{TOP}.tgz",
    "md5:e793b78cc4c9e9a4ccc0c1155377a412",
    {f"{TOP}/train": "", f"{TOP}/val": ""},
    unpacks=True,
)


def read_imagenette(folder: Path) -> Dataset:
    """Read train/CLASS and val/CLASS of the folder, or of the archive's top folder in it; BadData for other classes."""
    top = unpacked_path(folder, f"{TOP}/train").parent
    dataset = read_image_folder(top, "imagenette128", SIDE)
    if others := sorted(set(dataset.classes) - set(CLASSES)):
        raise BadData(
            f"{top}: the wrong classes: {others[0]!r} is none of Imagenette's ({', '.join(list(CLASSES)[:2])}, …); "
            "it is another data set: give it as --data imagenet=PATH"
        )
    return Dataset(
        dataset.name, tuple(CLASSES[id] for id in dataset.classes), dataset.train, dataset.test, dataset.digest
    )


IMAGENETTE = Source(
    name="imagenette128",
    title="Imagenette (ten classes of ImageNet)",
    classes=len(CLASSES),
    channels=3,
    read=read_imagenette,
    files=(ARCHIVE,),
    places=(),
    install="python -m repro download imagenette128",
    nominal=Nominal(9_469, SIDE),
)

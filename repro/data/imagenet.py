"""ImageNet, ILSVRC (Russakovsky et al. 2015), or any folder with the same layout."""

from __future__ import annotations

from functools import partial

from repro.data.formats.image_folder import read_image_folder
from repro.data.source import Nominal, Source

STORED_SIDE = 256  # Krizhevsky et al. 2012, section 2; crops of 224 and the like are taken from it

IMAGENET = Source(
    name="imagenet",
    title="ImageNet (ILSVRC)",
    classes=None,
    channels=3,
    read=partial(read_image_folder, name="imagenet", size=STORED_SIDE),
    files=(),
    places=(),
    install="get it from https://image-net.org (needs an account) and arrange it as train/CLASS/*.JPEG and "
    "val/CLASS/*.JPEG",
    nominal=Nominal(1_281_167, STORED_SIDE, 1000),
)

"""Decoding of image files to 8-bit RGB, upright, from any stored format.

| in the file | becomes |
|---|---|
| grey of 16 (TIFF: also 12) bits | 8 bits: value / largest possible value × 255, rounded |
| colour of 16 bits | 8 bits: the upper byte, which is what Pillow reads |
| 32-bit integers, floating point | refused: the value of white is unknown |
| a palette, black and white, YCbCr, Lab, CMYK, YCCK | RGB as Pillow converts it, without colour profiles |
| transparency | composed over white |
| frames, pages | the first |
| Exif's orientation | rotated upright; a damaged Exif block is ignored |
"""

from __future__ import annotations

import numpy as np
from PIL import Image
from PIL.TiffImagePlugin import BITSPERSAMPLE, PHOTOMETRIC_INTERPRETATION, TiffImageFile

from impls.errors import InvalidInput
from impls.images import opened, orientation
from repro.data.errors import BadData

BYTES = frozenset({"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr", "LAB", "HSV", "LA", "La", "PA", "RGBA", "RGBa"})
"""Pillow's modes of at most 8 bits a channel."""
SIXTEEN = frozenset({"I;16", "I;16L", "I;16B", "I;16N"})
INTEGERS_OF_SIXTEEN = frozenset({"PNG", "PPM"})
"""Formats of at most 16 bits, which Pillow, or an older one, scales to 16 and gives as 32-bit integers."""
WHOLE_RANGE = frozenset({"PNG", "PPM", "JPEG2000"})
"""Formats whose 16-bit values are of 0 to 65535."""
KINDS = {"I": "32-bit integers", "F": "floating-point numbers"}
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""Transpositions that make an image upright, by Exif's orientation."""


def check_header(file: str) -> None:
    """InvalidInput with the reason, not the path, if the file's header shows that `decode` would refuse it."""
    with opened(file) as image:
        _check_mode(image)


def decode_image(file: str) -> Image.Image:
    """The image of a file in mode RGB, upright; BadData that names the file if it can't be decoded."""
    try:
        with opened(file) as image:
            _check_mode(image)
            image.load()
            turn = TURNS.get(orientation(image))
            rgb = _rgb(image)
    except InvalidInput as problem:
        raise BadData(f"{file} can't be decoded: {problem}; fetch or create it again, or remove it") from None
    return rgb if turn is None else rgb.transpose(turn)


def _check_mode(image: Image.Image) -> None:
    if image.mode in BYTES or _largest(image) is not None:
        return
    kind = KINDS.get(image.mode, "numbers of unknown range")
    raise InvalidInput(
        f"mode {image.mode} ({kind}) in {image.format}, whose white is unknown: convert it to 8 or 16 bits"
    )


def _largest(image: Image.Image) -> int | None:
    """The largest possible value of grey with more than 8 bits in the file; None if unknown."""
    if image.mode == "I" and image.format in INTEGERS_OF_SIXTEEN:
        return 65535
    if image.mode in SIXTEEN and image.format in WHOLE_RANGE:
        return 65535
    if image.mode in SIXTEEN and isinstance(image, TiffImageFile):
        return int(2 ** image.tag_v2[BITSPERSAMPLE][0] - 1)
    return None


def _rgb(image: Image.Image) -> Image.Image:
    largest = _largest(image)
    if largest is not None:
        return _of_deep_grey(image, largest).convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    pixels = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", pixels.size, "white"), pixels).convert("RGB")


def _of_deep_grey(image: Image.Image, largest: int) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    grey = (values * 255 + largest // 2) // largest
    if isinstance(image, TiffImageFile) and image.tag_v2[PHOTOMETRIC_INTERPRETATION] == 0:
        grey = 255 - grey  # "white is zero", which Pillow supports up to 8 bits only
    if "transparency" in image.info:
        grey[values == image.info["transparency"]] = 255
    return Image.fromarray(grey.astype(np.uint8))

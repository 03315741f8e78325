"""Image files as pixels: a known value of every mode, the eight orientations, and what is refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from impls.errors import InvalidInput
from repro.data import BadData
from repro.data.images.decode import check_header, decode_image

DEEP = {0: 0, 128: 0, 129: 1, 32896: 128, 40000: 156, 65535: 255}
"""Grey of 16 bits, and of 8: value / 257, rounded."""
GREY, BLUE, WHITE = (128, 128, 128), (0, 0, 255), (255, 255, 255)


def first(path: Path) -> tuple[int, ...]:
    """The first pixel of the decoded file; its header is no hindrance."""
    check_header(str(path))
    image = decode_image(str(path))
    assert image.mode == "RGB"
    return tuple(np.asarray(image)[0, 0].tolist())


def saved(folder: Path, mode: str, value: Any, suffix: str, **options: Any) -> Path:
    path = folder / f"one.{suffix}"
    Image.new(mode, (6, 4), value).save(path, **options)
    return path


@pytest.mark.parametrize(("deep", "grey"), DEEP.items())
@pytest.mark.parametrize(("mode", "suffix"), [("I;16", "png"), ("I;16", "tiff"), ("I;16B", "tiff"), ("I;16", "jp2")])
def test_grey_of_16_bits_is_scaled(tmp_path: Path, mode: str, suffix: str, deep: int, grey: int) -> None:
    values = np.full((4, 6), deep, ">u2" if mode == "I;16B" else "<u2")
    path = tmp_path / f"one.{suffix}"
    Image.frombytes(mode, (6, 4), values.tobytes()).save(path)
    assert first(path) == (grey, grey, grey)


@pytest.mark.parametrize(("most", "value", "grey"), [(65535, 32896, 128), (1023, 512, 128), (4095, 4095, 255)])
def test_grey_of_a_portable_map_is_scaled_by_its_largest_value(
    tmp_path: Path, most: int, value: int, grey: int
) -> None:
    path = tmp_path / "one.pgm"
    path.write_bytes(f"P5\n1 1\n{most}\n".encode() + struct.pack(">H", value))
    assert first(path) == (grey, grey, grey)


def tiff(path: Path, bits: int, photometric: int, pixels: bytes) -> Path:
    """A grey TIFF of two pixels side by side, little-endian."""
    tags = {256: 2, 257: 1, 258: bits, 259: 1, 262: photometric, 273: 8, 277: 1, 278: 1, 279: len(pixels)}
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags.items())
    body = pixels + bytes(len(pixels) % 2)
    path.write_bytes(
        b"II*\0" + struct.pack("<I", 8 + len(body)) + body + struct.pack("<H", len(tags)) + entries + bytes(4)
    )
    return path


def test_grey_of_12_bits_in_tiff_has_its_own_largest_value(tmp_path: Path) -> None:
    assert first(tiff(tmp_path / "one.tiff", 12, 1, b"\xff\xff\xff")) == WHITE
    assert first(tiff(tmp_path / "one.tiff", 12, 1, b"\x80\x08\x00")) == GREY


def test_a_tiff_of_16_bits_whose_zero_is_white(tmp_path: Path) -> None:
    assert first(tiff(tmp_path / "one.tiff", 16, 0, struct.pack("<HH", 0, 0))) == WHITE
    assert first(tiff(tmp_path / "one.tiff", 16, 0, struct.pack("<HH", 65535, 0))) == (0, 0, 0)


def png_of_16_bits(path: Path, colour: int, pixel: tuple[int, ...], transparent: bytes = b"") -> Path:
    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 16, colour, 0, 0, 0))
    key = chunk(b"tRNS", transparent) if transparent else b""
    data = chunk(b"IDAT", zlib.compress(b"\0" + struct.pack(f">{len(pixel)}H", *pixel)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + key + data + chunk(b"IEND", b""))
    return path


def test_colour_of_16_bits_is_its_upper_byte(tmp_path: Path) -> None:
    assert first(png_of_16_bits(tmp_path / "one.png", 2, (32896, 257, 65535))) == (128, 1, 255)
    assert first(png_of_16_bits(tmp_path / "one.png", 6, (32896, 257, 65535, 0))) == WHITE
    assert first(png_of_16_bits(tmp_path / "one.png", 4, (32896, 65535))) == GREY


def test_a_transparent_grey_of_16_bits_is_laid_on_white(tmp_path: Path) -> None:
    assert first(png_of_16_bits(tmp_path / "one.png", 0, (5140,), struct.pack(">H", 5140))) == WHITE
    assert first(png_of_16_bits(tmp_path / "one.png", 0, (5140,), struct.pack(">H", 5141))) == (20, 20, 20)


@pytest.mark.parametrize(
    ("mode", "value", "suffix", "expected"),
    [
        ("1", 1, "png", WHITE),
        ("1", 0, "tiff", (0, 0, 0)),
        ("L", 128, "png", GREY),
        ("RGB", (1, 2, 3), "png", (1, 2, 3)),
        ("CMYK", (0, 0, 0, 0), "jpg", WHITE),
        ("CMYK", (255, 255, 0, 0), "tiff", BLUE),
        ("YCbCr", (128, 128, 128), "tiff", GREY),
        ("LA", (128, 255), "png", GREY),
        ("LA", (128, 0), "png", WHITE),
        ("LA", (0, 127), "png", GREY),
        ("RGBA", (0, 0, 255, 255), "png", BLUE),
        ("RGBA", (0, 0, 255, 0), "png", WHITE),
        ("RGBA", (0, 0, 0, 127), "webp", GREY),
    ],
)
def test_a_known_value_of_every_mode(
    tmp_path: Path, mode: str, value: Any, suffix: str, expected: tuple[int, ...]
) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    assert first(saved(tmp_path, mode, value, suffix, **options)) == expected


def test_lab_is_rgb_by_its_definition(tmp_path: Path) -> None:
    """The largest lightness without colour is white, to a rounding of the conversion."""
    assert min(first(saved(tmp_path, "LAB", (255, 128, 128), "tiff"))) >= 254


def test_ycck_is_cmyk_told_as_luminance_and_chroma(tmp_path: Path) -> None:
    """The same bytes, said by Adobe's marker to be YCCK: of neutral chroma, each ink is what luminance is."""
    path = saved(tmp_path, "CMYK", (128, 128, 128, 0), "jpg")
    content = path.read_bytes()
    transform = content.index(b"Adobe") + 11
    assert content[transform] == 0
    path.write_bytes(content[:transform] + b"\2" + content[transform + 1 :])
    assert first(path) == pytest.approx(GREY, abs=3)  # chroma of 127 is not quite neutral


@pytest.mark.parametrize("suffix", ["png", "gif", "tiff"])
def test_a_palette_gives_its_colours(tmp_path: Path, suffix: str) -> None:
    image = Image.new("P", (6, 4), 1)
    image.putpalette([9, 9, 9, 0, 0, 255])
    image.save(tmp_path / f"one.{suffix}")
    assert first(tmp_path / f"one.{suffix}") == BLUE


@pytest.mark.parametrize(
    ("suffix", "transparency", "expected"),
    [("png", 1, WHITE), ("png", 0, BLUE), ("png", b"\xff\x00", WHITE), ("gif", 1, WHITE)],
)
def test_transparency_of_a_palette_is_laid_on_white(
    tmp_path: Path, suffix: str, transparency: int | bytes, expected: tuple[int, ...]
) -> None:
    image = Image.new("P", (6, 4), 1)
    image.putpalette([9, 9, 9, 0, 0, 255])
    image.putpixel((5, 3), 0)
    image.save(tmp_path / f"one.{suffix}", transparency=transparency)
    assert first(tmp_path / f"one.{suffix}") == expected


def test_a_palette_with_alpha_is_laid_on_white(tmp_path: Path) -> None:
    for alpha, expected in ((255, BLUE), (0, WHITE)):
        image = Image.new("PA", (6, 4), (1, alpha))
        image.putpalette([9, 9, 9, 0, 0, 255])
        image.save(tmp_path / "one.tiff")
        with Image.open(tmp_path / "one.tiff") as stored:
            assert stored.mode == "PA"
        assert first(tmp_path / "one.tiff") == expected


@pytest.mark.parametrize("suffix", ["gif", "tiff", "png", "webp"])
def test_of_several_frames_or_pages_the_first_is_taken(tmp_path: Path, suffix: str) -> None:
    frames = [Image.new("RGB", (6, 4), colour) for colour in ("blue", "red")]
    options = {"lossless": True} if suffix == "webp" else {}
    frames[0].save(tmp_path / f"one.{suffix}", save_all=True, append_images=frames[1:], **options)
    assert first(tmp_path / f"one.{suffix}") == BLUE


@pytest.mark.parametrize(("mode", "value", "kind"), [("I", 7, "32-bit integers"), ("F", 0.5, "floating-point numbers")])
def test_what_has_no_known_white_is_refused_by_header_and_by_decoding(
    tmp_path: Path, mode: str, value: float, kind: str
) -> None:
    path = saved(tmp_path, mode, value, "tiff")
    expected = rf"mode {mode} \({kind}\) in TIFF, whose white is unknown: convert it to 8 or 16 bits"
    with pytest.raises(InvalidInput, match=expected):
        check_header(str(path))
    with pytest.raises(BadData, match=rf"one.tiff can't be decoded: {expected}"):
        decode_image(str(path))


def test_numbers_of_fits_have_no_known_white(tmp_path: Path) -> None:
    cards = ["SIMPLE  =  T", "BITPIX  =  16", "NAXIS   =  2", "NAXIS1  =  1", "NAXIS2  =  1", "END"]
    head = "".join(card.ljust(80) for card in cards).ljust(2880)
    (tmp_path / "one.fits").write_bytes(head.encode() + struct.pack(">H", 32896).ljust(2880, b"\0"))
    with pytest.raises(BadData, match=r"mode I;16 \(numbers of unknown range\) in FITS"):
        decode_image(str(tmp_path / "one.fits"))


UPRIGHT = np.arange(6, dtype=np.uint8).reshape(2, 3) * 40
"""Two rows of three: no turn or mirror image of it is the same."""
STORED = {
    1: UPRIGHT,
    2: UPRIGHT[:, ::-1],
    3: UPRIGHT[::-1, ::-1],
    4: UPRIGHT[::-1],
    5: UPRIGHT.T,
    6: np.rot90(UPRIGHT),
    7: UPRIGHT[::-1, ::-1].T,
    8: np.rot90(UPRIGHT, -1),
}
"""What a camera stores, by the orientation that it writes beside it (Exif 2.3, tag 274)."""


@pytest.mark.parametrize("suffix", ["png", "webp", "tiff"])
@pytest.mark.parametrize(("orientation", "stored"), STORED.items())
def test_every_orientation_is_turned_upright(tmp_path: Path, suffix: str, orientation: int, stored: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = {"lossless": True} if suffix == "webp" else {}
    path = tmp_path / f"one.{suffix}"
    Image.fromarray(np.ascontiguousarray(stored)).convert("RGB").save(path, exif=exif, **options)
    np.testing.assert_array_equal(np.asarray(decode_image(str(path)))[:, :, 0], UPRIGHT)


def test_16_bits_are_turned_upright_too(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    deep = np.ascontiguousarray(STORED[6]).astype(np.uint16) * 257
    Image.fromarray(deep).save(tmp_path / "one.png", exif=exif)
    np.testing.assert_array_equal(np.asarray(decode_image(str(tmp_path / "one.png")))[:, :, 0], UPRIGHT)


def test_damaged_exif_does_not_keep_an_image_from_being_decoded(tmp_path: Path) -> None:
    path = saved(tmp_path, "L", 128, "jpg", exif=b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12")
    assert first(path) == GREY


@pytest.mark.parametrize("suffix", ["jpg", "png", "gif", "webp", "tiff", "bmp"])
def test_a_file_that_is_cut_off_is_named(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"one.{suffix}"
    noise = np.random.default_rng(0).integers(256, size=(60, 60, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BadData, match=rf"one.{suffix} can't be decoded: .+; fetch or create it again, or remove it$"):
        decode_image(str(path))

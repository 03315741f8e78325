"""Image files: what is recognised, what is passed over, and the reason where a file cannot be read."""

from __future__ import annotations

import os
import sys
import types

import pytest
from PIL import Image

from impls import images
from impls.errors import InvalidInput

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"


def reason(path):
    with pytest.raises(InvalidInput) as raised, images.opened(path):
        pass
    assert "\n" not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("name", ["plain", "wrong.txt", "UPPER.PNG", "odd.heic", "two.dots."])
def test_an_image_is_recognised_by_its_content(tmp_path, name):
    Image.new("RGB", (7, 5)).save(tmp_path / name, format="PNG")
    with images.opened(tmp_path / name) as image:
        assert images.upright_size(image) == (5, 7)


@pytest.mark.parametrize("name", ["a.HEIC", "a.heif", "a", "a.jpg"])
def test_heic_is_named_with_what_to_do(tmp_path, name):
    (tmp_path / name).write_bytes(HEIC)
    assert reason(tmp_path / name) == "HEIC: install pillow-heif, or convert it to JPEG or PNG"


def test_pillow_heif_is_used_where_it_is_installed(monkeypatch):
    called = []
    fake = types.ModuleType("pillow_heif")
    fake.register_heif_opener = lambda: called.append(True)
    monkeypatch.setitem(sys.modules, "pillow_heif", fake)
    images._formats.__wrapped__()
    assert called


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.NEF", b"II*\0", "raw file"),
        ("a.svg", b"<svg/>", "a drawing"),
        ("a.eps", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "a drawing"),
        ("a.jxl", b"\xff\x0a", "JPEG XL"),
        ("a.mpg", b"\0\0\1\xb3\x01\x00\x10\x13", "not an image"),
        ("a.jpg", b"", "not an image"),
        ("video", b"no image at all", "not an image"),
    ],
)
def test_what_is_not_read_has_a_reason(tmp_path, name, content, expected):
    (tmp_path / name).write_bytes(content)
    assert expected in reason(tmp_path / name)


def test_what_is_no_file_has_a_reason(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "gone.png").symlink_to(tmp_path / "nowhere.png")
    assert reason(tmp_path / "pipe.png") == "not a regular file"
    assert reason(tmp_path / "gone.png") == "no such file (a broken link?)"


@pytest.mark.parametrize("pixels", [30, 60])
def test_very_many_pixels_are_read_in_silence_and_more_than_pillow_takes_are_named(tmp_path, monkeypatch, pixels):
    """Pillow warns beyond its limit and refuses beyond twice that; 63 pixels are between the two for a limit of 60."""
    Image.new("L", (9, 7)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", pixels)
    if pixels == 60:
        with images.opened(tmp_path / "a.png") as image:
            assert images.upright_size(image) == (7, 9)
    else:
        assert reason(tmp_path / "a.png") == "more than 60 pixels: scale it down"


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_upright_size_is_known_from_the_header(tmp_path, monkeypatch, suffix, orientation):
    path = tmp_path / f"a.{suffix}"
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.new("RGB", (8, 6)).save(path, exif=exif)
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    with images.opened(path) as image:
        assert images.upright_size(image) == ((8, 6) if orientation > 4 else (6, 8))


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0no TIFF header",
        b"Exif\0\0II*\0\xff\xff\0\0",
        b"Exif\0\0II*\0\x08\0\0\0\x05\0\x12",
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x63\0\0\0\0\0\0\0",
    ],
    ids=["no-header", "beyond-the-end", "cut-off", "orientation-99"],
)
def test_damaged_exif_is_as_none(tmp_path, exif):
    Image.new("RGB", (8, 6)).save(tmp_path / "a.jpg", exif=exif)
    with images.opened(tmp_path / "a.jpg") as image:
        assert images.upright_size(image) == (6, 8)


def test_what_needs_no_mention():
    assert all(
        map(images.is_passed_over, [".DS_Store", "._a.jpg", "Thumbs.db", "DESKTOP.INI", "LICENSE.TXT", "a.json"])
    )
    assert not any(map(images.is_passed_over, ["a.HEIC", "a", "a.mp4", "a.jpg", "a.zip", "txt"]))


def test_every_reason_is_told_once_with_the_first_files():
    reasons = {f"{number}.heic": "HEIC" for number in range(5)} | {"a.png": "cut off"}
    assert images.describe_reasons(reasons) == "0.heic, 1.heic, 2.heic and 2 more: HEIC; a.png: cut off"

"""Streams: what becomes of images of many sizes under each policy, where sizes come from, and a stream measured."""

from __future__ import annotations

import errno
import os
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import results
from bench.plan import cases, image_sizes, streams
from bench.plan import suite as suites
from impls.errors import InvalidInput
from results.schema.record import Workload
from results.schema.streams import StreamKind, stream_kind
from results.tables.streams import of_cases


def test_each_policy_and_schedule_has_a_kind_of_its_own():
    kinds = [stream_kind(pattern) for pattern in (*streams.POLICIES, *streams.SCHEDULES)]
    assert sorted(kinds) == sorted(StreamKind)
    assert stream_kind("alternate-64-48") is StreamKind.ALTERNATE
    assert (stream_kind(""), stream_kind("tensor-3")) == (None, None)


SIZES = st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400)), min_size=1, max_size=40)


@given(SIZES, st.integers(1, 12))
def test_every_policy_keeps_every_image_and_cuts_none(sizes, count):
    """Each image is in some batch that is as large as it; resizing alone may make it smaller."""
    for parts in (streams.exact(sizes), streams.grouped(sizes), streams.buckets(sizes, count), streams.padded(sizes)):
        assert sum(images for _, _, images in parts) == len(sizes)
        assert max(height for height, _, _ in parts) == max(height for height, _ in sizes)
        assert max(width for _, width, _ in parts) == max(width for _, width in sizes)
    assert Counter((height, width) for height, width, _ in streams.exact(sizes)) == Counter(sizes)
    grouped = streams.grouped(sizes)
    assert {(height, width): images for height, width, images in grouped} == Counter(sizes)
    assert len(streams.buckets(sizes, count)) == min(count, len(sizes))
    assert len(streams.padded(sizes)) == 1
    assert streams.resized(sizes, 224) == ((224, 224, len(sizes)),)


@given(SIZES, st.integers(1, 12))
def test_a_bucket_is_filled_up_to_its_own_largest_sides(sizes, count):
    ordered = sorted(sizes, key=lambda size: (size[0] * size[1], size))
    start = 0
    for height, width, images in streams.buckets(sizes, count):
        own = ordered[start : start + images]
        assert (height, width) == (max(size[0] for size in own), max(size[1] for size in own))
        start += images


def test_photographs_are_as_they_are_said_to_be():
    sizes = image_sizes.photographs(20_000, seed=0)
    assert image_sizes.photographs(20_000, seed=0) == sizes != image_sizes.photographs(20_000, seed=1)
    upright = sum(height > width for height, width in sizes) / len(sizes)
    square = image_sizes.ASPECTS[1, 1]
    assert upright == pytest.approx(image_sizes.UPRIGHT * (1 - square), abs=0.02)
    smaller = [min(size) for size in sizes]
    assert (min(smaller), max(smaller)) == image_sizes.OTHERS
    assert sum(side == image_sizes.SMALLER_SIDE for side in smaller) / len(sizes) == pytest.approx(
        image_sizes.WHOLE, abs=0.02
    )
    assert max(max(size) / min(size) for size in sizes) <= 2.01


def test_schedules():
    assert streams.parts("always-224", 3, 0) == ((224, 224, 1),) * 3
    assert streams.parts("alternate-224-180", 3, 0) == ((224, 224, 1), (180, 180, 1), (224, 224, 1))
    random = streams.parts("random-180-224", 500, 0)
    assert {height for height, _, _ in random} == set(range(180, 225))
    assert all(height == width and images == 1 for height, width, images in random)
    assert streams.parts("tens-64", 25, 0) == ((64, 64, 10), (64, 64, 10), (64, 64, 5))


def test_sizes_that_are_given_come_again_and_again():
    found = Counter(streams.parts("exact", 5, 0, [(5, 6), (7, 8)]))
    assert sorted(found) == [(5, 6, 1), (7, 8, 1)]
    assert sorted(found.values()) == [2, 3]


@given(SIZES, st.integers(1, 60), st.integers(0, 5))
def test_no_size_is_drawn_again_before_all_were_there(sizes, count, seed):
    found, numbered = image_sizes.sample(sizes, count, seed), [(place, 1) for place in range(len(sizes))]
    assert image_sizes.sample(sizes, count, seed) == found
    assert set(found) <= set(sizes)
    times = Counter(image_sizes.sample(numbered, count, seed))
    assert len(times) == min(count, len(sizes))
    assert max(times.values()) - min(times.values()) <= 1


def test_of_many_images_those_of_the_stream_are_not_the_first():
    sizes = [(place, 1) for place in range(1, 1001)]
    assert max(height for height, _, _ in streams.parts("exact", 10, 0, sizes)) > 500


@pytest.mark.parametrize("name", ["exakt", "exact-3", "buckets", "buckets-x", "always-", "alternate-224", "", "-3"])
def test_what_is_no_stream_is_refused_with_those_there_are(name):
    with pytest.raises(InvalidInput, match=r"no stream is called .*buckets-K.*alternate-S-T"):
        streams.parts(name, 4, 0)


def test_a_number_of_nothing_is_refused():
    with pytest.raises(InvalidInput, match="must be at least 1"):
        streams.parts("buckets-0", 4, 0)


@pytest.fixture
def photos(tmp_path):
    """A folder with two images, one of them large, one that is none, one cut off, and a text."""
    folder = tmp_path / "photos"
    (folder / "deeper").mkdir(parents=True)
    Image.new("RGB", (448, 300)).save(folder / "a.png")
    Image.new("RGB", (60, 100)).save(folder / "deeper" / "b.jpg")
    (folder / "c.png").write_bytes(b"no image at all")
    whole = (folder / "a.png").read_bytes()
    (folder / "d.png").write_bytes(whole[:12])
    (folder / "readme.txt").write_text("not asked")
    return folder


def test_sizes_are_read_from_headers_and_what_cannot_be_read_is_named(photos):
    found = image_sizes.read_sizes(photos)
    assert found.sizes == {"a.png": (224, 335), "deeper/b.jpg": (100, 60)}, "height first, smaller side at most 224"
    assert found.left_out["c.png"].startswith("not an image")
    assert set(found.left_out) == {"c.png", "d.png"}


def test_every_file_that_is_not_read_is_named_and_suffixes_do_not_matter(photos):
    for name in (".DS_Store", "Thumbs.db", "desktop.ini"):
        (photos / name).write_bytes(b"no image")
    (photos / ".thumbnails").mkdir()
    for name in ("plain", "UPPER.JPG", ".thumbnails/a.png"):
        Image.new("RGB", (60, 100)).save(photos / name, format="PNG")
    (photos / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic")
    (photos / "IMG_2.MOV").write_bytes(b"\0\0\0\x14ftypqt  ")
    found = image_sizes.read_sizes(photos)
    assert set(found.sizes) == {"a.png", "deeper/b.jpg", "plain", "UPPER.JPG"}
    assert set(found.left_out) == {"c.png", "d.png", "IMG_1.HEIC", "IMG_2.MOV"}
    assert "IMG_1.HEIC: HEIC: install pillow-heif" in image_sizes.describe_left_out(found.left_out)


def test_what_a_camera_held_upright_made_is_upright(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (80, 60)).save(tmp_path / "upright.jpg", exif=exif)
    assert image_sizes.read_sizes(tmp_path).sizes == {"upright.jpg": (80, 60)}


def test_a_folder_that_cannot_be_looked_into_is_named(photos, monkeypatch):
    scan = os.scandir

    def closed(place):
        if str(place).endswith("deeper"):
            raise PermissionError(errno.EACCES, "Permission denied", str(place))
        return scan(place)

    monkeypatch.setattr(os, "scandir", closed)
    found = image_sizes.read_sizes(photos)
    assert set(found.sizes) == {"a.png"}
    assert found.left_out["deeper"] == "Permission denied"
    with pytest.raises(InvalidInput, match=r"no image that can be used; .*Permission denied"):
        image_sizes.read_sizes(photos / "deeper")


def test_a_folder_without_images_and_none_at_all_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match="no such folder"):
        image_sizes.read_sizes(tmp_path / "nowhere")
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(InvalidInput, match="is no folder"):
        image_sizes.read_sizes(tmp_path / "file.txt")
    with pytest.raises(InvalidInput, match="no image that can be used"):
        image_sizes.read_sizes(tmp_path)


TAKES_PHOTOGRAPHS = """
title = "sizes of a folder"
contestants = ["pytorch"]

[[workloads]]
architectures = ["zf5-spp"]
batches = [2]
streams = ["exact"]
"""


def test_an_image_too_small_for_the_network_is_named_with_the_least_and_left_out(photos, tmp_path):
    (tmp_path / "my.toml").write_text(TAKES_PHOTOGRAPHS)
    Image.new("RGB", (300, 20)).save(photos / "strip.png")
    suite = suites.load_suite(str(tmp_path / "my.toml"), sizes_from=str(photos))
    found = cases.photographs(suite)
    assert "strip.png" in found.left_out
    assert "strip.png" not in found.sizes
    assert "20x300" in found.left_out["strip.png"]
    assert {(part.height, part.width) for case in cases.cases(suite, "cpu") for part in case.workload.batches} == set(
        found.sizes.values()
    )


def test_a_streams_batches_are_workloads_of_their_own():
    parts = ((4, 6, 2), (8, 8, 1))
    stream = Workload("outside-mlp", 8, 8, 1, 10, 3, "float32", "cpu", "infer", "grouped", parts)
    assert [(one.height, one.width, one.batch, one.stream) for one in stream.batches] == [(4, 6, 2, ""), (8, 8, 1, "")]
    assert stream.size == "grouped"
    other = Workload("outside-mlp", 8, 8, 1, 10, 3, "float32", "cpu", "infer", "grouped", parts[::-1])
    assert stream.id != other.id


STREAM = """
[[workloads]]
architectures = ["outside.compiling.AVERAGE"]
batches = [6]
streams = ["exact", "padded"]
phases = ["infer", "train"]
"""


def test_a_stream_is_measured_cold_and_warm_and_its_compilations_counted(measure, photos):
    contestants = ("outside", "outside.compiling:each-size", "outside.compiling:gives-up", "outside.compiling:one-size")
    done, campaign = measure(f"--sizes-from={photos}", contestants=contestants, workloads=STREAM, launches=1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 4 files skipped" in done.stdout
    table = results.load(campaign.folder, rows="streams")
    assert set(table.stream) == {"exact", "padded"}
    assert (table.images == 6).all()
    exact = table[(table.stream == "exact") & (table.phase == "infer")].set_index("contestant")
    assert exact.compilations["outside:loop"] == 0
    assert exact.sizes["outside:loop"] == 2
    assert exact.compilations["outside.compiling:each-size"] == 2
    assert exact.fallback["outside.compiling:gives-up"] == "gives up after 1"
    assert exact.status["outside.compiling:one-size"] == "skipped"
    assert "builds a network for images of one size" in exact.reason["outside.compiling:one-size"]
    assert (
        exact.cold_images_per_second["outside.compiling:each-size"]
        < exact.images_per_second["outside.compiling:each-size"]
    )
    padded = table[(table.stream == "padded") & (table.phase == "infer")].set_index("contestant")
    assert padded.compilations["outside.compiling:each-size"] == 1
    assert padded.status["outside.compiling:one-size"] == "measured"
    assert "gives up after 1" in done.stdout


def test_when_compiling_pays_is_arithmetic():
    """It costs 9 s more the first time and gains 1 s each time after: on the tenth time it is even."""
    import pandas as pd

    common = dict(campaign="c", group="g", stream="exact", batch=4, device="cpu", peak_rss_launch_bytes=1.0, launches=1)
    common |= dict.fromkeys(
        ("architecture", "phase", "sizes", "megapixels", "status", "reason", "memory_bytes", "fallback"), ""
    )
    times = {"f:eager": (0, 3.0, 3.0), "f:compiled": (2, 12.0, 2.0), "f:slow": (2, 12.0, 3.0), "g:jit": (1, 1.0, 1.0)}
    rows = [
        common
        | dict(
            contestant=contestant, framework=contestant[0], compilations=count, first_call_seconds=cold, seconds=warm
        )
        | dict(images_per_second=4 / warm)
        for contestant, (count, cold, warm) in times.items()
    ]
    found = of_cases(pd.DataFrame(rows)).set_index("contestant")
    assert found.break_even_images["f:compiled"] == 4 * 10
    assert pd.isna(found.break_even_images["f:slow"]), "one launch does not show that it is no faster"
    assert found.break_even_images["f:eager"] == 0
    assert found.eager["f:compiled"] == "f:eager"
    assert pd.isna(found.break_even_images["g:jit"]), "no eager contestant to compare it with"


def test_a_network_with_other_weights_at_another_size_is_refused(measure):
    text = STREAM.replace("outside.compiling.AVERAGE", "lenet5").replace('"padded"', '"always-32"')
    done, campaign = measure(contestants=("outside",), workloads=text)
    assert done.returncode != 0
    assert campaign is None
    assert "one stream cannot have both; use a network with a spatial pyramid" in done.stderr + done.stdout


def test_a_stream_that_there_is_not_is_one_line(measure):
    done, campaign = measure(contestants=("outside",), workloads=STREAM.replace("padded", "paded"))
    assert done.returncode != 0
    assert campaign is None
    assert "workloads.0: no stream is called 'paded'" in done.stderr + done.stdout


@pytest.mark.parametrize("side", [7_400, 20_000], ids=["Pillow warns", "Pillow refuses"])
def test_a_photograph_of_many_pixels_is_one_like_any_other(tmp_path, side):
    """Its header says so: no pixel is decoded, and Pillow's limit holds for whatever else decodes."""
    from PIL import Image

    before = Image.MAX_IMAGE_PIXELS
    header = b"".join([b"P5 ", str(side).encode(), b" ", str(side * 2).encode(), b" 255\n", bytes(8)])
    (tmp_path / "large.pgm").write_bytes(header)
    found = image_sizes.read_sizes(tmp_path)
    assert found.sizes == {"large.pgm": (448, 224)}
    assert not found.left_out
    assert before == Image.MAX_IMAGE_PIXELS

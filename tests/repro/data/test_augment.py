"""The papers' augmentations and test views."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image
from scipy import ndimage

from impls.errors import InvalidInput
from repro.data.images.augment import (
    Augmentation,
    CentreCrop,
    Flip,
    PcaColour,
    RandomAffine,
    RandomCrop,
    Resize,
    ScaleJitter,
    principal_components,
    ten_views,
)

sides = st.integers(1, 12)
seeds = st.integers(0, 2**32 - 1)
ALL: list[Augmentation] = [
    RandomCrop(6),
    RandomCrop(8, padding=2),
    Flip(),
    PcaColour(np.array([0.2, 0.1, 0.05]), np.eye(3)),
    ScaleJitter(8, 16, 7),
    Resize(5),
    CentreCrop(5),
    RandomAffine(2, 0.2, 0.2, 0.3),
]


def numbered(count: int, channels: int, height: int, width: int) -> np.ndarray:
    """Images in which every pixel of the batch is another number, beginning with 1."""
    total = count * channels * height * width
    return np.arange(1, total + 1, dtype=np.float32).reshape(count, channels, height, width)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("augmentation", ALL, ids=lambda made: type(made).__name__)
def test_seed_decides_and_the_images_given_stay(augmentation: Augmentation) -> None:
    images = numbered(5, 3, 8, 9)
    kept = images.copy()
    first = augmentation.apply(images, rng(3))
    assert first.dtype == np.float32
    assert first.shape[:2] == (5, 3)
    np.testing.assert_array_equal(first, augmentation.apply(images, rng(3)))
    first[:] = -1
    np.testing.assert_array_equal(images, kept)


@given(sides, sides, sides, st.integers(0, 3), seeds)
def test_crop_is_a_part_of_its_own_image(height: int, width: int, size: int, padding: int, seed: int) -> None:
    assume(size <= min(height, width) + 2 * padding)
    images = numbered(3, 2, height, width)
    crops = RandomCrop(size, padding).apply(images, rng(seed))
    assert crops.shape == (3, 2, size, size)
    padded = np.pad(images, ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    for image, crop in zip(padded, crops, strict=True):
        places = [
            (row, column)
            for row in range(image.shape[1] - size + 1)
            for column in range(image.shape[2] - size + 1)
            if (image[:, row : row + size, column : column + size] == crop).all()
        ]
        assert places


def test_crops_are_drawn_for_each_image() -> None:
    images = np.broadcast_to(numbered(1, 1, 20, 20), (200, 1, 20, 20))
    corners = RandomCrop(11).apply(images, rng())[:, 0, 0, 0]
    assert len(np.unique(corners)) > 70  # of 100 places
    assert {1, 10 * 20 + 10} <= {int(corner) - int(corner) % 1 for corner in np.unique(corners)} | {1, 210}


def test_crop_reaches_every_place() -> None:
    corners = RandomCrop(3).apply(np.repeat(numbered(1, 1, 4, 5), 300, axis=0), rng())[:, 0, 0, 0]
    assert np.unique(corners).tolist() == [1, 2, 3, 6, 7, 8]


@given(seeds)
def test_flip_is_an_involution_and_about_half(seed: int) -> None:
    images = numbered(200, 1, 2, 3)
    once = Flip().apply(images, rng(seed))
    np.testing.assert_array_equal(Flip().apply(once, rng(seed)), images)
    flipped = (once != images).any(axis=(1, 2, 3))
    np.testing.assert_array_equal(once[flipped], images[flipped][..., ::-1])
    assert 50 < flipped.sum() < 150


@pytest.mark.parametrize("channels", [1, 3])
def test_principal_components_are_those_of_the_covariance(channels: int) -> None:
    images = rng().integers(256, size=(300, channels, 4, 5), dtype=np.uint8)
    images[:, -1] = images[:, 0] // 2
    values, vectors = principal_components(images)
    colours = images.transpose(1, 0, 2, 3).reshape(channels, -1) / 255
    np.testing.assert_allclose(vectors * values @ vectors.T, np.cov(colours, ddof=0).reshape(channels, -1), atol=1e-9)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(channels), atol=1e-12)
    assert (np.diff(values) <= 0).all()
    assert (vectors.max(0) == np.abs(vectors).max(0)).all()


def test_colour_moves_every_pixel_of_an_image_alike() -> None:
    vectors = np.linalg.qr(rng(1).normal(size=(3, 3)))[0]
    images = rng().random((4000, 3, 2, 2), np.float32)
    values = np.array([0.4, 0.2, 0.1])
    moved = PcaColour(values, vectors).apply(images, rng(2)) - images
    np.testing.assert_allclose(moved, np.broadcast_to(moved[:, :, :1, :1], moved.shape), atol=1e-6)
    draws = moved[:, :, 0, 0] @ vectors / values
    np.testing.assert_allclose(draws.std(0), 0.1, rtol=0.05)
    np.testing.assert_allclose(draws.mean(0), 0, atol=0.01)


@given(sides, sides)
def test_resize_to_the_same_size_is_the_identity(side: int, channels: int) -> None:
    images = rng(side).random((2, channels, side, side), np.float32)
    np.testing.assert_array_equal(Resize(side).apply(images, rng()), images)


@given(sides, sides, sides)
def test_resize_stays_within_the_values_and_keeps_constants(height: int, width: int, size: int) -> None:
    images = rng(height).random((2, 1, height, width), np.float32)
    resized = Resize(size).apply(images, rng())
    assert resized.shape == (2, 1, size, size)
    assert resized.min() >= images.min() - 1e-6
    assert resized.max() <= images.max() + 1e-6
    constant = np.full_like(images, 0.7)
    assert (Resize(size).apply(constant, rng()) == np.float32(0.7)).all()


@pytest.mark.parametrize("size", [9, 14, 31])
def test_enlarging_is_what_pillow_does(size: int) -> None:
    images = rng().random((1, 1, 9, 7), np.float32)
    expected = np.asarray(Image.fromarray(images[0, 0]).resize((size, size), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(Resize(size).apply(images, rng())[0, 0], expected, atol=1e-5)


def test_shrinking_is_without_antialiasing() -> None:
    image = np.arange(8, dtype=np.float32).reshape(1, 1, 1, 8).repeat(8, axis=2)
    np.testing.assert_allclose(Resize(2).apply(image, rng())[0, 0, 0], [1.5, 5.5])


@given(st.integers(2, 9), st.integers(2, 9), seeds)
def test_jitter_at_the_images_own_scale_is_a_crop(height: int, width: int, seed: int) -> None:
    short = min(height, width)
    size = max(1, short - 1)
    images = numbered(2, 1, height, width)
    for image, crop in zip(images[:, 0], ScaleJitter(short, short, size).apply(images, rng(seed))[:, 0], strict=True):
        windows = np.lib.stride_tricks.sliding_window_view(image, (size, size)).reshape(-1, size, size)
        assert np.abs(windows - crop).max(axis=(1, 2)).min() < 1e-3


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 6), st.integers(0, 6), st.integers(0, 6), seeds)
def test_jitter_stays_inside(height: int, width: int, size: int, more: int, range_: int, seed: int) -> None:
    """On a ramp along each side, positions can be read off: none leaves the image."""
    ramp = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij")).astype(np.float32)
    jitter = ScaleJitter(size + more, size + more + range_, size)
    crops = jitter.apply(np.repeat(ramp[None], 4, axis=0), rng(seed))
    assert crops.shape == (4, 2, size, size)
    for axis, length in ((0, height), (1, width)):
        steps = np.diff(crops[:, axis], axis=axis + 1)
        assert (steps >= -1e-5).all()
        assert crops[:, axis].min() >= 0
        assert crops[:, axis].max() <= length - 1


def test_jitter_scales_each_image_by_its_own_draw() -> None:
    ramp = np.broadcast_to(np.arange(32, dtype=np.float32), (2000, 1, 32, 32))
    crops = ScaleJitter(32, 64, 32).apply(ramp, rng())
    scales = np.rint(32 / (crops[:, 0, 16, 16] - crops[:, 0, 16, 15])).astype(int)
    assert (scales.min(), scales.max()) == (32, 64)
    assert len(np.unique(scales)) == 33


@given(sides, sides, sides)
def test_centre_crop_leaves_as_much_on_either_side(height: int, width: int, size: int) -> None:
    assume(size <= min(height, width))
    images = numbered(2, 1, height, width)
    top, left = (height - size) // 2, (width - size) // 2
    cropped = CentreCrop(size).apply(images, rng())
    np.testing.assert_array_equal(cropped, images[:, :, top : top + size, left : left + size])


def test_affine_that_does_nothing() -> None:
    images = rng().random((3, 2, 5, 6), np.float32)
    np.testing.assert_array_equal(RandomAffine(fill=9).apply(images, rng()), images)


@pytest.mark.parametrize("seed", range(5))
def test_affine_is_the_map_that_scipy_makes_of_the_same_draws(seed: int) -> None:
    images = rng(seed).random((1, 1, 9, 11), np.float32)
    affine = RandomAffine(translation=2, scale=0.3, squeeze=0.2, shear=0.4, fill=0.25)
    down, right, scale, squeeze, shear = rng(seed).uniform(-1, 1, 5)
    size, ratio = 1.3**scale, 1.2**squeeze
    # a new point from an old one, (row, column) from the centre: stretch, then shear what was stretched, then shift
    forward = np.array([[size / ratio, 0], [shear * 0.4, size * ratio]])
    backward = np.linalg.inv(forward)
    shift, centre = np.array([down, right]) * 2, np.array([4, 5])
    expected = ndimage.affine_transform(
        images[0, 0], backward, centre - backward @ (centre + shift), order=1, mode="grid-constant", cval=0.25
    )
    np.testing.assert_allclose(affine.apply(images, rng(seed))[0, 0], expected, atol=1e-4)


def test_affine_fills_from_outside() -> None:
    images = np.ones((200, 1, 4, 4), np.float32)
    moved = RandomAffine(translation=20, fill=-3).apply(images, rng())
    assert moved.min() == -3
    assert moved.max() <= 1


@given(sides, sides, sides)
def test_ten_views(height: int, width: int, size: int) -> None:
    assume(size <= min(height, width))
    images = numbered(2, 3, height, width)
    views = ten_views(images, size)
    assert views.shape == (10, 2, 3, size, size)
    bottom, right = height - size, width - size
    places = [(0, 0), (0, right), (bottom, 0), (bottom, right), (bottom // 2, right // 2)]
    for number, (row, column) in enumerate(places):
        view = images[:, :, row : row + size, column : column + size]
        np.testing.assert_array_equal(views[number], view)
        np.testing.assert_array_equal(views[number + 5], view[..., ::-1])
    np.testing.assert_array_equal(views[4], CentreCrop(size).apply(images, rng()))


@pytest.mark.parametrize(
    "make",
    [
        lambda: RandomCrop(0),
        lambda: RandomCrop(3, padding=-1),
        lambda: ScaleJitter(20, 10, 5),
        lambda: ScaleJitter(20, 30, 21),
        lambda: Resize(0),
        lambda: CentreCrop(0),
        lambda: RandomAffine(shear=-0.1),
        lambda: PcaColour(np.ones(3), np.eye(2)),
        lambda: RandomCrop(9).apply(numbered(1, 1, 8, 10), rng()),
        lambda: CentreCrop(9).apply(numbered(1, 1, 8, 10), rng()),
        lambda: ten_views(numbered(1, 1, 8, 10), 9),
        lambda: PcaColour(np.ones(3), np.eye(3)).apply(numbered(1, 1, 8, 10), rng()),
        lambda: principal_components(np.zeros((0, 3, 2, 2), np.uint8)),
    ],
)
def test_what_cannot_be_is_refused(make: object) -> None:
    with pytest.raises(InvalidInput, match=r"^augmentation: expected [^\n]*, got [^\n]*$"):
        make()  # type: ignore[operator]


def test_augmentations_are_frozen() -> None:
    for augmentation in ALL:
        assert dataclasses.is_dataclass(augmentation)
        assert type(augmentation).__dataclass_params__.frozen  # type: ignore[attr-defined]

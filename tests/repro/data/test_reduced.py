"""Images made smaller: means of blocks, whatever the number of images that are read at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from repro.data import Dataset, Split
from repro.data.images import reduced as module
from repro.data.images.reduced import reduced


def dataset(images: np.ndarray) -> Dataset:
    split = Split(images, np.zeros(len(images), np.int32))
    return Dataset("made-up", ("a",), split, split, "digest")


SHAPES = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(4, 9), st.integers(4, 9))


@given(SHAPES.flatmap(lambda shape: arrays(np.uint8, shape)), st.integers(2, 4))
def test_each_pixel_is_the_mean_of_its_block(images: np.ndarray, factor: int) -> None:
    found = reduced(dataset(images), factor).train.images[np.arange(len(images))]
    for place in np.ndindex(found.shape):
        count, channel, row, column = place
        block = images[count, channel, row * factor : (row + 1) * factor, column * factor : (column + 1) * factor]
        assert abs(float(found[place]) - block.mean()) <= 0.5 + 1e-4
    assert found.dtype == np.uint8
    assert found.shape[2:] == (images.shape[2] // factor, images.shape[3] // factor)


def test_a_factor_of_one_changes_nothing() -> None:
    whole = dataset(np.zeros((2, 1, 4, 4), np.uint8))
    assert reduced(whole, 1) is whole


def test_images_are_read_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    images = np.random.default_rng(0).integers(256, size=(7, 3, 6, 6), dtype=np.uint8)
    whole = reduced(dataset(images), 2).train.images
    monkeypatch.setattr(module, "AT_ONCE", 3)
    np.testing.assert_array_equal(reduced(dataset(images), 2).train.images, whole)

"""Bilinear sampling of batches of images in NumPy.

A pixel's value is at its centre (what Pillow does and PyTorch calls align_corners=False); there is no antialiasing, so
strong shrinking skips pixels.
"""

from __future__ import annotations

import numpy as np


def centres(count: int, length: int) -> np.ndarray:
    """Centres of `count` equal parts of `length` pixels, in pixels, float32 (count,)."""
    return ((np.arange(count) + 0.5) * (length / count) - 0.5).astype(np.float32)


def sample_grid(images: np.ndarray, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sample at the grid of rows and columns; coordinates beyond an edge take the edge's value.

    Images (n, C, H, W) float32, rows (n, h) and columns (n, w) in pixels -> (n, C, h, w) float32.
    """
    along_rows = _between(images, rows, axis=2)
    return np.ascontiguousarray(_between(along_rows, columns, axis=3))


def sample_points(images: np.ndarray, rows: np.ndarray, columns: np.ndarray, border: float) -> np.ndarray:
    """Sample at any points; outside the images the value is `border`.

    Images (n, C, H, W) float32, rows and columns (n, h, w) in pixels -> (n, C, h, w) float32.
    """
    count, channels, height, width = images.shape
    framed = np.pad(images, ((0, 0), (0, 0), (1, 1), (1, 1)), constant_values=border)
    flat = framed.reshape(count, channels, -1)
    top, down = _split(rows + 1, height + 2)
    left, right = _split(columns + 1, width + 2)

    def at(row: np.ndarray, column: np.ndarray) -> np.ndarray:
        index = (row * (width + 2) + column).reshape(count, 1, -1)
        return np.take_along_axis(flat, index, axis=2).reshape(count, channels, *rows.shape[1:])

    upper = _blend(at(top, left), at(top, left + 1), right[:, None])
    lower = _blend(at(top + 1, left), at(top + 1, left + 1), right[:, None])
    return _blend(upper, lower, down[:, None])


def _between(images: np.ndarray, positions: np.ndarray, axis: int) -> np.ndarray:
    """Values at positions (n, k) along one of the two axes of images (n, C, H, W)."""
    first, part = _split(positions, images.shape[axis])
    shape = [len(positions), 1, 1, 1]
    shape[axis] = positions.shape[1]
    index, part = first.reshape(shape), part.reshape(shape)
    second = np.minimum(index + 1, images.shape[axis] - 1)
    return _blend(np.take_along_axis(images, index, axis), np.take_along_axis(images, second, axis), part)


def _split(positions: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray]:
    """Positions, clipped to `length` pixels, as index of the pixel before and fraction to the next."""
    inside = np.clip(positions, 0, length - 1)
    first = np.clip(np.floor(inside).astype(np.intp), 0, max(length - 2, 0))
    return first, (inside - first).astype(np.float32)


def _blend(first: np.ndarray, second: np.ndarray, part: np.ndarray) -> np.ndarray:
    blended: np.ndarray = first + (second - first) * part
    return blended

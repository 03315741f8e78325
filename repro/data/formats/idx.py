"""The IDX format of MNIST: two zeros, a type, the number of dimensions, their sizes (big-endian), then the values."""

from __future__ import annotations

import math
import struct

import numpy as np

from repro.data.errors import BadData

UNSIGNED_BYTES = 8


def parse_idx(content: bytes, dimensions: int, where: object) -> np.ndarray:
    """The uint8 array of an IDX file, read-only; BadData naming `where` if it is no such file of `dimensions`."""
    magic = bytes((0, 0, UNSIGNED_BYTES, dimensions))
    if content[:4] != magic:
        raise BadData(
            f"{where} is no IDX file of bytes in {dimensions} dimensions: it begins with "
            f"{content[:4].hex(' ') or 'nothing'}, expected {magic.hex(' ')}"
        )
    start = 4 + 4 * dimensions
    if len(content) < start:
        raise BadData(f"{where} is cut off: expected {start} bytes of header, got {len(content)} bytes")
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    expected = start + math.prod(shape)
    if len(content) != expected:
        what = "cut off" if len(content) < expected else "too long"
        raise BadData(f"{where} is {what}: expected {expected} bytes, got {len(content)} bytes; fetch it again")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)

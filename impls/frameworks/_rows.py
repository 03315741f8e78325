"""Rows of a network that tricks of several frameworks are about (`Trick.about`)."""

from __future__ import annotations

from impls.layers import Conv, LocalResponseNorm, SpatialPyramid, WindowPyramid
from impls.network import Row


def in_groups(row: Row) -> bool:
    return isinstance(row.layer, Conv) and row.layer.groups > 1


def local_response_norm(row: Row) -> bool:
    return isinstance(row.layer, LocalResponseNorm)


def pyramid(row: Row) -> bool:
    """A pyramid of the whole map; those of windows are looked up in a table, with tricks and without."""
    return isinstance(row.layer, SpatialPyramid) and not isinstance(row.layer, WindowPyramid)

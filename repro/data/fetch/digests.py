"""Digests that identify data sets, independent of their place and packing."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping


def digest_of_contents(files: Mapping[str, bytes]) -> str:
    """SHA-256 (hex) over unpacked files: each one's name, length and content, in the names' order."""
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(f"{name}\0{len(content)}\0".encode())
        total.update(content)
    return total.hexdigest()


def digest_of_sizes(files: Iterable[tuple[str, int]]) -> str:
    """SHA-256 (hex) over relative paths (with '/') and sizes in bytes, in the paths' order: contents are not read."""
    total = hashlib.sha256()
    for name, size in sorted(files):
        total.update(f"{name}\0{size}\0".encode(errors="surrogateescape"))
    return total.hexdigest()

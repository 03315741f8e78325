"""What is installed in this Python."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Mapping, Sequence
from functools import cache


@cache
def owners() -> Mapping[str, Sequence[str]]:
    """The distributions of each top-level package, by its import name.

    Found once: it reads the list of files of everything that is installed, half a second where that is much.
    """
    return importlib.metadata.packages_distributions()

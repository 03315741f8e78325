"""Which parameters of a test are slow: `tox -e test` leaves them out, `-- -m slow` runs them."""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import Any

import pytest


def slow_but(quick: Container[Any], values: Iterable[Any]) -> list[Any]:
    """The values of one parameter, marked slow but for the quick ones, which cover the same code.

    Raises ValueError if none is quick: what was meant to be has another name.
    """
    values = list(values)
    if not any(one in quick for one in values):
        raise ValueError(f"none of {values} is quick; quick are {quick}")
    return [one if one in quick else pytest.param(one, marks=pytest.mark.slow) for one in values]

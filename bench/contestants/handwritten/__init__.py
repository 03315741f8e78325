"""The same networks written by hand, as an expert of each framework would: what a table must not cost.

`tox -e bench -- --suite handwritten-pytorch` (and so on) measures a translator against the code here, interleaved,
behind the same parity gate and in the same environment. Two networks are enough: LeNet-5 at batch 1 is nearly all
dispatch, VGG-A at batch 1 nearly all arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from impls.errors import Unsupported
from impls.frameworks import Plan
from impls.layers import Dropout

Written = TypeVar("Written")


def network_by_hand(plan: Plan, networks: Mapping[str, Written]) -> tuple[Written, float]:
    """What is written by hand for the plan's network, and the dropout rate (0 when parity is checked).

    Raises Unsupported for any other network.
    """
    name = plan.network.architecture
    if name not in networks:
        raise Unsupported(f"by hand there is only {' and '.join(networks)}, not {name}")
    rates = [layer.rate for layer in plan.network.layers if isinstance(layer, Dropout)]
    return networks[name], max(rates, default=0.0)

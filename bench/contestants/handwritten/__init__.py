"""Handwritten networks, as an expert of each framework would write them: measures the overhead of translated tables.

`tox -e bench -- --suite handwritten-pytorch` (and so on) compares a translator with the code here, interleaved,
after the same parity gate and in the same environment. Two networks suffice: LeNet-5 at batch 1 is dominated by
dispatch, VGG-A at batch 1 by arithmetic.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from impls.errors import Unsupported
from impls.frameworks import Plan, is_card
from impls.layers import Dropout

Written = TypeVar("Written")


def network_by_hand(plan: Plan, networks: Mapping[str, Written]) -> tuple[Written, float]:
    """The handwritten code for the plan's network, and the dropout rate (0 for the parity gate).

    Raises Unsupported for other networks, and for other devices than the CPU, where the code would compute anyway.
    """
    if is_card(plan.device):
        raise Unsupported(f"handwritten networks are placed on the CPU only, not on {plan.device}")
    name = plan.network.architecture
    if name not in networks:
        raise Unsupported(f"handwritten networks are {' and '.join(networks)}, not {name}")
    rates = [layer.rate for layer in plan.network.layers if isinstance(layer, Dropout)]
    return networks[name], max(rates, default=0.0)

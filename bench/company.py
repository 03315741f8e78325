"""Networks under other names: what of a suite has a name of its own is a group of its own, so can be timed alone.

A group is of one workload, and everyone who is given that workload takes turns in it. For suite `company`, which times
a contestant side by side with others and by itself in turns, there is one such name for each that is to be alone.
"""

from __future__ import annotations

from dataclasses import replace

from impls import load_architecture
from impls.network import Architecture


def _alone(name: str, letter: str) -> Architecture:
    own = load_architecture(name)
    return replace(own, name=f"bench.company.{name.upper()}_{letter}", title=f"{own.title}, for a contestant alone")


def original(name: str) -> str:
    """The network that stands under one of these names."""
    return name.rpartition(".")[2].rpartition("_")[0].lower()


LENET5_A, LENET5_B, LENET5_C = (_alone("lenet5", letter) for letter in "ABC")
ALEXNET_A, ALEXNET_B, ALEXNET_C = (_alone("alexnet", letter) for letter in "ABC")

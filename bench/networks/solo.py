"""Networks under other names: what of a suite has a name of its own is a group of its own, so can be timed alone.

A group is of one workload, and everyone who is given that workload takes turns in it. For suite `company`, which times
a contestant side by side with others and by itself in turns, there is one such name for each that is to be alone.
"""

from __future__ import annotations

from dataclasses import replace

from impls import load_architecture
from impls.network import Architecture

SOLO = "-solo-"
"""Stands between the network's name and the letter of the contestant that has it alone."""


def _alone(name: str, letter: str) -> Architecture:
    own = load_architecture(name)
    return replace(own, name=f"{name}{SOLO}{letter.lower()}", title=f"{own.title}, for a contestant alone")


def original(name: str) -> str | None:
    """The network that stands under one of these names; None for other names."""
    return name.partition(SOLO)[0] if SOLO in name else None


LENET5_A, LENET5_B, LENET5_C = (_alone("lenet5", letter) for letter in "ABC")
ALEXNET_A, ALEXNET_B, ALEXNET_C = (_alone("alexnet", letter) for letter in "ABC")
